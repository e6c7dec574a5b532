"""From bytes to an answer or an error: nothing a service can say brings another exception than ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_j2v.api.answers import MovieAnswer, MoviesPage, Submitted
from airflow_provider_j2v.api.calls import delete_movie, get_models, get_movie, list_movies, submit_movie
from airflow_provider_j2v.api.reply import Reply, check, escape, excerpt, model, retry_after
from airflow_provider_j2v.exceptions import (
    ApiError,
    AuthenticationError,
    InvalidRequest,
    NotFound,
    OutOfCredits,
    PermissionDenied,
    RateLimited,
    ServerError,
    UnreadableAnswer,
)

CALLS = [submit_movie({}), get_movie("p"), list_movies(), delete_movie("p"), get_models("https://cdn.example/x")]
LEAKED = "TypeError: Cannot read properties of null (reading 'success')"


def reply(status=200, body=None, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, headers, raw)


def refused(status, message, **context):
    with pytest.raises(ApiError) as raised:
        check(reply(status, {"success": False, "message": message}), **context)
    return raised.value


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "Error: API Key not provided", AuthenticationError),
        (400, "Error: Invalid API Key", AuthenticationError),
        (401, "Unauthorized", AuthenticationError),
        (401, "anything else", AuthenticationError),
        (400, "Insufficient credits", OutOfCredits),
        (401, "You exceeded the quota of movies in your plan. Please upgrade", OutOfCredits),
        (401, "You exceeded the quota of drafts in your plan.", OutOfCredits),
        (401, "Movie is larger (3840x2160) than your plan allowance (1920x1080)", InvalidRequest),
        (403, "Insufficient permissions", PermissionDenied),
        (400, "Insufficient permissions", PermissionDenied),
        (403, "account_suspended", PermissionDenied),
        (403, "Invalid token", PermissionDenied),
        (403, "Forbidden", PermissionDenied),
        (403, "Missing Authentication Token", InvalidRequest),
        (400, "Template kUdF4 not found", NotFound),
        (404, "Template not found", NotFound),
        (404, "", NotFound),
        (410, "gone", NotFound),
        (400, "No movie JSON received", InvalidRequest),
        (400, "Movie duration cannot be zero", InvalidRequest),
        (400, LEAKED, InvalidRequest),
        (405, "", InvalidRequest),
        (408, "", ServerError),
        (409, "A file with this name already exists. Delete it first.", InvalidRequest),
        (413, "", InvalidRequest),
        (429, "Insufficient credits", RateLimited),
        (499, "", ServerError),
        (500, "Error starting subprocess", ServerError),
        (500, "Insufficient credits", ServerError),
        (502, "Invalid API Key", ServerError),
        (503, "Project not found", ServerError),
        (200, "Insufficient credits", OutOfCredits),
        (200, "Project not found", NotFound),
        (200, "what nobody documented", UnreadableAnswer),
    ],
)
def test_the_family_of_the_message_decides_first_and_the_status_second(status, message, kind):
    error = refused(status, message)
    assert type(error) is kind
    assert error.status == status
    assert message in error.message


@pytest.mark.parametrize(
    ("status", "message", "context", "kind"),
    [
        (400, LEAKED, {"names_project": True}, NotFound),
        (200, LEAKED, {"names_project": True}, NotFound),
        (500, LEAKED, {"names_project": True}, ServerError),
        (400, "SyntaxError: Unexpected end of input", {"names_project": True}, InvalidRequest),
        (400, LEAKED, {"is_submit": True}, ServerError),
        (400, "ReferenceError: x is not defined", {"is_submit": True}, ServerError),
        (400, "The TypeError of your movie", {"is_submit": True}, InvalidRequest),
    ],
)
def test_a_leaked_error_means_unknown_project_or_unknown_outcome(status, message, context, kind):
    assert type(refused(status, message, **context)) is kind


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 399])
def test_a_redirect_is_unreadable_and_names_its_target_harmlessly(status):
    with pytest.raises(UnreadableAnswer, match=r"redirect to https://evil\.example\\x1b") as raised:
        check(reply(status, {}, location="https://evil.example\x1b[2J"))
    assert raised.value.status == status


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "a"}, "a"),
        ({"error": "b"}, "b"),
        ({"message": "", "error": "b"}, "b"),
        ({"message": None, "error": "b"}, "b"),
        ({"message": {"deep": 1}}, '{"message": {"deep": 1}}'),
        ({"message": "a", "code": "E1002"}, "a [E1002]"),
        ({"message": "a", "code": 5}, "a"),
        (["a"], '["a"]'),
        (b"<html>Bad gateway</html>", "<html>Bad gateway</html>"),
        (b"", "HTTP 422 without a message"),
        (b"\xff\xfe", "��"),
    ],
)
def test_the_services_own_words_are_found(body, words):
    with pytest.raises(InvalidRequest) as raised:
        check(reply(422, body))
    assert raised.value.message == words
    assert str(raised.value) == f"{words} (HTTP 422)"


def test_a_failed_movie_is_no_refusal():
    body = {"success": False, "movie": {"status": "error", "message": "Insufficient credits"}}
    answer = reply(200, body)
    check(answer)
    assert model(MovieAnswer)(answer).movie.status == "error"


NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("9" * 400, 86_400.0),
        ("Sat, 31 Jan 2026 12:01:30 GMT", 90.0),
        ("Sat, 31 Jan 2026 13:01:30 +0100", 90.0),
        ("Sat, 31 Jan 2026 11:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Sat, 31 Jan 2026 12:01:30 -0000", None),
        ("Sat, 99 Foo 2026 12:01:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_a_date_or_nothing(value, seconds):
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Sat, 31 Jan 2026 12:00:00 GMT", 90.0),
        ("Sat, 31 Jan 2026 12:02:00 GMT", 0.0),
        ("Sat, 31 Jan 2026 12:00:00 -0000", 0.0),
        ("yesterday", 0.0),
        (None, 0.0),
    ],
)
def test_a_date_to_retry_after_is_by_the_service_s_own_clock(date, seconds):
    headers = {"retry-after": "Sat, 31 Jan 2026 12:01:30 GMT"} | ({"date": date} if date else {})
    with pytest.raises(RateLimited) as raised:
        check(Reply(429, headers, b"{}"))
    assert raised.value.retry_after == seconds


@given(st.text())
def test_retry_after_never_fails(value):
    seconds = retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= 86_400


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain Grüße 世界", "plain Grüße 世界"),
        ("a\nb\r\nc\td", "a b  c d"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("\x00\x07\x08", r"\x00\x07\x08"),
        ("abc\u202ecba", r"abc\x202ecba"),
        ("\u2066x\u2069", r"\x2066x\x2069"),
        ("\u2028", r"\x2028"),
        ("\ud800", r"\xd800"),
    ],
)
def test_escape_leaves_nothing_that_moves_the_cursor_or_the_reader(text, shown):
    assert escape(text) == shown


@given(st.text(st.characters()), st.integers(2, 50))
def test_escaped_text_is_printable_and_short(text, length):
    shown = escape(text, length)
    assert shown.isprintable()
    assert len(shown) <= length


@given(st.binary())
def test_an_excerpt_of_anything_is_one_printable_line(body):
    assert excerpt(body).isprintable()
    assert 0 < len(excerpt(body)) <= 200


FIELDS = st.sampled_from(
    [
        *("success", "message", "error", "code", "project", "movie", "movies", "status", "next_token", "has_next"),
        *("client-data", "created_at", "duration", "remaining_quota", "time", "json", "size", "url"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | FIELDS, inner, max_size=5),
    max_leaves=12,
)


def read_all(answer):
    for call in CALLS:
        words = ""
        try:
            check(answer, is_submit=call.is_submit, names_project="project" in call.params)
            call.read(answer)
        except ApiError as e:
            words = str(e)
        assert not words or words.isprintable()
        assert len(words) < 1200


@given(st.integers(100, 599), st.binary())
@example(200, b'{"a":' + b"[" * 100_000)
@example(200, b'{"movie": {"status": "done", "size": ' + b"9" * 5000 + b"}}")
@example(200, b'{"movie": {"status": "done", "created_at": 1e400, "duration": -1e400}}')
def test_arbitrary_bytes_never_raise_anything_but_ours(status, body):
    read_all(Reply(status, {}, body))


@given(st.integers(100, 599), st.dictionaries(FIELDS, JSON) | JSON)
def test_arbitrary_json_never_raises_anything_but_ours(status, document):
    read_all(reply(status, document))


@pytest.mark.parametrize(
    ("cls", "body"),
    [
        (Submitted, {"success": True}),
        (Submitted, {"project": "x" * 201}),
        (MovieAnswer, {"movie": {"status": None}}),
        (MovieAnswer, {"success": True}),
        (MoviesPage, {"movies": [{"status": "done"}, None]}),
    ],
)
def test_an_answer_without_what_is_acted_on_is_unreadable(cls, body):
    with pytest.raises(UnreadableAnswer, match="without a usable"):
        model(cls)(reply(200, body))


@pytest.mark.parametrize(
    ("has_next", "token", "more"),
    [(True, "t", "t"), (True, "", None), (True, None, None), (False, "t", None), (None, "t", None), (True, 5, "5")],
)
def test_a_page_leads_on_only_with_a_token_that_is_meant(has_next, token, more):
    page = model(MoviesPage)(reply(200, {"movies": [], "has_next": has_next, "next_token": token}))
    assert page.more == more


@pytest.mark.parametrize(
    ("movie", "unknown"),
    [
        ({"status": "error", "message": "Project not found"}, True),
        ({"status": "error", "message": "The movie abc was not found"}, True),
        ({"status": "error", "message": "Project not found", "created_at": "2026-01-01T00:00:00Z"}, False),
        ({"status": "error", "message": "Scene #1: Font not found"}, False),
        ({"status": "running", "message": "Project not found"}, False),
    ],
)
def test_a_movie_that_says_it_is_unknown_is_not_found(movie, unknown):
    answer = reply(200, {"success": True, "movie": movie})
    if unknown:
        with pytest.raises(NotFound):
            get_movie("p").read(answer)
    else:
        assert get_movie("p").read(answer).movie.status == movie["status"]
