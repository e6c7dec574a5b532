"""Files come home in Airflow's own runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.sandbox.rendering import CANNED
from tests.integration.conftest import EXAMPLES

Run = Callable[..., dict[str, Any]]


def test_the_video_and_its_subtitles_come_home(run_dag: Run, tmp_path: Path) -> None:
    run = run_dag("example_json2video_download", EXAMPLES, run_conf={"folder": str(tmp_path)})
    assert run["state"] == "success"
    movie = run["xcoms"][("render", -1)]
    assert run["xcoms"][("publish", -1)] == movie["destination"]
    assert Path(movie["destination"]).read_bytes() == CANNED.read_bytes()
    assert b"outlives its link" in Path(movie["subtitles"]).read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_try_that_dies_with_the_file_at_home_costs_nothing(run_dag: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    run = run_dag("homeward", run_conf={"folder": str(tmp_path)})
    assert run["state"] == "success"
    movie = run["xcoms"][("render", -1)]
    assert [s.project for s in sandbox.journal.submissions] == [movie["project"]]
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [CANNED.read_bytes()]


def test_mapped_renders_hand_on_what_they_return(run_dag: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    run = run_dag("mapped_home", run_conf={"folder": str(tmp_path)})
    assert run["state"] == "success"
    projects = {s.project for s in sandbox.journal.submissions}
    assert len(projects) == 2
    for task in ("submit", "wait", "home", "remove"):
        assert {run["xcoms"][(task, i)]["project"] for i in (0, 1)} == projects
    assert {path.name for path in tmp_path.iterdir()} == {"0.mp4", "1.mp4"}


def test_mapped_renders_that_share_a_destination_are_not_paid_for(
    run_dag: Run, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_dag("mapped_onto_one")
    assert set(run["tasks"].values()) == {"failed"}
    assert sandbox.journal.submissions == []
    said = capsys.readouterr().out
    assert said.count("is the same for every instance") >= 4
    assert "'nowhere/a.mp4' must be an absolute path" in said  # the mapping filled it in
