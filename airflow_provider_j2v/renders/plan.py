"""Which calls to make now for the many renders of one account: asking for each, or reading the list. Pure.

A call is weighed by its bytes and by itself: one request weighs as much as 16 KiB. The list shows a hundred renders
in one request, but each row carries the whole submitted movie, and other people's renders are in it too, so which
plan is cheaper is measured as it goes. The list has to prove for each account that it tells the truth.

Who drives a tick sends the calls it yields, all of one batch at once if he likes, and hands back what was heard.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow_provider_j2v.api.answers import MovieAnswer, MoviesPage, MovieStatus
from airflow_provider_j2v.api.calls import MAX_LIST_LIMIT, Call, get_movie, list_movies
from airflow_provider_j2v.exceptions import ApiError, AuthenticationError, PermissionDenied, RateLimited
from airflow_provider_j2v.renders.polling import Outcome, Polling

#: One request weighs as much as so many bytes.
REQUEST = 16 * 1024
#: A page is kept below this (bytes): far from the client's cap, and read without holding up the event loop.
PAGE_BYTES = 2 * 1024 * 1024
#: Fewer renders than this are always asked for singly: to prove the list would cost more.
WORTH_A_LIST = 8
#: And fewer than this as long as the size of a row is not known, since it may be large.
WORTH_A_LOOK = 40
#: Rows of the page by which the list proves itself.
PROBE_ROWS = 5
#: A row may be large: as long as that is not known, one is looked at for so many renders that wait.
ROWS_PER_LOOK = 100
#: After so many sweeps the list is cross-checked again.
CHECK_EVERY = 20
#: How long a list that lost, lagged or hid a render is left alone, in seconds.
DEMOTED_FOR = 600.0
#: A render may be missing in the list for so long after its submission, in seconds.
LIST_LAG = 60.0
#: The service's clock may differ from ours by this much, as long as its own times are not known, in seconds.
CLOCK_SLACK = 3600.0
#: Renders older than the newest by more than this are not worth a wider window, in seconds.
WINDOW = 7200.0
#: So many requests of a tick go ahead of the others, to see whether the service answers at all.
CANARIES = 2
#: Singly asked renders go out in batches, so that a rate limit stops the rest: as small as keeps up with the interval.
BATCHES = 4, 16


@dataclass(frozen=True)
class Heard:
    """What came back of one call: an answer or an error, bytes of the body, and seconds it took."""

    result: Any
    size: int
    seconds: float


Tick = Generator[list[Call[Any]], list[Heard], None]
Steps = Generator[list[Call[Any]], list[Heard], Any]


@dataclass
class _Watched:
    polling: Polling
    added: float
    asked: float
    interval: float
    created: float | None = None


@dataclass
class _List:
    """What is known of the account's list: whether it may be used, and what it costs."""

    proven: bool = False
    sweeps: int = 0
    strikes: int = 0
    losses: int = 0
    not_before: float = -math.inf
    row_bytes: float | None = None
    rows_per_render: float = 1.0
    page_seconds: float = 0.1


