"""Uploads inside Airflow's own runtime, and what renders make of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow_provider_j2v.sandbox import Sandbox
from tests.integration.conftest import EXAMPLES

Run = Callable[..., dict[str, Any]]


def sources(sandbox: Sandbox, project: str) -> list[str]:
    submitted = json.loads(sandbox.movies[project].submitted)
    return [element["src"] for scene in submitted["scenes"] for element in scene["elements"]]


def test_the_example_uploads_its_picture_and_renders_it(run_dag: Run, sandbox: Sandbox) -> None:
    sandbox.variants.media_pending = 0
    run = run_dag("example_json2video_media", EXAMPLES)
    assert run["state"] == "success"
    upload = run["xcoms"][("upload", -1)]
    assert sources(sandbox, run["xcoms"][("render", -1)]["project"]) == [upload["url"]]
    assert upload["files"][0]["action"] == "uploaded"
    again = run_dag("example_json2video_media", EXAMPLES)
    assert again["xcoms"][("upload", -1)]["files"][0]["action"] == "unchanged"
    assert sandbox.journal.requests["upload"] == 1


def test_a_file_a_mapped_task_and_a_url_each(run_dag: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.variants.media_pending = 0
    run = run_dag("media", run_conf={"folder": str(tmp_path)})
    assert run["state"] == "success"
    urls = [run["xcoms"][("each", index)]["url"] for index in (0, 1)]
    assert [url.rpartition("/")[2] for url in urls] == ["chart-1.png", "chart-2.png"]
    assert sources(sandbox, run["xcoms"][("render", -1)]["project"]) == urls
    assert run["xcoms"][("all_of_them", -1)] == {
        "files": [{**run["xcoms"][("each", i)]["files"][0], "action": "unchanged"} for i in (0, 1)],
        "url": None,
    }
