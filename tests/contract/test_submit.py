"""``POST /movies``: what is accepted is paid, so what the client makes of every other answer decides over money."""

from __future__ import annotations

import json
import re
import time

import pytest

from airflow_provider_j2v.api.calls import get_movie, submit_movie
from airflow_provider_j2v.exceptions import (
    InvalidMovie,
    InvalidRequest,
    OutOfCredits,
    PermissionDenied,
    RateLimited,
    ServerError,
    Unreachable,
    UnreadableAnswer,
)


def test_a_submission_answers_with_the_project(project):
    assert len(project) == 16


def test_a_submission_is_sent_as_json_with_the_key_in_its_header(driver, recorder, movie):
    movie["scenes"][0]["elements"][0]["text"] = "Grüße, 世界 \U0001f3ac {{headline}}"
    answer = driver.with_account(base_url=recorder.url, key="k").send(submit_movie(movie))
    (seen,) = recorder.seen
    assert answer.project == "0123456789abcdef"
    assert (seen.method, seen.path, json.loads(seen.body)) == ("POST", "/v2/movies", movie)
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["x-api-key"] == "k"


FAULTS = {
    "reset-before": (Unreachable, {"kind": "reset"}),
    "reset-after": (Unreachable, {"kind": "reset", "after": True}),
    "closed": (Unreachable, {"kind": "reset", "orderly": True}),
    "hang": (Unreachable, {"kind": "hang"}),
    "hang-after": (Unreachable, {"kind": "hang", "after": True}),
    "truncated": (Unreachable, {"kind": "truncate", "after": True}),
    "dripping-headers": (Unreachable, {"kind": "drip", "part": "headers"}),
    "dripping-body": (Unreachable, {"kind": "drip", "part": "body"}),
    "500": (ServerError, {"kind": "status", "status": 500}),
    "503-after": (ServerError, {"kind": "status", "status": 503, "after": True}),
    "408": (ServerError, {"kind": "status", "status": 408}),
    "500-naming-credits": (ServerError, {"kind": "status", "status": 500, "body": {"message": "Insufficient credits"}}),
    "leaked-typeerror": (ServerError, {"kind": "status", "status": 400, "body": {"message": "TypeError: x is null"}}),
    "html": (UnreadableAnswer, {"kind": "body", "name": "html", "after": True}),
    "html-502": (ServerError, {"kind": "body", "name": "html", "status": 502}),
    "empty": (UnreadableAnswer, {"kind": "body", "name": "empty"}),
    "null": (UnreadableAnswer, {"kind": "body", "name": "null"}),
    "array": (UnreadableAnswer, {"kind": "body", "name": "array"}),
    "bad-utf8": (UnreadableAnswer, {"kind": "body", "name": "bad-utf8"}),
    "deep": (UnreadableAnswer, {"kind": "body", "name": "deep"}),
    "without-project": (UnreadableAnswer, {"kind": "body", "body": '{"success": true}'}),
    "project-is-null": (UnreadableAnswer, {"kind": "body", "body": '{"success": true, "project": null}'}),
    "project-is-blank": (UnreadableAnswer, {"kind": "body", "body": '{"success": true, "project": ""}'}),
    "200-without-success": (UnreadableAnswer, {"kind": "body", "body": '{"success": false, "message": "oops"}'}),
    "not-modified": (UnreadableAnswer, {"kind": "status", "status": 304, "body": ""}),
    "redirect": (UnreadableAnswer, {"kind": "status", "status": 307, "headers": {"Location": "/v2/movies"}}),
    "too-large": (UnreadableAnswer, {"kind": "big", "megabytes": 40}),
    "429": (RateLimited, {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_submission_is_never_sent_twice_by_the_client(name, driver, sandbox, movie):
    kind, fault = FAULTS[name]
    added = sandbox.faults.add(on="submit", times=None, **fault)
    began = time.monotonic()
    with pytest.raises(kind) as raised:
        driver.with_account(submit_timeout=0.5 if kind is Unreachable else 30).send(submit_movie(movie))
    assert type(raised.value) is kind
    assert added.hits == 1
    assert not driver.pauses
    if kind is Unreachable:
        assert raised.value.sent
        assert time.monotonic() - began < 3, "the limit in all was not kept"


@pytest.mark.parametrize(
    ("message", "status", "kind"),
    [
        ("Insufficient credits", 400, OutOfCredits),
        ("You exceeded the quota of movies in your plan. Please upgrade your plan to continue.", 401, OutOfCredits),
        ("Movie is larger (3840x2160) than your plan allowance (1920x1080)", 401, InvalidRequest),
        ("account_suspended", 403, PermissionDenied),
        ("Source URL is required for video element in Scene 1, Element 2", 400, InvalidRequest),
        ("Template not found", 404, InvalidRequest),
        ("Request Too Long", 413, InvalidRequest),
    ],
)
def test_a_refused_submission_says_why(send, sandbox, movie, message, status, kind):
    body = {"success": False, "message": message}
    fault = sandbox.faults.add(on="submit", kind="status", status=status, body=body, times=None)
    with pytest.raises(kind, match=re.escape(message)) as raised:
        send(submit_movie(movie))
    assert type(raised.value) is kind
    assert raised.value.status == status
    assert fault.hits == 1


@pytest.mark.parametrize("shape", ["success", "bare", "code"])
def test_a_refused_submission_is_read_in_every_documented_shape(send, sandbox, movie, shape):
    sandbox.variants.submit_error_shape = shape
    sandbox.accounts[0].credits = 0
    with pytest.raises(OutOfCredits, match="Insufficient credits") as raised:
        send(submit_movie(movie))
    assert ("E1002" in str(raised.value)) == (shape == "code")
    assert not sandbox.journal.submissions


def test_a_refusal_that_names_its_reason_under_error_is_read(send, sandbox, movie):
    sandbox.faults.add(on="submit", kind="status", status=500, body={"error": "Error starting subprocess"})
    with pytest.raises(ServerError, match="Error starting subprocess"):
        send(submit_movie(movie))


def test_a_movie_larger_than_the_plan_is_refused_and_the_key_not_blamed(send, sandbox, movie):
    sandbox.accounts[0].max_size = (320, 180)
    with pytest.raises(InvalidRequest, match="plan allowance") as raised:
        send(submit_movie(movie))
    assert "key" not in str(raised.value).lower()
    assert not sandbox.journal.submissions


def test_an_unknown_template_is_a_movie_to_correct_in_both_spellings(send, sandbox):
    for status in (400, 404):
        sandbox.variants.template_missing_status = status
        with pytest.raises(InvalidRequest, match="not found"):
            send(submit_movie({"template": "x" * 20}))
    assert not sandbox.journal.submissions


def test_a_movie_that_is_too_large_is_refused_by_the_service(send, sandbox, movie):
    movie["comment"] = "x" * 2_100_000
    with pytest.raises(InvalidRequest) as raised:
        send(submit_movie(movie))
    assert raised.value.status == 413


@pytest.mark.parametrize(
    "bad",
    [float("nan"), float("inf"), {1, 2}, b"bytes", "half \ud800 a pair", 10**5000],
    ids=["nan", "infinity", "set", "bytes", "surrogate", "huge"],
)
def test_a_movie_that_is_not_json_never_leaves(send, sandbox, movie, bad):
    movie["variables"] = {"x": bad}
    with pytest.raises(InvalidMovie, match=r"Nothing was sent\.$"):
        send(submit_movie(movie))
    assert not sandbox.journal.requests


def test_each_submission_opens_a_connection_of_its_own(driver, recorder, movie):
    driver = driver.with_account(base_url=recorder.url, key="k")
    for _ in range(2):
        driver.send(submit_movie(movie))
    for _ in range(2):
        driver.send(get_movie("0123456789abcdef"))
    first, second, third, fourth = [seen.port for seen in recorder.seen]
    assert len({first, second, third}) == 3
    assert third == fourth