@dataclass
class Planner:
    """Everything one account's renders need: who is watched, what was measured, what ended or has a new status.

    Who drives it empties ``ended`` and ``changed`` whenever it likes.

    :param clock: epoch seconds.
    :param jitter: stretches the interval (1 is none), so that many triggerers do not ask at the same moment for ever.
    """

    clock: Callable[[], float]
    jitter: float = 1.0
    ended: list[tuple[Hashable, Outcome]] = field(default_factory=list)
    changed: list[Hashable] = field(default_factory=list)
    _watched: dict[Hashable, _Watched] = field(default_factory=dict)
    _keys: dict[str, set[Hashable]] = field(default_factory=dict)
    _list: _List = field(default_factory=_List)
    _next: float = math.inf
    _began_at: float = -math.inf
    _silence: RateLimited | None = None
    _silent_until: float = -math.inf
    _single_bytes: float = 700.0
    _single_seconds: float = 0.1
    _skew: float | None = None

    # Who is watched.

    def add(self, key: Hashable, polling: Polling, interval: float) -> None:
        """Watch a render for a waiter; its first poll comes one interval from now at the earliest."""
        now = self.clock()
        self._watched[key] = _Watched(polling, now, now, interval)
        self._keys.setdefault(polling.project, set()).add(key)
        self._next = min(self._next, max(now + interval, self._silent_until))

    def remove(self, key: Hashable) -> None:
        """Forget a waiter."""
        if watched := self._watched.pop(key, None):
            project = watched.polling.project
            self._keys[project].discard(key)
            if not self._keys[project]:
                del self._keys[project]

    def pause(self) -> float:
        """Seconds until the next tick is due."""
        now = self.clock()
        if now >= self._silent_until:  # a clock that was set back must not stretch the wait
            self._next = min(self._next, now + self._interval())
        deadline = min((w.polling.deadline for w in self._watched.values()), default=math.inf)
        return max(min(self._next, deadline) - now, 0.0)

    # One tick.

    def tick(self) -> Tick:
        """Ask for what is due; all calls of a batch may be under way at once."""
        now = self._began_at = self.clock()
        if now >= self._next:
            self._next = now + self._interval()
        if self._silence and now < self._silent_until:
            for key, watched in list(self._watched.items()):
                if now >= watched.polling.deadline:
                    self._see(key, watched, self._silence)
            return
        due = [project for project in self._keys if any(self._is_due(w, now) for w in self._waiting_for(project))]
        if self._list_is_cheaper(len(due), now):
            if not self._list.proven or self._list.sweeps % CHECK_EVERY == CHECK_EVERY - 1:
                yield from self._prove(len(due))
            if self.clock() < self._silent_until:
                return
            if self._list.proven and self._list_is_cheaper(len(due), now):
                unseen = yield from self._sweep(due)
                due = [project for project in due if project in unseen]
            if self.clock() < self._silent_until:
                return
        yield from self._ask_singly(due)

    def _interval(self) -> float:
        return self.jitter * min((w.interval for w in self._watched.values()), default=math.inf)

    def _is_due(self, watched: _Watched, now: float) -> bool:
        elapsed = now - watched.asked
        return elapsed >= 0.999 * watched.interval or elapsed < 0 or now >= watched.polling.deadline

    def _waiting_for(self, project: str) -> list[_Watched]:
        return [self._watched[key] for key in self._keys.get(project, ())]

    # Asking singly.

    def _ask_singly(self, due: list[str]) -> Steps:
        # Another one goes first each time, so that one bad answer is not taken for a service that is down.
        turn = int(self.clock()) % len(due) if due else 0
        waiting = due[turn:] + due[:turn]
        size, following = CANARIES, self._batch(len(due))
        while waiting:
            batch = [project for project in waiting[:size] if project in self._keys]
            waiting = waiting[size:]
            heard = yield [self._waiting_for(project)[0].polling.call() for project in batch]
            for project, answer in zip(batch, heard, strict=True):
                self._hear(project, answer)
            errors = [h.result for h in heard if isinstance(h.result, ApiError)]
            if any(isinstance(e, RateLimited) for e in errors):
                return
            down = len(errors) == len(heard) == size == CANARIES
            if any(isinstance(e, AuthenticationError | PermissionDenied) for e in errors) or down:
                for project in waiting:
                    self._tell(project, errors[0])
                return
            size = following

    def _batch(self, waiting: int) -> int:
        """How many to ask for at once, to be through in about half an interval."""
        least, most = BATCHES
        return min(max(math.ceil(waiting * self._single_seconds / (self._interval() / 2)), least), most)

    def _hear(self, project: str, heard: Heard) -> None:
        if isinstance(heard.result, RateLimited):
            self._be_silent(heard.result)
            return
        if isinstance(heard.result, MovieAnswer):
            self._single_bytes += 0.1 * (heard.size - self._single_bytes)
            self._single_seconds += 0.1 * (heard.seconds - self._single_seconds)
        self._tell(project, heard.result)

    def _be_silent(self, error: RateLimited) -> None:
        """The service asks the whole account to wait."""
        pause = error.retry_after or self._interval()
        self._silence, self._silent_until = error, max(self._silent_until, self.clock() + pause)
        self._next = max(self._next, self._silent_until)
        for project in list(self._keys):
            self._tell(project, error)

    def _tell(self, project: str, result: Any) -> None:
        """Hand a result to everybody who waits for that project."""
        for key in list(self._keys.get(project, ())):
            watched = self._watched[key]
            watched.asked = self._began_at  # when it was answered is later, and the next tick would find it not due
            if isinstance(result, MovieAnswer) and result.movie.created_at:
                watched.created = result.movie.created_at.timestamp()
                if abs(skew := watched.created - watched.added) <= 2 * CLOCK_SLACK:
                    self._skew = skew
            self._see(key, watched, result)

    def _see(self, key: Hashable, watched: _Watched, result: Any) -> None:
        before = watched.polling.last_status
        if outcome := watched.polling.see(result, self.clock()):
            self.remove(key)
            self.ended.append((key, outcome))
        elif watched.polling.last_status != before:
            self.changed.append(key)

    # Reading the list.

    def _list_is_cheaper(self, due: int, now: float) -> bool:
        if (
            not self._keys
            or now < self._list.not_before
            or due < (WORTH_A_LIST if self._list.row_bytes else WORTH_A_LOOK)
        ):
            return False
        rows = len(self._keys) * self._list.rows_per_render
        pages = math.ceil(rows / self._limit())
        return pages * REQUEST + rows * (self._list.row_bytes or 0.0) < due * (REQUEST + self._single_bytes)

    def _limit(self) -> int:
        return max(1, min(MAX_LIST_LIMIT, int(PAGE_BYTES / (self._list.row_bytes or 1.0))))

    def _prove(self, due: int) -> Steps:
        """Read one small page and cross-check a row of it, and later the longest wait, singly."""
        since = _second(self._recently())
        limit = PROBE_ROWS
        if self._list.row_bytes is None:
            limit = min(max(len(self._keys) // ROWS_PER_LOOK, 1), PROBE_ROWS)
        (heard,) = yield [list_movies(since, limit=limit)]
        page = self._page(heard)
        if page is None or not self._list_is_cheaper(due, self.clock()):
            return
        rows = [row for row in page.movies if row.project in self._keys]
        if not rows:
            self._lose()
            return
        row = min(rows, key=lambda r: _rank(r.status))  # where it shows if the list is behind
        asked = [str(row.project)]
        if self._list.sweeps:  # and the render that waits longest: if the list hides one, it is that
            asked.append(min(self._watched.values(), key=lambda w: w.added).polling.project)
        answers = yield [get_movie(project) for project in asked]
        for project, answer in zip(asked, answers, strict=True):
            self._hear(project, answer)
        truth = answers[0].result
        if not isinstance(truth, MovieAnswer) or _rank(truth.movie.status) > _rank(row.status):
            self._strike()
        else:
            self._list.proven, self._list.strikes, self._list.sweeps = True, 0, self._list.sweeps + 1

    def _sweep(self, due: list[str]) -> Steps:
        """Read the list until every watched render was seen; gives the projects that were not."""
        unseen, since = set(self._keys), self._recently()
        watched, single = len(unseen), REQUEST + self._single_bytes
        budget = 0.1 * len(due) * single  # what may be lost; each render that is found pays for itself
        cursors = self._slices(since)
        read, behind = 0, False
        while unseen and cursors:
            heard = yield [list_movies(s, e, limit=self._limit(), next_token=token) for s, e, token in cursors]
            following: list[tuple[datetime, datetime | None, str | None]] = []
            for (start, end, token), answer in zip(cursors, heard, strict=True):
                page = self._page(answer)
                if page is None:
                    return unseen
                budget -= REQUEST + answer.size
                read += len(page.movies)
                for row in page.movies:
                    if row.project not in unseen:
                        continue
                    if self._is_behind(row):
                        behind = True
                    else:
                        unseen.discard(row.project)
                        budget += single
                        self._tell(row.project, MovieAnswer(movie=row))
                if page.more and page.more != token:
                    following.append((start, end, page.more))
            cursors = following
            if budget < 0 and unseen:
                self._lose()
                return unseen
        self._list.sweeps += 1
        self._list.losses = 0
        self._list.rows_per_render = max(read, 1) / max(watched, 1)
        late = self.clock() - LIST_LAG
        if behind or any(w.added < late and self._began(w) >= since for p in unseen for w in self._waiting_for(p)):
            self._strike()
        return unseen

    def _is_behind(self, row: MovieStatus) -> bool:
        """True when more was told of that render before: the list lags, and the render is asked for singly."""
        told = (w.polling.last_status for w in self._waiting_for(str(row.project)))
        return any(status is not None and _rank(status) > _rank(row.status) for status in told)

    def _page(self, heard: Heard) -> MoviesPage | None:
        """The page that was heard, measured; None, and less trust in the list, when it failed."""
        page = heard.result
        if not isinstance(page, MoviesPage):
            if isinstance(page, RateLimited):
                self._be_silent(page)
            self._list.not_before = self._began_at + 0.999 * self._interval()
            return None
        if page.movies:
            self._list.row_bytes = heard.size / len(page.movies)
            self._list.page_seconds += 0.3 * (heard.seconds - self._list.page_seconds)
        return page

    def _lose(self) -> None:
        """The list cost more than it told: leave it alone, longer each time."""
        self._list.losses += 1
        self._list.not_before = self.clock() + min(self._interval() * 2.0 ** min(self._list.losses, 10), DEMOTED_FOR)

    def _strike(self) -> None:
        """The list lagged or hid a render: once may be chance."""
        self._list.strikes += 1
        self._list.proven = False
        if self._list.strikes >= 2:
            self._list.not_before, self._list.strikes = self.clock() + DEMOTED_FOR, 0

    # The window of our own renders, in the service's time.

    def _began(self, watched: _Watched) -> float:
        if watched.created is not None:
            return watched.created
        return watched.added + self._skew - 10.0 if self._skew is not None else watched.added - CLOCK_SLACK

    def _recently(self) -> float:
        """Where the window begins: older renders than that are asked for singly."""
        times = [self._began(w) for w in self._watched.values()]
        newest = max(times)
        return min(time for time in times if time >= newest - WINDOW)

    def _slices(self, since: float) -> list[tuple[datetime, datetime | None, str | None]]:
        """The window, cut by the renders' own times when one cursor would take more than half an interval."""
        times = [time for w in self._watched.values() if (time := self._began(w)) >= since]
        pages = len(times) * self._list.rows_per_render / self._limit()
        wanted = min(4, math.ceil(pages * self._list.page_seconds / (self._interval() / 2)))
        cuts = statistics.quantiles(times, n=wanted) if wanted > 1 and len(times) > 1 else []
        starts = sorted({_second(since), *map(_second, cuts)})
        return [(start, end, None) for start, end in zip(starts, [*starts[1:], None], strict=True)]


def _rank(status: str) -> int:
    return {"pending": 0, "done": 2, "error": 2}.get(status, 1)


def _second(epoch: float) -> datetime:
    return datetime.fromtimestamp(math.floor(epoch), UTC)
