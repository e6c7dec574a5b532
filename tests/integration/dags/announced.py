"""Movies whose ends are asset events."""

from __future__ import annotations

from airflow.sdk import Asset, AssetAlias, dag, task

from airflow_provider_j2v.operators.movie import JSON2VideoDownloadMovieOperator, JSON2VideoRenderMovieOperator

MOVIE = {"resolution": "sd", "scenes": [{"duration": 1}]}
RENDER = {"poll_interval": 0.1, "timeout": 60}


@dag(schedule=None)
def announced():
    render = JSON2VideoRenderMovieOperator(
        task_id="render", movie=MOVIE, outlets=[Asset("rendered")], deferrable=True, **RENDER
    )
    JSON2VideoDownloadMovieOperator(
        task_id="download",
        project=render.output["project"],
        destination="{{ dag_run.conf['folder'] }}/{{ run_id }}.mp4",
        outlets=[Asset("downloaded"), AssetAlias("files")],
    )

    @task.json2video_render(outlets=[Asset("decorated")], **RENDER)
    def made():
        return MOVIE

    made()
    JSON2VideoRenderMovieOperator(
        task_id="submit", movie=MOVIE, outlets=[Asset("submitted")], wait_for_completion=False
    )


announced()
