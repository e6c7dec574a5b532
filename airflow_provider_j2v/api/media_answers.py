"""What the service answers about media, the files kept at JSON2Video."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from airflow_provider_j2v.api.answers import Address, Answer, Count, Lenient, Moment, Word

PENDING = "pending"


class MediaFile(Answer):
    """One file. ``url`` is public and what a movie uses as ``src``; ``folder`` is empty at the root.

    ``status`` is ``pending`` until the content has arrived and the service has noticed, seconds later; then
    ``uploaded``. ``size`` is bytes, ``type`` is ``image``, ``video``, ``audio`` or ``other``.
    """

    name: str = Field(min_length=1)
    folder: Lenient[str] = None
    type: Lenient[str] = None
    content_type: Lenient[str] = Field(None, alias="contentType")
    size: Lenient[Count] = None
    url: Lenient[Address] = None
    status: Lenient[Word] = None
    temporary: Lenient[bool] = None
    created_at: Lenient[Moment] = None


class MediaFileAnswer(Answer):
    """``GET /media/file``."""

    file: MediaFile


def _names(value: Any) -> Any:
    """Folder names; whatever else is in the list is none."""
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


class MediaFolder(Answer):
    """``GET /media/folder``: one page of a folder's files, and the names of the folders in it.

    ``total`` counts the files that the filters let through, ``total_files`` and ``total_size`` (bytes) all of them.
    """

    files: list[MediaFile]
    folders: Annotated[list[str], BeforeValidator(_names)] = Field(default_factory=list)
    total: Lenient[int] = None
    total_files: Lenient[int] = None
    total_size: Lenient[int] = None


class FolderStats(Answer):
    """A folder of the tree: the root is ``/``; ``size`` is bytes."""

    path: str
    files: Lenient[int] = None
    size: Lenient[int] = None


class MediaTree(Answer):
    """``GET /media/folder?tree=true``: every folder, in one flat list."""

    tree: list[FolderStats]


class Storage(Answer):
    """What the files take, in bytes; beyond ``free_allowance`` they cost ``credits_per_week``."""

    used_bytes: Lenient[int] = None
    free_allowance: Lenient[int] = None
    credits_per_week: Lenient[float] = None
    blocked: Lenient[bool] = None
    blocked_at: Lenient[Moment] = None


class MediaUsage(Answer):
    """``GET /media``."""

    storage: Storage


class Ticket(Answer):
    """A registered file: whoever has ``upload_url`` may send its content, for ``expires_in`` seconds."""

    upload_url: str = Field(alias="uploadUrl", min_length=1, repr=False)
    file_url: Lenient[str] = Field(None, alias="fileUrl")
    expires_in: Lenient[float] = Field(None, alias="expiresIn")


class MediaChanged(Answer):
    """A file was moved or deleted, a folder made or deleted. ``message`` says when a folder was there already."""

    message: Lenient[str] = None
    timestamp: Lenient[Moment] = None
