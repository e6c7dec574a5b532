"""Code in the documentation runs: Python is executed, JSON is linted, commands exist."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from importlib import util
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from airflow.sdk import DAG

from airflow_provider_j2v import cli
from airflow_provider_j2v.get_provider_info import get_provider_info
from airflow_provider_j2v.movies.lint import lint
from airflow_provider_j2v.sandbox import Sandbox
from tests.unit.context import connect
from tests.unit.test_docs import PAGES, ROOT, of

#: A comment right above a block tells what it is, where that matters.
BLOCK = re.compile(
    r"^( *)(?:<!-- (?P<mark>.*?) -->\n *)?```(?P<language>[^\n]*)\n(?P<code>.*?)^ *```$", re.DOTALL | re.MULTILINE
)
#: What only shows something: logs, output, drawings.
SHOWN = {"", "text"}
#: What readers of a fragment know from the sentence before it.
KNOWN = """
from airflow.sdk import Asset, AssetAlias, ObjectStoragePath, dag, task

from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.operators.catalog import JSON2VideoRefreshCatalogOperator
from airflow_provider_j2v.operators.media import JSON2VideoUploadMediaOperator
from airflow_provider_j2v.operators.movie import (
    JSON2VideoDeleteMovieOperator,
    JSON2VideoDownloadMovieOperator,
    JSON2VideoRenderMovieOperator,
    JSON2VideoRenderMoviesOperator,
)
from airflow_provider_j2v.operators.template import JSON2VideoSyncTemplateOperator
from airflow_provider_j2v.sensors.movie import JSON2VideoMovieSensor

picture = {"type": "image", "model": "flux-pro", "prompt": "a lighthouse", "duration": 5}
movie = MOVIE = {"scenes": [{"duration": 5, "elements": [picture]}, {"duration": 5, "elements": [picture]}]}
submit = render = JSON2VideoRenderMovieOperator(task_id="given")
"""
GOOD = {"resolution": "sd", "scenes": [{"duration": 2, "elements": [{"type": "text", "text": "Hello"}]}]}
CONN_TYPES = {c["connection-type"] for c in get_provider_info()["connection-types"]} | {"sftp", "ftp"}
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
TARGETS = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
#: Commands of others: nothing of ours can be wrong in them.
FOREIGN = ("airflow", "cd", ".", "git clone", "jq", "python -m pytest", "python3 -m venv")


def blocks(*languages: str) -> list[Any]:
    """The blocks of all pages in any of these languages, as (page, mark, code)."""
    found = []
    for page in PAGES:
        for number, block in enumerate(BLOCK.finditer(page.read_text("utf-8")), start=1):
            if block["language"] in languages:
                code = re.sub(f"^{block[1]}", "", block["code"], flags=re.MULTILINE)
                found.append(pytest.param(page, block["mark"] or "", code, id=f"{of(page)} {number}"))
    return found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> Path:
    """A reader's folder and connections: the movies that a page names, the account on a sandbox, no AI accounts."""
    monkeypatch.chdir(tmp_path)
    connect(monkeypatch, sandbox)
    sandbox.variants.media_pending = 0
    for conn_id in ("REPLICATE", "ELEVENLABS"):
        managed = {"conn_type": "json2video_connection", "extra": {"managed": True}}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id}", json.dumps(managed))
    return tmp_path


def with_files(folder: Path, code: str) -> None:
    for name in re.findall(r"\b(?:movies|samples|example_dags)/[\w/]+\.json\b", f"movies/any.json {code}"):
        path = folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("{}" if name.startswith("samples") else json.dumps(GOOD))


def test_there_is_no_block_that_nothing_looks_at() -> None:
    looked_at = {"python", "json", "sh", "bash", "console", "yaml", "toml", "ini", *SHOWN}
    for page in PAGES:
        text = page.read_text("utf-8")
        found = list(BLOCK.finditer(text))
        assert 2 * len(found) == len(re.findall(r"^ *```", text, re.MULTILINE)), page
        for block in found:
            assert block["language"] in looked_at or block["language"].startswith("{"), (page, block["language"])


def elsewhere(page: Path, mark: str, code: str) -> bool:
    """Whether another test runs a block: files of a reader's (tests/integration/test_docs.py), what is quoted from an
    example (tests/integration), and the one page that is a single program (tests/unit/movies/test_documentation.py).
    """
    return mark.startswith(("file: ", "example_dags/")) or page.name == "movies.md"


PYTHON = [block for block in blocks("python") if not elsewhere(*block.values)]


