"""The hooks: connections in, calls out."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_j2v.exceptions import SubmitAmbiguous
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.sandbox import Sandbox
from tests.unit.context import connect

MOVIE = {"resolution": "sd", "scenes": [{"duration": 2}]}


@pytest.fixture
def hook(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> JSON2VideoHook:
    connect(monkeypatch, sandbox)
    return JSON2VideoHook()


def test_the_test_button_tells_the_credits(hook: JSON2VideoHook, sandbox: Sandbox) -> None:
    ok, message = hook.test_connection()
    assert ok
    assert f"{sandbox.accounts[0].credits} credits left" in message


def test_the_test_button_says_when_no_credits_are_left(hook: JSON2VideoHook, sandbox: Sandbox) -> None:
    sandbox.accounts[0].credits = 0
    ok, message = hook.test_connection()
    assert ok  # nothing in the connection is to be mended
    assert "no credits are left: renders are refused" in message


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"password": "wrong"}, "Invalid API Key"),
        ({"password": ""}, "no API key"),
        ({"host": "127.0.0.1:9"}, "no byte of the request was sent"),
    ],
)
def test_the_test_button_tells_what_is_wrong(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, fields: dict, words: str
) -> None:
    connect(monkeypatch, sandbox, **fields)
    monkeypatch.setattr("airflow_provider_j2v.api.client._pause", lambda _: 0)
    ok, message = JSON2VideoHook().test_connection()
    assert not ok
    assert words in message


def test_the_calls_of_a_movie_s_life(hook: JSON2VideoHook, sandbox: Sandbox) -> None:
    project = hook.submit_movie(MOVIE)
    sandbox.advance(600)
    assert hook.get_movie(project).status == "done"
    now = datetime.fromtimestamp(sandbox.clock.now(), UTC)
    listed = hook.list_movies(now - timedelta(days=200), now + timedelta(hours=1))
    assert [movie.project for movie in listed].count(project) == 1
    assert hook.delete_movie(project).deleted_at
    assert hook.get_movie(project).url is None


def test_the_hook_never_repeats_a_post(hook: JSON2VideoHook, sandbox: Sandbox) -> None:
    fault = sandbox.faults.add("submit", "reset", after=True, times=None)
    with pytest.raises(SubmitAmbiguous):
        hook.submit_movie(MOVIE)
    assert fault.hits == 1


def test_the_async_lookup_gives_the_same_account(hook: JSON2VideoHook) -> None:
    assert asyncio.run(hook.aaccount()) == hook.account
