"""Who a render is: the stamp it carries at the service, and the fingerprint of its author's input."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from airflow_provider_j2v.api.answers import MovieStatus
from airflow_provider_j2v.api.redaction import without_secrets
from airflow_provider_j2v.exceptions import InvalidMovie

#: The key inside ``client-data`` that is ours.
RESERVED = "airflow"

# Query parameters that sign a URL (S3, GCS, Azure, CloudFront): they change while the file behind it does not.
_SIGNING = re.compile(
    r"x-(amz|goog)-.+|signature|expires|awsaccesskeyid|googleaccessid|key-pair-id|policy|sig|se|st|sp|sv|sr|spr|skoid"
    r"|sktid|skt|ske|sks|skv|token",
    re.IGNORECASE,
)
_SIGNATURE = {"x-amz-signature", "x-goog-signature", "signature", "sig"}


@dataclass(frozen=True)
class Identity:
    """One task instance, across all its tries. ``namespace`` tells Airflow installations apart.

    :param row: the key of one row where the task renders many; None where it renders one movie.
    """

    namespace: str | None
    dag_id: str
    run_id: str
    task_id: str
    map_index: int = -1
    row: str | None = None


@dataclass(frozen=True)
class Stamp:
    """What a submitted movie carries in ``client-data`` under the reserved key."""

    tag: str
    identity: Identity
    max_tries: int
    fingerprint: str

    def on(self, movie: Mapping[str, Any]) -> dict[str, Any]:
        """The movie with this stamp beside the author's own client data.

        :raises InvalidMovie: the author's ``client-data`` is not an object, or uses the reserved key.
        """
        own = movie.get("client-data") or {}
        if not isinstance(own, Mapping):
            raise InvalidMovie(f"client-data must be an object, not {type(own).__name__}. Nothing was sent.")
        if RESERVED in own:
            raise InvalidMovie(f"client-data may not use the key {RESERVED!r}, it is the provider's. Nothing was sent.")
        stamp = {"tag": self.tag, "max_tries": self.max_tries, "fingerprint": self.fingerprint}
        who = asdict(self.identity)
        if self.identity.row is None:
            del who["row"]
        return {**movie, "client-data": {**own, RESERVED: who | stamp}}

    @classmethod
    def read(cls, client_data: Any) -> Stamp | None:
        """The stamp in some client data, or None where there is none of ours."""
        own = client_data.get(RESERVED) if isinstance(client_data, Mapping) else None
        if not isinstance(own, Mapping):
            return None
        try:
            where = (own["dag_id"], own["run_id"], own["task_id"], int(own["map_index"]))
            row = own.get("row")
            identity = Identity(own.get("namespace"), *where, row=None if row is None else str(row))
            return cls(str(own["tag"]), identity, int(own["max_tries"]), str(own["fingerprint"]))
        except (TypeError, KeyError, ValueError, OverflowError):
            return None


@dataclass(frozen=True)
class Judged:
    """What a row told: ``stamp`` is None for a movie that is not ours; ``certain`` is False when it told nothing."""

    stamp: Stamp | None
    certain: bool


def judge(row: MovieStatus) -> Judged:
    """Read the stamp of a row from its ``client-data``, or from its ``json`` where that is missing."""
    if stamp := Stamp.read(row.client_data):
        return Judged(stamp, certain=True)
    try:
        movie = json.loads(row.json_text or "")
    except (ValueError, RecursionError):
        return Judged(None, certain=bool(row.client_data))
    return Judged(Stamp.read(movie.get("client-data")) if isinstance(movie, dict) else None, certain=True)


def new_tag() -> str:
    """A tag no other intent has."""
    return uuid.uuid4().hex


def fingerprint(**inputs: Any) -> str:
    """A digest of what the author asked for: never of keys, resolved ids, catalogs or the signatures of URLs.

    :param inputs: JSON-like values after templating and before anything is resolved.
    """
    text = json.dumps(_unsigned(inputs), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _unsigned(value: Any) -> Any:
    if isinstance(value, Mapping):
        # A password that is changed does not make it another movie.
        return {str(k): _unsigned(without_secrets(v) if k == "exports" else v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_unsigned(v) for v in value]
    if isinstance(value, str) and value.startswith(("http://", "https://")) and "?" in value:
        return _without_signature(value)
    return value


def _without_signature(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:  # text that only begins like a URL
        return url
    query = parse_qsl(parts.query, keep_blank_values=True)
    if not any(name.lower() in _SIGNATURE for name, _ in query):
        return url
    kept = [(name, value) for name, value in query if not _SIGNING.fullmatch(name)]
    return urlunsplit(parts._replace(query=urlencode(kept)))
