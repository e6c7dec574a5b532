"""What plays in a movie: its scenes, each as often as it is repeated, and their elements with the variables in reach.

Documented: the nearest variables win (element, scene, movie); ``condition`` keeps a scene or element; ``iterate``
repeats a scene for each object of a list; ``import`` appends the elements of another scene, which see the variables
of the scene that imports them (our reading). Here is the one answer to what plays and to what an AI model makes:
length, bill and connections ask here.
"""

from __future__ import annotations

import math
import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from airflow_provider_j2v.movies.document import OVERRIDES
from airflow_provider_j2v.movies.expressions import UNKNOWN, fill, truthy

#: Scenes and elements that repeated and imported scenes come to are looked at up to here: more is longer than any
#: plan allows. Every ``_PIECE`` characters count as one more.
MAX_REPEATED = 50_000
_PIECE = 100

_NAME = re.compile(r"\w+", re.ASCII)
_NUMERIC = (int, float, str)
#: No number counts for more than this, so that sums stay finite.
MOST = 1e9
_TOO_OFTEN = "it repeats too often to be counted"


class Scope(ChainMap[str, Any]):
    """The variables in reach of a place, the nearest first. It holds the levels around it, and no copy of them."""

    @overload
    def get(self, key: str, default: None = None, /) -> Any | None: ...
    @overload
    def get(self, key: str, default: Any, /) -> Any: ...
    def get(self, key: str, default: Any = None, /) -> Any:
        """As of any mapping, without the exceptions with which a ``ChainMap`` looks."""
        for level in self.maps:
            if key in level:
                return level[key]
        return default


@dataclass(frozen=True, slots=True)
class Unknown:
    """What could not be known: where, and why."""

    path: str
    why: str


@dataclass(slots=True)
class Turn:
    """One time that a scene plays, or the part of the movie that is in no scene.

    :param path: of the scene, for example ``movie.scenes[2]``; the same each time it is repeated.
    :param scope: the variables in its reach, the fields of the repeated item included.
    :param kept: None when it is not known whether it plays.
    :param counted: False stands for times of which nobody knows how many there are, or what the variables are then:
        its ``scope`` has only what is the same each time.
    :param imported: path and data of the scene whose elements it takes over.
    """

    path: str
    data: Mapping[str, Any]
    scope: Scope
    kept: bool | None = True
    counted: bool = True
    imported: tuple[str, Mapping[str, Any]] | None = None

    def elements(self, part: str = "elements") -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Its elements with their paths, those it imports last; see ``inside`` for their variables.

        :param part: ``elements`` or ``preload``.
        """
        yield from objects_of(self.data, part, self.path)
        if self.imported is not None and part == "elements":
            yield from objects_of(self.imported[1], part, self.imported[0])


@dataclass
class Stage:
    """A movie as it plays.

    :param movie: any JSON object; what has the wrong form is passed over.
    :param root: what paths begin with.
    """

    movie: Mapping[str, Any]
    root: str = "movie"
    #: What is not known about what plays, and how often; filled on the way.
    doubts: dict[Unknown, None] = field(default_factory=dict)
    #: The movie's own part, with the elements that lie over all scenes.
    whole: Turn = field(init=False)
    _left: int = MAX_REPEATED
    _weights: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.whole = Turn(self.root, self.movie, inside(self.movie, Scope()))

    def scenes(self) -> Iterator[Turn]:
        """Every time that a scene plays, or may, in order; those that a condition drops are left out."""
        scenes = list(objects_of(self.movie, "scenes", self.root))
        by_id = {scene["id"]: (path, scene) for path, scene in scenes if isinstance(scene.get("id"), str)}
        given_up: set[str] = set()
        for path, scene in scenes:
            for scope, counted, sure in self._repetitions(scene, path):
                keeps = self.keeps(scene, path, scope)
                if keeps is False:
                    continue
                named = fill(scene.get("import"), scope)
                if named is UNKNOWN:
                    self._note(f"{path}.import", "what the scene imports: a variable is not given")
                imported = by_id.get(named) if isinstance(named, str) else None
                if imported is not None and imported[1] is scene:
                    imported = None
                if imported is not None and not self._take(imported[1]):
                    self._note(f"{path}.import", f"what the scene imports: {_TOO_OFTEN}")
                    if imported[0] not in given_up:
                        given_up.add(imported[0])
                        yield Turn(path, {}, Scope(), None, counted=False, imported=imported)
                    imported = None
                yield Turn(path, scene, scope, keeps if sure else None, counted, imported)

    def keeps(self, owner: Mapping[str, Any], path: str, scope: Scope) -> bool | None:
        """As ``kept``; a condition that cannot be known is among the doubts."""
        keeps = kept(owner, scope)
        if keeps is None:
            why = "no document tells what null does" if owner["condition"] is None else "a variable is not given"
            why = f"whether it is met: {why}; counted as met at the upper end only"
            self._note(f"{path}.condition", why)
        return keeps

    def _repetitions(self, scene: Mapping[str, Any], path: str) -> Iterator[tuple[Scope, bool, bool]]:
        """The variables of each time a scene plays, whether it can be counted, and whether it is sure.

        Only objects repeat it: without any it vanishes (third party).
        """
        around = self.whole.scope
        if not scene.get("iterate"):
            yield inside(scene, around), True, True
            return
        name = fill(scene["iterate"], around)
        bounds = [fill(scene.get(f"iterate-{which}"), around) for which in ("from", "to", "step")]
        items = around.get(name, UNKNOWN) if isinstance(name, str) else UNKNOWN
        if items is UNKNOWN or UNKNOWN in bounds:
            self._note(f"{path}.iterate", "how often the scene plays: a variable is not given")
            yield inside(scene, Scope()), False, False
            return
        items = items if isinstance(items, list) else []
        places, sure = self._places(items, bounds, path) if self._left >= 0 else (range(len(items)), None)
        if places and not self._take(scene, len(places)):
            self._note(f"{path}.iterate", f"how long the scene plays: {_TOO_OFTEN}")
            yield inside(scene, Scope()), False, False
            return
        for i, place in enumerate(places):
            counters: dict[str, Any] = dict.fromkeys(("iteration", "first_iteration", "last_iteration"), UNKNOWN)
            if sure is None:
                counters = {"iteration": i, "first_iteration": i == 0, "last_iteration": i == len(places) - 1}
            scope = Scope(counters, items[place], *around.maps)
            yield inside(scene, scope), True, sure is None or place in sure

    def _places(self, items: list[Any], bounds: list[Any], path: str) -> tuple[Sequence[int], set[int] | None]:
        """The places of the items that play, or may, and of those that are sure to, unless all are."""
        read = list(zip(bounds, (0, len(items), 1), strict=True))
        strict = [bound if isinstance(bound, int) else default for bound, default in read]
        lenient = [int(number(bound, default)) for bound, default in read]
        places = _chosen(items, *strict)
        if strict == lenient:
            return places, None
        self._note(f"{path}.iterate", "how often the scene plays: no document tells what a bound in quotes does")
        other = _chosen(items, *lenient)
        return sorted({*places, *other}), {*places}.intersection(other)

    def _take(self, scene: Mapping[str, Any], times: int = 1) -> bool:
        """Whether a scene may be looked at so many times more."""
        if self._left >= 0 and id(scene) not in self._weights:
            elements = scene.get("elements")
            count = len(elements) if isinstance(elements, list) else 0
            try:
                self._weights[id(scene)] = 1 + count + len(repr(scene)) // _PIECE
            except RecursionError:
                self._weights[id(scene)] = MAX_REPEATED
        self._left -= times * self._weights.get(id(scene), 1)
        return self._left >= 0

    def _note(self, path: str, why: str) -> None:
        self.doubts[Unknown(path, why)] = None


def inside(owner: Mapping[str, Any], outer: Scope) -> Scope:
    """The variables in reach inside a movie, scene or element that stands in ``outer``.

    One that cannot be computed is ``UNKNOWN`` there, and hides those of that name around it.
    """
    own = owner.get("variables")
    if not isinstance(own, dict) or not own:
        return outer
    return Scope({name: fill(value, outer) for name, value in own.items() if _NAME.fullmatch(name)}, *outer.maps)


def over(template: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """What is rendered of a saved template: the template with the request's settings and variables over it."""
    variables: dict[str, Any] = {}
    for owner in (template, request):
        own = owner.get("variables")
        variables.update(own if isinstance(own, dict) else {})
    return {**template, **{name: request[name] for name in OVERRIDES if name in request}, "variables": variables}


