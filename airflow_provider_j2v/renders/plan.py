"""Which calls to make now for the many renders of one account: asking for each, or reading the list. Pure.

A call is weighed by its bytes and by itself: one request weighs as much as 16 KiB. The list shows a hundred renders
in one request, but each row carries the whole submitted movie, and other people's renders are in it too, so which
plan is cheaper is measured as it goes. The list has to prove for each account that it tells the truth.

Who drives a tick sends the calls it yields, all of one batch at once if he likes, and hands back what was heard.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Generator, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow_provider_j2v.api.answers import MovieAnswer, MoviesPage, MovieStatus
from airflow_provider_j2v.api.calls import Call, get_movie, list_movies
from airflow_provider_j2v.exceptions import ApiError, AuthenticationError, NotFound, PermissionDenied, RateLimited
from airflow_provider_j2v.renders.listing import FORGOTTEN_AFTER, REQUEST, Listing
from airflow_provider_j2v.renders.polling import LIST_REACH, Outcome, Polling

#: Rows of the page by which the list proves itself.
PROBE_ROWS = 5
#: A row may be large: as long as that is not known, one is looked at for so many renders that wait.
ROWS_PER_LOOK = 100
#: After so many sweeps the list is cross-checked again.
CHECK_EVERY = 20
#: A render may be missing in the list for so long after its submission, in seconds.
LIST_LAG = 60.0
#: The service's clock may differ from ours by this much, as long as its own times are not known, in seconds.
CLOCK_SLACK = 3600.0
#: Renders older than the newest by more than this are not worth a wider window, in seconds.
WINDOW = 7200.0
#: So many requests of a tick go ahead of the others, to see whether the service answers at all.
CANARIES = 2
#: Seconds between two ticks when nobody waits.
IDLE = 60.0
#: Singly asked renders go out in batches, so that a rate limit stops the rest: as small as keeps up with the interval.
BATCHES = 4, 16


@dataclass(frozen=True)
class Heard:
    """What came back of one call: an answer or an error, bytes of the body, and seconds it took."""

    result: Any
    size: int
    seconds: float


Tick = Generator[list[Call[Any]], list[Heard], None]


@dataclass
class Silence:
    """What the service asked of a whole account: not to be asked before ``until`` (epoch seconds)."""

    until: float = -math.inf
    error: RateLimited | None = None

    def extend(self, error: RateLimited, until: float) -> None:
        """The service asked for it, again perhaps."""
        self.error, self.until = error, max(self.until, until)


@dataclass
class _Watched:
    polling: Polling
    added: float
    asked: float
    interval: float
    created: float | None = None


@dataclass
class Planner:
    """Everything one account's renders need: who is watched, what was measured, what ended or has a new status.

    Who drives it empties ``ended`` and ``changed`` whenever it likes.

    :param clock: epoch seconds.
    :param jitter: stretches the interval (1 is none), so that many triggerers do not ask at the same moment for ever.
    :param silence: of the account, shared by all who ask for it.
    """

    clock: Callable[[], float]
    jitter: float = 1.0
    silence: Silence = field(default_factory=Silence)
    ended: list[tuple[Hashable, Outcome]] = field(default_factory=list)
    changed: list[Hashable] = field(default_factory=list)
    _watched: dict[Hashable, _Watched] = field(default_factory=dict)
    _keys: dict[str, set[Hashable]] = field(default_factory=dict)
    _list: Listing = field(default_factory=Listing)
    _next: float = math.inf
    _began_at: float = -math.inf
    _turn: int = 0
    _single_bytes: float = 700.0
    _single_seconds: float = 0.1
    _skew: float | None = None

    # Who is watched.

    def add(self, key: Hashable, polling: Polling, interval: float) -> None:
        """Watch a render for a waiter; its first poll comes one interval from now at the earliest."""
        now = self.clock()
        self._watched[key] = _Watched(polling, now, now, interval)
        self._keys.setdefault(polling.project, set()).add(key)
        self._next = min(self._next, max(now + interval, self.silence.until))

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
        if now >= self.silence.until:  # a clock that was set back must not stretch the wait
            self._next = min(self._next, now + self._interval())
        deadline = min((w.polling.deadline for w in self._watched.values()), default=math.inf)
        return max(min(self._next, deadline) - now, 0.0)

    # One tick.

    def tick(self) -> Tick:
        """Ask for what is due; all calls of a batch may be under way at once."""
        now = self._began_at = self.clock()
        if now >= self._next:
            self._next = now + self._interval()
        if self._is_silent():
            self._tell([key for key, w in self._watched.items() if now >= w.polling.deadline], self.silence.error)
            return
        if now - self._list.read_at > FORGOTTEN_AFTER:
            self._list = Listing(read_at=now, not_before=self._list.not_before)
        due = self._due(now)
        if self._list_is_cheaper(len(due)):
            if not self._list.proven or self._list.sweeps % CHECK_EVERY == CHECK_EVERY - 1:
                yield from self._prove(len(due))
            if self._list.proven and not self._is_silent() and self._list_is_cheaper(len(due)):
                yield from self._sweep(len(due))
            due = self._due(now)  # what the list did not tell
        if not self._is_silent():
            yield from self._ask_singly(due)

    def _interval(self) -> float:
        return self.jitter * min((w.interval for w in self._watched.values()), default=IDLE)

    def _is_due(self, watched: _Watched, now: float) -> bool:
        elapsed = now - watched.asked
        return elapsed >= 0.999 * watched.interval or elapsed < 0 or now >= watched.polling.deadline

    def _due(self, now: float) -> list[str]:
        return [project for project in self._keys if any(self._is_due(w, now) for w in self._waiting_for(project))]

    def _is_silent(self) -> bool:
        return self.clock() < self.silence.until

    def _waiting_for(self, project: str | None) -> list[_Watched]:
        return [self._watched[key] for key in self._keys.get(project or "", ())]

    # Asking singly.

    def _ask_singly(self, due: list[str]) -> Tick:
        waiting = self._questions(due)
        size, following = CANARIES, self._batch(len(due))
        while waiting:
            batch = [(call, keys) for call, keys in waiting[:size] if any(key in self._watched for key in keys)]
            waiting = waiting[size:]
            heard = yield [call for call, _ in batch]
            for (_, keys), answer in zip(batch, heard, strict=True):
                self._hear(keys, answer)
            errors = [h.result for h in heard if isinstance(h.result, ApiError)]
            if any(isinstance(e, RateLimited | AuthenticationError | PermissionDenied) for e in errors):
                return
            if len(errors) == size == CANARIES and not any(isinstance(e, NotFound) for e in errors):
                self._tell([key for _, keys in waiting for key in keys], errors[0])  # the service is down
                return
            size = following

    def _questions(self, due: list[str]) -> list[tuple[Call[Any], list[Hashable]]]:
        """Each question once, with those whom its answer concerns.

        Those that were answered before go first, and others each time, so that a few bad answers are not taken for a
        service that is down.
        """
        self._turn = (self._turn + CANARIES) % max(len(due), 1)
        questions: dict[tuple[tuple[str, str], ...], tuple[Call[Any], list[Hashable]]] = {}
        for project in due[self._turn :] + due[: self._turn]:
            for key in self._keys[project]:
                call = self._watched[key].polling.call()
                questions.setdefault(tuple(call.params.items()), (call, []))[1].append(key)
        return sorted(questions.values(), key=lambda question: self._watched[question[1][0]].polling.failures)

    def _batch(self, waiting: int) -> int:
        """How many to ask for at once, to be through in about half an interval."""
        least, most = BATCHES
        return min(max(math.ceil(waiting * self._single_seconds / (self._interval() / 2)), least), most)

    def _hear(self, keys: Iterable[Hashable], heard: Heard) -> None:
        if isinstance(heard.result, RateLimited):
            self._be_silent(heard.result)
            return
        if isinstance(heard.result, MovieAnswer):
            self._single_bytes += 0.1 * (heard.size - self._single_bytes)
            self._single_seconds += 0.1 * (heard.seconds - self._single_seconds)
        refused = isinstance(heard.result, AuthenticationError | PermissionDenied)
        self._tell(self._watched if refused else keys, heard.result)  # the key is everybody's

    def _be_silent(self, error: RateLimited) -> None:
        """The service asks the whole account to wait."""
        self.silence.extend(error, self.clock() + (error.retry_after or self._interval()))
        self._next = max(self._next, self.silence.until)
        self._tell(self._watched, error)

    def _tell(self, keys: Iterable[Hashable], result: Any) -> None:
        """Hand a result to those whom it concerns and who still wait."""
        for key in list(keys):
            watched = self._watched.get(key)
            if watched is None:
                continue
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

    def _list_is_cheaper(self, due: int) -> bool:
        now = self.clock()
        return bool(self._keys) and self._list.is_cheaper(len(self._keys), due, self._single_bytes, now)

    def _prove(self, due: int) -> Tick:
        """Read one small page and cross-check a row of it, and later the longest wait, singly."""
        since = _second(self._recently())
        limit = PROBE_ROWS
        if self._list.row_bytes is None:
            limit = min(max(len(self._keys) // ROWS_PER_LOOK, 1), PROBE_ROWS)
        (heard,) = yield [list_movies(since, limit=limit)]
        page = self._page(heard, limit)
        if page is None or not self._list_is_cheaper(due):
            return
        rows = [row for row in page.movies if row.project in self._keys and row.status]
        if not rows:
            self._list.lose(self.clock(), self._interval())
            return
        row = min(rows, key=lambda r: _rank(r.status))  # where it shows if the list is behind
        asked = [str(row.project)]
        if self._list.sweeps:  # and the render that waits longest: if the list hides one, it is that
            longest = min(self._watched.values(), key=lambda w: w.added).polling.project
            asked += [longest] if longest != row.project else []
        answers = yield [get_movie(project) for project in asked]
        for project, answer in zip(asked, answers, strict=True):
            self._hear(self._keys.get(project, ()), answer)
        truth = answers[0].result
        if not isinstance(truth, MovieAnswer) or _rank(truth.movie.status) > _rank(row.status):
            self._list.strike(self.clock())
        else:
            self._list.prove()

    def _sweep(self, due: int) -> Tick:
        """Read the list until every watched render was seen."""
        unseen, since = set(self._keys), self._recently()
        watched, single = len(unseen), REQUEST + self._single_bytes
        budget = 0.1 * due * single  # what may be lost; each render that is found pays for itself
        first, *others = self._slices(since)
        cursors = [first]  # alone: what is refused is refused once
        read, behind = 0, False
        while unseen and cursors:
            limit = self._list.limit
            heard = yield [list_movies(s, e, limit=limit, next_token=token) for s, e, token in cursors]
            following: list[tuple[datetime, datetime | None, str | None]] = []
            for (start, end, token), answer in zip(cursors, heard, strict=True):
                page = self._page(answer, limit)
                if page is None:
                    return
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
                        self._tell(self._keys.get(row.project, ()), MovieAnswer(movie=row))
                if page.more and page.more != token:
                    following.append((start, end, page.more))
            cursors, others = following + others, []
            if budget < 0 and unseen:
                self._list.lose(self.clock(), self._interval())
                return
        self._list.win(read, watched)
        late = self.clock() - LIST_LAG
        if behind or any(w.added < late and self._began(w) >= since for p in unseen for w in self._waiting_for(p)):
            self._list.strike(self.clock())

    def _is_behind(self, row: MovieStatus) -> bool:
        """True when the row tells nothing, or more was told of that render before: it is asked for singly."""
        told = (w.polling.last_status for w in self._waiting_for(row.project))
        return not row.status or any(status is not None and _rank(status) > _rank(row.status) for status in told)

    def _page(self, heard: Heard, limit: int) -> MoviesPage | None:
        """The page that was heard, measured; None when it failed."""
        self._list.read_at = self._began_at
        if isinstance(heard.result, MoviesPage):
            self._list.measure(heard.result, heard.size, heard.seconds)
            return heard.result
        if isinstance(heard.result, RateLimited):
            self._be_silent(heard.result)
        self._list.fail(heard.result, limit, heard.seconds, self._began_at, self._interval(), len(self._keys))
        return None

    # The window of our own renders, in the service's time.

    def _began(self, watched: _Watched) -> float:
        if watched.created is not None:
            return watched.created
        return watched.added + self._skew - 10.0 if self._skew is not None else watched.added - CLOCK_SLACK

    def _recently(self) -> float:
        """Where the window begins: older renders than that are asked for singly."""
        times = [self._began(w) for w in self._watched.values()]
        newest = max(times)
        return max(min(time for time in times if time >= newest - WINDOW), self.clock() - LIST_REACH)

    def _slices(self, since: float) -> list[tuple[datetime, datetime | None, str | None]]:
        """The window, cut by the renders' own times when one cursor would take more than half an interval."""
        times = [time for w in self._watched.values() if (time := self._began(w)) >= since]
        pages = len(times) * self._list.rows_per_render / self._list.limit
        wanted = min(4, math.ceil(pages * self._list.page_seconds / (self._interval() / 2)))
        cuts = statistics.quantiles(times, n=wanted) if wanted > 1 and len(times) > 1 else []
        starts = sorted({_second(since), *map(_second, cuts)})
        return [(start, end, None) for start, end in zip(starts, [*starts[1:], None], strict=True)]


def _rank(status: str) -> int:
    return {"pending": 0, "done": 2, "error": 2}.get(status, 1)


def _second(epoch: float) -> datetime:
    return datetime.fromtimestamp(math.floor(epoch), UTC)
