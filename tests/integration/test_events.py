"""The DAG that publishes what ends, with an event as its watcher would have made it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.sandbox.rendering import CANNED
from tests.integration.conftest import EXAMPLES

Run = Callable[..., dict[str, Any]]
DAG = "example_json2video_event"


def fire(asset: str, payload: dict[str, Any]) -> None:
    """What the triggerer's supervisor does with an event of an asset's watcher."""
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        row = session.scalars(select(AssetModel).where(AssetModel.name == asset)).one()
        session.add(AssetEvent(asset_id=row.id, extra={"from_trigger": True, "payload": payload}))


def test_what_ended_is_brought_home_and_a_repeat_changes_nothing(
    run_dag: Run, sandbox: Sandbox, tmp_path: Path
) -> None:
    conf = {"folder": str(tmp_path)}
    by_hand = run_dag(DAG, EXAMPLES, run_conf=conf)
    assert (by_hand["state"], by_hand["xcoms"][("movies", -1)]) == ("success", [])

    submitted = run_dag(f"{DAG}_submit", EXAMPLES)["xcoms"][("submit", -1)]
    project = submitted["project"]
    sandbox.advance(60)
    assert JSON2VideoHook().get_movie(project).status == "done"
    fire("json2video_movies_to_publish", {"project": project, "status": "done"})
    for _ in range(2):
        run = run_dag(DAG, EXAMPLES, run_conf=conf)
        assert run["state"] == "success"
        assert run["xcoms"][("publish", 0)]["project"] == project
    (file,) = tmp_path.iterdir()
    assert (file.name, file.read_bytes()) == (f"{project}.mp4", CANNED.read_bytes())
