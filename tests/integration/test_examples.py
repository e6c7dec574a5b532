"""Every example runs unchanged in Airflow's own runtime, against the sandbox."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_j2v.catalog import source
from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.sandbox.rendering import CANNED
from tests.integration.conftest import EXAMPLES

Run = Callable[..., dict[str, Any]]


def test_the_hello_movie_is_rendered_once_and_announced(run_dag: Run, sandbox: Sandbox) -> None:
    run = run_dag("example_json2video_render", EXAMPLES)
    assert run["state"] == "success"
    movie = run["xcoms"][("render", -1)]
    assert run["xcoms"][("seen", -1)]["project"] == movie["project"]
    assert movie["url"] in run["xcoms"][("announce", -1)]
    assert [s.project for s in sandbox.journal.submissions] == [movie["project"]]


def test_each_row_becomes_a_movie_of_its_own(run_dag: Run, sandbox: Sandbox) -> None:
    run = run_dag("example_json2video_template", EXAMPLES)
    assert run["state"] == "success"
    movies = [value for (task, _), value in run["xcoms"].items() if task == "render"]
    assert len({movie["project"] for movie in movies}) == len(sandbox.journal.submissions) == 3
    assert all(movie["client_data"]["night"] for movie in movies)
    assert sandbox.journal.duplicates == []


def test_what_one_task_submits_a_sensor_collects(run_dag: Run) -> None:
    run = run_dag("example_json2video_sensor", EXAMPLES)
    assert run["state"] == "success"
    submitted, seen = run["xcoms"][("submit", -1)], run["xcoms"][("wait", -1)]
    assert (submitted["status"], seen["status"]) == ("submitted", "done")
    assert submitted["project"] == seen["project"]


def test_a_template_is_deployed_once_and_rendered_by_every_run(run_dag: Run, sandbox: Sandbox) -> None:
    first, second = (run_dag("example_json2video_template_sync", EXAMPLES)["xcoms"] for _ in range(2))
    assert [xcoms[("deploy", -1)]["action"] for xcoms in (first, second)] == ["created", "unchanged"]
    assert first[("render", -1)]["status"] == second[("render", -1)]["status"] == "done"
    template_id = first[("deploy", -1)]["template_id"]
    assert [t.id for t in sandbox.templates.all.values() if t.name == "Airflow example: headline"] == [template_id]


def test_the_catalog_travels_through_xcom(run_dag: Run) -> None:
    run = run_dag("example_json2video_catalog", EXAMPLES)
    assert run["state"] == "success"
    assert run["xcoms"][("cheapest_images", -1)][:2] == ["flux-schnell", "freepik-classic"]


def test_the_copy_of_the_newest_earlier_run_stands_in_for_a_catalog_that_is_down(
    run_dag: Run, sandbox: Sandbox
) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    for hour in range(3):
        source._cache.clear()
        run_dag("example_json2video_catalog", EXAMPLES, logical_date=noon + timedelta(hours=hour))
    source._cache.clear()
    sandbox.faults.add("catalog", "status", status=403, times=None)
    catalog = run_dag("example_json2video_catalog", EXAMPLES, logical_date=noon + timedelta(hours=4))["xcoms"]
    assert catalog[("catalog", -1)]["source"] == "previous"


def test_a_nightly_batch_comes_home_with_a_manifest(run_dag: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    run = run_dag("example_json2video_batch", EXAMPLES, run_conf={"folder": str(tmp_path)})
    assert run["state"] == "success"
    summary = run["xcoms"][("render", -1)]
    assert (summary["total"], summary["done"], summary["failed"]) == (6, 6, 0)
    files = run["xcoms"][("publish", -1)]
    assert [Path(file).name for file in files] == [f"fruit-{i}.mp4" for i in range(1, 7)]
    assert all(Path(file).read_bytes() == CANNED.read_bytes() for file in files)
    assert len(sandbox.journal.submissions) == 6


def test_rows_become_a_chart_in_a_video_that_other_dags_hear_of(run_dag: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    conf = {"database": f"{tmp_path}/sales.db", "folder": f"file://{tmp_path}/sales"}
    first = run_dag("example_json2video_etl", EXAMPLES, run_conf=conf)["xcoms"]
    with closing(sqlite3.connect(tmp_path / "sales.db")) as database, database:
        database.execute("UPDATE sales SET amount = 2 * amount WHERE region = 'West'")
    second = run_dag("example_json2video_etl", EXAMPLES, run_conf=conf, mark_success_pattern="fill")["xcoms"]
    shown = []
    for xcoms in (first, second):
        scenes = json.loads(sandbox.movies[xcoms[("video", -1)]["project"]].submitted)["scenes"]
        shown.append(scenes[1]["elements"][0]["src"])
        assert sandbox.media.behind(shown[-1]).read_bytes().startswith(b"\x89PNG")
    assert shown[0] != shown[1]
    assert "West" in scenes[0]["elements"][0]["text"]
    video = second[("video", -1)]
    assert Path(video["destination"].removeprefix("file://")).read_bytes() == CANNED.read_bytes()
    event = told("sales_video")[-1]
    assert (event["file"], event["project"]) == (video["destination"], video["project"])


def test_a_week_without_rows_costs_nothing(run_dag: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "sales.db")) as database:
        database.execute("CREATE TABLE sales (day, region, amount)")
    conf = {"database": f"{tmp_path}/sales.db", "folder": str(tmp_path)}
    run = run_dag("example_json2video_etl", EXAMPLES, run_conf=conf, mark_success_pattern="fill")
    assert [run["tasks"][(task, -1)] for task in ("draw", "upload", "video")] == ["skipped"] * 3
    assert sandbox.journal.requests.total() == 0


@pytest.mark.parametrize(
    ("environment", "voice"),
    [
        ("development", {"model": "azure", "voice": "en-US-EmmaMultilingualNeural"}),
        ("production", {"model": "elevenlabs", "voice": "Rachel", "connection": "acme-elevenlabs"}),
    ],
)
def test_the_connection_of_the_account_decides_whose_voices_speak(
    run_dag: Run,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    environment: str,
    voice: dict[str, str],
) -> None:
    page = (EXAMPLES.parent / "docs" / "howto-variants.md").read_text("utf-8")
    account = re.findall(rf"<!-- environment: {environment} -->\n```sh\nexport \w+='(.*?)'", page, re.DOTALL)[0]
    connection = json.loads(account) | {"host": sandbox.url, "password": "sandbox"}
    monkeypatch.setenv("AIRFLOW_CONN_JSON2VIDEO_DEFAULT", json.dumps(connection))
    conf = {"folder": str(tmp_path), "languages": ["es"]}
    run = run_dag("example_json2video_variants", EXAMPLES, run_conf=conf)
    assert run["xcoms"][("publish", -1)] == {
        f"es-{speaker}": f"{tmp_path}/offer-es-{speaker}.mp4" for speaker in ("woman", "man")
    }
    assert len(list(tmp_path.glob("*.mp4"))) == len(list(tmp_path.glob("*.ass"))) == 2
    movie = json.loads(sandbox.movies[run["xcoms"][("render", 0)]["project"]].submitted)
    spoken = movie["scenes"][0]["elements"][1]
    assert {name: spoken[name] for name in spoken.keys() - {"type", "text"}} == voice
    assert movie["elements"] == [{"type": "subtitles", "language": "es"}]


def test_what_one_dag_submits_another_brings_home(run_dag: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    submitted = run_dag("example_json2video_two_steps", EXAMPLES)
    assert submitted["state"] == "success"
    projects = {row.project for row in sandbox.journal.submissions}
    for _ in range(2):  # to collect again changes nothing
        run = run_dag("example_json2video_two_steps_collect", EXAMPLES, run_conf={"folder": str(tmp_path)})
        assert run["state"] == "success"
        names = dict(path.stem.split("-") for path in tmp_path.iterdir())
        assert (set(names), set(names.values())) == ({"Ada", "Grace", "Linus"}, projects)
    assert len(sandbox.journal.submissions) == 3


def test_no_example_runs_by_the_clock() -> None:
    """Where all of them are loaded beside a real key, as in the demo, that would be paid."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(EXAMPLES)
    assert len(bag.dags) >= len(list(EXAMPLES.glob("*.py")))
    assert {type(dag.timetable).__name__ for dag in bag.dags.values()} == {"NullTimetable", "AssetTriggeredTimetable"}


def told(asset: str) -> list[Any]:
    """The extras of all events of an asset, the oldest first."""
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        events = select(AssetEvent.extra).join(AssetModel, AssetModel.id == AssetEvent.asset_id)
        return list(session.scalars(events.where(AssetModel.name == asset).order_by(AssetEvent.id)))
