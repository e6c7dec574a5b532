"""What the schema finds in documents, and that editors, models and this check are of one mind."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from airflow_provider_j2v.movies import Movie
from airflow_provider_j2v.movies.elements import ELEMENTS, Visual
from airflow_provider_j2v.movies.movie import Destination, Export, Scene
from airflow_provider_j2v.movies.schema import Deviation, _shape, deviations, json_schema
from airflow_provider_j2v.sandbox.shipped_templates import SHIPPED

ROOT = Path(__file__).parents[3]
GOOD = {path.stem: path for path in sorted((ROOT / "tests" / "corpus" / "good").glob("*.json"))}
MOVIES = {name: json.loads(path.read_text()) for name, path in GOOD.items()}
MOVIES |= {f"template {template.id}": template.movie for template in SHIPPED}
MOVIES |= {path.stem: json.loads(path.read_text()) for path in (ROOT / "example_dags" / "movies").glob("*.json")}
EDITORS = jsonschema.Draft202012Validator(json_schema())


def in_element(**properties: Any) -> dict[str, Any]:
    return {"scenes": [{"elements": [properties]}]}


def sent_to(**properties: Any) -> dict[str, Any]:
    return {"exports": [{"destinations": [properties]}]}


@pytest.mark.parametrize("movie", MOVIES.values(), ids=MOVIES)
def test_a_good_movie_has_no_deviations_and_comes_out_of_the_models_as_it_went_in(movie):
    assert deviations(movie) == []
    assert list(EDITORS.iter_errors(movie)) == []
    # As text, so that 5 is not 5.0 and true is not 1.
    assert json.dumps(Movie.load(movie).model_dump(), sort_keys=True) == json.dumps(movie, sort_keys=True)


def test_the_good_movies_use_every_property():
    used: dict[str, set[str]] = {}
    holders = {"movie": Movie, "scenes": Scene, "exports": Export, "destinations": Destination, **ELEMENTS}

    def note(holder: str, value: Any) -> None:
        for item in value if isinstance(value, list) else [value]:
            kind = item["type"] if holder == "elements" else holder
            used.setdefault(kind, set()).update(item)
            for key in ("scenes", "elements", "exports", "destinations"):
                note(key, item.get(key, []))

    for movie in MOVIES.values():
        note("movie", movie)
    everywhere = set(_shape(Visual).names)  # once in any element is enough
    assert not {kind: left for kind, m in holders.items() if (left := _shape(m).names - used[kind] - everywhere)}
    assert not everywhere - set().union(*used.values())
    assert len(GOOD) >= 60


@pytest.mark.parametrize(
    ("movie", "path", "kind", "words"),
    [
        # Names
        ({"scense": []}, "movie.scense", "unknown", 'write "scenes"'),
        ({"client_data": {}}, "movie.client_data", "unknown", 'write "client-data"'),
        ({"clientData": {}}, "movie.clientData", "unknown", 'write "client-data"'),
        ({"qwertyuiop": 1}, "movie.qwertyuiop", "unknown", "a movie"),
        ({"a b.c\n": 1}, 'movie["a b.c "]', "unknown", ""),
        ({"scenes": [{}, {"duratoin": 1}]}, "movie.scenes[1].duratoin", "unknown", 'write "duration"'),
        (in_element(type="image", z_index=1), "movie.scenes[0].elements[0].z_index", "unknown", 'write "z-index"'),
        (in_element(type="text", text="", fontSize=9), "….fontSize", "unknown", 'put "font-size" into "settings"'),
        (in_element(type="text", text="", settings={"font-colour": ""}), "….settings.font-colour", "unknown", "color"),
        (in_element(type="text", text="", volume=1), "….volume", "unknown", "a text element"),
        (in_element(type="image", crop={"widht": 1}), "….crop.widht", "unknown", 'write "width"'),
        (sent_to(endpont="x"), "movie.exports[0].destinations[0].endpont", "unknown", "endpoint"),
        # Retired
        ({"draft": True}, "movie.draft", "retired", "plan"),
        ({"settings": {}}, "movie.settings", "retired", "remove"),
        ({"webhook": "https://x"}, "movie.webhook", "retired", "exports"),
        (in_element(type="template"), "….type", "retired", "component"),
        (in_element(type="html", tailwind=True), "….tailwind", "retired", "tailwindcss"),
        (in_element(type="image", fit="cover"), "….fit", "retired", "resize"),
        (in_element(type="image", scale={}), "….scale", "retired", "width"),
        (in_element(type="image", elements=[]), "….elements", "retired", "hold no elements"),
        (
            in_element(type="subtitles", settings={"highlight-color": ""}),
            "….settings.highlight-color",
            "retired",
            "word-color",
        ),
        # Types
        ({"scenes": {}}, "movie.scenes", "type", "a list of objects, not an object"),
        ({"scenes": "{{scenes}}"}, "movie.scenes", "type", "a list of objects"),
        ({"scenes": [5]}, "movie.scenes[0]", "type", "an object, not 5"),
        ({"scenes": [{"elements": [[]]}]}, "movie.scenes[0].elements[0]", "type", "not a list"),
        ({"variables": []}, "movie.variables", "type", "an object"),
        ({"variables": "{{x}}"}, "movie.variables", "type", "an object"),
        ({"comment": 5}, "movie.comment", "type", "write it in quotes"),
        ({"fps": "25"}, "movie.fps", "type", "write 25 without quotes"),
        ({"fps": True}, "movie.fps", "type", "not true"),
        ({"fps": None}, "movie.fps", "type", "not null"),
        ({"scenes": [{"condition": 1}]}, "movie.scenes[0].condition", "type", "true or false, not a number; write it"),
        ({"fps": 29.97}, "movie.fps", "type", "whole number"),
        ({"cache": "False"}, "movie.cache", "type", "write false without quotes"),
        ({"cache": 1}, "movie.cache", "type", "true or false"),
        ({"resolution": 1080}, "movie.resolution", "type", "full-hd"),
        ({"scenes": [{"duration": float("nan")}]}, "movie.scenes[0].duration", "range", "nan"),
        (in_element(type="image", x=float("inf")), "….x", "type", "inf"),
        (in_element(type="image", rotate=90), "….rotate", "type", "an object"),
        (in_element(type="text", text=["a"]), "….text", "type", "a text, not a list"),
        (in_element(type="text", text="", settings={"font-size": True}), "….settings.font-size", "type", "a number"),
        (in_element(type="subtitles", settings={"keywords": [1]}), "….settings.keywords", "type", "list of texts"),
        # Ranges
        ({"width": 49}, "movie.width", "range", "from 50 to 3840, not 49"),
        ({"height": 3841}, "movie.height", "range", "3840"),
        ({"fps": 0}, "movie.fps", "range", "1 to 120"),
        ({"fps": 10**5000}, "movie.fps", "range", "1 to 120"),
        ({"scenes": [{"duration": -2}]}, "movie.scenes[0].duration", "range", "at least -1"),
        (in_element(type="image", zoom=10.5), "….zoom", "range", "-10 to 10"),
        (in_element(type="image", **{"pan-distance": 0}), "….pan-distance", "range", "0.01 to 0.5"),
        (in_element(type="audio", volume=11), "….volume", "range", "0 to 10"),
        (in_element(type="html", wait=6), "….wait", "range", "0 to 5"),
        (in_element(type="image", rotate={"angle": 361}), "….rotate.angle", "range", "-360 to 360"),
        (in_element(type="image", **{"z-index": 100}), "….z-index", "range", "-99 to 99"),
        (in_element(type="image", **{"fade-in": -1}), "….fade-in", "range", "at least 0"),
        # Words
        ({"resolution": "instagram-portrait"}, "movie.resolution", "enum", "instagram-story"),
        ({"resolution": "4k"}, "movie.resolution", "enum", "3840"),
        ({"resolution": "Full HD"}, "movie.resolution", "enum", 'write "full-hd"'),
        ({"quality": "very_high"}, "movie.quality", "enum", "low, medium, high"),
        (in_element(type="image", position="center"), "….position", "enum", "center-center"),
        (in_element(type="imgae"), "….type", "enum", 'write "image"'),
        (in_element(src="x"), "….type", "enum", "is missing"),
        (in_element(type=5), "….type", "enum", "not 5"),
        (in_element(type="hologram", zoom=1, **{"z-index": 999}), "….type", "enum", "one of image"),
        ({"scenes": [{"transition": {"style": "fadein"}}]}, "movie.scenes[0].transition.style", "enum", 'write "fade"'),
        (sent_to(type="s3"), "movie.exports[0].destinations[0].type", "enum", "sftp"),
    ],
)
def test_each_deviation_is_named_with_its_place_and_what_to_do(movie, path, kind, words):
    first = deviations(movie)[0]
    assert first.path == path.replace("…", "movie.scenes[0].elements[0]")
    assert first.kind == kind
    assert words in f"{first.message}; {first.hint}"
    assert len(str(first)) < 500


def test_all_deviations_are_found_in_the_document_s_order():
    movie = {"fps": 0, "scenes": [{"elements": [{"type": "hologram", "start": "x"}], "draft": 1}], "elements": 3}
    paths = ["movie.fps", "movie.scenes[0].elements[0].type", "movie.scenes[0].elements[0].start"]
    assert [d.path for d in deviations(movie)] == [*paths, "movie.scenes[0].draft", "movie.elements"]


def test_an_element_of_an_unknown_type_and_a_preload_may_have_any_properties():
    preload = [{"id": "hero", "type": "image", "shape": "round"}]
    movie = {"preload": preload, "scenes": [{"elements": [{"type": "hologram", "depth": 3}]}]}
    assert [d.path for d in deviations(movie)] == ["movie.scenes[0].elements[0].type"]


@pytest.mark.parametrize("condition", [True, False, None, "", "{{ price > 0 }}"])
def test_a_condition_may_be_true_false_or_null(condition):
    element = {"type": "text", "text": "Hello", "condition": condition}
    movie = {"scenes": [{"condition": condition, "elements": [element]}]}
    assert deviations(movie) == []
    assert EDITORS.is_valid(movie)
    assert Movie.load(movie).model_dump() == movie


def test_what_is_secret_is_not_shown():
    found = deviations(sent_to(password=31415, type="webhook"))
    assert [d.path for d in found] == ["movie.exports[0].destinations[0].password"]
    assert "31415" not in str(found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("{{a}}"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(sorted(set().union(*(_shape(m).names for m in (*ELEMENTS.values(), Movie, Scene, Export)))))
TYPES = st.sampled_from([*ELEMENTS, "template", "hologram"])
MOVIE_LIKE = st.recursive(
    JSON | TYPES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=5),
    max_leaves=25,
)


@settings(deadline=None)
@given(st.dictionaries(NAMES | st.text(max_size=5), MOVIE_LIKE, max_size=6))
@example({"scenes": [{"elements": [None, True, {"type": None}, {"type": []}, {"type": {"a": 1}}]}]})
@example({"": 0, "\ud800": 1, "a" * 100_000: 2})
def test_no_json_object_makes_it_raise(movie):
    for deviation in deviations(movie):
        assert isinstance(deviation, Deviation)
        assert deviation.path.startswith("movie")


def test_nothing_else_makes_it_raise_either():
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    circle: dict[str, Any] = {}
    circle["scenes"] = [circle]
    movie: Any = {
        "scenes": [{"elements": deep, 5: 6, None: ()}, circle, date(2026, 1, 1), (1, 2)],
        "fps": 10**5000,
        "resolution": b"hd",
        "variables": deep,
        "client-data": {date(2026, 1, 1): object()},
    }
    assert len(deviations(movie)) > 5
    assert [d.kind for d in deviations([])] == ["type"]  # type: ignore[arg-type]


def test_time_is_not_lost_on_thousands_of_strange_names_and_endless_words():
    found = deviations({f"scenes{i}": i for i in range(5000)})
    assert len(found) == 5000
    assert (found[0].hint, found[-1].hint) == ('write "scenes"', None)
    assert deviations({"resolution": "hd" * 1_000_000})[0].hint is None


PLAIN = st.recursive(
    st.booleans()
    | st.integers(-500, 5000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["{{a}}", "5", "true", "fade", "hd", "cover", "top-left", "001", "left", "default", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=4,
)


@settings(deadline=None, max_examples=300)
@given(kind=st.sampled_from([*ELEMENTS, "scene", "movie", "destination"]), value=PLAIN, data=st.data())
def test_editors_models_and_the_check_of_documents_are_of_one_mind(kind, value, data):
    def named(model: Any) -> dict[str, Any]:
        return {data.draw(st.sampled_from(sorted(_shape(model).names - {"scenes", "type"}))): value}

    if kind == "movie":
        movie = {"scenes": [], **named(Movie)}
    elif kind == "destination":
        movie = {"scenes": [], **sent_to(**named(Destination))}
    elif kind == "scene":
        movie = {"scenes": [named(Scene)]}
    else:
        required = {name: "x" for name in ("text", "component") if name in _shape(ELEMENTS[kind]).names}
        movie = in_element(**{"type": kind} | required | named(ELEMENTS[kind]))
    fits = all(d.kind in ("unknown", "retired") for d in deviations(movie))
    assert EDITORS.is_valid(movie) == fits
    try:
        Movie.load(movie)
    except ValidationError:
        assert not fits
    else:
        assert fits


def test_the_schema_file_for_editors_is_of_these_models():
    written = ROOT / "docs" / "movie.schema.json"
    made = subprocess.run(
        [sys.executable, "-m", "airflow_provider_j2v.movies.schema"], capture_output=True, text=True, check=True
    ).stdout
    assert written.read_text() == made, "run: python -m airflow_provider_j2v.movies.schema > docs/movie.schema.json"
    jsonschema.Draft202012Validator.check_schema(json.loads(made))


def test_editors_have_something_to_say_about_every_property():
    schema = json_schema()
    silent = []
    for name, part in {"Movie": schema, **schema["$defs"]}.items():
        assert part["additionalProperties"] is True
        assert part["description"], name
        silent += [
            f"{name}.{key}"
            for key, value in part["properties"].items()
            if not value.get("title") or not (value.get("description") or name.endswith("Settings") or key == "type")
        ]
    assert silent == []


@pytest.mark.parametrize(
    "movie",
    [
        {"resolution": "sd"},
        {"scenes": [{"elements": [{"type": "text"}]}]},
        {"scenes": [{"elements": [{"text": "no type"}]}]},
        {"scenes": [{"elements": [{"type": "component"}]}]},
    ],
)
def test_editors_see_what_is_missing(movie):
    assert not EDITORS.is_valid(movie)
