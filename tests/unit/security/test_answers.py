"""Whatever any endpoint answers, it is an answer or an error of ours, and its words cannot forge a line of a log."""

from __future__ import annotations

import inspect
import json
import time
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from airflow_provider_j2v.api import calls, media, template_answers, templates
from airflow_provider_j2v.api.answers import Answer, Models, MoviesPage, MovieStatus
from airflow_provider_j2v.api.calls import Call
from airflow_provider_j2v.api.media_answers import MediaFile
from airflow_provider_j2v.api.reply import Reply, check, escape
from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.exceptions import ApiError
from airflow_provider_j2v.links.movie import JSON2VideoMovieLink
from airflow_provider_j2v.renders.polling import Polling, settle
from airflow_provider_j2v.renders.result import bill_of, result_of

#: Every function that makes a call, and what it takes to make one.
CALLS: dict[str, Call[Any]] = {
    "submit_movie": calls.submit_movie({}),
    "get_movie": calls.get_movie("p"),
    "list_movies": calls.list_movies(),
    "delete_movie": calls.delete_movie("p"),
    "get_models": calls.get_models("https://cdn.example/models.json"),
    "list_templates": templates.list_templates(),
    "get_template": templates.get_template("t"),
    "template_variables": templates.template_variables("t"),
    "create_template": templates.create_template("t"),
    "update_template": templates.update_template("t", name="t"),
    "duplicate_template": templates.duplicate_template("t"),
    "delete_template": templates.delete_template("t"),
    "template_library": templates.template_library(),
    "media_usage": media.media_usage(),
    "get_media": media.get_media("a.png"),
    "list_media": media.list_media(),
    "media_tree": media.media_tree(),
    "register_media": media.register_media("a.png", "", 1, "image/png"),
    "move_media": media.move_media("a.png", "b"),
    "delete_media": media.delete_media("a.png"),
    "create_folder": media.create_folder("b"),
    "delete_folder": media.delete_folder("b"),
}


def makers() -> Iterator[str]:
    for module in (calls, templates, media):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            made = typing.get_type_hints(function).get("return")
            if function.__module__ == module.__name__ and not name.startswith("_") and typing.get_origin(made) is Call:
                yield name


def test_no_endpoint_is_forgotten_here() -> None:
    assert set(CALLS) == set(makers())


def models(cls: type[BaseModel] = Answer) -> Iterator[type[BaseModel]]:
    for child in cls.__subclasses__():
        yield child
        yield from models(child)


assert template_answers
NAMED = {word for cls in models() for name, field in cls.model_fields.items() for word in (name, field.alias) if word}
OTHERS = ("success", "error", "code", "templateId", "properties", "required", "models", "aliases", "credits")
FIELDS = st.sampled_from([*sorted(NAMED), *OTHERS])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["{}", "[[", "done"])
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=6),
    max_leaves=15,
)


def read(call: Call[Any], reply: Reply) -> Any:
    """The answer, or None for an error, whose words are looked at."""
    try:
        check(reply, is_submit=call.is_submit, names_project="project" in call.params)
        answer = call.read(reply)
        if isinstance(answer, Models) and answer.document is not None:
            Catalog.parse(answer.document)
    except ApiError as e:
        words = str(e)
    else:
        return answer
    assert words.isprintable()
    assert len(words) < 1200
    return None


BOMBS = {
    "deep lists": b"[" * 50_000,
    "deep objects": b'{"movie":' * 10_000,
    "deep and closed": b'{"movie":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "depth that is just read": b'{"models":' + b"[" * 150 + b"]" * 150 + b"}",
    "a huge integer": b'{"project":' + b"9" * 10_000 + b"}",
    "a large integer": b'{"movie":{"status":"done","size":' + b"9" * 4000 + b'},"storage":{"used_bytes":1e999}}',
    "not a number": b'{"movie":{"status":"done","duration":NaN}}',
    "infinite": b'{"movie":{"status":"done","duration":Infinity}}',
    "half a surrogate pair": b'{"project":"\\ud800","message":"\\udfff"}',
    "bad UTF-8": b'{"project":"\xff\xfe"}',
    "UTF-16": '{"project":"p"}'.encode("utf-16"),
    "a mark before it": b'\xef\xbb\xbf{"project":"p"}',
    "the same key twice": b'{"project":"p","project":["q"]}',
    "two documents": b'{"project":"p"}{"project":"q"}',
    "compressed": b"\x1f\x8b\x08\x00",
    "nothing": b"",
}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS)
def test_deep_huge_and_broken_json_is_an_answer_or_an_error_of_ours(body: bytes, status: int) -> None:
    for call in CALLS.values():
        read(call, Reply(status, {}, body))


@pytest.mark.parametrize("number", ["9" * 400, "9" * 4000, "-" + "9" * 400, "1e308", "-1e308", "1e-320", "1e15"])
def test_no_number_is_too_large_for_what_is_told_of_a_paid_render(number: str) -> None:
    names = ("duration", "size", "width", "height", "rendering_time", "progress")
    numbers = ", ".join(f'"{name}": {number}' for name in names)
    bill = f'[{{"credits": {number}}}, {{"credits": {number}}}]'
    movie = f'{{"status": "done", "url": "https://h/a.mp4", {numbers}, "consumed_credits": {bill}}}'
    body = f'{{"movie": {movie}, "remaining_quota": {{"time": {number}}}}}'
    answer = CALLS["get_movie"].read(Reply(200, {}, body.encode()))
    outcome = Polling("p", deadline=2.0, interval=5, now=0.0).see(answer, 1.0)
    assert outcome is not None
    result = result_of(outcome, (1.0, 2.0))
    assert len(json.dumps(result)) < 2048
    assert len(bill_of(result["credits"])) < 1000


