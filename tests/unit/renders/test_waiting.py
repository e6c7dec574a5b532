"""One render waited for by the blocking loop or by the shared planner: the same questions, the same end."""

from __future__ import annotations

import logging
from contextlib import suppress
from itertools import pairwise

import pytest

from airflow_provider_j2v.api.answers import MovieAnswer, MoviesPage
from airflow_provider_j2v.exceptions import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    NotFound,
    RateLimited,
    ServerError,
    Unreachable,
)
from airflow_provider_j2v.renders.plan import Heard, Planner
from airflow_provider_j2v.renders.polling import Polling
from airflow_provider_j2v.renders.waiting import wait

START = 1_000_000.0


def movie(status, **more):
    return MovieAnswer.model_validate({"movie": {"status": status, **more}})


def page(*projects, then=None):
    rows = [{"project": project, "status": "running"} for project in projects]
    return MoviesPage.model_validate({"movies": rows, "has_next": bool(then), "next_token": then})


class World:
    """A clock that only sleeping moves, and a service that answers from a script, its last line for ever."""

    def __init__(self, script):
        self.script = list(script)
        self.now = START
        self.trace = []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        assert seconds >= 0
        self.now += seconds

    def send(self, call, *, before_send=None):
        self.trace.append((round(self.now - START, 3), dict(call.params)))
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def hear(self, call):
        try:
            return self.send(call)
        except ApiError as e:
            return e


def run(kind, script, timeout=1800.0):
    world = World(script)
    polling = Polling("p", deadline=START + timeout, interval=5, now=START)
    if kind == "sync":
        return wait(world, polling, clock=world.clock, sleep=world.sleep), world
    planner = Planner(world.clock)
    planner.add("me", polling, 5)
    while not planner.ended:
        world.sleep(planner.pause())
        tick = planner.tick()
        with suppress(StopIteration):
            calls = next(tick)
            while True:
                calls = tick.send([Heard(world.hear(call), 500, 0.05) for call in calls])
    ((_, outcome),) = planner.ended
    return outcome, world


SCRIPTS = {
    "done at once": ([movie("done")], "done"),
    "the usual way": ([movie("pending"), movie("running"), movie("running"), movie("done")], "done"),
    "an error": ([movie("running"), movie("error", message="no")], "error"),
    "never": ([movie("running")], "timeout"),
    "an unknown status for ever": ([movie("dreaming")], "timeout"),
    "a late done": ([movie("timeout"), movie("timeout"), movie("done")], "done"),
    "a timeout that stays": ([movie("timeout")], "timeout"),
    "a bad moment": ([ServerError(500, "x"), Unreachable("x", sent=True), movie("done")], "done"),
    "down for good": ([ServerError(500, "x")], "lost"),
    "a bad key": ([movie("running"), AuthenticationError(400, "x")], "refused"),
    "slow to appear": ([NotFound(400, "x")] * 5 + [movie("done")], "done"),
    "unknown for good": ([NotFound(400, "x")] * 12 + [page("a", then="2"), page("b")], "lost"),
    "silence": ([RateLimited(429, "x", 60.0), movie("done")], "done"),
    "silence past the deadline": ([RateLimited(429, "x", 86_400.0), movie("done")], "timeout"),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_both_ask_the_same_and_end_alike(name):
    script, status = SCRIPTS[name]
    (one, first), (other, second) = run("sync", script), run("planner", script)
    if status != "timeout":  # the loop's jitter makes it ask a little less often
        assert [params for _, params in first.trace] == [params for _, params in second.trace]
    assert (one.project, one.status, one.movie) == (other.project, other.status, other.movie)
    assert one.status == status
    assert max(first.now, second.now) - START <= 1800


@pytest.fixture(params=["sync", "planner"])
def kind(request):
    return request.param


def test_the_first_poll_comes_one_interval_from_now(kind):
    _, world = run(kind, [movie("done")])
    ((at, params),) = world.trace
    assert 5 <= at <= 5.5
    assert params == {"project": "p", "format": "simple"}


def test_nobody_is_polled_sooner_than_the_interval_and_the_last_look_is_at_the_deadline(kind):
    outcome, world = run(kind, [movie("running")], timeout=62)
    times = [at for at, _ in world.trace]
    gaps = [b - a for a, b in pairwise(times)]
    assert all(5 <= gap <= 5.5 for gap in gaps[:-1])
    assert times[-1] == 62
    assert outcome.status == "timeout"


def test_nothing_is_asked_during_a_silence(kind):
    _, world = run(kind, [RateLimited(429, "x", 60.0), movie("done")])
    first, second = [at for at, _ in world.trace]
    assert second - first == pytest.approx(60)


def test_no_last_look_is_taken_in_a_silence_past_the_deadline(kind):
    outcome, world = run(kind, [RateLimited(429, "x", 86_400.0), movie("done")])
    assert len(world.trace) == 1
    assert (outcome.status, world.now) == ("timeout", START + 1800)


def test_a_mistake_of_ours_is_not_waited_out():
    with pytest.raises(ConfigurationError):
        run("sync", [ConfigurationError("no such host")])


def test_the_log_tells_each_change_once_and_harmlessly(caplog):
    caplog.set_level(logging.INFO, "airflow_provider_j2v")
    strange = movie("dre\x1b[31m\naming")
    script = [movie("pending"), movie("running"), movie("running"), ServerError(500, "oops"), strange, movie("done")]
    run("sync", script)
    lines = [record.getMessage() for record in caplog.records]
    assert [line for line in lines if line.startswith("Project p: running")] == ["Project p: running"]
    assert sum("a poll failed, the wait goes on: oops" in line for line in lines) == 1
    assert sum("is not known; waiting on to the deadline" in line for line in lines) == 1
    assert all(line.isprintable() for line in lines)
