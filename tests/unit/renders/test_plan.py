"""Many renders of one account, simulated: what watching them costs, beside always asking singly or always the list."""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from airflow_provider_j2v.exceptions import (
    ApiError,
    AuthenticationError,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
    Unreachable,
    UnreadableAnswer,
)
from airflow_provider_j2v.renders.listing import FORGOTTEN_AFTER
from airflow_provider_j2v.renders.plan import CHECK_EVERY, Heard, Planner
from airflow_provider_j2v.renders.polling import NOT_FOUND_GRACE, Polling
from dev.bench.simulation import INTERVAL, START, Service, watch
from dev.bench.simulation import tick as one_tick


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
    single = watch(Service(rows=rows), count, singly=True).service.cost
    assert mixed <= 1.1 * single


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_five_thousand_foreign_movies_cost_at_most_a_tenth_more_than_asking_singly(order: str) -> None:
    mixed = watch(Service(order=order), 500, spread=10, foreign=5000).service
    single = watch(Service(order=order), 500, spread=10, foreign=5000, singly=True).service
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


def test_a_list_that_stands_still_is_found_out_by_a_cross_check() -> None:
    service = Service()
    page = service.page

    def stands_still(params: Any) -> Heard:
        service.stale = max(service.now - START - 9, 0.0)
        return page(params)

    service.page = stands_still  # type: ignore[method-assign]
    assert watch(service, 100).latencies[-1] <= (CHECK_EVERY + 2) * INTERVAL


def test_a_list_that_hides_new_renders_is_made_up_for_singly() -> None:
    run = watch(Service(lag=8.0), 100)
    assert run.latencies[95] <= 5.2 + 100 / 4 * 0.05  # a hundred single answers take that long


@pytest.mark.parametrize("error", [AuthenticationError(400, "Invalid API Key"), PermissionDenied(403, "no")])
def test_a_revoked_key_costs_three_requests_and_ends_every_wait_once(error: ApiError) -> None:
    service = Service()
    planner = Planner(service.clock)
    _add(service, planner, 400)
    _tick(service, planner)
    service.now += 1
    _add(service, planner, 100, first=400, interval=60)  # not due when the others are
    service.fault = lambda _: error
    before = len(service.requests)
    _tick(service, planner)
    assert len(service.requests) - before <= 3
    assert [outcome.status for _, outcome in planner.ended] == ["refused"] * 500


def test_a_key_that_is_revoked_while_a_long_list_is_read_in_slices_costs_three_requests() -> None:
    service = Service(latency=1.5)
    planner = Planner(service.clock)
    _add(service, planner, 500)
    service.renders = {f"p{i}": (START - i / 2, START + 900) for i in range(500)}  # one after the other
    for _ in range(4):
        _tick(service, planner)
    batches = _batches(service, planner)
    assert max(batches) > 1, "no slices"
    service.fault = lambda _: AuthenticationError(400, "Invalid API Key")
    assert sum(_batches(service, planner)) <= 3
    assert len(planner.ended) == 500


def test_a_rate_limit_silences_the_whole_account() -> None:
    service = Service(fault=lambda _: RateLimited(429, "slow down", 60.0))
    planner = Planner(service.clock)
    for i in range(100):
        planner.add(i, Polling(f"p{i}", deadline=START + 900, interval=5, now=START), 5)
    _tick(service, planner)
    assert len(service.requests) <= 3
    assert planner.pause() == pytest.approx(60)
    assert planner.ended == []


def test_a_rate_limit_that_nobody_waits_to_hear_of_is_short() -> None:
    service = Service(fault=lambda _: RateLimited(429, "slow down"))
    planner = Planner(service.clock)
    _add(service, planner, 1)
    service.now += planner.pause()
    steps = planner.tick()
    calls = next(steps)
    planner.remove(0)
    with suppress(StopIteration):
        steps.send([service.answer(call) for call in calls])
    assert planner.silence.until <= service.now + 60


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


