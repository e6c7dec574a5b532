"""Every movie of an account that ends, at least once: what to ask next, and what an answer tells. Does no I/O.

The service tells nobody that a movie has ended, and its list is by the time of creation. So the list is read again
and again from a moving lower bound, and what was seen under way is remembered until it has ended, however long ago it
was created. The bound moves by the service's own times alone: our clock may be wrong.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from airflow_provider_j2v.api.answers import MovieAnswer, MoviesPage, MovieStatus
from airflow_provider_j2v.api.calls import MAX_LIST_LIMIT, Call, get_movie, list_movies
from airflow_provider_j2v.exceptions import (
    ApiError,
    AuthenticationError,
    NotFound,
    PermissionDenied,
    RateLimited,
    UnreadableAnswer,
)
from airflow_provider_j2v.renders.identity import RESERVED
from airflow_provider_j2v.renders.listing import PAGE_BYTES
from airflow_provider_j2v.renders.plan import CLOCK_SLACK
from airflow_provider_j2v.renders.result import small

log = logging.getLogger(__name__)

ENDED = frozenset({"done", "error"})
DAY = 86_400.0
#: A movie may show in the list so long after its creation, in seconds: so far back the list is read.
OVERLAP = 3600.0
#: How far back it is read in between, and how often all of it, in seconds.
LAG = 120.0
FULL_EVERY = 600.0
#: After an interruption it is read back to here, in seconds: older files are gone.
CATCH_UP = 7 * DAY
#: So many ended movies are remembered, as many as a value of Airflow's store may hold; more of them in an hour
#: shorten the overlap.
MAX_SEEN = 700
#: And so many that are under way, each for a day and the clocks' difference.
MAX_OPEN = 1000
OPEN_FOR = DAY + CLOCK_SLACK
#: So many movies that are older than what is read are asked for singly in one look.
MAX_SINGLES = 50
#: Rows of the first page: how large a row is, is not known yet.
FIRST_PAGE = 25
#: Pauses grow up to here while looks fail, in seconds, and are so long at once when the key is refused.
LONGEST_PAUSE = 900.0

_PROJECT = re.compile(r"[\x21-\x7e]{1,200}")
Epoch = Annotated[float, Field(ge=0, le=7e9, allow_inf_nan=False)]  # datetime can say it


class State(BaseModel):
    """What a feed remembers, as it is stored: projects and when they were created (epoch seconds, service time).

    ``since`` is the lower bound of what is read; ``seen`` ended after it and were judged, ``open`` have not ended.
    """

    since: Epoch
    seen: dict[str, Epoch] = Field(max_length=4 * MAX_SEEN)
    open: dict[str, Epoch] = Field(max_length=4 * MAX_OPEN)


@dataclass(frozen=True)
class Wanted:
    """Which movies are told.

    :param statuses: of ``done`` and ``error``.
    :param template_id: of movies made from this template; None: any.
    :param client_data: keys of the movie's client data that must have these values.
    """

    statuses: frozenset[str] = ENDED
    template_id: str | None = None
    client_data: Mapping[str, Any] = field(default_factory=dict)

    def is_unclear(self, row: MovieStatus) -> bool:
        """True when the row lacks what has to be known; asked for singly, the movie tells more."""
        if row.status not in self.statuses or row.json_text:
            return False
        return self.template_id is not None or (bool(self.client_data) and row.client_data is None)

    def event(self, project: str, row: MovieStatus) -> dict[str, Any] | None:
        """What is told of an ended movie; None when it is not wanted. Never its URL, which is a secret."""
        if row.status not in self.statuses:
            return None
        try:
            movie = json.loads(row.json_text or "")
        except (ValueError, RecursionError):
            movie = None
        movie = movie if isinstance(movie, dict) else {}
        data = row.client_data if row.client_data is not None else movie.get("client-data")
        data = data if isinstance(data, dict) else {}
        template = movie.get("template")
        if self.template_id not in (None, template):
            return None
        if any(key not in data or data[key] != value for key, value in self.client_data.items()):
            return None
        return {
            "project": project,
            "status": row.status,
            "template": small(template) if isinstance(template, str) else None,
            "client_data": small({key: value for key, value in data.items() if key != RESERVED}),
            "finished_at": row.ended_at.isoformat(timespec="seconds") if row.ended_at else None,
            "duration": row.duration,
            "consumed": small(row.consumed_credits),
        }


#: Yields calls, and is sent what came back of each: its answer or an ``ApiError``.
Look = Generator[Call[Any], Any, None]


class Feed:
    """The movies of one account that end.

    Who drives it sends the calls of ``look()``, one by one, hands back what came, takes the events, and pauses for
    ``pause()`` until the next look. What has ended when the first look is through is not told: it begins there.

    :param interval: seconds between two looks.
    :param clock: epoch seconds.
    """

    def __init__(self, wanted: Wanted, *, interval: float, clock: Callable[[], float]) -> None:
        self.interval = interval
        self.error: Exception | None = None
        self._wanted = wanted
        self._clock = clock
        self._events: list[dict[str, Any]] = []
        self._since: float | None = None  # until the first look is through
        self._seen: dict[str, float] = {}
        self._open: dict[str, float] = {}
        self._unclear: set[str] = set()
        self._newest: float | None = None  # of all looks that came through
        self._found: float | None = None  # in this look
        self._newer_at = self._full_at = -math.inf
        self._failures = 0
        self._limit = FIRST_PAGE

    # What outlives a restart.

    def restore(self, stored: Any) -> None:
        """Go on where another process stood.

        :param stored: what ``state()`` gave it.
        :raises ValueError: it is something else.
        """
        state = State.model_validate(stored)
        self._since, self._seen, self._open = state.since, state.seen, state.open

    def state(self) -> dict[str, Any] | None:
        """What to store, as plain JSON; None before the first look is through."""
        if self._since is None:
            return None
        return {"since": self._since, "seen": dict(self._seen), "open": dict(self._open)}

    # One look.

    def look(self) -> Look:
        """Ask for what may have ended. ``error`` tells whether that worked; what was not seen now is seen later."""
        self.error = self._found = None
        now = self._clock()
        lowest = now - OPEN_FOR if self._since is None else max(self._since, now - CATCH_UP)
        start = self._start(lowest, now)
        token, tokens = None, set[str]()
        while True:
            answer = yield list_movies(_second(start), limit=self._limit, next_token=token)
            if isinstance(answer, ApiError):
                too_large = isinstance(answer, UnreadableAnswer) and answer.too_large
                if too_large and self._limit > 1:
                    self._limit //= 2
                    continue
                return self.fail(answer)
            for row in sorted(answer.movies, key=lambda row: row.ended_at or datetime.max.replace(tzinfo=UTC)):
                self._judge(row)
            self._measure(answer)
            token = answer.more
            if answer.has_next is None or (answer.has_next and (token is None or token in tokens)):
                return self.fail(UnreadableAnswer(None, "The list of movies does not come to its end"))
            if token is None:
                break
            tokens.add(token)
        if start == lowest:
            self._full_at = now
        self._advance(start, now)
        yield from self._ask_singly(start, now)
        if self.error is None:
            self._failures = 0

    def take(self) -> list[dict[str, Any]]:
        """What the answers told since it was asked last."""
        events, self._events = self._events, []
        return events

    def fail(self, error: Exception) -> None:
        """This look failed."""
        self.error = error
        self._failures += 1

    def pause(self) -> float:
        """Seconds until the next look."""
        if self.error is None:
            return self.interval
        if isinstance(self.error, RateLimited):
            return max(self.interval, min(self.error.retry_after or 0.0, OVERLAP))
        longest = max(self.interval, LONGEST_PAUSE)
        if isinstance(self.error, AuthenticationError | PermissionDenied):
            return longest
        return min(self.interval * 2.0 ** min(self._failures - 1, 30), longest)

    # What is read of the list.

    def _start(self, lowest: float, now: float) -> float:
        """Where this look begins: a little behind all that is under way, and every now and then at the bound."""
        if self._newest is None or not 0 <= now - self._full_at < FULL_EVERY:
            return lowest
        under_way = [created for created in self._open.values() if created >= lowest]
        return max(lowest, min([self._newest, *under_way]) - LAG)

    def _advance(self, start: float, now: float) -> None:
        """All of the list from ``start`` on was read: move the lower bound, and forget what is behind it."""
        since = start if self._since is None else self._since
        if self._found is not None and (self._newest is None or self._found > self._newest):
            self._newest, self._newer_at = self._found, now
        if self._newest is not None:
            # When nothing new has come for so long, nothing older will come either.
            overlap = OVERLAP if 0 <= now - self._newer_at < OVERLAP else 0.0
            since = max(since, self._newest - overlap)
        if len(self._seen) > MAX_SEEN:
            since = max(since, sorted(self._seen.values())[-MAX_SEEN])
        self._since = since
        self._seen = {project: created for project, created in self._seen.items() if created >= since}
        for project in sorted(self._open, key=self._open.__getitem__)[: max(len(self._open) - MAX_OPEN, 0)]:
            log.warning("Project %s is given up: more than %d movies are under way.", project, MAX_OPEN)
            del self._open[project]

    def _measure(self, page: MoviesPage) -> None:
        """A page is kept small enough to be read without holding up the event loop."""
        if page.movies:
            size = 1024 + sum(len(row.json_text or "") for row in page.movies) / len(page.movies)
            self._limit = max(1, min(MAX_LIST_LIMIT, int(PAGE_BYTES / size)))

    # What a movie tells.

    def _judge(self, row: MovieStatus, asked: str | None = None) -> None:
        project = asked or row.project
        if not project or not _PROJECT.fullmatch(project):
            return
        created = self._created(row)
        is_open = project in self._open
        if project in self._seen:  # a list that lags may show it as it was before
            self._open.pop(project, None)
        elif self._since is not None and created < self._since and not is_open:
            return  # was forgotten
        elif row.status not in ENDED:
            self._open.setdefault(project, created)
        elif self._since is None and not is_open:
            self._seen[project] = created  # had ended before we came
        elif asked is None and self._wanted.is_unclear(row):
            self._open.setdefault(project, created)
            self._unclear.add(project)
        else:
            self._seen[project] = created
            self._open.pop(project, None)
            if event := self._wanted.event(project, row):
                self._events.append(event)

    def _created(self, row: MovieStatus) -> float:
        if row.created_at is None:
            return self._found or self._newest or self._clock()
        created = round(row.created_at.timestamp(), 3)
        self._found = max(created, self._found or created)
        return created

    def _ask_singly(self, start: float, now: float) -> Look:
        """Ask for what the list does not show, or not enough of; in turn, when there are many."""
        waiting = [p for p, created in self._open.items() if created < start or p in self._unclear]
        self._unclear.clear()
        failures = 0
        for project in waiting[:MAX_SINGLES]:
            self._open[project] = self._open.pop(project)
            answer = yield get_movie(project, simple=False)
            if isinstance(answer, RateLimited | AuthenticationError | PermissionDenied):
                return self.fail(answer)
            patience = OPEN_FOR
            if isinstance(answer, MovieAnswer):
                self._judge(answer.movie, project)
            elif isinstance(answer, NotFound):  # the list knew it
                patience = 2 * OPEN_FOR
            else:
                failures += 1
                if failures == 2:
                    return
                continue
            if now - self._open.get(project, now) > patience:
                log.info("Project %s is given up: it has not ended within a day.", project)
                del self._open[project]


def _second(epoch: float) -> datetime:
    return datetime.fromtimestamp(math.floor(epoch), UTC)
