"""File systems that go wrong, attached as Airflow attaches its own."""

from __future__ import annotations

import errno
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from airflow.sdk.io import attach
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem
from fsspec.spec import AbstractBufferedFile


class Memory(MemoryFileSystem):
    """A file system in memory of its own: the original is one for all."""

    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.store: dict[str, Any] = {}
        self.pseudo_dirs = [""]

    @property
    def files(self) -> dict[str, bytes]:
        return {name: file.getvalue() for name, file in self.store.items()}


class FullDisk(Memory):
    """Takes ``room`` bytes, then no more."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        file = super()._open(path, mode, **kwargs)
        return _Full(file, self) if mode == "wb" else file


class _Full:
    def __init__(self, file: MemoryFile, disk: FullDisk) -> None:
        self._file, self._disk = file, disk

    def write(self, piece: bytes) -> int:
        self._disk.room -= len(piece)
        if self._disk.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(piece)

    def close(self) -> None:
        self._file.close()


class Rival(Memory):
    """Where somebody else puts a file there while one is written beside it."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = content

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        if path.endswith(".part"):
            self.pipe_file("/bucket/movie.mp4", self._content)
        return super()._open(path, mode, **kwargs)


class LateRival(LocalFileSystem):
    """A disk where somebody else's file comes when all looking is over: as the last byte of ours is written."""

    cachable = False

    def __init__(self, path: Path, content: bytes) -> None:
        super().__init__()
        self._rival, self._content = path, content

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        file = super()._open(path, mode, **kwargs)
        return _Beaten(file, self._come) if "r" not in mode else file

    def _come(self) -> None:
        self._rival.write_bytes(self._content)


class _Beaten:
    def __init__(self, file: Any, come: Callable[[], None]) -> None:
        self._file, self._come = file, come

    def write(self, piece: bytes) -> int:
        return self._file.write(piece)

    def close(self) -> None:
        self._come()
        self._file.close()


class Forgetful(Memory):
    """Loses the last byte of what it is given, and says nothing."""

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        return _Short(super()._open(path, mode, **kwargs)) if mode == "wb" else super()._open(path, mode, **kwargs)


class _Short:
    def __init__(self, file: MemoryFile) -> None:
        self._file = file

    def write(self, piece: bytes) -> int:
        return self._file.write(piece)

    def close(self) -> None:
        self._file.truncate(len(self._file.getvalue()) - 1)


class Store(AbstractFileSystem):
    """An object store, as s3fs behaves: parts go up as they come, and closing the writer makes the object of them.

    ``fail`` names the step that fails: ``part``, ``complete`` or ``look``. A ``rival`` is what somebody else puts at
    the key in the moment before ours is complete.
    """

    cachable = False
    protocol: ClassVar[str] = "s3"

    def __init__(self, fail: str = "", buckets: tuple[str, ...] = ("bucket",), rival: bytes | None = None) -> None:
        super().__init__()
        self.fail = fail
        self.rival = rival
        self.buckets = buckets
        self.objects: dict[str, bytes] = {}
        self.kinds: dict[str, str] = {}
        self.pending: list[Any] = []

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        if self.fail == "look":
            raise PermissionError("Forbidden")
        if path in self.buckets:
            return {"name": path, "type": "directory", "size": 0}
        if path not in self.objects:
            raise FileNotFoundError(path)
        return {"name": path, "type": "file", "size": len(self.objects[path])}

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        return _Object(self, path, mode, **kwargs)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        return self.objects[path][start:end]


class _Object(AbstractBufferedFile):
    def _initiate_upload(self) -> None:
        self._parts: list[bytes] = []
        self.fs.pending.append(self)

    def _upload_chunk(self, final: bool = False) -> bool:
        self._do("part")
        self._parts.append(self.buffer.getvalue())
        if final:
            self._do("complete")
            if self.fs.rival is not None:
                self.fs.objects[self.path] = self.fs.rival
            if "x" in self.mode and self.path in self.fs.objects:
                raise FileExistsError(errno.EEXIST, "PreconditionFailed")
            self.fs.objects[self.path] = b"".join(self._parts)
            self.fs.kinds[self.path] = self.kwargs.get("ContentType", "")
            self.fs.pending.remove(self)
        return True

    def _do(self, step: str) -> None:
        if self.fs.fail == step:
            raise OSError(errno.EIO, "the store answered 500")

    def discard(self) -> None:
        if self in self.fs.pending:
            self.fs.pending.remove(self)


def attached(fs: AbstractFileSystem, protocol: str = "memory") -> str:
    """The beginning of a URL that leads to this file system, with a conn id of its own."""
    conn_id = uuid.uuid4().hex
    attach(protocol, conn_id, fs=fs)
    return f"{protocol}://{conn_id}@"
