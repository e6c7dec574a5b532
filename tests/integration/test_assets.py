"""Asset events of movies in Airflow's own runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., dict[str, Any]]


def announced() -> dict[str, Any]:
    """The extra of the newest event of each asset, by the asset's URI."""
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return {event.uri: event.extra for event in session.scalars(select(AssetEvent).order_by(AssetEvent.id))}


def test_the_events_of_outlets_carry_the_movie(run_dag: Run, tmp_path: Path) -> None:
    run = run_dag("announced", run_conf={"folder": str(tmp_path)})
    assert run["state"] == "success"
    extras = announced()
    for asset, task in (("rendered", "render"), ("decorated", "made"), ("downloaded", "download")):
        result = run["xcoms"][(task, -1)]
        for name in ("project", "status", "url", "expires_at", "duration"):
            assert extras[asset][name] == result[name]
    file = run["xcoms"][("download", -1)]["destination"]
    assert extras["downloaded"]["file"] == file
    assert extras[f"file://{file}"] == extras["downloaded"]
    assert "file" not in extras["rendered"]
    assert extras["submitted"] == {"project": run["xcoms"][("submit", -1)]["project"], "status": "submitted"}
