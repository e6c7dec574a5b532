"""Reading what a client submits, as strictly and as loosely as the service does."""

from __future__ import annotations

import json
import math
from typing import Any

from airflow_provider_j2v.sandbox.placeholders import Json
from airflow_provider_j2v.sandbox.refusals import BAD_JSON, NO_MOVIE, NOT_AN_OBJECT, TOO_LARGE

MAX_BYTES = 2 * 1024 * 1024
"""Of a submitted movie (third party)."""

OVER_TEMPLATE = (
    *("resolution", "width", "height", "quality", "exports", "client-data"),
    *("fps", "cache", "id", "comment"),
)
"""What a request may set over its template: the first line documented, the second sent by a client."""


def read(raw: bytes) -> Json:
    """The submitted object, or a documented refusal. Whether it can be rendered is found out later."""
    if len(raw) > MAX_BYTES:
        raise TOO_LARGE
    if not raw.strip():
        raise NO_MOVIE
    try:
        document = parse(raw)
    except ValueError:
        raise BAD_JSON from None
    if not isinstance(document, dict):
        raise NOT_AN_OBJECT
    if not document:
        raise BAD_JSON
    return document


def parse(raw: bytes | str) -> Any:
    """The value of JSON text; ValueError when it is none."""
    try:
        return json.loads(raw, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deep") from None


def over_template(request: Json, template: Json) -> Json:
    """A template's movie with the request's own settings over it, and its variables merged."""
    movie = {**template, **{name: request[name] for name in OVER_TEMPLATE if name in request}}
    defaults, given = (_object(owner.get("variables")) for owner in (template, request))
    return {**movie, "variables": {**defaults, **given}}


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float | None:
    """A number beyond the range of a double is infinite in JavaScript, and null when written again."""
    value = float(text)
    return value if math.isfinite(value) else None
