"""Rendering many rows in one task."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowFailException, conf

from airflow_provider_j2v.exceptions import (
    AuthenticationError,
    ConfigurationError,
    JSON2VideoError,
    RenderTimeout,
    ServerError,
    SubmitAmbiguous,
)
from airflow_provider_j2v.hooks.errors import final_errors
from airflow_provider_j2v.hooks.json2video import MIN_INTERVAL, JSON2VideoHook
from airflow_provider_j2v.hooks.metrics import count_render
from airflow_provider_j2v.links.movie import JSON2VideoDashboardLink
from airflow_provider_j2v.operators.homes import Homes
from airflow_provider_j2v.operators.items import file_of, is_path, named
from airflow_provider_j2v.operators.lineage import Place, lineage_of, sources_of
from airflow_provider_j2v.operators.manifest import Manifest
from airflow_provider_j2v.operators.outlets import tell_outlets
from airflow_provider_j2v.operators.rows import RendersRows
from airflow_provider_j2v.triggers.movie import JSON2VideoMoviesTrigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_j2v.api.answers import MovieStatus
    from airflow_provider_j2v.operators.preflight import Level
    from airflow_provider_j2v.renders.batch import Batch, BatchOrder
    from airflow_provider_j2v.renders.rows import Row
    from airflow_provider_j2v.renders.tolerance import Tolerance

#: So many failed rows are named in the error; the manifest has all.
SHOWN = 5
#: The worker is not woken to submit fewer rows than this, nor than half of those that may be in flight.
PORTION = 16
#: So many files are told one by one to OpenLineage; of more, the manifest alone tells.
TOLD = 200


class JSON2VideoRenderMoviesOperator(RendersRows):
    """Render many rows in one task: one row, one movie, one charge.

    Every row is written down before it is asked for, so that a retry, a restarted worker or a moved trigger waits for
    the same renders instead of paying for others. A row that ended in an error is final until a person clears the
    task; a clear pays only for rows that are new, failed, changed or gone. The rows are those of the first try: a file
    that changes in between does not mix two batches. (Below Airflow 3.3 there is no place to keep them: each resume
    reads the items again, and finds its renders at the service.)

    Give one source for all rows, ``movie``, ``movie_file`` or ``template_id``, whose variables each row gives; or
    none, with rows ``{"movie": {...}, ...}``.

    Returns (XCom) ``{total, done, failed, skipped, credits: {estimated: [low, high], charged}, manifest}``.

    :param items: the rows: a list of mappings, another task's output, or the path of a ``.jsonl``, ``.json`` (a list)
        or ``.csv`` file: relative to the DAG file's folder, or any object storage URL (templated). Strings in a list
        are data, never templates, unless ``jinja`` is True.
    :param key: the field that names a row across tries and clears (templated); default is its place among the items.
    :param movie: the movie of all rows: a mapping, JSON text of an object, or another task's output. JSON2Video's own
        ``{{placeholders}}`` in it are left alone unless ``jinja`` is True.
    :param movie_file: path of a movie file: relative to the DAG file's folder, or any object storage URL.
    :param template_id: id of a movie saved at JSON2Video.
    :param variables: values that all rows share (templated mapping); those of a row lie over them.
    :param overrides: ``resolution``, ``width``, ``height``, ``quality``, ``fps``, ``cache``, ``comment``, laid over
        each.
    :param client_data: a mapping that the service keeps with each render; the key ``airflow`` is the provider's.
    :param exports: the ``exports`` of each movie (list, or one item): where the service itself is to send the files.
    :param max_in_flight: so many rows render at once (int, default 50).
    :param on_failure: what failed rows do to the task when all rows have ended. ``"fail"`` (default) fails it if there
        is one, ``"continue"`` never; ``"5%"`` or ``10`` fails it when more than that failed, and submits no more rows
        as soon as that is so.
    :param destination: where the finished files go (templated): a path or URL that names fields of a row, ``index`` or
        ``project`` in single braces, such as ``s3://conn_id@bucket/{{ ds }}/{slug}.mp4``.
    :param overwrite: False (default) leaves files that are at their destinations alone, and fails the task before
        anything is paid for.
    :param manifest: a JSONL file with a line for each row (templated path or URL), rewritten as a whole whenever the
        worker wakes, and when the task fails: ``{key, project, status, url, file, duration, size, credits, error}``.
    :param preflight: what becomes of mistakes found in any row before the first is sent: ``"error"`` (default) fails
        the task, ``"warn"`` only logs them, ``"off"`` looks for none.
    :param max_credits: fails the task before anything is paid when the upper end of the estimate of all rows that are
        still to be paid for is above it (float, credits); None (default) allows anything.
    :param check_quota: True (default) fails the task before anything is paid when the account has fewer credits left
        than that.
    :param expected_duration: seconds, for movies whose length only their media or voices decide.
    :param connections: AI provider → Airflow conn id of type ``json2video_connection`` (or ``j2v:<id>``).
    :param catalog: the XCom of a ``JSON2VideoRefreshCatalogOperator``; without it one is fetched when needed.
    :param deferrable: wait in the triggerer, without holding a worker (default: Airflow's ``default_deferrable``).
    :param poll_interval: seconds between two looks (default 5, the least the service wants; less only on loopback).
    :param timeout: how long one try may take (seconds or timedelta, default 6 hours); with ``execution_timeout`` the
        earlier of the two counts.
    :param jinja: True lets Airflow's Jinja render the strings in ``movie`` and in a list of ``items`` as well.
    :param json2video_conn_id: Airflow conn id of the account (default ``json2video_default``).
    """

    template_fields: Sequence[str] = (
        "items",
        "key",
        "movie",
        "movie_file",
        "template_id",
        "variables",
        "overrides",
        "client_data",
        "exports",
        "destination",
        "manifest",
        "connections",
        "catalog",
        "max_credits",
        "expected_duration",
        "json2video_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = dict.fromkeys(
        ("items", "movie", "variables", "overrides", "client_data", "exports", "connections", "catalog"), "json"
    )
    operator_extra_links = (JSON2VideoDashboardLink(),)
    ui_color = "#d9d2f7"

    def __init__(
        self,
        *,
        items: Any,
        key: str | None = None,
        movie: Any = None,
        movie_file: str | os.PathLike[str] | None = None,
        template_id: str | None = None,
        variables: Mapping[str, Any] | None = None,
        overrides: Mapping[str, Any] | None = None,
        client_data: Mapping[str, Any] | None = None,
        exports: Any = None,
        max_in_flight: int = 50,
        on_failure: str | int = "fail",
        destination: Any = None,
        overwrite: bool = False,
        manifest: Any = None,
        preflight: Level = "error",
        max_credits: float | str | None = None,
        check_quota: bool = True,
        expected_duration: float | str | None = None,
        connections: Mapping[str, str] | None = None,
        catalog: Any = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = MIN_INTERVAL,
        timeout: float | timedelta = 6 * 3600,
        jinja: bool = False,
        json2video_conn_id: str = JSON2VideoHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.items = items
        self.key = key
        self.movie = movie
        self.movie_file = movie_file
        self.template_id = template_id
        self.variables = variables
        self.overrides = overrides
        self.client_data = client_data
        self.exports = exports
        self.max_in_flight = max_in_flight
        self.on_failure = on_failure
        self.destination = destination
        self.overwrite = overwrite
        self.manifest = manifest
        self.preflight = preflight
        self.max_credits = max_credits
        self.check_quota = check_quota
        self.expected_duration = expected_duration
        self.connections = connections
        self.catalog = catalog
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.jinja = jinja
        self.json2video_conn_id = json2video_conn_id
        # What the link, on_kill and lineage need; set when it is known.
        self.dashboard_url: str | None = None
        self.rendering = 0
        self.base_url: str | None = None
        self.products: list[Place] | None = None

    # Before and after each wait.

    def execute(self, context: Context) -> dict[str, Any]:
        """Begin the batch, or take it up where an earlier try left it, and see it to its end."""
        began = time.time()
        with final_errors():
            deadline = began + self._patience()
            hook = self._hook()
            for check in self._checks(hook):
                check()
            self._manifest.check_mapped(self, context["ti"].map_index)
            for link in self.operator_extra_links:
                context["ti"].xcom_push(key=link.xcom_key, value=self.dashboard_url)
            batch = self._batch(context, hook)
            with self._manifest.kept(batch):
                batch.open()
                return self._go_on(context, hook, batch, deadline)

    def execute_complete(
        self,
        context: Context,
        event: Mapping[str, Any] | None = None,
        deadline: float | None = None,
        last_post: float | None = None,
        refused: str | None = None,
    ) -> dict[str, Any]:
        """Take the batch up after a wait. The event is a hint: the service has the last word."""
        with final_errors():
            deadline = deadline or time.time() + self._patience()  # dag.test() drops the arguments of a deferral
            hook = self._hook()
            batch = self._batch(context, hook)
            with self._manifest.kept(batch):
                batch.resume(last_post, refused)
                self._take(batch, event, deadline)
                return self._go_on(context, hook, batch, deadline)

    def on_kill(self) -> None:
        """The service has no cancel: say what goes on. Looks nothing up: that would hang in a dying worker."""
        if self.rendering:
            self.log.warning(
                "About %d renders go on at JSON2Video and are charged if they finish: the service has no cancel. A new "
                "try of this task re-attaches to them.",
                self.rendering,
            )

    def dry_run(self) -> None:
        """Log what a run would send and why it would be refused: mistakes, who pays for what, the estimate, the budget.

        Spends nothing. What only a run fills in, Jinja and the outputs of other tasks, is named and left out.
        """
        from airflow_provider_j2v.operators.dry_run import rehearse_rows

        rehearse_rows(self, shown=SHOWN)

    def _go_on(self, context: Context, hook: JSON2VideoHook, batch: Batch, deadline: float) -> dict[str, Any]:
        from airflow_provider_j2v.renders.manifest import progress

        while True:
            batch.spender.go_on(self.max_in_flight, lambda: time.time() < deadline and not self._gives_up(batch))
            self.rendering = len(batch.in_flight)
            if self._homes:
                self._homes.bring(hook, batch.book, context["ti"].try_number, batch.ends)
            self.log.info("Rows: %s.", progress(batch.book, datetime.now(UTC)))
            self._manifest.write(batch)
            if not batch.in_flight:
                return self._finish(context, batch)
            self._take(batch, self._wait(batch, deadline), deadline)

    def _wait(self, batch: Batch, deadline: float) -> Mapping[str, Any]:
        """Defer until it is worth waking up, or wait here for the same."""
        spender, portion = batch.spender, max(PORTION, self.max_in_flight // 2)
        more = 0 if spender.refused or self._gives_up(batch) else len(spender.to_submit)
        trigger = JSON2VideoMoviesTrigger(
            json2video_conn_id=self.json2video_conn_id,
            projects=batch.in_flight,
            deadline=deadline,
            poll_interval=self.poll_interval,
            min_finished=min(more, portion) or (portion if spender.awaited else None),
        )
        if self.deferrable:
            last_post = spender.last_post and spender.last_post.timestamp()
            self.defer(
                trigger=trigger,
                method_name="execute_complete",
                kwargs={"deadline": deadline, "last_post": last_post}
                | ({"refused": str(spender.refused)} if spender.refused else {}),
                # Later than our own deadline, so that the clean event wins.
                timeout=timedelta(seconds=max(deadline - time.time(), 0) + self.poll_interval + 60),
            )
        return asyncio.run(_event_of(trigger))

    def _take(self, batch: Batch, event: Any, deadline: float) -> None:
        """What an event says has ended, as far as the service confirms it.

        :raises RenderTimeout: nothing has, and the time is over.
        :raises ApiError: nothing has: the renders cannot be seen any more.
        """
        from airflow_provider_j2v.api.reply import escape

        outcomes = event.get("outcomes") if isinstance(event, Mapping) else None
        outcomes = outcomes if isinstance(outcomes, Mapping) else {}
        if batch.take(outcomes) or not (left := batch.in_flight):
            return
        if time.time() >= deadline:
            raise self._too_late(batch)
        ends = [end for end in outcomes.values() if isinstance(end, Mapping)]
        words = escape(str(ends[0].get("message"))) if ends else f"a foreign event, {event!r:.200}"
        kind = AuthenticationError if any(end.get("status") == "refused" for end in ends) else ServerError
        raise kind(None, f"The wait for {len(left):,} renders ended early: {words}. A retry waits for them again")

    def _too_late(self, batch: Batch) -> JSON2VideoError:
        left = batch.in_flight
        unsent = f"{len(batch.spender.to_submit):,} rows were not submitted at the deadline"
        if not left:
            return JSON2VideoError(f"{unsent}; a retry of the task submits them.")
        return RenderTimeout(_few(left), f"not finished at the deadline; {unsent}")

    def _finish(self, context: Context, batch: Batch) -> dict[str, Any]:
        """Nothing is rendering any more: the result, or why there is none."""
        from airflow_provider_j2v.renders.manifest import summary

        spender, entries = batch.spender, batch.book.entries
        stopped = self._gives_up(batch)
        if batch.halted is not None and spender.to_submit and not stopped:
            raise batch.halted
        if spender.unclear:
            raise SubmitAmbiguous(
                f"{_few([named(batch.book.rows[i]) for i in spender.unclear])}: sent, and no usable answer came, so "
                "that it may or may not be rendering and charged. The next try looks for it, and sends it again if the "
                "service never took it"
            )
        if spender.to_submit and not stopped:
            raise self._too_late(batch)
        missing = [entry for entry in entries if entry.outcome == "done" and entry.file is None]
        if self.destination is not None and missing:
            raise JSON2VideoError(
                f"{len(missing):,} movies are rendered and paid for, but their files did not get to their "
                f"destinations; a retry brings them and pays nothing. The first: {missing[0].error}"
            )
        batch.book.end()
        manifest = self._manifest.name
        result = summary(entries, manifest)
        if self._tolerance.is_exceeded(batch.failed, len(entries)):
            raise AirflowFailException(self._failure(batch, result["skipped"]))
        facts = {name: value for name, value in result.items() if value is not None}
        tell_outlets(self, context, facts, file=manifest)
        files = [Place.of_file(entry.file, entry.size) for entry in entries if entry.file]
        self.products = [*([Place.of_file(manifest)] if manifest else ()), *(files if len(files) <= TOLD else ())]
        return result

    def _failure(self, batch: Batch, skipped: int) -> str:
        failed = [(row, entry) for row, entry in batch.book.pairs() if entry.outcome in ("error", "refused")]
        some = "; ".join(f"{named(row)}: {entry.error}" for row, entry in failed[:SHOWN])
        more = f"; and {len(failed) - SHOWN:,} more" if failed[SHOWN:] else ""
        unsent = f", {skipped:,} were not submitted" if skipped else ""
        return (
            f"{len(failed):,} of {len(batch.book.rows):,} rows failed{unsent} (on_failure={self.on_failure!r}): "
            f"{some}{more}. Clear the task to render them anew: that pays for nothing that is done and unchanged."
        )

    def get_openlineage_facets_on_complete(self, ti: Any) -> Any:
        """What the batch read and made, for OpenLineage: its manifest and, unless they are very many, its files."""
        if not self.base_url or self.products is None:
            return None
        items = [Place.of_file(file_of(self.items, self._folder))] if is_path(self.items) else []
        return lineage_of([*sources_of(self, self.base_url), *items], self.products, None, self.base_url)

    # What is asked for.

    def _hook(self) -> JSON2VideoHook:
        hook = JSON2VideoHook(self.json2video_conn_id)
        self.base_url, self.dashboard_url = hook.account.base_url, hook.dashboard_url
        return hook

    @property
    def _homes(self) -> Homes | None:
        return None if self.destination is None else Homes(self.destination, overwrite=self.overwrite)

    @property
    def _manifest(self) -> Manifest:
        return Manifest(self.manifest, self._gives_up)

    @property
    def _tolerance(self) -> Tolerance:
        from airflow_provider_j2v.renders.tolerance import Tolerance

        return Tolerance(self.on_failure)

    def _gives_up(self, batch: Batch) -> bool:
        """Whether so many rows have failed that no more are submitted."""
        return self._tolerance.stops(batch.failed, len(batch.book.rows))

    def _checks(self, hook: JSON2VideoHook | None) -> Iterator[Callable[[], object]]:
        yield from super()._checks(hook)
        if self._has_source:
            yield lambda: self._one_of("movie", "movie_file", "template_id")
        yield self._check_most
        yield lambda: self._tolerance
        yield self._manifest.check

    def _check_most(self) -> None:
        most = self.max_in_flight
        if isinstance(most, bool) or not isinstance(most, int) or most < 1:
            raise ConfigurationError(f"max_in_flight must be a number of rows above 0, not {most!r}. Nothing was sent.")

    def _batch(self, context: Context, hook: JSON2VideoHook) -> Batch:
        from airflow_provider_j2v.operators.ledger import documents_of
        from airflow_provider_j2v.renders.batch import Batch
        from airflow_provider_j2v.renders.polling import Outcome

        def on_end(movie: MovieStatus) -> None:
            status: Any = movie.status
            count_render(context["ti"], Outcome(str(movie.project), status, "", movie))

        return Batch(hook.client, documents_of(context), self._order(context, hook), on_end=on_end)

    def _order(self, context: Context, hook: JSON2VideoHook) -> BatchOrder:
        from airflow_provider_j2v.renders.batch import BatchOrder

        ti = context["ti"]
        preflight = self._preflight(hook)
        homes = self._homes

        def check(rows: Sequence[Row], new: Sequence[int]) -> list[tuple[float, float] | None]:
            examined = preflight.pass_many((named(rows[i]), self._movie_of(rows[i])) for i in new)
            if homes:
                homes.check(rows, new)
            return [(one.estimate.low, one.estimate.high) if one.estimate else None for one in examined]

        def prepare(row: Row) -> Mapping[str, Any]:
            return hook.resolution(self._movie_of(row), self.connections, self.catalog, tells=False).movie

        return BatchOrder(
            read=self._rows,
            fingerprint=lambda row: self._mark(self._movie_of(row)),
            check=check,
            prepare=prepare,
            are_home=homes.are_there if homes else lambda pairs: [False] * len(pairs),
            common=lambda: self._mark(self._over(self._source, self.variables)),
            identity=self._identity(hook, ti),
            max_tries=ti.max_tries,
            retries=self.retries or 0,
            first_try=ti.try_number <= 1,
            run_after=context["dag_run"].run_after,
        )


async def _event_of(trigger: JSON2VideoMoviesTrigger) -> Any:
    async for event in trigger.run():
        return event.payload
    return None


def _few(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if names[SHOWN:] else "")
