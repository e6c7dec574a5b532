"""What a batch takes over: from its record when a person cleared the task, or from the service when there is none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from airflow_provider_j2v.api.answers import MovieStatus
from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.renders.identity import Stamp
from airflow_provider_j2v.renders.result import charged_of
from airflow_provider_j2v.renders.rows import MAX_REASON, Book, Row, RowEntry
from airflow_provider_j2v.renders.submit import STUCK_AFTER

log = logging.getLogger(__name__)

#: So many rows are told one by one in the log.
SHOWN = 20
GONE = "its file is gone: files live 7 days at the service, or until they are deleted"


def has_ended(movie: MovieStatus | None) -> bool:
    """Whether a render came to its end."""
    return movie is not None and movie.status in ("done", "error")


def ended(entry: RowEntry, movie: MovieStatus) -> RowEntry:
    """The entry of a row whose render has ended."""
    done = movie.status == "done"
    error = (None if movie.url else GONE) if done else escape(movie.message or "no reason was given", MAX_REASON)
    return entry.changed(
        state="finished",
        outcome="done" if done else "error",
        url=movie.url,
        duration=movie.duration,
        size=movie.size,
        charged=charged_of(movie.consumed_credits),
        error=error,
    )


class Inheritance:
    """What becomes of the rows of a cleared task: what is as it was asked for stays, the rest is paid for anew.

    :param old: the record of the generation before.
    :param rows: those of the new one.
    :param fingerprint: the digest of what the author wants of a row now.
    :param are_home: whether the files that entries name are really there.
    """

    def __init__(
        self,
        old: Book,
        rows: Sequence[Row],
        fingerprint: Callable[[Row], str],
        are_home: Callable[[Sequence[tuple[Row, RowEntry]]], Sequence[bool]],
    ) -> None:
        self._rows = rows
        before = {row.name: entry for row, entry in old.pairs()}
        self._before = [before.pop(row.name, RowEntry()) for row in rows]
        self._removed = before
        self._wanted = [fingerprint(row) for row in rows]
        done = [i for i in range(len(rows)) if self._is_done(i)]
        home = are_home([(rows[i], self._before[i]) for i in done])
        self._home = {i for i, is_home in zip(done, home, strict=True) if is_home}
        self._given_up: list[str] = []

    def _is_done(self, i: int) -> bool:
        entry = self._before[i]
        return entry.outcome == "done" and entry.fingerprint == self._wanted[i]

    @property
    def projects(self) -> list[str]:
        """The renders whose present state decides."""
        running = [e for e in (*self._before, *self._removed.values()) if e.state == "submitted"]
        elsewhere = [e for i, e in enumerate(self._before) if self._is_done(i) and i not in self._home]
        return [str(entry.project) for entry in (*running, *elsewhere)]

    def entries(self, looked: Mapping[str, MovieStatus | None], now: datetime) -> list[RowEntry]:
        """The entries to begin with.

        :param looked: the present state of ``projects``; None for one that the service does not know any more.
        """
        entries = [self._kept(i, looked, now) or RowEntry() for i in range(len(self._rows))]
        for name, entry in self._removed.items():
            if entry.state == "submitted" and not has_ended(looked[str(entry.project)]):
                self._give_up(name, entry, "it is not among the items any more", running=True)
        return entries

    def _kept(self, i: int, looked: Mapping[str, MovieStatus | None], now: datetime) -> RowEntry | None:
        row, entry = self._rows[i], self._before[i]
        if i in self._home:
            return entry
        if entry.state != "submitted" and not self._is_done(i):
            return None
        movie = looked[str(entry.project)]
        if entry.state == "submitted" and entry.fingerprint != self._wanted[i]:
            reason = "it has changed"
        elif movie is None:
            reason = "the service does not know its render any more"
        elif movie.status == "error":
            reason = "its render ended in an error"
        elif movie.status == "done" and not movie.url:
            reason = GONE
        elif movie.status == "done":
            return ended(entry.changed(file=None, missed=None), movie)
        elif entry.submitted_at and now - entry.submitted_at > STUCK_AFTER:
            reason = f"it has not ended {STUCK_AFTER.total_seconds() / 60:.0f} minutes after its submission"
        else:
            return entry.changed(unanswered=0)
        self._give_up(row.name, entry, reason, running=not has_ended(movie))
        return None

    def _give_up(self, name: str, entry: RowEntry, reason: str, *, running: bool) -> None:
        fate = "; it goes on at the service and is charged all the same, there is no cancel" if running else ""
        self._given_up.append(f"Row {escape(name, 80)}: project {entry.project} is given up because {reason}{fate}.")

    def tell(self) -> None:
        """Name what is given up, once nothing can refuse the new rows any more."""
        for line in self._given_up[:SHOWN]:
            log.warning("%s", line)
        if len(self._given_up) > SHOWN:
            log.warning("%d more renders are given up.", len(self._given_up) - SHOWN)


def adopted(found: Iterable[tuple[Stamp, MovieStatus]], fingerprint: str, max_tries: int, now: datetime) -> RowEntry:
    """The entry of a row of which only the service has a record.

    :param found: renders of this row, the newest first.
    :param max_tries: of this try: a render of an earlier one was there before a person cleared the task.
    """
    for stamp, movie in found:
        own = stamp.max_tries == max_tries
        same = own or stamp.fingerprint == fingerprint
        entry = RowEntry(
            state="submitted",
            tag=stamp.tag,
            fingerprint=stamp.fingerprint,
            first_at=now,
            at=now,
            project=movie.project,
            submitted_at=movie.created_at or now,
        )
        if same and not has_ended(movie):
            return entry
        if (movie.status == "done" and same and (own or movie.url)) or (movie.status == "error" and own):
            return ended(entry, movie)
    return RowEntry()
