"""Sending a file: it is registered, its content goes to the storage by a signed address, the service confirms it.

Sources: the service's page on uploads, and what its own n8n team saw live: the signed address wants the very
``Content-Type`` that was registered and no API key, it is good for 120 s, and a file whose content did not come stays
``pending`` and in the way of the next one of its name.
"""

from __future__ import annotations

import logging
import mimetypes
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, get_args
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from tenacity import Retrying, retry_if_exception, retry_if_result, stop_after_attempt
from tenacity.wait import wait_exponential, wait_random_exponential

from airflow_provider_j2v.api.calls import Call
from airflow_provider_j2v.api.client import Client
from airflow_provider_j2v.api.hosts import is_file_address
from airflow_provider_j2v.api.media import (
    MAX_SIZE,
    delete_folder,
    delete_media,
    file_name,
    folder_name,
    get_media,
    move_media,
    register_media,
)
from airflow_provider_j2v.api.media_answers import PENDING, MediaFile, Ticket
from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.exceptions import (
    ApiError,
    ConfigurationError,
    JSON2VideoError,
    MediaError,
    NotFound,
    ServerError,
    Unreachable,
    UnreadableAnswer,
)

log = logging.getLogger(__name__)
T = TypeVar("T")

IfExists = Literal["replace", "skip", "fail"]
Action = Literal["uploaded", "unchanged", "replaced", "skipped"]

#: Content is read and sent in pieces of so many bytes.
PIECE = 256 * 1024
#: A transfer may take a minute, and as long as its content does at so many bytes a second (2 Mbit/s).
SLOWEST = 250_000
#: Where a file is sent that is to replace another: in this folder beside it. When it is there whole, the old one is
#: deleted and it is moved. ``temp`` would cost nothing, but whether a file that leaves it is kept is not known.
BESIDE = "_new"
#: A signed address is good for so many seconds (documented).
ADDRESS_LASTS = 120
#: So often a file is sent before its failure is raised.
ROUNDS = 3
#: So often a pending file is looked at, in 56 s: a good one is confirmed within a few (seen live).
LOOKS = 18

_REFUSAL = re.compile(r"<Code>(\w+)</Code>\s*(?:<Message>([^<]*))?")


