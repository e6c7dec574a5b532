"""Real Airflow processes are killed and frozen at every moment of a render: one task, one movie, one charge.

All cases run at once in one Airflow, each against a sandbox of its own, so that the waits for Airflow to give a dead
worker up are one wait.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil
import pytest

from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.sandbox.rendering import CANNED
from dev.airflow_box import FAST_FAILOVER, AirflowBox, worker_family

DAG = "struck"

#: Seconds for which a thawed task runs without its supervisor, which would end it as soon as it beat its heart.
HEAD_START = 2.0


@dataclass(frozen=True)
class Case:
    """What happens to the worker of the first try, and when.

    ``taken`` is for a POST that the service never answers: whether it takes the movie. The blow falls while it hangs.
    """

    blow: Literal["killed", "frozen"]
    moment: str
    taken: bool | None = None

    @property
    def hangs(self) -> bool:
        return self.taken is not None

    @property
    def name(self) -> str:
        moments = {None: self.moment, False: "the POST is on the wire", True: "the POST was taken"}
        return f"{self.blow} {moments[self.taken]}"


MOMENTS = (
    ("before anything", None),
    ("before intent is written", None),
    ("after intent is written", None),
    ("connected", None),
    ("connected", False),
    ("connected", True),
    ("before submitted is written", None),
    ("before the deferral", None),
    ("after the event", None),
    ("in the download", None),
    ("after the download", None),
    ("before success is recorded", None),
)
KILLED, FROZEN = ([Case(blow, *moment) for moment in MOMENTS] for blow in ("killed", "frozen"))


class Play:
    """One case on stage: its own service, its own connection, its own DAG run."""

    def __init__(self, case: Case, box: AirflowBox, folder: Path, sandbox: Sandbox) -> None:
        self.case, self.box, self.sandbox = case, box, sandbox
        self.folder = folder / case.name.replace(" ", "-")
        self.folder.mkdir()
        self.fault = sandbox.faults.add("submit", "hang", after=case.taken) if case.hangs else None
        conn_id = self.folder.name
        # A POST that hangs must outlast the blow.
        extra = {"submit_timeout": 12 if case.hangs else 3, "adopt_wait": 3}
        box.add_connection(conn_id, conn_type="json2video", host=sandbox.url, password="sandbox", extra=extra)
        self.conf = {"moment": case.moment, "stop": not case.hangs, "folder": str(self.folder), "conn_id": conn_id}
        self.run_id = ""
        self.worker: list[psutil.Process] = []

    def begin(self) -> None:
        self.run_id = self.box.trigger(DAG, self.conf)

    def struck(self) -> bool:
        """Strike as soon as the moment has come; true when it is done."""
        if not self.worker and (self.folder / "reached").exists() and self._at_the_service():
            self.worker = worker_family(int((self.folder / "reached").read_text()))
            for process in self.worker:
                process.send_signal(signal.SIGKILL if self.case.blow == "killed" else signal.SIGSTOP)
        return bool(self.worker)

    def _at_the_service(self) -> bool:
        if self.fault is None:
            return True
        return self.fault.hits == 1 and len(self.projects) == self.case.taken

    @property
    def projects(self) -> list[str]:
        return [submission.project for submission in self.sandbox.journal.submissions]

    def ended(self) -> dict[str, Any]:
        """What came of it, once the DAG run succeeded."""
        assert self.box.wait(DAG, self.run_id) == "success", self.log()
        return self.outcome()

    def outcome(self) -> dict[str, Any]:
        ti = self.box.rest("GET", f"dags/{DAG}/dagRuns/{self.run_id}/taskInstances/render")
        return {
            "state": ti["state"],
            "try": ti["try_number"],
            "xcom": self.box.xcom(DAG, self.run_id, "render", "project"),
            "result": self.box.xcom(DAG, self.run_id, "render")["project"],
            "home": (self.folder / "movie.mp4").read_bytes() == CANNED.read_bytes(),
        }

    def log(self, try_number: int | None = None) -> str:
        return self.box.task_log(DAG, self.run_id, "render", try_number=try_number)


@pytest.fixture(scope="module")
def box() -> Iterator[AirflowBox]:
    config = {**FAST_FAILOVER, "core.parallelism": str(2 * len(KILLED + FROZEN)), "scheduler.use_job_schedule": "False"}
    with AirflowBox(Path(__file__).parent / "dags", config=config, env={"RENDERS": "1"}) as box:
        yield box


@pytest.fixture(scope="module")
def plays(box: AirflowBox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Case, Play]]:
    """Every case, begun and struck."""
    folder = tmp_path_factory.mktemp("stage")
    with ExitStack() as stack:
        plays = {
            case: Play(case, box, folder, stack.enter_context(Sandbox(render="off", speed=2)))
            for case in KILLED + FROZEN
        }
        waiting = list(plays.values())
        for play in waiting:
            play.begin()
        began = time.monotonic()
        while waiting and time.monotonic() - began < 120:
            box.check()
            waiting = [play for play in waiting if not play.struck()]
            time.sleep(0.05)
        assert not waiting, f"never reached: {[play.case.name for play in waiting]}"
        yield plays


@pytest.fixture(scope="module")
def ends(plays: dict[Case, Play]) -> dict[Case, dict[str, Any]]:
    """What came of every frozen case while its first worker was frozen; now that one was thawed, and is gone."""
    ends = {case: plays[case].ended() for case in FROZEN}
    workers = [plays[case].worker for case in FROZEN]
    tasks = [process for _, *task in workers for process in task]
    for case in FROZEN:
        (plays[case].folder / "go").touch()
    for process in tasks:
        process.send_signal(signal.SIGCONT)
    time.sleep(HEAD_START)
    for supervisor, *_ in workers:
        supervisor.send_signal(signal.SIGCONT)
    _, alive = psutil.wait_procs(tasks, timeout=60)
    assert not alive
    return ends


@pytest.mark.parametrize("case", KILLED, ids=lambda case: case.name)
def test_a_killed_worker_ends_in_one_paid_movie(plays: dict[Case, Play], case: Case) -> None:
    end = plays[case].ended()
    (project,) = plays[case].projects
    assert end == {"state": "success", "try": end["try"], "xcom": project, "result": project, "home": True}
    assert end["try"] > 1


@pytest.mark.parametrize("case", FROZEN, ids=lambda case: case.name)
def test_a_thawed_worker_neither_pays_nor_changes_the_task(
    plays: dict[Case, Play], ends: dict[Case, dict[str, Any]], case: Case
) -> None:
    play, end = plays[case], ends[case]
    (project,) = play.projects
    assert end == {"state": "success", "try": end["try"], "xcom": project, "result": project, "home": True}
    assert end["try"] > 1
    assert play.outcome() == end, play.log(1)


def test_a_killed_triggerer_delays_the_movie_and_no_more(box: AirflowBox, tmp_path: Path) -> None:
    with Sandbox(render="off", speed=0.1) as sandbox:
        play = Play(Case("killed", "never"), box, tmp_path, sandbox)
        play.begin()
        box.wait_task(DAG, play.run_id, "render", "deferred")
        box.kill("triggerer")
        sandbox.advance(600)
        box.start("triggerer")
        end = play.ended()
        (project,) = play.projects
        assert end == {"state": "success", "try": 1, "xcom": project, "result": project, "home": True}
