"""The rows of a batch, and the record of what was intended, submitted and finished for each of them."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from airflow_provider_j2v.renders.ledger import LedgerError

#: Rows in one document. A write costs 5-30 ms whatever its size, and Airflow warns above 64 KiB.
WAVE = 200
#: Characters in one document of the snapshot.
PIECE = 48_000
#: Of the reason for a failure so many characters are kept.
MAX_REASON = 200

HEAD = "json2video.head"


@dataclass(frozen=True)
class Row:
    """One row of the items.

    :param index: its place among them, from 0.
    :param key: what names it, as its author wrote it (text or number); unique as text.
    :param fields: the whole row.
    """

    index: int
    key: Any
    fields: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """The key as text: its identity."""
        return str(self.key)


class RowEntry(BaseModel):
    """What is known of one row's render.

    :param state: ``waiting`` (nothing was sent, or all that was is known not to be taken), ``intent`` (a POST may be
        under way, or went unanswered), ``submitted`` (accepted and paid) or ``finished``.
    :param tag: what the movie carries at the service, from ``intent`` on.
    :param fingerprint: the shortened digest of the author's input.
    :param first_at: when the first intent under this tag was written (aware).
    :param at: when the last one was: the start of the lease.
    :param unanswered: POSTs under this tag in this try of which nobody knows whether they were taken.
    :param outcome: how a finished one ended; ``refused`` means nothing was taken.
    :param estimated: what it was to cost, credits from … to; None when that was not asked.
    :param charged: credits, where the service says so.
    :param file: where its file was brought.
    :param missed: the try in which it could not be brought there.
    :param error: why there is no movie, or no file.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: Literal["waiting", "intent", "submitted", "finished"] = "waiting"
    fingerprint: str = ""
    tag: str | None = None
    first_at: datetime | None = None
    at: datetime | None = None
    unanswered: int = 0
    project: str | None = None
    submitted_at: datetime | None = None
    outcome: Literal["done", "error", "refused"] | None = None
    estimated: tuple[float, float] | None = None
    url: str | None = None
    file: str | None = None
    missed: int | None = None
    duration: float | None = None
    size: int | None = None
    charged: float | None = None
    error: str | None = None

    def changed(self, **changes: Any) -> RowEntry:
        """The entry with other values."""
        return self.model_copy(update=changes)


