"""Whoever looks at movies takes typed ones too, whole and in part."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_j2v.catalog.source import snapshot
from airflow_provider_j2v.movies import Destination, Export, Image, Movie, Scene, Text, Voice
from airflow_provider_j2v.movies.connections import explain, has_generated, resolve
from airflow_provider_j2v.movies.credits import estimate
from airflow_provider_j2v.movies.document import compose, undressed
from airflow_provider_j2v.movies.lint import lint
from airflow_provider_j2v.movies.schema import deviations

SCENE = Scene(
    duration=4,
    elements=[
        Text(text="Hello, {{nobody}}", z_index=2),
        Image(prompt="a lake", model="flux-pro"),
        Voice(text="Hello", model="elevenlabs", connection="airflow:mine"),
    ],
)
EXPORT = Export(destinations=[Destination(id="airflow:server")])
MOVIES: list[Any] = [
    Movie(scenes=[SCENE], exports=[EXPORT]),
    {"scenes": [SCENE], "exports": [EXPORT]},
    {"scenes": ({"duration": 4, "elements": tuple(SCENE.elements or ())},), "exports": (EXPORT,)},
]
PLAIN = compose(MOVIES[0].model_dump())
CATALOG = snapshot().catalog


@pytest.mark.parametrize("movie", MOVIES, ids=["a movie", "parts in a mapping", "parts in tuples"])
def test_a_typed_movie_is_looked_at_like_its_document(movie: Any) -> None:
    assert lint(movie, catalog=CATALOG) == lint(PLAIN, catalog=CATALOG) != []
    assert deviations(movie) == deviations(PLAIN)
    assert estimate(movie, catalog=CATALOG) == estimate(PLAIN, catalog=CATALOG)
    assert has_generated(movie)
    assert explain(movie, providers={}, catalog=None) == explain(PLAIN, providers={}, catalog=None)
    resolved = resolve(movie, providers={}, catalog=None, lookup=str.upper).movie
    assert resolved["scenes"][0]["elements"][2]["connection"] == "MINE"
    assert resolved["exports"][0]["destinations"] == [{"id": "SERVER"}]


def test_undressing_ends_also_in_what_holds_itself() -> None:
    circle: dict[str, Any] = {"scene": SCENE}
    circle.update(a=circle, b=[circle])
    assert undressed(circle)["scene"] == SCENE.model_dump()
    assert undressed(circle)["a"] is circle
