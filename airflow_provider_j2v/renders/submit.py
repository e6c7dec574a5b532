"""Intent, POST, adopt: the only place that spends money.

``POST /movies`` has no idempotency key and every accepted one is paid, while Airflow may run a task again at any
moment. So each render is written down before it is asked for, carries a tag by which it can be found, and is asked
for again only when a lookup that read every row has proved that the service never took it.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from airflow_provider_j2v.api.answers import MovieStatus
from airflow_provider_j2v.api.calls import get_movie, submit_movie
from airflow_provider_j2v.exceptions import (
    ApiError,
    ConfigurationError,
    JSON2VideoError,
    NotFound,
    RateLimited,
    ServerError,
    SubmitAmbiguous,
    Unreachable,
    UnreadableAnswer,
)
from airflow_provider_j2v.renders.identity import Identity, Stamp, new_tag
from airflow_provider_j2v.renders.ledger import Entry, Ledger, LedgerError
from airflow_provider_j2v.renders.lookup import CLOCK_SLACK, LookupFailed, find
from airflow_provider_j2v.renders.sender import Sender

log = logging.getLogger(__name__)

#: How long an intent allows its POST to begin. A worker that froze longer must ask the ledger again.
LEASE = timedelta(seconds=5)
#: Where no ledger tells a try that it was replaced, one that stood still for longer gives up.
FROZEN = timedelta(seconds=30)
#: How often a POST of which no byte was sent is begun anew in one try.
UNSENT_ATTEMPTS = 5
#: How long one try waits out a rate limit, in seconds.
RATE_LIMIT_PATIENCE = 300.0
#: How long finished files live at the service; older renders need not be looked for.
FILES_LIVE = timedelta(days=8)
#: A cleared task leaves a render alone that has not ended this long after its submission.
STUCK_AFTER = timedelta(minutes=30)


@dataclass(frozen=True)
class Prepared:
    """What is about to be paid for.

    :param movie: the document to send, everything resolved, without our stamp.
    :param estimated: what it will cost, credits from … to; None when that was not asked.
    """

    movie: Mapping[str, Any] = field(repr=False)  # it may hold the password of a destination
    estimated: tuple[float, float] | None = None


@dataclass(frozen=True)
class Order:
    """What one try of a task instance wants.

    :param prepare: called before a render is paid for, and only then: one that is there already is not checked again.
        What it raises stops the submission unpaid.
    :param identity: the task instance.
    :param fingerprint: the digest of the author's input.
    :param max_tries: Airflow's ``max_tries`` of this try.
    :param retries: the task's ``retries``.
    :param first_try: True when no earlier try of this task instance ran.
    :param run_after: when the DAG run was to start (aware): no render of it is older.
    :param waits: False when the task ends with the submission, so that its success says nothing of the render's end.
    """

    prepare: Callable[[], Prepared]
    identity: Identity
    fingerprint: str
    max_tries: int
    retries: int
    first_try: bool
    run_after: datetime
    waits: bool = True


@dataclass(frozen=True)
class Placed:
    """The render that serves an order.

    :param project: the service's id.
    :param how: ``submitted`` now and paid for, ``attached`` to one of an earlier try, or ``finished`` before.
    :param movie: its status, where it was looked at.
    :param estimated: what it was to cost, if that is known.
    """

    project: str
    how: Literal["submitted", "attached", "finished"]
    movie: MovieStatus | None = None
    estimated: tuple[float, float] | None = None


def post(client: Sender, movie: Mapping[str, Any], before_send: Callable[[], None] | None = None) -> str:
    """One POST, never repeated, its failures sorted by what they say about the money.

    :returns: the project id of the accepted, paid render.
    :raises SubmitAmbiguous: the service may have taken it.
    :raises Unreachable: no byte of it was sent.
    :raises RateLimited: it was not taken.
    :raises ApiError: it was refused.
    """
    try:
        return client.send(submit_movie(movie), before_send=before_send).project
    except (ServerError, UnreadableAnswer) as e:
        raise SubmitAmbiguous(_maybe(e)) from e
    except Unreachable as e:
        if not e.sent:
            raise
        raise SubmitAmbiguous(_maybe(e)) from e


def open_ledger(ledger: Ledger, *, first_try: bool, max_tries: int, retries: int) -> None:
    """Note that the first try began and nothing was sent yet, so that a later try need not look for a render.

    :raises LedgerError: it could not be noted.
    """
    if first_try and ledger.read() is None:
        now = _utcnow()
        tries = {"max_tries": max_tries, "retries": retries}
        nothing = Entry(
            state="finished", outcome="refused", tag=new_tag(), fingerprint="", first_at=now, at=now, **tries
        )
        ledger.write(nothing)


def close_ledger(
    ledger: Ledger, project: str, outcome: Literal["done", "error"], *, max_tries: int, retries: int
) -> None:
    """Write down that a render ended. The entry of another project is left as it is.

    :raises LedgerError: it could not be written; a retry finds the render ended.
    """
    entry = ledger.read()
    if entry is not None and entry.project == project:
        changes = {"state": "finished", "outcome": outcome, "max_tries": max_tries, "retries": retries}
        ledger.write(entry.model_copy(update=changes))


def _maybe(error: ApiError) -> str:
    return f"The movie was sent and no usable answer came back ({error}): it may or may not be rendering and charged"


class _LeaseExpired(Exception):
    """The intent is too old for its POST to begin."""


def _utcnow() -> datetime:
    return datetime.now(UTC)


@dataclass
class Submitter:
    """Gives an order exactly one paid render, whatever an earlier try of it left behind.

    :param client: sends calls; repeats none that are paid.
    :param ledger: the record of this task instance.
    :param clock: the wall clock, aware.
    :param sleep: pauses the worker, seconds.
    """

    client: Sender
    ledger: Ledger
    clock: Callable[[], datetime] = _utcnow
    sleep: Callable[[float], None] = time.sleep

    def place(self, order: Order) -> Placed:
        """Find the render of an earlier try, or submit a new one.

        :raises SubmitAmbiguous: whether one exists could not be found out; nothing more was spent.
        :raises LedgerError: the ledger failed, or a newer try owns the task; nothing more was spent.
        :raises ApiError: the service refused the movie; nothing was spent.
        """
        entry = self.ledger.read()
        if entry is None:
            return self._submit(order) if order.first_try else self._by_identity(order)
        cleared = order.max_tries != entry.max_tries or (entry.state == "finished" and order.retries != entry.retries)
        if entry.state == "intent":
            return self._by_tag(order, entry, cleared=cleared)
        if entry.state == "submitted":
            return self._attach(order, entry, cleared=cleared)
        if entry.outcome == "done" and not cleared:
            return self._return_finished(entry)
        return self._submit(order)

    # What an earlier try left behind.

    def _attach(self, order: Order, entry: Entry, *, cleared: bool) -> Placed:
        project, since = str(entry.project), entry.submitted_at or entry.at
        changed = entry.fingerprint != order.fingerprint
        if not cleared:
            if changed:
                self._warn_changed(project)
            log.info("Re-attaching to project %s, submitted by an earlier try; nothing is submitted.", project)
            return Placed(project, "attached", estimated=entry.estimated)
        movie = self._look(project)
        ended = movie is not None and movie.status in ("done", "error")
        if changed:
            reason = "the input has changed"
        elif movie is None:
            reason = "the service does not know it any more"
        elif movie.status == "error":
            reason = "it ended in an error"
        elif movie.status == "done" and not movie.url:
            reason = "its file is gone: files live 7 days at the service"
        elif movie.status == "done" and not order.waits:
            reason = "it has ended"
        elif not ended and self.clock() - since > STUCK_AFTER:
            reason = f"it has not ended {STUCK_AFTER.total_seconds() / 60:.0f} minutes after its submission"
        else:
            log.info("Re-attaching to project %s: the input is the same; nothing is submitted.", project)
            # Answered: for the next try this clear lies behind.
            self._write(entry, max_tries=order.max_tries, retries=order.retries)
            return Placed(project, "attached", movie, entry.estimated)
        prepared = order.prepare()  # what is refused replaces nothing
        self._give_up(project, reason, still_running=not ended)
        return self._submit(order, prepared=prepared)

    def _return_finished(self, entry: Entry) -> Placed:
        project = str(entry.project)
        movie = self._look(project)
        if movie is None or movie.status != "done" or not movie.url:
            raise NotFound(
                None,
                f"Project {project} was rendered and paid for by an earlier try, but its file is gone (files live "
                "7 days at the service). Nothing was submitted; clear the task to render it anew",
            )
        log.info("Project %s was finished by an earlier try; nothing is submitted.", project)
        return Placed(project, "finished", movie, entry.estimated)

    def _look(self, project: str) -> MovieStatus | None:
        try:
            return self.client.send(get_movie(project)).movie
        except NotFound:
            return None

    def _give_up(self, project: str, reason: str, *, still_running: bool) -> None:
        fate = " It goes on at the service and is charged all the same, there is no cancel." if still_running else ""
        log.warning("Project %s of an earlier try is given up because %s.%s", project, reason, fate)

    def _warn_changed(self, project: str) -> None:
        log.warning(
            "The input of this task has changed since project %s was submitted by an earlier try. It is paid for and "
            "stays the one to wait for; clear the task to render the changed input.",
            project,
        )

    # Adoption: was the POST of an earlier try taken?

    def _by_tag(self, order: Order, intent: Entry, *, cleared: bool) -> Placed:
        """An intent without a project: adopt what carries its tag, or submit again under the same tag."""
        found = self._find_tag(intent)
        if found is None:
            log.info("The movie of the earlier intent never reached the service; submitting it.")
            return self._submit(order, intent)
        stamp, row = found
        placed = self._adopt(order, intent, found)
        if stamp.fingerprint != order.fingerprint:
            if cleared:
                running = row.status not in ("done", "error")
                self._give_up(placed.project, "the input has changed", still_running=running)
                return self._submit(order)
            self._warn_changed(placed.project)
        return placed

    def _adopt(self, order: Order, intent: Entry, found: tuple[Stamp, MovieStatus]) -> Placed:
        project = str(found[1].project)
        log.info("Adopting project %s, which an earlier POST of this task left; nothing is submitted.", project)
        now = intent.model_copy(update={"max_tries": order.max_tries, "retries": order.retries})
        return self._record(now, project, found[1].created_at)

    def _find_tag(self, intent: Entry) -> tuple[Stamp, MovieStatus] | None:
        found = self._search(lambda stamp: stamp.tag == intent.tag, intent.first_at, intent.at)
        for _, row in found[1:]:
            log.error("Project %s carries the same tag: it was charged a second time.", row.project)
        return found[0] if found else None

    def _by_identity(self, order: Order) -> Placed:
        """No entry, though an earlier try ran: look for renders of this task instance."""
        if order.identity.namespace is None:
            log.warning(
                "Looking for renders of this task without a namespace: set extra 'namespace' on the connection when "
                "several Airflow installations share the JSON2Video account."
            )
        now = self.clock()
        since = max(order.run_after, now - FILES_LIVE + CLOCK_SLACK)
        rows = self._search(lambda stamp: stamp.identity == order.identity, since, now)
        for stamp, row in sorted(rows, key=lambda found: str(found[1].created_at), reverse=True):
            project = str(row.project)
            changed = stamp.fingerprint != order.fingerprint
            own_retry = stamp.max_tries == order.max_tries
            running = row.status not in ("done", "error")
            if (row.status == "done" and own_retry) or (running and (own_retry or not changed)):
                if changed:
                    self._warn_changed(project)
                intent = Entry(state="intent", tag=stamp.tag, first_at=now, at=now, **self._input(order))
                return self._adopt(order, intent, (stamp, row))
            if running:
                self._give_up(project, "the input has changed", still_running=True)
        return self._submit(order)

    def _search(
        self, wanted: Callable[[Stamp], bool], since: datetime, last_post: datetime
    ) -> list[tuple[Stamp, MovieStatus]]:
        """Look now, and where nothing shows once more when the list must have caught up with the last POST."""
        account = self.client.account
        certain_at = last_post + LEASE + timedelta(seconds=account.submit_timeout + account.adopt_wait)
        try:
            found = list(find(self.client, wanted, since, self.clock()))
            wait = (certain_at - self.clock()).total_seconds()
            if not found and wait > 0:
                log.info(
                    "No render with this tag is listed yet; looking again in %.0f s, when the list must show it.", wait
                )
                self.sleep(wait)
                found = list(find(self.client, wanted, since, self.clock()))
        except LookupFailed as e:
            raise SubmitAmbiguous(
                f"An earlier POST of this task may have been accepted, and looking for it failed: {e}. Nothing was "
                "submitted; the next try looks again. Where that can never succeed, render it in a new DAG run"
            ) from e
        return found

    # The POST.

    def _submit(
        self, order: Order, intent: Entry | None = None, *, prepared: Prepared | None = None, again: bool = False
    ) -> Placed:
        """Submit under a new tag, or under that of an intent whose POST was proved not taken.

        :param again: this try has already sent one POST; it sends two at the most.
        """
        prepared = prepared or order.prepare()
        tag = intent.tag if intent else new_tag()
        stamp = Stamp(tag, order.identity, order.max_tries, order.fingerprint)
        stamped = replace(prepared, movie=stamp.on(prepared.movie))
        submit_movie(stamped.movie)  # a movie that is not JSON fails here, before anything is written down
        try:
            return self._send(order, stamped, tag, intent)
        except SubmitAmbiguous as e:
            log.warning("%s. Looking for it.", e)
            unanswered = self.ledger.read()
            if unanswered is None or unanswered.tag != tag:
                raise
            if found := self._find_tag(unanswered):
                return self._adopt(order, unanswered, found)
            if again:
                raise
            log.info("It never reached the service; submitting it again.")
            return self._submit(order, unanswered, prepared=prepared, again=True)

    def _send(self, order: Order, prepared: Prepared, tag: str, earlier: Entry | None) -> Placed:
        first_at = earlier.first_at if earlier else self.clock()
        unsent = 0
        patience = self.clock() + timedelta(seconds=RATE_LIMIT_PATIENCE)
        while True:
            now = self.clock()
            known = {"tag": tag, "first_at": first_at, "at": now, "estimated": prepared.estimated}
            intent = Entry(state="intent", **known, **self._input(order))
            self.ledger.write(intent)
            try:
                project = post(self.client, prepared.movie, self._lease(intent))
            except _LeaseExpired:
                if not self.ledger.fences and self.clock() - intent.at > FROZEN:
                    raise LedgerError(
                        "This try stood still while it was submitting, and below Airflow 3.3 it cannot know whether a "
                        "newer one has taken over. It sent nothing and stops; the next try looks for a render first"
                    ) from None
                unsent += 1
                if unsent >= UNSENT_ATTEMPTS:
                    self._take_back(intent, earlier)
                    raise Unreachable("Connecting took too long each time; nothing was sent", sent=False) from None
            except RateLimited as e:
                pause = e.retry_after or 10.0
                if self.clock() + timedelta(seconds=pause) > patience:
                    self._take_back(intent, earlier)
                    raise
                log.info("The service asks to wait (%s): nothing was taken, again in %.0f s.", e, pause)
                self.sleep(pause)
            except Unreachable as e:
                unsent += 1
                if unsent >= UNSENT_ATTEMPTS:
                    self._take_back(intent, earlier)
                    raise
                pause = min(2.0**unsent, 20.0) * random.uniform(0.75, 1.25)
                log.info("%s; trying again in %.0f s.", e, pause)
                self.sleep(pause)
            except (ApiError, ConfigurationError) as e:
                log.error("The movie was refused (%s): this submission renders nothing and charges nothing.", e)
                self._take_back(intent, earlier)
                raise
            else:
                log.info("Submitted project %s; from here on it is paid for.", project)
                return self._record(intent, project, None, how="submitted")

    def _take_back(self, intent: Entry, earlier: Entry | None) -> None:
        """Nothing was taken under this tag, unless an earlier POST was: then the next try still has to look for it."""
        if earlier is None:
            self._write(intent, state="finished", outcome="refused")

    def _lease(self, intent: Entry) -> Callable[[], None]:
        def check() -> None:
            if self.clock() - intent.at > LEASE:
                raise _LeaseExpired

        return check

    def _record(
        self,
        entry: Entry,
        project: str,
        created_at: datetime | None,
        how: Literal["submitted", "attached"] = "attached",
    ) -> Placed:
        submitted_at = created_at or self.clock()
        try:
            self._write(entry, state="submitted", project=project, submitted_at=submitted_at)
        except JSON2VideoError:
            log.error("Project %s is submitted and paid for, but could not be written down.", project)
            raise
        return Placed(project, how, estimated=entry.estimated)

    def _write(self, entry: Entry, **changes: Any) -> None:
        self.ledger.write(entry.model_copy(update=changes))

    @staticmethod
    def _input(order: Order) -> dict[str, Any]:
        return {"fingerprint": order.fingerprint, "max_tries": order.max_tries, "retries": order.retries}
