"""From Airflow Connections to JSON2Video, and to the JSON2Video Connections of its AI providers."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from airflow_provider_j2v.exceptions import ConfigurationError, JSON2VideoError
from airflow_provider_j2v.hooks.connections import ConnectionsMixin, airflow_connection, extra_of, no_such
from airflow_provider_j2v.hooks.connections import JSON2VideoConnectionHook as JSON2VideoConnectionHook
from airflow_provider_j2v.hooks.media import MediaMixin
from airflow_provider_j2v.hooks.metrics import count_failed_poll
from airflow_provider_j2v.hooks.templates import TemplatesMixin

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_j2v.api.account import Account
    from airflow_provider_j2v.api.answers import Deleted, MovieStatus, Quota
    from airflow_provider_j2v.api.calls import Call
    from airflow_provider_j2v.api.client import AsyncClient, Client
    from airflow_provider_j2v.catalog.source import Reading
    from airflow_provider_j2v.movies.movie import Movie
    from airflow_provider_j2v.renders.follow import Memory
    from airflow_provider_j2v.renders.polling import Outcome

T = TypeVar("T")

#: The service asks clients not to poll one render more often, in seconds.
MIN_INTERVAL = 5.0
#: The longest wait or interval that makes sense, in seconds: a year.
LONGEST = 365 * 86_400.0
DASHBOARD_URL = "https://json2video.com/dashboard/"


class JSON2VideoHook(ConnectionsMixin, MediaMixin, TemplatesMixin, BaseHook):
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
        return self._account_of(airflow_connection(self.json2video_conn_id, self.conn_type))

    async def aaccount(self) -> Account:
        """``account`` for an event loop, where the lookup must not block; looked up at each call."""
        from airflow.providers.common.compat.connection import get_async_connection

        try:
            connection = await get_async_connection(self.json2video_conn_id)
        except AirflowNotFoundException:
            raise no_such(self.json2video_conn_id, self.conn_type) from None
        return self._account_of(connection)

    def _account_of(self, connection: Connection) -> Account:
        from airflow_provider_j2v.api.account import Account

        try:
            return Account.build(
                host=connection.host,
                schema=connection.schema,
                port=connection.port,
                key=connection.password,
                extra=extra_of(connection),
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
            await asyncio.to_thread(_load, _WATCHER)
        from airflow_provider_j2v.renders.watcher import watch

        return await watch(
            self.json2video_conn_id,
            project,
            deadline,
            poll_interval,
            lookup=self.aaccount,
            connect=_async_client,
            on_error=count_failed_poll,
        )

    async def follow_movies(
        self,
        *,
        statuses: Iterable[str],
        template_id: str | None,
        client_data: Mapping[str, Any],
        poll_interval: float,
        memory: Memory,
    ) -> AsyncGenerator[dict[str, Any]]:
        """Every movie of the account that ends, for ever, as events of ``JSON2VideoMovieEventTrigger``.

        :param memory: where the place is kept across restarts.
        """
        if _FOLLOW not in sys.modules:
            await asyncio.to_thread(_load, _FOLLOW)
        from airflow_provider_j2v.renders.feed import Wanted
        from airflow_provider_j2v.renders.follow import follow

        return follow(
            Wanted(frozenset(statuses), template_id, client_data),
            interval=poll_interval,
            least_interval=MIN_INTERVAL,
            lookup=self.aaccount,
            connect=_async_client,
            memory=memory,
            on_error=count_failed_poll,
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
        connected = f"Connected to {self.account.base_url}"
        left = None if quota is None else quota.time
        if left is not None and left <= 0:
            return True, f"{connected}, but no credits are left: renders are refused until the account is topped up."
        told = "an unknown number of" if left is None else f"{left:g}"
        return True, f"{connected}: {told} credits left (1 credit = 1 second of video)."

    def get_quota(self) -> Quota | None:
        """What is left on the account; ``time`` is in credits. None when the service does not say."""
        from airflow_provider_j2v.api.calls import list_movies

        return self.send(list_movies(limit=1)).remaining_quota

    def submit_movie(self, movie: Mapping[str, Any] | Movie | str) -> str:
        """Submit a movie: one POST, never repeated. Each call that succeeds is a new, paid render.

        The promise of one charge for one task holds for the operators only: they keep a ledger across tries.

        :param movie: the movie: a mapping, a ``Movie`` or JSON text; references to Airflow Connections in it are
            resolved.
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

        A slow source is given up after two tries of at most 20 s each: the catalog is no reason to hold a render up.

        :param previous: a catalog from XCom (dict) to fall back to, or None.
        """
        from airflow_provider_j2v.api.client import Client
        from airflow_provider_j2v.catalog.source import READ_TIMEOUT, Reading, read_catalog

        account = replace(self.account, read_timeout=min(self.account.read_timeout, READ_TIMEOUT))
        with Client(account, product=_product(), attempts=2) as client:
            return read_catalog(client.send, account.catalog_url, previous=Reading.from_dict(previous))

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


def project_of(value: Any) -> str:
    """The id of a render: itself, or ``project`` of what the task returned that asked for it.

    :raises ConfigurationError: it is neither.
    """
    project = value.get("project") if isinstance(value, Mapping) else value
    check_project(project)
    return str(project)


_WATCHER = "airflow_provider_j2v.renders.watcher"
_FOLLOW = "airflow_provider_j2v.renders.follow"


def _load(module: str) -> None:
    """What takes too long for an event loop: to define the models of the answers, and to read the CA certificates."""
    importlib.import_module(module)
    importlib.import_module("airflow_provider_j2v.api.client").ssl_context()


def _async_client(account: Account) -> AsyncClient:
    """A client for a watcher: each call is sent once, since its failures are counted there."""
    from airflow_provider_j2v.api.client import AsyncClient

    return AsyncClient(account, product=_product(), attempts=1)


def _product() -> str:
    from airflow import __version__

    return f"Airflow/{__version__}"
