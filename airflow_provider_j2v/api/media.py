"""The calls on media, the files kept at JSON2Video, each written once. They need a key of role *Render*.

Sources: the service's pages on media, and what its own n8n team saw live. The root folder is ``/`` where folders are
read and empty where they are written; ``DELETE`` takes a JSON body; what is not there is HTTP 400, not 404.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath
from typing import Any, TypeVar

from airflow_provider_j2v.api.answers import Answer
from airflow_provider_j2v.api.calls import Call, encode
from airflow_provider_j2v.api.media_answers import (
    MediaChanged,
    MediaFile,
    MediaFileAnswer,
    MediaFolder,
    MediaTree,
    MediaUsage,
    Storage,
    Ticket,
)
from airflow_provider_j2v.api.reply import model
from airflow_provider_j2v.exceptions import MediaError

A = TypeVar("A", bound=Answer)

#: The largest file the service takes, in bytes (documented as 500 MB).
MAX_SIZE = 524_288_000
#: Rows a page of a folder has at most.
MAX_PAGE = 100

_FILE = "/v2/media/file"
_FOLDER = "/v2/media/folder"


def media_usage() -> Call[Storage]:
    """``GET /media``: how much is kept, and what it costs."""
    return Call("get media usage", "GET", "/v2/media", lambda reply: model(MediaUsage)(reply).storage)


def get_media(path: str) -> Call[MediaFile]:
    """``GET /media/file``: one file by its path (``folder/name``)."""
    params = {"path": "/".join(filter(None, split(path)))}
    return Call("get media file", "GET", _FILE, lambda reply: model(MediaFileAnswer)(reply).file, params=params)


def list_media(
    folder: str = "", *, page: int = 0, limit: int = MAX_PAGE, kind: str | None = None, search: str | None = None
) -> Call[MediaFolder]:
    """``GET /media/folder``: a page of a folder's files.

    :param page: counted from 0.
    :param limit: rows a page, 1 to 100.
    :param kind: only ``image``, ``video``, ``audio`` or ``other``.
    :param search: only names with this in them.
    """
    params = {"path": folder_name(folder) or "/", "page": str(page), "page_size": str(limit)}
    params |= {name: value for name, value in (("type", kind), ("q", search)) if value}
    return Call("list media", "GET", _FOLDER, model(MediaFolder), params=params)


def media_tree() -> Call[MediaTree]:
    """``GET /media/folder?tree=true``: every folder with the number and size of its files."""
    return Call("get media tree", "GET", _FOLDER, model(MediaTree), params={"tree": "true"})


def register_media(name: str, folder: str, size: int, content_type: str) -> Call[Ticket]:
    """``POST /media/file``: announce a file. A name that is taken is HTTP 409; so is a repeat after a lost answer.

    :param size: bytes that will come, 1 to ``MAX_SIZE``.
    :param content_type: MIME type; the content must come with the very same.
    """
    body = {"name": name, "contentType": content_type, "size": size, "folder": folder_name(folder)}
    return _write("register media file", "POST", _FILE, body, Ticket)


def move_media(path: str, destination: str) -> Call[MediaChanged]:
    """``PUT /media/file``: into another folder, under the same name. One that is ``pending`` may get lost (seen live).

    :param destination: the folder; empty is the root.
    """
    folder, name = split(path)
    # Not repeated: after a lost answer it would not be found.
    body = {"name": name, "folder": folder, "destination": folder_name(destination)}
    return _write("move media file", "PUT", _FILE, body, MediaChanged, repeatable=False)


def delete_media(path: str) -> Call[MediaChanged]:
    """``DELETE /media/file``."""
    folder, name = split(path)
    return _write("delete media file", "DELETE", _FILE, {"name": name, "folder": folder}, MediaChanged)


def create_folder(folder: str) -> Call[MediaChanged]:
    """``POST /media/folder``: with the folders it lies in; one that is there is fine, and the answer says so."""
    return _write("create media folder", "POST", _FOLDER, {"folder": _named(folder)}, MediaChanged)


def delete_folder(folder: str) -> Call[MediaChanged]:
    """``DELETE /media/folder``: an empty one."""
    return _write("delete media folder", "DELETE", _FOLDER, {"folder": _named(folder)}, MediaChanged)


def file_name(name: str) -> str:
    """The name that a file has at the service: its own, if of ASCII letters, digits, ``.``, ``_`` and ``-`` alone.

    The service writes ``_`` for anything else, so that ``产品一.png`` and ``产品二.png`` would be one file. Such a name
    gets a part of its hash (``___-275264db.png``), the same for both Unicode spellings.

    :raises MediaError: it is no name of a file.
    """
    if not isinstance(name, str) or "/" in name or not name.strip(" ."):
        raise MediaError(f"{name!r:.120} is not a name for a media file. Nothing was sent.")
    composed = unicodedata.normalize("NFC", name)
    plain = re.sub(r"[^a-zA-Z0-9._-]", "_", composed)
    if plain == composed:
        return plain
    parts = PurePosixPath(plain)
    return f"{parts.stem}-{hashlib.sha256(composed.encode(errors='surrogatepass')).hexdigest()[:8]}{parts.suffix}"


def folder_name(folder: str) -> str:
    """The folder without slashes around it; empty is the root.

    How the service rewrites other characters is not known, so they are refused.

    :raises MediaError: it holds a character that folders do not have.
    """
    if not isinstance(folder, str) or not re.fullmatch(r"[a-zA-Z0-9/_-]*", folder):
        raise MediaError(
            f"A media folder is named with ASCII letters, digits, '_', '-' and '/', unlike {folder!r:.120}. "
            "Nothing was sent."
        )
    return "/".join(filter(None, folder.split("/")))


def split(path: str) -> tuple[str, str]:
    """The folder and the name of a file.

    :raises MediaError: it is no path of a media file.
    """
    if not isinstance(path, str):
        raise MediaError(f"The path of a media file is text, not {path!r:.120}. Nothing was sent.")
    folder, _, name = path.strip("/").rpartition("/")
    return folder_name(folder), file_name(name)


def _named(folder: str) -> str:
    if name := folder_name(folder):
        return name
    raise MediaError("The root folder cannot be made or deleted: name another. Nothing was sent.")


def _write(
    name: str, method: str, path: str, body: dict[str, Any], answer: type[A], *, repeatable: bool = True
) -> Call[A]:
    headers = {"Content-Type": "application/json"}
    return Call(name, method, path, model(answer), repeatable=repeatable, body=encode(body), headers=headers)
