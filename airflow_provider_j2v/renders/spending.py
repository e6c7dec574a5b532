"""Intents, POSTs and adoption for many rows: the only place that spends a batch's money.

The same promise as ``submit`` keeps for one movie, by the same means: every row is written down before it is asked
for, carries a tag by which it can be found, and is asked for again only when a lookup that read everything has proved
that the service never took it. The record is written by portions: each write costs as much as a POST.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from airflow_provider_j2v.api.answers import MovieStatus
from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.exceptions import InvalidRequest, JSON2VideoError, RateLimited, SubmitAmbiguous, Unreachable
from airflow_provider_j2v.renders.identity import Identity, Stamp, new_tag
from airflow_provider_j2v.renders.ledger import LedgerError
from airflow_provider_j2v.renders.lookup import LookupFailed, find
from airflow_provider_j2v.renders.rows import MAX_REASON, Book, Row, RowEntry, portions
from airflow_provider_j2v.renders.sender import Sender
from airflow_provider_j2v.renders.submit import FROZEN, LEASE, RATE_LIMIT_PATIENCE, UNSENT_ATTEMPTS, post

log = logging.getLogger(__name__)

A = TypeVar("A")
B = TypeVar("B")
Many = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]

#: So many intents are written at once and posted together, within one lease; and so many threads do that.
PORTION = 16
#: A try sends one row at most so often without an answer.
MAX_UNANSWERED = 2


@dataclass(frozen=True)
class Spends:
    """What spending needs to know of a try.

    :param fingerprint: the digest of what the author wants of a row.
    :param prepare: the document to send for a row, everything resolved, without our stamp.
    :param identity: the task instance.
    :param max_tries: Airflow's ``max_tries`` of this try.
    """

    fingerprint: Callable[[Row], str]
    prepare: Callable[[Row], Mapping[str, Any]]
    identity: Identity
    max_tries: int


def in_threads(work: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """The results of some work on many items, done on up to ``PORTION`` of them at once; in their order."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(len(items), PORTION), thread_name_prefix="json2video") as pool:
        return list(pool.map(work, items))


class _LeaseExpired(Exception):
    """The intents are too old for their POSTs to begin."""


