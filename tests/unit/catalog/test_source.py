"""Live, this process's cache, the previous copy, the snapshot: in that order, and never a failure."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from airflow_provider_j2v.api.answers import Models
from airflow_provider_j2v.catalog import source
from airflow_provider_j2v.catalog.source import ASK_AGAIN, DOUBT_FOR, FRESH_FOR, Reading, read_catalog, snapshot
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

    def publish(self, *names, etag=None, **fields):
        self.answer = Models(document=document(*names, **fields), etag=etag)

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
    published.publish("a", "b")
    published.later(ASK_AGAIN)
    assert shown(published.read()) == (["a", "b"], "live", False, published.now), "a stale copy was taken for fresh"


def test_a_source_that_failed_is_left_alone_for_a_minute(published):
    first = published.read()
    published.later()
    published.answer = DOWN
    published.read()
    published.later(ASK_AGAIN - 1)
    assert shown(published.read()) == (["a"], "cache", True, first.fetched_at)
    assert len(published.asked) == 2
    published.read(previous("a", at=published.now))
    assert len(published.asked) == 3, "somebody else has had an answer since"


@pytest.mark.parametrize("broken", [*BROKEN, Models()], ids=repr)
def test_without_any_copy_the_snapshot_is_left(published, broken):
    published.answer = broken
    for _ in range(2):
        reading = published.read()
        assert (reading.source, reading.stale, reading.catalog) == ("snapshot", True, snapshot().catalog)


def test_a_snapshot_that_travelled_is_still_the_snapshot(published):
    published.answer = DOWN
    travelled = Reading.from_dict(published.read().to_dict(published.now))
    source._cache.clear()
    assert (travelled.source, published.read(travelled).source) == ("snapshot", "snapshot")


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


def test_a_shrunk_catalog_does_not_replace_a_good_one_at_once(published, caplog):
    published.publish("a", "b", "c")
    before = published.read()
    published.later()
    published.publish("a")
    doubted_at = published.now
    assert shown(published.read()) == (["a", "b", "c"], "cache", True, before.fetched_at)
    assert "has 1 models where 3 were known" in caplog.text
    published.later(DOUBT_FOR - 1)
    assert shown(published.read()) == (["a", "b", "c"], "cache", True, before.fetched_at)
    assert published.read().doubted_since == doubted_at
    published.later()
    assert shown(published.read()) == (["a"], "live", False, published.now), "models may really be withdrawn"
    assert published.read().doubted_since is None


def test_a_doubt_travels_with_the_copy(published):
    published.publish("a")
    first = published.read(previous("a", "b", "c", at=published.now - 9))
    assert shown(first) == (["a", "b", "c"], "previous", True, published.now - 9)
    source._cache.clear()
    published.later(DOUBT_FOR)
    travelled = Reading.from_dict(json.loads(json.dumps(first.to_dict(published.now))))
    assert (travelled.doubted_since, sorted(published.read(travelled).catalog.models)) == (first.doubted_since, ["a"])


@pytest.mark.parametrize("answer", [Models(), Models(document=document("a", "b"))], ids=["304", "200"])
def test_a_doubt_ends_with_the_next_good_answer(published, answer):
    shrunk = Models(document=document("a"))
    published.answer = shrunk
    doubted = published.read(previous("a", "b", "c", at=published.now - 9))
    published.later()
    published.answer = answer
    assert (published.read().stale, published.read().doubted_since) == (False, None)
    published.later(DOUBT_FOR)
    published.answer = shrunk if answer.document is None else Models(document=document("x"))
    assert published.read().doubted_since == published.now > doubted.doubted_since


def test_a_failure_does_not_end_a_doubt(published):
    published.publish("a")
    doubted = published.read(previous("a", "b", "c", at=published.now - 9))
    published.later()
    published.answer = DOWN
    assert published.read().doubted_since == doubted.doubted_since


def test_a_catalog_smaller_than_the_snapshot_is_believed(published):
    published.answer = DOWN
    travelled = Reading.from_dict(published.read().to_dict(published.now))
    published.later(ASK_AGAIN)
    published.publish("a")
    assert shown(published.read(travelled)) == (["a"], "live", False, published.now)


def test_two_addresses_do_not_share_a_copy(published):
    published.read()
    published.publish("b")
    assert sorted(published.read(url="https://other.example/models.json").catalog.models) == ["b"]
    assert sorted(published.read().catalog.models) == ["a"]


def test_a_reading_travels_through_xcom_with_its_age():
    reading = replace(snapshot(), source="live", stale=False, etag='"1"')
    travelled = reading.to_dict(reading.fetched_at + 90)
    assert (travelled["age"], travelled["source"], travelled["stale"]) == (90, "live", False)
    assert Reading.from_dict(json.loads(json.dumps(travelled))) == reading


@pytest.mark.parametrize("etag", ["bad\r\netag", '"é"', "x" * 300, 5, "", None])
def test_an_etag_that_cannot_be_sent_back_is_none(published, etag):
    value = {**document("a"), "fetched_at": "2026-01-01T00:00:00Z", "etag": etag}
    assert Reading.from_dict(value).etag is None


def test_rows_that_cannot_be_read_are_counted_in_the_log(published, caplog):
    published.answer = Models(document=[*document("a", "b")["models"], {"name": "c"}])
    assert shown(published.read())[0] == ["a", "b"]
    assert "1 rows of the AI model catalog could not be read and are left out; 2 models could." in caplog.text


@pytest.mark.parametrize(
    "value",
    [
        *(None, 5, "x", [], {}, {"fetched_at": "2026-01-01"}, {"fetched_at": 5, "models": []}),
        {"fetched_at": "soon", **document("a")},
        {"fetched_at": "2026-01-01T00:00:00+00:00", "models": []},
        {"fetched_at": "2026-01-01T00:00:00+00:00", "models": [{"name": "x"}]},
        {"fetched_at": "0001-01-01T00:00:00+14:00", "doubted_since": [], **document("a")},
        {"fetched_at": "2026-01-01T00:00:00+00:00", "doubted_since": 5, **document("a")},
        {"fetched_at": "2026-01-01T00:00:00+00:00", "models": {1: []}},
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


def test_prices_that_cannot_be_counted_are_told_in_the_log_and_only_they(published, caplog):
    rows = [{"name": f"m{i}", "category": "image", "credits": "about 20"} for i in range(7)]
    published.answer = Models(document=[{"name": "a", "credits": 1, "unit": "file"}, *rows])
    assert shown(published.read())[0][0] == "a"
    assert 'does not say what m0 costs, only credits: "about 20"; does not say what m1' in caplog.text
    assert "and so for 2 more." in caplog.text
    assert "a costs" not in caplog.text
