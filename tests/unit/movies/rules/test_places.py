"""What rules know of the place they look at."""

from __future__ import annotations

import pytest

from airflow_provider_j2v.movies.rules.places import Repeated, Whole, only


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{{a}}", "a"),
        ("{{ a_1 }}", "a_1"),
        ("{{a}}!", None),
        ("{{a}}{{b}}", None),
        ("{{a+1}}", None),
        ("a", None),
        ("{{}}", None),
        (5, None),
        (None, None),
    ],
)
def test_a_text_that_is_one_variable(text, name):
    assert only(text) == name


def test_fields_of_items_are_those_of_all_of_them():
    repeated = Repeated([{"a": 1, "b": 1}, "text", {"a": 2}, {"full name": 3}, None])
    assert repeated.fields == {"a": 0, "b": 0, "full name": 3}
    assert repeated.unnamed == ["full name"]
    assert repeated.odd == [1, 4]


@pytest.mark.parametrize(
    ("bounds", "first"),
    [(range(5), 1), (range(1), None), (range(2, 5), 4), (range(0, 5, 2), 4), (range(5, 5), None)],
)
def test_what_is_no_object_counts_within_bounds_only(bounds, first):
    assert Repeated([{}, "text", {}, {}, None]).first_odd(bounds) == first


@pytest.mark.parametrize(
    ("scene", "indices"),
    [
        ({}, [0, 1, 2, 3]),
        ({"iterate-from": 1}, [1, 2, 3]),
        ({"iterate-to": 2}, [0, 1]),
        ({"iterate-step": 2}, [0, 2]),
        ({"iterate-from": "{{one}}", "iterate-to": 99}, [1, 2, 3]),
        ({"iterate-from": -3, "iterate-step": 0}, [0, 1, 2, 3]),
        ({"iterate-from": 4}, []),
        ({"iterate-from": "{{nope}}"}, None),
        ({"iterate-from": "1"}, None),
        ({"iterate-step": []}, None),
    ],
)
def test_the_items_that_play(scene, indices):
    bounds = Whole({"variables": {"one": 1}}).bounds(scene, "abcd")
    assert (None if bounds is None else list(bounds)) == indices


def test_words_are_looked_up_for_a_limited_number_of_mistakes_only():
    whole = Whole({})
    hints = [whole.meant("a", lambda word: ["b"]) for _ in range(30)]
    assert hints.count('did you mean "b"? ') == 20
    assert hints[20:] == [""] * 10
