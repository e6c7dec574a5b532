"""The AI model catalog: a public file on a host of its own, whose shape is not documented."""

from __future__ import annotations

import json

import pytest

from airflow_provider_j2v.api.calls import get_models
from airflow_provider_j2v.catalog import source
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


@pytest.mark.parametrize("shape", ["snapshot", "list", "by-category", "by-name"])
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
    sandbox.catalog.document = {"models": [{"name": "new", "credits": 1}]}
    changed = send(get_models(account.catalog_url, etag))
    assert (changed.document, changed.etag == etag) == (sandbox.catalog.document, False)


def test_a_stale_copy_is_confirmed_by_its_etag(send, account):
    now, bodies = [1000.0], []

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


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"models": []}', b"<html>", b"null", b'"flux"', b"[[[[]]]]"])
def test_a_catalog_without_models_never_replaces_a_good_one(send, sandbox, account, raw):
    now = [1000.0]
    good = read_catalog(send, account.catalog_url, clock=lambda: now[0])
    sandbox.catalog.raw = raw
    now[0] += source.FRESH_FOR
    kept = read_catalog(send, account.catalog_url, clock=lambda: now[0])
    assert (kept.source, kept.stale, kept.fetched_at, kept.catalog) == ("cache", True, 1000.0, good.catalog)


@pytest.mark.parametrize(
    "fault",
    [{"kind": "status", "status": 403}, {"kind": "status", "status": 429}, {"kind": "reset"}, {"kind": "big"}],
    ids=["403", "429", "reset", "too-large"],
)
def test_an_unreachable_catalog_leaves_the_shipped_snapshot(send, sandbox, account, fault):
    sandbox.faults.add(on="catalog", times=None, **fault)
    reading = read_catalog(send, account.catalog_url)
    assert (reading.source, reading.stale) == ("snapshot", True)


def test_a_catalog_that_is_no_json_is_unreadable(send, sandbox, account):
    sandbox.catalog.raw = json.dumps({"models": []}).encode()[:-2]
    with pytest.raises(UnreadableAnswer):
        send(get_models(account.catalog_url))
