"""A movie from whatever the author gave, refused here where the service would only cost money."""

from __future__ import annotations

import json
from datetime import date
from types import MappingProxyType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_j2v.api.calls import encode
from airflow_provider_j2v.exceptions import InvalidMovie
from airflow_provider_j2v.movies.document import MAX_MOVIE_BYTES, OVERRIDES, check_movie, compose, read_movie

MOVIE = {"scenes": [{"elements": [{"type": "text", "text": "{{headline}}"}]}]}


@pytest.mark.parametrize("source", [MOVIE, json.dumps(MOVIE), json.dumps(MOVIE).encode(), MappingProxyType(MOVIE)])
def test_a_movie_is_read_from_mappings_and_json_text(source):
    read = read_movie(source)
    assert read == MOVIE
    assert type(read) is dict
    assert read is not source


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "movie is empty"),
        (" \n", "movie is empty"),
        (b"", "movie is empty"),
        ("{", "movie is not JSON"),
        ("hello.json", "movie_file"),
        ("{{ ti.xcom_pull('make') }}", ".output"),
        (b"\xff\xfe\xfa", "movie is not JSON"),
        ("[" * 100_000, "movie is nested too deep"),
        ('{"a": ' + "9" * 5000 + "}", "movie is not JSON"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "-Infinity"),
        ("[]", "a list"),
        ("null", "null"),
        ('"text"', "a str"),
        ("5", "a int"),
        (None, "null"),
        ([MOVIE], "a list"),
        (5, "a int"),
    ],
)
def test_what_is_no_movie_is_refused_with_a_hint(source, words):
    with pytest.raises(InvalidMovie, match=words.replace(".", r"\.")) as raised:
        read_movie(source)
    assert str(raised.value).endswith("Nothing was sent.")
    assert len(str(raised.value)) < 400


def test_the_error_names_the_source():
    with pytest.raises(InvalidMovie, match=r"^movies/hello\.json is not JSON"):
        read_movie("{", "movies/hello.json")


HUGE = 10**5000
DEEP: list = []
for _ in range(300):
    DEEP = [DEEP]
ROUND: dict = {}
ROUND["self"] = ROUND


