"""From Airflow Connections to the JSON2Video Connections of AI providers and destinations."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from airflow_provider_j2v.exceptions import ConfigurationError, JSON2VideoError, UnresolvedConnection

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_j2v.api.account import Account
    from airflow_provider_j2v.api.template_answers import Template
    from airflow_provider_j2v.catalog.source import Reading
    from airflow_provider_j2v.movies.connections import Resolution
    from airflow_provider_j2v.movies.movie import Movie
    from airflow_provider_j2v.movies.payers import Explanation

log = logging.getLogger(__name__)

#: Airflow connection types that can be a destination by themselves, and their ports.
_PORTS = {"sftp": 22, "ftp": 21}
#: So many elements that stay managed are named in the log.
_SHOWN = 20
_DASHBOARD = "json2video.com/dashboard/connections"


class ConnectionsMixin:
    """What ``JSON2VideoHook`` can tell about who pays for a movie's AI elements and where its file goes."""

    if TYPE_CHECKING:

        @property
        def account(self) -> Account: ...

        def get_catalog(self, previous: Any = None) -> Reading: ...

        def cached_template(self, template_id: str) -> Template: ...

    def resolve_connections(
        self,
        movie: Mapping[str, Any] | Movie,
        connections: Mapping[str, str] | None = None,
        catalog: Any = None,
        template: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The movie with every reference to an Airflow Connection replaced; parameters as ``resolution``.

        It may hold the password of an inline destination: send it, and show it to nobody.
        """
        return self.resolution(movie, connections, catalog, template).movie

    def resolution(
        self,
        movie: Mapping[str, Any] | Movie,
        connections: Mapping[str, str] | None = None,
        catalog: Any = None,
        template: Mapping[str, Any] | None = None,
        *,
        tells: bool = True,
    ) -> Resolution:
        """The movie with its connections resolved, and who pays for each AI element; the log tells what stays managed.

        :param movie: the document, or a ``Movie``; it is not changed.
        :param connections: provider → Airflow conn id or ``j2v:<id>``, each over that of the account's default map.
        :param catalog: a ``Reading``, or one from XCom (dict); without one it is read when a map is in force and there
            is an AI element.
        :param template: the movie of the saved template it names; without it, it is read when a map is in force.
        :param tells: False leaves the log alone: the same of a thousand movies is no news.
        :raises UnresolvedConnection: what does not resolve, where, and what to create.
        """
        from airflow_provider_j2v.movies.connections import has_generated, resolve
        from airflow_provider_j2v.movies.document import undressed

        document: Mapping[str, Any] = undressed(movie)
        providers = self._providers(connections)
        saved = self._template(document, template, needed=bool(providers))
        reading = self.reading(catalog, needed=bool(providers) and has_generated(document, saved))
        resolution = resolve(
            document,
            providers=providers,
            lookup=connection_id_of,
            describe=destination_of,
            catalog=reading.catalog if reading else None,
            template=saved,
        )
        if not tells:
            return resolution
        for warning in resolution.explanation.warnings:
            log.warning("%s", warning)
        managed = [payer for payer in resolution.payers if providers and payer.paid_by == "managed"]
        for payer in managed[:_SHOWN]:
            log.info("%s", payer)
        if len(managed) > _SHOWN:
            log.info("%d more AI elements run on the managed service.", len(managed) - _SHOWN)
        return resolution

    def explain_connections(
        self,
        movie: Any,
        connections: Mapping[str, str] | None = None,
        catalog: Any = None,
        template: Mapping[str, Any] | None = None,
    ) -> Explanation:
        """Who pays for each AI element and where the file goes, as data and, by ``str``, as lines; sends no movie.

        :param movie: a mapping, a ``Movie`` or JSON text. What would be refused is listed under ``problems``.
        """
        from airflow_provider_j2v.movies.connections import explain, has_generated
        from airflow_provider_j2v.movies.document import compose, read_movie

        document = compose(read_movie(movie))
        saved = self._template(document, template, needed=True)
        reading = self.reading(catalog, needed=has_generated(document, saved))
        return explain(
            document,
            providers=self._providers(connections),
            lookup=connection_id_of,
            describe=destination_of,
            catalog=reading.catalog if reading else None,
            template=saved,
        )

    def _providers(self, connections: Mapping[str, str] | None) -> dict[str, str]:
        from airflow_provider_j2v.api.account import provider_map

        return {**self.account.connections, **provider_map(connections, "connections of the task")}

    def reading(self, catalog: Any, *, needed: bool) -> Reading | None:
        """The catalog that a task was given, or the best to be had if it is needed.

        :param catalog: a ``Reading``, or one from XCom (dict), or None.
        :raises ConfigurationError: it is something else.
        """
        from airflow_provider_j2v.catalog.source import Reading

        reading = catalog if isinstance(catalog, Reading) else Reading.from_dict(catalog)
        if catalog and reading is None:
            raise ConfigurationError(
                f"catalog must be what a JSON2VideoRefreshCatalogOperator gave, not {catalog!r:.80}. Nothing was sent."
            )
        return self.get_catalog() if reading is None and needed else reading

    def _template(
        self, movie: Mapping[str, Any], template: Mapping[str, Any] | None, *, needed: bool
    ) -> Mapping[str, Any] | None:
        if template is None and needed and movie.get("template"):
            return self.cached_template(movie["template"]).movie
        return template


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
    connection, extra = _looked_up(conn_id)
    if connection.conn_type != JSON2VideoConnectionHook.conn_type:
        raise UnresolvedConnection(
            f"Airflow connection {conn_id!r} is of type {connection.conn_type!r}, not "
            f"{JSON2VideoConnectionHook.conn_type!r}. Create one of that type whose login is the id of the JSON2Video "
            "Connection."
        )
    login, managed = (connection.login or "").strip(), _says(extra, "managed")
    if managed == bool(login):
        raise UnresolvedConnection(
            f"Airflow connection {conn_id!r} must have either the id of a JSON2Video Connection as login, or extra "
            '{"managed": true} for JSON2Video\'s managed service.'
        )
    return login or None


def destination_of(conn_id: str) -> dict[str, Any]:
    """What an Airflow Connection puts into a destination of ``exports``: an id, or host and credentials.

    Credentials are those of a connection of type ``sftp`` or ``ftp`` whose extra says ``json2video_inline``; the
    password is masked in the logs of this task from here on.

    :raises UnresolvedConnection: there is no such Airflow Connection, or it cannot be a destination.
    """
    connection, extra = _looked_up(conn_id)
    kind = connection.conn_type
    if kind not in _PORTS:
        if (target := connection_id_of(conn_id)) is None:
            raise UnresolvedConnection(f"a destination cannot be the managed service, as {conn_id!r} is.")
        return {"id": target}
    instead = (
        f"Save these credentials at {_DASHBOARD} and refer to an Airflow connection of type "
        f"{JSON2VideoConnectionHook.conn_type!r} with their id as login"
    )
    what = f"Airflow connection {conn_id!r} of type {kind!r}"
    if not _says(extra, "json2video_inline"):
        raise UnresolvedConnection(
            f"{what} would put its password into the movie, which JSON2Video keeps readable to every API key of the "
            f'account. {instead}; or allow it with extra {{"json2video_inline": true}}.'
        )
    if keys := [name for name in ("private_key", "key_file") if extra.get(name)]:
        raise UnresolvedConnection(
            f"{what} logs in with a key ({keys[0]}), and a movie can only carry a password. {instead}."
        )
    fields = {"host": connection.host, "login": connection.login, "password": connection.password}
    if missing := [name for name, value in fields.items() if not value]:
        raise UnresolvedConnection(f"{what} has no {' and no '.join(missing)}, which an inline destination needs.")
    _mask(connection.password)
    return {
        "type": kind,
        "host": connection.host,
        "port": connection.port or _PORTS[kind],
        "username": connection.login,
        "password": connection.password,
    }


def airflow_connection(conn_id: str, kind: str) -> Connection:
    """An Airflow Connection.

    :raises ConfigurationError: there is none of that id; it says to create one of type ``kind``.
    """
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise no_such(conn_id, kind) from None


def no_such(conn_id: str, kind: str) -> ConfigurationError:
    """The error for a conn id that Airflow does not know."""
    return ConfigurationError(f"There is no Airflow connection {conn_id!r}: create one of type {kind!r}.")


def extra_of(connection: Connection) -> Mapping[str, Any]:
    """The Extra of an Airflow Connection.

    :raises ConfigurationError: it is not a JSON object.
    """
    # Not extra_dejson: it asks the supervisor to mask, which blocks in an event loop before Airflow 3.3.2.
    try:
        extra = json.loads(connection.extra or "{}")
    except ValueError as e:
        raise ConfigurationError(f"The Extra of Airflow connection {connection.conn_id!r} is not JSON: {e}.") from None
    if not isinstance(extra, dict):
        raise ConfigurationError(f"The Extra of Airflow connection {connection.conn_id!r} must be a JSON object.")
    return extra


def _looked_up(conn_id: str) -> tuple[Connection, Mapping[str, Any]]:
    try:
        connection = airflow_connection(conn_id, JSON2VideoConnectionHook.conn_type)
        return connection, extra_of(connection)
    except ConfigurationError as e:
        raise UnresolvedConnection(str(e)) from None


def _says(extra: Mapping[str, Any], name: str) -> bool:
    """Whether an extra says yes; in a connection URI it can only be text."""
    return str(extra.get(name)).lower() == "true"


def _mask(secret: str | None) -> None:
    """Have Airflow mask a secret in logs, also in the spelling that JSON gives it."""
    from airflow.providers.common.compat.sdk import mask_secret

    for spelling in {str(secret), json.dumps(secret)[1:-1]}:
        mask_secret(spelling)
