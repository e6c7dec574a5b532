"""From what was seen in a measurement to its figures, and to those that no way of waiting can beat."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from dev.bench.scenario import INTERVAL, LATENCY, Served, Watched

#: One request weighs as much as so many bytes.
REQUEST_WEIGHT = 16 * 1024
PAGE_ROWS = 100

Figures = dict[str, float]
"""By the keys of ``MEASURES``."""

MEASURES = {
    "requests": "requests per render",
    "kilobytes": "KB per render",
    "cost": "weighted cost per render, KiB",
    "latency": "detection latency, mean, s",
    "latency95": "detection latency, p95, s",
    "cpu": "CPU, s",
    "memory": "memory growth, MB",
    "open": "connections, most at a time",
    "opened": "connections, opened in all",
    "lag": "largest loop lag, ms",
}


def figures(watched: Watched, served: Served, memory: int) -> Figures:
    """Those of one measurement; ``memory`` is its growth in bytes."""
    latencies = [watched.seen[project] - end for project, (_, end) in served.renders.items()]
    return traffic(sum(served.requests.values()), served.bytes, len(latencies)) | {
        "latency": statistics.fmean(latencies),
        "latency95": percentile(latencies, 0.95),
        "cpu": watched.cpu,
        "memory": memory / 1e6,
        "open": served.most_open,
        "opened": served.opened,
        "lag": watched.lag * 1000,
    }


def traffic(requests: int, size: float, renders: int) -> Figures:
    """What so many requests with so many bytes of answers come to."""
    cost = requests * REQUEST_WEIGHT + size
    return {"requests": requests / renders, "kilobytes": size / renders / 1000, "cost": cost / renders / 1024}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not below this share of them."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


@dataclass(frozen=True)
class Tick:
    """One look at everything in flight."""

    in_flight: int
    rows: int
    """Rows of the list, newest first, down to the oldest in flight."""

    @property
    def pages(self) -> int:
        return math.ceil(self.rows / PAGE_ROWS)


def ticks(served: Served) -> list[Tick]:
    """One every interval after the first start, until every end was seen."""
    renders = list(served.renders.values())
    found = []
    now = renders[0][0] + INTERVAL
    while now - INTERVAL < max(end for _, end in renders):
        later = sum(start >= now for start, _ in renders)
        flying = [
            position - later
            for (start, end), position in zip(renders, served.positions, strict=True)
            if start < now and end > now - INTERVAL
        ]
        found.append(Tick(len(flying), max(flying) + 1 if flying else 0))
        now += INTERVAL
    return found


def pure_single(served: Served) -> Figures:
    """The traffic of asking for each render alone, the first time one interval after its start."""
    renders = len(served.renders)
    requests = sum(math.ceil((end - start) / INTERVAL) for start, end in served.renders.values())
    size = (requests - renders) * served.running_bytes + renders * served.done_bytes
    return traffic(requests, size, renders)


def pure_list(served: Served) -> Figures:
    """The traffic of sweeping the list, newest first, as far as the oldest render in flight."""
    swept = ticks(served)
    rows = sum(min(tick.pages * PAGE_ROWS, tick.rows) for tick in swept)
    return traffic(sum(tick.pages for tick in swept), rows * served.row_bytes, len(served.renders))


def limits(served: Served, floor: Figures | None) -> Figures:
    """What nobody who looks once in an interval can beat. CPU, memory and lag are those of the floor, if measured."""
    single, sweep = pure_single(served), pure_list(served)
    requests = sum(min(tick.pages, tick.in_flight) for tick in ticks(served))
    measured = {name: floor[name] for name in ("cpu", "memory", "lag")} if floor else {}
    return {
        "requests": min(requests / len(served.renders), single["requests"]),
        "kilobytes": min(single["kilobytes"], sweep["kilobytes"]),
        "cost": min(single["cost"], sweep["cost"]),
        "latency": INTERVAL / 2 + LATENCY,
        "latency95": 0.95 * INTERVAL + LATENCY,
        **measured,
        "open": 1,
        "opened": 1,
    }
