"""What waiting for renders costs: ours and other providers' triggers, side by side."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from dev.bench.contestants import CONTESTANTS
from dev.bench.figures import MEASURES, Figures, limits, pure_list, pure_single
from dev.bench.imports import MODULES, import_ms
from dev.bench.measurement import ROOT, measure
from dev.bench.scenario import INTERVAL, LATENCY, RENDER_SECONDS, SPREAD, Scenario

PAGE = ROOT / "docs" / "waiting-figures.md"
NAMES = tuple(CONTESTANTS)
PEERS = ("ours", "http")

SMALL = {Scenario(50): NAMES}
FULL = {
    Scenario(1): PEERS,
    Scenario(2): PEERS,
    Scenario(50): PEERS,
    Scenario(500): NAMES,
    Scenario(500, "spread"): (*PEERS, "floor"),
    Scenario(1000): PEERS,
    Scenario(1000, "spread"): PEERS,
    Scenario(500, movie_bytes=20_000): ("ours",),
    Scenario(500, movie_bytes=200_000): ("ours",),
    Scenario(1, huge_megabytes=300): PEERS,
    Scenario(500, foreign=5000): ("ours",),
    Scenario(500, foreign=5000, list_order="oldest"): ("ours",),
}

#: What a DAG file, or the triggerer, imports of each provider.
PROVIDER_MODULES = {
    "ours": MODULES,
    "http": tuple(f"airflow.providers.http.{kind}.http" for kind in ("hooks", "operators", "sensors", "triggers")),
    "dbt-cloud": tuple(
        f"airflow.providers.dbt.cloud.{kind}.dbt" for kind in ("hooks", "operators", "sensors", "triggers")
    ),
}


@dataclass
class Result:
    """The figures of all runs of a scenario, by column."""

    scenario: Scenario
    columns: dict[str, list[Figures]] = field(default_factory=dict)

    def add(self, name: str, figures: Figures) -> None:
        self.columns.setdefault(name, []).append(figures)


def main(*, small: bool, runs: int, only: str, contestants: Sequence[str] | None, output: Path | None) -> int:
    """Measure, print a table for each scenario, and write the page if it is complete or was asked for."""
    chosen = {
        scenario: [name for name in names if contestants is None or name in contestants]
        for scenario, names in (SMALL if small else FULL).items()
        if only in scenario.title
    }
    runs = 1 if small else runs
    began = time.monotonic()
    results = run(chosen, runs)
    tables = [line for result in results for line in table(result)]
    complete = not (small or only or contestants)
    imports = list(import_table(runs)) if complete else []
    print("\n".join([*tables, *imports]))
    print(f"\n{(time.monotonic() - began) / 60:.1f} min")
    if output is None and complete:
        output = PAGE
    if output is not None:
        output.write_text("\n".join([*introduction(runs), *tables, *imports, ""]), encoding="utf-8")
    return 0


def run(chosen: dict[Scenario, list[str]], runs: int) -> list[Result]:
    """Every measurement, one after another, each run through all of them: what changes over time hits all alike."""
    results = [Result(scenario) for scenario in chosen]
    for seed in range(runs):
        for result in results:
            scenario = result.scenario
            for name in chosen[scenario]:
                print(f"run {seed + 1} of {runs}: {scenario.title}: {name} ...", flush=True)
                figures, served = measure(scenario, name, seed)
                result.add(name, figures)
            result.add("pure single", pure_single(served))
            result.add("pure list", pure_list(served))
            floor = result.columns.get("floor")
            result.add("limit", limits(served, floor[seed] if floor else None))
    return results


def table(result: Result) -> Iterator[str]:
    """Of one scenario, in Markdown."""
    yield f"\n## {result.scenario.title}\n"
    yield from grid(
        ["", *result.columns],
        [
            [label, *(ranged([f[key] for f in figures if key in f]) for figures in result.columns.values())]
            for key, label in MEASURES.items()
        ],
    )


def import_table(runs: int) -> Iterator[str]:
    """The import time of each provider's modules, in Markdown."""
    yield "\n## Import time over `airflow.sdk`, of the processor\n"
    statements = {
        name: "; ".join(f"import {module}" for module in modules) for name, modules in PROVIDER_MODULES.items()
    }
    for statement in statements.values():
        import_ms(statement, os.environ)  # byte code and file cache
    times = {name: [import_ms(statement, os.environ) for _ in range(runs)] for name, statement in statements.items()}
    yield from grid(["", *times], [["hooks, operators, sensors, triggers, ms", *map(ranged, times.values())]])


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A Markdown table that can be read as it is."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    line = "| " + " | ".join(f"{{:<{width}}}" for width in widths) + " |"
    yield line.format(*head)
    yield line.format(*("-" * width for width in widths))
    for row in rows:
        yield line.format(*row)


def ranged(values: Sequence[float]) -> str:
    """The median, and the range if there is one."""
    if not values:
        return "–"
    low, middle, high = (number(value) for value in (min(values), statistics.median(values), max(values)))
    return middle if low == high else f"{middle} ({low}–{high})"


def number(value: float) -> str:
    """Three digits."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def introduction(runs: int) -> Iterator[str]:
    """Where the figures come from, and what they mean."""
    low, high = RENDER_SECONDS
    delay = f"{LATENCY * 1000:.0f} ms"
    distributions = ["apache-airflow", *(c.distribution for c in CONTESTANTS.values() if c.distribution)]
    versions = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in distributions)]
    yield f"""\
# What waiting costs, measured

Written by `make bench`: do not edit. {datetime.now(UTC):%Y-%m-%d}, {platform.system()}, {os.cpu_count()} cores,
{processor()}; {", ".join(versions)}.

In every measurement a new process waits, in one event loop, for N renders of {low:g} to {high:g} s, with a poll
interval of {INTERVAL:g} s. The service is the sandbox in another process, behind TLS, and takes {delay} longer for
each request than it needs. *Herd*: all triggers start at once; *spread*: over {SPREAD:g} s. In one run all contestants
wait for renders of the same lengths. A figure is the median of {runs} runs, with the range in parentheses.

Columns:

- **ours**: `JSON2VideoMovieTrigger`.
- **http**: `HttpEventTrigger` with a response check that is true when the render is done.
- **dbt-cloud**: `DbtCloudRunJobTrigger` on the same renders, shown in the shape of dbt Cloud's API.
- **floor**: bare sweeps of the list over one connection, without any safeguard: nothing anybody could use.
- **pure single**, **pure list**: the traffic, computed, of asking for single renders only, of sweeping the list only.
- **limit**: what nobody who looks once in {INTERVAL:g} s can beat. Requests: at each tick, the pages of 100 rows down
  to the oldest render in flight, or one for each in flight if that is less. Bytes and weighted cost: the better of the
  two pure ways. Latency: half of the interval, or 95 % of it, and {delay}. CPU, memory and lag: those of the floor.

Rows: requests, the bytes of answers' bodies and connections are counted by the service. The weighted cost counts a
request as 16 KiB. Detection latency is the time from a render's end to its trigger's event. CPU, memory growth and lag
are those of the waiting process from the first start to the last event; imports, TLS contexts and whatever else a
process makes only once are made before. The lag is the longest that a timer of the event loop may have had to wait,
from the lengths of the loop's turns."""


def processor() -> str:
    """The name of the processor, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
