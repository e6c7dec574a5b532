"""Localised variants: one offer in three languages, each told by two voices, with subtitles: six videos.

One DAG for every environment: where the account's connection maps ElevenLabs, your own voices there speak, elsewhere
those of Azure, which cost no credits. Runs unchanged against the sandbox and the real service. It asks for six renders
of about 4 seconds: 24 credits.
"""

from __future__ import annotations

import tempfile
from datetime import timedelta

from airflow.sdk import Param, dag, task

from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator

# Workers on several machines share a bucket instead: "s3://aws_default@my-bucket/offers", "gs://…", "abfs://…".
FOLDER = f"{tempfile.gettempdir()}/json2video-offers"

# [START howto_variants]
OFFERS = {
    "en": ("Weekend sale", "Until Sunday, everything is twenty percent off."),
    "de": ("Wochenend-Rabatt", "Bis Sonntag ist alles um zwanzig Prozent billiger."),
    "es": ("Rebajas de fin de semana", "Hasta el domingo, todo cuesta un veinte por ciento menos."),
}
# Each of them speaks all the languages.
VOICES = {
    "azure": {"woman": "en-US-EmmaMultilingualNeural", "man": "en-US-AndrewMultilingualNeural"},
    "elevenlabs": {"woman": "Rachel", "man": "Adam"},
}


def offer(language: str, model: str, voice: str) -> dict:
    headline, words = OFFERS[language]
    text = {"type": "text", "text": headline, "duration": -2, "settings": {"font-size": "110px"}}
    speech = {"type": "voice", "text": words, "model": model, "voice": voice}
    return {
        "resolution": "instagram-story",
        "scenes": [{"background-color": "#7c2d12", "elements": [text, speech]}],
        "elements": [{"type": "subtitles", "language": language}],
    }


@dag(
    schedule=None,
    tags=["json2video", "example"],
    doc_md=__doc__,
    params={"folder": FOLDER, "languages": Param([*OFFERS], type="array", examples=[*OFFERS])},
)
def example_json2video_variants():
    @task
    def variants(params: dict) -> list[dict]:
        """What differs from one video to the next, as parameters of the operator."""
        model = "elevenlabs" if "elevenlabs" in JSON2VideoHook().account.connections else "azure"
        return [
            {
                "movie": offer(language, model, voice),
                "client_data": {"variant": f"{language}-{speaker}"},
                "destination": f"{params['folder']}/offer-{language}-{speaker}.mp4",
            }
            for language in params["languages"]
            for speaker, voice in VOICES[model].items()
        ]

    render = JSON2VideoRenderMovieOperator.partial(
        task_id="render",
        map_index_template="{{ task.client_data.variant }}",  # their names in the UI, instead of 0 to 5
        subtitles=True,  # the .ass file comes home as well
        overwrite=True,  # the next run replaces the videos
        max_credits=20,
        deferrable=True,
        retries=2,
        retry_delay=timedelta(seconds=30),
        max_active_tis_per_dagrun=4,
    ).expand_kwargs(variants())
    # [END howto_variants]

    @task
    def publish(movies: list[dict]) -> dict[str, str]:
        """In life: to the shop of each country."""
        return {movie["client_data"]["variant"]: movie["destination"] for movie in movies}

    publish(render.output)


example_json2video_variants()
