"""Nothing short and nothing foreign ever shows under the final name, whatever the place does."""

from __future__ import annotations

import gc
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_j2v.exceptions import ConfigurationError, DestinationUnavailable
from airflow_provider_j2v.operators import destination as module
from airflow_provider_j2v.operators.destination import Destination, Taken, check_destination
from tests.unit.operators.stores import Forgetful, FullDisk, LateRival, Memory, Store, attached

PIECES = [b"one ", b"two ", b"three"]
WHOLE = b"".join(PIECES)


def put(path: Any, pieces: list[bytes] = PIECES, *, overwrite: bool = False, then: Any = None) -> None:
    with Destination(path).writing(overwrite=overwrite) as write:
        for piece in pieces:
            write(piece)
        if then is not None:
            then()


def broken() -> None:
    raise ConnectionError("it broke off")


@pytest.fixture(params=["file", "path", "memory", "store"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    """A path, and what shows there: a mapping of every name to its content."""
    if request.param in ("file", "path"):
        path = tmp_path / "new folder" / "movie.mp4"
        yield (path.as_uri() if request.param == "file" else path), lambda: _files(tmp_path)
    elif request.param == "memory":
        memory = Memory()
        yield f"{attached(memory)}bucket/movie.mp4", lambda: _named(memory.files)
    else:
        store = Store()
        yield f"{attached(store, 's3')}bucket/movie.mp4", lambda: _named(store.objects)


def _named(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path.rpartition("/")[2]: content for path, content in files.items()}


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_file_shows_when_it_is_whole_and_alone(place: Any) -> None:
    path, shown = place
    put(path, then=lambda: _not_yet(shown()))
    assert shown() == {"movie.mp4": WHOLE}


def _not_yet(shown: dict[str, bytes]) -> None:
    assert "movie.mp4" not in shown


@pytest.mark.parametrize("error", [ConnectionError, KeyboardInterrupt, SystemExit])
def test_a_break_leaves_nothing(place: Any, error: type[BaseException]) -> None:
    path, shown = place

    def stop() -> None:
        raise error

    with pytest.raises(error):
        put(path, then=stop)
    assert shown() == {}


def test_a_break_leaves_what_was_there(place: Any) -> None:
    path, shown = place
    put(path, [b"old"])
    with pytest.raises(ConnectionError):
        put(path, overwrite=True, then=broken)
    assert shown() == {"movie.mp4": b"old"}


def test_overwriting_replaces_the_whole_file(place: Any) -> None:
    path, shown = place
    put(path, [b"something that was longer than the new one"])
    put(path, overwrite=True)
    assert shown() == {"movie.mp4": WHOLE}


def test_a_file_that_comes_meanwhile_is_not_overwritten(place: Any) -> None:
    path, shown = place
    with pytest.raises(Taken):
        put(path, then=lambda: put(path, [b"mine"]))
    assert shown() == {"movie.mp4": b"mine"}


def late(tmp_path: Path) -> tuple[str, Any]:
    path = tmp_path / "movie.mp4"
    return f"{attached(LateRival(path, b'mine'), 'file')}{path}", lambda: _files(tmp_path)


def late_store(tmp_path: Path) -> tuple[str, Any]:
    store = Store(rival=b"mine")
    return f"{attached(store, 's3')}bucket/movie.mp4", lambda: _named(store.objects)


@pytest.mark.parametrize("at", [late, late_store])
def test_a_file_that_comes_in_the_last_moment_is_not_overwritten_either(at: Any, tmp_path: Path) -> None:
    path, shown = at(tmp_path)
    with pytest.raises(Taken):
        put(path)
    assert shown() == {"movie.mp4": b"mine"}
    put(path, overwrite=True)
    assert shown() == {"movie.mp4": WHOLE}


def test_a_disk_without_hard_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    put(tmp_path / "movie.mp4")
    assert _files(tmp_path) == {"movie.mp4": WHOLE}


def test_the_same_file_is_known_by_its_bytes(place: Any) -> None:
    path, _ = place
    put(path)
    with Destination(path).comparing() as compare:
        for piece in PIECES:
            compare(piece)


@pytest.mark.parametrize("pieces", [[b"one ", b"2"], [*PIECES, b"!"], PIECES[:2], [b"One ", b"two ", b"three"]])
def test_another_file_is_known_too(place: Any, pieces: list[bytes]) -> None:
    path, shown = place
    put(path)
    with pytest.raises(Taken), Destination(path).comparing() as compare:
        for piece in pieces:
            compare(piece)
    assert shown() == {"movie.mp4": WHOLE}


def test_a_full_disk_leaves_nothing() -> None:
    disk = FullDisk(room=9)
    with pytest.raises(OSError, match="No space left on device"):
        put(f"{attached(disk)}bucket/movie.mp4")
    assert disk.files == {}


def test_a_real_file_that_cannot_grow_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            put(tmp_path / "movie.mp4", [bytes(1_000_000)] * 5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert _files(tmp_path) == {}


def test_a_disk_that_loses_bytes_is_noticed_before_the_move() -> None:
    disk = Forgetful()
    with pytest.raises(OSError, match="13 bytes were written, and 12 are there"):
        put(f"{attached(disk)}bucket/movie.mp4")
    assert disk.files == {}


@pytest.mark.parametrize("fail", ["part", "complete"])
def test_a_store_that_fails_shows_nothing_and_keeps_no_parts(fail: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 4)
    store = Store(fail)
    with pytest.raises(OSError, match="the store answered 500"):
        put(f"{attached(store, 's3')}bucket/movie.mp4")
    gc.collect()
    assert store.objects == {}
    assert store.pending == []


def test_parts_that_have_gone_up_are_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 4)
    store = Store()
    with pytest.raises(ConnectionError):
        put(f"{attached(store, 's3')}bucket/movie.mp4", then=broken)
    gc.collect()  # a writer that nobody closed closes itself then
    assert store.objects == {}
    assert store.pending == []


def test_s3_is_told_that_it_is_a_video() -> None:
    store = Store()
    put(f"{attached(store, 's3')}bucket/movie.mp4")
    assert store.kinds == {"bucket/movie.mp4": "video/mp4"}


def test_who_may_write_but_not_look_needs_overwrite() -> None:
    store = Store(fail="look")
    path = f"{attached(store, 's3')}bucket/movie.mp4"
    with pytest.raises(ConfigurationError, match="Forbidden; .*overwrite=True. Nothing was sent."):
        check_destination(path, overwrite=False, subtitles=False)
    with pytest.raises(PermissionError):
        put(path)
    assert store.objects == {}
    check_destination(path, overwrite=True, subtitles=False)
    put(path, overwrite=True)
    assert store.objects == {"bucket/movie.mp4": WHOLE}


# Before anything is paid for.

REFUSED = {
    "nothing": ("", "must name a file"),
    "a folder's name": ("/videos/", "must name a file"),
    "a relative path": ("videos/a.mp4", "must be an absolute path, or a URL"),
    "a scheme nobody knows": ("nowhere://bucket/a.mp4", "cannot be used: .*nowhere"),
    "a provider that is not installed": ("gs://bucket/a.mp4", "It needs apache-airflow-providers-google"),
    "no path at all": (7, "must be an absolute path"),
    "a URL with two slashes": ("file://tmp/a.mp4", "three slashes.*file:///"),
    "a URL with a host": ("file://localhost/tmp/a.mp4", "three slashes.*file:///"),
    "a name over two lines": ("/videos/a\nb.mp4", "control characters"),
    "a password in it": ("s3://key:hunter2@bucket/a.mp4", "password.*conn id"),
    "an empty user's password": ("sftp://:hunter2@host:22/a.mp4", "password.*conn id"),
}


@pytest.mark.parametrize(("path", "message"), REFUSED.values(), ids=REFUSED)
def test_a_destination_that_cannot_be_is_refused(path: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{message}.*Nothing was sent.") as e:
        check_destination(path, overwrite=False, subtitles=False)
    assert "\n" not in str(e.value)
    assert "hunter2" not in str(e.value)


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_device_or_a_pipe_is_no_file(tmp_path: Path, overwrite: bool) -> None:
    os.mkfifo(path := tmp_path / "movie.mp4")
    with pytest.raises(ConfigurationError, match="no regular file is there.*Nothing was sent."):
        check_destination(path, overwrite=overwrite, subtitles=False)
    with pytest.raises(OSError, match="no regular file is there"):
        put(path, overwrite=overwrite)
    assert path.is_fifo()


def test_a_link_to_nowhere_is_replaced_only_if_it_may_be(tmp_path: Path) -> None:
    (path := tmp_path / "movie.mp4").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match="no regular file is there.*Nothing was sent."):
        check_destination(path, overwrite=False, subtitles=False)
    put(path, overwrite=True)
    assert _files(tmp_path) == {"movie.mp4": WHOLE}


@pytest.mark.parametrize(
    ("name", "beside"), [("a.mp4", "a.ass"), ("offer.de", "offer.de.ass"), ("v1.2.MP4", "v1.2.ass"), ("a", "a.ass")]
)
def test_subtitles_are_named_after_their_video_and_no_other(name: str, beside: str) -> None:
    assert Destination(f"/videos/{name}").beside(".ass").name == f"/videos/{beside}"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="a folder is there"):
        check_destination(tmp_path, overwrite=True, subtitles=False)
    with pytest.raises(IsADirectoryError):
        put(tmp_path, overwrite=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_refused_unless_it_may_be_overwritten(tmp_path: Path) -> None:
    (path := tmp_path / "movie.mp4").write_bytes(b"mine")
    with pytest.raises(ConfigurationError, match=r"a file at the destination '.*movie.mp4' already \(4 bytes\)"):
        check_destination(path, overwrite=False, subtitles=False)
    check_destination(path, overwrite=True, subtitles=False)


def test_subtitles_need_room_too(tmp_path: Path) -> None:
    (tmp_path / "movie.ass").write_bytes(b"mine")
    with pytest.raises(ConfigurationError, match="a file at the destination '.*movie.ass' already"):
        check_destination(tmp_path / "movie.mp4", overwrite=False, subtitles=True)
    with pytest.raises(ConfigurationError, match="must not end in .ass"):
        check_destination(tmp_path / "movie.ass", overwrite=True, subtitles=True)


def test_a_folder_that_will_be_made_is_fine_and_a_file_as_folder_is_not(tmp_path: Path) -> None:
    check_destination(tmp_path / "a" / "b" / "movie.mp4", overwrite=False, subtitles=False)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot write in .*file"):
        check_destination(tmp_path / "file" / "movie.mp4", overwrite=False, subtitles=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigurationError, match="cannot write in"):
        check_destination(tmp_path / "movie.mp4", overwrite=False, subtitles=False)


def test_a_bucket_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="names no bucket that exists"):
        check_destination(f"{attached(Store(), 's3')}typo/movie.mp4", overwrite=False, subtitles=False)
    with pytest.raises(ConfigurationError, match="must name a file in a bucket"):
        check_destination(f"{attached(Store(), 's3')}bucket", overwrite=False, subtitles=False)


def test_a_store_that_does_not_answer_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    monkeypatch.setattr(store, "info", lambda *_, **__: broken())
    with pytest.raises(DestinationUnavailable, match="it broke off. Nothing was sent."):
        check_destination(f"{attached(store, 's3')}bucket/movie.mp4", overwrite=False, subtitles=False)
