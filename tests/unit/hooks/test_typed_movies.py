"""The hook takes typed movies wherever it takes mappings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.movies import Image, Movie, Scene
from airflow_provider_j2v.sandbox import Sandbox
from tests.unit.context import connect

SCENE = Scene(duration=1, elements=[Image(prompt="a lake", model="flux-pro", connection="airflow:mine")])
MOVIES: list[Any] = [Movie(scenes=[SCENE]), {"scenes": [SCENE]}, {"scenes": (SCENE,)}]


@pytest.mark.parametrize("movie", MOVIES, ids=["a movie", "a scene in a mapping", "a scene in a tuple"])
def test_a_typed_movie_is_resolved_explained_and_submitted(monkeypatch: pytest.MonkeyPatch, movie: Any) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MINE", '{"conn_type": "json2video_connection", "login": "my-id"}')
    resolved = SCENE.model_dump()
    resolved["elements"][0]["connection"] = "my-id"
    with Sandbox(render="off") as sandbox:
        connect(monkeypatch, sandbox)
        hook = JSON2VideoHook()
        assert hook.resolve_connections(movie, {"elevenlabs": "j2v:other"})["scenes"] == [resolved]
        assert [payer.connection for payer in hook.explain_connections(movie).payers] == ["my-id"]
        project = hook.submit_movie(movie)
        assert json.loads(sandbox.movies[project].submitted)["scenes"] == [resolved]