class Readable(Protocol):
    """As much of a binary file as is needed."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Content:
    """A file to send.

    :param name: as the service will write it.
    :param size: bytes.
    :param content_type: MIME type.
    :param open: opens it at its beginning; called once for each time it is sent.
    """

    name: str
    size: int
    content_type: str
    open: Callable[[], AbstractContextManager[Readable]]

    @classmethod
    def of(
        cls, name: str, size: int, open: Callable[[], AbstractContextManager[Readable]], content_type: str | None = None
    ) -> Content:
        """Check what can be checked before anything is sent.

        :param content_type: None guesses it from the name.
        :raises MediaError: the service would refuse it.
        """
        if size <= 0:
            raise MediaError(f"{escape(name)} is empty, and the service takes no empty files. Nothing was sent.")
        if size > MAX_SIZE:
            raise MediaError(
                f"{escape(name)} has {size:,} bytes; the service takes up to {MAX_SIZE:,}. Nothing was sent."
            )
        own = file_name(name)
        if own != name:
            log.info("%s is called %s at JSON2Video.", escape(name), own)
        kind = content_type or mimetypes.guess_type(own, strict=False)[0] or "application/octet-stream"
        if not isinstance(kind, str) or not re.fullmatch(r"[!-~]+/[!-~ ]+", kind):
            raise MediaError(f"content_type is a MIME type such as image/png, not {kind!r:.120}. Nothing was sent.")
        return cls(own, size, kind, open)


@dataclass(frozen=True)
class Uploaded:
    """A file at the service. ``url`` is public and what a movie uses as ``src``; ``size`` is bytes.

    ``action`` is ``uploaded``, ``replaced`` (another file of that name was there), ``unchanged`` (one of the same
    size was there, nothing was sent) or ``skipped`` (one of another size was there and was left).
    """

    name: str
    path: str
    url: str
    size: int
    action: Action


@dataclass(frozen=True)
class _Sent:
    """A file on its way: ``at`` is where it was sent to; ``file`` is there already where nothing had to be sent."""

    content: Content
    path: str
    action: Action
    at: str = ""
    file: MediaFile | None = None


class Uploader:
    """Brings files to the service, as often as it takes.

    :param client: of the account.
    :param sleep: how it pauses.
    :param clock: epoch seconds, as near to the service's as may be.
    """

    def __init__(
        self, client: Client, *, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.time
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._clock = clock

    def upload(self, content: Content, folder: str = "", *, if_exists: IfExists = "replace") -> Uploaded:
        """``upload_all`` for one file."""
        return self.upload_all([content], folder, if_exists=if_exists)[0]

    def upload_all(
        self, contents: Sequence[Content], folder: str = "", *, if_exists: IfExists = "replace"
    ) -> list[Uploaded]:
        """Have the contents at the service. A file of the same name and size there is taken for the same and not sent.

        All are sent before the first is waited for; those before one that fails are brought to their end.

        :param folder: empty is the root; one that is not there is made.
        :param if_exists: what to do about a file of the same name and another size. One that is replaced stays until
            the new one is at the service whole: see ``BESIDE``.
        :raises MediaError: it is there and ``if_exists`` is ``fail``, or the content changed while it was read.
        :raises ApiError: the service, the storage or the way to them failed; a later try begins anew.
        """
        if if_exists not in get_args(IfExists):
            raise ConfigurationError(
                f"if_exists is one of {', '.join(get_args(IfExists))}, not {if_exists!r:.80}. Nothing was sent."
            )
        place = folder_name(folder)
        sent: list[_Sent] = []
        done: list[Uploaded] = []
        with _counting(done, len(contents)):
            try:
                for content in contents:
                    path = _join(place, content.name)
                    with _naming(path):
                        sent.append(self._rounds(self._bring, content, path, if_exists))
            except JSON2VideoError:
                self._finish(sent, done)
                raise
            self._finish(sent, done)
        return done

    def settled(self, path: str) -> MediaFile | None:
        """The file when it is not ``pending`` any more, or still is after a minute; None when there is none."""
        looks = Retrying(
            stop=stop_after_attempt(LOOKS),
            wait=wait_exponential(multiplier=0.25, max=4),
            retry=retry_if_result(lambda file: file is not None and file.status == PENDING),
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
            sleep=self._sleep,
        )
        file: MediaFile | None = looks(self._find, path)
        return file

    def _find(self, path: str) -> MediaFile | None:
        try:
            return self._client.send(get_media(path))
        except NotFound:
            return None

    def _rounds(self, step: Callable[..., T], *args: Any) -> T:
        rounds = Retrying(
            stop=stop_after_attempt(ROUNDS),
            wait=wait_random_exponential(multiplier=0.5, max=8),
            retry=retry_if_exception(_may_pass),
            sleep=self._sleep,
            reraise=True,
        )
        return rounds(step, *args)

    # Sending.

    def _bring(self, content: Content, path: str, if_exists: IfExists) -> _Sent:
        """One round of sending what has to be sent."""
        there = self._there(path)
        if there is None:
            self._send(content, path)
            return _Sent(content, path, "uploaded", at=path)
        if there.size == content.size:
            return _Sent(content, path, "unchanged", file=there)
        what = f"Another file is at {path}: {there.size} bytes, this one has {content.size}"
        if if_exists == "fail":
            raise MediaError(f"{what}. Choose another name, or if_exists='replace'. It was not sent.")
        if if_exists == "skip":
            log.warning("%s; it stays, as if_exists says.", what)
            return _Sent(content, path, "skipped", file=there)
        beside = _join(_folder(path), BESIDE, content.name)
        try:
            if self._there(beside):
                self._discard(beside)
            self._send(content, beside)
        except ApiError as e:
            e.message += f"; the file at {path} stays as it was"
            raise
        return _Sent(content, path, "replaced", at=beside)

    def _there(self, path: str) -> MediaFile | None:
        """The file that is there, confirmed. What a broken upload left pending is removed.

        :raises NotStored: it is pending and may still be on its way.
        """
        file = self.settled(path)
        if file is None or file.status != PENDING:
            return file
        if file.created_at is not None:
            age = self._clock() - file.created_at.timestamp()
            if abs(age) < ADDRESS_LASTS + (file.size or 0) / SLOWEST:
                began = f"Somebody began to send {path} {abs(age):.0f} s ago"
                raise NotStored(None, f"{began} and it is still pending; a retry looks again")
        self._discard(path)
        return None

    def _discard(self, path: str) -> None:
        with suppress(NotFound):
            self._client.send(delete_media(path))

    def _send(self, content: Content, path: str) -> None:
        with content.open() as file:
            ticket = self._register(content, path)
            try:
                self._client.send(put_content(ticket, content, file, self._client.account.base_url))
            except Exception as e:
                with suppress(ApiError):
                    self._discard(path)
                if isinstance(e, ApiError):
                    raise NotStored(e.status, f"The storage did not get {path}: {_reason(e)}") from None
                raise
        log.info("%s: %s bytes are sent.", path, f"{content.size:,}")

    def _register(self, content: Content, path: str) -> Ticket:
        """Register the file. After a lost answer it may be registered, and in the way of its own repetition."""
        times: list[None] = []
        call = register_media(content.name, _folder(path), content.size, content.content_type)
        try:
            return self._client.send(call, before_send=lambda: times.append(None))
        except ApiError as e:
            if len(times) > 1 or isinstance(e, Unreachable | ServerError | UnreadableAnswer):
                with suppress(ApiError):
                    self._discard(path)
            raise

    # Finishing.

    def _finish(self, sent: Sequence[_Sent], done: list[Uploaded]) -> None:
        for one in sent:
            with _naming(one.path):
                done.append(self._finished(one))
        for folder in {_folder(one.at) for one in sent if one.action == "replaced"}:
            with suppress(ApiError):  # an empty folder costs nothing
                self._client.send(delete_folder(folder))

    def _finished(self, sent: _Sent) -> Uploaded:
        """Wait for the service to confirm what was sent, and put it in its place."""
        file = sent.file or self._confirmed(sent.at, sent.content.size)
        if sent.action == "replaced":
            file = self._exchanged(sent)
        if not file.url:
            raise UnreadableAnswer(200, f"{sent.path} has no url at the service")
        return Uploaded(sent.content.name, sent.path, file.url, file.size or sent.content.size, sent.action)

    def _confirmed(self, path: str, size: int) -> MediaFile:
        file = self.settled(path)
        if file is None or file.status == PENDING or file.size not in (None, size):
            state = "is not there" if file is None else f"is {file.status} with {file.size} bytes"
            raise ServerError(
                None, f"All {size} bytes of {path} were sent, yet at JSON2Video it {state}; a retry looks again"
            )
        return file

    def _exchanged(self, sent: _Sent) -> MediaFile:
        """The new file in the old one's place. It is confirmed: the service may lose one that moves while pending."""
        self._discard(sent.path)
        try:
            return self._rounds(self._move, sent)
        except ApiError as e:
            gone = f"The file that was at {sent.path} is deleted already, and the new one did not leave {sent.at}"
            raise ServerError(None, f"{gone}: {e}; a retry sends it again") from None

    def _move(self, sent: _Sent) -> MediaFile:
        reason = "it is not found"
        try:
            self._client.send(move_media(sent.at, _folder(sent.path)))
        except ApiError as e:  # done all the same, where only the answer was lost
            reason = str(e)
        file = self._find(sent.path)
        if file is None or file.size not in (None, sent.content.size):
            raise NotStored(None, reason)
        return file


