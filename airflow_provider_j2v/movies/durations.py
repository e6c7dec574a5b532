"""How long a movie lasts and which of its elements play, as far as the document can tell.

Documented: scenes play one after the other; a scene lasts as long as it says, or else as its longest element; an
element lasts as long as it says, or as its file (-1), or as its container (-2); a movie lasts long enough for its
scenes and for the elements of its own. What only a file or a voice decides stays a range, or open.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_provider_j2v.movies.expressions import Uncomputable, compute, text, truthy
from airflow_provider_j2v.movies.placeholders import PLACEHOLDER

#: A scene in which nothing has a length of its own (the service's first tutorial); seconds.
DEFAULT_SECONDS = 5.0
#: Types that last as long as a file, an animation or a page that only the service sees.
UNMEASURED = ("video", "audio", "audiogram", "component", "html")
#: Scenes and elements that repeated scenes come to are counted up to here: more is longer than any plan allows.
MAX_REPEATED = 50_000
#: How fast a voice speaks, characters a second: from the fastest to the slowest we expect. A guess.
SPEECH = (20.0, 10.0)
#: A transition without a ``duration`` (s): the default is not documented, this is the example beside it.
TRANSITION_SECONDS = 1.5

#: Stands for what cannot be computed, because a variable is not given.
UNKNOWN: Final = object()

_NAME = re.compile(r"[A-Za-z0-9_]+")
_NUMERIC = (int, float, str)
#: No number counts for more than this, so that sums stay finite.
_MOST = 1e9


@dataclass(frozen=True, slots=True)
class Unknown:
    """What could not be known: where, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds, from ``low`` to ``high``; there may be any number more when it is ``open``."""

    low: float
    high: float
    open: bool = False


_OPEN = Span(0.0, 0.0, open=True)


@dataclass(slots=True)
class Shown:
    """One appearance of an element.

    :param element: as it is written; ``fill`` with ``scope`` gives its values.
    :param own: its length, open when only its file knows it; None when it lasts as long as its container.
    :param sure: False when it depends on a condition that cannot be computed.
    :param container: the length of its scene, or of the movie.
    """

    path: str
    element: Mapping[str, Any]
    scope: Mapping[str, Any]
    own: Span | None
    start: float = 0.0
    extra: float = 0.0
    sure: bool = True
    container: Span = _OPEN

    def value(self, name: str) -> Any:
        """A property with its placeholders computed; None when it has none, ``UNKNOWN`` when they cannot be."""
        return fill(self.element.get(name), self.scope)

    @property
    def end(self) -> Span | None:
        """When it ends in its container, unless that cuts it; None when the container decides."""
        if self.own is None:
            return None
        around = self.start + self.extra
        return Span(0.0 if self.own.open else self.own.low + around, self.own.high + around, self.own.open)

    @property
    def plays(self) -> Span:
        """Seconds it is there for: from what its container leaves of it to all of it."""
        room = max(0.0, self.container.low - self.start)
        if self.own is None or self.own.open:
            return Span(room, max(room, self.container.high - self.start), self.container.open)
        return Span(min(self.own.low, room), self.own.high + self.extra)


@dataclass(frozen=True, slots=True)
class Length:
    """The movie's length, and what could not be known about it.

    :param shown: the elements that have a length of their own or that an AI model makes; preloaded ones included.
    """

    seconds: Span
    shown: list[Shown]
    unknown: list[Unknown]


def measure(movie: Mapping[str, Any], expected: float | None = None, root: str = "movie") -> Length:
    """How long a movie lasts, and what plays in it for how long.

    :param movie: any JSON object; what has the wrong form is passed over.
    :param expected: seconds that the author says it lasts; counts where the document does not settle the length.
    :param root: what paths begin with.
    """
    walk = _Walk(root)
    seconds = walk.movie(movie, expected)
    return Length(seconds, walk.shown, [*walk.doubts, *(walk.lengths if expected is None else ())])


def may_be_generated(element: Mapping[str, Any]) -> bool:
    """Whether an AI model makes an element, unless its ``src`` turns out to hold something."""
    kind = element.get("type")
    return kind == "voice" or (kind in ("image", "video") and bool(element.get("prompt")))


def variables_of(owner: Mapping[str, Any], outer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The variables in scope inside a movie, scene or element; without those that cannot be computed."""
    own = owner.get("variables")
    if not isinstance(own, Mapping) or not own:
        return outer
    filled = {name: fill(value, outer) for name, value in own.items() if _NAME.fullmatch(name)}
    return {name: value for name, value in {**outer, **filled}.items() if value is not UNKNOWN}


def fill(value: Any, scope: Mapping[str, Any]) -> Any:
    """A text with its placeholders computed, or ``UNKNOWN``; one that is a single placeholder gives the value itself.

    Anything but a text is left as it is.
    """
    if not isinstance(value, str) or "{{" not in value:
        return value
    whole = PLACEHOLDER.fullmatch(value.strip())
    try:
        if whole:
            return compute(whole[1], scope)
        return PLACEHOLDER.sub(lambda match: text(compute(match[1], scope)), value)
    except Uncomputable:
        return UNKNOWN


