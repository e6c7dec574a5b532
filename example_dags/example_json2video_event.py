"""Event-driven publishing: what is rendered on the account with ``{"publish": true}`` in its client data comes home.

Who submitted it does not matter: another DAG such as ``example_json2video_event_submit``, another Airflow, a person or
another program. Nothing but the event connects them.
"""

from __future__ import annotations

import tempfile

from airflow.sdk import Asset, AssetWatcher, dag, task

from airflow_provider_j2v.operators.movie import JSON2VideoDownloadMovieOperator
from airflow_provider_j2v.triggers.movie import JSON2VideoMovieEventTrigger

# In life: "s3://aws_default@bucket/videos", "gs://…", "abfs://…".
FOLDER = f"{tempfile.gettempdir()}/json2video-published"

# [START howto_watcher]
FINISHED = Asset(
    "json2video_movies_to_publish",
    watchers=[
        AssetWatcher(
            name="json2video",
            trigger=JSON2VideoMovieEventTrigger(client_data={"publish": True}, poll_interval=10),
        )
    ],
)
# [END howto_watcher]


# [START howto_event]
@dag(schedule=[FINISHED], tags=["json2video", "example"], doc_md=__doc__, params={"folder": FOLDER})
def example_json2video_event():
    @task(inlets=[FINISHED])
    def movies(params: dict, triggering_asset_events=None, inlet_events=None) -> list[dict]:
        """Each movie once: an event may come again, with the same project."""
        events = triggering_asset_events.get(FINISHED) or inlet_events[FINISHED][-1:]  # by hand: the newest
        projects = dict.fromkeys(event.extra["payload"]["project"] for event in events)
        return [{"project": project, "destination": f"{params['folder']}/{project}.mp4"} for project in projects]

    # A repeat in a later run finds the very same file, and leaves it alone.
    JSON2VideoDownloadMovieOperator.partial(task_id="publish", retries=2).expand_kwargs(movies())
    # [END howto_event]


example_json2video_event()
