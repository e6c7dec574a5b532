"""What an expression inside ``{{ }}`` comes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_j2v.movies.expressions import UNKNOWN, Uncomputable, compute, evaluate, fill, read

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


@pytest.mark.parametrize(
    ("expression", "undocumented", "names"),
    [
        ("n.name", "a.b", [("n", "name")]),
        ("items[0]", "a[0]", [("items",)]),
        ("items[n].name + name", "a[0]", [("items",), ("n",), ("name",)]),
        ("n === 4", "===", [("n",)]),
        ("n !== gone", "!==", [("n",), ("gone",)]),
        ("n > 3 ? n.a : 1", "a.b", [("n",), ("n", "a")]),
    ],
)
def test_what_no_document_describes_is_read_for_its_names_and_never_computed(expression, undocumented, names):
    understood = read(expression)
    assert (understood.trouble, understood.undocumented) == (None, undocumented)
    assert list(understood.references) == names
    assert evaluate(expression, VARIABLES) == ""
    with pytest.raises(Uncomputable):
        compute(expression, VARIABLES)


SIGNS = ["+", "-", "*", "/", "%", "<", "<=", "==", "===", "!=", "!", "?", ":", "(", ")", "[", "]", ".", ","]
WORDS = ["a", "b", "gone", "1", "2.5", "'x'", "and", "or", "not", "max", "ceil", "f", "true", "null"]
WRITTEN = st.lists(st.sampled_from(SIGNS + WORDS), max_size=8).map(" ".join)


@given(WRITTEN)
def test_what_cannot_be_read_or_uses_a_name_that_is_not_given_cannot_be_computed(expression):
    variables = {"a": 1, "b": 2}
    understood = read(expression)
    missing = {reference[0] for reference in understood.references} - set(variables)
    if understood.trouble or understood.undocumented or missing or set(understood.functions) - {"max", "ceil"}:
        with pytest.raises(Uncomputable):
            compute(expression, variables)
    else:
        assert "gone" not in expression.split()


def test_a_variable_whose_name_begins_with_a_digit_is_one_like_any_other():
    assert compute("1st + 1", {"1st": 2}) == 3
    assert compute("12", {"12": "a"}) == "a"
    assert compute("12", {}) == 12


def test_a_variable_that_is_not_known_counts_as_not_given():
    with pytest.raises(Uncomputable):
        compute("a", {"a": UNKNOWN})
    assert fill("{{a}}", {"a": UNKNOWN}) is UNKNOWN
    assert fill("x {{ a + 1 }}", {"a": UNKNOWN}) is UNKNOWN
    assert fill("x {{ 1 + 1 }}", {}) == "x 2"


@pytest.mark.parametrize("expression", ["(" * 300 + "1" + ")" * 300, "1?" * 200 + "1" + ":1" * 200])
def test_what_is_nested_without_end_is_not_read(expression):
    assert read(expression).trouble == "is nested too deep"


@pytest.mark.parametrize(
    ("expression", "value"), [("-" * 900 + "1", 1), ("!" * 901 + "n", False), ("1+" * 400 + "1", 401)]
)
def test_a_long_chain_is_computed(expression, value):
    assert compute(expression, VARIABLES) == value
