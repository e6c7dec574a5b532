"""Submit now, collect later, the first step: videos are submitted, and the run is over within seconds.

``example_json2video_two_steps_collect`` brings them home. Runs unchanged against the sandbox and the real service. It
asks for three renders of 3 seconds: 9 credits.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Asset, dag, task

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator

SUBMITTED = Asset("submitted_greetings")
NAMES = ["Ada", "Grace", "Linus"]


@dag(schedule=None, tags=["json2video", "example"], doc_md=__doc__)
def example_json2video_two_steps():
    # [START howto_submit]
    submit = JSON2VideoRenderMovieOperator.partial(
        task_id="submit",
        movie_file="movies/hello.json",
        wait_for_completion=False,
        retries=2,
        retry_delay=timedelta(seconds=30),
    ).expand_kwargs(
        [{"variables": {"headline": f"Hello, {name}!"}, "client_data": {"name": name}} for name in NAMES],
    )

    @task(outlets=[SUBMITTED])
    def hand_over(movies: list[dict], outlet_events=None) -> None:
        """One event for all: of several at the same moment, Airflow may leave some unheard until the next comes."""
        projects = {movie["project"]: movie["client_data"]["name"] for movie in movies}
        outlet_events[SUBMITTED].extra = {"projects": projects}

    hand_over(submit.output)
    # [END howto_submit]


example_json2video_two_steps()
