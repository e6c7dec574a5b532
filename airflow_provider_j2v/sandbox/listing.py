"""List mode: a window of time, pages of it, and opaque tokens.

Documented: from the first day of the month to the end of today, at most 93 days, 1 to 100 rows a page. The
texts of these refusals are not known.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from airflow_provider_j2v.sandbox.movie import Movie
from airflow_provider_j2v.sandbox.refusals import Refusal
from airflow_provider_j2v.sandbox.variants import Variants

MAX_DAYS = 93
MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Window:
    """What a request asks for. ``after`` is the sequence number of the last row that was already given."""

    start: datetime
    end: datetime
    limit: int
    token: str | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the token that leads on."""

    rows: list[Movie]
    next_token: str | None


def window(query: Mapping[str, str], now: float) -> Window:
    """The window of a query; ``from``/``to`` and ``date_start``/``date_end`` are the same."""
    today = datetime.fromtimestamp(now, UTC)
    start = _moment(query.get("from") or query.get("date_start"), time.min)
    end = _moment(query.get("to") or query.get("date_end"), time.max)
    start = start or datetime.combine(today.date().replace(day=1), time.min, UTC)
    end = end or datetime.combine(today.date(), time.max, UTC)
    if end < start:
        raise Refusal(400, "The start date must be before the end date")
    if end - start > timedelta(days=MAX_DAYS):
        raise Refusal(400, f"Date range cannot exceed {MAX_DAYS} days")
    token = query.get("next_token") or None
    return Window(start, end, _limit(query.get("limit")), token, _after(token))


def page(movies: Sequence[Movie], wanted: Window, variants: Variants, now: float) -> Page:
    """One page of an account's movies, which come in order of creation."""
    first, last = wanted.start.timestamp(), wanted.end.timestamp()
    newest_seen = now - variants.list_lag
    newest = variants.list_order == "newest"
    rows: list[Movie] = []
    for movie in reversed(movies) if newest else movies:
        if movie.created < first if newest else movie.created > last:
            break
        given = wanted.after is not None and (movie.sequence - wanted.after) * (-1 if newest else 1) <= 0
        if not given and first <= movie.created <= min(last, newest_seen) and not movie.fate.hidden:
            rows.append(movie)
        if len(rows) > wanted.limit:
            break
    if len(rows) <= wanted.limit:
        return Page(rows, None)
    rows = rows[: wanted.limit]
    repeated = variants.repeated_token and wanted.token is not None
    return Page(rows, wanted.token if repeated else _token(rows[-1].sequence))


def _limit(text: str | None) -> int:
    if not text:
        return MAX_LIMIT
    if not text.isdecimal() or not 1 <= int(text[:9]) <= MAX_LIMIT:
        raise Refusal(400, f"The limit must be between 1 and {MAX_LIMIT}")
    return int(text)


def _moment(text: str | None, at: time) -> datetime | None:
    """A date, which means its first or last moment, or a date and time; without an offset it is UTC."""
    if not text:
        return None
    try:
        if len(text) == len("2026-01-31"):
            return datetime.combine(date.fromisoformat(text), at, UTC)
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise Refusal(400, "Invalid date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _token(sequence: int) -> str:
    return base64.urlsafe_b64encode(f"after:{sequence}".encode()).decode()


def _after(token: str | None) -> int | None:
    if token is None:
        return None
    try:
        word, _, sequence = base64.urlsafe_b64decode(token).decode().partition(":")
        if word == "after":
            return int(sequence)
    except (binascii.Error, ValueError):
        pass
    raise Refusal(400, "Invalid next_token")
