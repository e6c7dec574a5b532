"""The sandbox's own time: epoch seconds that tests can freeze, speed up and move forward."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Epoch seconds of service time: the source's progress times ``speed``, plus what was advanced."""

    def __init__(self, source: Callable[[], float] = time.time, speed: float = 1.0) -> None:
        if speed < 0:
            raise ValueError("speed must not be negative")
        self._source = source
        self._speed = speed
        self._origin = source()
        self._advanced = 0.0

    def now(self) -> float:
        return self._origin + (self._source() - self._origin) * self._speed + self._advanced

    def advance(self, seconds: float) -> None:
        """Move the service time forward; it never goes back, as list pages rely on the order of creation."""
        if seconds < 0:
            raise ValueError("time only moves forward")
        self._advanced += seconds


def iso(epoch: float) -> str:
    """The service's timestamps: ISO-8601 in UTC with milliseconds and a ``Z``."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
