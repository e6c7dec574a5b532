"""A batch in a real Airflow whose worker is killed twice and whose triggerer once, then cleared twice.

Every row must be paid for once, the manifest must tell the truth, and a clear must pay for what has changed alone.
With ``mapped``: the same renders as mapped tasks, for comparison.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil

from airflow_provider_j2v.sandbox import Sandbox
from dev.airflow_box import FAST_FAILOVER, AirflowBox, worker_family

DAGS = Path(__file__).resolve().parent.parent / "tests" / "system" / "dags"
CONFIG = {**FAST_FAILOVER, "scheduler.use_job_schedule": "False", "api.maximum_page_limit": "1000"}
#: Every so many rows one fails.
FAILS = 20
CHANGED = 10


@dataclass
class Watch:
    """Where the time and the memory of a run went, looked at again and again."""

    box: AirflowBox
    dag: str
    run_id: str
    seconds: Counter[str] = field(default_factory=Counter)
    worker_seconds: float = 0.0
    worker_rss: int = 0
    triggerer_rss: int = 0

    def look(self, interval: float) -> None:
        """Once: states of tasks, and what is in memory."""
        if self.dag == "batch":
            states = self.box.task_states(self.dag, self.run_id).values()
            self.seconds.update({str(state): interval for state in states})
        tasks = self.box.tasks()
        self.worker_seconds += interval * len(tasks)
        for process in tasks:
            with suppress(psutil.Error):
                self.worker_rss = max(self.worker_rss, process.memory_info().rss)
        for process in self.box.family("triggerer") if "triggerer" in self.box.processes else ():
            with suppress(psutil.Error):
                self.triggerer_rss = max(self.triggerer_rss, process.memory_info().rss)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Look every half second meanwhile, from a thread of its own."""
        over = Event()

        def watch() -> None:
            last = time.monotonic()
            while not over.wait(0.5):
                now = time.monotonic()
                with suppress(Exception):  # the triggerer is down for a moment
                    self.look(now - last)
                last = now

        thread = Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


class Batch:
    """One batch, its service and its files."""

    def __init__(self, box: AirflowBox, sandbox: Sandbox, folder: Path, rows: int) -> None:
        self.box, self.sandbox, self.folder = box, sandbox, folder
        self.items = [
            {"key": f"row-{i}", "seconds": 1 + i % 7, "text": "" if i % FAILS == 7 else f"Row {i}", "version": 1}
            for i in range(rows)
        ]
        self.run_id = ""

    @property
    def paid(self) -> Counter[str]:
        """Accepted submissions by row."""
        stamps = [movie.client_data["airflow"] for movie in list(self.sandbox.movies.values())]
        return Counter(str(stamp["row"]) for stamp in stamps)

    def write_items(self) -> Path:
        path = self.folder / "items.jsonl"
        path.write_text("\n".join(map(json.dumps, self.items)))
        return path

    def begin(self) -> None:
        conf = {"items": str(self.write_items()), "folder": str(self.folder)}
        self.run_id = self.box.trigger("batch", conf)

    def kill_worker(self, after: int) -> None:
        """Kill the worker once so many rows were submitted."""
        while sum(self.paid.values()) < after or not self._killed():
            self.box.check()
            time.sleep(0.02)
        print(f"the worker was killed at {sum(self.paid.values())} submissions", flush=True)

    def _killed(self) -> bool:
        for task in self.box.tasks():
            with suppress(psutil.NoSuchProcess, AssertionError):
                for process in worker_family(task.pid):
                    process.send_signal(signal.SIGKILL)
                return True
        return False

    def kill_triggerer(self) -> None:
        self.box.wait_task("batch", self.run_id, "render", "deferred", timeout=300)
        self.box.kill("triggerer")
        print("the triggerer was killed", flush=True)
        self.box.start("triggerer")

    def clear(self) -> None:
        """As a person does in the UI."""
        self.write_items()
        body = {"dag_run_id": self.run_id, "dry_run": False, "only_failed": False, "reset_dag_runs": True}
        self.box.rest("POST", "dags/batch/clearTaskInstances", json=body)

    def end(self, timeout: float) -> dict[str, Any]:
        """Wait for the end; the summary."""
        state = self.box.wait("batch", self.run_id, timeout)
        if state != "success":
            raise SystemExit(f"the run is {state}:\n{self.box.task_log('batch', self.run_id, 'render')[-6000:]}")
        return dict(self.box.xcom("batch", self.run_id, "render"))

    def problems(self, summary: dict[str, Any]) -> Iterator[str]:
        """What is not as it must be."""
        lines = [json.loads(line) for line in (self.folder / "manifest.jsonl").read_text().splitlines()]
        failing = {item["key"] for item in self.items if not item["text"]}
        if [line["key"] for line in lines] != [item["key"] for item in self.items]:
            yield "the manifest has other rows than the items"
        for line, item in zip(lines, self.items, strict=False):
            movie = self.sandbox.movies.get(str(line["project"]))
            wanted = "error" if item["key"] in failing else "done"
            if line["status"] != wanted or movie is None or movie.client_data["airflow"]["row"] != item["key"]:
                yield f"a wrong line: {line}"
            elif wanted == "done" and not (line["url"] and Path(line["file"]).stat().st_size == line["size"]):
                yield f"no such file: {line}"
        wanted_summary = {"total": len(self.items), "done": len(self.items) - len(failing), "failed": len(failing)}
        if {name: summary[name] for name in wanted_summary} != wanted_summary:
            yield f"a wrong summary: {summary}"


