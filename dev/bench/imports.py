"""What importing the provider costs a DAG file."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping

#: Everything that a DAG file may import.
MODULES = (
    "airflow_provider_j2v.decorators.movie",
    "airflow_provider_j2v.exceptions",
    "airflow_provider_j2v.hooks.json2video",
    "airflow_provider_j2v.links.movie",
    "airflow_provider_j2v.operators.catalog",
    "airflow_provider_j2v.operators.media",
    "airflow_provider_j2v.operators.movie",
    "airflow_provider_j2v.operators.template",
    "airflow_provider_j2v.sensors.movie",
    "airflow_provider_j2v.triggers.movie",
)
#: The most that all of them together may add to ``import airflow.sdk``, in milliseconds.
BUDGET_MS = 35.0
#: What any provider loads first: Airflow's own names, which ``airflow.sdk`` resolves lazily.
AIRFLOW_NAMES = (
    "from airflow.providers.common.compat.sdk import"
    " AirflowFailException, BaseHook, BaseOperator, BaseOperatorLink, BaseSensorOperator, DecoratedOperator, conf;"
    " import airflow.triggers.base"
)

_PROBE = """
import time
import airflow.sdk
began = time.process_time()
{statement}
print((time.process_time() - began) * 1000)
"""


def import_ms(statement: str, env: Mapping[str, str]) -> float:
    """Milliseconds of processor time that a statement takes in a new process after ``import airflow.sdk``."""
    probe = [sys.executable, "-c", _PROBE.format(statement=statement)]
    return float(subprocess.run(probe, capture_output=True, text=True, check=True, env=env).stdout.split()[-1])


def main(runs: int = 7) -> int:
    """Print the import times, side by side; fail over the budget."""
    with tempfile.TemporaryDirectory() as folder:
        # Installed packages have byte code; where the environment forbids it, compiling would be measured instead.
        env = {**os.environ, "PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        return _measure(runs, env)


def _measure(runs: int, env: Mapping[str, str]) -> int:
    cases = {
        "Airflow's own names": AIRFLOW_NAMES,
        **{name: f"import {name}" for name in MODULES},
        "all of them": "; ".join(f"import {name}" for name in MODULES),
    }
    for statement in cases.values():
        import_ms(statement, env)  # byte code and file cache
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(runs):
        for name, statement in cases.items():
            times[name].append(import_ms(statement, env))
    print(f"Import over airflow.sdk, ms of processor time, {runs} runs in turn: min, median, max\n")
    for name, taken in times.items():
        print(f"{name:<42}{min(taken):8.1f}{statistics.median(taken):8.1f}{max(taken):8.1f}")
    total = statistics.median(times["all of them"])
    print(f"\nall of them: {total:.1f} ms, budget {BUDGET_MS:g} ms")
    return int(total > BUDGET_MS)
