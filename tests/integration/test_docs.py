"""What pages of the documentation show, and no other test runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow_provider_j2v.sandbox import Sandbox
from tests.integration.conftest import EXAMPLES

Run = Callable[..., dict[str, Any]]


def test_a_video_that_came_home_is_removed_from_the_service(run_dag: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    run = run_dag("example_json2video_delete", EXAMPLES, run_conf={"folder": str(tmp_path)})
    assert run["state"] == "success"
    movie = run["xcoms"][("render", -1)]
    assert Path(movie["destination"]).stat().st_size == movie["size"]
    assert run["xcoms"][("remove", -1)]["project"] == movie["project"]
    assert sandbox.movies[movie["project"]].deleted is not None


def test_operators_of_one_s_own_wait_with_the_triggers(run_dag: Run, sandbox: Sandbox) -> None:
    run = run_dag("example_json2video_own_wait", EXAMPLES)
    assert run["state"] == "success"
    projects = {submission.project for submission in sandbox.journal.submissions}
    assert len(projects) == 2
    assert run["xcoms"][("first", -1)] in projects
    assert run["xcoms"][("again", -1)] == "done"


def test_a_reader_s_own_tests_are_green(tmp_path: Path) -> None:
    """The DAG of the quickstart and the tests of the page on CI, in files of their own, by the page's own commands."""
    pages = [(EXAMPLES.parent / "docs" / f"{name}.md").read_text("utf-8") for name in ("quickstart", "ci")]
    for name, code in re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)```", "\n".join(pages), re.DOTALL):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(code.replace("/tmp/hello.mp4", str(tmp_path / "hello.mp4")))
    (commands,) = re.findall(r"^```sh\n(export AIRFLOW_HOME.*?)```", pages[1], re.DOTALL | re.MULTILINE)
    env = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    env |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    done = subprocess.run(["sh", "-ec", commands], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "3 passed" in done.stdout
    assert (tmp_path / "hello.mp4").stat().st_size > 1000
