"""Every call of the API, each written once as a pure value that either client can send.

Movie calls follow the service's endpoint reference; where its documents conflict both spellings are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from airflow_provider_j2v.api.answers import Deleted, Models, MovieAnswer, MoviesPage, Submitted
from airflow_provider_j2v.api.redaction import secrets_of
from airflow_provider_j2v.api.reply import Reply, escape, model
from airflow_provider_j2v.exceptions import InvalidMovie, NotFound, UnreadableAnswer

T = TypeVar("T")

_UNKNOWN = re.compile(r"^(the )?(project|movie)\b.*\bnot found\b", re.IGNORECASE)
MAX_LIST_DAYS = 93
MAX_LIST_LIMIT = 100


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request, and how to read its answer.

    :param name: what errors call it.
    :param method: HTTP method.
    :param path: path below the account's base URL, or a whole URL; the API key goes to the former only.
    :param read: makes the answer of a successful reply.
    :param repeatable: whether a client may send it again after a failure.
    :param params: query parameters.
    :param body: JSON document as bytes, or None.
    :param headers: further request headers.
    :param is_submit: whether an accepted call is paid.
    :param stream: the body piece by piece, for what is too large for memory; ``headers`` then say its
        ``Content-Length``. Can be sent once, and by the synchronous client only.
    :param signed_query: the query of a whole URL that is a secret: sent as it is, never shown.
    :param total: seconds it may take in all, on a connection of its own; None: the client's own limits.
    :param secrets: what the body carries and no error may quote.
    """

    name: str
    method: str
    path: str
    read: Callable[[Reply], T]
    repeatable: bool = True
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    is_submit: bool = False
    stream: Iterable[bytes] | None = field(default=None, repr=False)
    signed_query: str = field(default="", repr=False)
    total: float | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_alone(self) -> bool:
        """Whether it gets a fresh connection: one kept alive may die under it, and then nobody knows."""
        return self.is_submit or self.total is not None


def submit_movie(movie: Mapping[str, Any]) -> Call[Submitted]:
    """``POST /movies``: every accepted call is a new, paid render, so no client ever repeats it.

    :raises InvalidMovie: the movie is not plain JSON (NaN, infinity, a set, a date, …).
    """
    return Call(
        name="submit movie",
        method="POST",
        path="/v2/movies",
        read=model(Submitted),
        repeatable=False,
        body=encode(movie),
        headers={"Content-Type": "application/json"},
        is_submit=True,
        secrets=secrets_of(movie.get("exports")),
    )


def get_movie(project: str, *, simple: bool = True) -> Call[MovieAnswer]:
    """``GET /movies?project=``: one render. ``simple`` leaves out the submitted movie JSON."""
    params = {"project": project} | ({"format": "simple"} if simple else {})
    return Call("get movie", "GET", "/v2/movies", _read_movie, params=params)


def list_movies(
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    limit: int = MAX_LIST_LIMIT,
    next_token: str | None = None,
) -> Call[MoviesPage]:
    """``GET /movies``: a page of the account's renders, each row with the whole movie JSON.

    :param start: aware datetime; None is the service's default, the first of this month.
    :param end: aware datetime; None is the end of today. At most 93 days after ``start``.
    :param limit: rows a page, 1 to 100.
    :param next_token: the token of the page before.
    :raises ValueError: a datetime without time zone.
    """
    params = {"limit": str(limit)}
    if start is not None:
        params["from"] = _stamp(start)
    if end is not None:
        params["to"] = _stamp(end)
    if next_token is not None:
        params["next_token"] = next_token
    return Call("list movies", "GET", "/v2/movies", model(MoviesPage), params=params)


def delete_movie(project: str) -> Call[Deleted]:
    """``DELETE /movies?project=``: removes the file, keeps the row; asking twice is the same as once."""
    return Call("delete movie", "DELETE", "/v2/movies", model(Deleted), params={"project": project})


def get_models(url: str, etag: str | None = None) -> Call[Models]:
    """The AI model catalog, a public file on a host of its own; with ``etag`` only if it changed."""
    headers = {"If-None-Match": etag} if etag else {}
    return Call("get AI models", "GET", url, _read_models, headers=headers)


def _read_movie(reply: Reply) -> MovieAnswer:
    answer = model(MovieAnswer)(reply)
    movie = answer.movie
    # One version of the documents answers for an unknown project with 200 and a movie that says so.
    if movie.status == "error" and movie.created_at is None and _UNKNOWN.search(movie.message or ""):
        words = escape(movie.message or "")
        raise NotFound(reply.status, f"No such project on this account; the service said: {words}")
    return answer


def _read_models(reply: Reply) -> Models:
    document = None if reply.status == 304 else reply.document
    if document is None and reply.status != 304:
        raise UnreadableAnswer(reply.status, "The AI model catalog is null")
    return Models(document=document, etag=reply.headers.get("etag"))


def encode(document: Mapping[str, Any]) -> bytes:
    """The document as the JSON bytes that are sent.

    :raises InvalidMovie: it holds a value JSON has no word for.
    """
    try:
        return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as e:
        raise InvalidMovie(f"The movie cannot be written as JSON: {e}. Nothing was sent.") from None


def _stamp(when: datetime) -> str:
    if when.tzinfo is None:
        raise ValueError(f"{when!r} has no time zone: the service's times are UTC")
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
