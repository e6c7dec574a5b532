"""Rendering a movie as a task."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import BaseOperator, conf

from airflow_provider_j2v.exceptions import ApiError, ConfigurationError, InvalidMovie, JSON2VideoError, RenderFailed
from airflow_provider_j2v.hooks.errors import final_errors
from airflow_provider_j2v.hooks.json2video import LONGEST, MIN_INTERVAL, JSON2VideoHook
from airflow_provider_j2v.links.movie import LINKS, push_links
from airflow_provider_j2v.triggers.movie import JSON2VideoMovieTrigger

if TYPE_CHECKING:
    import jinja2
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_j2v.renders.polling import Outcome
    from airflow_provider_j2v.renders.submit import Order, Placed

#: A movie file is read up to here (bytes); the service takes about 2 MB.
MAX_FILE = 8 * 1024 * 1024


class JSON2VideoRenderMovieOperator(BaseOperator):
    """Render one movie: one task, one movie, one charge.

    The project is written down before anything else happens to it, so that a retry, a restarted worker or a moved
    trigger waits for the same render instead of paying for another.

    Give exactly one source: ``movie``, ``movie_file`` or ``template_id``.

    Returns (XCom) ``{project, status, url, expires_at (ISO), duration (s), size (bytes), width, height,
    rendering_time (s), credits: {estimated, consumed, remaining}, destination, client_data}``; ``project`` is also
    pushed under its own key right after submission.

    :param movie: the movie: a mapping, JSON text of an object, or another task's output. JSON2Video's own
        ``{{placeholders}}`` in it are left alone unless ``jinja`` is True.
    :param movie_file: path of a movie file: relative to the DAG file's folder, or any object storage URL.
        Its content is data, never a template.
    :param template_id: id of a movie saved at JSON2Video.
    :param variables: values for the movie's or template's placeholders (templated mapping).
    :param overrides: ``resolution``, ``width``, ``height``, ``quality``, ``fps``, ``cache``, ``comment``, laid over it.
    :param client_data: a mapping that the service keeps with the render; the key ``airflow`` is the provider's.
    :param exports: the movie's ``exports`` (list, or one item): where the service itself is to send the file.
    :param connections: AI provider → Airflow conn id of type ``json2video_connection`` (or ``j2v:<id>``).
    :param catalog: the XCom of a ``JSON2VideoRefreshCatalogOperator``; without it one is fetched when needed.
    :param wait_for_completion: False ends the task after submission, with status ``submitted``.
    :param deferrable: wait in the triggerer, without holding a worker (default: Airflow's ``default_deferrable``).
    :param poll_interval: seconds between two polls (default 5, the least the service wants; less only on loopback).
    :param timeout: how long one try waits (seconds or timedelta, default 1800); with ``execution_timeout`` the
        earlier of the two counts.
    :param fail_on_render_error: False returns a failed render as data, ``status`` ``error`` with a ``message``.
    :param jinja: True lets Airflow's Jinja render the strings in ``movie`` as well.
    :param json2video_conn_id: Airflow conn id of the account (default ``json2video_default``).
    """

    template_fields: Sequence[str] = (
        "movie",
        "movie_file",
        "template_id",
        "variables",
        "overrides",
        "client_data",
        "exports",
        "connections",
        "catalog",
        "json2video_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "movie": "json",
        "variables": "json",
        "overrides": "json",
        "client_data": "json",
        "exports": "json",
        "connections": "json",
        "catalog": "json",
    }
    operator_extra_links = LINKS
    ui_color = "#d9d2f7"

    def __init__(
        self,
        *,
        movie: Any = None,
        movie_file: str | os.PathLike[str] | None = None,
        template_id: str | None = None,
        variables: Mapping[str, Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
        client_data: Mapping[str, Any] | None = None,
        exports: Any = None,
        connections: Mapping[str, str] | None = None,
        catalog: Any = None,
        wait_for_completion: bool = True,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = MIN_INTERVAL,
        timeout: float | timedelta = 1800,
        fail_on_render_error: bool = True,
        jinja: bool = False,
        json2video_conn_id: str = JSON2VideoHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.movie = movie
        self.movie_file = movie_file
        self.template_id = template_id
        self.variables = variables
        self.overrides = overrides
        self.client_data = client_data
        self.exports = exports
        self.connections = connections
        self.catalog = catalog
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.fail_on_render_error = fail_on_render_error
        self.jinja = jinja
        self.json2video_conn_id = json2video_conn_id
        # What the links and on_kill need; set when a render is known.
        self.project: str | None = None
        self.video_url: str | None = None
        self.dashboard_url: str | None = None

    # Templating: JSON2Video's placeholders look like Jinja.

    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: jinja2.Environment,
        seen_oids: set[int],
    ) -> None:
        if parent is self and not self.jinja:
            template_fields = [name for name in template_fields if name != "movie"]
            self.movie = _resolved(self.movie, context)
        super()._do_render_template_fields(
            parent=parent,
            template_fields=template_fields,
            context=context,
            jinja_env=jinja_env,
            seen_oids=seen_oids,
        )

    # The two halves of a render, before and after the wait.

    def execute(self, context: Context) -> dict[str, Any]:
        """Submit the movie, or re-attach to the render of an earlier try, and wait for it."""
        from airflow_provider_j2v.operators.ledger import ledger_of
        from airflow_provider_j2v.renders.result import small
        from airflow_provider_j2v.renders.submit import Submitter, open_ledger

        began = time.time()
        ti = context["ti"]
        with final_errors():
            deadline = began + self._patience()
            ledger = ledger_of(context)
            open_ledger(ledger, first_try=ti.try_number == 1, max_tries=ti.max_tries, retries=self.retries or 0)
            hook = JSON2VideoHook(self.json2video_conn_id)
            self.dashboard_url = hook.dashboard_url
            hook.check_interval(self.poll_interval, "poll_interval")
            order = self._order(context, hook)
            placed = Submitter(hook.client, ledger).place(order)
            self.project = placed.project
            ti.xcom_push(key="project", value=placed.project)
            push_links(self, ti)
            if not self.wait_for_completion:
                return {"project": placed.project, "status": "submitted", "client_data": small(self.client_data)}
            return self._wait(context, hook, placed, deadline)

    def execute_complete(
        self, context: Context, event: Mapping[str, Any] | None = None, project: str | None = None
    ) -> dict[str, Any]:
        """Take the render up again after the wait. The event is a hint: the service has the last word."""
        from airflow_provider_j2v.api.calls import get_movie
        from airflow_provider_j2v.renders.polling import settle

        with final_errors():
            project = project or str((event or {}).get("project"))  # dag.test() drops the arguments of a deferral
            hook = JSON2VideoHook(self.json2video_conn_id)
            self.project, self.dashboard_url = project, hook.dashboard_url
            outcome = settle(project, hook.send(get_movie(project)), event)
            return self._finish(context, outcome)

    def on_kill(self) -> None:
        """The service has no cancel: say what goes on. Looks nothing up: that would hang in a dying worker."""
        if self.project:
            self.log.warning(
                "Project %s goes on at JSON2Video and is charged if it finishes: the service has no cancel. A new try "
                "of this task re-attaches to it.",
                self.project,
            )

    def _wait(self, context: Context, hook: JSON2VideoHook, placed: Placed, deadline: float) -> dict[str, Any]:
        from airflow_provider_j2v.api.calls import get_movie
        from airflow_provider_j2v.renders.polling import Polling
        from airflow_provider_j2v.renders.waiting import wait

        now = time.time()
        polling = Polling(placed.project, deadline=deadline, interval=self.poll_interval, now=now)
        outcome = None
        if placed.how != "submitted":  # it may have ended while nobody looked
            try:
                outcome = polling.see(hook.send(get_movie(placed.project)), now)
            except ApiError as e:
                outcome = polling.see(e, now)
        if outcome is None and self.deferrable:
            self.defer(
                trigger=JSON2VideoMovieTrigger(
                    json2video_conn_id=self.json2video_conn_id,
                    project=placed.project,
                    deadline=deadline,
                    poll_interval=self.poll_interval,
                ),
                method_name="execute_complete",
                kwargs={"project": placed.project},
                # Later than our own deadline, so that the clean event wins.
                timeout=timedelta(seconds=max(deadline - now, 0) + self.poll_interval + 60),
            )
        return self._finish(context, outcome or wait(hook.client, polling))

    def _finish(self, context: Context, outcome: Outcome) -> dict[str, Any]:
        from airflow_provider_j2v.operators.ledger import ledger_of
        from airflow_provider_j2v.renders.result import result_of
        from airflow_provider_j2v.renders.submit import close_ledger

        outcome.raise_for_status()
        tries = {"max_tries": context["ti"].max_tries, "retries": self.retries or 0}
        close_ledger(ledger_of(context), outcome.project, "done" if outcome.status == "done" else "error", **tries)
        if outcome.status == "error":
            error = RenderFailed(outcome.project, outcome.message, self._failing_element(context, outcome.message))
            if self.fail_on_render_error:
                raise error
            self.log.warning("%s", error)
        result = result_of(outcome)
        self.video_url = result["url"]
        if outcome.status == "done":
            self.log.info(
                "Project %s is done: %s s, %s x %s, %s bytes: %s",
                *(result[name] for name in ("project", "duration", "width", "height", "size", "url")),
            )
        return result

    # What is asked for.

    def _order(self, context: Context, hook: JSON2VideoHook) -> Order:
        from airflow_provider_j2v.movies.document import check_movie
        from airflow_provider_j2v.renders.identity import Identity, fingerprint
        from airflow_provider_j2v.renders.submit import Order

        ti = context["ti"]
        movie = self._composed(context)
        check_movie(movie)
        map_index = -1 if ti.map_index is None else ti.map_index
        namespace = hook.account.namespace or conf.get("api", "base_url", fallback=None) or None
        return Order(
            movie=hook.resolve_connections(movie, self.connections, self.catalog),
            identity=Identity(namespace, ti.dag_id, ti.run_id, ti.task_id, map_index),
            fingerprint=fingerprint(
                movie={name: value for name, value in movie.items() if name != "client-data"},
                connections=self.connections or {},
                conn_id=self.json2video_conn_id,
            ),
            max_tries=ti.max_tries,
            retries=self.retries or 0,
            first_try=ti.try_number == 1,
            run_after=context["dag_run"].run_after,
            waits=self.wait_for_completion,
        )

    def _composed(self, context: Context) -> dict[str, Any]:
        from airflow_provider_j2v.movies.document import compose, read_movie

        sources = {"movie": self.movie, "movie_file": self.movie_file, "template_id": self.template_id}
        given = [name for name, value in sources.items() if value is not None]
        if len(given) != 1:
            what = f"{' and '.join(given)} are given" if given else "none is given"
            raise InvalidMovie(f"Give exactly one of movie, movie_file and template_id: {what}. Nothing was sent.")
        movie = None
        if self.movie_file is not None and not isinstance(self.movie_file, str | os.PathLike):
            raise InvalidMovie(f"movie_file must be a path, not {self.movie_file!r:.80}. Nothing was sent.")
        if self.movie_file is not None:
            movie = read_movie(_read_file(self.movie_file, context), f"movie_file {self.movie_file!r}")
        elif self.movie is not None:
            movie = read_movie(self.movie)
        return compose(
            movie,
            template_id=self.template_id,
            variables=self.variables,
            overrides=self.overrides,
            client_data=self.client_data,
            exports=self.exports,
        )

    def _failing_element(self, context: Context, message: str) -> str | None:
        from airflow_provider_j2v.movies.failure import failing_element

        try:
            return failing_element(message, self._composed(context))
        except JSON2VideoError:  # the file has gone meanwhile: the service's reason stands alone
            return None

    def _patience(self) -> float:
        """Seconds that this try may wait."""
        try:
            seconds = [_seconds(self.timeout)]
        except (TypeError, ValueError):
            seconds = [math.nan]
        if not 0 < seconds[0] <= LONGEST:
            raise ConfigurationError(
                f"timeout must be seconds above 0, or a timedelta, of at most a year, not {self.timeout!r}. "
                "Nothing was sent."
            )
        if self.execution_timeout is not None:
            seconds.append(self.execution_timeout.total_seconds())
        return min(seconds)


def _seconds(value: float | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def _resolved(value: Any, context: Context) -> Any:
    """The value with other tasks' outputs put in and every string as it is."""
    if isinstance(value, Mapping):
        return {key: _resolved(item, context) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_resolved(item, context) for item in value]
    resolve = getattr(value, "resolve", None)
    if not callable(resolve) or isinstance(value, os.PathLike):
        return value
    resolved = resolve(context)
    # What a mapped task returned comes as a lazy sequence.
    return list(resolved) if isinstance(resolved, Sequence) and not isinstance(resolved, str | bytes) else resolved


def _read_file(movie_file: str | os.PathLike[str], context: Context) -> bytes:
    """The bytes of a movie file: beside the DAG file, or on object storage."""
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    path = os.fspath(movie_file)
    if "://" not in path:
        path = str(Path(context["dag"].folder, path))
    try:
        with ObjectStoragePath(path).open("rb") as file:  # type: ignore[no-untyped-call]
            content: bytes = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        raise InvalidMovie(f"There is no movie file at {path!r}. Nothing was sent.") from None
    except (OSError, ValueError, ImportError) as e:
        raise InvalidMovie(f"The movie file {path!r} cannot be read: {e}. Nothing was sent.") from None
    if len(content) > MAX_FILE:
        raise InvalidMovie(f"The movie file {path!r} is larger than {MAX_FILE / 1e6:.0f} MB. Nothing was sent.")
    return content
