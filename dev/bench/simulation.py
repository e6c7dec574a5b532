"""What watching many renders costs in requests: the real planner, a simulated service, a clock that only they move."""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow_provider_j2v.api.answers import MovieAnswer, MoviesPage
from airflow_provider_j2v.exceptions import ApiError
from airflow_provider_j2v.renders.listing import REQUEST
from airflow_provider_j2v.renders.plan import Heard, Planner
from airflow_provider_j2v.renders.polling import Polling

START = 1_800_000_000.0
INTERVAL = 5.0
#: Bytes of the answer about one render.
SINGLE = 700
#: A request takes so long, in seconds, and so many are under way at once.
LATENCY = 0.05
AT_ONCE = 4
#: Those of the table: how many renders, and over how many seconds they are started.
TABLE = ((1, 0), (50, 0), (500, 0), (500, 10), (1000, 0), (1000, 10), (10_000, 360), (10_000, 600), (100_000, 3600))


@dataclass
class Service:
    """Renders with a beginning and an end (epoch seconds, our time), ours and other people's; counts what is asked.

    :param rows: bytes of a row of the list.
    :param order: of the list, ``newest`` or ``oldest`` first.
    :param lag: seconds before a new render shows in the list.
    :param stale: the list shows renders as they were so many seconds ago.
    :param latency: seconds that a request takes.
    :param skew: its clock is so many seconds ahead of ours.
    :param fault: an error instead of an answer, by ``single`` or ``list``.
    """

    rows: int = 1024
    order: str = "newest"
    lag: float = 0.0
    stale: float = 0.0
    skew: float = 0.0
    latency: float = LATENCY
    fault: Callable[[str], ApiError | None] | None = None
    now: float = START
    renders: dict[str, tuple[float, float]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    asked: dict[str, list[float]] = field(default_factory=dict)
    bytes: int = 0
    _sorted: list[tuple[float, str]] = field(default_factory=list)
    _sorted_of: tuple[int, int] = (0, 0)

    def clock(self) -> float:
        return self.now

    def movie(self, project: str, late: float = 0.0) -> dict[str, Any]:
        """A render as it was ``late`` seconds ago."""
        created, ends = self.renders[project]
        now = self.now - late
        status = "done" if now >= ends else "running" if now >= created + 1 else "pending"
        url = "u" if status == "done" else None
        return {"project": project, "status": status, "created_at": created + self.skew, "url": url}

    def answer(self, call: Any) -> Heard:
        """What comes back of a call."""
        kind = "single" if "project" in call.params else "list"
        self.requests.append(kind)
        if self.fault and (error := self.fault(kind)):
            return Heard(error, 0, self.latency)
        return self.single(call.params["project"]) if kind == "single" else self.page(call.params)

    def single(self, project: str) -> Heard:
        self.asked.setdefault(project, []).append(self.now)
        self.bytes += SINGLE
        return Heard(MovieAnswer.model_validate({"movie": self.movie(project)}), SINGLE, self.latency)

    def page(self, params: Any) -> Heard:
        since = self.since(params)
        to = _epoch(params["to"]) - self.skew if "to" in params else math.inf
        shown = self.listed(since, to)
        offset, limit = int(params.get("next_token", 0)), int(params["limit"])
        page = shown[offset : offset + limit]
        size = 300 + len(page) * self.rows
        self.bytes += size
        token = str(offset + limit) if offset + limit < len(shown) else None
        body = {"movies": [self.movie(p, self.stale) for p in page], "has_next": bool(token), "next_token": token}
        return Heard(MoviesPage.model_validate(body), size, self.latency)

    def since(self, params: Any) -> float:
        """Where a window begins, in our time."""
        return _epoch(params["from"]) - self.skew

    def listed(self, since: float, to: float) -> list[str]:
        """The projects of a window, in the list's order."""
        if self._sorted_of != (now := (id(self.renders), len(self.renders))):
            self._sorted, self._sorted_of = sorted((c, p) for p, (c, _) in self.renders.items()), now
        first = bisect_left(self._sorted, (since, ""))
        last = bisect_right(self._sorted, (min(to, self.now - self.lag), "~"))
        shown = [project for _, project in self._sorted[first:last]]
        return shown[::-1] if self.order == "newest" else shown

    @property
    def cost(self) -> float:
        """Of all that was asked, in bytes."""
        return self.bytes + REQUEST * len(self.requests)


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).astimezone(UTC).timestamp()


