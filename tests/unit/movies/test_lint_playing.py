"""Lint judges what plays, with the variables with which it plays: what does not play cannot fail."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_j2v.movies import Movie, Text
from airflow_provider_j2v.movies.expressions import UNKNOWN, fill
from airflow_provider_j2v.movies.lint import lint
from airflow_provider_j2v.sandbox import timeline
from airflow_provider_j2v.sandbox.variants import Variants

TEXT = {"type": "text", "text": "Hello", "duration": 3}
VIDEO = {"type": "video"}
PHOTO = {"type": "image", "src": "{{photo}}", "duration": 2}
TITLE = {"type": "text", "text": "{{title}}", "duration": 2}


def told(movie, **beside):
    """Severity, rule and path of what is found."""
    return [(f.severity, f.rule, f.path) for f in lint(movie, **beside)]


def errors(movie, **beside):
    return [(rule, path) for severity, rule, path in told(movie, **beside) if severity == "error"]


# Conditions.


@pytest.mark.parametrize("condition", [False, "", "false", "{{show}}", "{{ n > 3 }}", "{{ show or n == 0 }}"])
def test_an_element_that_its_condition_drops_is_no_error(condition):
    movie = {"variables": {"show": False, "n": 2}, "scenes": [{"elements": [TEXT, {**VIDEO, "condition": condition}]}]}
    assert told(movie) == [("warning", "missing-source", "movie.scenes[0].elements[1].src")]


@pytest.mark.parametrize("condition", [True, "{{show}}", "{{ n > 1 }}"])
def test_an_element_that_its_condition_keeps_is_an_error(condition):
    movie = {"variables": {"show": True, "n": 2}, "scenes": [{"elements": [TEXT, {**VIDEO, "condition": condition}]}]}
    assert errors(movie) == [("missing-source", "movie.scenes[0].elements[1].src")]


def test_a_warning_in_the_place_of_an_error_says_why():
    (finding,) = lint({"scenes": [{"elements": [TEXT, {**VIDEO, "condition": False}]}]})
    assert str(finding).startswith("warning: movie.scenes[0].elements[1].src is missing (if it plays); a video element")


def test_nothing_in_a_scene_that_its_condition_drops_is_an_error():
    dropped = {"condition": "{{promo}}", "iterate": "rows", "elements": [VIDEO, TITLE, {**TEXT, "text": "{{ ds }}"}]}
    movie = {"variables": {"promo": False}, "scenes": [{"elements": [TEXT]}, dropped]}
    assert told(movie) == [
        ("warning", "missing-source", "movie.scenes[1].elements[0].src"),
        ("warning", "iterate-undefined", "movie.scenes[1].iterate"),
    ]


def test_where_a_condition_cannot_be_known_an_error_is_a_warning():
    template = {"template": "y" * 20, "scenes": [{"condition": "{{later}}", "elements": [VIDEO]}]}
    assert told({"template": "x" * 20}, template=template) == [
        ("warning", "missing-source", "template.scenes[0].elements[0].src")
    ]


def test_a_name_that_only_a_condition_uses_and_nothing_defines_is_an_error():
    movie = {"scenes": [{"condition": "{{ nope > 1 }}", "elements": [{**TEXT, "condition": "{{never}}"}]}]}
    assert errors(movie) == [
        ("undefined-placeholder", "movie.scenes[0].condition"),
        ("undefined-placeholder", "movie.scenes[0].elements[0].condition"),
    ]


@pytest.mark.parametrize("condition", [True, False, None, "{{n}}", "{{n}}{{n}}", "true"])
def test_a_condition_may_be_a_boolean_or_null(condition):
    assert told({"variables": {"n": 1}, "scenes": [{"condition": condition, "elements": [TEXT]}]}) == []


def test_a_comparison_outside_the_braces_is_always_true():
    movie = {"variables": {"n": 1}, "scenes": [{"elements": [{**TEXT, "condition": "{{n}} > 5"}]}]}
    (finding,) = lint(movie)
    assert (finding.rule, finding.path) == ("constant-condition", "movie.scenes[0].elements[0].condition")
    assert "inside one pair of double braces" in finding.hint


def test_subtitles_that_do_not_play_are_not_counted():
    subtitles = {"type": "subtitles", "captions": "https://x.org/a.srt"}
    pair = [{**subtitles, "condition": "{{loud}}"}, {**subtitles, "condition": "{{ not loud }}"}]
    assert told({"variables": {"loud": True}, "scenes": [{"elements": [TEXT]}], "elements": pair}) == []
    assert "several-subtitles" in {
        f.rule for f in lint({"scenes": [{"elements": [TEXT]}], "elements": [subtitles] * 2})
    }


# Scenes that others import.

LIBRARY = {"id": "lib", "condition": False, "elements": [TITLE]}


def test_elements_are_judged_with_the_variables_of_the_scene_that_imports_them():
    movie = {"scenes": [LIBRARY, *({"import": "lib", "variables": {"title": word}} for word in "ab")]}
    assert told(movie) == []


def test_an_import_without_the_variable_is_told_once_and_by_whom():
    movie = {"scenes": [LIBRARY, {"import": "lib", "variables": {"title": "a"}}, {"import": "lib"}, {"import": "lib"}]}
    (finding,) = lint(movie)
    assert (finding.severity, finding.path) == ("error", "movie.scenes[0].elements[0].text")
    assert "(where movie.scenes[2] imports it)" in finding.message


def test_a_mistake_in_an_imported_element_is_an_error_told_once():
    library = {**LIBRARY, "elements": [VIDEO]}
    assert told({"scenes": [library, {"import": "lib"}, {"import": "lib"}]}) == [
        ("error", "missing-source", "movie.scenes[0].elements[0].src")
    ]
    assert errors({"scenes": [library, {"duration": 3}, {"import": "lib", "condition": False}]}) == []


def test_a_scene_that_plays_and_is_imported_is_judged_in_both_places():
    movie = {
        "scenes": [
            {"id": "lib", "elements": [TITLE], "variables": {"title": "x"}},
            {"import": "{{which}}"},
        ],
        "variables": {"which": "lib"},
    }
    assert errors(movie) == [("undefined-placeholder", "movie.scenes[0].elements[0].text")]


# Repeated scenes.

ROWS = [{"photo": "", "on": 0}, {"photo": "https://x.org/a.jpg", "on": 1}, {"photo": "", "on": 1}]


def repeated(*elements, rows=ROWS, **scene):
    return {"variables": {"rows": rows}, "scenes": [{"iterate": "rows", "elements": list(elements), **scene}]}


@pytest.mark.parametrize(
    "bounds", [{"iterate-from": 1, "iterate-to": 2}, {"iterate-to": 2, "iterate-from": 1.0}, {"condition": "{{photo}}"}]
)
def test_only_items_that_play_are_judged(bounds):
    assert errors(repeated(PHOTO, **bounds)) == []


def test_an_item_that_plays_is_named():
    (finding,) = lint(repeated({**PHOTO, "condition": "{{on}}"}))
    assert (finding.severity, finding.rule) == ("error", "empty-source")
    assert "for item 2 of the repeated list" in finding.message
    (finding,) = lint(repeated(PHOTO, **{"iterate-from": 2, "iterate-step": 2}))
    assert "for item 2 " in finding.message


def test_what_is_wrong_for_many_items_is_told_once():
    assert len(lint(repeated(PHOTO, {**TEXT, "text": "{{nope}}"}, rows=[{"photo": ""}] * 50))) == 2


def test_a_scene_that_nobody_knows_to_play_has_no_errors_inside():
    movie = {"scenes": [{"elements": [TEXT]}, {"iterate": "nope", "elements": [VIDEO]}]}
    assert errors(movie) == [("iterate-undefined", "movie.scenes[1].iterate")]


def test_variables_of_the_wrong_form_are_one_mistake():
    movie = {"scenes": [{"variables": ["title"], "elements": [TITLE]}]}
    assert errors(movie) == [("variables-form", "movie.scenes[0].variables")]


def test_an_item_that_is_no_object_matters_only_where_it_would_play():
    rows = [{"photo": "https://x.org/a.jpg"}, "text"]
    assert errors(repeated(PHOTO, rows=rows, **{"iterate-to": 1})) == []
    assert errors(repeated(PHOTO, rows=rows)) == [("iterate-target", "movie.scenes[0].iterate")]


def test_what_some_items_lack_warns_and_what_all_lack_is_an_error():
    rows = [{"a": 1}, {"b": 1}, {}]
    findings = lint(repeated({**TEXT, "text": "{{a}} {{c}}"}, rows=rows))
    assert {f.rule: f.severity for f in findings} == {
        "missing-in-some-items": "warning",
        "undefined-placeholder": "error",
    }
    assert "uses a, which item 1 of the repeated list does not have" in "".join(f.message for f in findings)


def test_a_mistake_is_an_error_though_it_does_not_play_the_first_time():
    movie = repeated({**VIDEO, "condition": "{{on}}", "duration": 1})
    assert told(movie) == [("error", "missing-source", "movie.scenes[0].elements[0].src")]


def test_a_source_that_either_of_two_fields_gives_is_no_gap():
    rows = [{"photo": "https://x.org/a.jpg", "idea": ""}, {"photo": "", "idea": "a cat"}]
    element = {**PHOTO, "prompt": "{{idea}}", "model": "flux-pro"}
    assert errors(repeated(element, rows=rows)) == []
    assert errors(repeated(element, rows=[*rows, {"photo": "", "idea": ""}])) == [
        ("empty-source", "movie.scenes[0].elements[0].src")
    ]


# What an element is made of.


@pytest.mark.parametrize(
    "element",
    [
        {"type": "text", "text": "{{t}}"},
        {"type": "voice", "voice": "x", "text": "{{ t }}{{t}}"},
        {"type": "html", "html": "{{t}}"},
        {"type": "component", "component": "{{ t == '' ? '' : t }}"},
        {"type": "video", "src": "{{t}}"},
    ],
)
def test_an_empty_variable_is_told_an_error_where_a_file_or_prompt_is_meant(element):
    name = next(key for key, value in element.items() if "{{" in value)
    movie = {"variables": {"t": ""}, "scenes": [{"elements": [TEXT, element]}]}
    (finding,) = lint(movie)
    where = ("error", "empty-source") if name == "src" else ("warning", "empty-text")
    assert (finding.severity, finding.rule) == where
    assert finding.path == f"movie.scenes[0].elements[1].{name}"
    assert errors({**movie, "variables": {"t": "x"}}) == []
    literal = {"scenes": [{"elements": [TEXT, {**element, name: ""}]}]}
    assert errors(literal) == [("missing-source", f"movie.scenes[0].elements[1].{name}")]


def test_what_a_model_makes_of_its_settings_alone_is_a_warning():
    avatar = {"type": "video", "model": "infinite-talk", "model-settings": {"audio": "https://x.org/a.mp3"}}
    assert told({"scenes": [{"elements": [avatar]}]}) == [
        ("warning", "made-of-settings", "movie.scenes[0].elements[0].model-settings")
    ]
    bare = {"type": "video", "model": "infinite-talk"}
    assert errors({"scenes": [{"elements": [bare]}]}) == [("missing-source", "movie.scenes[0].elements[0].src")]


# Names, as the estimate reads them.


@pytest.mark.parametrize("expression", ["u.n", "l[0]", "a === 1", "u.n.m + 1", "l[a].x", "a !== b"])
def test_what_no_document_describes_is_a_warning_and_not_computed(expression):
    variables = {"u": {"n": {"m": 1}}, "l": [{"x": 1}], "a": 0, "b": 1}
    movie = {"variables": variables, "scenes": [{"elements": [{**TEXT, "text": f"{{{{{expression}}}}}"}]}]}
    assert told(movie) == [("warning", "undocumented-expression", "movie.scenes[0].elements[0].text")]
    assert fill(f"{{{{{expression}}}}}", variables) is UNKNOWN


@given(st.text(alphabet="abx1 .+*<=&?:()'[]", max_size=20))
@settings(max_examples=300, deadline=None)
def test_what_the_estimate_can_compute_has_no_undefined_name(expression):
    text, variables = f"{{{{{expression}}}}}", {"a": 1, "b": "x"}
    found = errors({"variables": variables, "scenes": [{"elements": [{**TEXT, "text": text}]}]})
    if fill(text, variables) is not UNKNOWN:
        assert "undefined-placeholder" not in dict(found)


@pytest.mark.parametrize("expression", ["u.nmae", "l.name", "n.x"])
def test_a_property_that_a_variable_does_not_have_is_told_once(expression):
    movie = {
        "variables": {"u": {"name": 1}, "l": [1], "n": 1},
        "scenes": [{"elements": [{**TEXT, "text": f"{{{{{expression}}}}}"}]}],
    }
    assert told(movie) == [("warning", "undefined-property", "movie.scenes[0].elements[0].text")]


# Large movies.


def imports(n):
    return {"scenes": [{"id": f"s{i}", "import": f"s{i - 1}" if i else "none", "elements": [TEXT]} for i in range(n)]}


def strangers(n):
    return {"scenes": [{"import": f"x{i}", "elements": [TEXT]} for i in range(n)]}


def destinations(n):
    hook = {"type": "webhook", "endpoint": "https://x.org"}
    return {"scenes": [{"elements": [TEXT]}], "exports": [{"destinations": [hook] * n}]}


def items(n):
    return repeated(PHOTO, {**TEXT, "text": "{{nope}}"}, rows=[{"photo": ""}] * n)


@pytest.mark.parametrize("large", [imports, strangers, destinations, items])
def test_a_movie_of_more_parts_takes_work_in_proportion(large):
    """Counted in calls, since time is not the same on every machine. Quadratic it would be 16 times as much."""
    counts = []
    for n in (40, 40, 160):  # the first of them loads what is loaded once
        movie, calls = large(n), Counter()
        sys.setprofile(lambda frame, event, arg, calls=calls: calls.update((event,)))
        try:
            lint(movie)
        finally:
            sys.setprofile(None)
        counts.append(calls["call"] + calls["c_call"])
    assert counts[2] < 6 * counts[1]


# Movies in Python.


def test_a_typed_movie_is_looked_at_like_its_document():
    movie = Movie(variables={"t": ""}, scenes=[{"elements": [Text(text="{{t}}")]}])
    assert lint(movie) == lint(movie.model_dump()) != []
    assert lint({"scenes": [{"elements": [Text(text="{{t}}")]}], "variables": {"t": ""}}) == lint(movie)


def test_what_lint_lets_pass_plays_in_the_sandbox():
    movie = repeated({**PHOTO, "condition": "{{photo}}"}, {**TEXT, "text": "{{iteration}}"}, duration=2)
    assert errors(movie) == []
    assert len(timeline.build(movie, Variants()).elements) == 4
