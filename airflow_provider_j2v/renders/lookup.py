"""Finding a render at the service by the stamp it carries: either every row was judged, or the lookup failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from airflow_provider_j2v.api.answers import MoviesPage, MovieStatus
from airflow_provider_j2v.api.calls import MAX_LIST_DAYS, MAX_LIST_LIMIT, get_movie, list_movies
from airflow_provider_j2v.exceptions import ApiError, JSON2VideoError, NotFound, UnreadableAnswer
from airflow_provider_j2v.renders.identity import Judged, Stamp, judge
from airflow_provider_j2v.renders.sender import Sender

#: The service's clock and ours may differ by this much.
CLOCK_SLACK = timedelta(hours=1)


class LookupFailed(JSON2VideoError):
    """The account's list could not be read to its end, so that not to find a render there would prove nothing.

    :money: nothing more was sent. The render that is looked for may exist and be charged, once.
    :do: nothing: the retry looks again. Where that can never succeed, render in a new DAG run.
    """


def find(
    client: Sender, wanted: Callable[[Stamp], bool], since: datetime, now: datetime
) -> Iterator[tuple[Stamp, MovieStatus]]:
    """The account's renders from ``since`` on whose stamp is wanted, in the service's order.

    Reading the iterator to its end proves that there is no other. Rows are freed of their ``json`` at once.

    :param since: aware; an hour of slack for the service's clock is taken off here.
    :raises LookupFailed: a page, or a row of it, could not be read.
    """
    # Without an end, which is the service's own end of today: a window that our clock ends could miss a render.
    start = max(since - CLOCK_SLACK, now - timedelta(days=MAX_LIST_DAYS - 2))
    for row in _rows(client, start):
        judged = _judge_surely(client, row, since)
        if judged.stamp is not None and wanted(judged.stamp):
            if not row.project:
                raise LookupFailed("The list of movies has the render looked for, but without its project")
            yield judged.stamp, row.model_copy(update={"json_text": None})


def _rows(client: Sender, start: datetime) -> Iterator[MovieStatus]:
    token: str | None = None
    limit = MAX_LIST_LIMIT
    seen: set[str] = set()
    while True:
        page, limit = _page(client, start, token, limit)
        yield from page.movies
        if page.has_next and not page.more:
            raise LookupFailed("The list of movies says it goes on but gives no token to go on with")
        if page.has_next is None:
            raise LookupFailed("The list of movies does not say whether it goes on")
        token = page.more
        if token is None:
            return
        if token in seen:
            raise LookupFailed("The list of movies repeats a page token, so its end cannot be reached")
        seen.add(token)


def _page(client: Sender, start: datetime, token: str | None, limit: int) -> tuple[MoviesPage, int]:
    """A page and its size: each row carries a whole movie, so one over the client's cap is asked for in pieces."""
    while True:
        try:
            return client.send(list_movies(start, limit=limit, next_token=token)), limit
        except ApiError as e:
            if not (isinstance(e, UnreadableAnswer) and e.too_large and limit > 1):
                raise LookupFailed(f"The list of movies could not be read: {e}") from e
            limit //= 2


def _judge_surely(client: Sender, row: MovieStatus, since: datetime) -> Judged:
    judged = judge(row)
    if judged.certain:
        return judged
    if not row.project:
        raise LookupFailed("The list of movies has a row that names no project and carries no data")
    try:
        movie = client.send(get_movie(row.project, simple=False)).movie
    except ApiError as e:
        if isinstance(e, NotFound) and row.created_at and row.created_at < since - CLOCK_SLACK:
            return Judged(None, certain=True)  # older than what is looked for
        raise LookupFailed(f"Project {row.project} of the list could not be read: {e}") from e
    judged = judge(movie)
    if not judged.certain and movie.json_text:
        raise LookupFailed(f"Project {row.project} of the list carries a movie that is not readable JSON")
    # Asked for singly, a movie without any client data is one that was sent without: not ours.
    return judged
