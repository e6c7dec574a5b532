"""The life of a batch: what a try finds of an earlier one, what it submits, and what has ended."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from airflow_provider_j2v.api.answers import MovieStatus
from airflow_provider_j2v.api.calls import get_movie
from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.exceptions import ApiError, ConfigurationError, JSON2VideoError, MovieError, NotFound
from airflow_provider_j2v.renders.identity import Stamp
from airflow_provider_j2v.renders.inheritance import Inheritance, adopted, ended, has_ended
from airflow_provider_j2v.renders.lookup import CLOCK_SLACK
from airflow_provider_j2v.renders.rows import Book, Documents, Head, Row, RowEntry, read_head, write_head
from airflow_provider_j2v.renders.sender import Sender
from airflow_provider_j2v.renders.spending import Many, Spender, Spends, certain_at, in_threads, search
from airflow_provider_j2v.renders.submit import FILES_LIVE

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchOrder(Spends):
    """What one try of a batch wants.

    :param read: the rows, asked for when a batch begins; a retry has those of its first try.
    :param check: called with all rows, and the places of those that are to be paid for, before any is: gives what each
        of these will cost (credits from … to, or None). What it raises stops the batch unpaid.
    :param are_home: whether the files that entries name are really there, so that the service's are not needed.
    :param common: gives the digest of what is the same for all rows.
    :param retries: the task's ``retries``.
    :param first_try: True when no earlier try of this task instance ran.
    :param run_after: when the DAG run was to start (aware): no render of it is older.
    """

    read: Callable[[], Sequence[Row]]
    check: Callable[[Sequence[Row], Sequence[int]], Sequence[tuple[float, float] | None]]
    are_home: Callable[[Sequence[tuple[Row, RowEntry]]], Sequence[bool]]
    common: Callable[[], str]
    retries: int
    first_try: bool
    run_after: datetime


def _utcnow() -> datetime:
    return datetime.now(UTC)


class Batch:
    """Gives each row exactly one paid render, whatever earlier tries left behind.

    :param client: sends calls, from several threads; repeats none that are paid.
    :param documents: where the record is kept; touched by the calling thread only.
    :param clock: the wall clock, aware.
    :param sleep: pauses the worker, seconds.
    :param many: does some work on many items.
    :param on_end: hears of each render that has ended, once its end is written down.
    """

    def __init__(
        self,
        client: Sender,
        documents: Documents,
        order: BatchOrder,
        *,
        clock: Callable[[], datetime] = _utcnow,
        sleep: Callable[[float], None] = time.sleep,
        many: Many = in_threads,
        on_end: Callable[[MovieStatus], None] = lambda movie: None,
    ) -> None:
        self._client = client
        self._documents = documents
        self._order = order
        self._clock = clock
        self._sleep = sleep
        self._many = many
        self._on_end = on_end
        self._spender: Spender | None = None
        #: What the service said of the renders that were taken last, by project.
        self.ends: dict[str, MovieStatus] = {}

    # What is known of the rows, once the batch is open.

    @property
    def spender(self) -> Spender:
        """Who submits them."""
        if self._spender is None:
            raise RuntimeError("the batch is not open")
        return self._spender

    @property
    def book(self) -> Book:
        """The record."""
        return self.spender.book

    @property
    def is_open(self) -> bool:
        """Whether it has a record."""
        return self._spender is not None

    @property
    def halted(self) -> JSON2VideoError | None:
        """Why nothing more is submitted for now: the account or the way to it, not a row."""
        return self.spender.halted

    @property
    def in_flight(self) -> list[str]:
        """The projects that are rendering."""
        return [str(self.book.entries[i].project) for i in self.book.which("submitted")]

    @property
    def failed(self) -> int:
        """Rows that ended without a movie."""
        return sum(entry.outcome in ("error", "refused") for entry in self.book.entries)

    # Opening: what earlier tries left behind.

    def open(self) -> None:
        """Begin the batch, or take it up where an earlier try left it. Pays nothing.

        :raises SubmitAmbiguous: whether renders of an earlier try exist could not be found out.
        :raises LedgerError: the record failed, or a newer try owns the task.
        :raises MovieError: something is wrong with the rows.
        """
        order = self._order
        head = read_head(self._documents)
        if head is None and order.first_try:
            head = self._head(0)
            write_head(self._documents, head)  # a later try need not look for renders of this one
        if head is None:
            self._rebuild(last_post=None, checked=False)
        elif head.generation == 0:
            rows = order.read()
            entries = [RowEntry() for _ in rows]
            self._price(rows, entries)
            self._begin(1, rows, entries)
        elif order.max_tries != head.max_tries or (head.ended and order.retries != head.retries):
            self._take_over(Book.of(self._documents, head))
        else:
            self._retry(Book.of(self._documents, head))

    def resume(self, last_post: float | None = None, refused: str | None = None) -> None:
        """Take the batch up after a wait within one try.

        :param last_post: when the try began its last POSTs (epoch seconds), for where the record does not survive.
        :param refused: why the try submits nothing, if it found that out: see ``refused``.
        """
        head = read_head(self._documents)
        if head is None or head.generation == 0:
            self._rebuild(last_post=last_post, checked=True)
        else:
            self._spender = self._spend_from(Book.of(self._documents, head))
        self.spender.refused = MovieError(refused) if refused else None

    def _spend_from(self, book: Book) -> Spender:
        return Spender(self._client, book, self._order, self._clock, self._sleep, self._many)

    def _retry(self, book: Book) -> None:
        self._spender = self._spend_from(book)
        self._spender.forgive()
        log.info("Taking up the batch of an earlier try: %s.", told(book.entries))
        self.take(self.in_flight)
        try:
            if book.head.common != self._order.common():
                log.warning(
                    "The movie of this batch, or what is laid over it, has changed since its first try: rows that are "
                    "not submitted yet are rendered as it is now. Clear the task to render the others anew."
                )
            self._price(book.rows, book.entries)
        except (MovieError, ConfigurationError) as e:
            self._refuse(book.entries, e)

    def _refuse(self, entries: Sequence[RowEntry], error: JSON2VideoError) -> None:
        """Submit nothing more in this try: what earlier ones have paid for is seen to its end all the same."""
        if any(entry.state in ("waiting", "intent") for entry in entries):
            log.error("No more rows are submitted in this try: %s", error)
            self.spender.refused = error
        else:
            log.warning("%s It is not needed: every row was submitted before.", error)

    def _begin(self, generation: int, rows: Sequence[Row], entries: list[RowEntry]) -> None:
        had = sum(entry.state == "finished" for entry in entries)
        book = Book(self._documents, self._head(generation).model_copy(update={"had": had}), rows, entries)
        book.begin()
        self._spender = self._spend_from(book)

    def _head(self, generation: int) -> Head:
        order = self._order
        tries = {"max_tries": order.max_tries, "retries": order.retries}
        common = order.common() if generation else ""
        return Head(generation=generation, began_at=self._clock(), common=common, **tries)

    def _price(self, rows: Sequence[Row], entries: list[RowEntry]) -> None:
        new = [i for i, entry in enumerate(entries) if entry.state == "waiting"]
        for i, estimated in zip(new, self._order.check(rows, new), strict=True):
            entries[i] = entries[i].changed(estimated=estimated)

    def _take_over(self, old: Book) -> None:
        """A person has cleared the task: keep what is as it was asked for, render the rest."""
        for i in self._spend_from(old).settle_all():
            old.put(i, RowEntry())
        rows = self._order.read()
        heritage = Inheritance(old, rows, self._order.fingerprint, self._order.are_home)
        entries = heritage.entries(self._look_at_all(heritage.projects), self._clock())
        self._price(rows, entries)
        self._begin(old.head.generation + 1, rows, entries)
        heritage.tell()
        log.info("The task was cleared: %s.", told(entries))

    def _rebuild(self, *, last_post: float | None, checked: bool) -> None:
        """No record, though an earlier try ran: the service itself is asked what it has of this task instance."""
        order = self._order
        if order.identity.namespace is None:
            log.warning(
                "Looking for renders of this task without a namespace: set extra 'namespace' on the connection when "
                "several Airflow installations share the JSON2Video account."
            )
        rows = order.read()
        now = self._clock()
        found = self._found(now)
        own = {stamp.identity.row for stamp, _ in found if stamp.max_tries == order.max_tries}
        last = now if last_post is None else datetime.fromtimestamp(last_post, UTC)
        wait = (certain_at(self._client, last) - now).total_seconds()
        if wait > 0 and not {row.name for row in rows} <= own:
            log.info("Waiting %.0f s until the list of movies must show what an earlier try may have sent.", wait)
            self._sleep(wait)
            found = self._found(now)
        of: defaultdict[str | None, list[tuple[Stamp, MovieStatus]]] = defaultdict(list)
        for stamp, movie in sorted(found, key=lambda pair: str(pair[1].created_at), reverse=True):
            of[stamp.identity.row].append((stamp, movie))
        entries = [adopted(of[row.name], order.fingerprint(row), order.max_tries, now) for row in rows]
        known = {entry.project for entry in entries}
        refused = None
        try:
            if not checked:
                self._price(rows, entries)
        except (MovieError, ConfigurationError) as e:
            if not any(entry.project for entry in entries):
                raise
            refused = e
        self._begin(1, rows, entries)
        if refused:
            self._refuse(entries, refused)
        for stamp, movie in found:
            if movie.project not in known and not has_ended(movie):
                log.warning(
                    "Row %s: project %s is given up because the row has changed, or is not among the items any more; "
                    "it goes on at the service and is charged all the same, there is no cancel.",
                    escape(str(stamp.identity.row), 80),
                    movie.project,
                )
        log.info("Found at the service: %s.", told(entries))

    def _found(self, now: datetime) -> list[tuple[Stamp, MovieStatus]]:
        """What the service has of this task instance."""

        def is_ours(stamp: Stamp) -> bool:
            return stamp.identity.row is not None and replace(stamp.identity, row=None) == self._order.identity

        since = max(self._order.run_after, now - FILES_LIVE + CLOCK_SLACK)
        return search(self._client, is_ours, since, self._clock())

    # The ends of rows.

    def take(self, projects: Collection[str]) -> int:
        """Ask the service itself about renders that are said to have ended; how many really have.

        One that cannot be asked about now is left as it is.
        """
        book = self.book
        places = [i for i in book.which("submitted") if book.entries[i].project in projects]
        answers = self._many(self._look, [str(book.entries[i].project) for i in places])
        over: dict[str, MovieStatus] = {}
        for i, answer in zip(places, answers, strict=True):
            project = str(book.entries[i].project)
            if isinstance(answer, ApiError):
                log.info("Project %s could not be looked at: %s", project, answer)
            elif has_ended(answer):
                book.put(i, ended(book.entries[i], answer))
                over[project] = answer
        book.write()
        self.ends = over
        for movie in over.values():
            self._on_end(movie)
        return len(over)

    def _look(self, project: str) -> MovieStatus | ApiError:
        try:
            return self._client.send(get_movie(project)).movie
        except ApiError as e:
            return e

    def _look_at_all(self, projects: Sequence[str]) -> dict[str, MovieStatus | None]:
        """The present state of renders; None for one that the service does not know any more.

        :raises ApiError: one could not be looked at.
        """
        looked: dict[str, MovieStatus | None] = {}
        for project, answer in zip(projects, self._many(self._look, projects), strict=True):
            if isinstance(answer, ApiError) and not isinstance(answer, NotFound):
                raise answer
            looked[project] = None if isinstance(answer, ApiError) else answer
        return looked


def told(entries: Sequence[RowEntry]) -> str:
    """How many rows are where, in words."""
    states = Counter[str](entry.outcome or entry.state for entry in entries)
    names = {"error": "failed", "submitted": "in flight", "intent": "unclear", "waiting": "to submit"}
    order = ("done", "error", "refused", "submitted", "intent", "waiting")
    return ", ".join(f"{states[name]:,} {names.get(name, name)}" for name in order if states[name]) or "no rows"
