"""The files an account keeps at the service: registered, uploaded, moved, deleted. No HTTP in here."""

from __future__ import annotations

import math
import re
import secrets
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_j2v.sandbox import documents
from airflow_provider_j2v.sandbox.accounts import Account
from airflow_provider_j2v.sandbox.clock import Clock, iso
from airflow_provider_j2v.sandbox.placeholders import Json
from airflow_provider_j2v.sandbox.refusals import NO_NAME, NO_PAYLOAD, Refusal
from airflow_provider_j2v.sandbox.variants import Variants

MAX_SIZE = 524_288_000
FREE_BYTES = 52_428_800
CREDITS_PER_GIB_WEEK = 10
TEMP = "temp"
"""The folder whose files are temporary: they are not counted (documented)."""

PAGE, LONGEST_PAGE = 50, 100

NO_CONTENT_TYPE = Refusal(400, "contentType is required")  # inferred, as the next one
NO_SIZE = Refusal(400, "size must be greater than 0")
OVER_SIZE = Refusal(413, "File exceeds maximum size of 500 MB")
BLOCKED = Refusal(403, "Storage is blocked. Add credits to continue uploading.")
TAKEN = Refusal(409, "A file with this name already exists. Delete it first.")
TAKEN_THERE = Refusal(409, "A file with this name already exists in the destination folder")
NO_DESTINATION = Refusal(400, "destination is required")
NO_FOLDER = Refusal(400, "folder is required")
BAD_FOLDER = Refusal(400, "Invalid folder name")
NOT_EMPTY = Refusal(400, "Folder is not empty. Delete all files first.")
KEPT_TEMP = Refusal(400, "Cannot delete the temp folder")
KEPT_ROOT = Refusal(400, "Cannot delete root folder")


@dataclass(slots=True, eq=False)
class File:
    """One file. ``stored`` is the service time at which its content came, ``content`` where it lies."""

    name: str
    folder: str
    content_type: str
    size: int
    created: float
    content: Path
    stored: float | None = None

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.name}".lstrip("/")

    @property
    def type(self) -> str:
        kind = self.content_type.split("/")[0]
        return kind if kind in ("image", "video", "audio") else "other"

    @property
    def temporary(self) -> bool:
        return self.folder.split("/")[0] == TEMP


@dataclass(slots=True)
class Drive:
    """What one account keeps: files by path, and the folders that were made."""

    files: dict[str, File] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    def all_folders(self) -> set[str]:
        """Every folder there is, those above a file or a folder too; the root is empty."""
        named = {"", TEMP, *self.folders, *(file.folder for file in self.files.values())}
        return {above for folder in named for above in _upwards(folder)}

    def within(self, folder: str) -> list[File]:
        return sorted((f for f in self.files.values() if f.folder == folder), key=lambda f: f.name)


