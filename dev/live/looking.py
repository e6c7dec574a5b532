"""What looks have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_j2v.api.calls import Call
from airflow_provider_j2v.api.reply import Reply
from dev.live.questions import Unsettled
from dev.live.visit import Rendered, Visit, error_of

Look = Callable[[Visit], tuple[str, Any]]


def accepted(visit: Visit, name: str) -> Rendered:
    """The movie of that name, whose submission was accepted.

    :raises Unsettled: it was refused.
    """
    done = visit.render(name)
    if done.project is None:
        raise Unsettled(f"its submission was refused: {done.reply.excerpt()}")
    return done


def finished(visit: Visit, name: str) -> Rendered:
    """The movie of that name, rendered.

    :raises Unsettled: it was not.
    """
    done = accepted(visit, name)
    if done.movie.get("status") != "done":
        raise Unsettled(f"it ended as {done.movie.get('status')!r}: {done.movie.get('message')}")
    return done


def refusal(make: Callable[[Visit], Call[Any]], key: str | None = None) -> Look:
    """A look at the error that the clients make of the answer to a call."""

    def look(visit: Visit) -> tuple[str, Any]:
        call = make(visit)
        return classified(call, visit.ask(call, key=key))

    return look


def classified(call: Call[Any], reply: Reply) -> tuple[str, Any]:
    """What the clients make of a reply: the name of the error, or that it was accepted."""
    error = error_of(call, reply)
    return (type(error).__name__ if error else "accepted"), {"status": reply.status, "body": reply.excerpt()}


def places(tag: str, row: dict[str, Any] | None) -> list[str]:
    """Where in a row, or in a single answer, a tag is to be seen."""
    return [name for name in ("client-data", "json") if tag in str((row or {}).get(name))]
