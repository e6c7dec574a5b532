"""How long a movie lasts: what the document settles exactly, what it leaves as a range, and what it leaves open."""

from __future__ import annotations

import tracemalloc

import pytest

from airflow_provider_j2v.movies.durations import measure
from airflow_provider_j2v.movies.scopes import MAX_REPEATED

TEXT = {"type": "text", "text": "hi"}
CLIP = {"type": "video", "src": "https://example.com/a.mp4"}
VOICE = {"type": "voice", "text": "x" * 100}


def seconds(movie, expected=None):
    """``(low, high)``, with None for a length that is open."""
    span = measure(movie, expected).seconds
    return span.low, None if span.open else span.high


def scene(*elements, **more):
    return {"elements": list(elements), **more}


def scenes(*scenes, **more):
    return {"scenes": list(scenes), **more}


@pytest.mark.parametrize(
    ("movie", "expected"),
    [
        (scenes(scene(TEXT, duration=3), scene(TEXT, duration=4.5)), 7.5),
        (scenes(scene(TEXT | {"duration": 9}, duration=4)), 4),
        (scenes(scene(TEXT | {"duration": 3}, TEXT | {"start": 2, "duration": 2, "extra-time": 1})), 5),
        (scenes(scene(TEXT | {"start": 2, "duration": -2}, TEXT | {"duration": 3})), 3),
        (scenes(scene(TEXT)), 5),
        (scenes(scene()), 5),
        (scenes(scene(TEXT | {"duration": "4"})), 4),
        (scenes(scene(CLIP, duration=6)), 6),
        (scenes(scene(CLIP | {"duration": 7})), 7),
        (scenes(scene(CLIP | {"duration": -2}, TEXT | {"duration": 2})), 2),
        ({"elements": [TEXT | {"duration": 8}]}, 8),
        ({"scenes": [], "elements": [TEXT | {"duration": 8, "start": 1}]}, 9),
        (scenes(scene(duration=4), elements=[CLIP | {"duration": -2}, TEXT, TEXT | {"duration": 3}]), 4),
        (scenes("odd", None, scene(TEXT, duration=3), 7), 3),
        (scenes(scene("odd", TEXT | {"duration": 2}, None)), 2),
    ],
)
def test_a_length_that_the_document_settles(movie, expected):
    assert seconds(movie) == (expected, expected)
    assert measure(movie).unknown == []


@pytest.mark.parametrize(
    ("movie", "low", "high"),
    [
        (scenes(scene(VOICE)), 5, 10),  # 20 to 10 characters a second
        (scenes(scene(VOICE | {"text": "世" * 20})), 1, 6),
        (scenes(scene(VOICE | {"text": "<speak>" + "x" * 20 + "</speak>"})), 1, 2),
        (scenes(scene(VOICE | {"text": "x" * 20 + "<break time='5s'/><break time=\"500 ms\" />"})), 1, 7.5),
        (scenes(scene(VOICE | {"text": "x" * 20 + "<break/><mstts:silence type='Tailing' value='2s'/>"})), 1, 5.25),
        (scenes(scene(VOICE | {"text": "<prosody pitch='low' rate='-50%'>" + "x" * 60 + "</prosody>"})), 1, 12),
        (scenes(scene(VOICE | {"text": "0800 1234567"})), 0.6, 3.4),
        (scenes(scene(VOICE, TEXT | {"duration": 7})), 7, 10),
        (scenes(scene(TEXT | {"duration": 0})), 0, 5),
        (scenes(scene(duration=4), scene(duration=4, transition={"style": "fade", "duration": 1})), 7, 8),
        (scenes(scene(duration=4), scene(duration=4, transition={"style": "fade"})), 6.5, 8),
        (scenes(scene(duration=4), scene(duration=1, transition={"duration": 9})), 4, 5),
        (scenes(scene(duration=4, transition={"duration": 1})), 4, 4),
        (scenes(scene(duration=4), elements=[TEXT | {"duration": 6}]), 4, 6),
        (scenes(scene(duration=4), elements=[VOICE]), 4, 10),
    ],
)
def test_a_length_that_stays_a_range(movie, low, high):
    assert seconds(movie) == (low, high)
    assert measure(movie).unknown == []


