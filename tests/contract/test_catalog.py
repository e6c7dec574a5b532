"""The AI model catalog: a public file on a host of its own, whose shape is not documented.

Source down, slow, empty, garbage, shrunk, unchanged, changed: the outcomes are those of the table in docs/catalog.md.
"""

from __future__ import annotations

import json
import time

import pytest

from airflow_provider_j2v.api.calls import get_models
from airflow_provider_j2v.catalog import source
from airflow_provider_j2v.catalog.changes import compare, told
from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.catalog.source import read_catalog, snapshot
from airflow_provider_j2v.exceptions import UnreadableAnswer


@pytest.fixture(autouse=True)
def empty_cache():
    source._cache.clear()
    yield
    source._cache.clear()


def test_the_published_catalog_can_be_read(send, account):
    catalog = Catalog.parse(send(get_models(account.catalog_url)).document)
    assert {model.category for model in catalog.models.values()} >= {"image", "voice"}
    assert all(model.providers for model in catalog.models.values())


@pytest.mark.parametrize("shape", ["snapshot", "list", "by-category", "by-name", "other-words"])
def test_every_plausible_shape_reads_as_the_same_catalog(send, sandbox, account, shape):
    sandbox.variants.catalog_shape = shape
    read = Catalog.parse(send(get_models(account.catalog_url)).document)
    assert read == snapshot().catalog


def test_an_unchanged_catalog_costs_no_body(send, account):
    first = send(get_models(account.catalog_url))
    assert first.document
    if not first.etag:
        pytest.skip("the service gives no ETag")
    assert send(get_models(account.catalog_url, first.etag)).document is None


def test_a_changed_catalog_is_sent_whole(send, sandbox, account):
    etag = send(get_models(account.catalog_url)).etag
    sandbox.catalog.change(models={"new": {"credits": 1}})
    changed = send(get_models(account.catalog_url, etag))
    assert (changed.document, changed.etag == etag) == (sandbox.catalog.document, False)


def test_a_stale_copy_is_confirmed_by_its_etag(send, account):
    now, bodies = [1_800_000_000.0], []

    def counted(call):
        answer = send(call)
        bodies.append(answer.document is not None)
        return answer

    first = read_catalog(counted, account.catalog_url, clock=lambda: now[0])
    now[0] += source.FRESH_FOR
    second = read_catalog(counted, account.catalog_url, clock=lambda: now[0])
    assert bodies == [True, False]
    assert (second.source, second.stale, second.fetched_at) == ("live", False, now[0])
    assert second.catalog == first.catalog


@pytest.fixture
def now():
    return [1_800_000_000.0]


@pytest.fixture
def read(send, account, now):
    return lambda **words: read_catalog(send, account.catalog_url, clock=lambda: now[0], **words)


def test_a_changed_catalog_replaces_the_copy(read, sandbox, now):
    first = read()
    sandbox.catalog.change(models={"flux-pro": {"credits": 25}}, aliases={"elevenlabs": "elevenlabs-v3"})
    now[0] += source.FRESH_FOR
    changed = read()
    assert (changed.source, changed.stale, changed.fetched_at) == ("live", False, now[0])
    assert told(compare(first.catalog, changed.catalog)) == [
        "Price of flux-pro: 20 credits per file before, 25 credits per file now.",
        "Alias elevenlabs: elevenlabs-v2 before, elevenlabs-v3 now.",
    ]


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"models": []}', b"<html>", b"null", b'"flux"', b"[[[[]]]]"])
def test_a_catalog_without_models_never_replaces_a_good_one(read, sandbox, now, raw):
    good = read()
    sandbox.catalog.raw = raw
    now[0] += source.FRESH_FOR
    kept = read()
    assert (kept.source, kept.stale, kept.fetched_at, kept.catalog) == ("cache", True, good.fetched_at, good.catalog)


def test_a_shrunk_catalog_replaces_a_good_one_only_when_it_stays_so(read, sandbox, now):
    good = read()
    sandbox.catalog.change(models=dict.fromkeys(name for name in good.catalog.models if "elevenlabs" not in name))
    now[0] += source.FRESH_FOR
    kept = read()
    assert (kept.source, kept.stale, kept.fetched_at, kept.catalog) == ("cache", True, good.fetched_at, good.catalog)
    now[0] += source.DOUBT_FOR
    believed = read()
    assert (believed.source, believed.stale, len(believed.catalog.models)) == ("live", False, 3)


FAULTS = [
    pytest.param({"kind": "status", "status": 403}, id="403"),
    pytest.param({"kind": "status", "status": 429}, id="429"),
    pytest.param({"kind": "status", "status": 503}, id="503"),
    pytest.param({"kind": "status", "status": 302, "headers": {"location": "/"}}, id="redirect"),
    pytest.param({"kind": "reset"}, id="reset"),
    pytest.param({"kind": "truncate"}, id="truncated"),
    pytest.param({"kind": "big"}, id="too-large"),
    *(pytest.param({"kind": "body", "name": name}, id=name) for name in ("nan", "deep", "huge-int", "bad-utf8")),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_an_unreachable_catalog_leaves_the_shipped_snapshot(read, sandbox, fault):
    sandbox.faults.add(on="catalog", times=None, **fault)
    reading = read()
    assert (reading.source, reading.stale, reading.catalog) == ("snapshot", True, snapshot().catalog)


@pytest.mark.parametrize(
    "fault",
    [{"kind": "hang"}, {"kind": "delay", "seconds": 60}, {"kind": "drip"}, {"kind": "drip", "part": "headers"}],
    ids=["hangs", "late", "drips", "drips-headers"],
)
def test_a_slow_catalog_is_given_up_after_four_read_timeouts_a_try(driver, sandbox, fault):
    sandbox.faults.add(on="catalog", times=None, **fault)
    slow = driver.with_account(read_timeout=0.1)
    slow.open(attempts=1)
    began = time.monotonic()
    assert read_catalog(slow.send, slow.account.catalog_url).source == "snapshot"
    assert time.monotonic() - began < 3


def test_a_catalog_that_is_no_json_is_unreadable(send, sandbox, account):
    sandbox.catalog.raw = json.dumps({"models": []}).encode()[:-2]
    with pytest.raises(UnreadableAnswer):
        send(get_models(account.catalog_url))
