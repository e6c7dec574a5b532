"""Where a finished file goes: any object storage path, and never a short or a foreign file under the final name."""

from __future__ import annotations

import errno
import mimetypes
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_j2v.exceptions import ConfigurationError, DestinationUnavailable

if TYPE_CHECKING:
    from airflow_provider_j2v.api.download import Write

#: Written and compared in blocks of so many bytes; S3 wants at least 5 MiB.
BLOCK = 8 * 1024 * 1024
S3 = frozenset({"s3", "s3a", "s3n"})
AZURE = frozenset({"abfs", "abfss", "az"})
#: Stores whose writers show a file when they are closed, whole, and nothing of it before (read in s3fs, gcsfs, adlfs).
STORES = S3 | AZURE | {"gs", "gcs"}
LOCAL = frozenset({"file", "local"})
VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".gif"})
#: What brings the more usual schemes to Airflow, for the error that misses them.
PACKAGES = {
    **dict.fromkeys(S3, "apache-airflow-providers-amazon[s3fs]"),
    **dict.fromkeys(("gs", "gcs"), "apache-airflow-providers-google"),
    **dict.fromkeys(("abfs", "abfss", "adl"), "apache-airflow-providers-microsoft-azure"),
    "sftp": "apache-airflow-providers-sftp[sshfs]",
}


MEANWHILE = "another file has come there meanwhile, and overwrite is False"


class Taken(Exception):
    """Another file is there, and it must not be overwritten."""


class NoFile(OSError):
    """What is there is no regular file, and must not be replaced by one."""


