"""A picture from beside this file becomes part of a video: it is uploaded once, each run renders it.

Runs unchanged against the sandbox and the real service. It asks for one render of 3 seconds: 3 credits.
"""

from __future__ import annotations

from airflow.sdk import dag

from airflow_provider_j2v.operators.media import JSON2VideoUploadMediaOperator
from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator


@dag(schedule=None, tags=["json2video", "example"], doc_md=__doc__)
def example_json2video_media():
    # [START howto_upload]
    upload = JSON2VideoUploadMediaOperator(
        task_id="upload",
        source="media/logo.png",  # or s3://conn@bucket/logo.png, charts/*.png, a list …
        folder="brand",
        retries=2,
    )
    JSON2VideoRenderMovieOperator(
        task_id="render",
        movie={
            "resolution": "hd",
            "scenes": [
                {
                    "background-color": "#f4f1fb",
                    "duration": 3,
                    "elements": [{"type": "image", "src": upload.output["url"], "width": 256, "x": 512, "y": 232}],
                }
            ],
        },
        deferrable=True,
        retries=2,
    )
    # [END howto_upload]


example_json2video_media()
