"""Submits a movie that is to be published, and ends: ``example_json2video_event`` brings it home when it is done."""

from __future__ import annotations

from airflow.sdk import dag

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator

MOVIE = {
    "resolution": "sd",
    "scenes": [{"background-color": "#1c1640", "duration": 3, "elements": [{"type": "text", "text": "Publish me"}]}],
}


@dag(schedule=None, tags=["json2video", "example"], doc_md=__doc__)
def example_json2video_event_submit():
    # [START howto_event_submit]
    JSON2VideoRenderMovieOperator(
        task_id="submit",
        movie=MOVIE,
        client_data={"publish": True},
        wait_for_completion=False,
    )
    # [END howto_event_submit]


example_json2video_event_submit()
