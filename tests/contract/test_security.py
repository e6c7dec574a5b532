"""A service that means harm, or somebody in its place: what it can show, fill up, read and forge. Nothing."""

from __future__ import annotations

import gzip
import io
import logging
import socket
import ssl
import threading
import traceback
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_j2v.api import client as transport
from airflow_provider_j2v.api.account import MAX_BODY, Account
from airflow_provider_j2v.api.calls import get_models, get_movie, list_movies, submit_movie
from airflow_provider_j2v.api.client import Client
from airflow_provider_j2v.api.media_answers import Ticket
from airflow_provider_j2v.api.upload import Content, put_content
from airflow_provider_j2v.exceptions import ApiError, Unreachable, UnreadableAnswer
from dev.bench.certificate import make_certificate

pytestmark = pytest.mark.usefixtures("sandbox")  # not at the real service
ID = "0123456789abcdef"


class Villain:
    """A bare server on loopback that sends the same bytes to everybody, and keeps what it was sent."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.answer = b""
        self.heard: list[bytes] = []
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        self.port: int = self._socket.getsockname()[1]

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            with suppress(OSError), peer:  # also what TLS does not like
                peer.settimeout(5)
                self._speak(self._context.wrap_socket(peer, server_side=True) if self._context else peer)

    def _speak(self, peer: socket.socket) -> None:
        heard = b""
        while not heard.endswith(b"\r\n\r\n") and (piece := peer.recv(65_536)):
            heard += piece
        if heard:
            self.heard.append(heard)
            peer.sendall(self.answer)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def villain() -> Iterator[Villain]:
    one = Villain()
    yield one
    one.close()


@pytest.fixture
def ask(driver: Any, villain: Villain) -> Callable[..., Any]:
    def ask(answer: bytes, call: Any = None) -> Any:
        villain.answer = answer
        fooled = driver.with_account(base_url=f"http://127.0.0.1:{villain.port}")
        return fooled.send(call or get_movie(ID), attempts=1)

    return ask


def answer(body: bytes = b"{}", status: str = "200 OK", **headers: str) -> bytes:
    given = {"Content-Length": str(len(body)), "Connection": "close"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


# The key does not come back.


@pytest.mark.parametrize("place", ["redirect", "code", "status line", "message", "page", "length"])
def test_no_error_quotes_the_key_wherever_the_service_puts_it(ask: Any, account: Account, place: str) -> None:
    key = account.key
    echoes = {
        "redirect": answer(status="302 Found", Location=f"https://x.example/?k={key}"),
        "code": answer(f'{{"message": "no", "code": "{key}"}}'.encode(), "400 Bad Request"),
        "status line": f"HTTP/1.1 {key}\r\n\r\n".encode(),
        "message": answer(f'{{"message": "no {key}"}}'.encode(), "400 Bad Request"),
        "page": answer(f"<p>{key}</p>".encode()),
        "length": f"HTTP/1.1 200 OK\r\nContent-Length: {key}\r\n\r\n".encode(),
    }
    with pytest.raises(ApiError) as raised:
        ask(echoes[place])
    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value) + repr(vars(raised.value))
    assert key not in shown
    assert shown.replace("\n", "").isprintable()


# Lines are not forged.


def test_no_answer_forges_a_line_of_a_log_not_even_of_httpx_at_debug(
    ask: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for logger in ("", "httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger)
    evil = "\x1b[2J\x1b]0;x\x07"
    body = f'{{"message": "{evil}\u2028\u202eERROR"}}'.encode()
    for fake in (
        answer(status=f"200 {evil}"),
        answer(status=f"400 {evil}"),
        answer(status="302 Found", Location=f"https://x.example/{evil}"),
        answer(body, "400 Bad Request", Retry_After=evil, X_Evil=evil),
        answer(body),
        f"HTTP/1.1 {evil}\r\n\r\n".encode(),
    ):
        with pytest.raises(ApiError) as raised:
            ask(fake)
        assert str(raised.value).isprintable()
    assert any(record.name == "httpx" for record in caplog.records)
    assert any(record.name.startswith("httpcore") for record in caplog.records)
    for record in caplog.records:
        assert record.getMessage().isprintable()


def test_a_reason_beyond_ascii_is_no_reason_to_fail(ask: Any) -> None:
    assert ask(answer(b'{"movie": {"status": "done"}}', "200 d\xe9j\xe0 vu")).movie.status == "done"


# Bombs.


@cache
def zeros(mebibytes: int, wbits: int) -> bytes:
    """So much JSON text, compressed: the start of an answer that never ends."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    piece = b" " * 2**20
    return b"".join([*(packer.compress(piece) for _ in range(mebibytes)), packer.flush()])


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "gzip": ("gzip", lambda: zeros(400, 31)),
    "deflate": ("deflate", lambda: zeros(400, 15)),
    "gzip of gzip": ("gzip, gzip", lambda: gzip.compress(zeros(400, 31))),
    "gzip after identity": ("identity, gzip", lambda: zeros(400, 31)),
    "br": ("br", lambda: b"\x1b\xff\xff\xff\x01"),
    "zstd": ("zstd", lambda: b"\x28\xb5\x2f\xfd"),
    "nobody knows what": ("\x1b[2J", lambda: b"x"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_an_answer_that_swells_takes_no_more_memory_than_a_few_pieces(ask: Any, name: str) -> None:
    encoding, make = BOMBS[name]
    bomb = answer(make(), Content_Encoding=encoding)
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableAnswer, match=r"more than 32 MiB|which was not asked for") as raised:
            ask(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * MAX_BODY
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "identity"])
def test_an_answer_that_is_compressed_is_read(ask: Any, encoding: str) -> None:
    body = b'{"movie": {"status": "done"}}'
    packed = {"gzip": gzip.compress(body), "deflate": zlib.compress(body)}
    assert ask(answer(packed.get(encoding.lower(), body), Content_Encoding=encoding)).movie.status == "done"


