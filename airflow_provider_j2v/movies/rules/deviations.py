"""Rules about single properties, which the schema of a movie knows."""

from __future__ import annotations

from airflow_provider_j2v.movies.findings import Problem
from airflow_provider_j2v.movies.rules.registry import DOCUMENTED, THIRD_PARTY, rule
from airflow_provider_j2v.movies.schema import Deviation

_SCHEMA = f"{DOCUMENTED} in part, {THIRD_PARTY} (property tables)"


@rule("unknown-property", "warning", _SCHEMA, on="deviation", keys=("unknown",))
def unknown_property(found: Deviation) -> Problem:
    """A property or a setting that is not known there; the service drops such in silence."""
    return Problem(found.path, found.message, found.hint or "correct or remove it")


@rule("wrong-type", "warning", _SCHEMA, on="deviation", keys=("type",))
def wrong_type(found: Deviation) -> Problem:
    """A text where a number belongs, and the like."""
    return Problem(found.path, found.message, found.hint or "")


@rule("out-of-range", "warning", _SCHEMA, on="deviation", keys=("range",))
def out_of_range(found: Deviation) -> Problem:
    """A number outside the range of its property."""
    return Problem(found.path, found.message, found.hint or "")


@rule("unknown-value", "warning", _SCHEMA, on="deviation", keys=("enum",))
def unknown_value(found: Deviation) -> Problem:
    """A word that is none of the property's words, such as the resolution `instagram-portrait` of an example page."""
    return Problem(found.path, found.message, found.hint or "")


@rule("retired-property", "warning", _SCHEMA, on="deviation", keys=("retired",))
def retired_property(found: Deviation) -> Problem:
    """A property of earlier versions, or one that only example pages have (`fit`, `tailwind`, `highlight-color`)."""
    return Problem(found.path, found.message, found.hint or "")
