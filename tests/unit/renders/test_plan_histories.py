"""Random histories of many waits: faults, lies of the list and lost keys come and go; each end is told once, in time.

It is a simulation: nothing here takes real time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from airflow_provider_j2v.exceptions import (
    ApiError,
    AuthenticationError,
    InvalidRequest,
    NotFound,
    RateLimited,
    ServerError,
    Unreachable,
    UnreadableAnswer,
)
from airflow_provider_j2v.renders.plan import CHECK_EVERY, LIST_LAG, Heard, Planner
from airflow_provider_j2v.renders.polling import MAX_FAILURES, Outcome, Polling
from dev.bench.simulation import INTERVAL, LATENCY, START, Service, tick

#: The key refused: so many requests are allowed.
REFUSED = 3
SLOW = 20.0
#: A list that lied is found out after so many seconds at the latest, by a cross-check.
FOUND_OUT = (CHECK_EVERY + 2) * SLOW + LIST_LAG

FAULTS: dict[str, Callable[[], ApiError]] = {
    "down": lambda: ServerError(503, "down"),
    "away": lambda: Unreachable("no answer", sent=True),
    "garbage": lambda: UnreadableAnswer(200, "<html>"),
    "too large": lambda: UnreadableAnswer(200, "too large", too_large=True),
    "nonsense": lambda: InvalidRequest(400, "nonsense"),
    "unknown": lambda: NotFound(400, "TypeError"),
}


@dataclass
class Liar(Service):
    """A service whose list may say anything, that fails in parts, and that can be told to be silent."""

    hidden: set[str] = field(default_factory=set)
    """Renders that the list does not show."""

    broken: set[str] = field(default_factory=set)
    """Renders whose single answer cannot be read."""

    wordless: bool = False
    """Rows of the list have no status."""

    twice: bool = False
    """Each row of the list comes twice."""

    cap: int = 100
    """Rows of a page at most."""

    frozen_at: float = math.inf
    """From then on the list stands still."""

    silent_until: float = -math.inf

    def single(self, project: str) -> Heard:
        if project in self.broken:
            self.asked.setdefault(project, []).append(self.now)
            return Heard(UnreadableAnswer(200, "broken"), 0, LATENCY)
        return super().single(project)

    def page(self, params: Any) -> Heard:
        if self.now > self.frozen_at:
            self.stale = self.now - self.frozen_at
        params = {**params, "limit": min(int(params["limit"]), self.cap)}
        heard = super().page(params)
        rows = heard.result.movies
        if self.wordless:
            rows = [row.model_copy(update={"status": ""}) for row in rows]
        if self.twice:
            rows = [row for row in rows for _ in range(2)]
        return Heard(heard.result.model_copy(update={"movies": rows}), heard.size, heard.seconds)

    def listed(self, since: float, to: float) -> list[str]:
        return [project for project in super().listed(since, to) if project not in self.hidden]

    @property
    def lies(self) -> bool:
        return bool(self.hidden or self.wordless or self.stale or self.lag or self.frozen_at < math.inf)


class Waits(RuleBasedStateMachine):
    """One planner and its waits, beside a service that has its moods."""

    @initialize(
        order=st.sampled_from(["newest", "oldest"]),
        skew=st.sampled_from([0.0, 3600.0, -3600.0]),
        rows=st.sampled_from([1024, 20_000, 300_000]),
        foreign=st.sampled_from([0, 0, 30, 2000]),
    )
    def begin(self, order: str, skew: float, rows: int, foreign: int) -> None:
        self.service = Liar(order=order, skew=skew, rows=rows)
        self.planner = Planner(self.service.clock, jitter=1.001)
        self.waiting: dict[int, Polling] = {}
        self.began: dict[int, float] = {}
        self.ended: dict[int, Outcome] = {}
        self.ended_at: dict[int, float] = {}
        self.serial = 0
        self.failing: dict[int, str] = {}
        self.bad_since: float | None = None
        self.good_since = START
        self.lied_until = -math.inf
        for i in range(foreign):
            created = START - 1800 + 3600 * i / foreign
            self.service.renders[f"foreign-{i}"] = (created, created + 15)

    # What people do.

    @rule(
        count=st.sampled_from([1, 2, 3, 9, 60, 150]),
        seconds=st.sampled_from([8.0, 30.0, 200.0]),
        patience=st.sampled_from([40.0, 5000.0]),
        interval=st.sampled_from([INTERVAL, INTERVAL, SLOW]),
        age=st.sampled_from([0.0, 0.0, 1200.0]),
    )
    def wait_for(self, count: int, seconds: float, patience: float, interval: float, age: float) -> None:
        """New renders, or such as were submitted a while ago."""
        now = self.service.now
        for i in range(count):
            self.serial += 1
            project = f"p{self.serial}"
            self.service.renders[project] = (now - age - 0.5, now - age + seconds + i / 50)
            self._watch(project, now + patience, interval)

    @rule(interval=st.sampled_from([INTERVAL, SLOW]))
    def wait_for_one_again(self, interval: float) -> None:
        """A second waiter for a render."""
        if self.serial:
            self._watch(f"p{self.serial}", self.service.now + 5000, interval)

    @rule(each=st.integers(2, 5))
    def cancel_some(self, each: int) -> None:
        for key in list(self.waiting)[::each]:
            self.planner.remove(key)
            del self.waiting[key]

    @rule(seconds=st.sampled_from([1.0, 6.0, 31.0, 130.0]))
    def time_goes_by(self, seconds: float) -> None:
        self._run(self.service.now + seconds)

    # What the service does.

    @precondition(lambda self: not self.service.lies)
    @rule(what=st.sampled_from(["stale", "lag", "hidden", "wordless", "frozen"]))
    def the_list_lies(self, what: str) -> None:
        self._bad()
        if what in ("stale", "lag"):
            setattr(self.service, what, 45.0)
        elif what == "frozen":
            self.service.frozen_at = self.service.now
        elif what == "hidden":
            self.service.hidden = {polling.project for polling in list(self.waiting.values())[::3]}
        else:
            self.service.wordless = True

    @rule(twice=st.booleans(), cap=st.sampled_from([3, 40, 100]))
    def the_list_is_clumsy(self, twice: bool, cap: int) -> None:
        self.service.twice, self.service.cap = twice, cap

    @rule(name=st.sampled_from(sorted(FAULTS)), on=st.sampled_from(["single", "list", "both"]))
    def calls_fail(self, name: str, on: str) -> None:
        self._bad()
        error = FAULTS[name]
        self.service.fault = lambda kind: error() if on in (kind, "both") else None

    @rule(every=st.integers(2, 7))
    def some_renders_are_broken(self, every: int) -> None:
        self.service.broken = {p.project for p in list(self.waiting.values())[: max(len(self.waiting) // every, 2)]}

    @rule(seconds=st.sampled_from([None, 0.0, 17.0, 300.0]), on=st.sampled_from(["single", "list", "both"]))
    def calls_are_too_many(self, seconds: float | None, on: str) -> None:
        self._bad()
        service = self.service

        def fault(kind: str) -> ApiError | None:
            if on not in (kind, "both"):
                return None
            service.silent_until = max(service.silent_until, service.now + (seconds or 0.0))
            return RateLimited(429, "slow down", seconds)

        service.fault = fault

    @rule()
    def all_is_well_again(self) -> None:
        self._heal()

    @rule()
    def the_key_is_revoked(self) -> None:
        """From one moment to the next; everybody is told, by at most three requests."""
        self._run(max(self.service.now, self.service.silent_until))
        everybody = set(self.waiting)
        before = len(self.service.requests)
        self._bad()
        self.service.fault = lambda _: AuthenticationError(400, "Invalid API Key")
        self._run(self.service.now + 45)
        assert not everybody & set(self.waiting)
        assert len(self.service.requests) - before <= REFUSED
        self._heal()

    # What is promised.

    def teardown(self) -> None:
        if not hasattr(self, "service"):
            return
        self._heal()
        self.service.broken = set()
        renders = self.service.renders
        last = max([renders[p.project][1] for p in self.waiting.values()], default=0.0)
        self._run(max(last, self.service.now, self.service.silent_until) + FOUND_OUT + 2 * SLOW + 60)
        assert not self.waiting, self.waiting
        assert self.planner._watched == {}
        assert self.planner._keys == {}

    @invariant()
    def nobody_hangs(self) -> None:
        if hasattr(self, "service"):
            late = [p for p in self.waiting.values() if p.deadline < self.service.now - 2]
            assert not late, late

    def _watch(self, project: str, deadline: float, interval: float) -> None:
        key = len(self.began)
        self.began[key] = now = self.service.now
        self.waiting[key] = polling = Polling(project, deadline=deadline, interval=interval, now=now)
        self.planner.add(key, polling, interval)

    def _bad(self) -> None:
        if self.bad_since is None:
            self.bad_since = self.service.now

    def _heal(self) -> None:
        service = self.service
        if service.lies:
            self.lied_until = service.now
        service.fault, service.hidden, service.wordless = None, set(), False
        service.stale, service.lag, service.frozen_at = 0.0, 0.0, math.inf
        self.bad_since, self.good_since = None, service.now

    def _run(self, until: float) -> None:
        service, planner = self.service, self.planner
        while (due := service.now + planner.pause()) <= until:
            service.now = due
            silent = service.now < service.silent_until
            requests, asked = len(service.requests), {p: list(t) for p, t in service.asked.items()}
            in_flight = len(planner._keys)
            tick(service, planner)
            spent = len(service.requests) - requests
            assert not (silent and spent), "asked during a silence"
            pages = math.ceil(2 * len(service.renders) / service.cap)
            assert spent <= in_flight + min(pages, in_flight) + 8, (spent, in_flight)
            for project, times in service.asked.items():
                assert len(times) - len(asked.get(project, [])) <= 1, "asked twice in a tick"
            self._take()
            if not planner._watched:
                break
        service.now = max(service.now, until)

    def _sweep_of_singles(self) -> float:
        return 2 * (2 + len(self.planner._keys) * LATENCY / 4)

    def _take(self) -> None:
        now = self.service.now
        for name, outcome in self.planner.ended:
            key = int(str(name))
            polling = self.waiting.pop(key)  # once only, and not after it was cancelled
            assert outcome.project == polling.project
            ends = self.service.renders[polling.project][1]
            if outcome.status == "done":
                assert now >= ends
                if self.bad_since is None and polling.project not in self.service.broken:
                    recovered = max(self.good_since, self.service.silent_until, self.lied_until + FOUND_OUT)
                    assert now <= max(ends, self.began[key], recovered) + 2 * SLOW + self._sweep_of_singles()
            elif outcome.status == "timeout":
                assert now >= polling.deadline
            elif outcome.status == "refused":
                assert isinstance(outcome.error, AuthenticationError)
            else:
                assert outcome.status == "lost"
                bad = now - (self.bad_since if self.bad_since is not None else now)
                own = polling.project in self.service.broken
                unknown = isinstance(outcome.error, NotFound) and self.service.lies
                assert own or unknown or bad >= (MAX_FAILURES - 1) * INTERVAL * 0.9, (outcome, bad)
        self.planner.ended.clear()
        self.planner.changed.clear()


TestWaits = Waits.TestCase
TestWaits.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
