"""What operators share that pay for renders: the document to send, what is looked at before, and how long they wait."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf

from airflow_provider_j2v.exceptions import ConfigurationError, JSON2VideoError
from airflow_provider_j2v.hooks.json2video import LONGEST, JSON2VideoHook
from airflow_provider_j2v.operators.authoring import AuthoredMovie

if TYPE_CHECKING:
    from airflow_provider_j2v.operators.preflight import Level, Preflight
    from airflow_provider_j2v.renders.identity import Identity


class RendersMovies(AuthoredMovie):
    """An operator that pays for renders; its subclasses document and set what is declared here."""

    template_id: str | None
    variables: Mapping[str, Any] | None
    overrides: Mapping[str, Any] | None
    client_data: Mapping[str, Any] | None
    connections: Mapping[str, str] | None
    catalog: Any
    preflight: Level
    max_credits: float | str | None
    check_quota: bool
    expected_duration: float | str | None
    poll_interval: float
    timeout: float | timedelta
    json2video_conn_id: str

    def dry_run(self) -> None:
        """Log what a run would send and why it would be refused: mistakes, who pays for what, the estimate, the budget.

        Spends nothing. What only a run fills in, Jinja and the outputs of other tasks, is named and left out.
        """
        from airflow_provider_j2v.operators.dry_run import rehearse

        rehearse(self)

    def _hook_of_account(self) -> JSON2VideoHook:
        """The hook.

        :raises ConfigurationError: there is no such connection, or something in it is wrong.
        """
        hook = JSON2VideoHook(self.json2video_conn_id)
        hook.account  # noqa: B018
        return hook

    def _checks(self, hook: JSON2VideoHook | None) -> Iterator[Callable[[], object]]:
        """What refuses parameters that cannot be."""
        yield self._patience
        yield self._preflight(hook).check
        if hook is not None:
            yield lambda: hook.check_interval(self.poll_interval, "poll_interval")

    def _composed(self, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The document as its author means it: connections are not resolved yet.

        :param variables: laid over those of the task.
        """
        from airflow_provider_j2v.movies.document import compose

        self._one_of("movie", "movie_file", "template_id")
        return compose(
            self._read_movie(),
            template_id=self.template_id,
            variables={**(self.variables or {}), **variables} if variables else self.variables,
            overrides=self.overrides,
            client_data=self.client_data,
            exports=self.exports,
        )

    def _preflight(self, hook: JSON2VideoHook | None) -> Preflight:
        from airflow_provider_j2v.operators.preflight import Preflight

        return Preflight(
            hook or JSON2VideoHook(self.json2video_conn_id),
            level=self.preflight,
            connections=self.connections,
            catalog=self.catalog,
            max_credits=self.max_credits,
            check_quota=self.check_quota,
            expected_duration=self.expected_duration,
        )

    def _identity(self, hook: JSON2VideoHook, ti: Any) -> Identity:
        """The task instance, across all its tries."""
        from airflow_provider_j2v.renders.identity import Identity

        map_index = -1 if ti.map_index is None else ti.map_index
        namespace = hook.account.namespace or conf.get("api", "base_url", fallback=None) or None
        return Identity(namespace, ti.dag_id, ti.run_id, ti.task_id, map_index)

    def _fingerprint(self, movie: Mapping[str, Any]) -> str:
        """The digest of what the author wants.

        :param movie: as it was composed.
        """
        from airflow_provider_j2v.renders.identity import fingerprint

        return fingerprint(
            movie={name: value for name, value in movie.items() if name != "client-data"},
            connections=self.connections or {},
            conn_id=self.json2video_conn_id,
        )

    def _failing_element(self, message: str) -> str | None:
        """The element that a render failed at, as its author wrote it."""
        from airflow_provider_j2v.movies.failure import failing_element

        try:
            return failing_element(message, self._composed())
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
