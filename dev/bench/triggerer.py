"""What many deferred renders cost a real triggerer: requests, CPU, and whether its event loop was ever blocked."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from airflow_provider_j2v.sandbox import Sandbox
from dev.airflow_box import AirflowBox

DAGS = Path(__file__).resolve().parents[2] / "tests" / "system" / "dags"
DAG = "many"
INTERVAL = 5
CONFIG = {"core.parallelism": "8", "scheduler.use_job_schedule": "False", "api.maximum_page_limit": "1000"}
#: What a triggerer says of itself when something held up its event loop.
BLOCKED = re.compile(r"async thread was blocked", re.IGNORECASE)


def main(renders: int, seconds: float) -> int:
    """Measure, and print; 1 if the loop was blocked or a render went wrong."""
    with (
        Sandbox(render="off") as sandbox,
        AirflowBox(DAGS, config=CONFIG, env={"RENDERS": str(renders), "POLL_INTERVAL": str(INTERVAL)}) as box,
    ):
        sandbox.variants.never_finish = True
        box.add_connection("json2video_default", conn_type="json2video", host=sandbox.url, password="sandbox")
        box.wait_for_dag(DAG)
        idle = _cpu(box, min(seconds, 20.0))
        run_id = box.trigger(DAG)
        box.until(lambda: _count(box, run_id, "deferred") == renders, 60 + 3 * renders, f"{renders} deferred tasks")
        time.sleep(2 * INTERVAL)
        before = sum(sandbox.journal.requests.values())
        busy = _cpu(box, seconds)
        asked = sum(sandbox.journal.requests.values()) - before
        sandbox.variants.never_finish = False
        box.until(lambda: box.run_state(DAG, run_id) in ("success", "failed"), 60 + 3 * renders, f"{DAG} to end")
        state = box.run_state(DAG, run_id)
        blocked = [line for log in _logs(box) for line in log.splitlines() if BLOCKED.search(line)]
    print(f"{renders} deferred renders, poll_interval {INTERVAL} s, over {seconds:.0f} s; the DAG run: {state}")
    print(f"requests              {asked / seconds:.2f} /s (one poll loop for each: {renders / INTERVAL:.0f} /s)")
    print(f"CPU of the triggerer  {100 * busy:.1f} % of a core, {100 * idle:.1f} % of it without triggers")
    print(f"paid                  {len(sandbox.journal.submissions)}, twice: {len(sandbox.journal.duplicates)}")
    print(f"blocked loop          {len(blocked)} lines in its log")
    for line in blocked[:5]:
        print(f"  {line}")
    return int(bool(blocked) or state != "success" or len(sandbox.journal.submissions) != renders)


def _cpu(box: AirflowBox, seconds: float) -> float:
    """The part of one core that the triggerer takes."""
    before = _cpu_seconds(box)
    began = time.monotonic()
    time.sleep(seconds)
    return (_cpu_seconds(box) - before) / (time.monotonic() - began)


def _cpu_seconds(box: AirflowBox) -> float:
    return sum(process.cpu_times().user + process.cpu_times().system for process in _running(box))


def _running(box: AirflowBox) -> Iterator[psutil.Process]:
    return (process for process in box.family("triggerer") if process.is_running())


def _count(box: AirflowBox, run_id: str, state: str) -> int:
    answer = box.rest("GET", f"dags/{DAG}/dagRuns/{run_id}/taskInstances", params={"limit": 1, "state": state})
    return int(answer["total_entries"])


def _logs(box: AirflowBox) -> Iterator[str]:
    for path in box.home.rglob("*.log"):
        if path.name == "triggerer.log" or "trigger" in path.name:
            yield path.read_text(errors="replace")
