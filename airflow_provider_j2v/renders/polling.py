"""One decision for every loop that waits for a render: go on, finished, failed or too late.

Pure: it does no I/O and reads no clock. Who drives it sends ``call()``, hands what came back to ``see()`` and pauses
for ``pause()`` in between, blocking or not.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from airflow_provider_j2v.api.answers import MovieAnswer, MoviesPage, MovieStatus, Quota
from airflow_provider_j2v.api.calls import MAX_LIST_DAYS, Call, get_movie, list_movies
from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.exceptions import (
    ApiError,
    AuthenticationError,
    NotFound,
    PermissionDenied,
    RateLimited,
    RenderTimeout,
    ServerError,
    UnreadableAnswer,
)

#: A project may be unknown to the service for this long after its submission, in seconds.
NOT_FOUND_GRACE = 60.0
#: The service's ``timeout`` status is disputed: a late ``done`` counts for this long, in seconds.
TIMEOUT_GRACE = 300.0
#: Characters of the service's reason for a failed render that are kept; it may quote a long URL.
MAX_REASON = 2000
#: So many failed polls in a row end the wait.
MAX_FAILURES = 10
#: The list is read so far back, in seconds: by a day less than the service allows, since its end is that of its today.
LIST_REACH = (MAX_LIST_DAYS - 2) * 86_400.0

KNOWN = frozenset({"pending", "running", "done", "error", "timeout"})

Status = Literal["done", "error", "timeout", "lost", "refused"]


@dataclass(frozen=True)
class Outcome:
    """How a wait ended. ``movie`` is there when the service's own last word ended it."""

    project: str
    status: Status
    message: str
    movie: MovieStatus | None = None
    quota: Quota | None = None
    error: ApiError | None = None

    def raise_for_status(self) -> None:
        """Raise what ended the wait without an end of the render; ``done`` and ``error`` pass.

        :raises RenderTimeout: the deadline, or the service's own patience, is over.
        :raises NotFound: the render is done, but its file is gone.
        :raises ApiError: the render cannot be seen any more.
        """
        if self.status == "done" and not (self.movie and self.movie.url):
            raise NotFound(
                None,
                f"Project {self.project} was rendered and paid for, but its file is gone (files live 7 days at the "
                "service, or until they are deleted); clear the render's task to render it anew",
            )
        if self.status == "timeout":
            raise RenderTimeout(self.project, self.message)
        if self.error is not None:
            raise self.error


def settle(project: str, answer: MovieAnswer | ApiError, event: Any) -> Outcome:
    """How a wait ended that another process did: by what the service says now, and by its event otherwise.

    :param answer: the service's present answer, or its failure; a render that has ended has ended, whatever the event
        says, and a time that is over is over, whether the service answers or not.
    :param event: ``{project, status, message}``; anything else fails closed.
    """
    if isinstance(answer, MovieAnswer) and answer.movie.status in ("done", "error"):
        movie = answer.movie
        status: Status = "done" if movie.status == "done" else "error"
        return Outcome(project, status, _reason(movie), movie, answer.remaining_quota)
    known = isinstance(event, Mapping) and event.get("project") == project
    message = escape(str(event.get("message"))) if known else f"the wait was ended by a foreign event, {event!r:.200}"
    if isinstance(answer, AuthenticationError | PermissionDenied):
        return Outcome(project, "refused", str(answer), error=answer)
    if known and event.get("status") == "timeout":
        return Outcome(project, "timeout", message)
    if isinstance(answer, ApiError):
        return Outcome(project, "lost", str(answer), error=answer)
    fate = f"Project {project} is {answer.movie.status!r}; it goes on, and a retry of the task waits for it again"
    return Outcome(project, "lost", message, error=ServerError(None, f"The wait ended early: {message}. {fate}"))


def _reason(movie: MovieStatus) -> str:
    return escape(movie.message or "", MAX_REASON)


