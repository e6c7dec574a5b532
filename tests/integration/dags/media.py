"""Charts are made, uploaded one task each, and shown in one movie; then all of them once more by a glob."""

from __future__ import annotations

from airflow.sdk import ObjectStoragePath, Param, dag, task

from airflow_provider_j2v.operators.media import JSON2VideoUploadMediaOperator
from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator


@dag(schedule=None, params={"folder": Param("", type="string")})
def media():
    @task
    def charts(params: dict) -> list[str]:
        paths = [ObjectStoragePath(f"file://{params['folder']}/chart-{number}.png") for number in (1, 2)]
        for path in paths:
            path.write_bytes(path.name.encode() * 100)
        return [str(path) for path in paths]

    each = JSON2VideoUploadMediaOperator.partial(task_id="each", folder="charts").expand(source=charts())
    all_of_them = JSON2VideoUploadMediaOperator(
        task_id="all_of_them", source="{{ params.folder }}/*.png", folder="charts"
    )
    all_of_them.set_upstream(each)

    @task
    def scenes(uploads: list[dict]) -> list[dict]:
        return [{"duration": 1, "elements": [{"type": "image", "src": upload["url"]}]} for upload in uploads]

    JSON2VideoRenderMovieOperator(
        task_id="render", movie={"resolution": "sd", "scenes": scenes(each.output)}, poll_interval=0.05
    )


media()
