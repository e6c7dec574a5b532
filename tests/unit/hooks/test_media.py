"""The hook's media methods: sources in, urls out."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException
from airflow.sdk import ObjectStoragePath
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_j2v.api import upload
from airflow_provider_j2v.api.media import register_media
from airflow_provider_j2v.exceptions import InvalidRequest, MediaError, NotFound, ServerError, SourceUnavailable
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.hooks.media import content_of
from airflow_provider_j2v.sandbox import Sandbox
from tests.unit.context import connect

#: What "my logo.png" is called at the service.
LOGO = "my_logo-e3b66a28.png"


@pytest.fixture
def hook(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> JSON2VideoHook:
    connect(monkeypatch, sandbox)
    sandbox.variants.media_pending = 0
    return JSON2VideoHook()


def on_the_sandbox_s_time(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    times = {"sleep": sandbox.advance, "clock": sandbox.clock.now}
    monkeypatch.setattr(upload.Uploader.__init__, "__kwdefaults__", times)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "my logo.png"
    path.write_bytes(b"not really a picture")
    return path


def test_the_calls_of_a_file_s_life(hook: JSON2VideoHook, picture: Path) -> None:
    done = hook.upload_media(picture, folder="brand")
    assert (done.action, done.path, done.size) == ("uploaded", f"brand/{LOGO}", 20)
    assert hook.get_media("brand/my logo.png").url == done.url
    assert [file.name for file in hook.list_media("brand")] == [LOGO]
    assert hook.media_usage().used_bytes == 20
    moved = hook.move_media("brand/my logo.png", "")
    assert (moved.folder, moved.name) == ("", LOGO)
    hook.delete_media("my logo.png")
    hook.delete_media(LOGO)
    with pytest.raises(NotFound):
        hook.get_media(LOGO)


def test_folders_are_made_and_deleted(hook: JSON2VideoHook) -> None:
    hook.create_folder("a/b")
    hook.create_folder("a/b")
    with pytest.raises(InvalidRequest, match="not empty"):
        hook.delete_folder("a")
    hook.delete_folder("a/b")
    hook.delete_folder("a")
    hook.delete_folder("a")


def test_a_deletion_whose_answer_was_lost_is_one(hook: JSON2VideoHook, sandbox: Sandbox) -> None:
    hook.create_folder("a")
    sandbox.faults.add("media", "status", status=503, after=True)
    hook.delete_folder("a")
    assert sandbox.journal.requests["media"] == 3


@pytest.mark.parametrize("count", [0, 1, 100, 201])
def test_a_folder_is_listed_to_its_end(hook: JSON2VideoHook, sandbox: Sandbox, count: int) -> None:
    for number in range(count):
        sandbox.media.register(sandbox.accounts[0], b'{"name": "%03d.png", "contentType": "a/b", "size": 1}' % number)
    assert [file.name for file in hook.list_media()] == [f"{number:03}.png" for number in range(count)]
    assert sandbox.journal.requests["media"] == count // 100 + (count != 100)


def test_a_pending_file_is_moved_only_when_it_is_confirmed(
    hook: JSON2VideoHook, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_the_sandbox_s_time(monkeypatch, sandbox)
    sandbox.variants.media_pending = 0
    hook.upload_media(io.BytesIO(b"abc"), "a.png")
    sandbox.variants.media_pending = 30
    assert hook.move_media("a.png", "kept").folder == "kept"


def test_a_file_that_stays_pending_is_not_moved(
    hook: JSON2VideoHook, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_the_sandbox_s_time(monkeypatch, sandbox)
    hook.send(register_media("a.png", "", 20, "image/png"))
    with pytest.raises(ServerError, match="a.png is pending still.*nothing was moved"):
        hook.move_media("a.png", "kept")
    assert hook.get_media("a.png").folder == ""


def test_every_kind_of_source_gives_the_same_file(hook: JSON2VideoHook, picture: Path) -> None:
    for source in (str(picture), picture, f"file://{picture}", ObjectStoragePath(f"file://{picture}")):
        content = content_of(source)
        assert (content.name, content.size, content.content_type) == (LOGO, 20, "image/png")
        with content.open() as file:
            assert file.read(100) == picture.read_bytes()


def test_an_object_store_s_file_is_sent(hook: JSON2VideoHook) -> None:
    attach("memory", "my_store", fs=MemoryFileSystem())
    ObjectStoragePath("memory://my_store@bucket/charts/a.png").write_bytes(b"chart")
    assert hook.upload_media("memory://my_store@bucket/charts/a.png").size == 5


def test_a_file_in_memory_is_sent_from_its_beginning(hook: JSON2VideoHook, sandbox: Sandbox) -> None:
    chart = io.BytesIO()
    chart.write(b"chart")
    hook.upload_media(chart, name="chart.png")
    (file,) = sandbox.media.drive(sandbox.accounts[0]).files.values()
    assert file.content.read_bytes() == b"chart"


def test_an_open_file_brings_its_name(hook: JSON2VideoHook, picture: Path) -> None:
    with picture.open("rb") as file:
        assert content_of(file).name == LOGO


BAD: dict[str, tuple[Any, str]] = {
    "missing": ("/no/such.png", "does not exist"),
    "folder": ("/", "is a folder"),
    "no scheme": ("nope://bucket/a.png", "cannot be read"),
    "none": (None, "is a path, a URL or an open binary file"),
    "empty": ("", "is a path, a URL or an open binary file"),
    "bytes": (b"png", "is a path, a URL or an open binary file"),
    "nameless": (io.BytesIO(b"a"), "needs a name"),
    "text": (io.StringIO("a"), "open for text"),
    "an escape sequence": ("/no/\x1b[31m.png", r"/no/\\x1b\[31m.png does not exist"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_source_that_is_none_is_refused(hook: JSON2VideoHook, sandbox: Sandbox, what: str) -> None:
    source, words = BAD[what]
    with pytest.raises(MediaError, match=words) as raised:
        hook.upload_media(source, "a.png" if what == "text" else None)
    assert str(raised.value).endswith("Nothing was sent.")
    assert not sandbox.journal.requests


def test_a_registered_file_of_a_dead_worker_is_sent_at_last(
    hook: JSON2VideoHook, sandbox: Sandbox, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_the_sandbox_s_time(monkeypatch, sandbox)
    hook.send(register_media(LOGO, "", 20, "image/png"))
    assert hook.upload_media(picture).action == "uploaded"


def test_a_store_that_cannot_be_reached_is_for_a_retry(hook: JSON2VideoHook, sandbox: Sandbox) -> None:
    pytest.importorskip("aiohttp")
    with pytest.raises(
        SourceUnavailable, match=r"http://user:\*\*\*@127.0.0.1:9/a.png cannot be read.*Nothing was"
    ) as e:
        hook.upload_media("http://user:hunter2@127.0.0.1:9/a.png")
    assert e.value.__suppress_context__  # the library's own words have the password
    assert not sandbox.journal.requests


CAUSES: dict[str, tuple[Exception, type[Exception]]] = {
    "permission": (PermissionError(13, "Permission denied"), MediaError),
    "conn id": (AirflowNotFoundException("The conn_id `s3_prod` isn't defined"), MediaError),
    "a library": (ImportError("Install s3fs to access S3"), MediaError),
    "the disk": (OSError(5, "Input/output error"), SourceUnavailable),
    "anything else": (RuntimeError("connection lost"), SourceUnavailable),
}


@pytest.mark.parametrize("when", ["isfile", "_open"])
@pytest.mark.parametrize("what", CAUSES)
def test_a_file_that_cannot_be_read_is_named(
    hook: JSON2VideoHook, monkeypatch: pytest.MonkeyPatch, what: str, when: str
) -> None:
    cause, kind = CAUSES[what]

    def fail(*_: Any, **__: Any) -> Any:
        raise cause

    attach("memory", "broken", fs=MemoryFileSystem())
    (path := ObjectStoragePath("memory://broken@bucket/a.png")).write_bytes(b"chart")
    monkeypatch.setattr(MemoryFileSystem, when, fail)
    with pytest.raises(kind, match=r"memory://broken@/?bucket/a.png cannot be read: .*sent\."):
        hook.upload_media(path)


def test_the_page_s_code_runs(hook: JSON2VideoHook, sandbox: Sandbox) -> None:
    page = (Path(__file__).parents[3] / "docs" / "media.md").read_text("utf-8")
    (code,) = re.findall(r"## With the hook\n\n```python\n(.*?)```", page, re.DOTALL)
    exec(code, {})
    assert [file.name for file in hook.list_media("charts")] == ["note.txt"]
