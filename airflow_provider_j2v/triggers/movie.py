"""Waiting for renders in the triggerer."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_j2v.exceptions import JSON2VideoError
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.triggers.events import JSON2VideoMovieEventTrigger

__all__ = ["JSON2VideoMovieEventTrigger", "JSON2VideoMovieTrigger", "JSON2VideoMoviesTrigger"]


class _Trigger(BaseTrigger):
    """What both triggers share. Their arguments are plain JSON, and never hold the key."""

    def __init__(self, json2video_conn_id: str, deadline: float, poll_interval: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.json2video_conn_id = json2video_conn_id
        self.deadline = deadline
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path, and the arguments to make it again."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "json2video_conn_id": self.json2video_conn_id,
                "deadline": self.deadline,
                "poll_interval": self.poll_interval,
                **self._arguments(),
            },
        )

    @abstractmethod
    def _arguments(self) -> dict[str, Any]:
        """The arguments of one kind."""

    @abstractmethod
    def _going_on(self) -> str:
        """What goes on when the trigger is killed, for the log."""

    async def _wait(self, project: str) -> tuple[str, str]:
        """The status and message of an event."""
        try:
            hook = JSON2VideoHook(self.json2video_conn_id)
            outcome = await hook.await_movie(project, self.deadline, self.poll_interval)
        except JSON2VideoError as e:
            return "refused", str(e)
        except Exception as e:
            self.log.exception("Waiting for project %s failed", project)
            return "lost", f"{type(e).__name__} while waiting: {e}"
        return outcome.status, outcome.message

    async def on_kill(self) -> None:
        """The service has no cancel: say what goes on. Looks nothing up, since it may run in a dying process."""
        self.log.warning(
            "%s goes on at JSON2Video and is charged if it finishes: the service has no cancel. A new try of the task "
            "re-attaches to it.",
            self._going_on(),
        )


class JSON2VideoMovieTrigger(_Trigger):
    """Wait until one render ended; never submits, downloads or holds the API key in its arguments.

    Its one event is ``{project, status, message}``, status ``done``, ``error``, ``timeout``, ``lost`` (not to be seen
    any more) or ``refused`` (the key or the connection). ``run`` never raises. All triggers of one account in one
    triggerer share one watcher.

    :param json2video_conn_id: Airflow conn id of the account (str).
    :param project: the service's id of the render (str).
    :param deadline: when to stop waiting (epoch seconds, float): absolute, so that it survives a move to another
        triggerer.
    :param poll_interval: seconds between two looks (float, default 5).
    """

    def __init__(self, json2video_conn_id: str, project: str, deadline: float, poll_interval: float = 5.0) -> None:
        super().__init__(json2video_conn_id, deadline, poll_interval)
        self.project = project

    def _arguments(self) -> dict[str, Any]:
        return {"project": self.project}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait to the end."""
        status, message = await self._wait(self.project)
        event = {"project": self.project, "status": status, "message": message}
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    def _going_on(self) -> str:
        return f"Project {self.project}"


class JSON2VideoMoviesTrigger(_Trigger):
    """Wait for many renders in one trigger, until enough of them ended.

    Its one event is ``{outcomes: {project: {status, message}}, pending: [project]}``, statuses as those of
    ``JSON2VideoMovieTrigger``. ``run`` never raises.

    :param json2video_conn_id: Airflow conn id of the account (str).
    :param projects: the service's ids of the renders (list of str); a repeated one counts once.
    :param deadline: when to stop waiting (epoch seconds, float).
    :param poll_interval: seconds between two looks (float, default 5).
    :param min_finished: how many must have ended for the event (int); None waits for all.
    """

    def __init__(
        self,
        json2video_conn_id: str,
        projects: Sequence[str],
        deadline: float,
        poll_interval: float = 5.0,
        min_finished: int | None = None,
    ) -> None:
        super().__init__(json2video_conn_id, deadline, poll_interval)
        self.projects = list(dict.fromkeys(projects))
        self.min_finished = min_finished

    def _arguments(self) -> dict[str, Any]:
        return {"projects": self.projects, "min_finished": self.min_finished}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for all at once; those that have not ended when enough have are left to the next trigger."""
        wanted = len(self.projects) if self.min_finished is None else min(self.min_finished, len(self.projects))
        waits = {asyncio.ensure_future(self._wait(project)): project for project in self.projects}
        pending = set(waits)
        try:
            while pending and len(waits) - len(pending) < wanted:
                _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        outcomes = {
            waits[task]: dict(zip(("status", "message"), task.result(), strict=True))
            for task in waits
            if task not in pending
        }
        event = {"outcomes": outcomes, "pending": [waits[task] for task in waits if task in pending]}
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    def _going_on(self) -> str:
        named = ", ".join(self.projects[:5])
        return f"Each of {len(self.projects)} renders ({named}{', …' if len(self.projects) > 5 else ''})"
