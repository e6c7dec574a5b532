"""The page about movies says what is so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from airflow_provider_j2v.movies import Movie
from airflow_provider_j2v.movies.schema import deviations

PAGE = (Path(__file__).parents[3] / "docs" / "movies.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_python_runs_as_it_is(capsys):
    namespace: dict[str, Any] = {"__name__": "page"}
    for block in blocks("python"):
        exec(compile(block, "docs/movies.md", "exec"), namespace)
    (said,) = blocks("text")
    assert said in capsys.readouterr().out
    assert deviations(namespace["movie"].model_dump()) == []


def test_the_movie_file_is_a_good_movie():
    movie, settings = (json.loads(block) for block in blocks("json"))
    assert deviations(movie) == []
    assert Movie.load(movie).model_dump() == movie
    assert settings["json.schemas"][0]["url"].endswith("movie.schema.json")


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([\w.-]+)\)", PAGE):
        assert (Path(__file__).parents[3] / "docs" / target).exists(), target
    titles = re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= anchors
