"""Variables against a template's schema, whatever shape that has."""

from __future__ import annotations

import socket

import pytest

from airflow_provider_j2v.movies.template_variables import described, mismatches

PROPERTIES = {
    "name": {"type": "string"},
    "seconds": {"type": "number", "minimum": 1},
    "style": {"enum": ["bold", "plain"]},
    "offers": {"type": "array", "items": {"$ref": "#/$defs/offer"}},
}
SCHEMA = {
    "properties": PROPERTIES,
    "$defs": {
        "offer": {"type": "object", "properties": {"price": {"type": ["number", "null"]}}, "required": ["price"]}
    },
}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"name": "Ada", "seconds": 3, "offers": [{"price": 1}, {"price": None}]}, []),
        ({"name": "{{who}}", "seconds": "{{n}}", "offers": "{{all}}"}, []),
        ({"other": 1}, []),
        ({"seconds": "3"}, [("movie.variables.seconds", 'must be of type number, not "3"', False)]),
        ({"name": 3}, [("movie.variables.name", "must be of type string, not 3", False)]),
        ({"offers": "a, b"}, [("movie.variables.offers", 'must be a list, not "a, b"', True)]),
        ({"offers": {}}, [("movie.variables.offers", "must be a list, not an object", True)]),
        ({"name": []}, [("movie.variables.name", "must be of type string, not a list", True)]),
        ({"offers": ["a"]}, [("movie.variables.offers[0]", 'must be an object, not "a"', True)]),
        (
            {"offers": [{"price": "x"}]},
            [("movie.variables.offers[0].price", 'must be of type number or of type null, not "x"', False)],
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(variables, expected):
    assert [(m.path, m.message, m.structural) for m in mismatches(variables, SCHEMA)] == expected


@pytest.mark.parametrize("variables", [{"style": "italic"}, {"seconds": 0}, {"offers": [{}]}])
def test_other_deviations_are_told_in_the_words_of_the_validator(variables):
    (found,) = mismatches(variables, SCHEMA)
    assert found.message.startswith("is not as the template wants it: ")
    assert not found.structural


def test_a_message_is_cut():
    (found,) = mismatches({"style": "x" * 10_000}, SCHEMA)
    assert len(found.message) < 300


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"properties": []},
        {"properties": {"name": 5}},
        {"properties": {"name": {"type": "text"}}},
        {"properties": {"name": {"pattern": "("}}},
        {"properties": {"name": {"$ref": "#/nowhere"}}},
        {"properties": {"name": {"$ref": "http://127.0.0.1:1/schema.json"}}},
        {"$schema": "https://example.com/own", "properties": {"name": {"type": "string"}}},
    ],
)
def test_a_schema_that_cannot_be_read_says_nothing_and_fetches_nothing(schema, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    assert mismatches({"name": "Ada"}, schema) == []


@pytest.mark.parametrize(
    ("schema", "names", "required"),
    [
        ({}, [], []),
        ({"properties": {"a": {}, "b": {}}}, ["a", "b"], []),
        ({"properties": {"a": {}, "b": {"default": 1}}, "required": ["a", "b", "c", 5]}, ["a", "b"], ["a", "c"]),
        ({"properties": {"a": True}, "required": ["a"]}, ["a"], ["a"]),
        ({"properties": {"a": {}}, "required": True}, ["a"], []),
    ],
)
def test_which_variables_a_schema_has(schema, names, required):
    properties, needed = described(schema)
    assert (list(properties), needed) == (names, required)
