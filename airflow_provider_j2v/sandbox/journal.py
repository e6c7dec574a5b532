"""What reached the sandbox: counts, bytes, submissions, and what was paid twice. It never holds a key."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT_ENTRIES = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. ``status`` is None when no answer was sent; bytes are those of the bodies."""

    time: float
    call: str
    method: str
    path: str
    status: int | None
    bytes_in: int
    bytes_out: int
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """An accepted ``POST /movies``: a movie that will be paid."""

    project: str
    tag: str | None
    time: float
    account: str


class Journal:
    """Thread-safe; counts since the start or the last :meth:`reset`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self.requests: Counter[str] = Counter()
        self.bytes_in = 0
        self.bytes_out = 0
        self.submissions: list[Submission] = []
        self.paid = 0
        self._entries: deque[Entry] = deque(maxlen=KEPT_ENTRIES)

    def reset(self) -> None:
        with self._lock:
            self._clear()

    def arrived(self, call: str) -> None:
        """Count a request as soon as it is there: its entry comes when its answer has ended."""
        with self._lock:
            self.requests[call] += 1

    def record(self, entry: Entry) -> None:
        with self._lock:
            self.bytes_in += entry.bytes_in
            self.bytes_out += entry.bytes_out
            self._entries.append(entry)

    def submitted(self, submission: Submission) -> None:
        with self._lock:
            self.submissions.append(submission)

    def charged(self, credits: int) -> None:
        with self._lock:
            self.paid += credits

    @property
    def per_tag(self) -> Counter[str]:
        """Accepted submissions per tag (``client-data.airflow.tag``)."""
        with self._lock:
            return Counter(s.tag for s in self.submissions if s.tag is not None)

    @property
    def duplicates(self) -> list[str]:
        """Tags that were accepted more than once: movies paid twice."""
        return [tag for tag, count in self.per_tag.items() if count > 1]

    def last(self, n: int = 20) -> list[Entry]:
        """The newest requests, oldest first."""
        with self._lock:
            return list(self._entries)[-n:] if n > 0 else []

    def as_dict(self) -> dict[str, Any]:
        return {
            "requests": dict(self.requests),
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "submissions": [asdict(s) for s in self.submissions],
            "per_tag": dict(self.per_tag),
            "duplicates": self.duplicates,
            "paid": self.paid,
            "last": [asdict(entry) for entry in self.last(50)],
        }
