"""The trigger for asset watchers: small, the same after the database, and never at an end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Any

import pytest
from airflow.models.trigger import Trigger
from airflow.sdk import Asset, AssetWatcher
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_j2v.exceptions import ConfigurationError
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.triggers.movie import JSON2VideoMovieEventTrigger
from tests.unit.context import connect

GOOD = {"resolution": "sd", "scenes": [{"duration": 2}], "client-data": {"campaign": "autumn"}}


class AssetStore:
    """As ``asset_state_store`` of a trigger that one asset is watched with."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def aget(self, key: str, default: Any = None) -> Any:
        return json.loads(self.values[key]) if key in self.values else default

    async def aset(self, key: str, value: Any) -> None:
        self.values[key] = json.dumps(value)


@pytest.fixture
def connected(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    connect(monkeypatch, sandbox)
    return sandbox


def a_trigger(store: Any = None, **arguments: Any) -> JSON2VideoMovieEventTrigger:
    trigger = JSON2VideoMovieEventTrigger(poll_interval=0.02, **arguments)
    trigger.asset_state_store = store
    return trigger


async def submit(movie: Any = GOOD) -> str:
    return await asyncio.to_thread(JSON2VideoHook().submit_movie, movie)


async def looked(sandbox: Sandbox, times: int = 2) -> None:
    """Wait until the trigger has looked so often from now on."""
    wanted = sandbox.journal.requests["list"] + times
    await until(lambda: sandbox.journal.requests["list"] >= wanted)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


ALL = {"status": ["done", "error"], "template_id": "T", "client_data": {"b": [1, {"x": None}], "a": "ü"}}


@pytest.mark.parametrize("arguments", [{}, ALL, {"status": ("error",), "client_data": {"row": (1, 2)}}])
def test_it_is_the_same_trigger_after_the_database_and_its_hash_does_not_change(arguments: Any) -> None:
    trigger = JSON2VideoMovieEventTrigger("conn", **arguments)
    path, kwargs = trigger.serialize()
    assert path == "airflow_provider_j2v.triggers.movie.JSON2VideoMovieEventTrigger"
    assert JSON2VideoMovieEventTrigger(**json.loads(json.dumps(kwargs))).serialize() == (path, kwargs)
    row = Trigger.from_object(trigger)
    assert JSON2VideoMovieEventTrigger(**row.kwargs).serialize() == (path, kwargs)
    assert BaseEventTrigger.hash(row.classpath, row.kwargs) == BaseEventTrigger.hash(path, kwargs)


def test_the_order_of_statuses_makes_no_other_trigger() -> None:
    one, other = (JSON2VideoMovieEventTrigger(status=s) for s in (["done", "error"], ("error", "done", "done")))
    assert one.serialize() == other.serialize()


def test_an_asset_can_be_watched_with_it() -> None:
    asset = Asset("movies", watchers=[AssetWatcher(name="json2video", trigger=JSON2VideoMovieEventTrigger())])
    assert asset.watchers[0].name == "json2video"


@pytest.mark.parametrize(
    "arguments",
    [{"status": "finished"}, {"status": []}, {"client_data": {"at": object()}}, {"client_data": ["campaign"]}],
)
def test_arguments_that_make_no_sense_are_refused_in_the_dag_file(arguments: Any) -> None:
    with pytest.raises(ConfigurationError):
        JSON2VideoMovieEventTrigger(**arguments)


async def test_a_movie_that_ends_is_an_event_without_its_address(connected: Sandbox) -> None:
    async with aclosing(a_trigger(client_data={"campaign": "autumn"}).run()) as events:
        telling = asyncio.ensure_future(anext(events))
        await looked(connected)
        await submit({**GOOD, "client-data": {"campaign": "spring"}})
        project = await submit()
        event = await asyncio.wait_for(telling, 20)
    assert isinstance(event, TriggerEvent)
    assert event.payload["project"] == project
    assert event.payload["client_data"] == {"campaign": "autumn"}
    assert "http" not in json.dumps(event.payload)


async def test_two_watchers_of_one_asset_remember_apart(connected: Sandbox) -> None:
    store = AssetStore()
    for arguments, remembered in (({}, 1), ({"status": "error"}, 2), ({"status": "error"}, 2)):
        async with aclosing(a_trigger(store, **arguments).run()) as events:
            telling = asyncio.ensure_future(anext(events))
            await looked(connected)
            await until(lambda wanted=remembered: len(store.values) >= wanted)
            telling.cancel()
            with suppress(asyncio.CancelledError):
                await telling
    assert len(store.values) == 2


async def test_without_a_store_it_begins_now_and_says_so(connected: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    before = await submit()
    await asyncio.sleep(0.1)
    async with aclosing(a_trigger().run()) as events:
        telling = asyncio.ensure_future(anext(events))
        await looked(connected)
        after = await submit()
        assert (await asyncio.wait_for(telling, 20)).payload["project"] == after != before
    assert "the watch begins now" in caplog.text


async def test_a_trigger_of_several_assets_says_that_none_keeps_its_state(
    connected: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    context = pytest.importorskip("airflow.sdk.execution_time.context")
    if not hasattr(context, "AssetStateStoreAccessors"):
        pytest.skip("this Airflow keeps no state for assets")
    store = context.AssetStateStoreAccessors(inlets=[Asset("one"), Asset("two")])
    async with aclosing(a_trigger(store).run()) as events:
        telling = asyncio.ensure_future(anext(events))
        await looked(connected)
        project = await submit()
        assert (await asyncio.wait_for(telling, 20)).payload["project"] == project
    assert "Several assets" in caplog.text


async def test_a_connection_that_is_gone_ends_nothing(connected: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    async with aclosing(a_trigger(json2video_conn_id="nowhere").run()) as events:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.3)
    assert caplog.text.count("no Airflow connection 'nowhere'") == 1


async def test_a_cancelled_trigger_leaves_no_task_behind(connected: Sandbox) -> None:
    before = asyncio.all_tasks()
    events = a_trigger().run()
    telling = asyncio.ensure_future(anext(events))
    await looked(connected)
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    assert asyncio.all_tasks() == before
