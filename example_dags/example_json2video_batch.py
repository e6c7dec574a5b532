"""Tonight's rows become tonight's videos: one task, under a budget, with a manifest of what came of each row.

Runs unchanged against the sandbox and the real service. It asks for 6 renders of 2 seconds: 12 credits.
"""

from __future__ import annotations

import json
import tempfile
from datetime import timedelta

from airflow.sdk import ObjectStoragePath, dag, task

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMoviesOperator

# Workers on several machines share a bucket instead: "s3://aws_default@my-bucket/videos", "gs://…", "abfs://…".
FOLDER = f"{tempfile.gettempdir()}/json2video-nightly"

OFFER = {
    "resolution": "sd",
    "scenes": [
        {
            "background-color": "{{color}}",
            "duration": 2,
            "elements": [{"type": "text", "text": "{{name}}: {{price}}", "duration": -2}],
        }
    ],
}


@dag(schedule=None, tags=["json2video", "example"], doc_md=__doc__, params={"folder": FOLDER})
def example_json2video_batch():
    @task
    def offers() -> list[dict]:
        """In real life a query: each row names the variables of its movie."""
        names = ["Apple", "Pear", "Plum", "Cherry", "Peach", "Quince"]
        return [
            {"sku": f"fruit-{i}", "name": name, "price": f"{i}.99", "color": "#9f1239"}
            for i, name in enumerate(names, start=1)
        ]

    # [START howto_batch]
    render = JSON2VideoRenderMoviesOperator(
        task_id="render",
        items=offers(),  # or "s3://conn@bucket/offers/{{ ds }}.jsonl", a CSV file, a list …
        key="sku",  # what a row is, across retries and clears
        movie=OFFER,
        destination="{{ params.folder }}/{{ run_id }}/{sku}.mp4",
        manifest="{{ params.folder }}/{{ run_id }}/manifest.jsonl",
        max_credits=100,  # for all rows together; more fails before the first is sent
        on_failure="20%",
        deferrable=True,
        retries=2,
        retry_delay=timedelta(seconds=30),
    )
    # [END howto_batch]

    # [START howto_batch_manifest]
    @task
    def publish(summary: dict) -> list[str]:
        with ObjectStoragePath(summary["manifest"]).open("r") as file:
            rows = [json.loads(line) for line in file]
        for row in rows:
            print(f"{row['key']}: {row['status']}, {row['duration']} s, {row['file'] or row['error']}")
        return [row["file"] for row in rows if row["status"] == "done"]

    # [END howto_batch_manifest]

    publish(render.output)


example_json2video_batch()
