"""A changed catalog is an event, once; an unchanged one is handed on all the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_j2v.catalog import source
from airflow_provider_j2v.sandbox import Sandbox
from tests.integration.conftest import EXAMPLES

Run = Callable[..., dict[str, Any]]
DEARER = "Price of flux-pro: 20 credits per file before, 25 credits per file now."


@pytest.fixture(autouse=True)
def _another_process() -> None:
    source._cache.clear()


@pytest.fixture
def refresh(run_dag: Run, sandbox: Sandbox) -> Callable[[], dict[str, Any]]:
    """Runs the DAG ``watched`` as another process would; what its tasks came to."""

    def run() -> dict[str, Any]:
        source._cache.clear()
        end = run_dag("watched")
        assert end["state"] == "success"
        return {
            "catalog": end["tasks"][("catalog", -1)],
            "xcom": end["xcoms"][("catalog", -1)],
            "price": end["xcoms"][("price", -1)],
        }

    return run


def announced(alias: str) -> list[Any]:
    """The extras of all events of an alias, the oldest first."""
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        events = session.scalars(select(AssetEvent).order_by(AssetEvent.id)).all()
        return [event.extra for event in events if alias in {a.name for a in event.source_aliases}]


def waiting_dags() -> set[str]:
    """Unpaused DAGs that the scheduler will run for an event."""
    from airflow.models.asset import AssetDagRunQueue
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return set(session.scalars(select(AssetDagRunQueue.target_dag_id)))


def unpause(dag_id: str) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        session.get_one(DagModel, dag_id).is_paused = False


def test_a_change_is_announced_once_and_an_unchanged_catalog_is_handed_on_and_skipped(
    refresh: Callable[[], dict[str, Any]], sandbox: Sandbox
) -> None:
    first = refresh()
    assert (first["catalog"], first["price"], announced("watched_changes")) == ("success", 20, [])
    same = refresh()
    assert (same["catalog"], same["price"], announced("watched_changes")) == ("skipped", 20, [])
    assert same["xcom"]["source"] == "live", "the XCom came before the skip"

    sandbox.catalog.change(models={"flux-pro": {"credits": 25}})
    changed = refresh()
    assert (changed["catalog"], changed["price"]) == ("success", 25)
    (extra,) = announced("watched_changes")
    assert (extra["changes"], extra["told"]) == (changed["xcom"]["changes"], [DEARER])

    assert refresh()["catalog"] == "skipped"
    sandbox.faults.add("catalog", "status", status=403, times=None)
    down = refresh()
    assert (down["catalog"], down["price"], down["xcom"]["source"]) == ("skipped", 25, "previous")
    assert announced("watched_changes") == [extra]


def test_the_catalog_watch_is_run_for_a_change_and_tells_it(run_dag: Run, sandbox: Sandbox) -> None:
    watch = run_dag("example_json2video_catalog_watch", EXAMPLES)
    assert watch["xcoms"][("tell", -1)] == []
    unpause("example_json2video_catalog_watch")
    run_dag("example_json2video_catalog", EXAMPLES)
    assert "example_json2video_catalog_watch" not in waiting_dags()

    source._cache.clear()
    sandbox.catalog.change(models={"flux-pro": {"credits": 25}})
    run_dag("example_json2video_catalog", EXAMPLES)
    assert "example_json2video_catalog_watch" in waiting_dags()
    watch = run_dag("example_json2video_catalog_watch", EXAMPLES)
    assert watch["xcoms"][("tell", -1)] == [DEARER]
