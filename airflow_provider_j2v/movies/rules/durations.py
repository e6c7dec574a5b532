"""Rules about durations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_j2v.movies.document import objects
from airflow_provider_j2v.movies.durations import measure
from airflow_provider_j2v.movies.findings import Problem
from airflow_provider_j2v.movies.rules.places import Place, is_number
from airflow_provider_j2v.movies.rules.registry import DOCUMENTED, OURS, THIRD_PARTY, rule
from airflow_provider_j2v.movies.values import shown

#: Below this many seconds the service says that the duration is zero.
SHORTEST = 1.0
#: The longest movie of any plan, in seconds.
LONGEST = 1800.0
#: A movie with more repetitions than this is not measured.
_REPEATED = 1000


@rule("zero-duration", "error", f"{DOCUMENTED} (errors)", on="movie")
def zero_duration(place: Place) -> Problem | None:
    """A movie that lasts less than 1 s whatever its files hold."""
    whole = place.whole
    if whole.unsendable or not all(_may_be_short(scene) for _, scene in whole.scenes):
        return None
    if sum(len(whole.items(scene) or ()) for _, scene in whole.scenes) > _REPEATED:
        return None
    own = [element for _, element in objects(whole.body.get("elements"))]
    if not whole.scenes and (not own or any(_length(element) is None for element in own)):
        return None
    seconds = measure({**whole.body, "variables": whole.variables}).seconds
    if seconds.open or seconds.high >= SHORTEST:
        return None
    short = next((f"{path}.duration" for path, owner in whole.scenes if _length(owner) is not None), whole.root)
    what = f"makes a movie of {seconds.high:g} s, and the service calls all below {SHORTEST:g} s a zero duration"
    return Problem(short, what, "make it longer")


@rule("longer-than-plans", "warning", THIRD_PARTY, on="movie")
def longer_than_plans(place: Place) -> Problem | None:
    """Scenes that last more than the 30 minutes of the largest plan known."""
    scenes = [scene for _, scene in place.whole.scenes if "condition" not in scene and "iterate" not in scene]
    seconds = sum(_length(scene) or 0.0 for scene in scenes)
    if seconds <= LONGEST:
        return None
    what = f"last {seconds:g} s, and the largest plan known allows {LONGEST:g} s"
    return Problem(f"{place.whole.root}.scenes", what, "split the movie, or see what your plan allows")


@rule("zero-length", "warning", OURS, on=("scene", "element"), keys=("duration",))
def zero_length(place: Place, key: str, value: Any) -> Problem | None:
    """A scene or an element whose own duration is zero."""
    if not is_number(value) or value != 0:
        return None
    return place.problem(key, "is zero: nothing of it would be seen or heard", "leave it out, or give it seconds")


@rule("never-shown", "warning", OURS, on="element", keys=("start",))
def never_shown(place: Place, key: str, value: Any) -> Problem | None:
    """An element that starts when its scene is over."""
    room = _length(place.turn.data) if place.turn is not None else None
    if room is None or not is_number(value) or value < room or not value:
        return None
    what = f"is {shown(value)} s, and the scene lasts {room:g} s: it would never be shown"
    return place.problem(key, what, "seconds count from the start of the scene")


def _may_be_short(scene: Mapping[str, Any]) -> bool:
    """Whether a scene has to be measured to know that it lasts long enough; most have not."""
    if "condition" in scene or "iterate" in scene:
        return True
    length = _length(scene)
    if length is not None:
        return length < SHORTEST
    elements = [element for _, element in objects(scene.get("elements"))]
    return bool(elements) and "duration" not in scene and all(_length(element) is not None for element in elements)


def _length(owner: Mapping[str, Any]) -> float | None:
    """The duration that a scene or an element says it has, in seconds."""
    value = owner.get("duration")
    return float(value) if is_number(value) and 0 <= value < 1e9 else None
