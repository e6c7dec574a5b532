"""Operators of your own that wait in the triggerer: for the first of several renders, and for one.

The provider's operators and sensor wait with the same triggers. Runs unchanged against sandbox and real service.
It asks for two renders of 3 seconds each: 6 credits.
"""

from __future__ import annotations

import time
from typing import Any

from airflow.sdk import BaseOperator, dag

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator
from airflow_provider_j2v.triggers.movie import JSON2VideoMoviesTrigger, JSON2VideoMovieTrigger


# [START howto_movies_trigger]
class FirstMovie(BaseOperator):
    """The project of the first of several renders to end; the others go on."""

    template_fields = ("movies",)

    def __init__(self, *, movies: Any, patience: float = 1800, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.movies = movies
        self.patience = patience

    def execute(self, context: Any) -> None:
        trigger = JSON2VideoMoviesTrigger(
            json2video_conn_id="json2video_default",
            projects=[movie["project"] for movie in self.movies],
            deadline=time.time() + self.patience,  # absolute: it survives a move to another triggerer
            min_finished=1,
        )
        self.defer(trigger=trigger, method_name="first")

    def first(self, context: Any, event: dict[str, Any]) -> str:
        return next(iter(event["outcomes"]))


# [END howto_movies_trigger]


# [START howto_movie_trigger]
class MovieEnd(BaseOperator):
    """How one render ended: ``done``, ``error``, ``timeout``, ``lost`` or ``refused``; it fails for none of them."""

    template_fields = ("project",)

    def __init__(self, *, project: str, patience: float = 1800, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.project = project
        self.patience = patience

    def execute(self, context: Any) -> None:
        trigger = JSON2VideoMovieTrigger(
            json2video_conn_id="json2video_default",
            project=self.project,
            deadline=time.time() + self.patience,
        )
        self.defer(trigger=trigger, method_name="end")

    def end(self, context: Any, event: dict[str, Any]) -> str:
        return event["status"]


# [END howto_movie_trigger]


@dag(schedule=None, tags=["json2video", "example"], doc_md=__doc__)
def example_json2video_own_wait():
    submit = JSON2VideoRenderMovieOperator.partial(
        task_id="submit",
        movie_file="movies/hello.json",
        wait_for_completion=False,
    ).expand(variables=[{"headline": "First?"}, {"headline": "Or first?"}])
    first = FirstMovie(task_id="first", movies=submit.output)
    MovieEnd(task_id="again", project=first.output)


example_json2video_own_wait()