def tick(service: Service, planner: Planner) -> None:
    """One tick, as long as its requests take."""
    steps = planner.tick()
    with suppress(StopIteration):
        calls = next(steps)
        while True:
            service.batches.append(len(calls))
            heard = [service.answer(call) for call in calls]
            service.now += service.latency * math.ceil(len(calls) / AT_ONCE)
            calls = steps.send(heard)


@dataclass
class Run:
    """A simulation that came to its end: ``latencies`` from each end to when it was told, sorted (s)."""

    service: Service
    latencies: list[float]
    ticks: int
    most: int
    """Renders that were waited for at the same time."""

    @property
    def per_render(self) -> float:
        return len(self.service.requests) / len(self.latencies)


def watch(service: Service, count: int, spread: float = 0.0, foreign: int = 0, *, singly: bool = False) -> Run:
    """Submit ``count`` renders of 10 to 20 s over ``spread`` seconds and watch them to the end.

    :param foreign: so many renders of other people are in the list.
    :param singly: never read the list.
    """
    chance = random.Random(7)
    for i in range(foreign):
        created = START + chance.uniform(-600, 60)
        service.renders[f"foreign-{i}"] = (created, created + 15)
    starts = sorted(START + chance.uniform(0, spread) for _ in range(count))
    mine = {f"mine-{i}": (at, at + chance.uniform(10, 20)) for i, at in enumerate(starts)}
    service.renders |= mine
    waiting: Iterator[str] = iter(mine)
    upcoming = next(waiting, None)
    planner = Planner(service.clock)
    if singly:
        planner._list.not_before = math.inf
    latencies: dict[str, float] = {}
    ticks = most = under_way = 0
    while len(latencies) < count:
        due = service.now + planner.pause()
        if upcoming is not None and mine[upcoming][0] <= due:
            service.now = max(service.now, mine[upcoming][0])
            polling = Polling(upcoming, deadline=service.now + 900, interval=INTERVAL, now=service.now)
            planner.add(upcoming, polling, INTERVAL)
            upcoming = next(waiting, None)
            under_way += 1
            most = max(most, under_way)
            continue
        service.now = due
        ticks += 1
        tick(service, planner)
        for key, outcome in planner.ended:
            assert outcome.status == "done", outcome
            latencies[str(key)] = service.now - mine[str(key)][1]
        under_way -= len(planner.ended)
        planner.ended.clear()
        planner.changed.clear()
        assert ticks < 10_000, "nothing ends"
    assert planner._watched == {}
    assert planner._keys == {}
    return Run(service, sorted(latencies.values()), ticks, most)


def main(largest: int) -> int:
    """Print the table of docs/waiting.md, up to so many renders."""
    print("| renders | started | requests each | requests in all | at most at a time | latency, mean / p95, s |")
    print("|---|---|---|---|---|---|")
    for count, spread in TABLE:
        if count <= largest:
            run = watch(Service(), count, spread)
            mean, late = sum(run.latencies) / count, run.latencies[math.ceil(0.95 * count) - 1]
            requests = len(run.service.requests)
            started = f"over {spread:,} s" if spread else "at once"
            latency = f"{mean:.1f} / {late:.1f}"
            cells = [f"{count:,}", started, f"{run.per_render:.2g}", f"{requests:,}", f"{run.most:,}", latency]
            print(f"| {' | '.join(cells)} |", flush=True)
    return 0