@pytest.mark.parametrize("broken", [{3}, {2, 3}, {0, 1}, {0, 1, 2, 3}])
def test_renders_whose_answers_are_broken_do_not_end_the_others(broken: set[int]) -> None:
    service = Service()
    planner = Planner(service.clock)
    _add(service, planner, 5, seconds=100)
    answer = service.answer

    def spoilt(call: Any) -> Heard:
        mine = call.params.get("project") in {f"p{i}" for i in broken}
        return Heard(ServerError(500, "x"), 0, 0.05) if mine else answer(call)

    service.answer = spoilt  # type: ignore[method-assign]
    for _ in range(40):
        _tick(service, planner)
    assert {key: outcome.status for key, outcome in planner.ended} == {
        i: "lost" if i in broken else "done" for i in range(5)
    }
    asked = [len(service.asked[f"p{i}"]) for i in range(5) if i not in broken]
    assert min(asked) >= 18, "of 20 ticks"


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_a_tick_asks_nothing_twice(order: str) -> None:
    service = Service(order=order)
    planner = Planner(service.clock)
    _add(service, planner, 60, seconds=600)
    for _ in range(3 * CHECK_EVERY):
        asked = {project: len(times) for project, times in service.asked.items()}
        _tick(service, planner)
        assert all(len(times) - asked.get(project, 0) <= 1 for project, times in service.asked.items())


def test_what_nobody_waits_for_any_more_is_not_asked_for() -> None:
    service = Service(rows=10**6)
    planner = Planner(service.clock)
    _add(service, planner, 100)
    service.now += planner.pause()
    asked: list[str] = []
    steps = planner.tick()
    calls = next(steps)
    with suppress(StopIteration):
        while True:
            asked += [call.params["project"] for call in calls if "project" in call.params]
            heard = [service.answer(call) for call in calls]
            if len(asked) >= 20:
                for i in range(99):
                    planner.remove(i)
            calls = steps.send(heard)
    assert 20 <= len(asked) <= 40


# Projects that the service does not know.


def test_two_projects_that_are_unknown_are_no_reason_to_doubt_the_others() -> None:
    service = Service(fault=lambda kind: NotFound(400, "TypeError") if kind == "single" else None)
    planner = Planner(service.clock)
    _add(service, planner, 5, seconds=600)
    _tick(service, planner)
    assert len(service.requests) == 5


@pytest.mark.parametrize("foreign", [0, 950])
def test_however_many_projects_are_unknown_the_list_that_is_to_confirm_it_is_read_once(foreign: int) -> None:
    service = Service(rows=200 * 1024, fault=lambda kind: NotFound(400, "TypeError") if kind == "single" else None)
    for i in range(foreign):
        service.renders[f"foreign-{i}"] = (START - 86_400 + i, START)
    planner = Planner(service.clock)
    for i in range(200):
        planner.add(i, Polling(f"nowhere-{i}", deadline=START + 1800, interval=5, now=START), 5)
    while planner._watched:
        _tick(service, planner)
    assert {outcome.status for _, outcome in planner.ended} == {"lost"}
    assert all(isinstance(outcome.error, NotFound) for _, outcome in planner.ended)
    looks = 4  # at a list that might have been cheaper
    assert service.requests.count("list") <= looks + 1 + math.ceil(foreign / 100)


def test_who_joins_a_project_that_is_being_looked_for_has_its_own_grace() -> None:
    service = Service(fault=lambda kind: NotFound(400, "TypeError") if kind == "single" else None)
    planner = Planner(service.clock)
    _wait(service, planner, "early", "p")
    service.renders["another"] = (START, START + 900)
    while service.now < START + NOT_FOUND_GRACE - 1:
        _tick(service, planner)
    _wait(service, planner, "late", "p")
    while planner._watched:
        _tick(service, planner)
    assert {key: type(outcome.error) for key, outcome in planner.ended} == {"early": NotFound, "late": NotFound}


# Lists that are of no use.


def test_pages_that_are_too_large_are_not_asked_for_again_and_again() -> None:
    service = Service(fault=lambda kind: UnreadableAnswer(200, "x", too_large=True) if kind == "list" else None)
    planner = Planner(service.clock)
    _add(service, planner, 100, seconds=400)
    for _ in range(60):
        _tick(service, planner)
    assert service.requests.count("list") <= 2


