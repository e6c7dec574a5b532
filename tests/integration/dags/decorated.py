"""Movies that functions return."""

from __future__ import annotations

from airflow.sdk import dag, task

RENDER = {"poll_interval": 0.1, "timeout": 60}


@dag(schedule=None)
def decorated():
    @task
    def headline() -> str:
        return "Hello"

    @task.json2video_render(**RENDER, max_credits=10, client_data={"from": "{{ dag.dag_id }}"})
    def plain(text: str, run_id: str | None = None) -> dict:
        return {
            "resolution": "sd",
            "variables": {"text": text, "run": run_id},
            "scenes": [{"duration": 1, "elements": [{"type": "text", "text": "{{text}} {{run}}"}]}],
        }

    @task.json2video_render(**RENDER, deferrable=True)
    def typed(text: str):
        from airflow_provider_j2v.movies import Movie, Scene, Text

        return Movie(resolution="sd", scenes=[Scene(duration=1, elements=[Text(text=text)])])

    @task.json2video_render(**RENDER)
    def number(index: int):
        return {"resolution": "sd", "comment": str(index), "scenes": [{"duration": 1}]}

    text = headline()
    plain(text)
    typed(text)
    number.expand(index=[1, 2])


decorated()