@pytest.mark.parametrize(
    ("movie", "low", "path"),
    [
        (scenes(scene(CLIP)), 0, "movie.scenes[0].elements[0]"),
        (scenes(scene(duration=3), scene(TEXT, CLIP, TEXT | {"duration": 2})), 5, "movie.scenes[1].elements[1]"),
        (scenes(scene({"type": "audio", "src": "https://x", "start": 2})), 0, "movie.scenes[0].elements[0]"),
        (scenes(scene({"type": "html", "html": "<p>"})), 0, "movie.scenes[0].elements[0]"),
        (scenes(scene({"type": "component", "component": "basic/050"})), 0, "movie.scenes[0].elements[0]"),
        (scenes(scene({"type": "audiogram", "src": "https://x"})), 0, "movie.scenes[0].elements[0]"),
        (scenes(scene(VOICE | {"text": "hi {{name}}"})), 0, "movie.scenes[0].elements[0]"),
        (scenes(scene(VOICE | {"start": "{{at}}"})), 0, "movie.scenes[0].elements[0]"),
        (scenes(scene(TEXT | {"duration": "{{d}}"})), 0, "movie.scenes[0].elements[0]"),
        (scenes(scene(duration="{{d}}")), 0, "movie.scenes[0].duration"),
        (scenes(scene(duration=4), elements=[{"type": "audio", "src": "https://x"}]), 4, "movie.elements[0]"),
        ({"elements": [CLIP]}, 0, "movie.elements[0]"),
        ({"elements": [TEXT]}, 0, "movie"),
        ({}, 0, "movie"),
    ],
)
def test_a_length_that_stays_open_and_what_leaves_it_so(movie, low, path):
    assert seconds(movie) == (low, None)
    assert [unknown.path for unknown in measure(movie).unknown] == [path]


def test_media_in_a_scene_that_says_its_length_leave_nothing_open():
    assert measure(scenes(scene(CLIP, {"type": "html", "html": "<p>"}, duration=4))).unknown == []


@pytest.mark.parametrize(
    ("movie", "expected", "length"),
    [
        (scenes(scene(CLIP)), 12.5, (12.5, 12.5)),
        (scenes(scene(VOICE)), 7, (7, 7)),
        (scenes(scene(duration=20), scene(CLIP)), 12, (20, 20)),
        (scenes(scene(duration=20)), 12, (20, 20)),
        ({}, 3, (3, 3)),
    ],
)
def test_what_the_author_expects_counts_where_the_document_does_not_settle_it(movie, expected, length):
    assert seconds(movie, expected) == length
    assert measure(movie, expected).unknown == []


# Variables.


@pytest.mark.parametrize(
    ("movie", "length"),
    [
        (scenes(scene(duration="{{d}}"), variables={"d": 4}), 4),
        (scenes(scene(duration="{{ d * 2 + 1 }}"), variables={"d": "4"}), 9),
        (scenes(scene(duration="{{d}}", variables={"d": 2}), variables={"d": 4}), 2),
        (scenes(scene(TEXT | {"duration": "{{d}}", "variables": {"d": 1}}), variables={"d": 4}), 1),
        (scenes(scene(duration=4, condition="{{on}}"), scene(duration=1), variables={"on": False}), 1),
        (scenes(scene(duration=4, condition="")), None),
        (
            scenes(scene(TEXT | {"duration": 9, "condition": "{{n > 3}}"}, TEXT | {"duration": 2}), variables={"n": 3}),
            2,
        ),
        (scenes(scene(duration="{{ s }}", iterate="rows"), variables={"rows": [{"s": 2}, {"s": 3}]}), 5),
        (scenes(scene(duration=2, iterate="{{list}}"), variables={"list": "rows", "rows": [{}, {}]}), 4),
        (scenes(scene(duration=2, iterate="rows"), scene(duration=1), variables={"rows": ["a", "b"]}), 1),
        (scenes(scene(duration=2, iterate="rows"), scene(duration=1), variables={"rows": "a"}), 1),
        (scenes(scene(duration="{{ iteration + 1 }}", iterate="rows"), variables={"rows": [{}] * 3}), 6),
        (
            scenes(
                scene(duration=2, iterate="rows", **{"iterate-from": 1, "iterate-to": "{{to}}", "iterate-step": 2}),
                variables={"rows": [{}] * 6, "to": 5},
            ),
            4,
        ),
        (scenes(scene(duration=3, iterate="rows", condition="{{first_iteration}}"), variables={"rows": [{}, {}]}), 3),
        (scenes(scene(TEXT | {"duration": 6}, id="a"), scene(**{"import": "a"})), 12),
        (scenes(scene(TEXT | {"duration": 6}, id="a", **{"import": "a"})), 6),
    ],
)
def test_variables_conditions_and_repetitions_are_worked_out(movie, length):
    assert seconds(movie) == ((0, None) if length is None else (length, length))


@pytest.mark.parametrize(
    ("movie", "low", "high", "path"),
    [
        (scenes(scene(duration=1), scene(duration=4, condition="{{on}}")), 1, 5, "movie.scenes[1].condition"),
        (
            scenes(scene(TEXT | {"duration": 9, "condition": "{{on}}"}, TEXT | {"duration": 2})),
            2,
            9,
            "movie.scenes[0].elements[0].condition",
        ),
        (scenes(scene(TEXT | {"duration": 3, "condition": "{{on}}"})), 3, 5, "movie.scenes[0].elements[0].condition"),
        (scenes(scene(TEXT | {"duration": 9, "condition": "{{on}}"})), 5, 9, "movie.scenes[0].elements[0].condition"),
        (scenes(scene(duration=4, condition="{{ user.vip }}"), variables={"user": {"vip": True}}), 0, 4, None),
    ],
)
def test_a_condition_that_cannot_be_computed_gives_a_range_and_a_doubt(movie, low, high, path):
    assert seconds(movie) == (low, high)
    (unknown,) = measure(movie).unknown
    assert unknown.path == path or path is None