@pytest.mark.parametrize("count", [8, 40, 500])
def test_a_list_that_fails_for_ever_costs_at_most_a_tenth_more(count: int) -> None:
    service = Service(fault=lambda kind: ServerError(500, "x") if kind == "list" and service.now > START + 8 else None)
    planner = Planner(service.clock)
    _add(service, planner, max(count, 40), seconds=400)
    _tick(service, planner)
    for i in range(count, 40):
        planner.remove(i)
    for _ in range(60):
        _tick(service, planner)
    assert service.requests.count("list") <= 0.1 * service.requests.count("single") + 2


def test_a_list_that_hangs_delays_the_others_seldom() -> None:
    service = Service(fault=lambda kind: Unreachable("x", sent=True) if kind == "list" else None)
    planner = Planner(service.clock)
    _add(service, planner, 100, seconds=400)
    answer = service.answer

    def slow(call: Any) -> Heard:
        heard = answer(call)
        if isinstance(heard.result, ApiError):
            service.now += 15
            return Heard(heard.result, 0, 15.0)
        return heard

    service.answer = slow  # type: ignore[method-assign]
    for _ in range(60):
        _tick(service, planner)
    assert service.requests.count("list") <= 4


@pytest.mark.parametrize("since", [0.0, 8.0])
def test_rows_that_say_nothing_of_their_status_are_not_believed(since: float) -> None:
    service = Service()
    page = service.page

    def wordless(params: Any) -> Heard:
        heard = page(params)
        if service.now >= START + since:
            rows = [row.model_copy(update={"status": ""}) for row in heard.result.movies]
            return Heard(heard.result.model_copy(update={"movies": rows}), heard.size, heard.seconds)
        return heard

    service.page = wordless  # type: ignore[method-assign]
    run = watch(service, 100)
    assert run.latencies[95] <= 5.2 + 100 / 4 * 0.05


def test_a_list_that_was_dear_once_is_looked_at_again_later() -> None:
    service = Service(rows=300 * 1024)
    planner = Planner(service.clock)
    _add(service, planner, 45, seconds=FORGOTTEN_AFTER + 600)
    _tick(service, planner)
    dear = service.requests.count("list")
    service.rows = 1024
    while service.now < START + FORGOTTEN_AFTER - 60:
        _tick(service, planner)
    assert service.requests.count("list") == dear
    while service.now < START + FORGOTTEN_AFTER + 300:
        _tick(service, planner)
    singles = service.requests.count("single")
    _tick(service, planner)
    assert service.requests.count("single") - singles <= 2


def test_no_window_is_wider_than_the_service_allows() -> None:
    service = Service()
    for i in range(60):
        service.renders[f"p{i}"] = (START - 200 * 86_400, START + 60)
    planner = Planner(service.clock)
    for i in range(60):
        planner.add(i, Polling(f"p{i}", deadline=START + 900, interval=5, now=START), 5)
    starts: list[float] = []
    page = service.page
    service.page = lambda params: starts.append(service.since(params)) or page(params)  # type: ignore[method-assign, func-returns-value]
    while planner._watched:
        _tick(service, planner)
    assert starts
    assert min(starts) >= START - 92 * 86_400
    assert {outcome.status for _, outcome in planner.ended} == {"done"}


def _add(
    service: Service, planner: Planner, count: int, *, first: int = 0, seconds: float = 60, interval: float = INTERVAL
) -> None:
    """Renders that begin now, and a wait for each."""
    for i in range(first, first + count):
        service.renders[f"p{i}"] = (service.now, service.now + seconds)
        _wait(service, planner, i, f"p{i}", interval)


def _wait(service: Service, planner: Planner, key: Any, project: str, interval: float = INTERVAL) -> None:
    polling = Polling(project, deadline=service.now + 1800, interval=interval, now=service.now)
    planner.add(key, polling, interval)


def _tick(service: Service, planner: Planner) -> None:
    service.now += planner.pause()
    one_tick(service, planner)


def _batches(service: Service, planner: Planner) -> list[int]:
    """The sizes of the batches of one tick."""
    before = len(service.batches)
    _tick(service, planner)
    return service.batches[before:]
