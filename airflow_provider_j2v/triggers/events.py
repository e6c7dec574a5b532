"""Movies that end, as events of an asset."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_j2v.exceptions import ConfigurationError
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook

log = logging.getLogger(__name__)

_STATUSES = ("done", "error")


class JSON2VideoMovieEventTrigger(BaseEventTrigger):
    """Tell an asset of every movie that ends on the account, whoever submitted it: for ``AssetWatcher``.

    Each event is ``{project, status, template, client_data, finished_at (ISO), duration (s), consumed}``, without
    the movie's URL, which is a secret: whoever needs it asks by the project. A movie is told at least once, in about
    the order of their ends; a repeat has the same project. On Airflow 3.3 and later the watch goes on after a restart
    or a pause where it stood, up to seven days back. Before that, and with other arguments, it begins at its start.

    It runs for ever: while the service fails it asks less and less often, at least every 15 minutes.

    :param json2video_conn_id: Airflow conn id of the account (str).
    :param status: ``"done"`` (default), ``"error"``, or a list of both.
    :param template_id: only movies made from this template (str).
    :param client_data: only movies whose client data has these values under these keys (mapping of plain JSON).
    :param poll_interval: seconds between two looks (float, default 60; at least 5 off loopback).
    """

    def __init__(
        self,
        json2video_conn_id: str = JSON2VideoHook.default_conn_name,
        status: str | Sequence[str] = "done",
        template_id: str | None = None,
        client_data: Mapping[str, Any] | None = None,
        poll_interval: float = 60.0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.json2video_conn_id = json2video_conn_id
        self.status = sorted({status} if isinstance(status, str) else set(status))
        self.template_id = template_id
        self.client_data = _plain(client_data)
        self.poll_interval = poll_interval
        if not self.status or not set(self.status) <= set(_STATUSES):
            raise ConfigurationError(f'status must be "done", "error" or a list of both, not {status!r:.80}.')

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path, and the arguments to make it again."""
        arguments = {"poll_interval": self.poll_interval, **self._watched()}
        return f"airflow_provider_j2v.triggers.movie.{type(self).__name__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Watch until cancelled."""
        hook = JSON2VideoHook(self.json2video_conn_id)
        events = await hook.follow_movies(
            statuses=self.status,
            template_id=self.template_id,
            client_data=self.client_data or {},
            poll_interval=self.poll_interval,
            memory=_AssetMemory(getattr(self, "asset_state_store", None), f"json2video-{self._digest()}"),
        )
        async with aclosing(events):
            async for event in events:
                yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    def _watched(self) -> dict[str, Any]:
        """What is watched for: two watchers of one asset that differ in it remember apart."""
        return {
            "json2video_conn_id": self.json2video_conn_id,
            "status": self.status,
            "template_id": self.template_id,
            "client_data": self.client_data,
        }

    def _digest(self) -> str:
        return hashlib.sha256(json.dumps(self._watched(), sort_keys=True).encode()).hexdigest()[:16]


class _AssetMemory:
    """What is remembered, under one key of the watched asset's state store; without a store nothing is."""

    def __init__(self, store: Any, key: str) -> None:
        self._store = store
        self._key = key

    async def load(self) -> Any:
        if self._store is None:
            log.warning("This Airflow keeps no state for watchers (3.3 and later do): the watch begins now.")
            return None
        try:
            return await self._store.aget(self._key)
        except ValueError:  # one trigger of several assets: none of their stores is meant
            log.warning(
                "Several assets have watchers with the same arguments, so none of them keeps their state and the "
                "watch begins now. Schedule the DAGs on one asset, or let the poll_interval of the watchers differ."
            )
            self._store = None
            return None

    async def save(self, state: Any) -> None:
        if self._store is not None:
            await self._store.aset(self._key, state)


def _plain(client_data: Mapping[str, Any] | None) -> dict[str, Any] | None:
    try:
        plain = None if client_data is None else json.loads(json.dumps(client_data, allow_nan=False))
    except (TypeError, ValueError) as e:
        raise ConfigurationError(f"client_data must be a mapping of plain JSON: {e}.") from None
    if not isinstance(plain, dict | None):
        raise ConfigurationError(f"client_data must be a mapping of plain JSON, not {client_data!r:.80}.")
    return plain