@pytest.mark.parametrize(
    "movie",
    [
        scenes(scene(duration=2, iterate="rows"), scene(duration=1)),
        scenes(scene(duration=2, iterate="{{list}}"), scene(duration=1), variables={"rows": [{}]}),
        scenes(scene(duration=2, iterate=["rows"]), scene(duration=1)),
        scenes(
            scene(duration=2, iterate="rows", **{"iterate-to": "{{n}}"}), scene(duration=1), variables={"rows": [{}]}
        ),
    ],
)
def test_a_scene_repeated_nobody_knows_how_often_is_named(movie):
    assert seconds(movie) == (1, None)
    assert seconds(movie, 7) == (7, 7)
    assert [unknown.path for unknown in measure(movie).unknown] == ["movie.scenes[0].iterate"]


def test_an_import_that_cannot_be_computed_is_named():
    (unknown,) = measure(scenes(scene(**{"import": "{{gone}}"}, duration=3))).unknown
    assert unknown.path == "movie.scenes[0].import"


def test_a_variable_made_of_an_unknown_one_is_unknown_too():
    inner = scene(duration="{{d}}", variables={"d": "{{gone}}"})
    assert seconds(scenes(inner, variables={"d": 4})) == (0, None)
    assert seconds(scenes(scene(VOICE | {"text": "hi {{d}}"}), variables={"d": "{{gone}}"})) == (0, None)


def test_an_overlay_whose_condition_is_unknown_matters_to_nobody():
    assert measure(scenes(scene(TEXT | {"condition": "{{gone}}"}, duration=3))).unknown == []


@pytest.mark.parametrize("odd", [float("inf"), float("nan"), 10**400, "1e999", True, "x", [], {}])
def test_a_number_that_is_none_counts_as_not_given(odd):
    assert seconds(scenes(scene(TEXT | {"duration": 2, "start": odd}, duration=odd))) == (2, 2)


def test_scenes_that_repeat_without_end_to_speak_of_are_not_counted_through() -> None:
    scenes = [{"iterate": "rows", "elements": [{"type": "text", "text": "{{n}}"}]}] * 1000
    length = measure({"variables": {"rows": [{"n": 1}] * 5000}, "scenes": scenes})
    assert length.seconds.open
    assert any("too often" in unknown.why for unknown in length.unknown)


def test_scenes_that_import_each_other_without_end_to_speak_of_are_not_counted_through() -> None:
    many = {"id": "a", "elements": [TEXT | {"duration": 1}] * 1000}
    length = measure(scenes(many, *[{"import": "a"}] * 2000))
    assert length.seconds.open
    assert {unknown.why for unknown in length.unknown} == {"what the scene imports: it repeats too often to be counted"}
    assert len(length.shown) <= 1000 + MAX_REPEATED


def test_a_long_text_that_is_imported_is_not_read_through_again_and_again() -> None:
    wordy = {"id": "a", "elements": [VOICE | {"text": "{{x}} y " * 20_000, "variables": {"x": "z"}}]}
    length = measure(scenes(wordy, *[{"import": "a"}] * 2000))
    assert len(length.shown) < 100
    repeated = {"iterate": "rows", "elements": wordy["elements"]}
    assert measure(scenes(repeated, variables={"rows": [{}] * 2000})).shown == []


def test_many_variables_are_kept_once_however_many_scenes_there_are() -> None:
    movie = scenes(
        *[scene(TEXT | {"duration": 1}, variables={"own": i}) for i in range(500)],
        variables={f"v{i}": i for i in range(2000)},
    )
    tracemalloc.start()
    try:
        length = measure(movie)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(length.shown) == 500
    assert peak < 5_000_000


def test_a_variable_that_is_hidden_by_one_that_cannot_be_computed_does_not_show_through() -> None:
    inner = scene(TEXT | {"duration": "{{d}}", "variables": {"d": "{{ nothing(1) }}"}})
    assert seconds(scenes(inner, variables={"d": 4})) == (0, None)


@pytest.mark.parametrize(
    ("movie", "low", "high"),
    [
        (scenes(scene(duration=4), scene(duration=4, transition={"duration": "{{gone}}"})), 4, 8),
        (
            scenes(
                scene(duration=10),
                scene(duration=2, condition="{{gone}}"),
                scene(duration=5, transition={"duration": 5}),
            ),
            10,
            17,
        ),
        (scenes(scene(TEXT | {"duration": 2}), scene(TEXT | {"type": "{{t}}"}, duration=3)), 5, 5),
        (scenes(scene(VOICE | {"type": "{{t}}", "variables": {"t": "voice"}})), 5, 10),
        (scenes(scene(CLIP | {"type": "{{t}}", "variables": {"t": "image"}})), 5, 5),
        (scenes(scene(VOICE | {"type": "{{t}}"})), 0, None),
        (scenes(scene(VOICE | {"text": "<speak>Hi <audio src='https://x'/></speak>"})), 0, None),
    ],
)
def test_what_cannot_be_computed_opens_both_ends(movie, low, high) -> None:
    assert seconds(movie) == (low, high)