@dataclass
class Spender:
    """Submits the rows of a book, each at most once.

    The book is touched by the calling thread only; POSTs are made by several at once.

    :param client: sends calls, from several threads; repeats none that are paid.
    :param clock: the wall clock, aware.
    :param sleep: pauses the worker, seconds.
    :param many: does some work on many items.
    """

    client: Sender
    book: Book
    order: Spends
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    many: Many = in_threads
    #: Why nothing more is submitted for now: the account or the way to it, not a row.
    halted: JSON2VideoError | None = None
    #: What the rows that are to be paid for are refused for: none of them is submitted in this try.
    refused: JSON2VideoError | None = None
    #: When the last POSTs began, as far as this process knows.
    last_post: datetime | None = None
    # Rows whose earlier POST was proved not taken, and those that were asked for as often as a try may.
    _proven: set[int] = field(default_factory=set)
    _hopeless: set[int] = field(default_factory=set)

    @property
    def unclear(self) -> list[int]:
        """Rows of which nobody knows whether a POST was taken."""
        return [i for i in self.book.which("intent") if i not in self._proven]

    @property
    def awaited(self) -> list[int]:
        """Those of them that may still turn up: the others are not sent again in this try."""
        return [i for i in self.unclear if i not in self._hopeless]

    @property
    def to_submit(self) -> list[int]:
        """Rows that are still to be paid for."""
        return sorted({*self.book.which("waiting"), *self._proven})

    def go_on(self, most: int, may_spend: Callable[[], bool]) -> None:
        """Clear up what is unclear, and submit rows until so many are in flight; ``halted`` says what stopped it.

        :param most: rows in flight.
        :param may_spend: asked before each portion.
        :raises SubmitAmbiguous: a lookup failed; nothing more was spent.
        :raises LedgerError: the record failed, or a newer try owns the task; nothing more was spent.
        """
        self.halted = self.refused
        patience = self.clock() + timedelta(seconds=RATE_LIMIT_PATIENCE)
        while True:
            self._settle()
            for portion in portions(self.to_submit[: self._room(most)], PORTION):
                if self.halted or not may_spend():
                    break
                self._send(portion, patience)
            self._settle()
            if self.book.which("submitted") or self.halted is not self.refused:
                return
            if self.to_submit and self._room(most) and not self.halted and may_spend():
                continue  # nothing of what was sent is rendering
            if not self.awaited:
                return
            self._pause_until_certain()

    def _room(self, most: int) -> int:
        return max(most - len(self.book.which("submitted")) - len(self.awaited), 0)

    def settle_all(self) -> list[int]:
        """Find out about every row that is unclear, however long it takes; those that were not taken."""
        self.forgive()
        while self.unclear:
            self._settle()
            self._pause_until_certain()
        return sorted(self._proven)

    def forgive(self) -> None:
        """A new try may send again what went unanswered."""
        for i in self.book.which("intent"):
            self.book.put(i, self.book.entries[i].changed(unanswered=0))

    # The POSTs.

    def _send(self, portion: list[int], patience: datetime) -> None:
        """Pay for some rows of one wave; what is known not to be taken is sent again, or left for later."""
        try:
            movies = {i: self._stamped(i) for i in portion}
        except JSON2VideoError as e:
            self._halt(e)
            return
        unsent = Counter[int]()
        while portion:
            before, answers = self._post_all(portion, movies)
            again, pause = self._sort(before, answers, unsent)
            self._record()
            self._must_not_have_frozen(answers)
            if self.halted or not again:
                return
            if self.clock() + timedelta(seconds=pause) > patience:
                self._halt(next(answer for i in again if isinstance(answer := answers[i], Exception)))
                return
            if pause:
                log.info("%d rows were not taken; again in %.0f s.", len(again), pause)
                self.sleep(pause)
            portion = again

    def _stamped(self, i: int) -> tuple[Stamp, Mapping[str, Any]]:
        order, row = self.order, self.book.rows[i]
        tag = self.book.entries[i].tag or new_tag()
        stamp = Stamp(tag, replace(order.identity, row=row.name), order.max_tries, order.fingerprint(row))
        return stamp, stamp.on(order.prepare(row))

    def _post_all(
        self, portion: list[int], movies: Mapping[int, tuple[Stamp, Mapping[str, Any]]]
    ) -> tuple[dict[int, RowEntry], dict[int, str | Exception]]:
        """Write their intents and send them: what was known of them before, and what came back."""
        before, now = {i: self.book.entries[i] for i in portion}, self.clock()
        for i in portion:
            stamp, _ = movies[i]
            known = {"tag": stamp.tag, "fingerprint": stamp.fingerprint, "first_at": before[i].first_at or now}
            self.book.put(i, before[i].changed(state="intent", at=now, **known))
        self.book.write()
        self.last_post = now

        def send(i: int) -> str | Exception:
            try:
                return post(self.client, movies[i][1], check)
            except (JSON2VideoError, _LeaseExpired) as e:
                return e

        def check() -> None:
            if self.clock() - now > LEASE:
                raise _LeaseExpired

        return before, dict(zip(portion, self.many(send, portion), strict=True))

    def _sort(
        self, before: Mapping[int, RowEntry], answers: Mapping[int, str | Exception], unsent: Counter[int]
    ) -> tuple[list[int], float]:
        """Take down what came of some POSTs: those to send again, and after how many seconds."""
        again: list[int] = []
        pause = 0.0
        for i, answer in answers.items():
            entry, name = self.book.entries[i], escape(self.book.rows[i].name, 80)
            if isinstance(answer, str):
                log.info("Row %s: submitted project %s; from here on it is paid for.", name, answer)
                self._is_taken(i, answer, self.clock())
            elif isinstance(answer, SubmitAmbiguous):
                log.warning("Row %s: %s.", name, answer)
                self._proven.discard(i)
                self.book.put(i, entry.changed(unanswered=entry.unanswered + 1))
            elif isinstance(answer, InvalidRequest):
                log.error("Row %s was refused (%s): it renders nothing and charges nothing.", name, answer)
                self._is_refused(i, before[i], answer)
            else:
                self.book.put(i, before[i])  # nothing was taken
                unsent[i] += not isinstance(answer, RateLimited)
                if isinstance(answer, RateLimited):
                    pause = max(pause, 10.0 if answer.retry_after is None else answer.retry_after)
                elif not isinstance(answer, Unreachable | _LeaseExpired) or unsent[i] >= UNSENT_ATTEMPTS:
                    self._halt(answer)
                    continue
                elif isinstance(answer, Unreachable):
                    pause = max(pause, min(2.0 ** unsent[i], 20.0) * random.uniform(0.75, 1.25))
                again.append(i)
        return again, pause

    def _is_taken(self, i: int, project: str, at: datetime) -> None:
        self._proven.discard(i)
        taken = {"state": "submitted", "project": project, "submitted_at": at, "unanswered": 0}
        self.book.put(i, self.book.entries[i].changed(**taken))

    def _is_refused(self, i: int, before: RowEntry, error: InvalidRequest) -> None:
        self._proven.discard(i)
        if before.state == "intent":  # an earlier POST under this tag was not answered: the next try looks again
            self.book.put(i, before.changed(unanswered=MAX_UNANSWERED))
        else:
            refused = {"state": "finished", "outcome": "refused", "error": escape(str(error), MAX_REASON)}
            self.book.put(i, self.book.entries[i].changed(**refused))

    def _halt(self, error: Exception) -> None:
        if isinstance(error, _LeaseExpired):
            error = Unreachable("Writing down and connecting took over 5 s each time; nothing was sent", sent=False)
        if self.halted is None and isinstance(error, JSON2VideoError):
            log.error("No more rows are submitted for now: %s", error)
            self.halted = error

    def _must_not_have_frozen(self, answers: Mapping[int, str | Exception]) -> None:
        late = any(isinstance(answer, _LeaseExpired) for answer in answers.values())
        if late and not self.book.documents.fences and self.last_post and self.clock() - self.last_post > FROZEN:
            raise LedgerError(
                "This try stood still while it was submitting, and below Airflow 3.3 it cannot know whether a newer "
                "one has taken over. It stops; the next try looks for renders first"
            )

    def _record(self) -> None:
        try:
            self.book.write()
        except JSON2VideoError:
            log.error("Rows that were submitted and paid for could not be written down; the next try looks for them.")
            raise

    # Adoption: was the POST of a row taken?

    def _settle(self) -> None:
        """Look for all rows that are unclear at once."""
        unclear = self.awaited
        if not unclear:
            return
        places = {str(self.book.entries[i].tag): i for i in unclear}
        now = self.clock()
        since = min(self.book.entries[i].first_at or now for i in unclear)
        found: dict[int, MovieStatus] = {}
        for stamp, movie in search(self.client, lambda stamp: stamp.tag in places, since, now):
            if found.setdefault(places[stamp.tag], movie) is not movie:
                log.error("Project %s carries the tag of another: it was charged a second time.", movie.project)
        for i in unclear:
            entry = self.book.entries[i]
            if i in found:
                log.info("Adopting project %s, which an unanswered POST left.", found[i].project)
                self._is_taken(i, str(found[i].project), found[i].created_at or now)
            elif now >= certain_at(self.client, entry.at or now):
                (self._proven if entry.unanswered < MAX_UNANSWERED else self._hopeless).add(i)
        self.book.write()

    def _pause_until_certain(self) -> None:
        """Wait until the list must show what was sent."""
        sent = [at for i in self.awaited if (at := self.book.entries[i].at)]
        wait = (certain_at(self.client, max(sent)) - self.clock()).total_seconds() if sent else 0
        if wait > 0:
            log.info("%d rows are not listed yet; looking again in %.0f s, when they must be.", len(sent), wait)
            self.sleep(wait)


def certain_at(client: Sender, last_post: datetime) -> datetime:
    """When the list of movies must show what was sent then."""
    account = client.account
    return last_post + LEASE + timedelta(seconds=account.submit_timeout + account.adopt_wait)


def search(
    client: Sender, wanted: Callable[[Stamp], bool], since: datetime, now: datetime
) -> list[tuple[Stamp, MovieStatus]]:
    """Every render whose stamp is wanted.

    :raises SubmitAmbiguous: that could not be found out.
    """
    try:
        return list(find(client, wanted, since, now))
    except LookupFailed as e:
        raise SubmitAmbiguous(
            f"Earlier POSTs of this task may have been accepted, and looking for them failed: {e}. Nothing more was "
            "submitted; the next try looks again. Where that can never succeed, render the rest in a new DAG run"
        ) from e
