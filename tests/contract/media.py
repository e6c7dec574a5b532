"""Files to upload, and what uploads them."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.client import Client
from airflow_provider_j2v.api.upload import PIECE, Content, Uploader
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
