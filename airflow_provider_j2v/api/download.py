"""A rendered file as a stream: in bounded memory, taken up again where it broke off, its size proved.

The file server is not the API. Its addresses are public, so no key is sent there. Redirects are followed, as a CDN may
send them and there is nothing for them to leak; each address must be https and no private one, or on the account's own
host, in plain http where that one speaks it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from tenacity import RetryCallState, Retrying, retry_if_exception_type
from tenacity.wait import wait_random_exponential

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.calls import Call
from airflow_provider_j2v.api.client import Client, OpenAnswer
from airflow_provider_j2v.api.hosts import is_file_address
from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.exceptions import ApiError, NotFound, ServerError, Unreachable, UnreadableAnswer

log = logging.getLogger(__name__)

#: So often in a row a download may break off without getting further.
ATTEMPTS = 5
#: Getting further means by so many bytes.
PROGRESS = 64 * 1024
#: A download that brought less than that in so many seconds of waiting stands still: httpx's timeouts are per read.
PATIENCE = 60.0
MAX_REDIRECTS = 5
#: A page for people, or a store's refusal: no video and no subtitles.
NO_FILE = ("text/html", "text/xml", "application/xml")

Write = Callable[[bytes], Any]
Begin = Callable[[], AbstractContextManager[Write]]
"""Opens what the file is written to. Its block ends in peace only when every byte was written."""


def fetch(
    client: Client,
    url: str,
    begin: Begin,
    *,
    size: int | None = None,
    may_be_empty: bool = False,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    patience: float = PATIENCE,
) -> int:
    """Stream a file into what ``begin`` opens; begun anew, in a new one, only where it cannot be taken up again.

    :param size: the bytes it must have; None when the service does not say: then what the file server declares.
    :param may_be_empty: True takes a file of no bytes for what it is.
    :param patience: seconds of waiting in which at least 64 KiB must come; less counts as a break.
    :returns: its size in bytes.
    :raises NotFound: the file server does not have it.
    :raises ApiError: it could not be had whole.
    """
    download = _Download(client, url, size or None, may_be_empty, clock, patience)
    while True:
        try:
            with begin() as write:
                _retrying(download, sleep)(download.go_on, write)
                return download.received
        except _CannotGoOn as e:
            if download.in_vain >= ATTEMPTS:
                raise e.reason from None
            log.info("%s; beginning anew.", e.reason)
            download.forget()


def _retrying(download: _Download, sleep: Callable[[float], None]) -> Retrying:
    def say(state: RetryCallState) -> None:
        error = state.outcome and state.outcome.exception()
        log.info("%s; going on at byte %d in %.1f s.", error, download.received, state.upcoming_sleep)

    return Retrying(
        stop=lambda _: download.in_vain >= ATTEMPTS,
        wait=wait_random_exponential(multiplier=0.5, max=8),
        retry=retry_if_exception_type((Unreachable, ServerError, UnreadableAnswer)),
        before_sleep=say,
        sleep=sleep,
        reraise=True,
    )


class _CannotGoOn(Exception):
    """What was received so far is of no use."""

    def __init__(self, reason: ApiError) -> None:
        super().__init__(reason)
        self.reason = reason


class _Download:
    """How far a file has come. ``in_vain`` counts the breaks since it last got further."""

    def __init__(
        self,
        client: Client,
        url: str,
        size: int | None,
        may_be_empty: bool,
        clock: Callable[[], float],
        patience: float,
    ) -> None:
        self.received = 0
        self.in_vain = 0
        self._client = client
        self._url = url
        self._size = size
        self._may_be_empty = may_be_empty
        self._clock = clock
        self._patience = patience
        self._furthest = 0
        self._total = size
        self._etag: str | None = None

    def forget(self) -> None:
        """Begin anew."""
        self.received, self._total, self._etag = 0, self._size, None

    def go_on(self, write: Write) -> None:
        """Ask for what is missing, once, and write what comes.

        :raises _CannotGoOn: it is not to be had from here on.
        """
        try:
            with self._answer(self._headers()) as answer:
                self._judge(answer)
                self._pour(answer, write)
        except ApiError:
            if self.received >= self._furthest + PROGRESS:
                self._furthest, self.in_vain = self.received, 0
            else:
                self.in_vain += 1
            raise

    def _headers(self) -> Mapping[str, str]:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if not self.received:
            return headers
        if self._etag is None or self._total is None:
            raise _CannotGoOn(UnreadableAnswer(None, "Nothing tells that the rest would be of the same file"))
        return headers | {"Range": f"bytes={self.received}-"}

    @contextmanager
    def _answer(self, headers: Mapping[str, str]) -> Iterator[OpenAnswer]:
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            _check_url(self._client.account, url)
            with self._client.open(Call("download", "GET", url, lambda _: None, headers=headers)) as answer:
                if answer.next_url is None:
                    yield answer
                    return
                url = answer.next_url
        raise UnreadableAnswer(None, f"The file server redirects more than {MAX_REDIRECTS} times")

    def _judge(self, answer: OpenAnswer) -> None:
        """Whether the body is what is missing of the file."""
        status, headers = answer.status, answer.headers
        if status in (403, 404, 410):
            raise NotFound(status, "The file server does not have the file")
        if status in (408, 429) or status >= 500:
            raise ServerError(status, "The file server failed")
        if self.received:
            rest = f"bytes {self.received}-{(self._total or 0) - 1}/{self._total}"
            same = headers.get("etag") == self._etag and headers.get("content-range") == rest
            if status != 206 or not same or _encoding(headers):
                raise _CannotGoOn(UnreadableAnswer(status, "The file server does not give the rest of the same file"))
            return
        if status != 200 or _encoding(headers) or headers.get("content-type", "").lower().startswith(NO_FILE):
            raise UnreadableAnswer(status, "The file server answers with something that is not the file")
        self._total = self._length(headers)
        etag = headers.get("etag", "")
        self._etag = etag if etag.startswith('"') else None  # a weak one does not vouch for every byte

    def _length(self, headers: Mapping[str, str]) -> int | None:
        """The bytes the whole file has; None where only the end of a chunked body can tell."""
        declared = headers.get("content-length")
        if declared is not None and self._size not in (None, int(declared)):
            raise UnreadableAnswer(200, f"The file server has {declared} bytes, where the service says {self._size}")
        total = self._size if declared is None else int(declared)
        if total is None and "transfer-encoding" not in headers:
            raise UnreadableAnswer(200, "Nothing tells how long the file is")
        return total

    def _pour(self, answer: OpenAnswer, write: Write) -> None:
        waited, came, asked = 0.0, 0, self._clock()
        for piece in answer.pieces():
            waited += self._clock() - asked  # without the time that the writing takes
            if self._total is not None and self.received + len(piece) > self._total:
                self.in_vain += 1
                raise _CannotGoOn(UnreadableAnswer(answer.status, f"More than the file's {self._total} bytes came"))
            write(piece)
            self.received += len(piece)
            came += len(piece)
            if waited >= self._patience:
                if came < PROGRESS and self.received != self._total:
                    raise Unreachable(f"download: {came} bytes in {waited:.0f} s is too slow", sent=True)
                waited, came = 0.0, 0
            asked = self._clock()
        if self._total is not None and self.received < self._total:
            raise Unreachable(f"download: it ended at byte {self.received} of {self._total}", sent=True)
        if not self.received and not self._may_be_empty:
            raise UnreadableAnswer(answer.status, "The file is empty")


def _encoding(headers: Mapping[str, str]) -> bool:
    return headers.get("content-encoding", "identity") != "identity"


def _check_url(account: Account, url: str) -> None:
    """Refuse an address that is no public file's: the service's answers and redirects name it, not the author."""
    if not is_file_address(url, account.base_url):
        raise UnreadableAnswer(None, f"The address of the file is not a public https one: {escape(url, 200)}")
