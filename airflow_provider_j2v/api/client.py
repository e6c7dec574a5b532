"""Two clients on httpx, sync and async, that share everything but the transport. Each has one method: ``send``."""

from __future__ import annotations

import asyncio
import platform
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, closing, contextmanager, suppress
from functools import cache, cached_property
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx
from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from airflow_provider_j2v import __version__
from airflow_provider_j2v.api.account import MAX_BODY, Account
from airflow_provider_j2v.api.calls import Call
from airflow_provider_j2v.api.reply import Reply, check, escape
from airflow_provider_j2v.exceptions import (
    ConfigurationError,
    RateLimited,
    ServerError,
    Unreachable,
    UnreadableAnswer,
)

T = TypeVar("T")

CONNECT_TIMEOUT = 10.0
#: Connections a client has at most; a watcher needs more than four only where the list is of no use.
CONNECTIONS = 16
#: A ``Retry-After`` beyond this is left to the caller: a worker should not sleep through it.
MAX_PAUSE = 30.0
#: What an answer may be encoded as: once, and by nothing that makes more than a thousand bytes of one.
_ENCODINGS = ("", "identity", "gzip", "deflate")

BeforeSend = Callable[[], None]
"""Called after TLS, right before the first byte of a request; what it raises stops the request unsent."""


def user_agent(product: str = "") -> str:
    """This package, what uses it (for example ``Airflow/3.3.2``) and Python, each with its version."""
    words = (f"airflow-provider-j2v/{__version__}", product, f"Python/{platform.python_version()}")
    return " ".join(filter(None, words))


@cache
def ssl_context() -> ssl.SSLContext:
    """One TLS context a process: making one takes about 17 ms, too long for an event loop to do per client."""
    return httpx.create_ssl_context()