def put_content(ticket: Ticket, content: Content, file: Readable, service: str) -> Call[None]:
    """``PUT`` the content to the signed address of a registered file, without any key.

    :param service: its address: see ``is_file_address``.
    :raises UnreadableAnswer: the ticket's address is none.
    """
    if not is_file_address(ticket.upload_url, service):  # not shown: it is signed
        raise UnreadableAnswer(200, "The service gave no public https address to send the file to")
    url = urlsplit(ticket.upload_url)
    return Call(
        "put media content",
        "PUT",
        urlunsplit((url.scheme, url.netloc, url.path or "/", "", "")),
        lambda reply: None,
        repeatable=False,
        headers={"Content-Type": content.content_type, "Content-Length": str(content.size)},
        stream=_pieces(file, content),
        signed_query=url.query,
        secrets=(url.query, *(value for _, value in parse_qsl(url.query))),
        total=60 + content.size / SLOWEST,
    )


def _pieces(file: Readable, content: Content) -> Iterator[bytes]:
    left = content.size
    while left:
        piece = file.read(min(PIECE, left))
        if not piece:
            raise MediaError(f"{content.name} ended {left} bytes early: it changed while it was sent.")
        left -= len(piece)
        yield piece
    if file.read(1):
        raise MediaError(f"{content.name} is longer than {content.size} bytes: it changed while it was sent.")


class NotStored(ServerError):
    """The file is not in its place yet. Another round may bring it there.

    :money: nothing was paid; uploads cost no credits.
    :do: nothing: the retry sends what is missing.
    """


def _may_pass(error: BaseException) -> bool:
    """A signed address that became too old, a broken transfer, a name that somebody else takes at the same time."""
    return isinstance(error, NotStored) or (isinstance(error, ApiError) and error.status == 409)


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Have the service's errors say which file they are about."""
    try:
        yield
    except ApiError as e:
        if path not in e.message:
            e.message = f"{path}: {e.message}"
        raise


@contextmanager
def _counting(done: Sequence[Uploaded], total: int) -> Iterator[None]:
    """Have errors say how many of several files are there."""
    try:
        yield
    except JSON2VideoError as e:
        if total == 1:
            raise
        words = f"{len(done)} of {total} files are there; a retry sends the rest"
        if isinstance(e, ApiError):
            e.message += f"; {words}"
            raise
        raise type(e)(f"{e} {words}.") from e


def _join(*parts: str) -> str:
    return "/".join(filter(None, parts))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _reason(error: ApiError) -> str:
    """The storage's own words, out of the XML it answers with."""
    found = _REFUSAL.search(error.message)
    return ": ".join(filter(None, found.groups())) if found else error.message