class Polling:
    """The wait for one project.

    :param project: the service's id.
    :param deadline: when to stop waiting (epoch seconds, wall clock).
    :param interval: seconds between two polls.
    :param now: the present (epoch seconds), the start of the grace for 'not found'.
    """

    def __init__(self, project: str, *, deadline: float, interval: float, now: float) -> None:
        self.project = project
        self.deadline = deadline
        self.last_status: str | None = None
        self.failures = 0  # in a row, up to now
        self._interval = interval
        self._began = now
        self._timeout_since: float | None = None
        self._silent_until = now
        # The page token of the list that is to confirm "not found".
        self._confirming: tuple[str | None] | None = None
        # Between two pages the project itself is asked for again: the list may be long, and the render may end.
        self._between = False

    @property
    def confirming(self) -> bool:
        """True while the list is read to confirm that the project does not exist."""
        return self._confirming is not None

    def call(self) -> Call[Any]:
        """What to ask next: the project, or in turn with it a page of the list when the project seems unknown."""
        if self._confirming is None or self._between:
            return get_movie(self.project)
        # By the day: whoever looks for his project asks the same, and a planner asks it once for all.
        start = datetime.fromtimestamp((self._began - LIST_REACH) // 86_400 * 86_400, UTC)
        return list_movies(start, next_token=self._confirming[0])

    def pause(self, now: float) -> float:
        """Seconds until the next poll or the deadline, whichever is first."""
        jitter = 1.0 + 0.1 * (zlib.crc32(self.project.encode()) % 1000) / 1000
        wanted = max(self._interval * jitter, self._silent_until - now)
        return max(min(wanted, self.deadline - now), 0.0)

    def overdue(self, now: float) -> Outcome | None:
        """The end of a wait whose deadline falls into a silence the service asked for: no last look is taken."""
        return self.too_late() if self._silent_until > now >= self.deadline else None

    def is_silent(self, now: float) -> bool:
        """True while the service has asked for silence."""
        return now < self._silent_until

    def see(self, result: MovieAnswer | MoviesPage | ApiError, now: float) -> Outcome | None:
        """Take what came back; None means go on. A status that ends the render comes before the deadline."""
        if isinstance(result, ApiError):
            outcome = self._on_error(result, now)
        elif isinstance(result, MoviesPage):
            outcome = self._on_page(result, now)
        else:
            self.failures, self._confirming, self._between = 0, None, False
            outcome = self._on_movie(result.movie, result.remaining_quota, now)
        return self.too_late() if outcome is None and now >= self.deadline else outcome

    def _on_movie(self, movie: MovieStatus, quota: Quota | None, now: float) -> Outcome | None:
        status = self.last_status = movie.status
        if status == "done":
            return Outcome(self.project, "done", "", movie, quota)
        if status == "error":
            return Outcome(self.project, "error", _reason(movie), movie, quota)
        if status != "timeout":
            self._timeout_since = None
        else:
            self._timeout_since = self._timeout_since or now
            if now - self._timeout_since >= TIMEOUT_GRACE:
                return self._end("timeout", "the service says that it takes too long")
        return None

    def _on_error(self, error: ApiError, now: float) -> Outcome | None:
        if isinstance(error, AuthenticationError | PermissionDenied):
            return self._end("refused", str(error), error)
        if isinstance(error, RateLimited):
            self._silent_until = now + (error.retry_after or self._interval)
            return None
        if isinstance(error, NotFound) and (self._confirming is None or self._between):
            if self._confirming is None and now - self._began >= NOT_FOUND_GRACE:
                self._confirming, self._began = (None,), now
            self._between = False
            return None
        self.failures += 1
        if self.failures >= MAX_FAILURES:
            message = f"{self.failures} polls in a row failed, the last one: {error}; {self._last()}"
            return self._end("lost", message, ServerError(error.status, f"Project {self.project}: {message}"))
        return None

    def _on_page(self, page: MoviesPage, now: float) -> Outcome | None:
        row = next((row for row in page.movies if row.project == self.project), None)
        if row is None and page.has_next and not page.more:
            return self._on_error(UnreadableAnswer(None, "the list goes on but gives no token to go on with"), now)
        self.failures = 0
        if row is not None:
            self._confirming, self._between, self._began = None, False, now
            return self._on_movie(row, page.remaining_quota, now)
        if page.more:
            self._confirming, self._between = (page.more,), True
            return None
        message = "the service knows no such project: neither asked for singly nor in the list"
        return self._end("lost", message, NotFound(None, f"Project {self.project}: {message}"))

    def _end(self, status: Status, message: str, error: ApiError | None = None) -> Outcome:
        return Outcome(self.project, status, message, error=error)

    def too_late(self) -> Outcome:
        """The end of the wait at its deadline."""
        deadline = datetime.fromtimestamp(self.deadline, UTC).isoformat(timespec="seconds")
        return self._end("timeout", f"not finished at the deadline, {deadline}; {self._last()}")

    def _last(self) -> str:
        return f"last status {self.last_status!r}" if self.last_status else "no status was seen"
