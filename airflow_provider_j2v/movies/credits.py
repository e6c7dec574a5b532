"""What a movie will cost, in credits, before anything is sent: a range, its parts, and what cannot be known.

Documented: a second of output is a credit; an AI asset on the managed service costs what the catalog says, for a file
or a second; nothing with a connection of one's own; the same asset again is not billed while it is cached. Where the
service's own pages disagree, the two ends of the range are their two answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.exceptions import BudgetExceeded, ConfigurationError
from airflow_provider_j2v.movies.document import undressed
from airflow_provider_j2v.movies.durations import Shown, Span, measure
from airflow_provider_j2v.movies.expressions import UNKNOWN, fill
from airflow_provider_j2v.movies.payers import AIRFLOW, Payer
from airflow_provider_j2v.movies.scopes import Scope, Unknown, generated, inside, number, over

if TYPE_CHECKING:
    from airflow_provider_j2v.movies.movie import Movie

#: Credits a second above Full HD: the price page says 4, the limits page 1.
ABOVE_FULL_HD = 4.0
#: Credits a second of a managed ElevenLabs voice: 60 a minute by an older page; the catalog says 0.
ELEVENLABS = 1.0
#: What makes an element that names no model. For images by a third party's copy of the reference.
DEFAULT_MODELS = {"image": "flux-schnell", "voice": "azure"}
#: The named sizes; none is larger than Full HD.
PRESETS = frozenset(
    ("sd", "hd", "full-hd", "squared", "instagram-feed", "instagram-story", "twitter-landscape", "twitter-portrait")
)
#: So many lines of parts, and of unknowns, does the text of an estimate have.
MAX_LINES = 6


@dataclass(frozen=True, slots=True)
class Part:
    """One position of the bill.

    :param path: what costs it, for example ``movie.scenes[0].elements[1]``; ``movie`` for the render itself.
    :param low: credits at least.
    :param high: credits at most.
    :param note: why it is a range, or free.
    """

    path: str
    what: str
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True)
class Estimate:
    """What a movie will cost.

    :param low: credits at least, if nothing is cached from an earlier render.
    :param high: credits at most, of what is known.
    :param unknown: what could not be known; it is not counted, unless its ``why`` says how.
    :param seconds: the movie's length, from … to; the second is None when it is open.
    """

    low: float
    high: float
    parts: list[Part]
    unknown: list[Unknown]
    seconds: tuple[float, float | None]

    def dearest(self, count: int | None = None) -> list[Part]:
        """The parts that cost something, the most expensive first; ``count`` of them, or all."""
        return sorted((part for part in self.parts if part.high), key=lambda part: -part.high)[:count]

    def to_dict(self) -> dict[str, Any]:
        """The estimate as plain JSON."""
        return {**asdict(self), "seconds": list(self.seconds)}

    def __str__(self) -> str:
        parts = self.dearest()
        lines = [f"{part.path}: {_told(part)}" for part in parts[:MAX_LINES]]
        if more := parts[MAX_LINES:]:
            lines.append(f"{len(more):,} more: {between(*_sums(more))} credits")
        places: dict[str, list[str]] = {}
        for unknown in self.unknown:
            places.setdefault(unknown.why, []).append(unknown.path)
        doubts = [f"not known: {_few(paths)}: {why}" for why, paths in places.items()]
        if len(doubts) > MAX_LINES:
            doubts[MAX_LINES:] = [f"not known: {len(doubts) - MAX_LINES} more"]
        head = f"{between(self.low, self.high)} credits{', and what is not known' if self.unknown else ''}"
        return "\n  ".join([head, *lines, *doubts])


def estimate(
    movie: Mapping[str, Any] | Movie,
    *,
    catalog: Catalog,
    payers: Sequence[Payer] | None = None,
    template: Mapping[str, Any] | None = None,
    expected_duration: float | str | None = None,
) -> Estimate:
    """What a movie will cost, as far as its document and the catalog tell.

    :param movie: the document, or a ``Movie``; any JSON object gives an estimate.
    :param payers: who pays for its AI elements, as ``connections.resolve`` found; without it, its elements tell.
    :param template: the movie of the saved template it names, if that was read.
    :param expected_duration: seconds the author expects (a number, also as text); counts where the document does not
        settle the length.
    :raises ConfigurationError: ``expected_duration`` is not a number above 0.
    """
    expected = stated(expected_duration, "expected_duration", "seconds")
    if expected == 0:
        raise ConfigurationError("expected_duration must be above 0 seconds. Nothing was sent.")
    bill = _Bill(catalog, _agreed(payers or ()))
    request: Mapping[str, Any] = undressed(movie)
    document, root = request, "movie"
    if request.get("template"):
        document, root = over(template or {}, request), "template"
    length = measure(document, expected, root)
    if request.get("template") and template is None:
        bill.doubt("movie.template", "the saved template was not read: its length, size and AI elements")
    else:
        bill.unknown.update(dict.fromkeys(length.unknown))
    bill.render(document, length.seconds)
    for shown in length.shown:
        bill.asset(shown)
    parts = [line.part(path) for path, line in bill.lines.items()]
    seconds = length.seconds
    return Estimate(*_sums(parts), parts, list(bill.unknown), (seconds.low, None if seconds.open else seconds.high))


def check_budget(
    estimates: Estimate | Iterable[Estimate], *, max_credits: float | str | None = None, remaining: float | None = None
) -> None:
    """Refuse what could cost more than is allowed, or than is left. The upper end counts, unknown parts do not.

    :param estimates: of one movie, or of all the movies of a batch.
    :param max_credits: what they may cost together (a number, also as text); None allows anything.
    :param remaining: credits left on the account; None when they are not known, or not to be checked.
    :raises BudgetExceeded: they would cost more; names the sum, the limit and the largest parts.
    :raises ConfigurationError: ``max_credits`` is not a number of 0 or more.
    """
    allowed = stated(max_credits, "max_credits", "credits")
    found = [estimates] if isinstance(estimates, Estimate) else list(estimates)
    low, high = _sums(found)
    over = []
    if allowed is not None and high > allowed:
        over.append(f"max_credits allows {amount(allowed)}")
    if remaining is not None and high > remaining:
        over.append(f"the account has {amount(remaining)} left")
    if not over or not found:
        return
    dearest = max(found, key=lambda e: e.high)
    if isinstance(estimates, Estimate):
        who = "The movie"
        most = "; ".join(f"{part.path}: {_told(part)}" for part in dearest.dearest(3))
    else:
        who = f"The batch of {len(found):,} movies"
        most = f"movie {found.index(dearest) + 1:,} with {between(dearest.low, dearest.high)} credits"
    unknown = [unknown.path for e in found for unknown in e.unknown]
    also = f" Not known: {_few(unknown)}." if unknown else ""
    raise BudgetExceeded(
        f"{who} would cost {between(low, high)} credits, and {' and '.join(over)}. Most of it: {most}.{also} "
        "Nothing was sent."
    )


def between(low: float, high: float) -> str:
    """A range in words: ``90 to 110``, or ``90``."""
    return amount(low) if low == high else f"{amount(low)} to {amount(high)}"


def amount(number: float) -> str:
    """A number as people read it, with two decimals at most."""
    return f"{number:,.2f}".rstrip("0").rstrip(".")


@dataclass(slots=True)
class _Line:
    """All appearances of one element on the bill."""

    what: str
    note: str
    low: float = 0.0
    high: float = 0.0
    times: int = 0
    #: From … to, where seconds are billed.
    seconds: tuple[float, float] | None = None

    def part(self, path: str) -> Part:
        what = self.what
        if self.seconds:
            what = f"{between(*self.seconds)} s of {what}"
        elif self.times > 1:
            what = f"{self.times:,} × {what}"
        return Part(path, what, self.low, self.high, self.note)


@dataclass(frozen=True, slots=True)
class _Price:
    """What a model costs on the managed service, or why that is not known.

    :param what: the asset, for example ``image by flux-pro``.
    :param low: credits for a file, or for a second.
    :param high: the same by another page of the service.
    :param by_file: the catalog does not say whether ``by_second`` is right, or one price for the file.
    """

    what: str
    model: str = ""
    low: float = 0.0
    high: float = 0.0
    by_second: bool = False
    by_file: bool = False
    note: str = ""
    unknown: str = ""


@dataclass
class _Bill:
    catalog: Catalog
    connections: Mapping[str, str | None]
    unknown: dict[Unknown, None] = field(default_factory=dict)
    lines: dict[str, _Line] = field(default_factory=dict)
    prices: dict[tuple[str, str], _Price] = field(default_factory=dict)
    #: Assets that are billed already: the same one again comes from the cache.
    made: set[str] = field(default_factory=set)

    def doubt(self, path: str, why: str) -> None:
        self.unknown[Unknown(path, why)] = None

    def add(self, path: str, what: str, note: str, low: float, high: float, seconds: Span | None = None) -> None:
        line = self.lines.setdefault(path, _Line(what, note))
        line.low += low
        line.high += high
        line.times += 1
        if seconds:
            before = line.seconds or (0.0, 0.0)
            line.seconds = before[0] + seconds.low, before[1] + seconds.high

    def render(self, movie: Mapping[str, Any], seconds: Span) -> None:
        """The seconds of output."""
        low, high = _billed(seconds)
        large, notes = _above_full_hd(movie), []
        if large is None:
            self.doubt("movie.resolution", "whether the picture is larger than Full HD; counted as not larger")
        if large:
            high *= ABOVE_FULL_HD
            notes.append(f"above Full HD: 1 a second by the limits page, {ABOVE_FULL_HD:g} by the price page")
        if seconds.open:
            notes.append("what is known of its length")
        self.add("movie", "video", "; ".join(notes), low, high, seconds)

    def asset(self, shown: Shown) -> None:
        """What an AI model makes for one appearance of an element."""
        made = generated(shown.element, shown.scope)
        if made is False:
            return
        kind = shown.value("type")
        if kind is UNKNOWN:
            self.doubt(shown.path, "what it is, and whether an AI model makes it: a variable is not given")
            return
        price = self.price(kind, shown.value("model") or DEFAULT_MODELS.get(kind))
        connection = self.connections[shown.path] if shown.path in self.connections else shown.value("connection")
        doubtful = connection is UNKNOWN or (isinstance(connection, str) and connection.startswith(AIRFLOW))
        if connection and not doubtful:
            self.add(shown.path, price.what, "paid at the provider, by connection", 0.0, 0.0)
            return
        if price.unknown:
            self.doubt(shown.path, price.unknown)
            if not price.high:
                return
        low, high, seconds, note = self.charge(price, kind, shown)
        if not shown.sure or made is None:
            low, note = 0.0, f"only if it {'has no src' if shown.sure else 'plays'}, which is not known"
        elif doubtful:
            low, note = 0.0, "only if its connection stands for the managed service"
        elif high and self.cached(price.model, kind, shown):
            low, note = 0.0, "the same as another one, which is billed once while it is cached"
        self.add(shown.path, price.what, note, low, high, seconds)

    def charge(self, price: _Price, kind: str, shown: Shown) -> tuple[float, float, Span | None, str]:
        """Credits from … to, the seconds that are billed, and a note."""
        if not price.by_second:
            return price.low, price.high, None, price.note
        plays, own, notes = shown.plays, shown.own, [price.note]
        if plays.open:
            self.doubt(shown.path, f"how long the {kind} is, at {between(price.low, price.high)} credits a second")
        if own is None or own.open:
            notes.append("taken to be as long as it plays")
        elif own.low < own.high:
            notes.append("its length is guessed from its text")
        low, high = _billed(plays)
        if price.by_file:
            low, high = min(low, 1.0), max(high, 1.0)
        return low * price.low, high * price.high, plays, "; ".join(filter(None, notes))

    def price(self, kind: str, name: Any) -> _Price:
        """The price of what a model makes; looked up once for each model."""
        if not isinstance(name, str):
            why = "its price: it names no model" if name is None else "its price: which model makes it"
            return _Price(f"{kind} by a model", unknown=why)
        if (kind, name) not in self.prices:
            self.prices[kind, name] = self.listed(f"{kind} by {escape(name, 60)}", name)
        return self.prices[kind, name]

    def listed(self, what: str, name: str) -> _Price:
        """The price in the catalog."""
        model = self.catalog.resolve(name)
        if model is None:
            near = escape(", ".join(self.catalog.near(name)))
            why = f"the catalog has no model {escape(name, 60)}{f' (near: {near})' if near else ''}"
            return _Price(what, unknown=f"its price: {why}")
        credits, unit = model.credits, model.unit
        if credits is None or (model.doubt and unit is not None):
            return _Price(what, unknown=f"its price: the catalog {model.doubt}")
        if model.doubt:
            why = f"its price: the catalog {model.doubt}; counted for a file or for each second, whichever is more"
            return _Price(what, model.name, credits, credits, by_second=True, by_file=True, unknown=why)
        if "elevenlabs" in model.providers and unit != "file" and credits < ELEVENLABS:
            note = f"{amount(credits)} a second by the catalog, {ELEVENLABS * 60:g} a minute by an older page"
            return _Price(what, model.name, credits, ELEVENLABS, by_second=True, note=note)
        note = "" if credits else "free by the catalog"
        return _Price(what, model.name, credits, credits, by_second=unit == "second" and credits > 0, note=note)

    def cached(self, model: str, kind: str, shown: Shown) -> bool:
        """Whether the same asset is on the bill already, and this element takes it from the cache."""
        asked = ("text", "voice") if kind == "voice" else ("prompt", "aspect-ratio")
        identity = repr((model, kind, *(shown.value(name) for name in (*asked, "model-settings"))))
        known = identity in self.made
        self.made.add(identity)
        return known and shown.value("cache") is not False


def _agreed(payers: Iterable[Payer]) -> dict[str, str | None]:
    """The connection of each element that has the same one each time it plays."""
    found: dict[str, set[str | None]] = {}
    for payer in payers:
        found.setdefault(payer.path, set()).add(payer.connection)
    return {path: connection for path, (connection, *others) in found.items() if not others}


def _above_full_hd(movie: Mapping[str, Any]) -> bool | None:
    """Whether the picture does not fit into 1920 x 1080, lying or upright; None when that cannot be known."""
    scope = inside(movie, Scope())
    resolution, width, height = (fill(movie.get(name), scope) for name in ("resolution", "width", "height"))
    if isinstance(resolution, str) and resolution in PRESETS:
        return False
    if resolution not in (None, "custom") or UNKNOWN in (width, height):
        return None
    sides = number(width, 640.0), number(height, 360.0)
    return max(sides) > 1920 or min(sides) > 1080


def _billed(seconds: Span) -> tuple[float, float]:
    """Whole seconds from … to: how the service rounds fractions is not documented."""
    return float(math.floor(round(seconds.low, 6))), float(math.ceil(round(seconds.high, 6)))


def _sums(parts: Iterable[Part | Estimate]) -> tuple[float, float]:
    ends = [(part.low, part.high) for part in parts]
    return math.fsum(low for low, _ in ends), math.fsum(high for _, high in ends)


def _told(part: Part) -> str:
    return f"{part.what}, {between(part.low, part.high)} credits{f' ({part.note})' if part.note else ''}"


def _few(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3:,} more" if len(paths) > 3 else "")


def stated(value: Any, name: str, unit: str) -> float | None:
    """A number that the task states; as text where Airflow rendered it.

    :raises ConfigurationError: it is no number of 0 or more.
    """
    if value is None:
        return None
    found = number(value, math.nan)
    if not found >= 0:
        raise ConfigurationError(f"{name} must be a number of {unit}, not {value!r:.80}. Nothing was sent.")
    return found
