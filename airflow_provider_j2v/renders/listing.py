"""What is known of an account's list of renders: whether it may be used instead of single questions, and what it costs.

The list shows a hundred renders in one request, but each row carries the whole submitted movie, and other people's
renders are in it too. So it is measured as it is read, and it is left alone when it lost, failed or lied.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from airflow_provider_j2v.api.account import MAX_BODY
from airflow_provider_j2v.api.answers import MoviesPage
from airflow_provider_j2v.api.calls import MAX_LIST_LIMIT
from airflow_provider_j2v.exceptions import ApiError, UnreadableAnswer

#: One request weighs as much as so many bytes.
REQUEST = 16 * 1024
#: A page is kept below this (bytes): far from the client's cap, and read without holding up the event loop.
PAGE_BYTES = 2 * 1024 * 1024
#: Fewer renders than this are always asked for singly: to prove the list would cost more.
WORTH_A_LIST = 8
#: And fewer than this as long as the size of a row is not known, since it may be large.
WORTH_A_LOOK = 40
#: How long a list that lost, lagged or hid a render is left alone, in seconds.
DEMOTED_FOR = 600.0
#: What was measured of a list that was not read for so long counts no more, in seconds.
FORGOTTEN_AFTER = 1200.0


@dataclass
class Listing:
    """Times are epoch seconds. ``proven``: its rows were found to be true; ``sweeps``: how often it was read since."""

    proven: bool = False
    sweeps: int = 0
    not_before: float = -math.inf
    read_at: float = -math.inf
    row_bytes: float | None = None
    rows_per_render: float = 1.0
    page_seconds: float = 0.1
    _strikes: int = 0
    _losses: int = 0

    @property
    def limit(self) -> int:
        """Rows of a page."""
        return max(1, min(MAX_LIST_LIMIT, int(PAGE_BYTES / (self.row_bytes or 1.0))))

    def is_cheaper(self, renders: int, due: int, single_bytes: float, now: float) -> bool:
        """Whether to read it for all renders rather than to ask for those that are due."""
        if now < self.not_before or due < (WORTH_A_LIST if self.row_bytes else WORTH_A_LOOK):
            return False
        rows = renders * self.rows_per_render
        pages = math.ceil(rows / self.limit)
        return pages * REQUEST + rows * (self.row_bytes or 0.0) < due * (REQUEST + single_bytes)

    def measure(self, page: MoviesPage, size: int, seconds: float) -> None:
        """A page was read."""
        if page.movies:
            self.row_bytes = size / len(page.movies)
            self.page_seconds += 0.3 * (seconds - self.page_seconds)

    def fail(self, error: ApiError, limit: int, seconds: float, now: float, interval: float, renders: int) -> None:
        """A page of so many rows was no page. For ever, that may cost a tenth of what asking singly does."""
        if isinstance(error, UnreadableAnswer) and error.too_large:
            self.row_bytes = MAX_BODY / limit
        ticks = math.ceil(10 / max(renders, 1))
        self.not_before = now + max(0.999 * ticks * interval, 10 * seconds)

    def win(self, read: int, renders: int) -> None:
        """It was read to the end of what is waited for, in so many rows."""
        self.sweeps += 1
        self._losses = 0
        self.rows_per_render = max(read, 1) / max(renders, 1)

    def lose(self, now: float, interval: float) -> None:
        """It cost more than it told: leave it alone, longer each time."""
        self._losses += 1
        self.not_before = now + min(interval * 2.0 ** min(self._losses, 10), DEMOTED_FOR)

    def prove(self) -> None:
        """A row of it was found to be true."""
        self.proven, self._strikes, self.sweeps = True, 0, self.sweeps + 1

    def strike(self, now: float) -> None:
        """It lagged or hid a render: once may be chance."""
        self._strikes += 1
        self.proven = False
        if self._strikes >= 2:
            self.not_before, self._strikes = now + DEMOTED_FOR, 0
