"""What people and schedulers do to a render in a real Airflow: what becomes of the job and of the money.

All moves are made at once in one Airflow. Renders last until the sandbox's time is moved.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_j2v.sandbox import Sandbox
from dev.airflow_box import FAST_FAILOVER, AirflowBox

DAGS = Path(__file__).parent / "moves"
CONFIG = FAST_FAILOVER | {"scheduler.use_job_schedule": "False", "core.parallelism": "8"}
CASES = [
    "clear_while_waiting",
    "clear_while_waiting_changed",
    "clear_after_success",
    "clear_after_success_changed",
    "clear_after_failure",
    "mark_failed",
    "mark_failed_and_clear",
    "mark_success",
]
ROTATED = ["key_rotated", "key_rotated_and_cleared"]


class Moves:
    """One run for each case, and the moves made on it."""

    def __init__(self, box: AirflowBox, sandbox: Sandbox) -> None:
        self.box, self.sandbox = box, sandbox
        self.runs: dict[str, tuple[str, str]] = {}

    def start(self, case: str, dag_id: str = "moves", **conf: str) -> None:
        self.runs[case] = (dag_id, self.box.trigger(dag_id, {"case": case, **conf}))

    def state(self, case: str, *states: str, task: str = "render") -> str:
        return self.box.wait_task(*self.runs[case], task, *states, timeout=120)

    def clear(self, case: str) -> None:
        dag_id, run_id = self.runs[case]
        body = {"dag_run_id": run_id, "task_ids": ["render"], "dry_run": False, "only_failed": False}
        self.box.rest("POST", f"dags/{dag_id}/clearTaskInstances", json=body)

    def mark(self, case: str, state: str) -> None:
        dag_id, run_id = self.runs[case]
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/render"
        self.box.rest("PATCH", path, json={"new_state": state})

    def change_the_movie(self, case: str) -> None:
        self.box.rest("POST", "variables", json={"key": case, "value": "second"})

    def paid(self, case: str) -> list[str]:
        """The projects that were paid for in this run, in order."""
        _, run_id = self.runs[case]
        stamps = {p: json.loads(m.submitted)["client-data"]["airflow"] for p, m in self.sandbox.movies.items()}
        return [project for project, stamp in stamps.items() if stamp["run_id"] == run_id]

    def settled(self, case: str, count: int) -> None:
        """Wait until a run has paid for so many renders and waits for the last one."""
        self.box.until(lambda: len(self.paid(case)) >= count, 90, f"{case} to submit {count}")
        self.state(case, "deferred")

    def xcom(self, case: str) -> dict[str, Any]:
        return dict(self.box.xcom(*self.runs[case], "render"))

    def log(self, case: str, try_number: int | None = None) -> str:
        return self.box.task_log(*self.runs[case], "render", try_number=try_number)


@pytest.fixture(scope="module")
def moves() -> Iterator[Moves]:
    """Every move made, in as few waits as possible."""
    with Sandbox(port=0, key="sandbox", render="off") as sandbox, AirflowBox(DAGS, config=CONFIG) as box:
        fields = {"conn_type": "json2video", "host": sandbox.url, "password": "sandbox"}
        box.add_connection("json2video_default", **fields, extra={"submit_timeout": 3, "adopt_wait": 3})
        m = Moves(box, sandbox)
        for case in CASES:
            m.start(case)
        sandbox.accounts[0].other_keys["old"] = "render"
        box.add_connection("rotating", **fields | {"password": "old"})
        for case in ROTATED:
            m.start(case, conn="rotating")
        for case in ("run_timeout", "execution_timeout", "mapped", "group"):
            m.start(case, f"moves_{case}")
        for case in (*CASES, *ROTATED):
            m.state(case, "deferred")
        for index in range(3):
            m.state("mapped", "deferred", task=f"render[{index}]")

        # While they wait.
        m.clear("clear_while_waiting")
        m.change_the_movie("clear_while_waiting_changed")
        m.clear("clear_while_waiting_changed")
        for case in ("mark_failed", "mark_failed_and_clear"):
            m.mark(case, "failed")
        m.mark("mark_success", "success")
        m.clear("mark_failed_and_clear")
        box.until(lambda: ": running" in m.log("key_rotated"), 60, "the trigger to poll with the old key")
        sandbox.accounts[0].other_keys = {"new": "render"}
        body = {"connection_id": "rotating", **fields, "password": "new"}
        box.rest("PATCH", "connections/rotating", json=body)
        m.clear("key_rotated_and_cleared")
        sandbox.movies[m.paid("clear_after_failure")[0]].fate.error = "Scene #1: an asset was lost"
        m.settled("clear_while_waiting_changed", 2)
        for case in ("clear_while_waiting", "mark_failed_and_clear", "key_rotated_and_cleared"):
            box.until(lambda case=case: "Re-attaching" in m.log(case), 90, f"{case} to re-attach")
        m.state("execution_timeout", "failed", "up_for_retry")
        box.until(
            lambda: box.rest("GET", "dags/{}/dagRuns/{}".format(*m.runs["run_timeout"]))["state"] == "failed",
            60,
            "the run to time out",
        )

        for index in range(3):  # at least one retry each
            m.state("group", "up_for_retry", task=f"one.render[{index}]")

        # They end.
        sandbox.advance(3600)
        for case in (*CASES, *ROTATED):
            m.state(case, "success", "failed")
        m.state("execution_timeout", "success")
        box.wait(*m.runs["mapped"])
        box.wait(*m.runs["group"])

        # After the end.
        m.change_the_movie("clear_after_success_changed")
        for case in ("clear_after_success", "clear_after_success_changed", "clear_after_failure"):
            m.clear(case)
            m.settled(case, 2)
        sandbox.advance(3600)
        for case in ("clear_after_success", "clear_after_success_changed", "clear_after_failure"):
            m.state(case, "success")
        yield m


@pytest.mark.parametrize("case", ["clear_while_waiting", "key_rotated_and_cleared", "mark_failed_and_clear"])
def test_a_clear_with_the_same_movie_waits_for_the_render_that_is_paid(moves: Moves, case: str) -> None:
    assert moves.state(case, "success")
    assert [moves.xcom(case)["project"]] == moves.paid(case)


def test_a_key_that_is_rotated_during_the_wait_is_looked_up_anew_and_the_wait_goes_on(moves: Moves) -> None:
    assert moves.state("key_rotated", "success")
    assert [moves.xcom("key_rotated")["project"]] == moves.paid("key_rotated")
    assert "Re-attaching" not in moves.log("key_rotated")


def test_a_clear_with_a_changed_movie_gives_the_old_render_up_aloud(moves: Moves) -> None:
    first, second = moves.paid("clear_while_waiting_changed")
    assert moves.xcom("clear_while_waiting_changed")["project"] == second
    assert f"Project {first} of an earlier try is given up because the input has changed" in moves.log(
        "clear_while_waiting_changed"
    )


@pytest.mark.parametrize("case", ["clear_after_success", "clear_after_success_changed", "clear_after_failure"])
def test_a_clear_after_the_end_is_one_new_render(moves: Moves, case: str) -> None:
    _, second = moves.paid(case)
    assert moves.xcom(case)["project"] == second


@pytest.mark.parametrize(("case", "state"), [("mark_failed", "failed"), ("mark_success", "success")])
def test_a_mark_while_deferred_submits_nothing_and_says_that_the_render_goes_on(
    moves: Moves, case: str, state: str
) -> None:
    assert moves.state(case, "success", "failed") == state
    (project,) = moves.paid(case)
    assert f"Project {project} goes on at JSON2Video" in moves.log(case)


def test_a_run_that_times_out_submits_nothing_more(moves: Moves) -> None:
    assert moves.state("run_timeout", "skipped", "failed")
    assert len(moves.paid("run_timeout")) == 1


def test_execution_timeout_counts_while_deferred_and_its_retries_wait_for_the_same_render(moves: Moves) -> None:
    assert "not finished at the deadline" in moves.log("execution_timeout", 1)
    assert [moves.xcom("execution_timeout")["project"]] == moves.paid("execution_timeout")


def test_mapped_tasks_pay_once_each(moves: Moves) -> None:
    projects = [moves.box.xcom(*moves.runs["mapped"], "render", map_index=i)["project"] for i in range(3)]
    assert projects == moves.paid("mapped") or sorted(projects) == sorted(moves.paid("mapped"))
    assert len(set(projects)) == 3


def test_retries_in_a_mapped_task_group_wait_for_the_render_that_each_has_paid(moves: Moves) -> None:
    results = [moves.box.xcom(*moves.runs["group"], "one.render", map_index=i) for i in range(3)]
    assert [result["client_data"] for result in results] == [{"number": n} for n in (1, 2, 3)]
    assert sorted(result["project"] for result in results) == sorted(moves.paid("group"))


def test_no_tag_was_ever_accepted_twice(moves: Moves) -> None:
    assert moves.sandbox.journal.duplicates == []
