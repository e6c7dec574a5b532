"""Many renders of one account, simulated: what watching them costs, beside always asking singly or always the list."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from airflow_provider_j2v.api.answers import MovieAnswer, MoviesPage
from airflow_provider_j2v.exceptions import AuthenticationError, RateLimited, ServerError
from airflow_provider_j2v.renders.plan import REQUEST, Heard, Planner
from airflow_provider_j2v.renders.polling import Polling

START = 1_800_000_000.0
INTERVAL = 5.0
SINGLE = 700


@dataclass
class Service:
    """Renders with a beginning and an end, ours and other people's; counts what is asked."""

    rows: int = 1024
    order: str = "newest"
    lag: float = 0.0
    stale: float = 0.0
    skew: float = 0.0
    fault: Any = None
    now: float = START
    renders: dict[str, tuple[float, float]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    asked: dict[str, list[float]] = field(default_factory=dict)
    bytes: int = 0

    def clock(self) -> float:
        return self.now

    def status(self, project: str, late: float = 0.0) -> dict[str, Any]:
        created, ends = self.renders[project]
        status = "done" if self.now - late >= ends else "running" if self.now - late >= created + 1 else "pending"
        at = created + self.skew
        return {"project": project, "status": status, "created_at": at, "url": "u" if status == "done" else None}

    def answer(self, call: Any) -> Heard:
        kind = "single" if "project" in call.params else "list"
        self.requests.append(kind)
        if self.fault and (error := self.fault(kind)):
            return Heard(error, 0, 0.05)
        if kind == "single":
            project = call.params["project"]
            self.asked.setdefault(project, []).append(self.now)
            self.bytes += SINGLE
            return Heard(MovieAnswer.model_validate({"movie": self.status(project)}), SINGLE, 0.05)
        since = _epoch(call.params["from"]) - self.skew
        to = _epoch(call.params["to"]) - self.skew if "to" in call.params else math.inf
        shown = [p for p, (c, _) in self.renders.items() if since <= c <= to and c <= self.now - self.lag]
        shown.sort(key=lambda p: self.renders[p][0], reverse=self.order == "newest")
        offset, limit = int(call.params.get("next_token", 0)), int(call.params["limit"])
        page = shown[offset : offset + limit]
        size = 300 + len(page) * self.rows
        self.bytes += size
        token = str(offset + limit) if offset + limit < len(shown) else None
        body = {"movies": [self.status(p, self.stale) for p in page], "has_next": bool(token), "next_token": token}
        return Heard(MoviesPage.model_validate(body), size, 0.05)

    @property
    def cost(self) -> float:
        return self.bytes + REQUEST * len(self.requests)


def _epoch(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


@dataclass
class Run:
    service: Service
    latencies: list[float]
    ticks: int

    @property
    def per_render(self) -> float:
        return len(self.service.requests) / len(self.latencies)


def watch(service: Service, count: int, spread: float = 0.0, foreign: int = 0, only: str | None = None) -> Run:
    """Submit ``count`` renders of 10 to 20 s and watch them to the end."""
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
    if only == "single":
        planner._list.not_before = math.inf
    latencies: dict[str, float] = {}
    ticks = 0
    while len(latencies) < count:
        due = service.now + planner.pause()
        if upcoming is not None and mine[upcoming][0] <= due:
            service.now = max(service.now, mine[upcoming][0])
            polling = Polling(upcoming, deadline=service.now + 900, interval=INTERVAL, now=service.now)
            planner.add(upcoming, polling, INTERVAL)
            upcoming = next(waiting, None)
            continue
        service.now = due
        ticks += 1
        tick = planner.tick()
        with suppress(StopIteration):
            calls = next(tick)
            while True:
                heard = [service.answer(call) for call in calls]
                service.now += 0.05 * math.ceil(len(calls) / 4)
                calls = tick.send(heard)
        for key, outcome in planner.ended:
            assert outcome.status == "done", outcome
            latencies[str(key)] = service.now - mine[str(key)][1]
        planner.ended.clear()
        assert ticks < 10_000, "nothing ends"
    assert planner._watched == {}
    assert planner._keys == {}
    return Run(service, sorted(latencies.values()), ticks)


@pytest.mark.parametrize("spread", [0.0, 10.0])
def test_five_hundred_renders_cost_a_few_pages(spread: float) -> None:
    run = watch(Service(), 500, spread)
    assert run.per_render <= 0.06
    assert sum(run.latencies) / 500 <= 2.8
    assert run.latencies[int(500 * 0.95)] <= 5.2


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_renders_are_asked_for_singly_and_never_within_five_seconds(count: int) -> None:
    run = watch(Service(), count)
    assert set(run.service.requests) == {"single"}
    assert run.per_render <= 4
    for times in run.service.asked.values():
        assert all(b - a >= INTERVAL * 0.999 for a, b in pairwise(times))


@pytest.mark.parametrize("rows", [1024, 20 * 1024, 200 * 1024])
@pytest.mark.parametrize("count", [50, 500])
def test_the_weighted_cost_is_never_much_above_the_better_plan(rows: int, count: int) -> None:
    mixed = watch(Service(rows=rows), count).service.cost
    single = watch(Service(rows=rows), count, only="single").service.cost
    assert mixed <= 1.1 * single


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_five_thousand_foreign_movies_cost_at_most_a_tenth_more_than_asking_singly(order: str) -> None:
    mixed = watch(Service(order=order), 500, spread=10, foreign=5000).service
    single = watch(Service(order=order), 500, spread=10, foreign=5000, only="single").service
    assert mixed.cost <= 1.1 * single.cost


@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
def test_a_service_whose_clock_is_an_hour_off_is_watched_as_cheaply(skew: float) -> None:
    assert watch(Service(skew=skew), 500).per_render <= 0.06


def test_a_list_that_lags_is_found_out_and_costs_no_latency_to_speak_of() -> None:
    run = watch(Service(stale=30.0), 100)
    assert run.latencies[95] <= 10.2


def test_a_list_that_falls_behind_what_it_told_is_left_at_once() -> None:
    service = Service()
    answer = service.answer

    def lags_from_now_on(call: Any) -> Heard:
        service.stale = 60.0 if service.now >= START + 9 else 0.0
        return answer(call)

    service.answer = lags_from_now_on  # type: ignore[method-assign]
    run = watch(service, 100)
    assert run.latencies[95] <= 5.2 + 100 / 4 * 0.05
    assert service.requests.count("list") <= 6


def test_a_list_that_hides_new_renders_is_made_up_for_singly() -> None:
    run = watch(Service(lag=8.0), 100)
    assert run.latencies[95] <= 5.2 + 100 / 4 * 0.05  # a hundred single answers take that long


def test_a_revoked_key_costs_three_requests_and_ends_every_wait_once() -> None:
    service = Service(fault=lambda _: AuthenticationError(400, "Invalid API Key"))
    planner = Planner(service.clock)
    for i in range(500):
        planner.add(i, Polling(f"p{i}", deadline=START + 900, interval=5, now=START), 5)
    _tick(service, planner)
    assert len(service.requests) <= 3
    assert [outcome.status for _, outcome in planner.ended] == ["refused"] * 500


def test_a_rate_limit_silences_the_whole_account() -> None:
    service = Service(fault=lambda _: RateLimited(429, "slow down", 60.0))
    planner = Planner(service.clock)
    for i in range(100):
        planner.add(i, Polling(f"p{i}", deadline=START + 900, interval=5, now=START), 5)
    _tick(service, planner)
    assert len(service.requests) <= 3
    assert planner.pause() == pytest.approx(60)
    assert planner.ended == []


def test_a_deadline_inside_a_silence_ends_without_a_request() -> None:
    service = Service(fault=lambda _: RateLimited(429, "slow down", 60.0))
    planner = Planner(service.clock)
    planner.add("short", Polling("p", deadline=START + 20, interval=5, now=START), 5)
    _tick(service, planner)
    planner.add("late", Polling("q", deadline=START + 25, interval=5, now=service.now), 5)
    asked = len(service.requests)
    for _ in range(2):
        _tick(service, planner)
    assert [(key, outcome.status) for key, outcome in planner.ended] == [("short", "timeout"), ("late", "timeout")]
    assert len(service.requests) == asked


def test_a_service_that_is_down_is_asked_a_few_times_a_tick_and_the_waits_survive() -> None:
    service = Service()
    service.fault = lambda _: ServerError(503, "down") if service.now < START + 30 else None
    run = watch(service, 200)
    assert len(run.latencies) == 200
    assert len(service.requests) < 100


def test_one_render_whose_answer_is_broken_does_not_end_the_others() -> None:
    service = Service()
    planner = Planner(service.clock)
    for i in range(5):
        service.renders[f"p{i}"] = (START, START + 100)
        planner.add(i, Polling(f"p{i}", deadline=START + 900, interval=5, now=START), 5)
    answer = service.answer

    def broken(call: Any) -> Heard:
        return Heard(ServerError(500, "x"), 0, 0.05) if call.params.get("project") == "p3" else answer(call)

    service.answer = broken  # type: ignore[method-assign]
    for _ in range(40):
        _tick(service, planner)
    assert {key: outcome.status for key, outcome in planner.ended} == {
        i: "lost" if i == 3 else "done" for i in range(5)
    }


def _tick(service: Service, planner: Planner) -> None:
    service.now += planner.pause()
    tick = planner.tick()
    with suppress(StopIteration):
        calls = next(tick)
        while True:
            calls = tick.send([service.answer(call) for call in calls])
