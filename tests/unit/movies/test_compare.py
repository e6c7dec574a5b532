"""Where two documents differ, in the author's own paths."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_j2v.movies.compare import differences

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
    max_leaves=20,
)

CASES = {
    "the same": ({"a": [1, {"b": "c"}]}, {"a": [1, {"b": "c"}]}, []),
    "another order of keys": ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
    "one kind of number": ({"a": 1}, {"a": 1.0}, []),
    "true is no number": ({"a": 1}, {"a": True}, ["m.a"]),
    "false is no number": ([0], [False], ["m[0]"]),
    "a value deep inside": ({"s": [{"e": [{"t": 1}]}]}, {"s": [{"e": [{"t": 2}]}]}, ["m.s[0].e[0].t"]),
    "something more": ({}, {"a": 1}, ["m.a"]),
    "something less": ({"a": 1}, {}, ["m.a"]),
    "null is something": ({"a": None}, {}, ["m.a"]),
    "a longer list": ([1], [1, 2, 3], ["m[1]", "m[2]"]),
    "a shorter list": ([1, 2], [1], ["m[1]"]),
    "another order of a list": ([1, 2], [2, 1], ["m[0]", "m[1]"]),
    "another form": ({"a": []}, {"a": {}}, ["m.a"]),
    "keys with hyphens": ({"client-data": 1}, {"client-data": 2}, ["m.client-data"]),
    "keys that are no names": ({"a b.c\n": 1}, {}, ['m["a b.c "]']),
}


@pytest.mark.parametrize(("old", "new", "paths"), CASES.values(), ids=CASES)
def test_differences_are_told_by_path(old: Any, new: Any, paths: list[str]) -> None:
    assert list(differences(old, new, "m")) == paths


@given(JSON)
def test_a_document_read_back_from_text_in_another_order_is_the_same(document: Any) -> None:
    assert not list(differences(document, json.loads(json.dumps(document, sort_keys=True)), "m"))


@given(JSON, JSON)
def test_what_has_no_differences_is_the_same_text(old: Any, new: Any) -> None:
    if not list(differences(old, new, "m")):
        assert old == new