class Destination:
    """One file to be.

    :param path: an absolute path, or a URL such as ``s3://conn_id@bucket/key`` (text, ``Path`` or
        ``ObjectStoragePath``).
    :raises ConfigurationError: it names no file, it shows a password, or nothing here can write to it.
    """

    def __init__(self, path: Any) -> None:
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        self.name = str(path)
        scheme = _check_name(self.name)
        try:
            self._target = path if isinstance(path, ObjectStoragePath) else ObjectStoragePath(path)
            self._path: str = self._target.path
            self._fs: Any = self._target.fs
        except Exception as e:
            needs = f" It needs {PACKAGES[scheme]}." if scheme in PACKAGES else ""
            raise ConfigurationError(f"The destination {self.name!r} cannot be used: {reason(e)}.{needs}") from e
        self._protocol = self._target.protocol or "file"
        self._direct = self._protocol in STORES
        if self._direct and "/" not in self._path.strip("/"):
            raise ConfigurationError(f"The destination {self.name!r} must name a file in a bucket.")

    def beside(self, suffix: str) -> Destination:
        """The file of the same name with another suffix; ``offer.de`` is no ``offer`` with a suffix.

        :raises ConfigurationError: it has that suffix already.
        """
        target = self._target
        if target.suffix == suffix:
            raise ConfigurationError(f"The destination {self.name!r} of a video must not end in {suffix}.")
        is_video = target.suffix.lower() in VIDEOS
        return Destination(target.with_suffix(suffix) if is_video else target.with_name(target.name + suffix))

    def check(self, *, overwrite: bool) -> None:
        """Find out, without writing anything, what can be known before a render is paid for.

        :raises ConfigurationError: a file is there already, or the place cannot be written to.
        :raises DestinationUnavailable: the place could not be looked at.
        """
        try:
            size = self.there(overwrite=overwrite)
        except PermissionError as e:
            hint = "a role that may write but not look needs overwrite=True"
            raise ConfigurationError(f"The destination {self.name!r} cannot be used: {reason(e)}; {hint}.") from e
        except (IsADirectoryError, NoFile) as e:
            raise ConfigurationError(f"The destination {self.name!r} cannot be used: {reason(e)}.") from e
        except Exception as e:
            raise DestinationUnavailable(f"The destination {self.name!r} could not be looked at: {reason(e)}.") from e
        if size is not None and not overwrite:
            raise ConfigurationError(
                f"There is a file at the destination {self.name!r} already ({size} bytes): remove it, name another "
                "destination, or set overwrite=True."
            )
        if size is None:
            self._check_parent()

    def there(self, *, overwrite: bool) -> int | None:
        """Bytes of the file that is there now; None when there is none.

        :param overwrite: True when that does not matter: who may write but not look passes.
        :raises OSError: no regular file is there, or one may not look.
        """
        try:
            info = self._info(self._path)
        except PermissionError:
            if overwrite:
                return None
            raise
        if info and info.get("type") == "directory":
            if self._direct:  # other keys begin like this one
                return None
            raise IsADirectoryError(errno.EISDIR, "a folder is there, and it must name a file")
        to_nowhere = info is None and not overwrite and self._protocol in LOCAL and os.path.islink(self._path)  # noqa: PTH114
        if to_nowhere or (info and info.get("type") == "other"):
            raise NoFile(errno.EEXIST, "no regular file is there, but a device, a pipe or a link to nowhere")
        return None if info is None else int(info.get("size") or 0)

    @contextmanager
    def writing(self, *, overwrite: bool) -> Iterator[Write]:
        """Gives what to write the file with: it shows under its name, whole, when the block ends in peace.

        Two that write at the same moment with ``overwrite=False`` do not both succeed in the stores and on a disk that
        has hard links; elsewhere the second may replace the first.

        :raises Taken: another file has come there meanwhile, and ``overwrite`` is False.
        """
        path = self._path if self._direct else f"{_parent(self._path)}/.json2video-{uuid.uuid4().hex}.part"
        file = self._open(path, "xb" if self._direct and not overwrite else "wb")
        written = 0

        def write(piece: bytes) -> None:
            nonlocal written
            file.write(piece)
            written += len(piece)

        try:
            yield write
            if self.there(overwrite=overwrite) is not None and not overwrite:
                raise Taken(MEANWHILE)
            file.close()  # a store refuses here what was opened with "x" and has come there meanwhile
            if not self._direct:
                self._must_have(written, path)
                if overwrite or not self._linked(path):
                    self._fs.mv(path, self._path)
        except BaseException as e:
            self._throw_away(file, path)
            if isinstance(e, FileExistsError) and not overwrite:
                raise Taken(MEANWHILE) from e
            raise
        self._must_have(written, self._path)

    @contextmanager
    def comparing(self) -> Iterator[Write]:
        """Like ``writing``, for a file that is there and may be the very same.

        :raises Taken: it is another one.
        """
        other = Taken("another file is there, and overwrite is False")
        with self._fs.open(self._path, "rb", block_size=BLOCK) as file:

            def compare(piece: bytes) -> None:
                if file.read(len(piece)) != piece:
                    raise other

            yield compare
            if file.read(1):
                raise other

    def _check_parent(self) -> None:
        """The bucket, or the next folder that exists, as far as it lets itself be looked at."""
        if self._direct:
            bucket = self._path.partition("/")[0]
            try:
                self._fs.info(bucket)
            except FileNotFoundError:
                raise ConfigurationError(f"The destination {self.name!r} names no bucket that exists.") from None
            except Exception:  # noqa: S110 - a role may write keys and know nothing of their bucket
                pass
        elif self._protocol in LOCAL:
            folder = next(folder for folder in Path(self._path).parents if os.path.exists(folder))  # noqa: PTH110
            if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
                raise ConfigurationError(f"The destination {self.name!r} cannot be used: cannot write in {folder}.")

    def _info(self, path: str) -> dict[str, Any] | None:
        self._fs.invalidate_cache(_parent(path))
        try:
            info: dict[str, Any] = self._fs.info(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return info

    def _linked(self, part: str) -> bool:
        """Give a part its final name. Unlike a move, a link takes no name that is in use.

        :returns: False where there are no hard links.
        """
        if self._protocol not in LOCAL:
            return False
        try:
            os.link(part, self._path)
        except FileExistsError:
            raise
        except OSError:
            return False
        os.unlink(part)  # noqa: PTH108
        return True

    def _open(self, path: str, mode: str) -> Any:
        options: dict[str, Any] = {"block_size": BLOCK}
        kind = mimetypes.guess_type(self.name)[0]
        if kind and self._protocol in S3:  # gcsfs guesses it itself; without it a browser does not play a video
            options["ContentType"] = kind
        elif kind and self._protocol in AZURE:
            options["content_settings"] = {"content_type": kind}
        try:
            return self._fs.open(path, mode, **options)
        except FileNotFoundError:  # there are folders here, not just keys
            if self._direct:
                raise
            self._fs.makedirs(_parent(path), exist_ok=True)
            return self._fs.open(path, mode, **options)

    def _must_have(self, size: int, path: str) -> None:
        with suppress(PermissionError):
            there = (self._info(path) or {}).get("size")
            if there != size:
                raise OSError(errno.EIO, f"{size} bytes were written, and {there or 'none'} are there")

    def _throw_away(self, file: Any, path: str) -> None:
        if self._direct:  # closing it would show what was written so far, and so would its own __del__
            with suppress(Exception):
                file.discard()
            with suppress(Exception):
                file.closed = True
        else:
            with suppress(Exception):
                file.close()
            with suppress(Exception):
                self._fs.rm_file(path)


def check_destination(path: Any, *, overwrite: bool, subtitles: bool) -> None:
    """Refuse a destination that will not do, before anything is sent.

    :raises ConfigurationError: what is wrong with it.
    :raises DestinationUnavailable: it could not be looked at.
    """
    try:
        video = Destination(path)
        for target in (video, video.beside(".ass")) if subtitles else (video,):
            target.check(overwrite=overwrite)
    except (ConfigurationError, DestinationUnavailable) as e:
        raise type(e)(f"{e} Nothing was sent.") from e


def check_mapped(operator: Any, map_index: int | None) -> None:
    """Refuse a ``destination`` that all instances of a mapped task share: each would pay, and one bring its file home.

    :raises ConfigurationError: it is as it was written in the DAG: neither Jinja nor the mapping filled anything in.
    """
    dag = operator.get_dag()
    if map_index is None or map_index < 0 or dag is None:
        return
    written = dag.get_task(operator.task_id)
    raw = None if written is operator else getattr(written, "partial_kwargs", vars(written)).get("destination")
    if raw is not None and str(raw) == str(operator.destination):
        raise ConfigurationError(
            f"The destination {str(raw)!r} is the same for every instance of this mapped task: name each one's own, "
            "as with {{ ti.map_index }}. Nothing was sent."
        )


def _check_name(name: str) -> str:
    """Refuse what can be read to be wrong.

    :returns: the scheme of a URL.
    """
    scheme, is_url, rest = name.partition("://")
    user, _, host = rest.partition("/")[0].rpartition("@")
    if is_url and ":" in user:
        raise ConfigurationError(
            f"The destination of scheme {scheme!r} has a password in its URL, which logs and the UI would show: put it "
            "in an Airflow connection, and the conn id before the @."
        )
    if not name or name.endswith("/"):
        raise ConfigurationError(f"The destination {name!r} must name a file.")
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", name):
        raise ConfigurationError(f"The destination {name!r} has control characters in it.")
    if not is_url and not Path(name).is_absolute():
        raise ConfigurationError(f"The destination {name!r} must be an absolute path, or a URL.")
    if is_url and host and scheme.lower() in LOCAL:
        raise ConfigurationError(
            f"The destination {name!r} must be an absolute path: a local URL has three slashes, as in "
            "file:///videos/a.mp4."
        )
    return scheme


def reason(error: Exception) -> str:
    """An error of a file system in one line."""
    from airflow_provider_j2v.api.reply import escape

    words = escape(str(error).strip().rstrip("."))
    return words if isinstance(error, OSError) and words else f"{type(error).__name__}: {words}".rstrip(": ")


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