class Media:
    """Thread-safe. The content of files lies on disk, in ``store``."""

    def __init__(self, store: Path, clock: Clock, variants: Variants) -> None:
        self._store = store
        self._clock = clock
        self._variants = variants
        self._lock = threading.RLock()
        self._drives: defaultdict[str, Drive] = defaultdict(Drive)

    def drive(self, account: Account) -> Drive:
        return self._drives[account.client]

    def clear(self) -> None:
        """Forget every file of every account."""
        with self._lock:
            for drive in self._drives.values():
                for file in drive.files.values():
                    file.content.unlink(missing_ok=True)
            self._drives.clear()

    # the calls

    def usage(self, account: Account) -> Json:
        """``GET /media``."""
        with self._lock:
            used = sum(f.size for f in self.drive(account).files.values() if f.stored and not f.temporary)
        weekly = math.ceil(max(0, used - FREE_BYTES) / 2**30 * CREDITS_PER_GIB_WEEK)
        since = account.storage_blocked_at
        storage = {
            "used_bytes": used,
            "free_allowance": FREE_BYTES,
            "credits_per_week": weekly,
            "blocked": since is not None,
            "blocked_at": None if since is None else iso(since),
        }
        return {"success": True, "storage": storage}

    def get(self, account: Account, query: Mapping[str, str], base_url: str) -> Json:
        """``GET /media/file?path=``."""
        with self._lock:
            return {"success": True, "file": self._shown(account, self._find(account, query.get("path", "")), base_url)}

    def list(self, account: Account, query: Mapping[str, str], base_url: str) -> Json:
        """``GET /media/folder``: a page of a folder; an unknown one is empty (inferred)."""
        folder = (query.get("path") or query.get("folder") or "/").strip("/")
        size = min(max(_whole(query.get("page_size"), PAGE), 1), LONGEST_PAGE)
        first = max(_whole(query.get("page"), 0), 0) * size
        with self._lock:
            drive = self.drive(account)
            files = drive.within(folder)
            found = [f for f in files if _passes(f, query)]
            return {
                "success": True,
                "path": folder or "/",
                "folders": sorted(_last(f) for f in drive.all_folders() if f and _parent(f) == folder),
                "files": [self._shown(account, f, base_url) for f in found[first : first + size]],
                "total": len(found),
                "total_files": len(files),
                "total_size": sum(f.size for f in files),
            }

    def tree(self, account: Account) -> Json:
        """``GET /media/folder?tree=true``: a flat list, with the root and ``temp`` (seen live)."""
        with self._lock:
            drive = self.drive(account)
            rows = []
            for folder in sorted(drive.all_folders()):
                files = drive.within(folder)
                rows.append({"path": folder or "/", "files": len(files), "size": sum(f.size for f in files)})
        return {"success": True, "tree": rows}

    def register(self, account: Account, raw: bytes) -> File:
        """``POST /media/file``: a pending file, whose content is to come."""
        wanted = _payload(raw)
        name, folder = _text(wanted, "name"), _cleaned(_text(wanted, "folder"))
        content_type, size = _text(wanted, "contentType"), wanted.get("size")
        if not name:
            raise NO_NAME
        if not content_type:
            raise NO_CONTENT_TYPE
        if not isinstance(size, int) or isinstance(size, bool) or size <= 0:
            raise NO_SIZE
        if size > MAX_SIZE:
            raise OVER_SIZE
        if account.storage_blocked_at is not None:
            raise BLOCKED
        own = re.sub(r"[^a-zA-Z0-9._-]", "_", name)
        file = File(own, folder, content_type, size, self._clock.now(), self._store / secrets.token_hex(8))
        with self._lock:
            files = self.drive(account).files
            if file.path in files:
                raise TAKEN
            files[file.path] = file
        return file

    def move(self, account: Account, raw: bytes) -> Json:
        """``PUT /media/file``: one that is still pending may get lost on the way (seen live)."""
        wanted = _payload(raw)
        if not _text(wanted, "name"):
            raise NO_NAME
        if not isinstance(wanted.get("destination"), str):
            raise NO_DESTINATION
        destination = _cleaned(wanted["destination"])
        with self._lock:
            file = self._named(account, wanted)
            files = self.drive(account).files
            if f"{destination}/{file.name}".lstrip("/") in files:
                raise TAKEN_THERE
            del files[file.path]
            if self._uploaded(file) or not self._variants.pending_move_loses:
                file.folder = destination
                files[file.path] = file
        return self._done()

    def delete(self, account: Account, raw: bytes) -> Json:
        """``DELETE /media/file``."""
        wanted = _payload(raw)
        if not _text(wanted, "name"):
            raise NO_NAME
        with self._lock:
            file = self._named(account, wanted)
            del self.drive(account).files[file.path]
            file.content.unlink(missing_ok=True)
        return self._done()

    def create_folder(self, account: Account, raw: bytes) -> Json:
        """``POST /media/folder``: with the folders above it; once more is fine (seen live)."""
        folder = _text(_payload(raw), "folder")
        if not folder:
            raise NO_FOLDER
        if not (own := _cleaned(folder)):
            raise BAD_FOLDER
        with self._lock:
            drive = self.drive(account)
            told = {"message": "Folder already exists"} if own in drive.all_folders() else {}
            drive.folders |= set(_upwards(own)) - {""}
        return self._done() | told

    def delete_folder(self, account: Account, raw: bytes) -> Json:
        """``DELETE /media/folder``: an empty one, but for the root and ``temp`` (seen live)."""
        folder = _cleaned(_text(_payload(raw), "folder"))
        if not folder:
            raise KEPT_ROOT
        if folder == TEMP:
            raise KEPT_TEMP
        with self._lock:
            drive = self.drive(account)
            if folder not in drive.all_folders():
                raise Refusal(self._variants.media_missing_status, "Folder not found")  # inferred
            if drive.within(folder) or any(_parent(f) == folder for f in drive.all_folders() if f):
                raise NOT_EMPTY
            drive.folders.discard(folder)
        return self._done()

    # content

    def part(self) -> Path:
        """Where to put content that is on its way."""
        self._store.mkdir(exist_ok=True)
        return self._store / f"{secrets.token_hex(8)}.part"

    def store(self, client: str, path: str, part: Path) -> None:
        """All of it has come, as long as it is: the storage does not know which size was registered.

        What is not registered any more is let go, as nothing would ever show it.
        """
        with self._lock:
            if (file := self._drives[client].files.get(path)) is not None:
                file.size = part.stat().st_size
                part.replace(file.content)
                file.stored = self._clock.now()
            else:
                part.unlink()

    def content(self, client: str, path: str) -> File | None:
        """The file behind a public address, once its content is there; the service confirms it only later."""
        with self._lock:
            file = self._drives[client].files.get(path) if client in self._drives else None
            return file if file is not None and file.stored is not None else None

    def behind(self, url: str) -> Path | None:
        """The content behind an address, by whatever name of this machine a client asked for it."""
        matched = re.fullmatch(r"/media/([^/]+)/files/(.+)", urlsplit(url).path)
        file = self.content(*matched.groups()) if matched else None
        return file.content if file else None

    # inside

    def _shown(self, account: Account, file: File, base_url: str) -> Json:
        return {
            "name": file.name,
            "folder": file.folder,
            "type": file.type,
            "contentType": file.content_type,
            "size": file.size,
            "url": f"{base_url}{public_path(account.client, file.path)}",
            "thumbnailUrl": None,
            "status": "uploaded" if self._uploaded(file) else "pending",
            "temporary": file.temporary,
            "created_at": iso(file.created),
        }

    def _uploaded(self, file: File) -> bool:
        return file.stored is not None and self._clock.now() >= file.stored + self._variants.media_pending

    def _named(self, account: Account, wanted: Json) -> File:
        return self._find(account, f"{_text(wanted, 'folder').strip('/')}/{_text(wanted, 'name')}")

    def _find(self, account: Account, path: str) -> File:
        file = self.drive(account).files.get(path.strip("/"))
        if file is None:
            raise Refusal(self._variants.media_missing_status, "File not found")
        return file

    def _done(self) -> dict[str, Any]:
        return {"success": True, "timestamp": iso(self._clock.now())}


def public_path(client: str, path: str) -> str:
    """Where a file is fetched."""
    return f"/media/{client}/files/{path}"


def _payload(raw: bytes) -> Json:
    try:
        payload = documents.parse(raw)
    except ValueError:
        raise NO_PAYLOAD from None
    if not isinstance(payload, dict):
        raise NO_PAYLOAD
    return payload


def _text(wanted: Json, name: str) -> str:
    value = wanted.get(name)
    return value if isinstance(value, str) else ""


def _cleaned(folder: str) -> str:
    """What a folder name may not hold is left out (inferred from its refusals)."""
    parts = re.sub(r"[^a-zA-Z0-9/_-]", "", folder).split("/")
    return "/".join(filter(None, parts))


def _passes(file: File, query: Mapping[str, str]) -> bool:
    return query.get("type") in (None, "", file.type) and query.get("q", "").lower() in file.name.lower()


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else default


def _upwards(folder: str) -> list[str]:
    parts = PurePosixPath(folder).parts
    return ["/".join(parts[:length]) for length in range(len(parts) + 1)]


def _parent(folder: str) -> str:
    return folder.rpartition("/")[0]


def _last(folder: str) -> str:
    return folder.rpartition("/")[2]
