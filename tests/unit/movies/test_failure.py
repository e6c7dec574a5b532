"""The service counts scenes and elements from 1; the author's document does not."""

from __future__ import annotations

import pytest

from airflow_provider_j2v.movies.failure import failing_element

MOVIE = {
    "scenes": [
        {"id": "a", "elements": [{"type": "text"}, {"type": "video", "src": "x"}]},
        {"id": "b"},
        "not a scene",
    ],
    "elements": [{"type": "subtitles"}],
}


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (
            "Scene #1, element #2: Failed to download 'x' (404)",
            'movie.scenes[0].elements[1] = {"type": "video", "src": "x"}',
        ),
        (
            "Scene #1 Element #2: The element type 'video' requires",
            'movie.scenes[0].elements[1] = {"type": "video", "src": "x"}',
        ),
        ("Source URL is required in Scene 1, Element 2", 'movie.scenes[0].elements[1] = {"type": "video", "src": "x"}'),
        ("SCENE #2: nothing in it", 'movie.scenes[1] = {"id": "b"}'),
        ("Element #1: no captions", 'movie.elements[0] = {"type": "subtitles"}'),
        ("Scene #1, element #3: x", None),
        ("Scene #0, element #1: x", None),
        ("Scene #9", None),
        ("Scene #3", None),
        ("Scene #2, element #1", None),
        ("Element #2", None),
        ("Movie duration cannot be zero", None),
        ("", None),
        ("Scene #" + "9" * 5000, None),
        ("Element #" + "9" * 5000, None),
    ],
)
def test_the_named_element_is_shown_with_its_path(message, shown):
    assert failing_element(message, MOVIE) == shown


@pytest.mark.parametrize("movie", [{}, {"scenes": {}}, {"scenes": [{"elements": 5}]}, {"elements": [None]}])
def test_a_movie_of_another_form_shows_nothing(movie):
    assert failing_element("Scene #1, element #1: x", movie) is None
    assert failing_element("Element #1: x", movie) is None


def test_a_secret_of_the_element_is_not_shown():
    element = {"type": "video", "src": "https://me:geheim@h.example.com/a.mp4?token=geheim", "password": "geheim"}
    shown = failing_element("Element #1", {"elements": [element]})
    assert "https://me:***@h.example.com/a.mp4?token=***" in shown
    assert "geheim" not in shown


def test_a_long_element_is_cut():
    shown = failing_element("Element #1", {"elements": [{"text": "x" * 9999}]})
    assert shown.endswith("x…")
    assert len(shown) < 450
