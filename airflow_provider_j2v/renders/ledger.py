"""The record of what was intended, submitted and finished for one task instance."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from airflow_provider_j2v.exceptions import JSON2VideoError


class LedgerError(JSON2VideoError):
    """The record of the render, in Airflow's task state store, could not be read or written.

    :money: nothing is sent without it. A render of an earlier try goes on, and is charged when it finishes.
    :do: nothing: the retry reads it again. If that does not help, look at Airflow's API server and database.
    """


class Superseded(LedgerError):
    """Airflow no longer knows this try: a newer one owns the task instance, and this one must not spend.

    :money: this try sent nothing.
    :do: nothing: look at the newer try.
    """


class Entry(BaseModel):
    """What is known of a task instance's render. Rewritten as it goes on, never deleted.

    :param state: ``intent`` (a POST may be under way), ``submitted`` (accepted and paid) or ``finished``.
    :param tag: the tag the movie carries at the service.
    :param fingerprint: the digest of the author's input.
    :param first_at: when the first intent under this tag was written (aware).
    :param at: when the last one was: the start of the lease.
    :param max_tries: Airflow's ``max_tries`` then; a person's clear raises it, a retry does not.
    :param retries: the task's ``retries`` then.
    :param project: the service's id, from ``submitted`` on.
    :param outcome: how a finished one ended; ``refused`` means nothing was taken.
    :param estimated: what it was to cost, credits from … to; None when that was not asked.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: Literal["intent", "submitted", "finished"]
    tag: str
    fingerprint: str
    first_at: datetime
    at: datetime
    max_tries: int
    retries: int
    project: str | None = None
    submitted_at: datetime | None = None
    outcome: Literal["done", "error", "refused"] | None = None
    estimated: tuple[float, float] | None = None


class Ledger(Protocol):
    """Where the entry is kept: one for each task instance, surviving its tries.

    ``fences`` is True when a try that Airflow has replaced can no longer write.
    """

    fences: bool

    def read(self) -> Entry | None:
        """The entry, or None when there is none.

        :raises LedgerError: it could not be read.
        """

    def write(self, entry: Entry) -> None:
        """Replace the entry.

        :raises Superseded: a newer try owns the task instance.
        :raises LedgerError: it could not be written.
        """