def test_only_what_can_be_unpacked_safely_is_asked_for(ask: Any, villain: Villain) -> None:
    ask(answer(b'{"movies": [], "has_next": false}'), list_movies())
    assert b"accept-encoding: gzip\r\n" in villain.heard[0].lower()


# TLS.


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[Villain]:
    """A service with a certificate for 127.0.0.1 that no authority has signed."""
    make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    one = Villain(context)
    one.answer = answer(b'{"movie": {"status": "done"}, "movies": [], "project": "p"}')
    yield one
    one.close()


@pytest.mark.parametrize("call", [get_movie(ID), submit_movie({}), list_movies()], ids=["get", "submit", "list"])
def test_the_key_never_goes_to_a_service_that_cannot_prove_who_it_is(
    driver: Any, impostor: Villain, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONHTTPSVERIFY", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_TLS_REJECT_UNAUTHORIZED"):
        monkeypatch.setenv(name, "0" if name.startswith(("PYTHON", "NODE")) else "")
    fooled = driver.with_account(base_url=f"https://127.0.0.1:{impostor.port}")
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED.*no byte of the request was sent") as raised:
        fooled.send(call, attempts=1)
    assert not raised.value.sent
    assert not impostor.heard


def test_the_catalog_is_read_over_proven_tls_too(driver: Any, impostor: Villain) -> None:
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        driver.send(get_models(f"https://127.0.0.1:{impostor.port}/models.json"), attempts=1)
    assert not impostor.heard


def test_an_authority_of_the_environment_is_trusted_for_the_names_it_vouches_for(
    driver: Any, impostor: Villain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))  # it holds the impostor's own certificate
    transport.ssl_context.cache_clear()
    try:
        good = driver.with_account(base_url=f"https://127.0.0.1:{impostor.port}")
        assert good.send(get_movie(ID)).movie.status == "done"
        assert good.account.key.encode() in impostor.heard[0]
        foreign = driver.with_account(base_url=f"https://localhost:{impostor.port}")
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            foreign.send(get_movie(ID), attempts=1)
        assert len(impostor.heard) == 1
    finally:
        transport.ssl_context.cache_clear()


# Redirects.


@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
def test_content_is_not_sent_on_to_where_the_storage_points(
    account: Account, villain: Villain, recorder: Any, status: str
) -> None:
    villain.answer = answer(status=status, Location=f"{recorder.url}/?X-Amz-Signature=5ecre7")
    ticket = Ticket(upload_url=f"http://127.0.0.1:{villain.port}/bucket/a.png?X-Amz-Signature=5ecre7")
    content = Content.of("a.png", 4, lambda: nullcontext(io.BytesIO(b"\r\n\r\n")))
    with Client(account) as client, pytest.raises(UnreadableAnswer, match="not followed") as raised:
        client.send(put_content(ticket, content, io.BytesIO(b"\r\n\r\n"), account.base_url))
    assert "5ecre7" not in str(raised.value)
    assert not recorder.seen
    assert len(villain.heard) == 1
    assert account.key.encode() not in villain.heard[0]
