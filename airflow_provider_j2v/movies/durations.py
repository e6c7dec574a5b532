"""How long a movie lasts and which of its elements play, as far as the document can tell.

Documented: scenes play one after the other; a scene lasts as long as it says, or else as its longest element; an
element lasts as long as it says, or as its file (-1), or as its container (-2); a movie lasts long enough for its
scenes and for the elements of its own. What only a file or a voice decides stays a range, or open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_j2v.movies.expressions import UNKNOWN, fill, text
from airflow_provider_j2v.movies.scopes import MOST, Scope, Stage, Turn, Unknown, generated, inside, number

#: A scene in which nothing has a length of its own (the service's first tutorial); seconds.
DEFAULT_SECONDS = 5.0
#: Types that last as long as a file, an animation or a page that only the service sees.
UNMEASURED = ("video", "audio", "audiogram", "component", "html")
#: How fast a voice speaks, characters a second: from the fastest to the slowest we expect. A guess.
SPEECH = (20.0, 10.0)
#: A transition without a ``duration`` (s): the default is not documented, this is the example beside it.
TRANSITION_SECONDS = 1.5

_BREAK = re.compile(r"<(?:break|mstts:silence)\b[^<>]*>", re.IGNORECASE)
_PAUSE = re.compile(r"""(?:time|value)\s*=\s*["']?\s*(\d{1,9}(?:\.\d{1,9})?)\s*(ms|s)\b""", re.IGNORECASE)
#: The longest break without a time of its own (SSML's "x-strong" as Azure reads it); seconds.
_BREAK_SECONDS = 1.25
#: What makes a voice faster or slower, as Azure reads it: up to thrice as fast, down to half as fast.
_RATE = re.compile(r"<prosody\b[^<>]*\brate\b", re.IGNORECASE)
_FASTEST, _SLOWEST = 3, 2
_RECORDING = re.compile(r"<audio\b", re.IGNORECASE)


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
    :param vague: how long it is, or from when on, depends on what cannot be computed.
    :param container: the length of its scene, or of the movie.
    """

    path: str
    element: Mapping[str, Any]
    scope: Scope
    own: Span | None
    start: float = 0.0
    extra: float = 0.0
    sure: bool = True
    vague: bool = False
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
        if self.vague:
            return Span(0.0, self.container.high, self.container.open)
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
    walk = _Walk(Stage(movie, root), expected)
    seconds = walk.movie()
    return Length(seconds, walk.shown, [*walk.stage.doubts, *(walk.lengths if expected is None else ())])


def speech(words: Any) -> Span:
    """How long a voice speaks, guessed from its text; an East Asian character or a digit takes up to thrice as long.

    SSML is not spoken; its pauses count at the upper end only and its rate at both, since not every model reads it.
    """
    written = text(words)
    spoken = re.sub(r"<[^<>]*>", "", written).strip()
    weight = len(spoken) + 2 * sum(map(str.isdigit, spoken))
    if not spoken.isascii():
        weight += 2 * sum(character >= "\u2e80" for character in spoken)
    shortest, longest = len(spoken) / SPEECH[0], max(1.0, weight / SPEECH[1])
    if _RATE.search(written):
        shortest, longest = shortest / _FASTEST, longest * _SLOWEST
    longest += sum(map(_pause, _BREAK.findall(written)))
    return Span(shortest, min(longest, MOST), open=bool(_RECORDING.search(written)))


@dataclass
class _Walk:
    stage: Stage
    expected: float | None
    shown: list[Shown] = field(default_factory=list)
    #: Doubts that go away when the author says how long the movie is.
    lengths: dict[Unknown, None] = field(default_factory=dict)

    def movie(self) -> Span:
        total: Span | None = None
        before = 0.0
        for turn in self.stage.scenes():
            if not turn.counted:
                total = _follow(total or Span(0.0, 0.0), _OPEN, 0.0)
                continue
            seconds = self.scene(turn)
            overlap = min(_transition(turn), before, seconds.high)
            total = _follow(total or Span(0.0, 0.0), seconds, overlap)
            before = max(seconds.high, 0.0 if turn.kept else before)
        whole, expected = self.stage.whole, self.expected
        own = self.playing(whole, "elements")
        seconds = self.whole(total, own)
        if expected is not None and (seconds.open or seconds.low < seconds.high):
            seconds = Span(max(expected, seconds.low), max(expected, seconds.low))
        self.place(own, whole, seconds)
        self.place(self.playing(whole, "preload"), whole, _OPEN)
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
            self.lengths[Unknown(self.stage.root, "nothing in it has a length of its own")] = None
            return _OPEN
        self.note_open(own, 'it may make the movie longer than its scenes; "duration": -2 ends it with them')
        ends = [end for shown in own if (end := shown.end)]
        latest = max((end.high for end in ends), default=0.0)
        return Span(scenes.low, max(scenes.high, latest), scenes.open or any(end.open for end in ends))

    def scene(self, turn: Turn) -> Span:
        """The length of a scene that plays, or may."""
        shown = self.playing(turn, "elements")
        seconds = self.scene_seconds(turn, shown)
        within = seconds
        if seconds.open and self.expected is not None:  # no scene is longer than the movie
            within = Span(seconds.low, max(seconds.high, self.expected))
        self.place(shown, turn, within)
        self.place(self.playing(turn, "preload"), turn, _OPEN)
        return seconds if turn.kept else Span(0.0, seconds.high, seconds.open)

    def scene_seconds(self, turn: Turn, shown: Sequence[Shown]) -> Span:
        duration = fill(turn.data.get("duration"), turn.scope)
        if duration is UNKNOWN:
            self.lengths[Unknown(f"{turn.path}.duration", "a variable is not given")] = None
            return _OPEN
        own = number(duration, -1.0)
        if own >= 0:
            return Span(own, own)
        self.note_open(shown, "how long it is cannot be known before the render")
        return _longest(shown, DEFAULT_SECONDS)

    def note_open(self, shown: Iterable[Shown], why: str) -> None:
        """Name the elements that leave the length of their container open."""
        self.lengths.update({Unknown(s.path, why): None for s in shown if s.own is not None and s.own.open})

    def playing(self, turn: Turn, part: str) -> list[Shown]:
        """The elements of the movie or a scene that play, or may: those on which its length or the bill depends."""
        found = []
        for path, element in turn.elements(part):
            scope = inside(element, turn.scope)
            own, vague = _own(element, scope)
            if own is None and generated(element, scope) is False:
                continue
            kept = self.stage.keeps(element, path, scope)
            if kept is not False:
                start, extra = _around(element, "start", scope), _around(element, "extra-time", scope)
                if start is None or extra is None:
                    own, vague = own and _OPEN, True
                found.append(Shown(path, element, scope, own, start or 0.0, extra or 0.0, kept is True, vague))
        return found

    def place(self, shown: Iterable[Shown], turn: Turn, container: Span) -> None:
        for s in shown:
            s.container = container
            s.sure = s.sure and turn.kept is True
            self.shown.append(s)


def _own(element: Mapping[str, Any], scope: Scope) -> tuple[Span | None, bool]:
    """The length that an element has of itself, None for that of its container; and whether it is vague."""
    duration = fill(element.get("duration"), scope)
    if duration is UNKNOWN:
        return _OPEN, True
    seconds = number(duration, -1.0)
    if seconds >= 0:
        return Span(seconds, seconds), False
    if seconds == -2:
        return None, False
    kind = fill(element.get("type"), scope)
    if kind == "voice":
        words = fill(element.get("text"), scope)
        spoken = _OPEN if words is UNKNOWN else speech(words)
        return spoken, spoken.open
    return (_OPEN, kind is UNKNOWN) if kind is UNKNOWN or kind in UNMEASURED else (None, False)


def _pause(tag: str) -> float:
    """The seconds of a pause in SSML."""
    found = _PAUSE.search(tag)
    return float(found[1]) / (1000 if found[2].lower() == "ms" else 1) if found else _BREAK_SECONDS


def _around(element: Mapping[str, Any], name: str, scope: Scope) -> float | None:
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


def _transition(turn: Turn) -> float:
    """Seconds by which a scene may overlap the one before. A tutorial says so, and yet adds up whole scenes."""
    transition = turn.data.get("transition")
    if not isinstance(transition, dict):
        return 0.0
    seconds = fill(transition.get("duration"), turn.scope)
    return MOST if seconds is UNKNOWN else max(0.0, number(seconds, TRANSITION_SECONDS))
