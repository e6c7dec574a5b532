"""The one decision of every loop. No clock runs here: each test says what time it is."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_j2v.api.answers import MovieAnswer, MoviesPage
from airflow_provider_j2v.exceptions import (
    AuthenticationError,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RateLimited,
    RenderTimeout,
    ServerError,
    Unreachable,
    UnreadableAnswer,
)
from airflow_provider_j2v.renders.polling import (
    MAX_FAILURES,
    NOT_FOUND_GRACE,
    TIMEOUT_GRACE,
    Outcome,
    Polling,
    settle,
)

START = 1_000_000.0
DEADLINE = START + 1800
UNKNOWN = NotFound(400, "TypeError")
DOWN = ServerError(500, "down")


def movie(status, **more):
    return MovieAnswer.model_validate({"movie": {"status": status, **more}, "remaining_quota": {"time": 7}})


def page(*projects, then=None, status="running", **more):
    rows = [{"project": project, "status": status} for project in projects]
    return MoviesPage.model_validate({"movies": rows, "has_next": bool(then), "next_token": then, **more})


@pytest.fixture
def polling():
    return Polling("p", deadline=DEADLINE, interval=5, now=START)


@pytest.fixture
def confirming(polling):
    """A wait whose project was unknown for longer than the grace: the list is asked now."""
    assert polling.see(UNKNOWN, START + NOT_FOUND_GRACE) is None
    assert polling.confirming
    return polling


# Statuses.


@pytest.mark.parametrize("status", ["pending", "running", "", "rendering", "DONE", "cancelled"])
def test_what_is_no_final_status_goes_on_and_is_remembered(polling, status):
    assert polling.see(movie(status), START + 5) is None
    assert polling.last_status == status


def test_done_ends_with_the_movie_and_the_credits(polling):
    outcome = polling.see(movie("done", url="u"), START + 5)
    assert (outcome.project, outcome.status, outcome.movie.url, outcome.quota.time) == ("p", "done", "u", 7)
    assert outcome.raise_for_status() is None


def test_error_ends_with_the_service_s_reason(polling):
    outcome = polling.see(movie("error", message="Scene #1: no"), START + 5)
    assert (outcome.status, outcome.message) == ("error", "Scene #1: no")
    assert outcome.raise_for_status() is None


def test_the_reason_of_a_failure_is_harmless_in_a_log(polling):
    outcome = polling.see(movie("error", message="a\nb\x1b[31m" + "x" * 10**6 + " (404)"), START + 5)
    assert outcome.message.startswith(r"a b\x1b[31mxxx")
    assert outcome.message.isprintable()
    assert len(outcome.message) <= 2000


# The deadline.


@pytest.mark.parametrize("late", [0, 1, 10_000])
@pytest.mark.parametrize("status", ["done", "error"])
def test_a_final_status_counts_even_after_the_deadline(polling, status, late):
    assert polling.see(movie(status), DEADLINE + late).status == status


@pytest.mark.parametrize("result", [movie("running"), movie("timeout"), DOWN, UNKNOWN, RateLimited(429, "x", 5.0)])
def test_whatever_else_comes_at_the_deadline_is_too_late(polling, result):
    assert polling.see(result, DEADLINE - 0.001) is None
    outcome = polling.see(result, DEADLINE)
    assert outcome.status == "timeout"
    with pytest.raises(RenderTimeout, match="not finished at the deadline") as raised:
        outcome.raise_for_status()
    assert raised.value.project == "p"


def test_too_late_names_the_last_status(polling):
    assert "no status was seen" in polling.see(DOWN, DEADLINE).message
    polling.see(movie("running"), START)
    assert "last status 'running'" in polling.see(DOWN, DEADLINE).message


# ``timeout``, which the service may or may not mean.


def test_a_timeout_status_is_given_a_grace(polling):
    assert polling.see(movie("timeout"), START + 100) is None
    assert polling.see(movie("timeout"), START + 100 + TIMEOUT_GRACE - 1) is None
    outcome = polling.see(movie("timeout"), START + 100 + TIMEOUT_GRACE)
    assert outcome.status == "timeout"
    with pytest.raises(RenderTimeout, match="takes too long"):
        outcome.raise_for_status()


@pytest.mark.parametrize("status", ["done", "error"])
def test_a_late_end_after_a_timeout_status_counts(polling, status):
    polling.see(movie("timeout"), START + 100)
    assert polling.see(movie(status), START + 100 + TIMEOUT_GRACE + 50).status == status


# Not found.


def test_a_young_project_may_be_unknown(polling):
    assert polling.see(UNKNOWN, START + NOT_FOUND_GRACE - 1) is None
    assert not polling.confirming
    assert polling.call().params["project"] == "p"


def test_an_unknown_project_is_looked_for_in_the_list(confirming):
    params = confirming.call().params
    assert "project" not in params
    assert params["limit"] == "100"


def test_a_project_in_no_page_of_the_list_is_lost(confirming):
    for i, token in enumerate(("2", "3")):
        assert confirming.see(page("a", then=token), START + 70 + i) is None
        assert confirming.call().params["project"] == "p"
        assert confirming.see(UNKNOWN, START + 75 + i) is None
        assert confirming.call().params["next_token"] == token
    outcome = confirming.see(page("b"), START + 80)
    assert outcome.status == "lost"
    with pytest.raises(NotFound, match="Project p: the service knows no such project"):
        outcome.raise_for_status()


def test_the_list_is_read_no_further_back_than_the_service_allows():
    polling = Polling("p", deadline=START + 30 * 86_400, interval=5, now=START)
    week_later = START + 7 * 86_400
    assert polling.see(UNKNOWN, week_later) is None
    since = datetime.fromisoformat(polling.call().params["from"]).timestamp()
    assert week_later - 92 * 86_400 <= since <= week_later - 91 * 86_400


def test_a_project_that_shows_while_it_is_looked_for_is_looked_for_no_more(confirming):
    assert confirming.see(page("a", then="2"), START + 70) is None
    assert confirming.see(movie("running"), START + 72) is None
    assert not confirming.confirming
    assert confirming.see(UNKNOWN, START + 77) is None
    assert confirming.call().params["project"] == "p"


def test_a_render_that_ends_while_a_long_list_is_read_is_told(confirming):
    assert confirming.see(page("a", then="2"), START + 70) is None
    assert confirming.call().params["project"] == "p"
    assert confirming.see(movie("done"), START + 75).status == "done"


def test_a_project_on_a_later_page_is_waited_for_with_a_new_grace(confirming):
    assert confirming.see(page("a", then="2"), START + 70) is None
    assert confirming.see(page("b", "p"), START + 75) is None
    assert confirming.last_status == "running"
    assert confirming.call().params["project"] == "p"
    assert confirming.see(UNKNOWN, START + 75 + NOT_FOUND_GRACE - 1) is None
    assert not confirming.confirming
    assert confirming.see(UNKNOWN, START + 75 + NOT_FOUND_GRACE) is None
    assert confirming.confirming


@pytest.mark.parametrize("status", ["done", "error"])
def test_a_final_status_in_the_list_ends_the_wait(confirming, status):
    assert confirming.see(page("p", status=status), START + 70).status == status


@pytest.mark.parametrize(
    "result",
    [
        DOWN,
        NotFound(404, "x"),
        InvalidRequest(400, "x"),
        page("a", has_next=True),
        page("a", has_next=True, next_token=""),
    ],
)
def test_a_list_that_is_not_read_to_its_end_proves_nothing(confirming, result):
    for _ in range(MAX_FAILURES - 1):
        assert confirming.see(result, START + 70) is None
    assert confirming.confirming
    outcome = confirming.see(result, START + 70)
    assert outcome.status == "lost"
    assert not isinstance(outcome.error, NotFound)


# Failures in between.


@pytest.mark.parametrize(
    "failure", [DOWN, Unreachable("x", sent=True), UnreadableAnswer(200, "x"), InvalidRequest(400, "x")]
)
def test_failures_in_a_row_are_borne_up_to_a_bound_that_quotes_the_last(polling, failure):
    for i in range(MAX_FAILURES - 1):
        assert polling.see(failure, START + i) is None
    outcome = polling.see(ServerError(503, "the last straw"), START + 60)
    assert outcome.status == "lost"
    with pytest.raises(
        ServerError, match="Project p: 10 polls in a row failed, the last one: the last straw"
    ) as raised:
        outcome.raise_for_status()
    assert raised.value.status == 503


def test_one_good_answer_starts_the_count_anew(polling):
    for _ in range(3):
        for _ in range(MAX_FAILURES - 1):
            assert polling.see(DOWN, START + 1) is None
        assert polling.see(movie("running"), START + 1) is None


@pytest.mark.parametrize("error", [AuthenticationError(400, "Invalid API Key"), PermissionDenied(403, "no")])
def test_a_refusal_ends_the_wait_at_once_as_itself(polling, error):
    outcome = polling.see(error, START + 5)
    assert outcome.status == "refused"
    with pytest.raises(type(error)) as raised:
        outcome.raise_for_status()
    assert raised.value is error


def test_rate_limits_are_no_failures(polling):
    for i in range(MAX_FAILURES * 3):
        assert polling.see(RateLimited(429, "x"), START + i) is None


# Pauses.


@given(st.text(min_size=1), st.floats(5, 300))
def test_the_pause_is_the_interval_and_at_most_a_tenth_more(project, interval):
    polling = Polling(project, deadline=START + 1e6, interval=interval, now=START)
    pause = polling.pause(START)
    assert interval <= pause <= interval * 1.1
    assert polling.pause(START) == pause, "the jitter is not deterministic"


def test_projects_are_not_polled_in_step():
    pauses = {Polling(f"p{i}", deadline=DEADLINE, interval=5, now=START).pause(START) for i in range(50)}
    assert len(pauses) > 40


@pytest.mark.parametrize(("left", "pause"), [(2, 2), (0, 0), (-5, 0)])
def test_a_pause_ends_at_the_deadline_and_is_never_negative(polling, left, pause):
    assert polling.pause(DEADLINE - left) == pause


def test_a_rate_limit_silences_for_as_long_as_it_says(polling):
    polling.see(RateLimited(429, "x", 120.0), START)
    assert polling.pause(START) == 120
    assert polling.pause(START + 100) == 20
    assert 5 <= polling.pause(START + 118) <= 5.5


def test_a_rate_limit_without_a_time_silences_for_the_interval(polling):
    polling.see(RateLimited(429, "x"), START)
    assert 5 <= polling.pause(START) <= 5.5


def test_no_last_look_is_taken_while_the_service_asks_for_silence(polling):
    polling.see(RateLimited(429, "x", 120.0), DEADLINE - 60)
    assert polling.pause(DEADLINE - 60) == 60
    assert polling.overdue(DEADLINE - 1) is None
    assert polling.overdue(DEADLINE).status == "timeout"


def test_a_last_look_is_taken_at_the_deadline_otherwise(polling):
    assert polling.overdue(DEADLINE) is None
    polling.see(RateLimited(429, "x", 30.0), DEADLINE - 60)
    assert polling.overdue(DEADLINE) is None


# Ends that another process saw.


def test_a_render_that_has_ended_has_ended_whatever_the_event_says():
    event = {"project": "p", "status": "timeout", "message": "x"}
    assert settle("p", movie("done", url="u"), event).movie.url == "u"
    assert settle("p", movie("error", message="a\x1b"), event).message == r"a\x1b"


@pytest.mark.parametrize("answer", [DOWN, UNKNOWN, RateLimited(429, "x", 600.0), Unreachable("x", sent=True)])
def test_a_time_that_is_over_is_over_whether_the_service_answers_or_not(answer):
    assert settle("p", answer, {"project": "p", "status": "timeout", "message": "too late"}).status == "timeout"
    for event in (None, {"project": "p", "status": "done", "message": ""}, {"project": "q", "status": "timeout"}):
        with pytest.raises(type(answer)) as raised:
            settle("p", answer, event).raise_for_status()
        assert raised.value is answer


def test_a_refused_key_is_what_a_person_has_to_hear_of_first():
    refusal = AuthenticationError(400, "Invalid API Key")
    event = {"project": "p", "status": "timeout", "message": "too late"}
    with pytest.raises(AuthenticationError):
        settle("p", refusal, event).raise_for_status()


def test_a_timeout_event_is_a_timeout():
    outcome = settle("p", movie("running"), {"project": "p", "status": "timeout", "message": "too late"})
    with pytest.raises(RenderTimeout, match="too late"):
        outcome.raise_for_status()


@pytest.mark.parametrize(
    "event",
    [
        None,
        "done",
        [],
        {},
        {"project": "p"},
        {"project": "p", "status": "done"},
        {"project": "p", "status": "error", "message": None},
        {"project": "p", "status": "lost", "message": "x\x1b[2J"},
        {"project": "p", "status": "unheard-of"},
        {"project": "another", "status": "done"},
        {"project": "another", "status": "timeout"},
        "x" * 10**6,
    ],
    ids=lambda event: repr(event)[:40],
)
def test_any_other_event_fails_closed_while_the_render_goes_on(event):
    outcome = settle("p", movie("running"), event)
    assert isinstance(outcome, Outcome)
    with pytest.raises(ServerError, match="Project p is 'running'; it goes on") as raised:
        outcome.raise_for_status()
    assert len(str(raised.value)) < 1000
    assert str(raised.value).isprintable()
