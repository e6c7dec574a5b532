"""The feed against a simulated service: no movie that ends is ever missed, whatever happens in between."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_j2v.api.answers import MovieAnswer, MoviesPage
from airflow_provider_j2v.exceptions import (
    ApiError,
    AuthenticationError,
    NotFound,
    RateLimited,
    ServerError,
    UnreadableAnswer,
)
from airflow_provider_j2v.renders.feed import DAY, LONGEST_PAUSE, MAX_SEEN, MAX_SINGLES, Feed, Wanted

START = 1_800_000_000.0
INTERVAL = 60.0


@dataclass
class Render:
    created: float
    ends: float
    status: str = "done"
    client_data: dict[str, Any] | None = None
    template: str | None = None
    lag: float = 0.0


@dataclass
class Service:
    """Movies with a beginning and an end; its clock is ``skew`` ahead of ours."""

    order: str = "newest"
    lag: float = 0.0
    skew: float = 0.0
    page: int = 100
    rows_with: tuple[str, ...] = ("client-data", "json")
    fault: Callable[[str], ApiError | None] = lambda kind: None
    now: float = START
    movies: dict[str, Render] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    rows: int = 0

    def clock(self) -> float:
        return self.now

    def answer(self, call: Any) -> Any:
        kind = "get" if "project" in call.params else "list"
        self.requests.append(kind)
        if error := self.fault(kind):
            return error
        if kind == "get":
            assert "format" not in call.params, "without the movie, its template is not known"
            return MovieAnswer.model_validate({"movie": self._shown(call.params["project"], ("client-data", "json"))})
        since = datetime.fromisoformat(call.params["from"]).timestamp() - self.skew
        shown = [p for p, m in self.movies.items() if since <= m.created <= self.now - max(self.lag, m.lag)]
        shown.sort(key=lambda p: self.movies[p].created, reverse=self.order == "newest")
        offset, limit = int(call.params.get("next_token", 0)), min(int(call.params["limit"]), self.page)
        rows = [self._shown(project, self.rows_with) for project in shown[offset : offset + limit]]
        self.rows += len(rows)
        token = str(offset + limit) if offset + limit < len(shown) else None
        return MoviesPage.model_validate({"movies": rows, "has_next": bool(token), "next_token": token})

    def _shown(self, project: str, parts: tuple[str, ...]) -> dict[str, Any]:
        movie = self.movies[project]
        ended = self.now >= movie.ends
        submitted: dict[str, Any] = {"scenes": [], "client-data": movie.client_data} | (
            {"template": movie.template} if movie.template else {}
        )
        whole = {
            "project": project,
            "status": movie.status if ended else "running",
            "created_at": movie.created + self.skew,
            "ended_at": movie.ends + self.skew if ended else None,
            "url": f"https://example.com/{project}.mp4" if ended else None,
            "duration": 5.0,
            "consumed_credits": [],
            "client-data": movie.client_data,
            "json": json.dumps(submitted),
        }
        return {k: v for k, v in whole.items() if k not in ("client-data", "json") or k in parts}


class Watch:
    """One process that follows a service after the other; what is told is kept."""

    def __init__(self, service: Service, wanted: Wanted | None = None, interval: float = INTERVAL) -> None:
        self.service = service
        self.wanted = wanted or Wanted()
        self.interval = interval
        self.told: list[dict[str, Any]] = []
        self.stored: Any = None
        self.began: float | None = None
        self.restart()

    def restart(self) -> None:
        self.feed = Feed(self.wanted, interval=self.interval, clock=self.service.clock)
        if self.stored is not None:
            self.feed.restore(json.loads(self.stored))

    def look(self, *, save: bool = True, moves: bool = True) -> None:
        """One look and the pause after it."""
        steps = self.feed.look()
        with suppress(StopIteration):
            call = next(steps)
            while True:
                call = steps.send(self.service.answer(call))
                self.told += self.feed.take()
        self.told += self.feed.take()
        if self.feed.state() is not None:
            self.began = self.began or self.service.now
            if save:
                self.stored = json.dumps(self.feed.state())
        if moves:
            self.service.now += self.feed.pause()

    def until(self, when: float) -> None:
        while self.service.now < when:
            self.look()

    @property
    def projects(self) -> list[str]:
        return [event["project"] for event in self.told]


def test_a_movie_is_told_when_it_ends_and_only_then() -> None:
    service = Service()
    service.movies["old"] = Render(START - 500, START - 400)
    watch = Watch(service)
    watch.look()
    service.movies["new"] = Render(START + 10, START + 100)
    watch.look()
    assert watch.projects == []
    watch.until(START + 7200)
    assert watch.projects == ["new"]


def test_an_event_carries_what_identifies_it_and_no_address() -> None:
    service = Service()
    watch = Watch(service)
    watch.look()
    own = {"campaign": "autumn", "airflow": {"tag": "t", "dag_id": "d"}}
    service.movies["new"] = Render(START + 1, START + 2, client_data=own, template="T" * 20)
    watch.look()
    (event,) = watch.told
    assert event == {
        "project": "new",
        "status": "done",
        "template": "T" * 20,
        "client_data": {"campaign": "autumn"},
        "finished_at": datetime.fromtimestamp(START + 2, UTC).isoformat(timespec="seconds"),
        "duration": 5.0,
        "consumed": [],
    }


def test_large_client_data_is_left_out() -> None:
    service = Service()
    watch = Watch(service)
    watch.look()
    service.movies["new"] = Render(START + 1, START + 2, client_data={"text": "x" * 10_000})
    watch.look()
    assert watch.told[0]["client_data"] is None


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Wanted(), {"plain", "failed", "autumn", "template"}),
        (Wanted(statuses=frozenset({"error"})), {"failed"}),
        (Wanted(client_data={"campaign": "autumn"}), {"autumn"}),
        (Wanted(client_data={"campaign": "autumn", "row": 8}), set()),
        (Wanted(client_data={"nothing": None}), set()),
        (Wanted(template_id="T1"), {"template"}),
    ],
)
@pytest.mark.parametrize("rows_with", [("client-data", "json"), ("json",), ("client-data",), ()])
def test_only_what_is_wanted_is_told_whatever_rows_carry(
    wanted: Wanted, told: set[str], rows_with: tuple[str, ...]
) -> None:
    service = Service(rows_with=rows_with)
    watch = Watch(service, wanted)
    watch.look()
    at = START + 1
    service.movies = {
        "plain": Render(at, at + 1),
        "failed": Render(at, at + 1, status="error", client_data={}),
        "autumn": Render(at, at + 1, client_data={"campaign": "autumn", "row": 7}),
        "template": Render(at, at + 1, client_data={"campaign": "spring"}, template="T1"),
    }
    watch.until(START + 1200)
    assert sorted(watch.projects) == sorted(told)


def test_a_render_of_many_hours_is_told_and_costs_no_wide_window() -> None:
    service = Service()
    for i in range(300):
        service.movies[f"done-{i}"] = Render(START - 3 * 3600 + i, START - 2 * 3600)
    service.movies["long"] = Render(START - 3 * 3600, START + 20 * 3600)
    watch = Watch(service)
    watch.look()
    service.movies["next"] = Render(START + 5, START + 6)
    service.rows = 0
    watch.until(START + 20.5 * 3600)
    assert watch.projects == ["next", "long"]
    assert service.rows < 3 * len(service.requests)


def test_a_render_that_never_ends_is_given_up_after_a_day() -> None:
    service = Service()
    service.movies = {"stuck": Render(START - 60, START + 1e9), "next": Render(START, START + 5)}
    watch = Watch(service)
    watch.until(START + 30 * 3600)
    service.requests.clear()
    watch.until(START + 31 * 3600)
    assert "get" not in service.requests
    assert watch.feed.state()["open"] == {}


def test_an_idle_account_is_asked_for_next_to_nothing() -> None:
    service = Service()
    for i in range(800):
        service.movies[f"night-{i}"] = Render(START - 1800 + i, START - 900 + i)
    watch = Watch(service)
    watch.until(START + 2 * 3600)
    service.rows = 0
    service.requests.clear()
    watch.until(START + 9 * DAY)
    assert service.rows <= 3 * len(service.requests)
    service.movies["new"] = Render(service.now, service.now + 30)
    watch.until(service.now + 300)
    assert watch.projects == [*(f"night-{i}" for i in range(901, 800)), "new"]


def test_what_is_remembered_is_bounded_and_more_movies_than_that_are_told_all_the_same() -> None:
    service = Service()
    watch = Watch(service)
    watch.look()
    for i in range(3000):
        created = START + 60 + i
        service.movies[f"project-{i:08}"] = Render(created, created + 30 + i % 50)
    while service.now < START + 2 * 3600:
        watch.look()
        assert len(watch.stored) < 65_535, "more is no value for Airflow's store"
    assert sorted(watch.projects) == sorted(service.movies)


def test_the_look_after_a_break_of_days_tells_what_ended_meanwhile() -> None:
    service = Service()
    service.movies["under-way"] = Render(START - 60, START + 3600)
    watch = Watch(service)
    watch.look()
    for i in range(500):
        service.movies[f"m{i}"] = Render(START + 100 + 400 * i, START + 200 + 400 * i)
    service.now = START + 3 * DAY
    watch.restart()
    watch.look()
    assert sorted(watch.projects) == sorted(service.movies)


def test_a_movie_that_the_list_shows_late_behind_newer_ones_is_told() -> None:
    service = Service()
    watch = Watch(service)
    watch.look()
    service.movies = {f"m{i}": Render(START + 100 * i, START + 100 * i + 50) for i in range(40)}
    service.movies["m10"].lag = 2000
    watch.until(START + 2 * 3600)
    assert sorted(watch.projects) == sorted(service.movies)


def test_a_look_that_broke_off_moves_nothing() -> None:
    service = Service(page=2)
    watch = Watch(service)
    watch.look()
    service.movies = {f"m{i}": Render(START - 3000 * i, START + 1) for i in range(10)}
    service.now += 2
    asked = iter([None, ServerError(502, "down")])
    service.fault = lambda kind: next(asked, None)
    watch.look()
    assert watch.feed.error
    watch.look()
    assert sorted(watch.projects) == sorted(service.movies)


def test_what_was_under_way_in_a_first_look_that_broke_off_is_told() -> None:
    service = Service(page=2)
    service.movies = {f"m{i}": Render(START - 60 - i, START + 30) for i in range(3)}
    service.movies["old"] = Render(START - 90, START - 80)
    asked = iter([None, ServerError(502, "down")])
    service.fault = lambda kind: next(asked, None)
    watch = Watch(service)
    watch.look()
    assert watch.feed.state() is None
    watch.look()
    assert sorted(watch.projects) == ["m0", "m1"]


def test_many_renders_under_way_are_read_from_the_list() -> None:
    service = Service()
    watch = Watch(service)
    watch.look()
    service.movies = {f"m{i}": Render(START + i, START + 1800 + i) for i in range(600)}
    service.requests.clear()
    watch.until(START + 3600)
    assert sorted(watch.projects) == sorted(service.movies)
    assert "get" not in service.requests


def test_movies_of_one_second_are_told_once_each() -> None:
    service = Service()
    watch = Watch(service)
    watch.look()
    service.movies = {f"m{i:04}": Render(START + i / 2000, START + 2) for i in range(MAX_SEEN + 500)}
    watch.until(START + 1800)
    assert sorted(watch.projects) == sorted(service.movies)


def test_renders_that_never_end_do_not_hide_others() -> None:
    service = Service()
    for i in range(2 * MAX_SINGLES):
        service.movies[f"stuck{i}"] = Render(START - 5 * 3600 + i, START + 1e9)
    service.movies |= {"last": Render(START - 6 * 3600, START + 60), "newest": Render(START, START + 1)}
    watch = Watch(service)
    watch.until(START + 600)
    assert sorted(watch.projects) == ["last", "newest"]


@pytest.mark.parametrize(
    ("error", "pauses"),
    [
        (ServerError(503, "down"), [60, 120, 240, 480, 900, 900]),
        (RateLimited(429, "slow down", retry_after=200), [200, 200]),
        (RateLimited(429, "slow down"), [60, 60]),
        (AuthenticationError(400, "Invalid API Key"), [LONGEST_PAUSE, LONGEST_PAUSE]),
    ],
)
def test_a_service_that_fails_is_asked_less_often(error: ApiError, pauses: list[float]) -> None:
    service = Service(fault=lambda kind: error)
    watch = Watch(service)
    for pause in pauses:
        watch.look()
        assert (watch.feed.error, watch.feed.pause()) == (error, pause)
    service.fault = lambda kind: None
    watch.look()
    assert (watch.feed.error, watch.feed.pause()) == (None, INTERVAL)


def test_a_page_that_is_too_large_is_asked_for_in_pieces() -> None:
    service = Service()
    watch = Watch(service)
    watch.look()
    for i in range(40):
        service.movies[f"m{i}"] = Render(START + 1, START + 2)
    limits = iter([True, True, False])
    service.fault = lambda kind: UnreadableAnswer(200, "large", too_large=True) if next(limits, False) else None
    watch.look()
    assert watch.feed.error is None
    assert len(watch.projects) == 40


def test_what_cannot_be_asked_for_does_not_hold_up_the_rest() -> None:
    service = Service()
    for i in range(2 * MAX_SINGLES):
        service.movies[f"m{i}"] = Render(START - 2 * 3600, START + 600)
    service.movies["newest"] = Render(START, START + 1)
    watch = Watch(service)
    watch.look()
    gone = iter(range(10_000))
    service.fault = lambda kind: NotFound(404, "gone") if kind == "get" and next(gone) % 3 else None
    watch.until(START + 2 * 3600)
    assert sorted(watch.projects) == sorted(service.movies)


def test_a_list_without_an_end_tells_what_it_shows() -> None:
    service = Service(page=5)
    watch = Watch(service)
    watch.look()
    for i in range(12):
        service.movies[f"m{i}"] = Render(START + 1, START + 2)
    answer = service.answer
    service.answer = lambda call: answer(call).model_copy(update={"has_next": True, "next_token": "5"})  # type: ignore[method-assign]
    watch.look()
    assert isinstance(watch.feed.error, UnreadableAnswer)
    assert len(watch.projects) == 10
    service.answer = answer  # type: ignore[method-assign]
    watch.look()
    assert sorted(watch.projects) == sorted(service.movies)


def test_a_state_that_is_something_else_is_refused() -> None:
    feed = Feed(Wanted(), interval=INTERVAL, clock=lambda: START)
    for stored in ({}, [], "x", {"since": float("nan"), "seen": {}, "open": {}}, {"since": 1, "seen": 3, "open": {}}):
        with pytest.raises(ValueError, match="validation"):
            feed.restore(stored)


@pytest.mark.parametrize("seed", range(120))
def test_no_movie_that_ends_is_missed(seed: int) -> None:
    """Random movies, faults, lags, clocks, pages, restarts and breaks; then some peace."""
    chance = random.Random(seed)
    service = Service(
        order=chance.choice(["newest", "oldest"]),
        lag=chance.choice([0, 5, 100, 2400]),
        skew=chance.choice([0, -3500, 3500, 40]),
        page=chance.choice([1, 3, 100]),
        rows_with=chance.choice([("client-data", "json"), ("json",), ("client-data",), ()]),
    )
    watch = Watch(service, Wanted(client_data={"mine": True}), interval=chance.choice([20.0, 60.0, 900.0]))
    end = START + chance.choice([1, 4, 30]) * 3600
    for i in range(chance.randint(1, 60)):
        created = START + chance.uniform(-2 * 3600, end - START)
        lasts = chance.choice([1, 20, 300, 5000, 20 * 3600])
        mine = {"mine": True} if chance.random() < 0.8 else None
        ends = created + chance.uniform(0.5, 1) * lasts
        service.movies[f"m{i}"] = Render(created, ends, client_data=mine, lag=chance.choice([0, 0, 0, 1500]))

    faults = [
        ServerError(502, "down"),
        RateLimited(429, "slow down", retry_after=90),
        NotFound(404, "?"),
        AuthenticationError(400, "Invalid API Key"),
        UnreadableAnswer(200, "large", too_large=True),
    ]
    rate = chance.choice([0, 0.05, 0.5])
    service.fault = lambda kind: chance.choice(faults) if chance.random() < rate else None
    breaks = 0
    while service.now < end:
        watch.look(save=watch.stored is None or chance.random() < 0.9)
        if chance.random() < 0.02 and breaks < 5:
            breaks += 1
            service.now += chance.choice([0, 30, 3600, 8 * 3600])
            watch.restart()
    service.fault, watch.feed.interval = (lambda kind: None), 900.0
    watch.until(end + 22 * 3600)

    assert watch.began is not None
    # Only what had ended before the first look was through, by the service's own account, may be left out.
    wanted = {p for p, m in service.movies.items() if m.client_data}
    must = {p for p in wanted if service.movies[p].ends > watch.began and service.movies[p].created > START - DAY}
    assert must <= set(watch.projects) <= wanted
    if not breaks:
        assert len(watch.projects) == len(set(watch.projects)), "without a restart, each is told once"
