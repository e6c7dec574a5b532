"""What an expression inside ``{{ }}`` comes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_j2v.movies.expressions import Uncomputable, compute, evaluate

VARIABLES = {"n": 4, "name": "Ada", "items": [1, 2], "digits": "12", "big": 10**300}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 2 - 3", 5),
        ("-n + 1", -3),
        ("7 / 2", 3.5),
        ("7 % 4", 3),
        ("n > 3 and n < 5", True),
        ("n >= 5 or not n == 4", False),
        ("n > 3 ? 'big' : 'small'", "big"),
        ("n < 3 ? 1 : n < 5 ? 2 : 3", 2),
        ("max(1, n, 3)", 4),
        ("min(n)", 4),
        ("ceil(n / 3)", 2),
        ("'a' + n", "a4"),
        ("n == '4'", True),
        ("digits + 1", 13),
        ("name", "Ada"),
        (" items ", [1, 2]),
        ("true", True),
    ],
)
def test_expressions(expression, value):
    assert evaluate(expression, VARIABLES) == compute(expression, VARIABLES) == value


@pytest.mark.parametrize(
    ("expression", "empty"),
    [
        ("unknown", ""),
        ("unknown + 'x'", "x"),
        ("1 / 0", ""),
        ("1 +", ""),
        ("__import__('os')", ""),
        ("name.__class__", ""),
        ("(" * 400 + "1" + ")" * 400, ""),
        ("9" * 400 + "* 9", ""),
        ("big * big", ""),
        ("big * 100000000 + big * 99999999 + big * 99999999", ""),
        ("n" * 1001, ""),
    ],
)
def test_what_cannot_be_computed_renders_as_if_it_were_empty_and_is_said_to_whom_it_matters(expression, empty):
    assert evaluate(expression, VARIABLES) == empty
    with pytest.raises(Uncomputable):
        compute(expression, VARIABLES)


@given(st.text(alphabet="ab1 .+-*/%<>=!&|?:(),'\"[]", max_size=40))
def test_nothing_an_author_can_write_breaks_it(expression):
    evaluate(expression, {"a": 1, "b": "x"})


def test_rounding_to_a_huge_number_of_digits_ends() -> None:
    assert evaluate("round(9.25, -9999999999)", {}) == 0
    assert evaluate("round(9.26, 1)", {}) == 9.3
