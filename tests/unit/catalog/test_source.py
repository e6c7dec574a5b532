"""Live, this process's cache, the previous copy, the snapshot: in that order, and never a failure."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from airflow_provider_j2v.api.answers import Models
from airflow_provider_j2v.catalog import source
from airflow_provider_j2v.catalog.source import FRESH_FOR, Reading, read_catalog, snapshot
from airflow_provider_j2v.exceptions import ServerError, Unreachable, UnreadableAnswer

URL = "https://cdn.example/models.json"


def document(*names, credits=1):
    return {"models": [{"name": name, "credits": credits, "providers": ["p"]} for name in names]}


class Published:
    """The file as it is published at the moment, by a ``send`` that answers as the client does."""

    def __init__(self):
        self.now = 1_000_000.0
        self.asked = []
        self.answer = Models(document=document("a"), etag='"1"')

    def __call__(self, call):
        self.asked.append(call.headers.get("If-None-Match"))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def read(self, previous=None, url=URL):
        return read_catalog(self, url, previous=previous, clock=lambda: self.now)

    def later(self, seconds=FRESH_FOR):
        self.now += seconds


@pytest.fixture
def published():
    source._cache.clear()
    yield Published()
    source._cache.clear()


def shown(reading):
    return (sorted(reading.catalog.models), reading.source, reading.stale, reading.fetched_at)


DOWN = Unreachable("no way", sent=False)
BROKEN = [DOWN, ServerError(500, "x"), UnreadableAnswer(200, "x"), Models(document=[]), Models(document={"models": []})]


def test_the_first_reading_is_live(published):
    assert shown(published.read()) == (["a"], "live", False, published.now)
    assert published.asked == [None]


def test_a_young_copy_is_not_asked_for_again(published):
    first = published.read()
    published.later(FRESH_FOR - 1)
    assert shown(published.read()) == (["a"], "cache", False, first.fetched_at)
    assert len(published.asked) == 1


def test_an_old_copy_is_asked_for_by_its_etag_and_replaced_when_it_changed(published):
    published.read()
    published.later()
    published.answer = Models(document=document("a", "b"), etag='"2"')
    assert shown(published.read()) == (["a", "b"], "live", False, published.now)
    published.later()
    published.read()
    assert published.asked == [None, '"1"', '"2"']


def test_an_unchanged_copy_is_fresh_again(published):
    published.read()
    published.later()
    published.answer = Models()
    assert shown(published.read()) == (["a"], "live", False, published.now)
    published.later(1)
    assert published.read().source == "cache"
    published.later()
    published.read()
    assert published.asked == [None, '"1"', '"1"'], "an answer without an ETag lost the one before"


@pytest.mark.parametrize("broken", BROKEN, ids=repr)
def test_what_cannot_be_read_leaves_the_cached_copy_marked_stale(published, broken, caplog):
    first = published.read()
    published.later()
    published.answer = broken
    assert shown(published.read()) == (["a"], "cache", True, first.fetched_at)
    assert "using the cache copy of 1970-01-12" in caplog.text
    published.answer = Models(document=document("b"))
    assert shown(published.read()) == (["b"], "live", False, published.now), "a stale copy was taken for a fresh one"


@pytest.mark.parametrize("broken", [*BROKEN, Models()], ids=repr)
def test_without_any_copy_the_snapshot_is_left(published, broken):
    published.answer = broken
    reading = published.read()
    assert (reading.source, reading.stale, reading.catalog) == ("snapshot", True, snapshot().catalog)


def previous(*names, at, etag='"0"'):
    reading = Reading(source.Catalog.parse(document(*names)), at, "live", stale=False, etag=etag)
    return Reading.from_dict(json.loads(json.dumps(reading.to_dict(at))))


def test_the_previous_run_s_copy_comes_before_the_snapshot(published):
    published.answer = DOWN
    assert shown(published.read(previous("old", at=500.0))) == (["old"], "previous", True, 500.0)


def test_the_previous_run_s_copy_saves_the_body(published):
    published.answer = Models()
    assert shown(published.read(previous("old", at=500.0))) == (["old"], "live", False, published.now)
    assert published.asked == ['"0"']


@pytest.mark.parametrize(("age", "names"), [(+1, ["newer"]), (-1, ["a"])])
def test_of_two_copies_the_newer_one_is_kept(published, age, names):
    first = published.read()
    published.later()
    published.answer = DOWN
    reading = published.read(previous("newer", at=first.fetched_at + age))
    assert sorted(reading.catalog.models) == names


def test_a_previous_copy_is_never_taken_for_fresh(published):
    published.read(previous("old", at=published.now - 1))
    assert len(published.asked) == 1


def test_a_shrunk_catalog_is_believed_and_its_losses_are_told(published):
    published.answer = Models(document=document("a", "b", "c"))
    before = published.read()
    published.later()
    published.answer = Models(document=document("a"))
    after = published.read()
    assert after.source == "live"
    assert after.catalog.changes_since(before.catalog)["removed"] == ["b", "c"]


def test_two_addresses_do_not_share_a_copy(published):
    published.read()
    published.answer = Models(document=document("b"))
    assert sorted(published.read(url="https://other.example/models.json").catalog.models) == ["b"]
    assert sorted(published.read().catalog.models) == ["a"]


def test_a_reading_travels_through_xcom_with_its_age():
    reading = replace(snapshot(), source="live", stale=False, etag='"1"')
    travelled = reading.to_dict(reading.fetched_at + 90)
    assert (travelled["age"], travelled["source"], travelled["stale"]) == (90, "live", False)
    back = Reading.from_dict(json.loads(json.dumps(travelled)))
    assert back == replace(reading, source="previous", stale=True)


@pytest.mark.parametrize(
    "value",
    [
        *(None, 5, "x", [], {}, {"fetched_at": "2026-01-01"}, {"fetched_at": 5, "models": []}),
        {"fetched_at": "soon", **document("a")},
        {"fetched_at": "2026-01-01T00:00:00+00:00", "models": []},
    ],
)
def test_what_is_no_reading_of_an_earlier_run_is_none(value):
    assert Reading.from_dict(value) is None


def test_the_snapshot_in_the_package_is_whole():
    catalog = snapshot().catalog
    assert {model.category for model in catalog.models.values()} == {"image", "voice", "video", "avatar"}
    assert all(catalog.resolve(alias) for alias in catalog.aliases)
    assert all(model.providers and model.unit for model in catalog.models.values())
    assert snapshot().stale
