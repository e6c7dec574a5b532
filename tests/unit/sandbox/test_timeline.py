"""Lengths, sizes and mistakes of a movie, without drawing it."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_j2v.sandbox.timeline import RenderError, Timeline, build
from airflow_provider_j2v.sandbox.variants import Variants

TEXT = {"type": "text", "text": "x"}


def timeline(*elements: dict[str, Any], **movie: Any) -> Timeline:
    scene = {"elements": list(elements), **movie.pop("scene", {})}
    return build({"scenes": [scene], **movie}, Variants())


@pytest.mark.parametrize(
    ("elements", "scene", "seconds"),
    [
        ([TEXT], {}, 5),
        ([TEXT], {"duration": 2}, 2),
        ([{**TEXT, "duration": 3}], {}, 3),
        ([{**TEXT, "duration": 3, "start": 1, "extra-time": 0.5}], {}, 4.5),
        ([{**TEXT, "duration": 3}, TEXT], {"duration": -1}, 3),
        ([{"type": "voice", "text": "x" * 45}], {}, 3),
        ([{"type": "voice", "text": "<speak>" + "x" * 45 + "</speak>"}, TEXT], {}, 3),
        ([{**TEXT, "duration": "2.5"}], {}, 2.5),
        ([{**TEXT, "duration": True}], {"duration": "soon"}, 5),
    ],
)
def test_a_scene_lasts_as_long_as_its_longest_element_or_5_seconds(elements, scene, seconds):
    assert timeline(*elements, scene=scene).duration == seconds


def test_scenes_follow_each_other_and_movie_elements_last_for_all_of_them():
    movie = {
        "elements": [TEXT],
        "scenes": [{"duration": 2, "elements": [TEXT]}, {"duration": 3, "elements": [TEXT]}],
    }

    built = build(movie, Variants())

    assert [(e.start, e.end) for e in built.elements] == [(0, 2), (2, 5), (0, 5)]


def test_elements_are_painted_by_depth_within_their_scene():
    built = timeline({**TEXT, "z-index": 5}, {**TEXT, "z-index": -1}, TEXT)

    assert [element.number for element in built.elements] == [2, 3, 1]


@pytest.mark.parametrize("movie", [{}, {"scenes": []}, {"scenes": "x"}, {"scenes": [{"duration": 0.5}]}])
def test_under_a_second_the_duration_is_zero(movie):
    with pytest.raises(RenderError, match=r"^Movie duration cannot be zero$"):
        build(movie, Variants())


@pytest.mark.parametrize(
    ("resolution", "size"),
    [
        ("sd", (640, 360)),
        ("hd", (1280, 720)),
        ("full-hd", (1920, 1080)),
        ("squared", (1080, 1080)),
        ("instagram-story", (1080, 1920)),
        ("twitter-landscape", (1600, 900)),
        ("custom", (333, 444)),
        ("instagram-portrait", (333, 444)),
    ],
)
def test_presets_have_their_size_and_custom_its_own(resolution, size):
    built = timeline(TEXT, resolution=resolution, width=333, height=444)

    assert (built.width, built.height) == size


@pytest.mark.parametrize("odd", [None, [], {}, 1, "8k"])
def test_a_resolution_that_is_none_is_a_custom_one(odd):
    assert timeline(TEXT, resolution=odd, width=100, height=60).width == 100


@pytest.mark.parametrize("size", [{"width": 49}, {"height": 3841}])
def test_sizes_outside_50_to_3840_fail(size):
    with pytest.raises(RenderError, match="between 50 and 3840"):
        timeline(TEXT, **size)


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ({"type": "image"}, "The element type 'image' requires a 'src' property."),
        ({"type": "image", "prompt": []}, "The element type 'image' requires a 'src' property."),
        ({"type": "image", "src": ""}, "The element type 'image' requires a 'src' property."),
        ({"type": "audio", "prompt": "x"}, "The element type 'audio' requires a 'src' property."),
        ({"type": "text"}, "The element type 'text' requires a 'text' property."),
        ({"type": "voice", "text": "{{gone}}"}, "The element type 'voice' requires a 'text' property."),
        ({"type": "html"}, "The element type 'html' requires a 'html' property."),
        ({"type": "component"}, "The element type 'component' requires a 'component' property."),
        ({"type": "template"}, "The element type 'template' is not supported."),
        ({}, "The element type 'None' is not supported."),
        ("no object", "The element type 'None' is not supported."),
        (
            {"type": "video", "src": "https://x.invalid/a.mp4"},
            "Failed to download 'https://x.invalid/a.mp4' (404)",
        ),
    ],
)
def test_a_mistake_is_reported_with_the_numbers_of_scene_and_element(element, message):
    with pytest.raises(RenderError) as caught:
        build({"scenes": [{"elements": [TEXT]}, {"elements": [TEXT, TEXT, element]}]}, Variants())

    assert str(caught.value) == f"Scene #2, element #3: {message}"


def test_a_mistake_in_a_movie_element_says_so():
    with pytest.raises(RenderError, match=r"^Movie, element #1: "):
        build({"elements": [{"type": "audio"}], "scenes": [{"duration": 3}]}, Variants())


@pytest.mark.parametrize(("fps", "kept"), [(None, 25), (30, 30), (0, 1), (1000, 120), ("50", 50)])
def test_frames_per_second_are_25_unless_said_otherwise(fps, kept):
    assert timeline(TEXT, fps=fps).fps == kept
