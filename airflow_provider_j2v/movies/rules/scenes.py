"""Rules about scenes and conditions."""

from __future__ import annotations

from typing import Any

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.movies.expressions import PLACEHOLDER
from airflow_provider_j2v.movies.findings import Problem
from airflow_provider_j2v.movies.rules.places import MISSING, Place, only
from airflow_provider_j2v.movies.rules.registry import DOCUMENTED, OURS, THIRD_PARTY, rule
from airflow_provider_j2v.movies.values import shown


@rule("iterate-undefined", "error", f"{DOCUMENTED} (scene)", on="scene", keys=("iterate",))
def iterate_undefined(place: Place, key: str, value: Any) -> Problem | None:
    """`iterate` with the name of no variable of the movie."""
    whole = place.whole
    if not value or not isinstance(value, str) or "{{" in value or whole.open or value in whole.variables:
        return None
    near = whole.near_variable(value, whole.scope)
    what = f"names {shown(value)}, which is no variable of the movie"
    return place.problem(key, what, f"{near}give the movie that variable, as a list of objects")


@rule(
    "iterate-target", "error", f"{DOCUMENTED} (scene); that it vanishes: {THIRD_PARTY}", on="scene", keys=("iterate",)
)
def iterate_target(place: Place, key: str, value: Any) -> Problem | None:
    """`iterate` over a variable that is no list of objects: the scene would vanish."""
    if not value or (isinstance(value, str) and "{{" in value):
        return None
    must = "must be the name of a movie variable that is a list of objects"
    if not isinstance(value, str):
        return place.problem(key, f"{must}, not {shown(value)}", "write the variable's name")
    items = place.whole.variables.get(value, MISSING)
    if items is MISSING:
        return None
    if not isinstance(items, list):
        return place.problem(key, f"{must}, and {escape(value, 60)} is {shown(items)}", "make it a list of objects")
    bounds = place.whole.bounds(place.data, items)
    first = place.whole.repeated(items).first_odd(bounds) if bounds is not None else None
    if first is None:
        return None
    what = f"{must}, and item {first} of {escape(value, 60)} is {shown(items[first])}"
    return place.problem(key, what, 'write items like {"name": "Ada"}, and use {{name}}')


@rule("iterate-placeholder", "warning", f"{DOCUMENTED} (scene)", on="scene", keys=("iterate",))
def iterate_placeholder(place: Place, key: str, value: Any) -> Problem | None:
    """`iterate` with braces: it takes the plain name of a variable."""
    if not isinstance(value, str) or "{{" not in value:
        return None
    name = only(value)
    hint = f'write "{escape(name, 60)}"' if name else "write the name of a movie variable"
    return place.problem(key, "has braces, and takes the plain name of a variable", hint)


@rule("iterate-nothing", "warning", OURS, on="scene", keys=("iterate",))
def iterate_nothing(place: Place, key: str, value: Any) -> Problem | None:
    """A repeated scene with nothing to repeat: an empty list, or bounds that leave nothing of it."""
    items = place.whole.items(place.data)
    if items is None:
        return None
    if not items:
        what = f"repeats the scene over {escape(value, 60)}, which is empty: it never plays"
        return place.problem(key, what, "fill it")
    bounds = place.whole.bounds(place.data, items)
    if bounds is None or bounds:
        return None
    what = f"repeats the scene over none of the {len(items)} items: it never plays"
    return place.problem(key, what, "correct iterate-from (included) and iterate-to (excluded)")


@rule("unknown-import", "warning", f"{DOCUMENTED} (scene)", on="scene", keys=("import",))
def unknown_import(place: Place, key: str, value: Any) -> Problem | None:
    """`import` of a scene that is not there, or of the scene itself."""
    if not isinstance(value, str) or not value or "{{" in value:
        return None
    if value == place.data.get("id"):
        return place.problem(key, "names the scene itself", "name another scene")
    if value in place.whole.ids or place.whole.ids_unknown:
        return None
    return place.problem(key, f"names {shown(value)}, which is the id of no scene", "give that scene the id")


@rule(
    "constant-condition",
    "warning",
    f"{DOCUMENTED} (scene, condition tutorial)",
    on=("scene", "element"),
    keys=("condition",),
)
def constant_condition(place: Place, key: str, value: Any) -> Problem | None:
    """A condition with text outside double braces: any text but an empty one is true."""
    outside = PLACEHOLDER.sub("", value).strip() if isinstance(value, str) else ""
    if not outside or outside in ("false", "true", "0", "1"):
        return None
    if "{{" in value:
        what = f"has text around its placeholders and so is never empty: {shown(value)}"
        return place.problem(key, what, "write the whole comparison inside one pair of double braces")
    known = value.strip() in place.scope
    hint = f'write "{{{{{escape(value.strip(), 60)}}}}}"' if known else "write an expression in double braces"
    return place.problem(key, f"is the constant text {shown(value)}, which is always true", hint)
