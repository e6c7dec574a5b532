"""Where a catalog comes from: live, this process's cache, the previous run's copy, or the package's snapshot."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from airflow_provider_j2v.api.answers import Models
from airflow_provider_j2v.api.calls import Call, get_models
from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.exceptions import ApiError, JSON2VideoError, UnreadableAnswer

log = logging.getLogger(__name__)

#: The service says that its own page caches the file for 15 minutes; seconds.
FRESH_FOR = 900.0

Source = Literal["live", "cache", "previous", "snapshot"]


@dataclass(frozen=True)
class Reading:
    """A catalog and where it comes from. ``fetched_at`` is when the service last confirmed it (epoch seconds)."""

    catalog: Catalog
    fetched_at: float
    source: Source
    stale: bool
    etag: str | None = None

    def to_dict(self, now: float) -> dict[str, Any]:
        """The reading as it travels in XCom; ``from_dict`` reads it back."""
        return {
            **self.catalog.to_dict(),
            "fetched_at": datetime.fromtimestamp(self.fetched_at, UTC).isoformat(timespec="seconds"),
            "source": self.source,
            "stale": self.stale,
            "age": round(max(now - self.fetched_at, 0.0)),
            "etag": self.etag,
        }

    @classmethod
    def from_dict(cls, value: Any) -> Reading | None:
        """A reading of an earlier run, or None when ``value`` is not one."""
        try:
            fetched_at = datetime.fromisoformat(value["fetched_at"]).timestamp()
            return cls(Catalog.parse(value), fetched_at, "previous", stale=True, etag=value.get("etag"))
        except (TypeError, KeyError, ValueError, AttributeError, RecursionError, JSON2VideoError):
            return None


_cache: dict[str, Reading] = {}


def read_catalog(
    send: Callable[[Call[Models]], Models],
    url: str,
    *,
    previous: Reading | None = None,
    clock: Callable[[], float] = time.time,
) -> Reading:
    """The best catalog to be had; never fails.

    A cached one younger than 15 minutes, else the live one (by ETag: unchanged costs no body), else the newest good
    copy marked stale, else the snapshot in the package. A catalog without models never replaces a good one.

    :param send: a client's ``send``.
    :param url: where the catalog is published.
    :param previous: a copy from outside this process, for example of an earlier run.
    """
    now = clock()
    kept = max(filter(None, (_cache.get(url), previous)), key=lambda r: r.fetched_at, default=None)
    if kept and kept is _cache.get(url) and now - kept.fetched_at < FRESH_FOR:
        return replace(kept, source="cache", stale=False)
    try:
        reading = _live(send, url, kept, now)
    except ApiError as e:
        reading = kept or snapshot()
        if kept is not None and kept is _cache.get(url):
            reading = replace(kept, source="cache")
        reading = replace(reading, stale=True)
        log.warning(
            "The AI model catalog cannot be read (%s); using the %s copy of %s.",
            e,
            reading.source,
            datetime.fromtimestamp(reading.fetched_at, UTC).date().isoformat(),
        )
        return reading
    _cache[url] = reading
    return reading


def _live(send: Callable[[Call[Models]], Models], url: str, kept: Reading | None, now: float) -> Reading:
    models = send(get_models(url, kept.etag if kept else None))
    if models.document is not None:
        return Reading(Catalog.parse(models.document), now, "live", stale=False, etag=models.etag)
    if kept is None:
        raise UnreadableAnswer(304, "The catalog is said to be unchanged, but no earlier copy was named")
    return Reading(kept.catalog, now, "live", stale=False, etag=models.etag or kept.etag)


@cache
def snapshot() -> Reading:
    """The catalog that came with the package, as the service published it on the date it carries."""
    document: Mapping[str, Any] = json.loads(files(__package__).joinpath("snapshot.json").read_text("utf-8"))
    taken = datetime.fromisoformat(document["date"]).replace(tzinfo=UTC).timestamp()
    return Reading(Catalog.parse(document), taken, "snapshot", stale=True)
