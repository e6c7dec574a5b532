"""Variables, conditions and repetitions."""

from __future__ import annotations

import pytest

from airflow_provider_j2v.sandbox.placeholders import expand, fill


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ("Hello {{ name }}!", "Hello Ada!"),
        ("{{a}}{{b}}", "12"),
        ("{{a}}", 1),
        ("{{a / 1}} s", "1 s"),
        ("{{gone}}", ""),
        ({"x": ["{{a}}"]}, {"x": [1]}),
        ({"variables": {"k": "{{a}}"}}, {"variables": {"k": "{{a}}"}}),
    ],
)
def test_placeholders_are_filled_and_a_lone_one_keeps_its_type(value, filled):
    assert fill(value, {"name": "Ada", "a": 1, "b": 2}) == filled


def test_the_nearest_scope_wins():
    movie = {
        "variables": {"x": "movie", "y": "movie", "z": "movie", "$odd": 1},
        "scenes": [
            {
                "variables": {"x": "scene", "y": "scene"},
                "elements": [{"text": "{{x}} {{y}} {{z}} {{$odd}}", "variables": {"x": "element"}}],
            }
        ],
    }

    _, (scene,) = expand(movie)

    assert scene.elements[0][1]["text"] == "element scene movie "


@pytest.mark.parametrize(
    ("condition", "kept"), [("{{ on }}", True), ("{{ not on }}", False), ("", False), ("yes", True)]
)
def test_a_condition_drops_scenes_and_elements_and_numbers_stay(condition, kept):
    first, second = {"type": "text", "condition": condition}, {"type": "text"}
    movie = {"variables": {"on": True}, "scenes": [{"condition": condition}, {"elements": [first, second]}]}

    _, scenes = expand(movie)

    assert [scene.number for scene in scenes] == ([1, 2] if kept else [2])
    assert [n for n, _ in scenes[-1].elements] == ([1, 2] if kept else [2])


def test_a_scene_repeats_over_an_array_of_objects_only():
    def texts(items, **more):
        scene = {"iterate": "items", "elements": [{"text": "{{iteration}}{{a}}{{last_iteration}}"}], **more}
        return [part.elements[0][1]["text"] for part in expand({"variables": {"items": items}, "scenes": [scene]})[1]]

    letters = [{"a": letter} for letter in "xyz"]
    assert texts(letters) == ["0xfalse", "1yfalse", "2ztrue"]
    assert texts(letters, **{"iterate-from": 1, "iterate-to": 2}) == ["0ytrue"]
    assert texts(letters, **{"iterate-step": 2}) == ["0xfalse", "1ztrue"]
    assert texts(["x", "y"]) == []


def test_a_scene_imports_the_elements_of_another():
    movie = {"scenes": [{"id": "a", "elements": [{"text": "a"}]}, {"import": "a", "elements": [{"text": "b"}]}]}

    _, (_, second) = expand(movie)

    assert [data["text"] for _, data in second.elements] == ["b", "a"]
