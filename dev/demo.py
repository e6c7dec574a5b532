"""The demo: a real Airflow on this machine renders a movie, against the sandbox or, with a key, for real."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from airflow_provider_j2v.renders.result import bill_of
from dev.airflow_box import AirflowBox, free_port
from dev.airflow_client import BoxError

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "demo-output"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
CONFIG = {"operators.default_deferrable": "True"}


@contextmanager
def service() -> Iterator[dict[str, Any]]:
    """The fields of the connection to render with: the real service when there is a key for it."""
    if key := os.environ.get("JSON2VIDEO_API_KEY"):
        print("JSON2VIDEO_API_KEY is set: the REAL service renders. It bills one credit per second of video,")
        print("AI assets and 4K on top. Unset the key to use the sandbox, which is free.")
        yield {"conn_type": "json2video", "port": 443, "password": key}
    else:
        from airflow_provider_j2v.sandbox import Sandbox

        print("No JSON2VIDEO_API_KEY: a sandbox on this machine plays the service, nothing is billed.")
        with Sandbox(port=0, speed=4, key="sandbox") as sandbox:
            port = urlsplit(sandbox.url).port  # apart: Airflow 3.3.2 tests no connection that has none
            yield {"conn_type": "json2video", "host": "127.0.0.1", "port": port, "password": "sandbox"}


@contextmanager
def airflow(port: int = 0) -> Iterator[AirflowBox]:
    """A running Airflow with the example DAGs and the connection they use."""
    with service() as connection:
        began = time.monotonic()
        print("Starting Airflow: scheduler, triggerer, dag-processor, api-server ...")
        proxies = {name: os.environ[name] for name in PROXIES if name in os.environ}
        with AirflowBox(ROOT / "example_dags", port=port, config=CONFIG, env=proxies) as box:
            box.add_connection("json2video_default", **connection)
            print(f"Airflow is up at {box.url} after {time.monotonic() - began:.0f} s.\n")
            yield box


def run(example: str, timeout: float) -> int:
    """Run one example DAG and bring its movie home; the exit status."""
    dag_id = f"example_json2video_{example}"
    with airflow() as box:
        box.wait_for_dag(dag_id)
        if "JSON2VIDEO_API_KEY" in os.environ:
            print("Spending begins in 5 s, Ctrl-C to keep your credits.")
            time.sleep(5)
        began = time.monotonic()

        def say(task: str, state: str) -> None:
            print(f"{time.monotonic() - began:6.1f} s  {task:<24} {state}")

        say(dag_id, "triggered")
        begun, ended = [(dag_id, box.trigger(dag_id))], []
        while begun:
            dag_id, run_id = begun.pop(0)
            state = box.wait(dag_id, run_id, timeout, on_change=say)
            say(dag_id, state)
            if state != "success":
                report_failure(box, dag_id, run_id)
                return 1
            ended.append((dag_id, run_id))
            begun += triggered_by(box, dag_id)
        show_results(box, ended, example)
    return 0


def triggered_by(box: AirflowBox, dag_id: str) -> list[tuple[str, str]]:
    """The runs (DAG id, run id) of the DAGs that are scheduled on what the tasks of a DAG give out."""
    assets = box.rest("GET", "assets", params={"dag_ids": dag_id})["assets"]
    told = [asset for asset in assets if any(task["dag_id"] == dag_id for task in asset["producing_tasks"])]
    listeners = {dag["dag_id"] for asset in told for dag in asset["scheduled_dags"]}

    def runs_of(listener: str) -> list[tuple[str, str]]:
        return [(listener, run["dag_run_id"]) for run in box.rest("GET", f"dags/{listener}/dagRuns")["dag_runs"]]

    return [
        run
        for listener in sorted(listeners)
        for run in box.until(partial(runs_of, listener), 60, f"{listener} to begin")
    ]


def report_failure(box: AirflowBox, dag_id: str, run_id: str) -> None:
    """Print the end of each failed task's log."""
    for name, state in box.task_states(dag_id, run_id).items():
        if state == "failed":
            log = box.task_log(dag_id, run_id, *task_and_index(name))
            print(f"\n{name} failed, its log ends with:", *log.splitlines()[-30:], sep="\n  ")


def show_results(box: AirflowBox, runs: list[tuple[str, str]], example: str) -> None:
    """Fetch the movies that the tasks returned, each once; without any, show what else they returned."""
    returned = {}
    for dag_id, run_id in runs:
        for name in box.task_states(dag_id, run_id):
            task, index = task_and_index(name)
            with suppress(BoxError):  # it returned nothing
                returned[dag_id, name] = box.xcom(dag_id, run_id, task, map_index=index)
    results = [value for value in returned.values() if isinstance(value, dict) and {"project", "url"} <= value.keys()]
    movies = {result["url"]: result for result in sorted(results, key=lambda result: bool(result["destination"]))}
    for number, movie in enumerate(movies.values(), start=1):
        show_movie(movie, OUTPUT / f"{example}{f'-{number}' if number > 1 else ''}.mp4")
    if not movies:
        for (_, name), value in returned.items():
            print(f"\n{name} returned", *json.dumps(value, indent=2).splitlines()[:40], sep="\n  ")


def task_and_index(name: str) -> tuple[str, int]:
    """The parts of a task instance's name, `id` or `id[map_index]`."""
    task, _, index = name.rstrip("]").partition("[")
    return task, int(index or -1)


def show_movie(result: dict[str, Any], path: Path) -> None:
    """Download a finished movie and say what it is and what it cost."""
    path.parent.mkdir(exist_ok=True)
    with httpx.stream("GET", result["url"], follow_redirects=True, timeout=60) as answer:
        answer.raise_for_status()
        with path.open("wb") as file:
            for chunk in answer.iter_bytes():
                file.write(chunk)
    print(f"\nMovie    {path}")
    size = f"{path.stat().st_size:,} bytes, {result['width']}×{result['height']}"
    print(f"         {result['duration']} s, {size}")
    print(f"Credits  {bill_of(result['credits']).removeprefix('Credits: ')}")
    if result["destination"]:
        print(f"At home  {result['destination']}")
    print(f"Open it  {'open' if sys.platform == 'darwin' else 'xdg-open'} {shlex.quote(str(path))}")


def ui(example: str) -> int:
    """Keep Airflow running for a person with a browser."""
    with airflow(port=free_port(8080)) as box:
        dag_id = f"example_json2video_{example}"
        box.wait_for_dag(dag_id)
        print(f"Open {box.url}/dags/{dag_id} and click Trigger (no login). Ctrl-C here ends it all.")
        while True:
            time.sleep(3600)


def main() -> int:
    """The command line: `run EXAMPLE` or `ui`."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("what", choices=["run", "ui"])
    parser.add_argument("example", nargs="?", default="render")
    parser.add_argument("--timeout", type=float, default=600, help="seconds until the run is given up")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    # So that a plain `kill` also stops what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if arguments.what == "ui":
            return ui(arguments.example)
        return run(arguments.example, arguments.timeout)
    except KeyboardInterrupt:
        print("\nStopped, nothing is left running.")
        return 0 if arguments.what == "ui" else 130
    except (BoxError, TimeoutError, httpx.HTTPError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
