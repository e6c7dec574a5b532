"""What a cluster needs beside Airflow: PostgreSQL and Redis, on loopback, from temporary folders, gone at the end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from dev.airflow_box import COMPONENTS, free_port

TRIGGERER = COMPONENTS["triggerer"]


def celery_worker(name: str) -> list[str]:
    """The command of a Celery worker of eight processes."""
    return ["celery", "worker", "--skip-serve-logs", "-c", "8", "-H", f"{name}@localhost", "--pid", f"{name}.pid"]


CELERY_CONFIG: Mapping[str, str] = {
    "core.executor": "CeleryExecutor",
    # What a dead worker had fetched and not begun is queued again after this many seconds.
    "scheduler.task_queued_timeout": "15",
    "scheduler.task_queued_timeout_check_interval": "3",
}


def missing() -> str:
    """What must be installed before a cluster can run here, or nothing."""
    programs = {"PostgreSQL": _program("initdb"), "Redis": _program("redis-server")}
    modules = {"the extra 'cluster'": find_spec("psycopg2"), "Airflow's Celery provider": find_spec("celery")}
    return ", ".join(name for name, found in {**programs, **modules}.items() if not found)


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database."""
    port = free_port()
    with _folder("postgres") as (folder, user):
        options = ["--auth=trust", "--username=airflow", "--no-sync", "--encoding=UTF8", "--locale=C"]
        init = [_program("initdb"), f"--pgdata={folder}/data", *options]
        subprocess.run(init, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        server = [_program("postgres"), "-D", f"{folder}/data", "-h", "127.0.0.1", "-p", str(port), "-k", str(folder)]
        settings = ["-c", "fsync=off", "-c", "max_connections=300"]
        ready = [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        with _server([*server, *settings], ready, folder, user):
            yield f"postgresql+psycopg2://airflow@127.0.0.1:{port}/postgres"


@contextmanager
def redis() -> Iterator[str]:
    """The URL of an empty broker."""
    port = free_port()
    with _folder("redis") as (folder, user):
        server = [_program("redis-server"), "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
        ready = [_program("redis-cli"), "-p", str(port), "ping"]
        with _server(server, ready, folder, user):
            yield f"redis://127.0.0.1:{port}/0"


def _program(name: str) -> str:
    """Where a program is; Debian keeps PostgreSQL's off the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=os.pathsep.join([*map(str, debian), os.environ["PATH"]])) or ""


@contextmanager
def _folder(user: str) -> Iterator[tuple[Path, str | None]]:
    """A temporary folder and its owner: the given user for root, as which PostgreSQL refuses to run."""
    owner = None if os.geteuid() else user
    with tempfile.TemporaryDirectory(prefix=f"airflow-{user}-") as folder:
        if owner:
            shutil.chown(folder, owner)
        yield Path(folder), owner


@contextmanager
def _server(command: Sequence[str], ready: Sequence[str], folder: Path, user: str | None) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, user=user, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 30
        while subprocess.run(ready, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start:\n{(folder / 'log').read_text(errors='replace')}")
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
