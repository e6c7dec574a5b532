"""The records of a task instance in Airflow's task state store (3.3 and later), or for one try in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_j2v.renders.ledger import Entry, Ledger, LedgerError, Superseded

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_j2v.renders.rows import Documents

KEY = "json2video"


class TaskStateDocuments:
    """Values of the task instance's store, which survive retries and clears and never expire: ``rows.Documents``."""

    fences = True

    def __init__(self, store: Any) -> None:
        self._store = store

    def get(self, name: str) -> Any:
        """See ``Documents.get``."""
        try:
            return self._store.get(name)
        except Exception as e:
            raise _sorted(e, "read") from e

    def set(self, name: str, value: Any) -> None:
        """See ``Documents.set``."""
        from airflow.sdk.execution_time.context import NEVER_EXPIRE

        try:
            self._store.set(name, value, retention=NEVER_EXPIRE)
        except Exception as e:
            raise _sorted(e, "written") from e


class TaskStateLedger:
    """The entry of a task instance that renders one movie, under one key of its store."""

    fences = True

    def __init__(self, store: Any) -> None:
        self._documents = TaskStateDocuments(store)

    def read(self) -> Entry | None:
        """See ``Ledger.read``."""
        value = self._documents.get(KEY)
        try:
            return None if value is None else Entry.model_validate(value)
        except ValueError as e:
            raise _sorted(e, "read") from e

    def write(self, entry: Entry) -> None:
        """See ``Ledger.write``."""
        self._documents.set(KEY, entry.model_dump(mode="json"))


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


class MemoryDocuments:
    """Values of one try, where Airflow has no store; see ``MemoryLedger``."""

    fences = False

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        """See ``Documents.get``."""
        return self._values.get(name)

    def set(self, name: str, value: Any) -> None:
        """See ``Documents.set``."""
        self._values[name] = value


def documents_of(context: Context) -> Documents:
    """Where the record of the running task instance's batch is kept."""
    store = context.get("task_state_store")
    return MemoryDocuments() if store is None else TaskStateDocuments(store)


def ledger_of(context: Context) -> Ledger:
    """The ledger of the running task instance."""
    store = context.get("task_state_store")
    return MemoryLedger() if store is None else TaskStateLedger(store)


def _sorted(error: Exception, what: str) -> LedgerError:
    detail = getattr(getattr(error, "error", None), "detail", None)
    if isinstance(detail, dict) and detail.get("status_code") == 404:
        return Superseded("Airflow has replaced this try by a newer one, which owns the render now; this one stops")
    return LedgerError(f"The task state store could not be {what}: {error}. Nothing is submitted without it")
