"""How findings are told."""

from __future__ import annotations

import pytest

from airflow_provider_j2v.exceptions import InvalidMovie
from airflow_provider_j2v.movies.findings import Finding, Problem, child, refuse

ERROR = Finding("error", "missing-source", "movie.elements[0].src", "is missing", "give it a src")
WARNING = Finding("warning", "voice-unset", "movie.elements[1].voice", "is not set", "")


def test_a_finding_is_one_line():
    assert str(ERROR) == "error: movie.elements[0].src is missing; give it a src [missing-source]"
    assert str(WARNING) == "warning: movie.elements[1].voice is not set [voice-unset]"


@pytest.mark.parametrize("findings", [[], [WARNING], [WARNING] * 3])
def test_warnings_pass(findings):
    assert refuse(findings) is None


def test_a_refusal_lists_the_errors_and_says_that_nothing_was_sent():
    with pytest.raises(InvalidMovie) as raised:
        refuse([WARNING, ERROR])
    assert str(raised.value).splitlines() == [
        "The movie has an error:",
        "- movie.elements[0].src is missing; give it a src [missing-source]",
        "Nothing was sent.",
    ]


def test_a_refusal_of_many_errors_stays_short():
    with pytest.raises(InvalidMovie) as raised:
        refuse([ERROR] * 1000)
    lines = str(raised.value).splitlines()
    assert lines[0] == "The movie has 1000 errors:"
    assert lines[1:21] == ["- movie.elements[0].src is missing; give it a src [missing-source]"] * 20
    assert lines[21:] == ["- and 980 more", "Nothing was sent."]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("src", "movie.src"),
        ("client-data", "movie.client-data"),
        ("a_1", "movie.a_1"),
        ("1st", 'movie["1st"]'),
        ("two words", 'movie["two words"]'),
        ("", 'movie[""]'),
        ("a\nb", 'movie["a b"]'),
    ],
)
def test_the_path_of_a_property(key, path):
    assert child("movie", key) == path


def test_a_problem_without_a_hint_ends_with_its_message():
    assert str(Problem("movie", "is empty", "")) == "movie is empty"
