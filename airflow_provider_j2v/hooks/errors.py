"""Which of our errors end a task at once, whatever its retries."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_j2v.exceptions import (
    AuthenticationError,
    ConfigurationError,
    DestinationTaken,
    InvalidRequest,
    JSON2VideoError,
    MediaError,
    MovieError,
    PermissionDenied,
    RenderFailed,
)

log = logging.getLogger(__name__)

_FINAL = (
    *(ConfigurationError, MovieError, MediaError, DestinationTaken),
    *(AuthenticationError, PermissionDenied, InvalidRequest),
)
# Render errors that come back: an asset that answers 4xx, a wrong file type, a zero duration, a missing property.
_REPEATS = re.compile(
    r"\b4\d\d\)|HTTP 4\d\d|duration cannot be zero|is not an? \[?(video|audio|image)|requires an? '|is required",
    re.IGNORECASE,
)


def is_final(error: JSON2VideoError) -> bool:
    """True when another try would end the same way: what is wrong is the input, the key or the connection."""
    if isinstance(error, RenderFailed):
        return bool(_REPEATS.search(error.message))
    return isinstance(error, _FINAL)


@contextmanager
def final_errors() -> Iterator[None]:
    """Turn our final errors into ``AirflowFailException``, ours as the cause; let the retryable ones pass.

    Airflow's web interface cuts off what an exception says: why a render failed is told in lines of its own before.
    """
    try:
        yield
    except JSON2VideoError as e:
        if isinstance(e, RenderFailed):
            log.error("%s", "\n".join(e.lines))
        if is_final(e):
            raise AirflowFailException(str(e)) from e
        raise
