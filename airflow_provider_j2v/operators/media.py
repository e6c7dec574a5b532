"""Local material for movies: files from anywhere to JSON2Video's media."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_j2v.exceptions import MediaError
from airflow_provider_j2v.hooks.errors import final_errors
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

    from airflow_provider_j2v.api.upload import Content, IfExists


_WILD = re.compile(r"[*?[]")


class JSON2VideoUploadMediaOperator(BaseOperator):
    """Have files at JSON2Video, where movies can use them.

    A file of the same name and size there is taken for the same one and not sent again, so that a retry sends what is
    missing. Files are streamed, whatever their size (the service takes up to 500 MB).

    Returns (XCom) ``{files: [{name, path, url, size (bytes), action}], url}``: ``action`` is ``uploaded``,
    ``unchanged``, ``replaced`` or ``skipped``. ``url`` is that of a single file, else None; of a single file it is
    also pushed under its own key: write ``"src": upload.output["url"]`` in a movie.

    :param source: what to send (templated): a path relative to the DAG file's folder, any object storage URL
        (``s3://conn@bucket/logo.png``), a glob of either (``charts/*.png``), an ``ObjectStoragePath``, or a list.
    :param folder: at JSON2Video (templated); empty is the root.
    :param name: at JSON2Video, for a single file (templated; default: the source's). What is no ASCII letter or
        digit, ``.``, ``_`` or ``-`` becomes ``_``, and such a name gets a part of its hash, so that different names
        stay different.
    :param if_exists: what to do about a file of the same name and another size: ``replace`` it (default), ``skip``
        it (it stays as it is) or ``fail``.
    :param content_type: MIME type of all files (templated; default: guessed from each name).
    :param json2video_conn_id: Airflow conn id of the account (default ``json2video_default``).
    """

    template_fields: Sequence[str] = ("source", "folder", "name", "if_exists", "content_type", "json2video_conn_id")
    ui_color = "#e4effb"

    def __init__(
        self,
        *,
        source: Any,
        folder: str = "",
        name: str | None = None,
        if_exists: IfExists = "replace",
        content_type: str | None = None,
        json2video_conn_id: str = JSON2VideoHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.folder = folder
        self.name = name
        self.if_exists = if_exists
        self.content_type = content_type
        self.json2video_conn_id = json2video_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Look at all files, then send all, then wait for all."""
        from airflow_provider_j2v.api.upload import Uploader

        with final_errors():
            contents = self._contents(context)
            uploader = Uploader(JSON2VideoHook(self.json2video_conn_id).client)
            files = uploader.upload_all(contents, self.folder, if_exists=self.if_exists)
        for file in files:
            self.log.info("%s: %s, %s bytes, %s", file.path, file.action, f"{file.size:,}", file.url)
        url = files[0].url if len(files) == 1 else None
        if url:
            context["ti"].xcom_push(key="url", value=url)
        return {"files": [asdict(file) for file in files], "url": url}

    def _contents(self, context: Context) -> list[Content]:
        """Every file of all sources, once."""
        from airflow_provider_j2v.api.reply import escape
        from airflow_provider_j2v.hooks.media import content_of, reading

        named: dict[str, tuple[ObjectStoragePath, Content]] = {}
        for source in _each(self.source):
            with reading(source):
                paths = list(_found(_path(source, context)))
            for path in paths:
                content = content_of(path, self.name, self.content_type)
                other, _ = named.setdefault(content.name, (path, content))
                if (other.fs, other.path) != (path.fs, path.path):
                    way = "leave name= to a single file" if self.name else "upload them to two folders"
                    both = escape(f"{other} and {path}")
                    raise MediaError(f"{both} would both be called {content.name}: {way}. Nothing was sent.")
        if not named:
            raise MediaError("source is an empty list. Nothing was sent.")
        return [content for _, content in named.values()]


def _each(source: Any) -> Iterable[Any]:
    return [source] if isinstance(source, str | bytes | Mapping) or not isinstance(source, Iterable) else source


def _path(source: Any, context: Context) -> ObjectStoragePath:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    if isinstance(source, ObjectStoragePath):
        return source
    if not isinstance(source, str | os.PathLike) or not str(source):
        raise MediaError(f"source is a path, a URL or a list of these, not {source!r:.80}. Nothing was sent.")
    path = os.fspath(source)
    return ObjectStoragePath(path if "://" in path else str(Path(context["dag"].folder, path)))


def _found(path: ObjectStoragePath) -> Iterator[ObjectStoragePath]:
    """The files that a path stands for: itself, or what its wildcards match."""
    if not _WILD.search(path.path) or path.is_file():
        yield path
        return
    folder, pattern = path.parent, path.name
    while _WILD.search(folder.path) and folder.parent != folder:
        folder, pattern = folder.parent, f"{folder.name}/{pattern}"
    matches = [match for match in folder.glob(pattern) if match.is_file()]
    if not matches:
        raise MediaError(f"No file matches {path}. Nothing was sent.")
    yield from sorted(matches, key=str)