class _Exchange:
    """One request on its way, the same for both clients: what is sent, how far it got, what came back."""

    def __init__(self, account: Account, call: Call[Any], before_send: BeforeSend | None, stream: Any = None) -> None:
        self.call = call
        self.secrets = (account.key, *call.secrets)
        self.before_send = before_send
        self.sent = False
        self.answering = False  # the head of the answer is there
        self._veto: Exception | None = None
        self.stream = stream  # the connection that is used, as far as it is known
        self._late = False
        # httpx's timeouts are per read: an answer that drips needs a limit in all.
        self.total = call.total or (account.submit_timeout if call.is_submit else 4 * account.read_timeout)
        self.read_timeout = self.total if call.is_submit else account.read_timeout

    def request(self, client: httpx.Client | httpx.AsyncClient, account: Account, trace: Any) -> httpx.Request:
        own = self.call.path.startswith("/")
        extensions = {"trace": trace}
        if self.call.signed_query:  # not in the URL, which httpx logs
            extensions["target"] = f"{urlsplit(self.call.path).path}?{self.call.signed_query}".encode()
        return client.build_request(
            self.call.method,
            account.base_url + self.call.path if own else self.call.path,
            params=dict(self.call.params) or None,
            content=self.call.body if self.call.stream is None else self.call.stream,
            headers=dict(self.call.headers) | ({"x-api-key": account.key} if own else {}),
            timeout=httpx.Timeout(self.read_timeout, connect=CONNECT_TIMEOUT),
            extensions=extensions,
        )

    def on_event(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self.stream = info["return_value"]
        # A proxy's CONNECT is not yet our request.
        if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            if self._late:
                raise TimeoutError
            if self.before_send is not None:
                try:
                    self.before_send()
                except Exception as e:
                    self._veto = e
                    raise
            self.sent = True
        if event.endswith("receive_response_headers.complete"):
            reason = info["return_value"][2].decode("ascii", "ignore")
            if not reason.isprintable():  # httpx would log it as it is
                raise httpx.RemoteProtocolError("control characters in the status line")

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Break the connection off when the limit in all is over: a blocking read cannot be asked to stop."""
        timer = threading.Timer(self.total, self._cut_off)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut_off(self) -> None:
        self._late = True
        connection = self.stream and self.stream.get_extra_info("socket")
        if connection:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # below TLS, which another thread is using

    def check_encoding(self, response: httpx.Response) -> None:
        """Refuse what could swell without measure: a piece of 64 KiB is decoded at once, to 64 MiB at most by gzip."""
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in _ENCODINGS:
            shown = escape(encoding, 80)
            raise UnreadableAnswer(response.status_code, f"An answer encoded as {shown!r}, which was not asked for")

    def add(self, body: bytearray, piece: bytes, status: int) -> None:
        body += piece
        if len(body) > MAX_BODY:
            raise UnreadableAnswer(
                status, f"An answer of more than {MAX_BODY // 2**20} MiB was refused", too_large=True
            )

    def read(self, response: httpx.Response, body: bytearray) -> Any:
        reply = Reply(response.status_code, response.headers, bytes(body), self.secrets)
        check(
            reply,
            is_submit=self.call.is_submit,
            names_project="project" in self.call.params,
            is_service=self.call.path.startswith("/"),
        )
        return self.call.read(reply)

    def failed(self, error: Exception) -> Exception:
        """The error a transport failure stands for; it holds no header and no key."""
        if error is self._veto:
            return error
        if isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError)):
            return ConfigurationError(f"The request could not be made: {escape(str(error), secrets=self.secrets)}.")
        words = escape(str(error), secrets=self.secrets) or type(error).__name__
        if self._late or isinstance(error, (httpx.TimeoutException, TimeoutError)):
            words = f"no answer in time ({type(error).__name__})"
        far = "the service may have it" if self.sent else "no byte of the request was sent"
        far = "its answer broke off" if self.answering else far
        return Unreachable(f"{self.call.name}: {words}; {far}", sent=self.sent)


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, UnreadableAnswer):
        return not error.too_large
    if isinstance(error, RateLimited):
        return (error.retry_after or 0.0) <= MAX_PAUSE
    return isinstance(error, (ServerError, Unreachable))


_backoff = wait_random_exponential(multiplier=0.5, max=8)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, RateLimited) else None
    return max(asked or 0.0, _backoff(state))


def _retrying(call: Call[Any], attempts: int) -> dict[str, Any]:
    return {
        "stop": stop_after_attempt(attempts if call.repeatable else 1),
        "wait": _pause,
        "retry": retry_if_exception(_is_transient),
        "reraise": True,
    }


def _options(account: Account, product: str) -> dict[str, Any]:
    return {
        "headers": {"User-Agent": user_agent(product), "Accept": "application/json", "Accept-Encoding": "gzip"},
        "follow_redirects": False,
        "verify": ssl_context(),
        "proxy": account.proxy,
        # httpx's own 5 s would be over just before each poll.
        "limits": httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=60),
        "trust_env": not account.is_local,  # the environment's proxy cannot reach this machine's loopback
    }


_TRANSPORT_ERRORS = (
    *(httpx.TransportError, httpx.InvalidURL, httpx.StreamError, httpx.DecodingError, TimeoutError),
    UnicodeError,  # from the resolver, for a host name with an empty or overlong label
)


class OpenAnswer:
    """An answer of which only the head was read; the body is read by whom it is for, once.

    :param next_url: where a redirect leads, or None.
    """

    def __init__(self, response: httpx.Response, exchange: _Exchange) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.next_url = str(response.next_request.url) if response.next_request else None
        self._response = response
        self._exchange = exchange

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes over the wire, not decoded.

        :raises Unreachable: it broke off.
        """
        try:
            yield from self._response.iter_raw()
        except _TRANSPORT_ERRORS as e:
            raise self._exchange.failed(e) from None


class Client:
    """The synchronous client. Does no I/O before the first ``send``: even TLS has certificates to read.

    :param account: where and who.
    :param product: what the ``User-Agent`` adds, for example ``Airflow/3.3.2``.
    :param attempts: how often a repeatable call is sent in all before its failure is raised.
    :param sleep: how it pauses between them.
    """

    def __init__(
        self,
        account: Account,
        *,
        product: str = "",
        attempts: int = 3,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.account = account
        self._attempts = attempts
        self._sleep = sleep
        self._product = product
        self._kept: Any = None  # the connection that is kept alive

    def send(self, call: Call[T], *, before_send: BeforeSend | None = None) -> T:
        """Send a call and read its answer; only a repeatable call is ever sent again.

        :param before_send: see ``BeforeSend``; what it raises comes out of here.
        :raises ApiError: the service, or the way to it, failed.
        """
        retrying = Retrying(sleep=self._sleep, **_retrying(call, self._attempts))
        answer: T = retrying(self._send_once, call, before_send)
        return answer

    def _send_once(self, call: Call[T], before_send: BeforeSend | None) -> T:
        exchange = _Exchange(self.account, call, before_send, None if call.is_alone else self._kept)
        ends = time.monotonic() + exchange.total
        body = bytearray()
        try:
            with exchange.limited(), self._transport(call) as http:
                response = http.send(exchange.request(http, self.account, exchange.on_event), stream=True)
                if not call.is_alone:
                    self._kept = exchange.stream
                with closing(response):
                    exchange.check_encoding(response)
                    for piece in response.iter_bytes():
                        exchange.add(body, piece, response.status_code)
                        if time.monotonic() > ends:
                            raise TimeoutError
        except _TRANSPORT_ERRORS as e:
            raise exchange.failed(e) from None
        answer: T = exchange.read(response, body)
        return answer

    @contextmanager
    def open(self, call: Call[Any]) -> Iterator[OpenAnswer]:
        """Send a call once, on a fresh connection, and leave the body to the caller: a file is too large for ``send``.

        The head may take as long as another answer in all, the body ``read_timeout`` a read.

        :raises Unreachable: no answer came.
        """
        exchange = _Exchange(self.account, call, None)
        with httpx.Client(**_options(self.account, self._product)) as http:
            try:
                with exchange.limited():
                    response = http.send(exchange.request(http, self.account, exchange.on_event), stream=True)
            except _TRANSPORT_ERRORS as e:
                raise exchange.failed(e) from None
            exchange.answering = True
            with closing(response):
                yield OpenAnswer(response, exchange)

    @contextmanager
    def _transport(self, call: Call[Any]) -> Iterator[httpx.Client]:
        """The connections that are kept, or a fresh one: see ``Call.is_alone``."""
        if not call.is_alone:
            yield self._http
        else:
            with httpx.Client(**_options(self.account, self._product)) as fresh:
                yield fresh

    @cached_property
    def _http(self) -> httpx.Client:
        return httpx.Client(**_options(self.account, self._product))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class AsyncClient:
    """The asynchronous client, with the same parameters as ``Client``; lives in one event loop."""

    def __init__(
        self,
        account: Account,
        *,
        product: str = "",
        attempts: int = 3,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.account = account
        self._attempts = attempts
        self._sleep = sleep
        self._product = product

    async def send(self, call: Call[T], *, before_send: BeforeSend | None = None) -> T:
        """See ``Client.send``."""
        retrying = AsyncRetrying(sleep=self._sleep, **_retrying(call, self._attempts))
        return await retrying(self._send_once, call, before_send)

    async def _send_once(self, call: Call[T], before_send: BeforeSend | None) -> T:
        exchange = _Exchange(self.account, call, before_send)

        async def trace(event: str, info: dict[str, Any]) -> None:
            exchange.on_event(event, info)

        body = bytearray()
        try:
            async with asyncio.timeout(exchange.total), self._transport(call) as http:
                response = await http.send(exchange.request(http, self.account, trace), stream=True)
                async with aclosing(response):
                    exchange.check_encoding(response)
                    async for piece in response.aiter_bytes():
                        exchange.add(body, piece, response.status_code)
        except _TRANSPORT_ERRORS as e:
            raise exchange.failed(e) from None
        answer: T = exchange.read(response, body)
        return answer

    @asynccontextmanager
    async def _transport(self, call: Call[Any]) -> AsyncIterator[httpx.AsyncClient]:
        """See ``Client._transport``."""
        if not call.is_alone:
            yield self._http
        else:
            async with httpx.AsyncClient(**_options(self.account, self._product)) as fresh:
                yield fresh

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(**_options(self.account, self._product))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()