def kept(owner: Mapping[str, Any], scope: Scope) -> bool | None:
    """Whether the condition keeps a scene or element; None when that cannot be known.

    Documented are texts, of which an empty one and false drop it; no document tells what null does.
    """
    if "condition" not in owner:
        return True
    condition = owner["condition"]
    value = fill(condition, scope)
    return None if value is UNKNOWN or condition is None else truthy(value)


def generated(element: Mapping[str, Any], scope: Scope) -> bool | None:
    """Whether an AI model makes an element: a voice, or an image or video with a prompt and no source.

    :param scope: the variables in reach inside the element. With an empty ``Scope()`` the answer holds for any
        variables: False then means never.
    :returns: None when it depends on what cannot be computed.
    """
    kind = fill(element.get("type"), scope)
    if kind == "voice":
        return True
    if kind not in ("image", "video") and kind is not UNKNOWN:
        return False
    prompt, source = fill(element.get("prompt"), scope), fill(element.get("src"), scope)
    if kind is UNKNOWN and present(element.get("text")):
        return None
    if not present(prompt) or (source is not UNKNOWN and present(source)):
        return False
    return None if UNKNOWN in (kind, source) else True


def present(value: Any) -> bool:
    """Whether a property says anything at all."""
    return value is not None and value is not False and value not in ("", [], {})


def number(value: Any, default: float) -> float:
    """A finite number from what a movie may hold: a number, or a text that reads as one."""
    if isinstance(value, bool) or not isinstance(value, _NUMERIC):
        return default
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return default
    return max(-MOST, min(found, MOST)) if math.isfinite(found) else default


def objects_of(owner: Mapping[str, Any], part: str, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of one of its lists, with their paths."""
    listed = owner.get(part)
    if isinstance(listed, list):
        for i, item in enumerate(listed):
            if isinstance(item, dict):
                yield f"{path}.{part}[{i}]", item


def _chosen(items: list[Any], start: int, stop: int, step: int) -> list[int]:
    """The places of the objects over which a scene is repeated, ``stop`` excluded."""
    places = range(len(items))[max(0, start) : max(0, stop) : max(1, step)]
    return [i for i in places if isinstance(items[i], dict)]
