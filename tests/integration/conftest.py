"""Airflow's own database, once a session, and a runner for DAG files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_j2v.sandbox import Sandbox

EXAMPLES = Path(__file__).parents[2] / "example_dags"
DAGS = Path(__file__).parent / "dags"


@pytest.fixture(scope="session")
def _database() -> None:
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def run_dag(_database: None, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Runs a DAG of a file to its end by ``dag.test()``; gives the final state and what each task returned."""
    connection = {"conn_type": "json2video", "host": sandbox.url, "password": "sandbox"}
    monkeypatch.setenv("AIRFLOW_CONN_JSON2VIDEO_DEFAULT", json.dumps(connection))

    def run(dag_id: str, folder: Path = DAGS, **kwargs: Any) -> dict[str, Any]:
        try:
            from airflow.dag_processing.dagbag import DagBag
        except ImportError:  # Airflow < 3.2
            from airflow.models.dagbag import DagBag

        bag = DagBag(folder / f"{dag_id}.py")
        assert not bag.import_errors
        dag_run = bag.dags[dag_id].test(**kwargs)
        tasks = sorted(dag_run.get_task_instances(), key=lambda ti: ti.map_index)
        return {
            "state": str(dag_run.state),
            "tasks": {(ti.task_id, ti.map_index): str(ti.state) for ti in tasks},
            "xcoms": {
                (ti.task_id, ti.map_index): ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index) for ti in tasks
            },
        }

    return run
