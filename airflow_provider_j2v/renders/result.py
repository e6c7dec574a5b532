"""What a task returns of a render: small, and never the movie itself."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.renders.identity import RESERVED
from airflow_provider_j2v.renders.polling import Outcome

#: Finished files live this long, on every plan (the service's page on file retention).
FILE_LIFE = timedelta(days=7)
#: Client data or consumed credits of more JSON characters than this are left out: XCom is no place for them.
MAX_PART = 600
#: Of the reason for a failure so many characters are kept; the log has more of it.
MAX_MESSAGE = 400


def result_of(outcome: Outcome) -> dict[str, Any]:
    """The result of a render that ended.

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
            "estimated": None,
            "consumed": small(movie and movie.consumed_credits),
            "remaining": quota and quota.time,
        },
        "destination": None,
        "client_data": small(own),
    }
    if outcome.status == "error":
        result["message"] = escape(outcome.message, MAX_MESSAGE)
    return result


def small(value: Any) -> Any:
    """The value, or None when it is too large for XCom."""
    return value if len(json.dumps(value, default=str)) <= MAX_PART else None
