"""What comes back from outside and is acted on: stamps, page tokens, records, events. Odd ones fail closed."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.answers import MovieAnswer, MoviesPage, MovieStatus
from airflow_provider_j2v.api.calls import Call, get_movie, list_movies
from airflow_provider_j2v.catalog.source import Reading, snapshot
from airflow_provider_j2v.exceptions import ApiError, ConfigurationError
from airflow_provider_j2v.hooks.json2video import project_of
from airflow_provider_j2v.operators.ledger import MemoryDocuments, TaskStateLedger
from airflow_provider_j2v.renders.feed import Feed, Wanted
from airflow_provider_j2v.renders.identity import Identity, Stamp, judge
from airflow_provider_j2v.renders.ledger import Entry, LedgerError
from airflow_provider_j2v.renders.lookup import LookupFailed, find
from airflow_provider_j2v.renders.manifest import lines
from airflow_provider_j2v.renders.polling import settle
from airflow_provider_j2v.renders.rows import Book, Head, Row, RowEntry, read_head
from tests.unit.security.test_answers import EVIL

T = TypeVar("T")
NOW = 1_789_214_400.0  # 2026-09-12T12:00:00Z
STAMP = Stamp("tag", Identity("prod", "dag", "run", "task", 3), 2, "abc")
OURS: dict[str, Any] = STAMP.on({})["client-data"]["airflow"]
ENTRY = {
    "state": "submitted",
    "tag": "t",
    "fingerprint": "f",
    "first_at": "2026-09-12T12:00:00Z",
    "at": "2026-09-12T12:00:00Z",
    "max_tries": 1,
    "retries": 1,
    "project": "p",
}
HEAD = {"generation": 1, "max_tries": 1, "retries": 1, "began_at": "2026-09-12T12:00:00Z", "rows": 2, "pieces": 1}

OTHERS = ("since", "seen", "open", "models", "aliases", "fetched_at", "status", "message", "entries", "of", "name")
WORDS = st.sampled_from([*sorted({*OURS, *ENTRY, *HEAD}), *OTHERS])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(EVIL) | st.just("2026-09-12T12:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=12,
)


def changed(document: dict[str, Any]) -> st.SearchStrategy[Any]:
    """A good document with some of its values replaced, or anything else."""
    return st.dictionaries(st.sampled_from(sorted(document)), JSON, max_size=3).map(lambda odd: document | odd) | JSON


def row(**fields: Any) -> MovieStatus:
    return MovieStatus.model_validate({"status": "done", **fields})


# The stamp that a movie carries, in client data which anybody with a key of the account can write.


@given(changed(OURS))
@example(OURS | {"map_index": "9" * 5000})
@example(OURS | {"max_tries": float("nan")})
@example(OURS | {"dag_id": [], "tag": {}})
def test_no_stamp_that_another_wrote_is_more_than_a_stamp(own: Any) -> None:
    for judged in (judge(row(**{"client-data": {"airflow": own}})), judge(row(json=json.dumps({"client-data": own})))):
        stamp = judged.stamp
        if stamp is not None:
            assert isinstance(stamp.tag, str)
            assert isinstance(stamp.max_tries, int)
            assert stamp == STAMP or stamp.identity != STAMP.identity or own != OURS


class Pages:
    """A service that answers with these pages in turn."""

    account = Account(key="k")

    def __init__(self, *pages: Any) -> None:
        self._pages = iter(pages)

    def send(self, call: Call[T], *, before_send: Callable[[], None] | None = None) -> T:
        page: T = next(self._pages)
        return page


@pytest.mark.parametrize("project", [EVIL, "x" * 201, "", None, {"a": 1}])
def test_a_render_without_a_usable_id_is_not_adopted(project: Any) -> None:
    page = MoviesPage.model_validate(
        {"movies": [{"status": "done", "project": project, "client-data": {"airflow": OURS}}], "has_next": False}
    )
    now = row(created_at="2026-09-12T12:00:00Z").created_at
    assert now is not None
    with pytest.raises(LookupFailed) as raised:
        list(find(Pages(page), lambda stamp: stamp == STAMP, now, now))
    assert str(raised.value).isprintable()


# Page tokens and ids, which go back into an address.


@given(st.text(max_size=500) | st.just(EVIL))
@example("&from=2000-01-01#x")
@example("//evil.example/@")
def test_a_token_of_a_page_changes_nothing_else_in_the_address(token: str) -> None:
    page = MoviesPage.model_validate({"movies": [], "has_next": True, "next_token": token})
    if page.more is None:
        return
    call = list_movies(next_token=page.more)
    url = httpx.Request("GET", f"https://api.json2video.com{call.path}", params=dict(call.params)).url
    parts = urlsplit(str(url))
    assert (parts.netloc, parts.path, parts.fragment) == ("api.json2video.com", "/v2/movies", "")
    assert parse_qs(parts.query, keep_blank_values=True) == {"limit": ["100"], "next_token": [token]}


@given(JSON)
def test_what_is_given_as_a_project_is_an_id_or_refused(value: Any) -> None:
    try:
        project = project_of(value)
    except ConfigurationError as e:
        words = str(e)
    else:
        assert project.isascii()
        assert project.isprintable()
        assert " " not in project
        assert get_movie(project).params["project"] == project
        return
    assert words.isprintable()
    assert len(words) < 300


# What was kept: by Airflow, for a later try.


class Kept:
    def __init__(self, value: Any) -> None:
        self._value = value

    def get(self, _: str) -> Any:
        return self._value


@given(changed(ENTRY))
def test_a_ledger_that_cannot_be_read_spends_nothing(value: Any) -> None:
    try:
        entry = TaskStateLedger(Kept(value)).read()
    except LedgerError:
        return
    assert entry is None or isinstance(entry, Entry)


def packed(value: Any) -> str:
    return base64.b64encode(zlib.compress(json.dumps(value).encode())).decode()


PACKED = JSON.map(packed) | st.text() | st.binary().map(lambda raw: base64.b64encode(raw).decode()) | JSON


@given(changed(HEAD), PACKED, PACKED)
@example(HEAD, packed([["a", {}], ["b", {}]]), packed({"entries": [{}, {}]}))
@example(HEAD, packed([["a", {}], ["b", {}]]), packed({"of": 1, "entries": [{}, {"state": "gone"}]}))
def test_a_record_of_a_batch_that_cannot_be_read_spends_nothing(head: Any, items: Any, wave: Any) -> None:
    documents = MemoryDocuments()
    documents.set("json2video.head", head)
    documents.set("json2video.items-1-0", items)
    documents.set("json2video.rows-1-0", wave)
    with suppress(LedgerError):
        read = read_head(documents)
        if read is not None and 0 <= read.pieces < 5 and 0 <= read.rows < 1000:
            book = Book.of(documents, read)
            assert len(book.rows) == len(book.entries) == read.rows


@given(changed({"since": NOW, "seen": {"p": NOW}, "open": {"q": NOW}}))
@example({"since": 1e300, "seen": {}, "open": {}})
@example({"since": NOW, "seen": {EVIL: NOW}, "open": {EVIL: 1e300}})
def test_a_watch_that_remembers_nonsense_begins_anew_or_goes_on(stored: Any) -> None:
    feed = Feed(Wanted(), interval=60, clock=lambda: NOW)
    with suppress(ValueError):
        feed.restore(stored)
    look = feed.look()
    call = next(look)
    while call is not None:
        answer: Any = MovieAnswer.model_validate({"movie": {"status": "done"}})
        if "project" not in call.params:
            answer = MoviesPage.model_validate({"movies": [{"project": EVIL, "status": "done"}], "has_next": False})
        try:
            call = look.send(answer)
        except StopIteration:
            break
    assert feed.error is None or isinstance(feed.error, ApiError)
    json.dumps(feed.state())


READING = snapshot().to_dict(NOW)


@given(changed(READING))
@example(READING | {"fetched_at": "9999-12-31T23:59:59-23:59"})
@example(READING | {"models": [[]] * 3})
def test_a_catalog_from_an_earlier_run_is_a_catalog_or_none(value: Any) -> None:
    reading = Reading.from_dict(value)
    assert reading is None or reading.catalog.models


@given(st.sampled_from(["done", "error", "running", "timeout", EVIL]), changed({"project": "p", "status": "done"}))
def test_an_event_never_ends_a_wait_against_the_service(status: str, event: Any) -> None:
    outcome = settle("p", MovieAnswer.model_validate({"movie": {"status": status}}), event)
    assert outcome.message.isprintable()
    assert len(outcome.message) < 2100
    if outcome.status in ("done", "error"):
        assert status == outcome.status


# The manifest, which other programs read.


@given(st.text(min_size=1) | st.just(EVIL), st.text() | st.just(EVIL), st.text() | st.just(EVIL))
@example("a\u2028b", "\x85", "\U000e0001")
def test_a_row_of_the_manifest_is_one_line_whatever_stands_in_it(key: str, error: str, url: str) -> None:
    head = Head.model_validate(HEAD | {"rows": 1})
    entry = RowEntry(state="finished", outcome="error", error=error, url=url)
    (line,) = lines(Book(MemoryDocuments(), head, [Row(0, key, {})], [entry]), stopped=False)
    assert line.endswith("}\n")
    assert line[:-1].isprintable()
    said = json.loads(line)
    assert (said["key"], said["error"], said["url"]) == (key, error, url)
