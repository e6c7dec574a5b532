"""One measurement: a fresh service and a fresh process that waits, side by side, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import psutil

from dev.airflow_box import INHERITED
from dev.bench.certificate import make_certificate
from dev.bench.contestants import CONTESTANTS, environment
from dev.bench.figures import Figures, figures
from dev.bench.scenario import CONN_ID, KEY, WARM_CONN_ID, WARM_KEY, Scenario, Served, Watched

ROOT = Path(__file__).resolve().parents[2]
#: Seconds between two looks at the memory.
SAMPLING = 0.01


class Worker:
    """A module as a process that is talked to in lines of JSON."""

    def __init__(self, module: str, *arguments: str, env: dict[str, str] | None = None) -> None:
        self._module = module
        self._complaints: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed in __exit__
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            cwd=ROOT,
            env=env,
        )

    def tell(self, line: str = "\n") -> None:
        """Send a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def hear(self) -> str:
        """The next line; RuntimeError with what the process complained of if there is none."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self._complaints.seek(0)
            raise RuntimeError(f"{self._module} ended early:\n{self._complaints.read()[-4000:]}")
        return line

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        self._complaints.close()


class Memory:
    """How much a process grows from now on; looked at from outside, so that it costs the process nothing."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._before = self._most = self._process.memory_info().rss
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def _sample(self) -> None:
        while not self._over.wait(SAMPLING):
            self._most = max(self._most, self._process.memory_info().rss)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def growth(self) -> int:
        return self._most - self._before


def measure(scenario: Scenario, name: str, seed: int) -> tuple[Figures, Served]:
    """The figures of one contestant, and what the service saw."""
    with tempfile.TemporaryDirectory() as folder:
        trusted = make_certificate(Path(folder))
        with Worker("dev.bench.service", json.dumps(asdict(scenario)), folder, str(seed)) as service:
            hello = json.loads(service.hear())
            env = _environment(name, f"127.0.0.1:{hello['port']}")
            env |= {"SSL_CERT_FILE": str(trusted), "AIRFLOW_HOME": folder}
            with Worker("dev.bench.measured", name, json.dumps(hello["warm"]), env=env) as measured:
                measured.hear()
                with Memory(measured.process.pid) as memory:
                    service.tell()
                    last = False
                    while not last:
                        measured.tell(batch := service.hear())
                        last = json.loads(batch)["last"]
                    watched = Watched(**json.loads(measured.hear()))
            service.tell()
            served = Served(**json.loads(service.hear()))
    return figures(watched, served, memory.growth), served


def _environment(name: str, address: str) -> dict[str, Any]:
    contestant = CONTESTANTS[name]
    return {
        **{variable: os.environ[variable] for variable in INHERITED if variable in os.environ},
        **environment(contestant, CONN_ID, address, KEY),
        **environment(contestant, WARM_CONN_ID, address, WARM_KEY),
    }
