"""Rules about scenes and conditions."""

from __future__ import annotations

from typing import Any

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.movies.findings import Problem
from airflow_provider_j2v.movies.placeholders import MISSING, only
from airflow_provider_j2v.movies.rules.places import Place
from airflow_provider_j2v.movies.rules.registry import DOCUMENTED, OURS, THIRD_PARTY, rule
from airflow_provider_j2v.movies.values import shown


@rule("iterate-undefined", "error", f"{DOCUMENTED} (scene)", on="scene", keys=("iterate",))
def iterate_undefined(place: Place, key: str, value: Any) -> Problem | None:
    """`iterate` with the name of no variable of the movie."""
    scope = place.whole.scope
    if not value or not isinstance(value, str) or "{{" in value or scope.is_open() or scope.find(value) is not MISSING:
        return None
    near = place.whole.near_variable(value, scope)
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
    items = place.whole.scope.find(value)
    if items is MISSING:
        return None
    if not isinstance(items, list):
        return place.problem(key, f"{must}, and {escape(value, 60)} is {shown(items)}", "make it a list of objects")
    odd = next((i for i, item in enumerate(items) if not isinstance(item, dict)), None)
    if odd is None:
        return None
    what = f"{must}, and item {odd} of {escape(value, 60)} is {shown(items[odd])}"
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
        return place.problem(
            key, f"repeats the scene over {escape(value, 60)}, which is empty: it never plays", "fill it"
        )
    first, last, step = (place.data.get(f"iterate-{name}") for name in ("from", "to", "step"))
    bounds = (first or 0, len(items) if last is None else last, 1 if step is None else step)
    if not all(isinstance(bound, int) and bound >= 0 for bound in bounds) or not bounds[2]:
        return None
    if range(len(items))[slice(*bounds)]:
        return None
    what = f"leaves none of the {len(items)} items: from {bounds[0]} (included) to {bounds[1]} (excluded)"
    return place.problem(key, what, "correct iterate-from and iterate-to")


@rule("unknown-import", "warning", f"{DOCUMENTED} (scene)", on="scene", keys=("import",))
def unknown_import(place: Place, key: str, value: Any) -> Problem | None:
    """`import` of a scene that is not there, or of the scene itself."""
    if not isinstance(value, str) or not value or "{{" in value:
        return None
    if value == place.data.get("id"):
        return place.problem(key, "names the scene itself", "name another scene")
    ids = {id for _, scene in place.whole.scenes if isinstance(id := scene.get("id"), str)}
    if value in ids or any("{{" in id for id in ids):
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
    """A condition without braces: any text but an empty one is true."""
    if not isinstance(value, str) or not value.strip() or "{{" in value or value in ("false", "true", "0", "1"):
        return None
    known = place.scope.find(value.strip()) is not MISSING
    hint = f'write "{{{{{escape(value.strip(), 60)}}}}}"' if known else "write an expression in double braces"
    return place.problem(key, f"is the constant text {shown(value)}, which is always true", hint)
