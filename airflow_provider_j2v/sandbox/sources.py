"""Images a movie refers to: ``data:`` URIs, media files and http(s) URLs, with limits on size and time."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx
from PIL import Image, UnidentifiedImageError

from airflow_provider_j2v.sandbox.hosts import is_private
from airflow_provider_j2v.sandbox.timeline import Element, host_of

MAX_BYTES = 25 * 1024 * 1024
MAX_PIXELS = 50_000_000
#: Those of the web; among Pillow's others is PostScript, which is a program.
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
TIMEOUT_SECONDS = 5.0


class UnreachableError(Exception):
    """The source cannot be fetched from here, which is not the movie's fault: a card takes its place."""


class Sources:
    """Fetches and decodes images.

    :param media: finds the content of the sandbox's own media files by their URL.
    :param loopback: whether this machine's servers may be asked: not when strangers can reach the sandbox.
    """

    def __init__(self, media: Callable[[str], Path | None] = lambda url: None, *, loopback: bool = True) -> None:
        self._media = media
        self._loopback = loopback

    def image(self, element: Element) -> Image.Image:
        """The picture, or the service's own kind of error, or :class:`UnreachableError`."""
        url = str(element.data["src"])
        content = _inline(url) if url.startswith("data:") else self._download(element, url)
        try:
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
            if picture.width * picture.height <= MAX_PIXELS:
                return picture.convert("RGBA")
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
            pass
        raise element.error(
            "The URL provided is not a [image] file and cannot be used as a source for a [image] element"
        )

    def _download(self, element: Element, url: str) -> bytes:
        if (own := self._media(url)) is not None:
            with own.open("rb") as file:
                return file.read(MAX_BYTES)
        try:
            with (
                httpx.Client(
                    timeout=TIMEOUT_SECONDS,
                    follow_redirects=True,
                    trust_env=self._loopback,  # a proxy would ask for what may not be asked for here
                    event_hooks={"request": [self._allowed]},
                ) as client,
                client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
            ):
                if answer.status_code >= 400:
                    raise element.error(f"Failed to download '{url}' ({answer.status_code})")
                content = bytearray()
                for chunk in answer.iter_raw():  # not decoded: it could swell
                    content += chunk
                    if len(content) > MAX_BYTES:
                        raise element.error(f"Failed to download '{url}' (413)")
                return bytes(content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnreachableError(url) from error

    def _allowed(self, request: httpx.Request) -> None:
        if not self._loopback:
            _refuse_private(request.url.host)
            request.extensions["trace"] = _connected


def _connected(event: str, info: dict[str, Any]) -> None:
    """Before a byte is sent: a public name may lead to a private address."""
    if event.endswith("connect_tcp.complete"):
        _refuse_private(info["return_value"].get_extra_info("server_addr")[0])


def _refuse_private(host: str) -> None:
    if is_private(host):
        raise httpx.UnsupportedProtocol("local addresses are not fetched for strangers")


def label_of(url: str) -> str:
    """A short name of a source for a card."""
    return f"{host_of(url)}/…/{url.rsplit('/', 1)[-1][:60]}" if host_of(url) else url[:60]


def _inline(url: str) -> bytes:
    head, _, payload = url.partition(",")
    try:
        content = base64.b64decode(payload) if head.endswith(";base64") else unquote_to_bytes(payload)
    except (binascii.Error, ValueError):
        return b""
    return content[:MAX_BYTES]
