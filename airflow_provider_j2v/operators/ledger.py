"""The ledger of a task instance in Airflow's task state store (3.3 and later), or for one try in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_j2v.renders.ledger import Entry, Ledger, LedgerError, Superseded

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

KEY = "json2video"


class TaskStateLedger:
    """The entry under one key of the task instance's store, which survives retries and clears and never expires."""

    fences = True

    def __init__(self, store: Any) -> None:
        self._store = store

    def read(self) -> Entry | None:
        """See ``Ledger.read``."""
        try:
            value = self._store.get(KEY)
            return None if value is None else Entry.model_validate(value)
        except Exception as e:
            raise _sorted(e, "read") from e

    def write(self, entry: Entry) -> None:
        """See ``Ledger.write``."""
        from airflow.sdk.execution_time.context import NEVER_EXPIRE

        try:
            self._store.set(KEY, entry.model_dump(mode="json"), retention=NEVER_EXPIRE)
        except Exception as e:
            raise _sorted(e, "written") from e


class MemoryLedger:
    """What is known within one try, where Airflow has no store: after it, the service itself is looked through."""

    fences = False

    def __init__(self) -> None:
        self._entry: Entry | None = None

    def read(self) -> Entry | None:
        """See ``Ledger.read``."""
        return self._entry

    def write(self, entry: Entry) -> None:
        """See ``Ledger.write``."""
        self._entry = entry


def ledger_of(context: Context) -> Ledger:
    """The ledger of the running task instance."""
    store = context.get("task_state_store")
    return MemoryLedger() if store is None else TaskStateLedger(store)


def _sorted(error: Exception, what: str) -> LedgerError:
    detail = getattr(getattr(error, "error", None), "detail", None)
    if isinstance(detail, dict) and detail.get("status_code") == 404:
        return Superseded("Airflow has replaced this try by a newer one, which owns the render now; this one stops")
    return LedgerError(f"The task state store could not be {what}: {error}. Nothing is submitted without it")
