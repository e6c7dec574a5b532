"""What lint looks for: one small function for each rule. Importing this writes all of them down in ``RULES``."""

from __future__ import annotations

from airflow_provider_j2v.movies.rules import (
    deviations,
    durations,
    elements,
    exports,
    models,
    movie,
    placeholders,
    scenes,
    sources,
    templates,
    variables,
)
from airflow_provider_j2v.movies.rules.registry import RULES, Rule, Table

__all__ = ["CHAPTERS", "RULES", "Rule", "Table"]

#: The modules of rules in the order of their page.
CHAPTERS = (
    movie,
    durations,
    scenes,
    elements,
    placeholders,
    variables,
    templates,
    sources,
    models,
    exports,
    deviations,
)
