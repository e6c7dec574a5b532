"""The refresh task: always a catalog, always its source and age."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_j2v.catalog import source
from airflow_provider_j2v.operators.catalog import JSON2VideoRefreshCatalogOperator
from airflow_provider_j2v.sandbox import Sandbox
from tests.unit.context import a_context, connect


@pytest.fixture(autouse=True)
def connected(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    connect(monkeypatch, sandbox)
    source._cache.clear()
    return sandbox


def refresh(before: Any = None) -> dict[str, Any]:
    context = a_context()
    context["ti"].xcoms["return_value"] = before
    return JSON2VideoRefreshCatalogOperator(task_id="catalog").execute(context)


def test_a_live_catalog_says_so() -> None:
    result = refresh()
    assert (result["source"], result["stale"], result["age"]) == ("live", False, 0)
    assert len(result["models"]) == 14
    assert result["aliases"]["talking-head"] == "infinite-talk"
    assert set(result["models"][0]) == {"name", "category", "credits", "unit", "providers", "featured"}


def test_within_fifteen_minutes_nobody_is_asked_again(connected: Sandbox) -> None:
    refresh()
    assert refresh()["source"] == "cache"
    assert connected.journal.requests["catalog"] == 1


def test_the_previous_run_s_etag_saves_the_body() -> None:
    first = refresh()
    source._cache.clear()
    first["models"][0]["credits"] = 77  # only in the copy: the service answers that nothing has changed
    second = refresh(first)
    assert (second["source"], second["models"]) == ("live", first["models"])


def test_when_the_source_is_down_the_previous_run_s_copy_stands_in(connected: Sandbox) -> None:
    first = refresh()
    source._cache.clear()
    connected.faults.add("catalog", "status", status=403, times=None)
    result = refresh(first)
    assert (result["source"], result["stale"]) == ("previous", True)
    assert result["fetched_at"] == first["fetched_at"]


def test_without_any_copy_the_package_s_snapshot_stands_in(connected: Sandbox) -> None:
    connected.faults.add("catalog", "body", body=b"[]", times=None)
    result = refresh()
    assert (result["source"], result["stale"]) == ("snapshot", True)
    assert result["fetched_at"].startswith("2026-05-12")


def test_changes_since_the_previous_run_are_told() -> None:
    before = refresh()
    source._cache.clear()
    before["models"][0]["credits"] = 99
    before["models"].append(before["models"][0] | {"name": "gone"})
    before["aliases"]["nano-banana"] = "flux-pro"
    before["etag"] = None
    changes = refresh(before)["changes"]
    assert changes["removed"] == ["gone"]
    assert changes["repriced"] == {"flux-schnell": [99, 0]}
    assert changes["realiased"] == {"nano-banana": ["flux-pro", "gemini-2.5-flash"]}
