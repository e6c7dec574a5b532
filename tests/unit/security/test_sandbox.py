"""The sandbox keeps no secret, and is no help to those who should not reach it."""

from __future__ import annotations

import gzip
import io
import json
import logging
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import EpsImagePlugin, Image

from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.sandbox.hosts import is_private
from airflow_provider_j2v.sandbox.sources import Sources, UnreachableError
from airflow_provider_j2v.sandbox.timeline import Element, ElementError

KEY = "k3y-that-nobody-shall-see"


@pytest.fixture
def running() -> Iterator[Sandbox]:
    with Sandbox(key=KEY, render="off") as server:
        yield server


def test_neither_journal_nor_record_nor_pages_of_the_sandbox_hold_a_secret(
    running: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    destination = {"type": "sftp", "host": "h", "username": "u", "password": "5ecre7-password"}
    movie = {
        "scenes": [
            {"elements": [{"type": "image", "src": "https://u:5ecre7-user@h.example/a?X-Amz-Signature=5ecre7"}]}
        ],
        "exports": [{"destinations": [destination, {"type": "webhook", "endpoint": "https://h?token=5ecre7"}]}],
    }
    with httpx.Client(base_url=running.url, headers={"x-api-key": KEY}, trust_env=False) as client:
        project = client.post("/v2/movies", json=movie).json()["project"]
        client.post("/v2/movies", content=json.dumps(movie)[:-1])  # refused
        client.get(f"/v2/movies?project={project}&api_key=5ecre7-query")
        ticket = client.post("/v2/media/file", json={"name": "a.png", "contentType": "image/png", "size": 1}).json()
        signature = ticket["uploadUrl"].partition("Signature=")[2]
        httpx.put(ticket["uploadUrl"], content=b"a", headers={"content-type": "image/png"})
        seen = [client.get(page).text for page in ("/", "/sandbox/journal", "/sandbox/faults", "/sandbox/variants")]
        listed = client.get("/v2/movies").text
    assert running.journal.requests["upload"] == 1
    seen += [repr(running.journal.last(50)), repr(running.journal.submissions), repr(running.accounts), listed]
    own = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    for text in (*seen, *own):
        assert KEY not in text
        assert "5ecre7" not in text
        assert len(signature) == 64
        assert signature not in text


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_sandbox_warns_when_others_can_reach_it(host: str, caplog: pytest.LogCaptureFixture) -> None:
    if host == "::" and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with Sandbox(host=host, render="off"):
        pass
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert f"listens on {host}, so other machines can reach it" in warning.getMessage()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_sandbox_does_not_warn_on_loopback(host: str, caplog: pytest.LogCaptureFixture) -> None:
    with Sandbox(host=host, render="off"):
        pass
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


# What a stranger's movie has it fetch.


def image(url: str, *, loopback: bool) -> Image.Image:
    element = Element(scene=1, number=1, data={"type": "image", "src": url}, start=0, end=1)
    return Sources(loopback=loopback).image(element)


SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "10.0.0.5",
    "169.254.169.254",
]


@pytest.mark.parametrize("host", SPELLINGS)
def test_strangers_have_the_sandbox_ask_no_private_address_in_any_spelling(host: str) -> None:
    assert is_private(host.strip("[]"))
    with pytest.raises(UnreachableError):
        image(f"http://{host}:9/a.png", loopback=False)


def test_strangers_have_the_sandbox_ask_no_private_address_by_a_public_name(monkeypatch: pytest.MonkeyPatch) -> None:
    found = socket.getaddrinfo

    def rebound(host: Any, *arguments: Any, **words: Any) -> Any:
        return found("127.0.0.1" if host == "public.example.com" else host, *arguments, **words)

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        with pytest.raises(UnreachableError):
            image(f"http://public.example.com:{server.getsockname()[1]}/a.png", loopback=False)
        peer, _ = server.accept()
        with peer:
            peer.settimeout(5)
            assert peer.recv(1) == b"", "the connection was to be closed without a byte"


def test_strangers_have_the_sandbox_use_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with pytest.raises(UnreachableError):
            image("http://service.invalid/a.png", loopback=False)
        proxy.settimeout(0)
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_a_picture_is_never_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    postscript = io.BytesIO()
    Image.new("RGB", (4, 4)).save(postscript, "EPS")
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("a program was run"))
    with pytest.raises(ElementError, match=r"not a \[image\] file"):
        image_from(postscript.getvalue(), tmp_path)


@pytest.mark.parametrize("side", [8_000, 14_000])
def test_a_picture_that_swells_is_not_drawn(side: int, tmp_path: Path) -> None:
    swollen = io.BytesIO()
    Image.new("1", (side, side)).save(swollen, "PNG")
    assert len(swollen.getvalue()) < 200_000
    with pytest.raises(ElementError, match=r"not a \[image\] file"):
        image_from(swollen.getvalue(), tmp_path)


def image_from(content: bytes, folder: Path) -> Image.Image:
    file = folder / "a"
    file.write_bytes(content)
    element = Element(scene=1, number=1, data={"type": "image", "src": "http://own/a"}, start=0, end=1)
    return Sources(lambda _: file).image(element)


def test_an_encoded_picture_is_not_decoded() -> None:
    bomb = gzip.compress(b"\0" * 1_000_000)
    with socket.create_server(("127.0.0.1", 0)) as server:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
        answering = _answer(server, head + bomb)
        with pytest.raises(ElementError, match=r"not a \[image\] file"):
            image(f"http://127.0.0.1:{server.getsockname()[1]}/a.png", loopback=True)
        assert b"accept-encoding: identity" in answering().lower()


def _answer(server: socket.socket, answer: bytes) -> Callable[[], bytes]:
    """Answer one request; the result tells what was asked."""

    def serve() -> bytes:
        peer, _ = server.accept()
        with peer:
            asked = peer.recv(65_536)
            peer.sendall(answer)
            return asked

    pool = ThreadPoolExecutor(1)
    asked = pool.submit(serve)
    pool.shutdown(wait=False)
    return lambda: asked.result(5)
