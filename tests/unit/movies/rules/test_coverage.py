"""The page about what the service drops or refuses names rules that there are, with their severity."""

from __future__ import annotations

import re
from pathlib import Path

from airflow_provider_j2v.movies.rules import RULES

PAGE = (Path(__file__).parents[4] / "docs" / "lint-coverage.md").read_text()
SEVERITIES = {"**error**": "error", "*warning*": "warning"}
SEVERITY = {rule.id: rule.severity for rule in RULES}
#: The page names these together, as "schema".
SCHEMA = {rule.id for rule in RULES if "deviation" in rule.subjects}


def named():
    return re.findall(r"`([a-z]+(?:-[a-z]+)+)` (\*\*error\*\*|\*warning\*)", PAGE)


def test_every_rule_it_names_is_there_with_that_severity():
    assert {rule: SEVERITIES[word] for rule, word in named()} == {
        rule: severity for rule, severity in SEVERITY.items() if rule not in SCHEMA
    }


def test_the_rules_of_the_schema_are_told_as_such():
    (paragraph,) = [part for part in PAGE.split("\n\n") if part.startswith('"Schema"')]
    assert set(re.findall(r"`([a-z-]+)`", paragraph)) == SCHEMA
    assert {SEVERITY[rule] for rule in SCHEMA} == {"warning"}
