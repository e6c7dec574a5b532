"""A real Airflow in a box: separate processes on loopback, in a temporary home, gone without a trace.

Example::

    with AirflowBox(dags="example_dags") as box:
        box.add_connection("json2video_default", conn_type="json2video", host=url, password=key)
        run_id = box.trigger("example_json2video_render")
        assert box.wait("example_json2video_render", run_id) == "success"
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import httpx
import psutil

from dev.airflow_client import AirflowClient, BoxError, tail

COMPONENTS = {
    # Without --skip-serve-logs these two would listen on every interface.
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "api-server": ["api-server"],
}

# For tests that kill components: a dead one is noticed in seconds instead of half a minute.
FAST_FAILOVER = {
    "scheduler.job_heartbeat_sec": "1",
    "scheduler.scheduler_health_check_threshold": "6",
    "scheduler.task_instance_heartbeat_timeout": "10",
    "scheduler.task_instance_heartbeat_timeout_detection_interval": "2",
    "workers.min_heartbeat_interval": "1",
    "triggerer.job_heartbeat_sec": "1",
    "triggerer.triggerer_health_check_threshold": "6",
}

SQL_CONN = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"

# What a process calls itself as soon as it runs a task.
TASK_TITLE = re.compile(r"airflow worker -- [0-9a-f]{8}-")

# All that is taken over from outside: stray AIRFLOW__ variables, PYTHONPATH or a proxy are not.
INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")


class AirflowBox(AirflowClient):
    """This interpreter's Airflow in four processes or more, as a context manager."""

    def __init__(
        self,
        dags: str | Path,
        *,
        port: int = 0,
        sql_alchemy_conn: str | None = None,
        components: Mapping[str, list[str]] = COMPONENTS,
        config: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """`components` are process names and their `airflow` command lines.

        `config` is merged into Airflow's own as {"section.option": value}, `env` into the environment.
        """
        self.port = port or free_port()
        super().__init__(f"http://127.0.0.1:{self.port}")
        self.home = Path(tempfile.mkdtemp(prefix="airflow-box-"))
        self.logs = self.home / "component-logs"
        self.components = components
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._sessions: set[int] = set()
        settings = {
            "core.dags_folder": str(Path(dags).resolve()),
            "core.executor": "LocalExecutor",
            "core.parallelism": "4",
            "core.load_examples": "False",
            "core.test_connection": "Enabled",
            "core.dags_are_paused_at_creation": "False",
            "core.simple_auth_manager_all_admins": "True",
            "core.execution_api_server_url": f"{self.url}/execution/",
            "api.base_url": self.url,
            "api.host": "127.0.0.1",
            "api.port": str(self.port),
            "api_auth.jwt_secret": secrets.token_hex(32),
            # Many tasks at once keep SQLite locked for longer than its 5 seconds of patience, and it has patience only
            # with those who say when they begin that they will write.
            "database.sql_alchemy_conn": sql_alchemy_conn
            or f"sqlite:///{self.home}/airflow.db?timeout=60&isolation_level=IMMEDIATE",
            "database.load_default_connections": "False",
            "dag_processor.refresh_interval": "2",
            "dag_processor.min_file_process_interval": "10",
            "scheduler.scheduler_idle_sleep_time": "0.5",
            "usage_data_collection.enabled": "False",
            **(config or {}),
        }
        self.env = {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "HOME": str(self.home),
            "AIRFLOW_HOME": str(self.home),
            "NO_PROXY": "127.0.0.1,localhost",
            **{f"AIRFLOW__{key.replace('.', '__').upper()}": value for key, value in settings.items()},
            **(env or {}),
        }

    # ---- life

    def __enter__(self) -> Self:
        self.logs.mkdir()
        try:
            self.airflow("db", "migrate")
            for name in self.components:
                self.start(name)
            self.wait_healthy()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for process in self.processes.values():
                process.terminate()
            with suppress(subprocess.TimeoutExpired):
                for process in self.processes.values():
                    process.wait(timeout=5)
        finally:  # also after a second Ctrl-C
            _kill(self._family(self._sessions))
            self._client.close()
            shutil.rmtree(self.home, ignore_errors=True)

    def start(self, name: str) -> None:
        """Start a component (again), as a session of its own, so that its descendants can be found later."""
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                _command(*self.components[name]),
                env=self._env_of(name),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes[name] = process
        self._sessions.add(process.pid)

    def _env_of(self, name: str) -> dict[str, str]:
        """The environment of a component. On SQLite the api-server has less patience than the others.

        Its event loop waits to write the audit log while another request of its own holds the lock: only giving up
        ends that. A request that was given up is repeated by whoever made it.
        """
        if name != "api-server":
            return self.env
        return self.env | {SQL_CONN: self.env[SQL_CONN].replace("?timeout=60&", "?timeout=5&")}

    def kill(self, name: str, sig: signal.Signals = signal.SIGKILL) -> None:
        """End a component and wait for its end: SIGKILL takes all its descendants, as if the machine died."""
        process = self.processes.pop(name)
        if sig is signal.SIGKILL:
            _kill(self._family({process.pid}))
        else:
            process.send_signal(sig)
        process.wait(timeout=60)

    def family(self, name: str) -> set[psutil.Process]:
        """A component and all its descendants, the task processes of the scheduler included."""
        return self._family({self.processes[name].pid})

    def tasks(self, name: str = "scheduler") -> list[psutil.Process]:
        """The processes of task code below a component, from when Airflow knows that the task runs."""
        return [process for process in self.family(name) if TASK_TITLE.match(_title(process))]

    def wait_healthy(self, timeout: float = 120) -> None:
        """Wait until every kind of component that beats and was started has a fresh heartbeat."""
        wanted = {name.replace("-", "_") for name in self.processes} & {"scheduler", "triggerer", "dag_processor"}

        def healthy() -> bool:
            with suppress(httpx.TransportError):
                health = self._client.get("/api/v2/monitor/health").json()
                return all((health.get(name) or {}).get("status") == "healthy" for name in wanted)
            return False

        self.until(healthy, timeout, f"a heartbeat of {', '.join(sorted(wanted))}")

    def airflow(self, *arguments: str) -> str:
        """The output of one `airflow` command run in the box."""
        done = subprocess.run(_command(*arguments), env=self.env, cwd=self.home, capture_output=True, text=True)
        if done.returncode:
            raise BoxError(f"airflow {' '.join(arguments)} failed:\n{tail(done.stdout + done.stderr)}")
        return done.stdout

    def check(self) -> None:
        """Raise, with the end of its log, when a component died that nobody killed."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                log = tail((self.logs / f"{name}.log").read_text(errors="replace"))
                raise BoxError(f"the {name} ended with status {process.returncode}:\n{log}")

    @staticmethod
    def _family(leaders: set[int]) -> set[psutil.Process]:
        """All processes of these sessions, orphans included, and descendants that left for their own."""
        found: set[psutil.Process] = set()
        for process in psutil.process_iter():
            with suppress(ProcessLookupError, PermissionError, psutil.Error):
                if os.getsid(process.pid) in leaders:
                    found |= {process, *process.children(recursive=True)}
        return found


def worker_family(task: int) -> list[psutil.Process]:
    """The processes that run a task, given the process id of its code: its supervisor first."""
    supervisor = psutil.Process(task).parent()
    assert supervisor is not None
    return [supervisor, *supervisor.children(recursive=True)]


def free_port(first: int = 0) -> int:
    """A free loopback port: any, or the first one from `first` on."""
    for port in range(first, first + 100):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port if first else 0))
            return int(probe.getsockname()[1])
    raise OSError(f"no free port between {first} and {first + 99}")


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "airflow", *arguments]


def _title(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def _kill(processes: set[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)
