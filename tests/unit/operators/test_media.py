"""The upload task: which files, under which names, and what it returns."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_j2v.exceptions import ServerError
from airflow_provider_j2v.operators.media import JSON2VideoUploadMediaOperator
from airflow_provider_j2v.sandbox import Sandbox
from tests.unit.context import a_context, connect


@pytest.fixture(autouse=True)
def connected(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    connect(monkeypatch, sandbox)
    sandbox.variants.media_pending = 0
    return sandbox


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    """A folder of files, one of them in a folder below."""
    for name in ("b.png", "a.png", "notes.txt", "below/c.png", "odd[1].png", "odd(1).txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def upload(source: Any, dag_folder: Path | None = None, **parameters: Any) -> dict[str, Any]:
    context = a_context(folder=dag_folder)
    result = JSON2VideoUploadMediaOperator(task_id="upload", source=source, **parameters).execute(context)
    assert result["url"] == context["ti"].xcoms.get("url")
    return result


@pytest.fixture
def store() -> str:
    """An object storage that is not this machine's disk, behind a connection of its own."""
    attach("memory", "my_store", fs=MemoryFileSystem())
    return "memory://my_store@bucket"


def names(result: dict[str, Any]) -> list[str]:
    return [file["name"] for file in result["files"]]


def test_a_single_file_gives_its_url_twice(charts: Path, connected: Sandbox) -> None:
    result = upload(str(charts / "a.png"), name="logo-1.png")
    url = f"{connected.url}/media/{connected.accounts[0].client}/files/logo-1.png"
    file = {"name": "logo-1.png", "path": "logo-1.png", "url": url, "size": 5, "action": "uploaded"}
    assert result == {"files": [file], "url": url}


def test_a_relative_path_begins_at_the_dag_s_folder(charts: Path) -> None:
    assert names(upload("below/c.png", charts)) == ["c.png"]
    assert names(upload(Path("below", "c.png"), charts)) == ["c.png"]


#: What "odd[1].png" is called at the service.
ODD = "odd_1_-749bdccc.png"
SOURCES = {
    "glob": ("*.png", ["a.png", "b.png", ODD]),
    "deep glob": ("**/*.png", ["a.png", "b.png", "c.png", ODD]),
    "question mark": ("?.png", ["a.png", "b.png"]),
    "a name with brackets": ("odd[1].png", [ODD]),
    "two that the service would write alike": (["odd[1].png", "odd(1).txt"], [ODD, "odd_1_-462f7c93.txt"]),
    "list": (["b.png", "below/*", "notes.txt"], ["b.png", "c.png", "notes.txt"]),
    "the same twice": (["a.png", "[ab].png"], ["a.png", "b.png"]),
    "tuple": (("b.png",), ["b.png"]),
    "iterator": (iter(["b.png"]), ["b.png"]),
}


@pytest.mark.parametrize("what", SOURCES)
def test_globs_and_lists_are_many_files(charts: Path, what: str) -> None:
    source, expected = SOURCES[what]
    assert names(upload(source, charts)) == expected


def test_a_glob_works_on_object_storage_with_its_connection(store: str) -> None:
    for name in ("a.png", "b.png", "c.txt", "below/a.png"):
        ObjectStoragePath(f"{store}/charts/{name}").write_bytes(name.encode())
    assert names(upload(f"{store}/charts/*.png")) == ["a.png", "b.png"]
    assert names(upload([ObjectStoragePath(f"{store}/charts/[b-c].*")])) == ["b.png", "c.txt"]


BAD = {
    "a glob that matches nothing": ({"source": "*.mp4"}, r"No file matches .*\*.mp4"),
    "no list": ({"source": []}, "empty list"),
    "nothing": ({"source": None}, "a path, a URL or a list of these"),
    "a number in a list": ({"source": ["a.png", 7]}, "a path, a URL or a list of these"),
    "a missing file": ({"source": ["a.png", "z.png"]}, "z.png does not exist"),
    "a folder": ({"source": "below"}, "is a folder: write which files of it"),
    "one name for many": ({"source": "*.png", "name": "x.png"}, "leave name= to a single file"),
    "two of a name": ({"source": ["a.png", "twin/a.png"]}, "would both be called a.png: upload them to two folders"),
    "an unknown scheme": ({"source": "foo://bucket/*.png"}, "foo://bucket/.* cannot be read: Unsupported filesystem"),
    "an empty file": ({"source": ["a.png", "empty.png"]}, "empty.png is empty"),
    "a bad folder": ({"source": "a.png", "folder": "Q1 assets"}, "A media folder is named with"),
    "a bad policy": ({"source": "a.png", "if_exists": "overwrite"}, "if_exists is one of"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_told_before_anything_is_sent(charts: Path, connected: Sandbox, what: str) -> None:
    (charts / "empty.png").touch()
    (charts / "twin").mkdir()
    (charts / "twin" / "a.png").write_bytes(b"x")
    parameters, words = BAD[what]
    with pytest.raises(AirflowFailException, match=words) as raised:
        upload(dag_folder=charts, **parameters)
    assert str(raised.value).endswith("Nothing was sent.")
    assert not connected.journal.requests


def test_a_retry_sends_only_what_is_missing(charts: Path, connected: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_j2v.api.upload.ROUNDS", 1)
    fault = connected.faults.add("upload", "status", status=500, skip=1, times=None)
    with pytest.raises(ServerError, match="did not get b.png.*; 1 of 2 files are there; a retry sends the rest"):
        upload("?.png", charts)
    connected.faults.clear()
    actions = {file["name"]: file["action"] for file in upload("?.png", charts)["files"]}
    assert (fault.hits, actions) == (1, {"a.png": "unchanged", "b.png": "uploaded"})


def test_a_changed_file_is_replaced_kept_or_refused(charts: Path) -> None:
    upload("a.png", charts)
    (charts / "a.png").write_bytes(b"another")
    assert upload("a.png", charts, if_exists="skip")["files"][0]["action"] == "skipped"
    with pytest.raises(AirflowFailException, match="Another file is at a.png: 5 bytes, this one has 7"):
        upload("a.png", charts, if_exists="fail")
    assert upload("a.png", charts)["files"][0]["action"] == "replaced"


def test_the_content_type_goes_with_every_file(charts: Path, connected: Sandbox) -> None:
    upload("?.png", charts, content_type="image/x-odd")
    files = connected.media.drive(connected.accounts[0]).files.values()
    assert {file.content_type for file in files} == {"image/x-odd"}


def test_everything_that_varies_is_a_template() -> None:
    templated = set(JSON2VideoUploadMediaOperator.template_fields)
    assert {"source", "folder", "name", "content_type", "json2video_conn_id"} <= templated


def test_paths_of_object_storage_are_rendered() -> None:
    source = [ObjectStoragePath("file:///tmp/{{ day }}.png"), "{{ day }}/*.png"]
    operator = JSON2VideoUploadMediaOperator(task_id="upload", source=source, folder="charts/{{ day }}")
    operator.render_template_fields({"day": "monday"})
    assert [str(path) for path in operator.source] == ["file:///tmp/monday.png", "monday/*.png"]
    assert operator.folder == "charts/monday"


def test_the_result_is_plain_data(charts: Path) -> None:
    assert pickle.loads(pickle.dumps(upload("a.png", charts)))["files"][0].__class__ is dict
