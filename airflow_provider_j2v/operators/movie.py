"""Rendering a movie as a task."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import conf

from airflow_provider_j2v.exceptions import ApiError, ConfigurationError, MovieError, RenderFailed
from airflow_provider_j2v.hooks.errors import final_errors
from airflow_provider_j2v.hooks.json2video import MIN_INTERVAL, JSON2VideoHook
from airflow_provider_j2v.hooks.metrics import count_failed_poll, count_render
from airflow_provider_j2v.links.movie import LINKS, push_links
from airflow_provider_j2v.operators.batch import JSON2VideoRenderMoviesOperator
from airflow_provider_j2v.operators.destination import check_destination, check_mapped
from airflow_provider_j2v.operators.download import (
    JSON2VideoDeleteMovieOperator,
    JSON2VideoDownloadMovieOperator,
    bring_home,
)
from airflow_provider_j2v.operators.lineage import lineage_of, product_of, sources_of
from airflow_provider_j2v.operators.outlets import movie_facts, tell_outlets
from airflow_provider_j2v.operators.rendering import RendersMovies
from airflow_provider_j2v.triggers.movie import JSON2VideoMovieTrigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_j2v.operators.preflight import Level
    from airflow_provider_j2v.renders.ledger import Ledger
    from airflow_provider_j2v.renders.polling import Outcome
    from airflow_provider_j2v.renders.submit import Order, Placed, Prepared

__all__ = [
    "JSON2VideoDeleteMovieOperator",
    "JSON2VideoDownloadMovieOperator",
    "JSON2VideoRenderMovieOperator",
    "JSON2VideoRenderMoviesOperator",
]


class JSON2VideoRenderMovieOperator(RendersMovies):
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
    :param preflight: what becomes of mistakes found in the movie before it is sent: ``"error"`` (default) fails the
        task, ``"warn"`` only logs them, ``"off"`` looks for none.
    :param max_credits: fails the task before anything is paid when the upper end of the estimate is above it (float,
        credits); None (default) allows anything. What the estimate cannot know is named and not counted.
    :param check_quota: True fails the task before anything is paid when the account has fewer credits left than that.
    :param expected_duration: seconds, for a movie whose length only its media or voices decide.
    :param connections: AI provider → Airflow conn id of type ``json2video_connection`` (or ``j2v:<id>``).
    :param catalog: the XCom of a ``JSON2VideoRefreshCatalogOperator``; without it one is fetched when needed.
    :param wait_for_completion: False ends the task after submission, with status ``submitted``.
    :param deferrable: wait in the triggerer, without holding a worker (default: Airflow's ``default_deferrable``).
    :param poll_interval: seconds between two polls (default 5, the least the service wants; less only on loopback).
    :param timeout: how long one try waits (seconds or timedelta, default 1800); with ``execution_timeout`` the
        earlier of the two counts.
    :param destination: where the finished file goes (templated): an absolute path, or a URL that
        ``ObjectStoragePath`` knows, such as ``s3://conn_id@bucket/{{ ds }}.mp4``; mapped tasks need one each, such as
        ``…/{{ ti.map_index }}.mp4``. One that cannot be used fails the task before anything is paid for.
    :param overwrite: False (default) leaves a file that is at the destination alone, and fails the task unless it is
        this very movie.
    :param subtitles: True brings the ``.ass`` file of a movie with subtitles too, beside it; its path is returned as
        ``subtitles``.
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
        "max_credits",
        "expected_duration",
        "destination",
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
        preflight: Level = "error",
        max_credits: float | str | None = None,
        check_quota: bool = False,
        expected_duration: float | str | None = None,
        connections: Mapping[str, str] | None = None,
        catalog: Any = None,
        wait_for_completion: bool = True,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = MIN_INTERVAL,
        timeout: float | timedelta = 1800,
        destination: Any = None,
        overwrite: bool = False,
        subtitles: bool = False,
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
        self.preflight = preflight
        self.max_credits = max_credits
        self.check_quota = check_quota
        self.expected_duration = expected_duration
        self.connections = connections
        self.catalog = catalog
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.destination = destination
        self.overwrite = overwrite
        self.subtitles = subtitles
        self.fail_on_render_error = fail_on_render_error
        self.jinja = jinja
        self.json2video_conn_id = json2video_conn_id
        # What the links and on_kill need; set when a render is known.
        self.project: str | None = None
        self.video_url: str | None = None
        self.dashboard_url: str | None = None
        # What lineage tells.
        self.base_url: str | None = None
        self.result: dict[str, Any] = {}

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
            self._check_destination()
            ledger = ledger_of(context)
            open_ledger(ledger, first_try=ti.try_number <= 1, max_tries=ti.max_tries, retries=self.retries or 0)
            hook = JSON2VideoHook(self.json2video_conn_id)
            self.base_url, self.dashboard_url = hook.account.base_url, hook.dashboard_url
            hook.check_interval(self.poll_interval, "poll_interval")
            order = self._order(context, hook, ledger)
            placed = Submitter(hook.client, ledger).place(order)
            self.project = placed.project
            ti.xcom_push(key="project", value=placed.project)
            push_links(self, ti)
            if not self.wait_for_completion:
                self.result = {
                    "project": placed.project,
                    "status": "submitted",
                    "client_data": small(self.client_data),
                }
                tell_outlets(self, context, movie_facts(self.result))
                return self.result
            return self._wait(context, hook, placed, deadline)

    def execute_complete(
        self,
        context: Context,
        event: Mapping[str, Any] | None = None,
        project: str | None = None,
        estimated: Sequence[float] | None = None,
    ) -> dict[str, Any]:
        """Take the render up again after the wait. The event is a hint: the service has the last word."""
        from airflow_provider_j2v.api.calls import get_movie
        from airflow_provider_j2v.renders.polling import settle

        with final_errors():
            project = project or str((event or {}).get("project"))  # dag.test() drops the arguments of a deferral
            hook = JSON2VideoHook(self.json2video_conn_id)
            self.project, self.base_url, self.dashboard_url = project, hook.account.base_url, hook.dashboard_url
            outcome = settle(project, hook.send(get_movie(project)), event)
            return self._finish(context, hook, outcome, estimated)

    def on_kill(self) -> None:
        """The service has no cancel: say what goes on. Looks nothing up: that would hang in a dying worker."""
        if self.video_url:
            self.log.warning("Project %s is rendered and paid for. A new try brings its file home.", self.project)
        elif self.project:
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
                kwargs={"project": placed.project, "estimated": placed.estimated and list(placed.estimated)},
                # Later than our own deadline, so that the clean event wins.
                timeout=timedelta(seconds=max(deadline - now, 0) + self.poll_interval + 60),
            )
        outcome = outcome or wait(hook.client, polling, on_error=count_failed_poll)
        return self._finish(context, hook, outcome, placed.estimated)

    def _finish(
        self, context: Context, hook: JSON2VideoHook, outcome: Outcome, estimated: Sequence[float] | None
    ) -> dict[str, Any]:
        from airflow_provider_j2v.operators.ledger import ledger_of
        from airflow_provider_j2v.renders.result import bill_of, result_of
        from airflow_provider_j2v.renders.submit import close_ledger

        ti = context["ti"]
        if outcome.status not in ("done", "error"):
            count_render(ti, outcome)
        outcome.raise_for_status()
        home = self._bring_home(hook, outcome)
        tries = {"max_tries": ti.max_tries, "retries": self.retries or 0}
        close_ledger(ledger_of(context), outcome.project, "done" if outcome.status == "done" else "error", **tries)
        count_render(ti, outcome)
        if outcome.status == "error":
            error = RenderFailed(outcome.project, outcome.message, self._failing_element(outcome.message))
            if self.fail_on_render_error:
                raise error
            self.log.warning("%s", "\n".join(error.lines))
        result = self.result = result_of(outcome, estimated) | home
        self.video_url = result["url"]
        if outcome.status == "done":
            self.log.info(
                "Project %s is done: %s s, %s x %s, %s bytes: %s",
                *(result[name] for name in ("project", "duration", "width", "height", "size", "url")),
            )
        self.log.info("%s", bill_of(result["credits"]))
        tell_outlets(self, context, movie_facts(result), file=result["destination"])
        return result

    def _bring_home(self, hook: JSON2VideoHook, outcome: Outcome) -> dict[str, str | None]:
        """Before the ledger is closed: until then a retry, or a clear, brings the same render home and pays nothing.

        Below Airflow 3.3 there is no ledger, and a clear renders anew.
        """
        if self.destination is None or outcome.status != "done" or outcome.movie is None:
            return {}
        self.video_url = outcome.movie.url
        options = {"overwrite": self.overwrite, "subtitles": self.subtitles}
        return bring_home(hook, outcome.project, outcome.movie, self.destination, **options)

    def get_openlineage_facets_on_complete(self, ti: Any) -> Any:
        """What the render read and made, for OpenLineage."""
        if not self.base_url or not self.result:
            return None
        made = product_of(self.result, self.base_url)
        return lineage_of(sources_of(self, self.base_url), [made], self.project, self.base_url)

    # What is asked for.

    def _checks(self, hook: JSON2VideoHook | None) -> Iterator[Callable[[], object]]:
        yield from super()._checks(hook)
        yield self._check_destination
        if self.destination is not None:
            yield lambda: check_destination(self.destination, overwrite=self.overwrite, subtitles=self.subtitles)

    def _check_destination(self) -> None:
        if self.subtitles and self.destination is None:
            raise ConfigurationError("subtitles=True needs a destination. Nothing was sent.")
        if self.destination is not None and not self.wait_for_completion:
            raise ConfigurationError(
                "A destination needs wait_for_completion=True: who only submits has no file yet, and takes a "
                "JSON2VideoDownloadMovieOperator later. Nothing was sent."
            )

    def _input(self, ti: Any, ledger: Ledger) -> tuple[Callable[[], dict[str, Any]], str]:
        """The document and its fingerprint. One that is gone on a later try counts as unchanged: a render that was paid
        for is waited for, and only a new one is refused.
        """
        from airflow_provider_j2v.movies.document import check_movie

        try:
            movie = self._composed()
            check_movie(movie)
        except MovieError as e:
            if ti.try_number <= 1:  # 0 in airflow tasks test
                raise
            error = e
        else:
            return lambda: movie, self._fingerprint(movie)
        self.log.warning("%s The render of an earlier try is waited for, if there is one.", error)

        def refuse() -> dict[str, Any]:
            raise error

        entry = ledger.read()
        return refuse, entry.fingerprint if entry else ""

    def _order(self, context: Context, hook: JSON2VideoHook, ledger: Ledger) -> Order:
        from airflow_provider_j2v.renders.submit import Order, Prepared

        ti = context["ti"]
        movie, fingerprint = self._input(ti, ledger)

        def prepare() -> Prepared:
            if self.destination is not None:
                check_mapped(self, ti.map_index)
                check_destination(self.destination, overwrite=self.overwrite, subtitles=self.subtitles)
            examined = self._preflight(hook).pass_one(movie())
            expected = examined.estimate
            return Prepared(examined.resolution.movie, (expected.low, expected.high) if expected else None)

        return Order(
            prepare=prepare,
            identity=self._identity(hook, ti),
            fingerprint=fingerprint,
            max_tries=ti.max_tries,
            retries=self.retries or 0,
            first_try=ti.try_number <= 1,
            run_after=context["dag_run"].run_after,
            waits=self.wait_for_completion,
        )
