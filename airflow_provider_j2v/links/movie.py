"""Two links with each render: the video, and the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, TaskInstanceKey


class JSON2VideoMovieLink(BaseOperatorLink):
    """The video once it is done, the dashboard until then."""

    name = "Watch video"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """The address; empty before anything was submitted. Runs in the worker, where the operator knows it."""
        video = str(getattr(operator, "video_url", None) or "")
        if video.startswith(("https://", "http://")):  # what the service says must not run in Airflow's page
            return video
        return getattr(operator, "dashboard_url", None) or ""


class JSON2VideoDashboardLink(BaseOperatorLink):
    """The dashboard's start page; of a sandbox, its own page."""

    name = "Dashboard"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """The address; empty before the connection was read."""
        return getattr(operator, "dashboard_url", None) or ""


LINKS = (JSON2VideoMovieLink(), JSON2VideoDashboardLink())


def push_links(operator: Any, ti: Any) -> None:
    """Make the links of a running task clickable now; Airflow itself computes them when an execution ends."""
    for link in LINKS:
        ti.xcom_push(key=link.xcom_key, value=link.get_link(operator, ti_key=ti))
