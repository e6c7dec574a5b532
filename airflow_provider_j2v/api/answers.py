"""What the service answers, as models that tolerate unknown, missing and mistyped fields.

The service's documents disagree about many of these fields, so an incidental one that cannot be read is
None and never the end of a wait. Only what the client acts on is required.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from airflow_provider_j2v.api.reply import escape

T = TypeVar("T")


def _or_none(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValueError:
        return None


def _moment(value: datetime) -> datetime:
    """Aware, and of our time: the service's times are UTC."""
    if not 2000 <= value.year < 2200:
        raise ValueError("not a time of our days")
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _word(value: str) -> str:
    return escape(value, 80)


def _address(value: str) -> str:
    """As a browser would send it: fit for a log and for a link."""
    if len(address := quote(value, safe="%:/?#[]@!$&'()*+,;=~", errors="replace")) > 2000:
        raise ValueError("too long for an address")
    return address


Moment = Annotated[datetime, AfterValidator(_moment)]
Lenient = Annotated[T | None, WrapValidator(_or_none)]
#: A word that is shown: printable and short.
Word = Annotated[str, AfterValidator(_word)]
#: The address of a file, percent-encoded. Which scheme it has is for those to check who use it.
Address = Annotated[str, AfterValidator(_address)]
#: Bytes or pixels: a number that every reader of JSON can hold.
Count = Annotated[int, Field(ge=0, lt=2**53)]
#: The id of a render, which goes into addresses, logs and the ledger.
Project = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")]


class Answer(BaseModel):
    """Base of all answers: unknown fields are kept, instances do not change."""

    model_config = ConfigDict(
        extra="allow", frozen=True, populate_by_name=True, allow_inf_nan=False, coerce_numbers_to_str=True
    )


class Quota(Answer):
    """``remaining_quota``: ``time`` is seconds of output left, which is the number of credits left."""

    time: Lenient[float] = None
    movies: Lenient[float] = None
    drafts: Lenient[float] = None


class Submitted(Answer):
    """The answer to an accepted POST: from here on the render is paid for."""

    project: Project
    timestamp: Lenient[Moment] = None


class MovieStatus(Answer):
    """One render: the ``movie`` of a single answer, or a row of a list.

    ``duration`` and ``rendering_time`` are seconds, ``size`` bytes, ``width`` and ``height`` pixels. ``status``
    is ``pending``, ``running``, ``done`` or ``error``; ``timeout`` is disputed and anything else is possible.
    ``url`` is None before the end and 7 days after it.
    """

    status: Word = ""
    project: Lenient[Project] = None
    message: Lenient[str] = None
    url: Lenient[Address] = None
    ass: Lenient[Address] = None
    created_at: Lenient[Moment] = None
    ended_at: Lenient[Moment] = None
    deleted_at: Lenient[Moment] = None
    duration: Lenient[float] = None
    size: Lenient[Count] = None
    width: Lenient[Count] = None
    height: Lenient[Count] = None
    rendering_time: Lenient[float] = None
    progress: Lenient[float] = None
    client_data: Lenient[dict[str, Any]] = Field(None, alias="client-data")
    consumed_credits: Any = None
    json_text: Lenient[str] = Field(None, alias="json", repr=False)


class MovieAnswer(Answer):
    """``GET /movies?project=``."""

    movie: MovieStatus
    remaining_quota: Lenient[Quota] = None


def _row(value: Any) -> Any:
    """A row whose status cannot be read tells nothing of its render, and hides no other."""
    return {**value, "status": ""} if isinstance(value, dict) and not isinstance(value.get("status"), str) else value


class MoviesPage(Answer):
    """``GET /movies`` in list mode. ``movies`` holds one page; go on while ``more`` is a token."""

    movies: list[Annotated[MovieStatus, BeforeValidator(_row)]]
    has_next: Lenient[bool] = None
    next_token: Lenient[Annotated[str, Field(max_length=8000)]] = None
    remaining_quota: Lenient[Quota] = None

    @property
    def more(self) -> str | None:
        """The token of the next page, or None at the end."""
        return self.next_token if self.has_next and self.next_token else None


class Deleted(Answer):
    """``DELETE /movies``: the file is gone, the history row stays."""

    project: Lenient[Project] = None
    deleted_at: Lenient[Moment] = None


class Models(Answer):
    """The AI model catalog as published (its shape is not documented); None when it has not changed."""

    document: Any = None
    etag: Lenient[str] = None
