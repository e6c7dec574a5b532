"""What plays in a movie, how often, and with which variables."""

from __future__ import annotations

import pytest

from airflow_provider_j2v.movies.expressions import UNKNOWN
from airflow_provider_j2v.movies.making import Made, appearances
from airflow_provider_j2v.movies.scopes import Scope, Stage, Unknown, generated, inside, kept, over


@pytest.mark.parametrize(
    ("element", "made"),
    [
        ({"type": "voice"}, True),
        ({"type": "video", "prompt": "x"}, True),
        ({"type": "image", "prompt": "x", "src": ""}, True),
        ({"type": "image", "prompt": "x {{gone}}"}, True),
        ({"type": "{{kind}}", "prompt": "x"}, True),
        ({"type": "image", "prompt": "x", "src": "https://x"}, False),
        ({"type": "image", "prompt": "{{empty}}"}, False),
        ({"type": "image", "src": "{{gone}}"}, False),
        ({"type": "{{gone}}", "src": "https://x"}, False),
        ({"type": ["image"], "prompt": "x"}, False),
        ({"type": "image", "prompt": "x", "src": "{{gone}}"}, None),
        ({"type": "{{gone}}", "prompt": "x"}, None),
        ({"type": "{{gone}}", "text": "x", "src": "https://x"}, None),
    ],
)
def test_which_elements_an_ai_model_makes(element, made):
    assert generated(element, Scope({"kind": "image", "empty": ""})) is made


@pytest.mark.parametrize(
    ("condition", "met"),
    [("x", True), ("", False), ("{{no}}", False), (False, False), ("{{gone}}", None), (None, None)],
)
def test_what_a_condition_keeps(condition, met):
    assert kept({"condition": condition}, Scope({"no": 0})) is met
    assert kept({}, Scope()) is True


def test_the_nearest_variables_win_and_what_cannot_be_computed_hides_those_around_it():
    movie = inside({"variables": {"a": 1, "b": 1, "odd-name": 1}}, Scope())
    scene = inside({"variables": {"a": "{{ b + 1 }}", "b": "{{gone}}"}}, movie)
    assert (scene.get("a"), scene.get("b"), scene.get("odd-name"), scene.get("c", 5)) == (2, UNKNOWN, None, 5)
    assert inside({"variables": "x"}, scene) is scene


def test_every_time_that_a_scene_plays_has_variables_of_its_own():
    scenes = [
        {
            "iterate": "rows",
            "variables": {"b": "{{ n * 2 }}"},
            "condition": "{{ n > 1 }}",
            "elements": [{"type": "text"}],
        },
        {"id": "x", "condition": "", "elements": [{"type": "image"}]},
        {"import": "x", "elements": [{"type": "html"}], "preload": [{"type": "voice"}]},
    ]
    stage = Stage({"variables": {"rows": [{"n": 1}, "odd", {"n": 2}, {"n": 3}]}, "scenes": scenes}, "template")
    turns = list(stage.scenes())
    assert [(turn.path, turn.scope.get("b"), turn.scope.get("iteration")) for turn in turns] == [
        ("template.scenes[0]", 4, 1),
        ("template.scenes[0]", 6, 2),
        ("template.scenes[2]", None, None),
    ]
    assert all(turn.kept and turn.counted for turn in turns)
    assert [path for path, _ in turns[2].elements()] == [
        "template.scenes[2].elements[0]",
        "template.scenes[1].elements[0]",
    ]
    assert [path for path, _ in turns[2].elements("preload")] == ["template.scenes[2].preload[0]"]
    assert stage.doubts == {}


def test_a_scene_that_is_repeated_nobody_knows_how_often_has_one_turn_that_does_not_count():
    stage = Stage({"variables": {"a": 1}, "scenes": [{"iterate": "gone", "variables": {"b": 2}}]})
    (turn,) = stage.scenes()
    assert (turn.counted, turn.kept, dict(turn.scope)) == (False, None, {"b": 2})
    assert list(stage.doubts) == [
        Unknown("movie.scenes[0].iterate", "how often the scene plays: a variable is not given")
    ]


def test_what_an_element_comes_to_is_told_once_for_each_difference():
    element = {"type": "voice", "model": "{{m}}", "connection": "{{c}}"}
    rows = [{"m": "a", "c": ""}, {"m": "a"}, {"m": "a", "c": ""}, {"m": 5, "c": "x"}]
    movie = {"variables": {"rows": rows}, "scenes": [{"iterate": "rows", "elements": [element, {"type": "voice"}]}]}
    ((path, found),) = appearances(Stage(movie)).items()
    assert path == "movie.scenes[0].elements[0]"
    assert [made.named for made in found] == [None, UNKNOWN, "x"]
    assert next(iter(found)) == Made(True, "voice", "a", None)


def test_a_request_lies_over_its_template():
    template = {"resolution": "hd", "variables": {"a": 1, "b": 1}, "scenes": [{}]}
    request = {"template": "t", "resolution": "sd", "variables": {"b": 2}, "exports": []}
    assert over(template, request) == {"resolution": "sd", "variables": {"a": 1, "b": 2}, "scenes": [{}]}
