"""Where a catalog comes from: live, this process's cache, the previous run's copy, or the package's snapshot."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from airflow_provider_j2v.api.answers import Models
from airflow_provider_j2v.api.calls import Call, get_models
from airflow_provider_j2v.catalog.changes import has_shrunk
from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.exceptions import ApiError, JSON2VideoError, UnreadableAnswer

log = logging.getLogger(__name__)

#: The service says that its own page caches the file for 15 minutes; seconds.
FRESH_FOR = 900.0
#: How long a read of the file may take; a client breaks a whole answer off after four times as long. Seconds.
READ_TIMEOUT = 5.0
#: How long a process does not ask again after a failure; seconds.
ASK_AGAIN = 60.0
#: How long a file has to stay that has lost most of its models before it is believed; seconds.
DOUBT_FOR = 12 * 3600.0

#: So many models without a price are named in the log.
SHOWN = 5

Source = Literal["live", "cache", "previous", "snapshot"]


@dataclass(frozen=True)
class Reading:
    """A catalog and where it comes from.

    :param fetched_at: when the service last confirmed it (epoch seconds).
    :param etag: of the file it was read from.
    :param doubted_since: when the service first gave a file instead of it that has lost most of its models (epoch
        seconds), or None.
    """

    catalog: Catalog
    fetched_at: float
    source: Source
    stale: bool
    etag: str | None = None
    doubted_since: float | None = None

    def to_dict(self, now: float) -> dict[str, Any]:
        """The reading as it travels in XCom; ``from_dict`` reads it back."""
        return {
            **self.catalog.to_dict(),
            "fetched_at": _iso(self.fetched_at),
            "source": self.source,
            "stale": self.stale,
            "age": round(max(now - self.fetched_at, 0.0)),
            "etag": self.etag,
            "doubted_since": None if self.doubted_since is None else _iso(self.doubted_since),
        }

    @classmethod
    def from_dict(cls, value: Any) -> Reading | None:
        """A reading that travelled through XCom, or None when ``value`` is not one."""
        try:
            doubted = value.get("doubted_since")
            return cls(
                Catalog.parse({"models": value["models"], "aliases": value.get("aliases")}),
                _epoch(value["fetched_at"]),
                value["source"] if value.get("source") in get_args(Source) else "previous",
                stale=value.get("stale") is not False,
                etag=_etag(value.get("etag")),
                doubted_since=_epoch(doubted) if doubted else None,
            )
        except (TypeError, KeyError, ValueError, AttributeError, OverflowError, OSError, JSON2VideoError):
            return None


_cache: dict[str, tuple[Reading, float]] = {}
"""By address: what was read, and until when (epoch seconds) nobody is asked again."""


def read_catalog(
    send: Callable[[Call[Models]], Models],
    url: str,
    *,
    previous: Reading | None = None,
    clock: Callable[[], float] = time.time,
) -> Reading:
    """The best catalog to be had; never fails.

    A cached one younger than 15 minutes, else the live one (by ETag: unchanged costs no body), else the newest good
    copy marked stale, else the snapshot in the package. A file without models never replaces a good copy. One in
    which fewer than half of the copy's models are left replaces it when it is still there 12 hours later.

    :param send: a client's ``send``.
    :param url: where the catalog is published.
    :param previous: a copy from outside this process, for example of an earlier run.
    """
    now = clock()
    cached, until = _cache.get(url, (None, 0.0))
    if cached and now < until and (previous is None or previous.fetched_at <= cached.fetched_at):
        return replace(cached, source=_remembered(cached))
    kept = max(filter(None, (cached, previous)), key=lambda r: r.fetched_at, default=None)
    try:
        reading, until = _live(send, url, kept, now), now + FRESH_FOR
    except ApiError as e:
        reading, until = _stand_in(cached, previous), now + ASK_AGAIN
        log.warning(
            "The AI model catalog cannot be read (%s); using the %s copy of %s.",
            e,
            reading.source,
            _iso(reading.fetched_at),
        )
    else:
        if kept and _is_doubtful(reading, kept, now):
            reading = _doubted(reading, kept, "previous" if kept is previous else _remembered(kept), now)
    _cache[url] = reading, until
    return reading


def _live(send: Callable[[Call[Models]], Models], url: str, kept: Reading | None, now: float) -> Reading:
    models = send(get_models(url, kept.etag if kept else None))
    if models.document is None:
        if kept is None:
            raise UnreadableAnswer(304, "The catalog is said to be unchanged, but no earlier copy was named")
        return Reading(kept.catalog, now, "live", stale=False, etag=_etag(models.etag) or kept.etag)
    catalog = Catalog.parse(models.document)
    if catalog.skipped:
        log.warning(
            "%d rows of the AI model catalog could not be read and are left out; %d models could.",
            catalog.skipped,
            len(catalog.models),
        )
    if doubts := [model.doubt for model in catalog.models.values() if model.doubt]:
        more = f"; and so for {len(doubts) - SHOWN} more" if doubts[SHOWN:] else ""
        log.warning("Estimates leave AI models out whose catalog %s%s.", "; ".join(doubts[:SHOWN]), more)
    return Reading(catalog, now, "live", stale=False, etag=_etag(models.etag))


def _stand_in(cached: Reading | None, previous: Reading | None) -> Reading:
    """The newest copy that the service once gave, else the snapshot of this version of the package."""
    copies = [copy for copy in (cached, previous) if copy and copy.source != "snapshot"]
    best = max(copies, key=lambda r: r.fetched_at, default=snapshot())
    return replace(best, source="previous" if best is previous else _remembered(best), stale=True)


def _remembered(reading: Reading) -> Source:
    return "cache" if reading.source == "live" else reading.source


def _is_doubtful(reading: Reading, kept: Reading, now: float) -> bool:
    """Only against what the service itself once gave, and not for ever: models may really be withdrawn."""
    if kept.source == "snapshot" or not has_shrunk(kept.catalog, reading.catalog):
        return False
    return kept.doubted_since is None or now - kept.doubted_since < DOUBT_FOR


def _doubted(reading: Reading, kept: Reading, source: Source, now: float) -> Reading:
    since = kept.doubted_since or now
    log.warning(
        "The AI model catalog has %d models where %d were known, too few to believe at once: using the %s copy of %s. "
        "If it stays so, it is believed from %s on.",
        len(reading.catalog.models),
        len(kept.catalog.models),
        source,
        _iso(kept.fetched_at),
        _iso(since + DOUBT_FOR),
    )
    return replace(kept, source=source, stale=True, doubted_since=since)


@cache
def snapshot() -> Reading:
    """The catalog that came with the package, as the service published it on the date it carries."""
    document: Mapping[str, Any] = json.loads(files(__package__).joinpath("snapshot.json").read_text("utf-8"))
    return Reading(Catalog.parse(document), _epoch(document["date"]), "snapshot", stale=True)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _epoch(iso: str) -> float:
    when = datetime.fromisoformat(iso)
    if not 1970 <= when.year < 2200:
        raise ValueError(f"{iso} is not a time of our days")
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _etag(value: Any) -> str | None:
    """An ETag that can be sent back in a header."""
    return value if isinstance(value, str) and re.fullmatch(r"[\x21-\x7e]{1,200}", value) else None
