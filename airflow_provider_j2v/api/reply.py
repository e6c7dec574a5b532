"""From the bytes of a reply to an answer or an error.

The service's status codes mislead: a bad key is 400, a used-up quota 401, an unknown project 400 with a leaked
TypeError. Its messages are not stable either, so the family of the message decides first and the code second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from airflow_provider_j2v.api.redaction import hide
from airflow_provider_j2v.exceptions import (
    ApiError,
    AuthenticationError,
    InvalidRequest,
    NotFound,
    OutOfCredits,
    PermissionDenied,
    RateLimited,
    ServerError,
    UnreadableAnswer,
)

M = TypeVar("M", bound=BaseModel)

#: Message families, the first that matches decides. Sources: the service's error reference (two versions of it)
#: and what its own n8n team saw live.
_FAMILIES: tuple[tuple[re.Pattern[str], type[ApiError]], ...] = (
    (
        re.compile(r"api key (not provided|is missing)|invalid api key|^unauthorized$", re.IGNORECASE),
        AuthenticationError,
    ),
    (re.compile(r"insufficient credits|exceeded the quota|storage is blocked", re.IGNORECASE), OutOfCredits),
    (re.compile(r"than your plan allowance", re.IGNORECASE), InvalidRequest),
    (re.compile(r"insufficient permissions|account.?suspended|invalid token", re.IGNORECASE), PermissionDenied),
    (re.compile(r"\bnot found\.?$", re.IGNORECASE), NotFound),
)
_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: AuthenticationError,
    403: PermissionDenied,
    404: NotFound,
    408: ServerError,
    410: NotFound,
    499: ServerError,
}
#: Of a text from outside so many characters are looked at, to show a part of them.
_LOOKED_AT = 20_000
_LEAKED = re.compile(r"^(Type|Reference|Range|Syntax)Error\b")
_HINTS: Mapping[type[ApiError], str] = {
    AuthenticationError: "check the API key in the Password field of the Airflow connection",
    PermissionDenied: "the API key's role or the account's state does not allow this",
    OutOfCredits: "top up the JSON2Video account or wait for the plan's renewal",
}


@dataclass(frozen=True)
class Reply:
    """A reply whose body was read to its end.

    :param status: HTTP status.
    :param headers: header names in lower case.
    :param body: raw bytes, at most the client's cap.
    :param secrets: what the request carried and no message may quote.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @cached_property
    def document(self) -> Any:
        """The decoded JSON body.

        :raises UnreadableAnswer: it is not JSON (HTML, empty, truncated, too deep, invalid UTF-8, NaN, …).
        """
        try:
            return from_json(self.body, allow_inf_nan=False)
        except (ValueError, RecursionError) as e:
            raise UnreadableAnswer(self.status, f"Not the JSON of the service ({e}): {self.excerpt()}") from None

    def excerpt(self) -> str:
        """The start of the body, fit for one line of a log."""
        return excerpt(self.body, secrets=self.secrets)


def model(cls: type[M]) -> Callable[[Reply], M]:
    """A reader that makes a ``cls`` of a reply."""

    def read(reply: Reply) -> M:
        try:
            return cls.model_validate(reply.document)
        except ValidationError as e:
            first = e.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the body"
            raise UnreadableAnswer(
                reply.status, f"An answer without a usable {where} ({first['msg']}): {reply.excerpt()}"
            ) from None

    return read


def check(reply: Reply, *, is_submit: bool = False, names_project: bool = False, is_service: bool = True) -> None:
    """Raise the error a reply stands for; return for one that can be read.

    :param is_submit: the reply is to a submission, where a leaked JavaScript error says nothing about the money.
    :param names_project: the call asked for one project, where a leaked TypeError means that it is unknown.
    :param is_service: False for another host: nothing in the connection is to blame for what that answers.
    """
    status = reply.status
    if 300 <= status < 400 and status != 304:
        target = escape(reply.headers.get("location", "nowhere"), secrets=reply.secrets)
        advice = "; correct the Host of the connection" if is_service else ""
        raise UnreadableAnswer(status, f"A redirect to {target}, which is not followed{advice}")
    try:
        document = reply.document
    except UnreadableAnswer:
        document = None
    refused = isinstance(document, dict) and document.get("success") is False and "movie" not in document
    if status < 400 and not refused:
        return
    message = _message(document, reply.secrets) or (
        reply.excerpt() if reply.body else f"HTTP {status} without a message"
    )
    if status == 429:
        there = _http_date(reply.headers.get("date"))  # a service whose clock is wrong means its own time
        raise RateLimited(status, message, retry_after(reply.headers.get("retry-after"), there))
    if names_project and status < 500 and message.startswith("TypeError"):
        raise NotFound(status, f"No such project on this account; the service said: {message}")
    kind = _kind(status, message, is_submit=is_submit)
    if is_submit and kind is NotFound:  # a template that is not there, or a host that has no such call
        kind = InvalidRequest
    hint = _HINTS.get(kind) if is_service else None
    raise kind(status, f"{message}; {hint}" if hint else message)


def _kind(status: int, message: str, *, is_submit: bool) -> type[ApiError]:
    if status >= 500 or (_LEAKED.match(message) and is_submit):
        return ServerError
    for family, kind in _FAMILIES:
        if family.search(message):
            return kind
    if status < 400:
        return UnreadableAnswer
    if message == "Missing Authentication Token":  # API Gateway's word for a path or method it does not have
        return InvalidRequest
    return _BY_STATUS.get(status, InvalidRequest)


def _message(document: Any, secrets: Iterable[str]) -> str:
    """The service's own words: ``message``, else ``error``, with the code that some answers carry."""
    if not isinstance(document, dict):
        return ""
    words = next((w for w in (document.get("message"), document.get("error")) if isinstance(w, str) and w), "")
    code = document.get("code")
    shown = escape(words, secrets=secrets)
    return f"{shown} [{escape(code, secrets=secrets)}]" if words and isinstance(code, str) else shown


def _http_date(value: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else None


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """``Retry-After`` as seconds from now, from seconds or an HTTP date; None when it cannot be read."""
    if not value:
        return None
    try:
        seconds = float(value) if value.strip().isascii() and value.strip().isdigit() else None
        if seconds is None:
            seconds = (parsedate_to_datetime(value) - (now or datetime.now(UTC))).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), 86_400.0)


def excerpt(body: bytes, length: int = 200, secrets: Iterable[str] = ()) -> str:
    """The start of a body, fit for one line of a log."""
    return escape(body[:_LOOKED_AT].decode("utf-8", "replace"), length, secrets) or "(empty)"


def escape(text: str, length: int = 500, secrets: Iterable[str] = ()) -> str:
    """Text from outside without control, escape and direction characters and without secrets, cut to ``length``."""
    shown = hide(text[:_LOOKED_AT], secrets)[: 2 * length]  # before it is cut: half a secret would not be known as one
    clean = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" if c not in "\r\n\t" else " " for c in shown)
    return clean if len(clean) <= length else f"{clean[: length - 1]}…"
