"""What a task returns of a render: small, and never the movie itself."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.movies.credits import amount, between
from airflow_provider_j2v.renders.identity import RESERVED
from airflow_provider_j2v.renders.polling import Outcome

#: Finished files live this long, on every plan (the service's page on file retention).
FILE_LIFE = timedelta(days=7)
#: Client data or consumed credits of more JSON characters than this are left out: XCom is no place for them.
MAX_PART = 600
#: Of the reason for a failure so many characters are kept; the log has more of it.
MAX_MESSAGE = 400


def result_of(outcome: Outcome, estimated: Sequence[float] | None = None) -> dict[str, Any]:
    """The result of a render that ended.

    :param estimated: the estimate made before the render, credits from … to, if there was one.
    :returns: ``{project, status, url, expires_at (ISO), duration (s), size (bytes), width, height, rendering_time
        (s), credits: {estimated, consumed, remaining}, destination, client_data}``, and ``message`` after an error.
    """
    movie, quota = outcome.movie, outcome.quota
    expires_at = movie.ended_at + FILE_LIFE if movie and movie.ended_at and outcome.status == "done" else None
    own = {key: value for key, value in ((movie and movie.client_data) or {}).items() if key != RESERVED}
    result: dict[str, Any] = {
        "project": outcome.project,
        "status": outcome.status,
        "url": movie and movie.url,
        "expires_at": expires_at.isoformat(timespec="seconds") if expires_at else None,
        "duration": movie and movie.duration,
        "size": movie and movie.size,
        "width": movie and movie.width,
        "height": movie and movie.height,
        "rendering_time": movie and movie.rendering_time,
        "credits": {
            "estimated": None if estimated is None else list(estimated),
            "consumed": small(movie and movie.consumed_credits),
            "remaining": quota and quota.time,
        },
        "destination": None,
        "client_data": small(own),
    }
    if outcome.status == "error":
        result["message"] = escape(outcome.message, MAX_MESSAGE)
    return result


def bill_of(credits: Mapping[str, Any]) -> str:
    """The bill in one line for the log.

    :param credits: ``{estimated: [low, high] | None, consumed, remaining}``, as ``result_of`` has them.
    """
    estimated, consumed, remaining = (credits[name] for name in ("estimated", "consumed", "remaining"))
    charged = charged_of(consumed)
    words = ["not estimated" if estimated is None else f"estimated {between(*estimated)}"]
    if charged is not None:
        words.append(f"charged {amount(charged)}{_beside(charged, estimated)}")
    else:
        words.append("what was charged cannot be added up" if consumed else "the service does not say what it charged")
    if remaining is not None:
        words.append(f"{amount(remaining)} left")
    return f"Credits: {'; '.join(words)}."


def _beside(charged: float, estimated: Sequence[float] | None) -> str:
    """What there is to say of a charge that the estimate did not hold."""
    if estimated is None or estimated[0] <= charged <= estimated[1]:
        return ""
    if charged > estimated[1]:
        return ", which is more than estimated"
    return ", which is less than estimated, as when assets of an earlier render are still cached"


def charged_of(items: Any) -> float | None:
    """The sum of the service's items of consumption, whose form is not documented; None when there is none.

    They are added up only when each has a number under ``credits``, or each under ``amount``.
    """
    if not isinstance(items, list) or not items or not all(isinstance(item, Mapping) for item in items):
        return None
    for name in ("credits", "amount"):
        numbers = [item.get(name) for item in items]
        if all(isinstance(n, int | float) and not isinstance(n, bool) and abs(n) < 1e15 for n in numbers):
            return math.fsum(numbers)
    return None


def small(value: Any) -> Any:
    """The value, or None when it is too large for XCom."""
    return value if len(json.dumps(value, default=str)) <= MAX_PART else None
