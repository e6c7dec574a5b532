"""The refresh task: always a catalog, always its source and age, and a word to others only when it changed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from airflow.sdk import Asset, AssetAlias
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_j2v.catalog import source
from airflow_provider_j2v.operators.catalog import JSON2VideoRefreshCatalogOperator, catalog_asset
from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator
from airflow_provider_j2v.sandbox import Sandbox
from tests.unit.context import a_context, connect


@pytest.fixture(autouse=True)
def connected(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    connect(monkeypatch, sandbox)
    source._cache.clear()
    return sandbox


CHANGED = AssetAlias("changed")


def run(before: Any = None, **words: Any) -> Any:
    """The context after the task; its XCom ``return_value`` is what the task returned or pushed."""
    context = a_context()
    context["ti"].xcoms["return_value"] = before
    context["outlet_events"] = OutletEventAccessors()
    task = JSON2VideoRefreshCatalogOperator(task_id="catalog", **words)
    context["ti"].xcoms["return_value"] = json.loads(json.dumps(task.execute(context)))
    return context


def refresh(before: Any = None, **words: Any) -> Any:
    return run(before, **words)["ti"].xcoms["return_value"]


def later() -> None:
    """Another process, or this one a quarter of an hour later."""
    source._cache.clear()


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
    later()
    first["models"][0]["credits"] = 77  # only in the copy: the service answers that nothing has changed
    second = refresh(first)
    assert (second["source"], second["models"]) == ("live", first["models"])


def test_when_the_source_is_down_the_previous_run_s_copy_stands_in(connected: Sandbox) -> None:
    first = refresh()
    later()
    connected.faults.add("catalog", "status", status=403, times=None)
    result = refresh(first)
    assert (result["source"], result["stale"]) == ("previous", True)
    assert result["fetched_at"] == first["fetched_at"]


def test_without_any_copy_the_package_s_snapshot_stands_in(connected: Sandbox) -> None:
    connected.faults.add("catalog", "body", body=b"[]", times=None)
    result = refresh()
    assert (result["source"], result["stale"]) == ("snapshot", True)
    assert result["fetched_at"].startswith("2026-05-12")


def test_a_shrunk_file_leaves_the_previous_run_s_copy(connected: Sandbox) -> None:
    first = refresh()
    later()
    connected.catalog.change(models=dict.fromkeys([model["name"] for model in first["models"][4:]]))
    result = refresh(first)
    assert (result["source"], result["stale"], result["models"]) == ("previous", True, first["models"])
    assert result["doubted_since"]
    assert not any(result["changes"].values())


def test_changes_since_the_previous_run_are_told(connected: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    before = refresh()
    later()
    connected.catalog.change(
        models={"flux-pro": {"credits": 25}, "wan-v2.5": None, "flux-max": {"credits": 90, "providers": ["bfl"]}},
        aliases={"nano-banana": "nano-banana-2"},
    )
    changes = refresh(before)["changes"]
    assert changes == {
        "added": ["flux-max"],
        "removed": ["wan-v2.5"],
        "repriced": {"flux-pro": [{"credits": 20.0, "unit": "file"}, {"credits": 25.0, "unit": "file"}]},
        "realiased": {"nano-banana": ["gemini-2.5-flash", "nano-banana-2"]},
    }
    log = capsys.readouterr().out
    told = [line.partition("Since the previous run: ")[2] for line in log.splitlines() if "[warning" in line]
    assert [line.partition(" [airflow")[0] for line in told] == [
        "Price of flux-pro: 20 credits per file before, 25 credits per file now.",
        "Model wan-v2.5 is gone.",
        "Alias nano-banana: gemini-2.5-flash before, nano-banana-2 now.",
    ]
    assert "Model flux-max is new." in log


def test_an_unchanged_catalog_is_handed_on_before_the_task_is_skipped(connected: Sandbox) -> None:
    first = refresh(skip_if_unchanged=True)
    assert first["source"] == "live", "there was nothing to compare the first one with"
    later()
    context = a_context()
    context["ti"].xcoms["return_value"] = first
    with pytest.raises(AirflowSkipException):
        JSON2VideoRefreshCatalogOperator(task_id="catalog", skip_if_unchanged=True).execute(context)
    pushed = context["ti"].xcoms["return_value"]
    assert (pushed["models"], pushed["source"]) == (first["models"], "live")
    assert pushed is not first
    later()
    connected.catalog.change(models={"flux-pro": {"credits": 25}})
    assert refresh(pushed, skip_if_unchanged=True)["changes"]["repriced"]


def test_a_source_that_is_down_is_no_change_either(connected: Sandbox) -> None:
    first = refresh()
    later()
    connected.faults.add("catalog", "status", status=403, times=None)
    with pytest.raises(AirflowSkipException):
        refresh(first, skip_if_unchanged=True)


def events(context: Any) -> list[tuple[str, Any]]:
    accessors = context["outlet_events"]
    return [(e.dest_asset_key.uri, e.extra) for key in accessors for e in accessors[key].asset_alias_events]


def test_every_alias_among_the_outlets_hears_of_a_change_and_of_nothing_else(connected: Sandbox) -> None:
    outlets = [CHANGED, AssetAlias("too"), Asset("plain")]
    first = run(outlets=outlets)
    assert events(first) == []
    later()
    before = first["ti"].xcoms["return_value"]
    assert events(run(before, outlets=outlets)) == []
    later()
    connected.catalog.change(models={"flux-pro": {"credits": 25}})
    context = run(before, outlets=outlets)
    result = context["ti"].xcoms["return_value"]
    (uri, extra), second = events(context)
    assert uri == f"x-json2video://{connected.url.removeprefix('http://')}/data/ai/models.json"
    assert extra == {
        "changes": result["changes"],
        "told": ["Price of flux-pro: 20 credits per file before, 25 credits per file now."],
        "fetched_at": result["fetched_at"],
    }
    assert second == (uri, extra)


@pytest.mark.parametrize(
    ("url", "uri"),
    [
        ("https://cdn.json2video.com/data/ai/models.json", "x-json2video://cdn.json2video.com/data/ai/models.json"),
        ("https://me:secret@cdn.example/m.json?token=secret#x", "x-json2video://cdn.example/m.json"),
        ("http://[::1]:8765/m.json", "x-json2video://[::1]:8765/m.json"),
    ],
)
def test_the_asset_is_named_by_the_file_s_address_without_its_secrets(url: str, uri: str) -> None:
    asset = catalog_asset(url)
    assert (asset.name, asset.uri) == (uri, uri)


@pytest.mark.parametrize("fault", [{"kind": "hang"}, {"kind": "drip", "interval": 0.05}], ids=["hangs", "drips"])
def test_a_slow_source_is_given_up_after_two_tries_whatever_the_connection_allows(
    connected: Sandbox, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any]
) -> None:
    assert source.READ_TIMEOUT * 4 == 20, "as the documentation says"
    monkeypatch.setattr(source, "READ_TIMEOUT", 0.1)
    slow = connected.faults.add("catalog", times=None, **fault)
    began = time.monotonic()
    assert refresh()["source"] == "snapshot"
    assert (slow.hits, time.monotonic() - began < 5) == (2, True)


MOVIE = {
    "resolution": "sd",
    "scenes": [{"elements": [{"type": "image", "prompt": "a cat", "model": "flux-pro", "duration": 1}]}],
}


def render(**words: Any) -> Any:
    task = JSON2VideoRenderMovieOperator(task_id="render", movie=MOVIE, wait_for_completion=False, **words)
    return task.execute(a_context())


def test_renders_that_are_given_the_catalog_ask_nobody_for_it(connected: Sandbox) -> None:
    catalog = refresh()
    for index in range(3):
        later()
        # A map needs the catalog: it tells the providers of a model.
        render(catalog=catalog, connections={"replicate": "j2v:mine"}, client_data={"row": index})
    assert connected.journal.requests["catalog"] == 1
    later()
    render(connections={"replicate": "j2v:mine"})
    assert connected.journal.requests["catalog"] == 2, "without one it is asked for"


@pytest.mark.parametrize("catalog", ["{'models': []}", {"models": []}, {"fetched_at": "2026-01-01"}, ["flux-pro"], 5])
def test_a_catalog_that_is_none_is_refused_before_anything_is_sent(connected: Sandbox, catalog: Any) -> None:
    with pytest.raises(AirflowFailException, match="catalog must be what a JSON2VideoRefreshCatalogOperator gave"):
        render(catalog=catalog)
    assert connected.journal.submissions == []