@pytest.mark.parametrize(("page", "mark", "code"), PYTHON)
def test_python_runs(page: Path, mark: str, code: str, project: Path, sandbox: Sandbox) -> None:
    if mark.startswith("needs: "):
        pytest.importorskip(mark.removeprefix("needs: "))
    with_files(project, code)
    namespace: dict[str, Any] = {"__name__": "page", "run_my_dag": lambda **_: None}
    with DAG("page", schedule=None) as dag:
        dag.fileloc = str(project / "page.py")
        exec(compile(KNOWN, "what is known", "exec"), namespace)
        exec(compile(code, of(page), "exec"), namespace)
        for name in re.findall(r"^def (test_\w+)\(\)", code, re.MULTILINE):
            namespace[name]()


@pytest.mark.parametrize(("page", "mark", "code"), blocks("json"))
def test_json_is_json_and_movies_are_good(page: Path, mark: str, code: str) -> None:
    value = json.loads(code)
    if isinstance(value, dict) and "type" in value and "scenes" not in value:
        value = {"scenes": [{"elements": [value]}]}
    if isinstance(value, dict) and "scenes" in value:
        assert [finding for finding in lint(value) if finding.severity == "error"] == []


@pytest.mark.parametrize(("page", "mark", "code"), blocks("yaml", "toml", "ini"))
def test_configuration_can_be_read(page: Path, mark: str, code: str) -> None:
    def ini(text: str) -> None:
        ConfigParser().read_string(text)

    readers = {"yaml": yaml.safe_load, "toml": tomllib.loads, "ini": ini}
    languages = [block["language"] for block in BLOCK.finditer(page.read_text("utf-8")) if block["code"] == code]
    for language in languages:
        readers[language](code)
    assert languages


@pytest.mark.parametrize(("page", "mark", "code"), blocks("console"))
def test_a_session_is_compared_with_what_is_really_printed(page: Path, mark: str, code: str) -> None:
    assert mark.startswith("output: ")  # tests/integration/test_connections.py
    assert code.splitlines()[0] == f"$ airflow-j2v {mark.removeprefix('output: ')}"


@pytest.mark.parametrize(("page", "mark", "code"), blocks("sh", "bash"))
def test_commands_exist(page: Path, mark: str, code: str, project: Path, sandbox: Sandbox) -> None:
    with_files(project, code)
    for words in commands(code):
        check_command(words, sandbox)


def commands(code: str) -> Iterator[list[str]]:
    """The commands of a block, as a shell would read them."""
    lexer = shlex.shlex(code.replace("\\\n", " "), posix=True, punctuation_chars=";&|\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, "#"
    words: list[str] = []
    for word in lexer:
        if set(word) <= set(";&|\n"):
            yield from [words] if words else []
            words = []
        else:
            words.append(word)
    yield from [words] if words else []


def check_command(words: list[str], sandbox: Sandbox) -> None:
    """See that a command does what a page says, or at least that it is there.

    :raises AssertionError: it is not.
    """
    line = " ".join(words)
    if words[0] == "export":
        for name, _, value in (word.partition("=") for word in words[1:]):
            assert not name.startswith("AIRFLOW_CONN_") or json.loads(value)["conn_type"] in CONN_TYPES, name
    elif words[0] == "make":
        assert {word for word in words[1:] if "=" not in word} <= set(TARGETS), line
    elif words[0] == "airflow-j2v":
        arguments = [str(found) for word in words[1:] for found in (Path().glob(word) if "*" in word else [word])]
        assert cli.main(arguments) == 0, line
    elif line.startswith("pip install "):
        for extra in re.findall(r"airflow-provider-j2v\[(.*?)\]", line):
            assert set(extra.split(",")) <= set(EXTRAS), line
    elif re.match(r"python -m (airflow_provider_j2v|dev)\b", line):
        module = util.find_spec(words[2])
        main = util.find_spec(f"{words[2]}.__main__") if module and module.submodule_search_locations else module
        assert main, line
        assert main.origin
        source = Path(main.origin).read_text("utf-8")
        for word in words[3:]:
            assert not word.startswith("--") or f'"{word}"' in source, line
    elif words[0] == "curl":
        (url,) = [word for word in words if word.startswith("http")]
        method, body = words[words.index("-X") + 1], words[words.index("-d") + 1]
        answer = httpx.request(method, re.sub(r"http://[^/]+", sandbox.url, url), json=json.loads(body))
        assert answer.is_success, answer.text
    else:
        assert line.startswith(FOREIGN), f"{line!r}: tell this test how to check it"
