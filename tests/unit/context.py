"""The little of Airflow's context that a unit test needs: no database, no supervisor."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import airflow.sdk.execution_time.context
import pytest

from airflow_provider_j2v.sandbox import Sandbox


class TaskInstance(SimpleNamespace):
    def __init__(self, **fields: Any) -> None:
        super().__init__(xcoms={}, **fields)

    def xcom_push(self, key: str, value: Any) -> None:
        json.dumps(value)
        self.xcoms[key] = value

    def xcom_pull(self, **_: Any) -> Any:
        return self.xcoms.get("return_value")

    def get_first_reschedule_date(self, _: Any) -> None:
        return None


#: Below Airflow 3.3 there is no store, and the service itself is what a retry looks through.
HAS_STORE = hasattr(airflow.sdk.execution_time.context, "NEVER_EXPIRE")


class Store:
    """As ``task_state_store``: values go through JSON and are never None."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.values[key]) if key in self.values else default

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        assert value is not None
        self.values[key] = json.dumps(value)


def a_context(
    *,
    dag_id: str = "dag",
    run_id: str = "run",
    task_id: str = "render",
    map_index: int = -1,
    try_number: int = 1,
    max_tries: int = 0,
    store: Store | None = None,
    folder: Path | None = None,
    **words: Any,
) -> Any:
    """A context of one try; ``words`` are what Jinja finds."""
    ti = TaskInstance(
        dag_id=dag_id,
        run_id=run_id,
        task_id=task_id,
        map_index=map_index,
        try_number=try_number,
        max_tries=max_tries,
    )
    context = {
        "ti": ti,
        "dag_run": SimpleNamespace(run_after=datetime.now(UTC)),
        "dag": SimpleNamespace(folder=str(folder or Path(__file__).parent)),
        **words,
    }
    return context | ({"task_state_store": store or Store()} if HAS_STORE else {})


def connect(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, **fields: Any) -> None:
    """The default connection, to the sandbox unless ``fields`` say otherwise."""
    connection = {"conn_type": "json2video", "host": sandbox.url, "password": "sandbox"} | fields
    connection.setdefault("extra", {"submit_timeout": 2, "adopt_wait": 0.1})
    monkeypatch.setenv("AIRFLOW_CONN_JSON2VIDEO_DEFAULT", json.dumps(connection))
