"""What the processes of a measurement tell each other, as lines of JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Seconds between two polls, of every contestant.
INTERVAL = 5.0
#: Seconds that the service takes longer for each request than it needs.
LATENCY = 0.05
#: Seconds over which the starts of a spread are distributed.
SPREAD = 10.0
#: Shortest and longest render, in seconds.
RENDER_SECONDS = (10.0, 20.0)

#: The API key of the account that is measured, and of one to get warm with.
KEY, WARM_KEY = "bench-key", "warm-key"
#: The Airflow conn ids of the two.
CONN_ID, WARM_CONN_ID = "bench", "bench_warm"


@dataclass(frozen=True)
class Scenario:
    """One situation to wait in."""

    renders: int
    start: Literal["herd", "spread"] = "herd"
    movie_bytes: int = 1000
    foreign: int = 0
    """Movies of the same account in the same window that nobody here waits for."""

    list_order: Literal["newest", "oldest"] = "newest"
    huge_megabytes: int = 0
    """Size of the answer to the first poll, which says nothing of use."""

    @property
    def title(self) -> str:
        words = [f"N = {self.renders}", self.start, f"movies of {self.movie_bytes // 1000} KB"]
        if self.foreign:
            words.append(f"{self.foreign} foreign movies, {self.list_order} first")
        if self.huge_megabytes:
            words.append(f"one answer of {self.huge_megabytes} MB")
        return ", ".join(words)


@dataclass(frozen=True)
class Render:
    """A render to wait for: its project, and the number that dbt Cloud's API would have for it."""

    project: str
    run_id: int


@dataclass(frozen=True)
class Batch:
    """Renders whose triggers start together, at a time (epoch seconds); after the last one no more come."""

    at: float
    renders: list[Render]
    last: bool

    @classmethod
    def from_dict(cls, data: dict[str, object]) -> Batch:
        """What ``asdict`` made of it."""
        renders = data.pop("renders")
        assert isinstance(renders, list)
        return cls(renders=[Render(**render) for render in renders], **data)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Watched:
    """What the measured process saw of itself."""

    seen: dict[str, float]
    """The time (epoch seconds) of each project's event."""

    cpu: float
    lag: float


@dataclass(frozen=True)
class Served:
    """What the service saw."""

    requests: dict[str, int]
    bytes: int
    opened: int
    most_open: int
    renders: dict[str, tuple[float, float]]
    """Start and end (epoch seconds) of each project, the oldest first."""

    positions: list[int]
    """How many movies of the account are newer than each render."""

    running_bytes: int
    """Of the answer about one movie while it runs; the next one is of a movie that is done."""

    done_bytes: int
    row_bytes: int
    """Of one more movie in the list."""
