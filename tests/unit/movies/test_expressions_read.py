"""Which names an expression uses, and why something is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_j2v.movies.expressions import Uncomputable, compute, read


@pytest.mark.parametrize(
    ("expression", "names", "functions"),
    [
        ("headline", ["headline"], []),
        ("  _a1 ", ["_a1"], []),
        ("1st", ["1st"], []),
        ("12", [], []),
        ("a + b*2 - a", ["a", "b"], []),
        ("a >= 3 and not b or !c", ["a", "b", "c"], []),
        ("a ? 'b' : c ? \"d\" : e", ["a", "c", "e"], []),
        ("a == 'it is {1}'", ["a"], []),
        ("min(a, max(b, 3)) / ceil(c)", ["a", "b", "c"], ["min", "max", "ceil"]),
        ("f()", [], ["f"]),
        ("(a)", ["a"], []),
        ("-a % 2", ["a"], []),
        ("user.name", ["user.name"], []),
        ("user.address.city + user.name", ["user.address.city", "user.name"], []),
        ("rows[0].name + rows[i].name", ["rows", "i"], []),
        ("true", [], []),
        ("a and null", ["a"], []),
    ],
)
def test_the_names_in_an_expression(expression, names, functions):
    read_ = read(expression)
    assert read_.trouble is None
    assert [".".join(reference) for reference in read_.references] == names
    assert list(read_.functions) == functions


@pytest.mark.parametrize(
    ("expression", "names", "words"),
    [
        ("", [], "is empty"),
        ("a |upper", ["a"], "'|'"),
        ("ti.xcom_pull('x')", [], "'('"),
        ("a b", ["a"], "'b'"),
        ("a +", ["a"], "too early"),
        ("(a", ["a"], "too early"),
        ("a)", ["a"], "')'"),
        ("a ? b", ["a", "b"], "too early"),
        ("a : b", ["a"], "':'"),
        ("a, b", ["a"], "','"),
        ("f(a", ["a"], "too early"),
        ("(a]", ["a"], "']'"),
        ("a.", ["a"], "too early"),
        ("a[0].", ["a"], "too early"),
        ("a.'b'", ["a"], "makes no sense"),
        ("1.a", [], "makes no sense"),
        ("'x'(a)", [], "'('"),
        ("and a", [], "'and'"),
        ("$a", [], "'$'"),
        ("größe", ["gr"], "'ö'"),
        ("a" * 1000 + "+1", [], "longer"),
    ],
)
def test_what_is_no_expression_is_said_and_its_names_are_read_as_far_as_they_go(expression, names, words):
    read_ = read(expression)
    assert words in str(read_.trouble)
    assert [reference[0] for reference in read_.references][: len(names)] == names


@given(st.text(alphabet="ab1 .+-*/%<>=!&|?:(),'\"[]", max_size=40))
def test_whatever_can_be_computed_is_read_with_all_its_names(expression):
    variables = {"a": 1, "b": "x"}
    try:
        compute(expression, variables)
    except Uncomputable:
        read(expression)
        return
    understood = read(expression)
    assert understood.trouble is None
    assert {reference[0] for reference in understood.references} <= variables.keys()


@given(st.text())
def test_any_text_can_be_read(source):
    assert read(source).source == source.strip()
