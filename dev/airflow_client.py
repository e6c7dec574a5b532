"""Airflow's REST API as a test or a demo wants it: trigger, watch, and look at what came out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx

T = TypeVar("T")


class BoxError(RuntimeError):
    """Airflow itself failed: a component died, a DAG did not parse, a command or a request was refused."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class AirflowClient:
    """The REST API v2 of one Airflow that lets everybody in (SimpleAuthManager, all admins)."""

    def __init__(self, url: str) -> None:
        self.url = url
        # SQLite lets a request wait for up to a minute while many tasks write.
        self._client = httpx.Client(base_url=url, timeout=90, trust_env=False)

    def check(self) -> None:
        """Called while waiting; raises when there is nothing left to wait for."""

    def rest(self, method: str, path: str, **request: Any) -> Any:
        """The decoded answer of Airflow's REST API; `path` is what follows /api/v2/."""
        if "Authorization" not in self._client.headers:
            token = self._client.get("/auth/token").json()["access_token"]
            self._client.headers["Authorization"] = f"Bearer {token}"
        for pause in (1, 2, 4, 0):  # SQLite: what was asked is undone, and may be asked again
            answer = self._client.request(method, f"/api/v2/{path}", **request)
            if answer.status_code != 500 or "Database error" not in answer.text:
                break
            time.sleep(pause)
        if not answer.is_success:
            raise BoxError(f"{method} {path}: {answer.status_code} {answer.text[:2000]}", answer.status_code)
        return answer.json() if answer.content else None

    def add_connection(self, conn_id: str, **fields: Any) -> None:
        """Store a connection in the metadata database, where a triggerer has to look it up for real."""
        if not isinstance(extra := fields.get("extra", ""), str):
            fields["extra"] = json.dumps(extra)
        self.rest("POST", "connections", json={"connection_id": conn_id, **fields})

    def wait_for_dag(self, dag_id: str, timeout: float = 60) -> None:
        """Wait until a DAG was parsed; while it is missing, an import error in the folder ends the wait."""

        def parsed() -> bool:
            try:
                self.rest("GET", f"dags/{dag_id}")
                return True
            except BoxError as error:
                if error.status != 404:
                    raise
            for broken in self.rest("GET", "importErrors")["import_errors"]:
                raise BoxError(f"{broken['filename']} cannot be imported:\n{tail(broken['stack_trace'])}")
            return False

        self.until(parsed, timeout, f"the dag-processor to find {dag_id}")

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run of a DAG, as soon as it was parsed; its run id."""
        self.wait_for_dag(dag_id)
        run = self.rest("POST", f"dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": conf or {}})
        return str(run["dag_run_id"])

    def wait(
        self,
        dag_id: str,
        run_id: str,
        timeout: float = 120,
        on_change: Callable[[str, str], object] = lambda task, state: None,
    ) -> str:
        """The final state of a run; `on_change(task, state)` hears of every change of state that was seen."""
        seen: dict[str, str | None] = {}

        def finished() -> str | None:
            # First the run, then its tasks: so the last changes are heard of before the end.
            run = self.rest("GET", f"dags/{dag_id}/dagRuns/{run_id}")
            for task, state in self.task_states(dag_id, run_id).items():
                if state and seen.get(task) != state:
                    on_change(task, state)
                seen[task] = state
            return run["state"] if run["state"] in ("success", "failed") else None

        return self.until(finished, timeout, f"{dag_id} to end", seen)

    def run_state(self, dag_id: str, run_id: str) -> str:
        """The state of a run."""
        return str(self.rest("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"])

    def wait_task(self, dag_id: str, run_id: str, task: str, *states: str, timeout: float = 60) -> str:
        """Wait until a task (`id`, or `id[map_index]`) is in one of the states; that state."""
        seen: dict[str, str | None] = {}

        def reached() -> str | None:
            seen.update(self.task_states(dag_id, run_id))
            return seen.get(task) if seen.get(task) in states else None

        return self.until(reached, timeout, f"{task} to be {' or '.join(states)}", seen)

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """The state of every task instance of a run, by `task_id`, or `task_id[map_index]` if mapped."""
        page = self.rest("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances", params={"limit": 1000})
        return {
            ti["task_id"] + (f"[{ti['map_index']}]" if ti["map_index"] >= 0 else ""): ti["state"]
            for ti in page["task_instances"]
        }

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """The value of an XCom."""
        path = f"{_task(dag_id, run_id, task_id)}/xcomEntries/{key}"
        return self.rest("GET", path, params={"map_index": map_index})["value"]

    def links(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, str | None]:
        """The extra links of a task instance as the UI shows them: name to URL."""
        path = f"{_task(dag_id, run_id, task_id)}/links"
        return dict(self.rest("GET", path, params={"map_index": map_index})["extra_links"])

    def task_log(
        self, dag_id: str, run_id: str, task_id: str, map_index: int = -1, try_number: int | None = None
    ) -> str:
        """The log of a task instance's newest (or given) try, as text."""
        path = _task(dag_id, run_id, task_id)
        if try_number is None:
            mapped = f"/{map_index}" if map_index >= 0 else ""
            try_number = self.rest("GET", f"{path}{mapped}")["try_number"]
        params = {"map_index": map_index, "full_content": True}
        json_please = {"Accept": "application/json"}
        log = self.rest("GET", f"{path}/logs/{try_number}", params=params, headers=json_please)
        return "\n".join(line if isinstance(line, str) else _log_line(line) for line in log["content"])

    def until(self, probe: Callable[[], T | None], timeout: float, awaited: str, seen: object = "") -> T:
        """The first true answer of `probe`; raise when Airflow broke or the time is over."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.check()
            if answer := probe():
                return answer
            time.sleep(0.3)
        raise TimeoutError(f"waited {timeout:g} s for {awaited} {seen}".strip())


def _task(dag_id: str, run_id: str, task_id: str) -> str:
    return f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"


def _log_line(entry: Mapping[str, Any]) -> str:
    line = f"{entry.get('timestamp') or ''} {entry.get('level') or ''} {entry['event']}".strip()
    causes = [
        f"  {error['exc_type']}: {error['exc_value']}"
        + "".join(f"\n    at {frame['filename']}:{frame['lineno']}" for frame in error["frames"][-2:])
        for error in entry.get("error_detail") or []
    ]
    return "\n".join([line, *causes])


def tail(text: str, lines: int = 30) -> str:
    """The last lines of a text."""
    return "\n".join(text.strip().splitlines()[-lines:])
