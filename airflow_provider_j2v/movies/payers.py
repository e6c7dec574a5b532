"""Who pays for each AI element of a movie, and where its file is sent: as data, and as lines for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from airflow_provider_j2v.api.reply import escape

Why = Literal["named in the movie", "named in the template", "provider map", "provider not in the map", "no map"]

#: Marks a value as the id of an Airflow Connection.
AIRFLOW = "airflow:"
#: What a person would not choose as an id: an address, or what reads like a key.
_SECRET = re.compile(
    r"://|[@\s]|[0-9a-f]{8}-[0-9a-f]{4}-|(?=[a-z]*[0-9])(?=[0-9]*[a-z])[a-z0-9]{20,}", re.ASCII | re.IGNORECASE
)
#: So many characters of it are looked at.
_LOOKED_AT = 200


def shown_id(text: str) -> str:
    """The id of a connection as people may see it; of what may be a key or an address, the first four characters."""
    return f"{escape(text[:4])}…" if _SECRET.search(text[:_LOOKED_AT]) else escape(text, 80)


def quoted(text: str) -> str:
    """An id of a connection, or a reference to one, in quotes, as ``shown_id``."""
    reference = AIRFLOW if text.startswith(AIRFLOW) else ""
    return f"'{reference}{shown_id(text.removeprefix(reference))}'"


@dataclass(frozen=True)
class Payer:
    """Who runs and bills one AI element: a JSON2Video Connection of the account, or the managed service.

    :param path: where the element is, for example ``movie.scenes[0].elements[1]``, or ``template.…``.
    :param type: ``image``, ``video`` or ``voice``.
    :param model: the AI model as it is written, for a voice without one the service's default; None when unknown.
    :param provider: who runs the model; None when unknown, or when a named connection may be of any of several.
    :param connection: id of the JSON2Video Connection, or None for the managed service.
    :param why: what decided.
    :param credits: the catalog's price of one ``unit`` on the managed service, 0 with a connection, None when unknown.
    :param unit: ``file`` or ``second``; None with a connection, or when unknown.
    """

    path: str
    type: str
    model: str | None
    provider: str | None
    connection: str | None
    why: Why
    credits: float | None
    unit: str | None

    @property
    def paid_by(self) -> Literal["connection", "managed"]:
        """``managed``: JSON2Video bills it in credits; ``connection``: the provider bills its own account."""
        return "managed" if self.connection is None else "connection"

    @property
    def price(self) -> str:
        """The price in words."""
        if self.credits is None:
            return "price unknown"
        return f"{self.credits:g} credits" + (f" per {self.unit}" if self.unit else "")

    def __str__(self) -> str:
        what = f"{self.type} by {escape(self.model or 'an unknown model', 80)}"
        at = f" at {escape(self.provider, 80)}" if self.provider else ""
        who = f"Connection {quoted(self.connection)}" if self.connection else f"managed service, {self.price}"
        return f"{self.path}: {what}{at}: {who} ({self.why})"


@dataclass(frozen=True)
class Destination:
    """Where the service sends the finished file, or word of it. Holds no secret.

    :param path: ``movie.exports[0].destinations[0]``.
    :param type: ``sftp``, ``ftp``, ``webhook``, ``email``; None when a JSON2Video Connection decides it.
    :param connection: id of the JSON2Video Connection, or None.
    :param airflow: the Airflow conn id that the movie names, or None.
    :param to: the host or the e-mail address, when the movie says it.
    :param inline: True when a password travels in the movie, where every API key of the account can read it.
    """

    path: str
    type: str | None
    connection: str | None
    airflow: str | None
    to: str | None
    inline: bool

    @classmethod
    def of(cls, path: str, airflow: str | None, resolved: Mapping[str, Any]) -> Destination:
        """The destination that ``resolved`` describes to the service."""
        to = _text(resolved.get("host")) or _host(resolved.get("endpoint")) or _text(resolved.get("to"))
        kind, connection = _text(resolved.get("type")), _text(resolved.get("id"))
        return cls(path, kind, connection, airflow, to, inline=bool(resolved.get("password")))

    def __str__(self) -> str:
        what = self.type or (f"Connection {quoted(self.connection)}" if self.connection else "unknown")
        to = f" to {escape(self.to, 80)}" if self.to else ""
        via = f" (Airflow connection {quoted(self.airflow)})" if self.airflow else ""
        return f"{self.path}: {what}{to}{via}{', its password travels in the movie' if self.inline else ''}"


@dataclass(frozen=True)
class Explanation:
    """What the connections of a movie come to.

    :param payers: every AI element whose payer is known; several times where its model differs from time to time.
    :param destinations: every destination that resolves.
    :param problems: what does not resolve; a movie with any of these is refused.
    :param warnings: what is probably not meant.
    """

    payers: list[Payer] = field(default_factory=list)
    destinations: list[Destination] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON: ``{elements: [{path, …, paid_by}], destinations: [{path, …}], problems, warnings}``."""
        return {
            "elements": [_shown(payer) | {"paid_by": payer.paid_by} for payer in self.payers],
            "destinations": [_shown(destination) for destination in self.destinations],
            "problems": list(self.problems),
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        known = [str(line) for line in (*self.payers, *self.destinations)]
        odd = [f"problem: {p}" for p in self.problems] + [f"warning: {w}" for w in self.warnings]
        return "\n".join(known + odd) or "No AI elements and no destinations."


def _shown(found: Payer | Destination) -> dict[str, Any]:
    data = asdict(found)
    return data | {name: data[name] and shown_id(data[name]) for name in ("connection", "airflow") if name in data}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _host(url: Any) -> str | None:
    """The host alone: the path of a webhook is often its secret."""
    try:
        return urlsplit(url).hostname if isinstance(url, str) else None
    except ValueError:
        return None
