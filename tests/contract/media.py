"""Files to upload, and what uploads them."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.client import Client
from airflow_provider_j2v.api.media import delete_folder, delete_media, list_media, media_tree
from airflow_provider_j2v.api.upload import PIECE, Content, Uploader
from airflow_provider_j2v.exceptions import JSON2VideoError
from tests.contract.conftest import REAL_KEY

#: More than one piece.
DATA = secrets.token_bytes(PIECE + 1000)


def content(name: str = "a.png", data: bytes = DATA, content_type: str | None = None) -> Content:
    return Content.of(name, len(data), lambda: nullcontext(io.BytesIO(data)), content_type)


@contextmanager
def uploader_of(
    account: Account, sleep: Callable[[float], None] | None = None, clock: Callable[[], float] = time.time
) -> Iterator[Uploader]:
    """An uploader with a client of its own; only the real service is really waited for."""
    pause = sleep or (time.sleep if REAL_KEY else lambda seconds: None)
    with Client(account, sleep=pause) as client:
        yield Uploader(client, sleep=pause, clock=clock)


@contextmanager
def a_folder(account: Account) -> Iterator[str]:
    """The name of a folder that is not there yet; it is removed at the end with what is in it, as far as it goes."""
    name = f"contract-{secrets.token_hex(4)}"
    try:
        yield name
    finally:
        with Client(account) as client:
            _remove(client, name)


def _remove(client: Client, folder: str) -> None:
    with suppress(JSON2VideoError):  # a file that never got its content may not be listed
        client.send(delete_media(f"{folder}/a.png"))
    paths = {folder}
    with suppress(JSON2VideoError):
        paths |= {row.path.strip("/") for row in client.send(media_tree()).tree}
    for path in sorted((path for path in paths if f"{path}/".startswith(f"{folder}/")), reverse=True):
        with suppress(JSON2VideoError):
            for file in client.send(list_media(path)).files:
                with suppress(JSON2VideoError):
                    client.send(delete_media(f"{path}/{file.name}"))
        with suppress(JSON2VideoError):
            client.send(delete_folder(path))
