"""From Airflow Connections to JSON2Video, and to the JSON2Video Connections of its AI providers."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from airflow_provider_j2v.exceptions import ConfigurationError, JSON2VideoError, UnresolvedConnection

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_j2v.api.account import Account
    from airflow_provider_j2v.api.answers import Deleted, MovieStatus, Quota
    from airflow_provider_j2v.api.calls import Call
    from airflow_provider_j2v.api.client import AsyncClient, Client
    from airflow_provider_j2v.catalog.source import Reading
    from airflow_provider_j2v.renders.polling import Outcome

T = TypeVar("T")

#: The service asks clients not to poll one render more often, in seconds.
MIN_INTERVAL = 5.0
#: The longest wait or interval that makes sense, in seconds: a year.
LONGEST = 365 * 86_400.0
DASHBOARD_URL = "https://json2video.com/dashboard/"


class JSON2VideoHook(BaseHook):
    """The JSON2Video account behind an Airflow Connection of type ``json2video``.

    Opens nothing before the first call. Errors are those of ``airflow_provider_j2v.exceptions``.

    :param json2video_conn_id: Airflow conn id (str, default ``json2video_default``). Its password is the API key;
        see the connection page of the documentation for host and extras.
    """

    conn_name_attr: ClassVar[str] = "json2video_conn_id"
    default_conn_name: ClassVar[str] = "json2video_default"
    conn_type: ClassVar[str] = "json2video"
    hook_name: ClassVar[str] = "JSON2Video"

    def __init__(self, json2video_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.json2video_conn_id = json2video_conn_id

    @cached_property
    def account(self) -> Account:
        """The account, looked up once.

        :raises ConfigurationError: the connection does not exist, or something in it is wrong.
        """
        return self._account_of(_connection(self.json2video_conn_id))

    async def aaccount(self) -> Account:
        """``account`` for an event loop, where the lookup must not block; looked up at each call."""
        from airflow.providers.common.compat.connection import get_async_connection

        try:
            connection = await get_async_connection(self.json2video_conn_id)
        except AirflowNotFoundException:
            raise _no_such(self.json2video_conn_id, self.conn_type) from None
        return self._account_of(connection)

    def _account_of(self, connection: Connection) -> Account:
        from airflow_provider_j2v.api.account import Account

        try:
            return Account.build(
                host=connection.host,
                schema=connection.schema,
                port=connection.port,
                key=connection.password,
                extra=_extra(connection),
            )
        except ConfigurationError as e:
            raise ConfigurationError(f"Airflow connection {self.json2video_conn_id!r}: {e}") from None

    @cached_property
    def client(self) -> Client:
        """The synchronous client of this hook; repeatable calls are sent up to five times."""
        from airflow_provider_j2v.api.client import Client

        return Client(self.account, product=_product(), attempts=5)

    def get_conn(self) -> Client:
        """The client, as ``BaseHook`` names it."""
        return self.client

    async def await_movie(self, project: str, deadline: float, poll_interval: float) -> Outcome:
        """Wait for a render in an event loop, together with everybody else there who waits on this account.

        :param deadline: epoch seconds (wall clock).
        :param poll_interval: seconds between two looks at the service.
        """
        check_project(project)
        if _WATCHER not in sys.modules:
            await asyncio.to_thread(_load_watcher)
        from airflow_provider_j2v.renders.watcher import watch

        return await watch(
            self.json2video_conn_id, project, deadline, poll_interval, lookup=self.aaccount, connect=_async_client
        )

    def send(self, call: Call[T]) -> T:
        """Send any call of ``airflow_provider_j2v.api.calls``."""
        return self.client.send(call)

    def test_connection(self) -> tuple[bool, str]:
        """The test button: asks for one row of the list, which costs nothing, and tells the credits left."""
        try:
            quota = self.get_quota()
        except JSON2VideoError as e:
            return False, str(e)
        left = "an unknown number of" if quota is None or quota.time is None else f"{quota.time:g}"
        return True, f"Connected to {self.account.base_url}: {left} credits left (1 credit = 1 second of video)."

    def get_quota(self) -> Quota | None:
        """What is left on the account; ``time`` is in credits. None when the service does not say."""
        from airflow_provider_j2v.api.calls import list_movies

        return self.send(list_movies(limit=1)).remaining_quota

    def submit_movie(self, movie: Mapping[str, Any]) -> str:
        """Submit a movie: one POST, never repeated. Each call that succeeds is a new, paid render.

        The promise of one charge for one task holds for the operators only: they keep a ledger across tries.

        :param movie: the movie (mapping); references to Airflow Connections in it are resolved.
        :returns: the project id (str).
        :raises MovieError: the movie was refused before anything was sent.
        :raises SubmitAmbiguous: no usable answer came; the render may exist and be charged.
        """
        from airflow_provider_j2v.movies.document import check_movie, compose, read_movie
        from airflow_provider_j2v.renders.submit import post

        document = compose(read_movie(movie))
        check_movie(document)
        return post(self.client, self.resolve_connections(document))

    def get_movie(self, project: str) -> MovieStatus:
        """The status of one render."""
        from airflow_provider_j2v.api.calls import get_movie

        return self.send(get_movie(project)).movie

    def list_movies(self, start: datetime, end: datetime | None = None) -> Iterator[MovieStatus]:
        """The account's renders between two aware datetimes, page by page; ``end`` defaults to the service's now.

        The service allows windows of 93 days: longer ones are asked for in slices, the newest first.
        """
        from airflow_provider_j2v.api.calls import MAX_LIST_DAYS, list_movies

        to = end or datetime.now(UTC) + timedelta(hours=1)  # its clock may be ahead of ours
        while to > start:
            since = max(start, to - timedelta(days=MAX_LIST_DAYS))
            token = None
            while True:
                page = self.send(list_movies(since, to, next_token=token))
                yield from page.movies
                if not (token := page.more):
                    break
            to = since

    def delete_movie(self, project: str) -> Deleted:
        """Remove a rendered file from the service now; its row stays, credits are not returned."""
        from airflow_provider_j2v.api.calls import delete_movie

        return self.send(delete_movie(project))

    def get_catalog(self, previous: Any = None) -> Reading:
        """The catalog of AI models, from the best source there is; never fails.

        :param previous: a catalog from XCom (dict) to fall back to, or None.
        """
        from airflow_provider_j2v.catalog.source import Reading, read_catalog

        return read_catalog(self.client.send, self.account.catalog_url, previous=Reading.from_dict(previous))

    def resolve_connections(
        self, movie: Mapping[str, Any], connections: Mapping[str, str] | None = None, catalog: Any = None
    ) -> dict[str, Any]:
        """The movie with every reference to an Airflow Connection replaced by a JSON2Video Connection id.

        :param connections: provider → Airflow conn id or ``j2v:<id>``, over the account's default map.
        :param catalog: a catalog from XCom (dict); without one it is fetched when a map is in force.
        :raises UnresolvedConnection: what does not resolve, where, and what to create.
        """
        from airflow_provider_j2v.api.account import provider_map
        from airflow_provider_j2v.catalog.source import Reading
        from airflow_provider_j2v.movies.connections import resolve

        template = bool(movie.get("template"))
        default = {} if template else self.account.connections
        providers = {**default, **provider_map(connections, "connections of the task")}
        reading = Reading.from_dict(catalog)
        if catalog and reading is None:
            raise ConfigurationError(
                f"catalog must be what a JSON2VideoRefreshCatalogOperator gave, not {catalog!r:.80}. Nothing was sent."
            )
        if reading is None and providers:
            reading = self.get_catalog()
        resolution = resolve(
            movie, providers=providers, lookup=connection_id_of, catalog=reading.catalog if reading else None
        )
        if template and self.account.connections:
            self.log.warning("The provider map of the connection does not reach into the saved template.")
        if reading:
            unknown = providers.keys() - {p for model in reading.catalog.models.values() for p in model.providers}
            for provider in sorted(unknown):
                self.log.warning("The provider map names %r, which no AI model of the catalog runs at.", provider)
        for payer in resolution.payers if providers else ():
            if payer.connection is None:
                self.log.info(
                    "%s: model %s of provider %s runs on JSON2Video's managed service and is paid in credits.",
                    payer.path,
                    payer.model,
                    payer.provider,
                )
        return resolution.movie

    def check_interval(self, seconds: Any, name: str) -> None:
        """Refuse an interval that the service would not like; a sandbox on loopback takes any.

        :raises ConfigurationError: it is too short, too long, or no number.
        """
        least = 0.01 if self.account.is_local else MIN_INTERVAL
        if not isinstance(seconds, int | float) or not least <= seconds <= LONGEST:
            raise ConfigurationError(
                f"{name} is {seconds} s; the service asks for {MIN_INTERVAL:g} s or more. Nothing was sent."
            )

    @property
    def dashboard_url(self) -> str:
        """Where a person looks after renders: the service's dashboard, or the sandbox's own page."""
        return f"{self.account.base_url}/" if self.account.is_local else DASHBOARD_URL


def check_project(project: Any) -> None:
    """Refuse what cannot be the id of a render.

    :raises ConfigurationError: it is not text of up to 200 printable characters.
    """
    if not isinstance(project, str) or not re.fullmatch(r"[\x21-\x7e]{1,200}", project):
        raise ConfigurationError(f"project must be the id of a render, not {project!r:.80}.")


class JSON2VideoConnectionHook(BaseHook):
    """One JSON2Video Connection (an AI provider's or a destination's credentials, kept at JSON2Video).

    The Airflow Connection of type ``json2video_connection`` holds its id as login, or says ``{"managed": true}``.
    """

    conn_name_attr: ClassVar[str] = "json2video_connection_conn_id"
    default_conn_name: ClassVar[str] = "json2video_connection_default"
    conn_type: ClassVar[str] = "json2video_connection"
    hook_name: ClassVar[str] = "JSON2Video Connection"

    def __init__(self, json2video_connection_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.json2video_connection_conn_id = json2video_connection_conn_id

    def test_connection(self) -> tuple[bool, str]:
        """The test button: the service has no call to look a Connection up, so only the form is checked."""
        try:
            target = connection_id_of(self.json2video_connection_conn_id)
        except JSON2VideoError as e:
            return False, str(e)
        what = f"JSON2Video Connection {target!r}" if target else "the managed service"
        return True, f"Stands for {what}. JSON2Video has no call to check that it exists there."


def connection_id_of(conn_id: str) -> str | None:
    """The JSON2Video Connection id an Airflow Connection stands for; None means the managed service.

    :raises UnresolvedConnection: there is no such Airflow Connection, or it does not say.
    """
    kind = JSON2VideoConnectionHook.conn_type
    try:
        connection = _connection(conn_id, kind)
        extra = _extra(connection)
    except ConfigurationError as e:
        raise UnresolvedConnection(f"{e} Nothing was sent.") from None
    if connection.conn_type != kind:
        raise UnresolvedConnection(
            f"Airflow connection {conn_id!r} is of type {connection.conn_type!r}, not {kind!r}. Create one of that "
            "type whose login is the id of the JSON2Video Connection. Nothing was sent."
        )
    login = (connection.login or "").strip()
    if extra.get("managed") is True and not login:
        return None
    if not login or extra.get("managed"):
        raise UnresolvedConnection(
            f"Airflow connection {conn_id!r} must have either the id of a JSON2Video Connection as login, or extra "
            '{"managed": true} for JSON2Video\'s managed service. Nothing was sent.'
        )
    return login


def _connection(conn_id: str, kind: str = JSON2VideoHook.conn_type) -> Connection:
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise _no_such(conn_id, kind) from None


def _no_such(conn_id: str, kind: str) -> ConfigurationError:
    return ConfigurationError(f"There is no Airflow connection {conn_id!r}: create one of type {kind!r}.")


def _extra(connection: Connection) -> Mapping[str, Any]:
    # Not extra_dejson: it asks the supervisor to mask, which blocks in an event loop before Airflow 3.3.2.
    try:
        extra = json.loads(connection.extra or "{}")
    except ValueError as e:
        raise ConfigurationError(f"The Extra of Airflow connection {connection.conn_id!r} is not JSON: {e}.") from None
    if not isinstance(extra, dict):
        raise ConfigurationError(f"The Extra of Airflow connection {connection.conn_id!r} must be a JSON object.")
    return extra


_WATCHER = "airflow_provider_j2v.renders.watcher"


def _load_watcher() -> None:
    """What takes too long for an event loop: to define the models of the answers, and to read the CA certificates."""
    importlib.import_module(_WATCHER)
    importlib.import_module("airflow_provider_j2v.api.client").ssl_context()


def _async_client(account: Account) -> AsyncClient:
    """A client for a watcher: each call is sent once, since its failures are counted there."""
    from airflow_provider_j2v.api.client import AsyncClient

    return AsyncClient(account, product=_product(), attempts=1)


def _product() -> str:
    from airflow import __version__

    return f"Airflow/{__version__}"