@pytest.mark.parametrize("name", CALLS)
def test_any_json_is_an_answer_or_an_error_of_ours(name: str) -> None:
    @settings(max_examples=40)
    @given(st.sampled_from([200, 200, 200, 400, 404]), st.dictionaries(FIELDS, JSON, max_size=8) | JSON)
    @example(200, {"movies": [{"project": "\x1b[2J", "status": "\r\n", "url": "\u202e"}]})
    @example(200, {"template": {"id": "t", "movie": "[" * 100_000, "variables": "[" * 100_000, "tags": [[]]}})
    @example(200, {"templates": [{"id": "\x00"}], "tree": [{"path": None}], "storage": [], "files": [{"name": ""}]})
    def look(status: int, document: Any) -> None:
        read(CALLS[name], Reply(status, {}, json.dumps(document).encode()))

    look()


# Words from outside.

#: A terminal's commands, a forged line, letters that turn the reading round, and ones that do not show.
EVIL = "a\x1b[2J\x9b31m\r\n2026-01-01 ERROR forged\x00\x07\x08\x85\u2028\u2029\u202e\u2066\u200b\u00ad\ufeff\U000e0001b"


def evil_movie(**fields: Any) -> MovieStatus:
    return MovieStatus.model_validate({"status": "done", "project": "p", **fields})


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (400, {"message": EVIL}, {}),
        (400, {"error": EVIL}, {}),
        (400, {"message": "no", "code": EVIL}, {}),
        (400, {EVIL: EVIL}, {}),
        (400, EVIL, {}),
        (200, {"success": False, "message": EVIL}, {}),
        (302, {}, {"location": f"https://x.example/{EVIL}"}),
        (429, {"message": EVIL}, {"retry-after": EVIL}),
    ],
)
def test_no_refusal_forges_a_line(status: int, body: Any, headers: dict[str, str]) -> None:
    for call in CALLS.values():
        assert read(call, Reply(status, headers, json.dumps(body, ensure_ascii=False).encode())) is None
        assert read(call, Reply(status, headers, json.dumps(body).encode())) is None


def test_no_word_of_a_render_forges_a_line() -> None:
    movie = evil_movie(status=EVIL, project=EVIL, url=f"https://cdn.example/{EVIL}.mp4", ass=f"https://h/{EVIL}")
    assert movie.project is None, "an id that cannot be one is none, and a lookup fails closed"
    assert movie.status.isprintable()
    assert movie.url is not None
    assert movie.url.isprintable()
    assert movie.url.startswith("https://cdn.example/a%1B%5B2J") or movie.url.startswith("https://cdn.example/a%1B[2J")
    assert (movie.ass or "").isascii()
    file = MediaFile.model_validate({"name": "a.png", "status": EVIL, "url": f"https://h/{EVIL}"})
    assert (file.status or "").isprintable()
    assert (file.url or "").isascii()


def test_an_address_that_is_good_is_left_as_it_is() -> None:
    url = "https://cdn.example:8443/a%20b/~c_(1)*;x=1,2/d.mp4?X-Amz-Signature=%2Fab+c&e=f#t=1,2"
    assert evil_movie(url=url).url == url


def test_what_is_told_of_a_wait_is_short_and_printable_whatever_the_status() -> None:
    answer = CALLS["get_movie"].read(Reply(200, {}, json.dumps({"movie": {"status": EVIL * 10_000}}).encode()))
    polling = Polling("p", deadline=10.0, interval=5, now=0.0)
    late = polling.see(answer, 11.0)
    assert late is not None
    settled = settle("p", answer, {"project": "p", "status": "lost", "message": EVIL * 1000})
    for outcome in (late, settled, settle("p", answer, EVIL * 1000)):
        assert outcome.message.isprintable()
        assert len(outcome.message) < 1000
        assert str(outcome.error).isprintable()


def test_a_token_of_a_page_that_no_address_could_carry_is_none() -> None:
    page = MoviesPage.model_validate({"movies": [], "has_next": True, "next_token": "t" * 100_000})
    assert page.more is None


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "JAVASCRIPT:alert(1)", "//evil.example"]
)
def test_a_link_in_airflow_is_never_a_script(url: str) -> None:
    class Operator:
        video_url = evil_movie(url=url).url
        dashboard_url = "https://json2video.com/dashboard/"

    link: Any = JSON2VideoMovieLink()
    assert link.get_link(Operator(), ti_key=None) == Operator.dashboard_url


HEAVY = {
    "names": "password" * 2500,
    "a name and spaces": "password" + " " * 20_000,
    "backslashes": 'password="' + "\\" * 20_000,
    "an opening that never closes": ("password=" + "\\" * 200 + '"') * 90,
    "addresses": "://" + "a:" * 10_000,
    "queries": "?" + "token" * 4000,
    "signatures": "&x-signature" * 1600,
    "queries without end": "?a&" * 6600,
}


@pytest.mark.parametrize("text", HEAVY.values(), ids=HEAVY)
def test_no_text_makes_the_search_for_secrets_slow(text: str) -> None:
    began = time.process_time()
    escape(text, 500, ["geheim" * 4])
    assert time.process_time() - began < 10  # milliseconds; minutes where the search tries every way
