"""The hook's methods for media, the files kept at JSON2Video."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_j2v.exceptions import JSON2VideoError, MediaError, SourceUnavailable

if TYPE_CHECKING:
    from airflow_provider_j2v.api.calls import Call
    from airflow_provider_j2v.api.client import Client
    from airflow_provider_j2v.api.media_answers import MediaFile, Storage
    from airflow_provider_j2v.api.upload import Content, IfExists, Readable, Uploaded

T = TypeVar("T")


class MediaMixin:
    """What ``JSON2VideoHook`` can do with media. A path is ``folder/name``; the root folder is empty."""

    if TYPE_CHECKING:

        @property
        def client(self) -> Client: ...

        def send(self, call: Call[T]) -> T: ...

    def upload_media(
        self,
        source: Any,
        name: str | None = None,
        folder: str = "",
        *,
        if_exists: IfExists = "replace",
        content_type: str | None = None,
    ) -> Uploaded:
        """Have a file at the service, in constant memory; its ``url`` is what a movie uses as ``src``.

        A file of the same name and size there is taken for the same one and not sent again. A broken transfer is
        begun anew up to three times; what it leaves at the service is removed.

        :param source: a local path, an object storage path or URL (``s3://conn@bucket/logo.png``), or a binary file
            that can seek, such as ``io.BytesIO``.
        :param name: at the service (default: the source's). What is no ASCII letter or digit, ``.``, ``_`` or ``-``
            becomes ``_``, and the name gets a part of its hash.
        :param folder: at the service; empty is the root, ``temp`` is emptied by the service.
        :param if_exists: what to do about a file of the same name and another size: ``replace``, ``skip`` or ``fail``.
        :param content_type: MIME type (default: guessed from the name).
        :raises MediaError: there is no such file, the service would refuse it (empty, over 500 MB), or ``fail``.
        :raises SourceUnavailable: it could not be read.
        """
        from airflow_provider_j2v.api.upload import Uploader

        return Uploader(self.client).upload(content_of(source, name, content_type), folder, if_exists=if_exists)

    def get_media(self, path: str) -> MediaFile:
        """One file: its ``url``, ``size``, ``status`` …

        :raises NotFound: there is none.
        """
        from airflow_provider_j2v.api.media import get_media

        return self.send(get_media(path))

    def list_media(self, folder: str = "") -> Iterator[MediaFile]:
        """The files in a folder, page by page; those in folders below are not among them."""
        from airflow_provider_j2v.api.media import MAX_PAGE, list_media

        page = seen = 0
        while True:
            answer = self.send(list_media(folder, page=page))
            yield from answer.files
            page, seen = page + 1, seen + len(answer.files)
            if len(answer.files) < MAX_PAGE or seen >= (answer.total or math.inf):
                break

    def move_media(self, path: str, folder: str) -> MediaFile:
        """Move a file to another folder, where its url is another; waits until it is not ``pending``, up to a minute.

        :raises NotFound: there is no such file.
        :raises InvalidRequest: one of that name is there.
        :raises ServerError: it is pending still, and was not moved: the service may lose such a file.
        """
        from airflow_provider_j2v.api.media import folder_name, get_media, move_media, split
        from airflow_provider_j2v.api.media_answers import PENDING
        from airflow_provider_j2v.api.upload import Uploader
        from airflow_provider_j2v.exceptions import ServerError

        file = Uploader(self.client).settled(path)
        if file is not None and file.status == PENDING:
            raise ServerError(None, f"{path} is pending still, and moved now it may get lost; nothing was moved")
        self.send(move_media(path, folder))
        return self.send(get_media(f"{folder_name(folder)}/{split(path)[1]}"))

    def delete_media(self, path: str) -> None:
        """Delete a file; one that is not there is as good as deleted."""
        from airflow_provider_j2v.api.media import delete_media
        from airflow_provider_j2v.exceptions import NotFound

        with suppress(NotFound):
            self.send(delete_media(path))

    def create_folder(self, folder: str) -> None:
        """Make a folder and those it lies in; one that is there is fine. An upload makes its folder by itself."""
        from airflow_provider_j2v.api.media import create_folder

        self.send(create_folder(folder))

    def delete_folder(self, folder: str) -> None:
        """Delete a folder, which must be empty; one that is not there is as good as deleted."""
        from airflow_provider_j2v.api.media import delete_folder
        from airflow_provider_j2v.exceptions import NotFound

        with suppress(NotFound):
            self.send(delete_folder(folder))

    def media_usage(self) -> Storage:
        """How many bytes are kept, how many are free of charge, and what the rest costs (credits a week)."""
        from airflow_provider_j2v.api.media import media_usage

        return self.send(media_usage())


def content_of(source: Any, name: str | None = None, content_type: str | None = None) -> Content:
    """What is to be sent of a source: see ``MediaMixin.upload_media``.

    :raises MediaError: it is nothing that can be sent.
    :raises SourceUnavailable: it could not be looked at.
    """
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    from airflow_provider_j2v.api.reply import escape
    from airflow_provider_j2v.api.upload import Content

    if callable(getattr(source, "read", None)):
        return _of_file(source, name, content_type)
    if not isinstance(source, str | os.PathLike | ObjectStoragePath) or not source:
        raise MediaError(f"source is a path, a URL or an open binary file, not {source!r:.80}. Nothing was sent.")
    with reading(source):
        path = source if isinstance(source, ObjectStoragePath) else ObjectStoragePath(os.fspath(source))
        if not path.is_file():
            what = "is a folder: write which files of it, e.g. with /*" if path.is_dir() else "does not exist"
            raise MediaError(f"The file {escape(str(path))} {what}. Nothing was sent.")
        size = path.stat().st_size

    @contextmanager
    def opened() -> Iterator[Readable]:
        with reading(path, "It was not sent."):
            handle: Any = path
            with handle.open("rb") as file:
                yield file

    return Content.of(path.name if name is None else name, size, opened, content_type)


@contextmanager
def reading(source: Any, so_far: str = "Nothing was sent.") -> Iterator[None]:
    """Turn what goes wrong with a source into our errors, which name it without its secrets.

    :raises MediaError: something is configured wrongly: its scheme, its conn id, its permissions.
    :raises SourceUnavailable: whatever else; another try may read it.
    """
    from airflow.providers.common.compat.sdk import AirflowNotFoundException

    from airflow_provider_j2v.api.reply import escape

    try:
        yield
    except JSON2VideoError:
        raise
    except Exception as e:
        what = f"The file {escape(str(source))} cannot be read: {escape(str(e)) or type(e).__name__}"
        if isinstance(e, ValueError | ImportError | PermissionError | AirflowNotFoundException):
            raise MediaError(f"{what}. {so_far}") from None
        raise SourceUnavailable(f"{what}. {so_far}") from None


def _of_file(file: Any, name: str | None, content_type: str | None) -> Content:
    from airflow_provider_j2v.api.upload import Content

    if name is None:
        own = getattr(file, "name", None)
        if not isinstance(own, str):
            raise MediaError("An open file needs a name: give name='chart.png'. Nothing was sent.")
        name = PurePath(own).name
    try:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        binary = isinstance(file.read(0), bytes)
    except (OSError, ValueError) as e:
        raise MediaError(f"The open file {name!r:.120} cannot seek: {e}. Nothing was sent.") from None
    if not binary:
        raise MediaError(f"The file {name!r:.120} is open for text: open it as 'rb'. Nothing was sent.")

    @contextmanager
    def rewound() -> Iterator[Readable]:
        file.seek(0)
        yield file

    return Content.of(name, size, rewound, content_type)
