"""Many renders at once; the environment says how many, and how often they are looked at."""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import dag

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator


@dag(schedule=None, max_active_tasks=1000)
def many():
    JSON2VideoRenderMovieOperator.partial(
        task_id="render",
        movie={"resolution": "sd", "scenes": [{"duration": 1}]},
        deferrable=True,
        poll_interval=float(os.environ.get("POLL_INTERVAL", "0.5")),
        retries=100,
        retry_delay=timedelta(seconds=0),
    ).expand(client_data=[{"number": number} for number in range(int(os.environ["RENDERS"]))])


many()