def run(rows: int, speed: float) -> int:
    """One batch with two kills of its worker and one of the triggerer, then two clears; the exit status."""
    problems: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="batch-") as folder,
        Sandbox(render="off", speed=speed, credits=100_000, queue_seconds=20, seconds_per_second=5) as sandbox,
        AirflowBox(DAGS, config=CONFIG, env={"RENDERS": "1"}) as box,
    ):
        connect(box, sandbox)
        batch = Batch(box, sandbox, Path(folder), rows)
        batch.begin()
        watch = Watch(box, "batch", batch.run_id)
        began = time.monotonic()
        with watch.running():
            batch.kill_worker(min(rows, 100) // 2)
            batch.kill_triggerer()
            batch.kill_worker(rows * 3 // 4)
            summary = batch.end(timeout=3600)
        _tell(rows, time.monotonic() - began, watch, sandbox)
        paid = batch.paid
        problems += [f"{row} was paid for {n} times" for row, n in paid.items() if n != 1]
        problems += [] if len(paid) == rows else [f"{rows - len(paid)} rows were not paid for"]
        problems += batch.problems(summary)

        for what, change in (("failed rows were mended", _mend), (f"{CHANGED} rows were changed", _change)):
            before, expected = batch.paid, change(batch.items)
            batch.clear()
            time.sleep(2)
            problems += batch.problems(batch.end(timeout=1800))
            new = batch.paid - before
            print(f"{what} and the task cleared: {sum(new.values())} new submissions")
            problems += [] if new == Counter(expected) else [f"{what}: {sum(new.values())} instead of {len(expected)}"]
    print(*(problems or ["all is as it must be"]), sep="\n")
    return int(bool(problems))


def _mend(items: list[dict[str, Any]]) -> list[str]:
    failing = [item for item in items if not item["text"]]
    for item in failing:
        item["text"] = "mended"
    return [item["key"] for item in failing]


def _change(items: list[dict[str, Any]]) -> list[str]:
    some = items[:: len(items) // CHANGED][:CHANGED]
    for item in some:
        item["version"] += 1
    return [item["key"] for item in some]


def mapped(rows: int, speed: float) -> int:
    """The same renders as mapped tasks, and what they need."""
    with (
        Sandbox(render="off", speed=speed, credits=100_000, queue_seconds=20, seconds_per_second=5) as sandbox,
        AirflowBox(DAGS, config={**CONFIG, "core.parallelism": "16"}, env={"RENDERS": str(rows)}) as box,
    ):
        connect(box, sandbox)
        run_id = box.trigger("many")
        watch = Watch(box, "many", run_id)
        began = time.monotonic()
        with watch.running():
            while (state := box.run_state("many", run_id)) in ("queued", "running"):
                box.check()
                time.sleep(2)
        _tell(rows, time.monotonic() - began, watch, sandbox)
        print(f"state        {state}")
        return int(state != "success" or len(sandbox.movies) != rows)


def connect(box: AirflowBox, sandbox: Sandbox) -> None:
    """The connection that the DAGs use."""
    extra = {"submit_timeout": 5, "adopt_wait": 5, "namespace": "batch"}
    box.add_connection("json2video_default", conn_type="json2video", host=sandbox.url, password="sandbox", extra=extra)


def _tell(rows: int, seconds: float, watch: Watch, sandbox: Sandbox) -> None:
    requests = ", ".join(f"{n} {name}" for name, n in sorted(sandbox.journal.requests.items()))
    lines = {
        "rows": rows,
        "duration": f"{seconds:.0f} s",
        "submissions": len(sandbox.movies),
        "requests": requests,
        "bytes": f"{sandbox.journal.bytes_out / 1e6:.1f} MB sent by the service",
        "worker": f"{watch.worker_seconds:.0f} s of task processes, at most {watch.worker_rss / 2**20:.0f} MiB each",
        "triggerer": f"at most {watch.triggerer_rss / 2**20:.0f} MiB in one process",
    }
    if watch.seconds:
        states = ", ".join(f"{n:.0f} s {state}" for state, n in watch.seconds.most_common())
        waited = watch.seconds["deferred"] / max(watch.seconds["deferred"] + watch.worker_seconds, 1)
        lines |= {"states": states, "deferred": f"{waited:.1%} of the time in which it was not queued"}
    print("\n".join(f"{name:<12} {value}" for name, value in lines.items()), flush=True)


def main() -> int:
    """The command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dev.batch", description=__doc__)
    parser.add_argument("how", nargs="?", choices=["batch", "mapped"], default="batch")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--speed", type=float, default=5, help="of the service's clock")
    arguments = parser.parse_args()
    return (run if arguments.how == "batch" else mapped)(arguments.rows, arguments.speed)


if __name__ == "__main__":
    sys.exit(main())
