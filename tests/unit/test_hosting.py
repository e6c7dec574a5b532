"""What runs and is shown where the repository is hosted: valid, pinned, and made of what the Makefile has."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PINNED = re.compile(r"uses: ([\w./-]+)@([0-9a-f]{40}) # v(\d+\.\d+\.\d+)")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            yield f"{path.stem}.{name}", job


def commands() -> list[str]:
    return [step["run"] for _, job in jobs() for step in job.get("steps", []) if "run" in step]


@pytest.mark.parametrize("path", [*WORKFLOWS, *FORMS, ROOT / ".github" / "dependabot.yml"], ids=lambda path: path.name)
def test_every_file_is_yaml(path: Path) -> None:
    assert read(path)


def test_every_action_is_pinned_to_a_commit_and_says_its_version() -> None:
    lines = [line.strip(" -") for path in WORKFLOWS for line in path.read_text("utf-8").splitlines() if "uses:" in line]
    pins: dict[str, set[tuple[str, str]]] = {}
    for line in lines:
        if line.startswith("uses: ./"):
            assert (ROOT / line.split()[1]).is_file()
            continue
        pinned = PINNED.fullmatch(line)
        assert pinned, line
        pins.setdefault(pinned[1], set()).add((pinned[2], pinned[3]))
    assert len(pins) >= 5
    assert all(len(versions) == 1 for versions in pins.values()), pins


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_what_a_workflow_runs_is_there(command: str) -> None:
    program, *words = command.split()
    if program == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        assert words[0] in targets
    elif program.startswith(".ci/"):
        assert os.access(ROOT / program, os.X_OK)


def test_a_workflow_may_read_and_only_publishing_jobs_more() -> None:
    assert {path.stem: read(path)["permissions"] for path in WORKFLOWS} == {
        path.stem: {"contents": "read"} for path in WORKFLOWS
    }
    rights = {name: job["permissions"] for name, job in jobs() if "permissions" in job}
    assert rights == {
        "release.test": {"contents": "read"},
        "release.publish": {"id-token": "write"},
        "docs.publish": {"pages": "write", "id-token": "write"},
    }


def test_every_job_ends_and_leaves_no_credentials_in_the_checkout() -> None:
    for name, job in jobs():
        if "steps" in job:
            assert job["timeout-minutes"] <= 60, name
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, name


def test_nothing_names_an_owner() -> None:
    files = [path for path in (ROOT / ".github").rglob("*") if path.is_file()]
    assert not [path for path in files if "github.com/" in path.read_text("utf-8")]


def test_the_matrix_is_what_the_package_promises() -> None:
    matrix = dict(jobs())["test.pythons"]["strategy"]["matrix"]
    promised = [c.rpartition(" :: ")[2] for c in PROJECT["classifiers"] if "Python :: 3." in c]
    assert matrix["python"] == promised


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_every_form_asks_something_and_nothing_twice(path: Path) -> None:
    form = read(path)
    assert form["name"]
    assert form["description"]
    questions = [part for part in form["body"] if part["type"] != "markdown"]
    ids = [question["id"] for question in questions]
    assert len(ids) == len(set(ids))
    assert all(question["attributes"]["label"] for question in questions)
    assert any(question.get("validations", {}).get("required") for question in questions)


def test_the_bug_form_asks_for_the_job_and_the_money() -> None:
    money = next(part for part in read(FORMS[0])["body"] if part.get("id") == "money")
    assert money["validations"]["required"]


def test_the_hooks_before_a_commit_are_local_and_come_with_the_dev_extra() -> None:
    (repo,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repo["repo"] == "local"
    extra = {re.split(r"[<>=\[]", wanted)[0] for wanted in PROJECT["optional-dependencies"]["dev"]}
    for hook in repo["hooks"]:
        assert hook["language"] == "system"
        folder, name = os.path.split(hook["entry"].split()[0])
        assert folder == ".venv/bin"
        assert name in extra