@pytest.mark.parametrize(
    ("movie", "words"),
    [
        ({}, "empty"),
        ({"comment": "x"}, "neither scenes"),
        ({"scenes": []}, "neither scenes"),
        ({"scenes": [], "elements": [], "template": ""}, "neither scenes"),
        (MOVIE | {"client_data": {}}, "client-data"),
        ({"scenes": [{"duration": float("nan")}]}, r"^movie\.scenes\[0\]\.duration is nan"),
        ({"scenes": [{"duration": float("inf")}]}, r"^movie\.scenes\[0\]\.duration is inf"),
        (
            {"scenes": [{"elements": [{"when": date(2026, 1, 1)}]}]},
            r"^movie\.scenes\[0\]\.elements\[0\]\.when is a date",
        ),
        ({"scenes": [{"x": {1}}]}, r"scenes\[0\]\.x is a set"),
        ({"scenes": [{"x": b"y"}]}, r"scenes\[0\]\.x is a bytes"),
        ({"scenes": [{5: "y"}]}, r"scenes\[0\] has the key 5"),
        ({"scenes": [DEEP]}, "nested more than 200 deep"),
        ({"scenes": [ROUND]}, "nested more than 200 deep"),
        ({"scenes": [{"x": HUGE}]}, "cannot be written as JSON"),
        ({"scenes": [{"x": "\ud800"}]}, "cannot be written as JSON"),
        ({"scenes": "abc"}, r"^movie\.scenes must be a list of objects, not a str"),
        ({"scenes": ["abc"]}, r"^movie\.scenes\[0\] must be an object, not a str"),
        ({"scenes": [{"elements": {}}]}, r"^movie\.scenes\[0\]\.elements must be a list"),
        (MOVIE | {"exports": "ftp"}, r"^movie\.exports must be a list"),
        (MOVIE | {"exports": [{"destinations": "x"}]}, r"^movie\.exports\[0\]\.destinations must be a list"),
        ({"scenes": [{"x": "y" * MAX_MOVIE_BYTES}]}, "2.0 MB of JSON"),
        ({"scenes": [{"x": "世" * (MAX_MOVIE_BYTES // 3)}]}, "2.0 MB of JSON"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_could_only_cost_money_is_refused_with_its_place(movie, words):
    with pytest.raises(InvalidMovie, match=words) as raised:
        check_movie(compose(movie))
    assert str(raised.value).endswith("Nothing was sent.")


@pytest.mark.parametrize(
    "movie",
    [
        MOVIE,
        {"template": "x" * 20},
        {"elements": [{"type": "text"}]},
        {"scenes": ({"elements": ()},), "unheard-of": [1.5, None, True]},
        {"scenes": [MappingProxyType({"x": 1})]},
        {"scenes": [{"x": "y" * (MAX_MOVIE_BYTES - 100)}]},
    ],
    ids=["scenes", "template", "elements", "unknown", "another mapping", "just small enough"],
)
def test_a_movie_the_service_could_render_passes(movie):
    assert check_movie(compose(movie)) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=15,
)


@given(JSON | st.dictionaries(st.sampled_from(["scenes", "elements", "template", "variables"]), JSON))
@example({"scenes": [HUGE]})
@example({"scenes": "\udfff"})
def test_any_json_value_is_a_movie_that_can_be_sent_or_an_invalid_one(value):
    try:
        movie = compose(read_movie(value))
        check_movie(movie)
    except InvalidMovie:
        return
    assert json.loads(encode(movie)) == movie


@given(st.text() | st.binary())
def test_any_text_is_a_movie_or_an_invalid_one(text):
    refusal = ""
    try:
        read = read_movie(text)
    except InvalidMovie as e:
        refusal = str(e)
    assert refusal.endswith("Nothing was sent.") if refusal else isinstance(read, dict)


# Composing.


def test_what_the_task_lays_over_a_movie_wins_and_the_movie_stays_as_it_was():
    movie = {"variables": {"a": 1, "b": 1}, "client-data": {"x": 1}, "quality": "low", "exports": [1], "scenes": [{}]}
    before = json.dumps(movie)
    document = compose(
        movie, variables={"b": 2}, client_data={"y": 2}, overrides={"quality": "high"}, exports=[{"destinations": []}]
    )
    assert document == {
        "scenes": [{}],
        "variables": {"a": 1, "b": 2},
        "client-data": {"x": 1, "y": 2},
        "quality": "high",
        "exports": [{"destinations": []}],
    }
    assert json.dumps(movie) == before


def test_one_export_may_be_given_without_its_list():
    assert compose({}, exports={"destinations": []})["exports"] == [{"destinations": []}]


def test_a_template_with_variables():
    assert compose(None, template_id=" abc ", variables={"a": 1}) == {"template": "abc", "variables": {"a": 1}}


@pytest.mark.parametrize("name", OVERRIDES)
def test_every_override_of_a_template_is_allowed(name):
    assert compose({}, overrides={name: 1}) == {name: 1}


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"template_id": ""}, "template_id"),
        ({"template_id": "  "}, "template_id"),
        ({"template_id": 5}, "template_id"),
        ({"variables": "a=1"}, "variables must be an object, not a str"),
        ({"variables": [1]}, "variables must be an object, not a list"),
        ({"client_data": "x"}, "client-data must be an object"),
        ({"overrides": "sd"}, "overrides must be an object"),
        ({"overrides": {"scenes": []}}, "overrides has 'scenes'"),
        ({"overrides": {"client-data": {}}}, "overrides has 'client-data'"),
        ({"movie": {"variables": "text"}, "variables": {"a": 1}}, "variables must be an object"),
    ],
)
def test_a_part_of_the_wrong_form_is_refused(parts, words):
    with pytest.raises(InvalidMovie, match=words) as raised:
        compose(**({"movie": {}} | parts))
    assert str(raised.value).endswith("Nothing was sent.")
