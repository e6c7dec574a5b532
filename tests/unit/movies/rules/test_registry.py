"""What is promised of all rules together."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from airflow_provider_j2v.movies.rules import CHAPTERS, RULES, elements
from airflow_provider_j2v.movies.rules.registry import DOCUMENTED, LIVE
from airflow_provider_j2v.sandbox import timeline
from dev.lint_page import PAGE, page

#: Errors that rest on less than a document or a live observation: what the service itself does not say about its
#: limits, and a client of the service's own that was written against the live service.
OTHERWISE = {"too-large", "webhook-content-type"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_it_is(rule):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id)
    assert rule.about.endswith(".")
    assert rule.source
    if rule.severity == "error" and rule.id not in OTHERWISE:
        assert rule.source.startswith((DOCUMENTED, LIVE))


def test_ids_are_unique_and_every_rule_is_in_a_chapter():
    assert [id for id, n in Counter(rule.id for rule in RULES).items() if n > 1] == []
    assert {rule.look.__module__ for rule in RULES} == {chapter.__name__ for chapter in CHAPTERS}
    modules = {path.stem for path in Path(elements.__file__).parent.glob("*.py")}
    assert {chapter.__name__.rpartition(".")[2] for chapter in CHAPTERS} == modules - {"__init__", "places", "registry"}


def test_the_page_of_rules_is_what_the_rules_say():
    assert PAGE.read_text("utf-8") == page(), "write it anew: python -m dev.lint_page"


def test_the_sandbox_renders_what_the_rules_let_pass():
    assert elements.REQUIRED == timeline.REQUIRED
