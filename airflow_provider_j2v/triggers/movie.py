"""Waiting for renders in the triggerer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_j2v.exceptions import JSON2VideoError
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook


class JSON2VideoMovieTrigger(BaseTrigger):
    """Wait until one render ended; never submits, downloads or holds the API key in its arguments.

    Its one event is ``{project, status, message}``, status ``done``, ``error``, ``timeout``, ``lost`` (not to be seen
    any more) or ``refused`` (the key or the connection). ``run`` never raises.

    :param json2video_conn_id: Airflow conn id of the account (str).
    :param project: the service's id of the render (str).
    :param deadline: when to stop waiting (epoch seconds, float): absolute, so that it survives a move to another
        triggerer.
    :param poll_interval: seconds between two polls (float, default 5); the first comes after one interval.
    """

    def __init__(self, json2video_conn_id: str, project: str, deadline: float, poll_interval: float = 5.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.json2video_conn_id = json2video_conn_id
        self.project = project
        self.deadline = deadline
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path, and arguments of plain JSON types."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "json2video_conn_id": self.json2video_conn_id,
                "project": self.project,
                "deadline": self.deadline,
                "poll_interval": self.poll_interval,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll to the end."""
        status, message = await self._wait()
        event = {"project": self.project, "status": status, "message": message}
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def _wait(self) -> tuple[str, str]:
        try:
            hook = JSON2VideoHook(self.json2video_conn_id)
            outcome = await hook.await_movie(self.project, self.deadline, self.poll_interval)
        except JSON2VideoError as e:
            return "refused", str(e)
        except Exception as e:
            self.log.exception("Waiting for project %s failed", self.project)
            return "lost", f"{type(e).__name__} while waiting: {e}"
        return outcome.status, outcome.message

    async def on_kill(self) -> None:
        """The service has no cancel: say what goes on. Looks nothing up, since it may run in a dying process."""
        self.log.warning(
            "Project %s goes on at JSON2Video and is charged if it finishes: the service has no cancel. A new try of "
            "the task re-attaches to it.",
            self.project,
        )