def number(value: Any, default: float) -> float:
    """A finite number from what a movie may hold: a number, or a text that reads as one."""
    if isinstance(value, bool) or not isinstance(value, _NUMERIC):
        return default
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return default
    return max(-_MOST, min(found, _MOST)) if math.isfinite(found) else default


def speech(words: Any) -> Span:
    """How long a voice speaks, guessed from its text: SSML is not spoken, an East Asian character up to three times."""
    spoken = re.sub(r"<[^<>]*>", "", text(words)).strip()
    weight = len(spoken) + 2 * sum(character >= "\u2e80" for character in spoken)
    return Span(len(spoken) / SPEECH[0], max(1.0, weight / SPEECH[1]))


@dataclass
class _Walk:
    root: str
    shown: list[Shown] = field(default_factory=list)
    doubts: dict[Unknown, None] = field(default_factory=dict)
    #: Doubts that go away when the author says how long the movie is.
    lengths: dict[Unknown, None] = field(default_factory=dict)
    #: Some scene is repeated nobody knows how often.
    endless: bool = False
    #: So many scenes and elements are still looked at anew because a scene is repeated.
    left: int = MAX_REPEATED

    def movie(self, movie: Mapping[str, Any], expected: float | None) -> Span:
        scope = variables_of(movie, {})
        scenes = list(_objects(movie, "scenes", self.root))
        by_id = {scene["id"]: (path, scene) for path, scene in scenes if isinstance(scene.get("id"), str)}
        total: Span | None = None
        before = 0.0
        for path, scene in scenes:
            for inner in self.repetitions(scene, path, scope):
                seconds = self.scene(scene, path, inner, by_id)
                if seconds is not None:
                    overlap = min(_transition(scene, inner), before, seconds.high)
                    total = _follow(total or Span(0.0, 0.0), seconds, overlap)
                    before = seconds.high
        if self.endless:
            total = _follow(total or Span(0.0, 0.0), _OPEN, 0.0)
        own = self.playing(movie, "elements", self.root, scope)
        seconds = self.whole(total, own)
        if expected is not None and (seconds.open or seconds.low < seconds.high):
            seconds = Span(max(expected, seconds.low), max(expected, seconds.low))
        self.place(own, seconds, sure=True)
        self.place(self.playing(movie, "preload", self.root, scope), _OPEN, sure=True)
        return seconds

    def whole(self, scenes: Span | None, own: Sequence[Shown]) -> Span:
        """The movie's length, from that of its scenes and its own elements.

        By the page on timing an element that ends later than the scenes makes the movie longer; the newer pages only
        say that it plays over them, hence a range.
        """
        if scenes is None:
            self.note_open(own, "how long it is cannot be known before the render")
            longest = _longest(own, 0.0)
            if longest.high or longest.open:
                return longest
            self.lengths[Unknown(self.root, "nothing in it has a length of its own")] = None
            return _OPEN
        self.note_open(own, 'it may make the movie longer than its scenes; "duration": -2 ends it with them')
        ends = [end for shown in own if (end := shown.end)]
        latest = max((end.high for end in ends), default=0.0)
        return Span(scenes.low, max(scenes.high, latest), scenes.open or any(end.open for end in ends))

    def scene(
        self, scene: Mapping[str, Any], path: str, scope: Mapping[str, Any], by_id: Mapping[str, Any]
    ) -> Span | None:
        """The length of a scene, or None when its condition drops it."""
        kept = self.kept(scene, path, scope)
        if kept is False:
            return None
        shown = self.playing(scene, "elements", path, scope)
        imported = fill(scene.get("import"), scope)
        if isinstance(imported, str) and imported in by_id and by_id[imported][1] is not scene:
            other, source = by_id[imported]
            shown += self.playing(source, "elements", other, scope)
        seconds = self.scene_seconds(scene, path, scope, shown)
        self.place(shown, seconds, sure=kept is True)
        self.place(self.playing(scene, "preload", path, scope), _OPEN, sure=kept is True)
        return seconds if kept else Span(0.0, seconds.high, seconds.open)

    def scene_seconds(
        self, scene: Mapping[str, Any], path: str, scope: Mapping[str, Any], shown: Sequence[Shown]
    ) -> Span:
        duration = fill(scene.get("duration"), scope)
        if duration is UNKNOWN:
            self.lengths[Unknown(f"{path}.duration", "a variable is not given")] = None
            return _OPEN
        own = number(duration, -1.0)
        if own >= 0:
            return Span(own, own)
        self.note_open(shown, "how long it is cannot be known before the render")
        return _longest(shown, DEFAULT_SECONDS)

    def note_open(self, shown: Iterable[Shown], why: str) -> None:
        """Name the elements that leave the length of their container open."""
        self.lengths.update({Unknown(s.path, why): None for s in shown if s.own is not None and s.own.open})

    def repetitions(self, scene: Mapping[str, Any], path: str, scope: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The variables of each time a scene plays. Only objects repeat it: without any it vanishes (third party)."""
        if not scene.get("iterate"):
            yield variables_of(scene, scope)
            return
        name = fill(scene["iterate"], scope)
        bounds = [fill(scene.get(f"iterate-{which}"), scope) for which in ("from", "to", "step")]
        if not isinstance(name, str) or name not in scope or UNKNOWN in bounds:
            self.doubts[Unknown(f"{path}.iterate", "how often the scene plays: a variable is not given")] = None
            self.endless = True
            return
        items = scope[name] if isinstance(scope[name], list) else []
        start, stop, step = (int(number(b, default)) for b, default in zip(bounds, (0, len(items), 1), strict=True))
        chosen = [item for item in items[max(0, start) : max(0, stop) : max(1, step)] if isinstance(item, Mapping)]
        elements = scene.get("elements")
        self.left -= len(chosen) * (1 + (len(elements) if isinstance(elements, list) else 0))
        if self.left < 0:
            why = "how long the scene plays: it repeats too often to be counted"
            self.doubts[Unknown(f"{path}.iterate", why)] = None
            self.endless = True
            return
        for i, item in enumerate(chosen):
            counters = {"iteration": i, "first_iteration": i == 0, "last_iteration": i == len(chosen) - 1}
            yield variables_of(scene, {**scope, **item, **counters})

    def playing(self, owner: Mapping[str, Any], part: str, path: str, scope: Mapping[str, Any]) -> list[Shown]:
        """The elements of the movie or a scene that play, or may: those on which its length or the bill depends."""
        found = []
        for where, element in _objects(owner, part, path):
            inner = variables_of(element, scope)
            own = _own(element, inner)
            if own is None and not may_be_generated(element):
                continue
            kept = self.kept(element, where, inner)
            if kept is not False:
                start, extra = _around(element, "start", inner), _around(element, "extra-time", inner)
                if own is not None and (start is None or extra is None):
                    own = _OPEN
                found.append(Shown(where, element, inner, own, start or 0.0, extra or 0.0, sure=kept is True))
        return found

    def place(self, shown: Iterable[Shown], container: Span, *, sure: bool) -> None:
        for s in shown:
            s.container = container
            s.sure = s.sure and sure
            self.shown.append(s)

    def kept(self, owner: Mapping[str, Any], path: str, scope: Mapping[str, Any]) -> bool | None:
        """Whether the condition keeps a scene or element; None when that cannot be computed."""
        if "condition" not in owner:
            return True
        value = fill(owner["condition"], scope)
        if value is UNKNOWN:
            why = "whether it is met: a variable is not given; counted as met at the upper end only"
            self.doubts[Unknown(f"{path}.condition", why)] = None
            return None
        return truthy(value)


def _own(element: Mapping[str, Any], scope: Mapping[str, Any]) -> Span | None:
    """The length that an element has of itself; None for what lasts as long as its container."""
    duration = fill(element.get("duration"), scope)
    if duration is UNKNOWN:
        return _OPEN
    seconds = number(duration, -1.0)
    if seconds >= 0:
        return Span(seconds, seconds)
    if seconds == -2:
        return None
    if element.get("type") == "voice":
        words = fill(element.get("text"), scope)
        return _OPEN if words is UNKNOWN else speech(words)
    return _OPEN if element.get("type") in UNMEASURED else None


def _around(element: Mapping[str, Any], name: str, scope: Mapping[str, Any]) -> float | None:
    """Seconds before or after an element; None when they cannot be computed."""
    if name not in element:
        return 0.0
    value = fill(element[name], scope)
    return None if value is UNKNOWN else max(0.0, number(value, 0.0))


def _longest(shown: Sequence[Shown], default: float) -> Span:
    """From the latest end that is sure to the latest there may be; ``default`` when none has to be there."""
    sure = [end for s in shown if s.sure and (end := s.end)]
    doubtful = [end for s in shown if not s.sure and (end := s.end)]
    spans = [*sure, *doubtful] if sure else [Span(default, default), *doubtful]
    low = max(end.low for end in sure) if sure else min(end.low for end in spans)
    high = max(end.high for end in spans)
    is_open = any(end.open for end in spans)
    return Span(low, high if high or is_open else default, is_open)


def _follow(total: Span, seconds: Span, overlap: float) -> Span:
    low = max(0.0, total.low + seconds.low - overlap)
    return Span(low, total.high + seconds.high, total.open or seconds.open)


def _transition(scene: Mapping[str, Any], scope: Mapping[str, Any]) -> float:
    """Seconds by which a scene may overlap the one before. A tutorial says so, and yet adds up whole scenes."""
    transition = scene.get("transition")
    if not isinstance(transition, Mapping):
        return 0.0
    return max(0.0, number(fill(transition.get("duration"), scope), TRANSITION_SECONDS))


def _objects(owner: Mapping[str, Any], part: str, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    listed = owner.get(part)
    if isinstance(listed, list):
        for i, item in enumerate(listed):
            if isinstance(item, Mapping):
                yield f"{path}.{part}[{i}]", item
