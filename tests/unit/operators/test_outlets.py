"""What asset events tell of a movie."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, AssetAlias, BaseOperator
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_j2v.operators.outlets import movie_facts, tell_outlets

RESULT = {
    "project": "p",
    "status": "done",
    "url": "https://assets.json2video.com/p.mp4",
    "expires_at": "2026-11-27T12:00:00+00:00",
    "duration": 5.0,
    "size": 1234,
    "credits": {"estimated": [5, 5], "consumed": [{"credits": 5}], "remaining": 95},
    "destination": "s3://aws@bucket/p.mp4",
    "client_data": {"row": 7},
}


def told(outlets: list[Any], **options: Any) -> OutletEventAccessors:
    events = OutletEventAccessors()
    tell_outlets(BaseOperator(task_id="t", outlets=outlets), {"outlet_events": events}, {"a": 1}, **options)
    return events


def test_the_facts_are_those_a_reader_needs_and_no_more() -> None:
    assert movie_facts(RESULT) == {
        "project": "p",
        "status": "done",
        "url": "https://assets.json2video.com/p.mp4",
        "expires_at": "2026-11-27T12:00:00+00:00",
        "duration": 5.0,
        "credits": 5,
        "file": "s3://aws@bucket/p.mp4",
    }


def test_what_is_not_known_is_left_out() -> None:
    assert movie_facts({"project": "p", "status": "submitted", "client_data": {}}) == {
        "project": "p",
        "status": "submitted",
    }


def test_every_asset_is_told_and_what_the_author_said_stays() -> None:
    one, other = Asset("one"), Asset("other", uri="s3://bucket/other")
    events = OutletEventAccessors()
    events[other].extra["mine"] = True
    tell_outlets(BaseOperator(task_id="t", outlets=[one, other]), {"outlet_events": events}, {"a": 1})
    assert (events[one].extra, events[other].extra) == ({"a": 1}, {"mine": True, "a": 1})


def test_an_alias_gets_an_event_for_the_file_and_none_without_one() -> None:
    alias = AssetAlias("movies")
    (event,) = told([alias], file="s3://aws@bucket/p.mp4")[alias].asset_alias_events
    assert (event.dest_asset_key.uri, event.extra) == ("s3://bucket/p.mp4", {"a": 1})
    (event,) = told([alias], file="/videos/p.mp4")[alias].asset_alias_events
    assert event.dest_asset_key.uri == "file:///videos/p.mp4"
    assert told([alias])[alias].asset_alias_events == []


def test_without_outlets_nothing_of_the_context_is_touched() -> None:
    tell_outlets(BaseOperator(task_id="t"), {}, {"a": 1})
