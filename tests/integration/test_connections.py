"""The page on connections, followed to the letter: one DAG, in each environment it describes."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_j2v import cli
from airflow_provider_j2v.sandbox import Sandbox
from tests.integration.conftest import EXAMPLES

ROOT = EXAMPLES.parent
PAGE = (ROOT / "docs" / "connections.md").read_text("utf-8")
ENVIRONMENTS = dict(re.findall(r"<!-- environment: (\w+) -->\n```sh\n(.*?)```", PAGE, re.DOTALL))
OUTPUTS = re.findall(r"<!-- output: (.*?) -->\n```console\n.*?\n(.*?)```", PAGE, re.DOTALL)

Run = Callable[..., dict[str, Any]]


def exports(shell: str) -> dict[str, str]:
    """The variables that a shell would have after these lines."""
    words = shlex.split(shell)
    return dict(word.split("=", 1) for word in words if word != "export")


@pytest.mark.parametrize(
    ("environments", "image", "voice", "destination", "credits"),
    [
        (["development"], None, None, {"id": "test-sftp"}, 24),
        (["production"], "acme-replicate", "acme-elevenlabs", {"id": "acme-sftp"}, 4),
        (
            ["production", "inline"],
            "acme-replicate",
            "acme-elevenlabs",
            {"type": "sftp", "host": "sftp.example.com", "port": 22, "username": "videos", "password": "***"},
            4,
        ),
    ],
    ids=["development", "production", "inline"],
)
def test_one_dag_pays_and_delivers_as_its_environment_says(
    run_dag: Run,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    environments: list[str],
    image: str | None,
    voice: str | None,
    destination: dict[str, Any],
    credits: int,
) -> None:
    for name in environments:
        for variable, value in exports(ENVIRONMENTS[name]).items():
            monkeypatch.setenv(variable, value)
    before = sandbox.accounts[0].credits
    run = run_dag("example_json2video_connections", EXAMPLES)
    assert run["state"] == "success"
    movie = json.loads(sandbox.movies[run["xcoms"][("render", -1)]["project"]].submitted)
    elements = {element["type"]: element.get("connection") for element in movie["scenes"][0]["elements"]}
    assert elements == {"image": image, "voice": voice, "text": None}
    (sent,) = movie["exports"][0]["destinations"]
    assert sent == destination | {"file": "morning-__yyyy__-__mm__-__dd__.mp4"}
    assert before - sandbox.accounts[0].credits == credits


@pytest.mark.parametrize(("command", "output"), OUTPUTS)
def test_the_command_line_prints_what_the_page_shows(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, output: str
) -> None:
    monkeypatch.chdir(ROOT)
    assert cli.main(shlex.split(command)) == 0
    assert capsys.readouterr().out == output
