"""A soak: many renders in a real Airflow whose workers die at random, at a service that loses answers.

Every render must end well, and be paid once.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from airflow_provider_j2v.sandbox import Sandbox
from dev.airflow_box import FAST_FAILOVER, AirflowBox, worker_family

DAGS = Path(__file__).resolve().parent.parent / "tests" / "system" / "dags"
DAG = "many"

CONFIG = {
    **FAST_FAILOVER,
    "core.parallelism": "16",
    "scheduler.use_job_schedule": "False",
    "api.maximum_page_limit": "1000",
}

# What goes wrong with a POST, how often. A delay comes on top of the rest.
FAULTS: list[dict[str, Any]] = [
    {"kind": "delay", "seconds": 1.5, "probability": 0.4},
    {"kind": "hang", "after": True, "probability": 0.05},
    {"kind": "reset", "after": True, "probability": 0.1},
    {"kind": "status", "status": 504, "after": True, "probability": 0.05},
    {"kind": "hang", "probability": 0.05},
    {"kind": "reset", "probability": 0.05},
]


@dataclass(frozen=True)
class Report:
    """What a soak came to."""

    renders: int
    seconds: float
    kills: int
    states: dict[str, int]
    tries: int
    requests: dict[str, int]
    paid: int
    duplicates: int
    """Renders paid for beyond the first of each task."""

    lost: int
    """Tasks without the one result that was paid for."""

    @property
    def passed(self) -> bool:
        return self.states == {"success": self.renders} and not self.duplicates and not self.lost

    def __str__(self) -> str:
        def counts(of: dict[str, int]) -> str:
            return ", ".join(f"{n} {name}" for name, n in sorted(of.items()))

        lines = {
            "renders": f"{self.renders}, {counts(self.states)}",
            "duration": f"{self.seconds:.0f} s",
            "kills": self.kills,
            "tries": self.tries,
            "requests": counts(self.requests),
            "paid": self.paid,
            "duplicates": self.duplicates,
            "lost": self.lost,
        }
        return "\n".join(f"{name:<12}{value}" for name, value in lines.items())


def soak(renders: int, minutes: float, seed: int) -> Report:
    """Kill workers for some minutes, or until all is rendered, and let the rest come to its end."""
    chance = random.Random(seed)
    with (
        Sandbox(render="off", queue_seconds=5) as sandbox,
        AirflowBox(DAGS, config=CONFIG, env={"RENDERS": str(renders)}) as box,
    ):
        for fault in FAULTS:
            sandbox.faults.add("submit", times=None, **fault)
        extra = {"submit_timeout": 3, "adopt_wait": 3, "namespace": "soak"}
        fields = {"conn_type": "json2video", "host": sandbox.url, "password": "sandbox", "extra": extra}
        box.add_connection("json2video_default", **fields)
        run_id = box.trigger(DAG)
        began = time.monotonic()
        kills = 0
        while box.run_state(DAG, run_id) in ("queued", "running") and time.monotonic() - began < minutes * 60:
            box.check()
            kills += kill_one(box, chance)
            time.sleep(chance.uniform(0.2, 1.5))
        box.until(lambda: box.run_state(DAG, run_id) in ("success", "failed"), 600, f"{DAG} to end")
        tasks = box.rest("GET", f"dags/{DAG}/dagRuns/{run_id}/taskInstances", params={"limit": 1000})["task_instances"]
        states = Counter(str(task["state"]) for task in tasks)
        results = {
            task["map_index"]: box.xcom(DAG, run_id, "render", map_index=task["map_index"])["project"]
            for task in tasks
            if task["state"] == "success"
        }
        paid = {movie.project: movie.client_data["number"] for movie in sandbox.movies.values()}
        return Report(
            renders=renders,
            seconds=time.monotonic() - began,
            kills=kills,
            states=dict(states),
            tries=sum(task["try_number"] for task in tasks),
            requests=dict(sandbox.journal.requests),
            paid=len(paid),
            duplicates=len(paid) - len(set(paid.values())),
            lost=renders - sum(paid.get(project) == index for index, project in results.items()),
        )


def kill_one(box: AirflowBox, chance: random.Random) -> bool:
    """Kill one worker, supervisor and task, if one is at work."""
    with suppress(IndexError, psutil.NoSuchProcess):
        task = chance.choice(box.tasks())
        supervisor, *family = worker_family(task.pid)
        # Airflow's own bookkeeping begins when the task ends: stop that, and see that it has not ended.
        supervisor.send_signal(signal.SIGSTOP)
        ended = task.status() == psutil.STATUS_ZOMBIE
        for process in [] if ended else [*family, supervisor]:
            process.kill()
        if ended:
            supervisor.send_signal(signal.SIGCONT)
        return not ended
    return False


def main() -> int:
    """Run one soak; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dev.soak", description=__doc__)
    parser.add_argument("--renders", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=3, help="for how long workers are killed")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    arguments = parser.parse_args()
    print(f"{arguments.renders} renders, workers are killed for {arguments.minutes:g} min, seed {arguments.seed} ...")
    report = soak(arguments.renders, arguments.minutes, arguments.seed)
    print(report)
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