class Head(BaseModel):
    """What is known of a batch as a whole.

    :param generation: counts from 1, and up with each clear by a person; 0 before anything could be sent.
    :param rows: how many.
    :param pieces: documents of the snapshot.
    :param max_tries: Airflow's ``max_tries`` then; a person's clear raises it, a retry does not.
    :param retries: the task's ``retries`` then.
    :param ended: every row had its end.
    :param common: the digest of what is the same for all rows.
    :param began_at: when this generation began (aware).
    :param had: rows that were finished then.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    generation: int
    max_tries: int
    retries: int
    began_at: datetime
    rows: int = 0
    pieces: int = 0
    ended: bool = False
    common: str = ""
    had: int = 0


class Documents(Protocol):
    """Where a batch keeps its record: JSON values by name, one set for each task instance, surviving its tries.

    ``fences`` is True when a try that Airflow has replaced can no longer write. Used by one thread only.
    """

    fences: bool

    def get(self, name: str) -> Any:
        """The value, or None when there is none.

        :raises LedgerError: it could not be read.
        """

    def set(self, name: str, value: Any) -> None:
        """Write or replace a value.

        :raises Superseded: a newer try owns the task instance.
        :raises LedgerError: it could not be written.
        """


@dataclass
class Book:
    """The record of one generation: the rows as its first try found them, and an entry for each, in their order.

    Two generations never share a document, and the head is written last: a death in between changes nothing.
    """

    documents: Documents
    head: Head
    rows: Sequence[Row]
    entries: list[RowEntry]
    _touched: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, documents: Documents, head: Head) -> Book:
        """The record that a head names.

        :raises LedgerError: a part of it is missing or cannot be read.
        """
        texts = [documents.get(_items(head.generation, n)) for n in range(head.pieces)]
        waves = [documents.get(_wave(head.generation, n)) for n in range(_waves(head.rows))]
        try:
            rows = [Row(i, key, fields) for i, (key, fields) in enumerate(_unpacked("".join(texts)))]
            parts = [_unpacked(wave) for wave in waves]
            entries = [RowEntry.model_validate(entry) for part in parts for entry in part["entries"]]
            is_one = all(part["of"] == head.generation for part in parts)
        except (TypeError, ValueError, KeyError, zlib.error, ValidationError) as e:
            raise LedgerError(f"The record of this batch cannot be read ({type(e).__name__}); {_ELSEWHERE}") from e
        if len(rows) != head.rows or len(entries) != head.rows or not is_one:
            raise LedgerError(f"The record of this batch is not whole; {_ELSEWHERE}")
        return cls(documents, head, rows, entries)

    def begin(self) -> None:
        """Write everything, the head last."""
        text = _packed([(row.key, row.fields) for row in self.rows])
        texts = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
        self.head = self.head.model_copy(update={"rows": len(self.rows), "pieces": len(texts)})
        for n, piece in enumerate(texts):
            self.documents.set(_items(self.head.generation, n), piece)
        self._touched = set(range(_waves(len(self.rows))))
        self.write()
        write_head(self.documents, self.head)

    def put(self, index: int, entry: RowEntry) -> None:
        """Change an entry; ``write`` makes it last."""
        self.entries[index] = entry
        self._touched.add(index // WAVE)

    def write(self) -> None:
        """Write the waves that have changed."""
        for n in sorted(self._touched):
            part = self.entries[n * WAVE : (n + 1) * WAVE]
            entries = [entry.model_dump(mode="json", exclude_defaults=True) for entry in part]
            self.documents.set(
                _wave(self.head.generation, n), _packed({"of": self.head.generation, "entries": entries})
            )
            self._touched.discard(n)

    def end(self) -> None:
        """Note that every row had its end."""
        if not self.head.ended:
            self.head = self.head.model_copy(update={"ended": True})
            write_head(self.documents, self.head)

    def which(self, *states: str) -> list[int]:
        """The places of the rows in one of these states."""
        return [i for i, entry in enumerate(self.entries) if entry.state in states]

    def pairs(self) -> Iterator[tuple[Row, RowEntry]]:
        """Each row and its entry."""
        return zip(self.rows, self.entries, strict=True)


_ELSEWHERE = "nothing is submitted without it. Its renders are at the service; render the batch in a new DAG run"


def read_head(documents: Documents) -> Head | None:
    """The head, or None when there is none.

    :raises LedgerError: it could not be read.
    """
    value = documents.get(HEAD)
    try:
        return None if value is None else Head.model_validate(value)
    except ValidationError as e:
        raise LedgerError(f"The record of this batch cannot be read; {_ELSEWHERE}") from e


def write_head(documents: Documents, head: Head) -> None:
    """Write the head."""
    documents.set(HEAD, head.model_dump(mode="json"))


def portions(indices: Iterable[int], most: int) -> Iterator[list[int]]:
    """Places in their order, at most so many at once, and none of two waves together."""
    portion: list[int] = []
    for i in indices:
        if portion and (len(portion) == most or portion[0] // WAVE != i // WAVE):
            yield portion
            portion = []
        portion.append(i)
    if portion:
        yield portion


def _waves(rows: int) -> int:
    return -(-rows // WAVE)


# Two slots are enough: who writes a generation never reads the one before the last.


def _items(generation: int, piece: int) -> str:
    return f"json2video.items-{generation % 2}-{piece}"


def _wave(generation: int, wave: int) -> str:
    return f"json2video.rows-{generation % 2}-{wave}"


def _packed(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(zlib.compress(text.encode("utf-8", "surrogatepass"))).decode()


def _unpacked(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(text)).decode("utf-8", "surrogatepass"))
