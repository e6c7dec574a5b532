"""Waiting for a render that somebody else submitted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_j2v.exceptions import ApiError, JSON2VideoError, RenderFailed, RenderTimeout
from airflow_provider_j2v.hooks.errors import final_errors
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook, project_of
from airflow_provider_j2v.hooks.metrics import count_failed_poll
from airflow_provider_j2v.links.movie import LINKS, push_links
from airflow_provider_j2v.triggers.movie import JSON2VideoMovieTrigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_j2v.renders.polling import Outcome, Polling


class JSON2VideoMovieSensor(BaseSensorOperator):
    """Wait until a render ends, in poke, reschedule or deferrable mode, with the same outcomes in all three.

    A failed render fails the task at once, without retries, as does a sensor that times out; ``soft_fail`` and
    ``never_fail`` turn both into a skip. Returns what the render operator returns. Ten failed polls in a row end the
    wait; in reschedule mode, which remembers nothing between two looks, only the timeout does.

    :param project: the render (templated): the service's id of it (str), or what the task returned that asked for it.
    :param deferrable: wait in the triggerer, without holding a worker (default: Airflow's ``default_deferrable``).
    :param poke_interval: seconds between two polls (default 10, at least 5 off loopback).
    :param json2video_conn_id: Airflow conn id of the account (default ``json2video_default``).
    """

    template_fields: Sequence[str] = ("project", "json2video_conn_id")
    operator_extra_links = LINKS
    ui_color = "#c9e4f7"

    def __init__(
        self,
        *,
        project: Any,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: float | timedelta = 10,
        json2video_conn_id: str = JSON2VideoHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.project = project
        self.deferrable = deferrable
        self.json2video_conn_id = json2video_conn_id
        # What the links need; set when the connection was read.
        self.video_url: str | None = None
        self.dashboard_url: str | None = None
        self._polling: Polling | None = None

    def execute(self, context: Context) -> Any:
        """Wait here, or look once and wait in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        began = time.time()
        with self._as_sensor(), final_errors():
            outcome = self._look(context, began)
            return self._defer(began) if outcome is None else self._result(outcome)

    def _defer(self, began: float) -> NoReturn:
        self.defer(
            trigger=JSON2VideoMovieTrigger(
                json2video_conn_id=self.json2video_conn_id,
                project=self.project,
                deadline=began + self.timeout,
                poll_interval=self.poke_interval,
            ),
            method_name="execute_complete",
            timeout=timedelta(seconds=self.timeout + self.poke_interval + 60),
        )

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None) -> Any:
        """Take up after the wait. The event is a hint: the service has the last word."""
        from airflow_provider_j2v.api.calls import get_movie
        from airflow_provider_j2v.renders.polling import settle

        with self._as_sensor(), final_errors():
            hook = self._hook()
            try:
                answer: Any = hook.send(get_movie(self.project))
            except ApiError as e:
                answer = e
            return self._result(settle(self.project, answer, event))

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Look once."""
        began = time.time()
        if self.reschedule and (first := context["ti"].get_first_reschedule_date(context)):
            began = first.timestamp()
        with self._as_sensor(), final_errors():
            outcome = self._look(context, began)
            return False if outcome is None else PokeReturnValue(is_done=True, xcom_value=self._result(outcome))

    def _look(self, context: Context, began: float) -> Outcome | None:
        """One step of the polling decision, with a page of the list more while that is to confirm "not found"."""
        from airflow_provider_j2v.renders.polling import Polling

        hook = self._hook()
        if self._polling is None:
            push_links(self, context["ti"])
            self._polling = Polling(self.project, deadline=began + self.timeout, interval=self.poke_interval, now=began)
        if self._polling.is_silent(time.time()):
            return self._polling.overdue(time.time())
        while True:
            try:
                result: Any = hook.send(self._polling.call())
            except ApiError as e:
                self.log.info("Project %s: a poll failed: %s", self.project, e)
                result = e
                count_failed_poll()
            outcome = self._polling.see(result, time.time())
            if outcome is not None or not self._polling.confirming or isinstance(result, ApiError):
                self.log.info("Project %s: %s", self.project, self._polling.last_status or "no status yet")
                return outcome

    def _result(self, outcome: Outcome) -> dict[str, Any]:
        from airflow_provider_j2v.renders.result import result_of

        outcome.raise_for_status()
        if outcome.status == "error":
            raise RenderFailed(outcome.project, outcome.message)
        result = result_of(outcome)
        self.video_url = result["url"]
        return result

    def _hook(self) -> JSON2VideoHook:
        self.project = project_of(self.project)
        hook = JSON2VideoHook(self.json2video_conn_id)
        self.dashboard_url = hook.dashboard_url
        hook.check_interval(self.poke_interval, "poke_interval")
        return hook

    @contextmanager
    def _as_sensor(self) -> Iterator[None]:
        """Our errors as those a sensor raises, so that Airflow's own switches work on them."""
        try:
            try:
                yield
            except RenderFailed as e:
                raise AirflowFailException(str(e)) from e
            except RenderTimeout as e:
                raise AirflowSensorTimeout(str(e)) from e
        except (AirflowFailException, AirflowSensorTimeout, JSON2VideoError) as e:
            if self.never_fail or (self.soft_fail and not isinstance(e, JSON2VideoError)):
                raise AirflowSkipException(str(e)) from e
            raise
