"""Who is measured: how each provider's trigger is told to wait for a render."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dev.bench.scenario import INTERVAL, Render


@dataclass(frozen=True)
class Contestant:
    """A trigger class by its path, so that a process imports only what it measures."""

    path: str
    distribution: str
    arguments: Callable[[str, Render, float], dict[str, Any]]
    """From conn id, render and poll interval."""

    connection: Callable[[str, str], dict[str, Any]]
    """From the service's ``host:port`` and the API key."""

    good: str
    """The status of the event of a render that is done."""

    def trigger_class(self) -> Any:
        return pkgutil.resolve_name(self.path)

    def trigger(self, conn_id: str, render: Render, interval: float = INTERVAL) -> Any:
        """A trigger that waits for a render."""
        return self.trigger_class()(**self.arguments(conn_id, render, interval))


FAR_AWAY = 4e9  # a deadline


def _json2video(address: str, key: str) -> dict[str, Any]:
    return {"conn_type": "json2video", "host": f"https://{address}", "password": key}


CONTESTANTS = {
    "ours": Contestant(
        "airflow_provider_j2v.triggers.movie:JSON2VideoMovieTrigger",
        "airflow-provider-j2v",
        lambda conn_id, render, interval: {
            "json2video_conn_id": conn_id,
            "project": render.project,
            "deadline": FAR_AWAY,
            "poll_interval": interval,
        },
        _json2video,
        good="done",
    ),
    "http": Contestant(
        "airflow.providers.http.triggers.http:HttpEventTrigger",
        "apache-airflow-providers-http",
        lambda conn_id, render, interval: {
            "response_check_path": "dev.bench.check.done",
            "http_conn_id": conn_id,
            "endpoint": "v2/movies",
            "data": {"project": render.project, "format": "simple"},
            "poll_interval": interval,
        },
        lambda address, key: {"conn_type": "http", "host": f"https://{address}", "extra": {"x-api-key": key}},
        good="success",
    ),
    "dbt-cloud": Contestant(
        "airflow.providers.dbt.cloud.triggers.dbt:DbtCloudRunJobTrigger",
        "apache-airflow-providers-dbt-cloud",
        lambda conn_id, render, interval: {
            "conn_id": conn_id,
            "run_id": render.run_id,
            "account_id": 1,
            "end_time": FAR_AWAY,
            "poll_interval": interval,
        },
        lambda address, key: {"conn_type": "dbt_cloud", "host": address, "login": "1", "password": key},
        good="success",
    ),
    "floor": Contestant(
        "dev.bench.floor:FloorTrigger",
        "",
        lambda conn_id, render, interval: {"conn_id": conn_id, "project": render.project, "interval": interval},
        _json2video,
        good="done",
    ),
}


def environment(contestant: Contestant, conn_id: str, address: str, key: str) -> dict[str, str]:
    """The variable that is the Airflow connection."""
    return {f"AIRFLOW_CONN_{conn_id.upper()}": json.dumps(contestant.connection(address, key))}
