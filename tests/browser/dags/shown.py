"""What a person looks at in the browser: a render that waits, with all that must not show, and one that fails."""

from __future__ import annotations

from airflow.sdk import dag

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator

GREETING = {
    "resolution": "full-hd",
    "scenes": [
        {
            "duration": 6,
            "background-color": "#1c1640",
            "elements": [
                {"type": "text", "text": "Good morning, {{city}}!", "settings": {"font-size": "88px"}},
                {
                    "type": "voice",
                    "text": "It will be {{degrees}} degrees today.",
                    "model": "elevenlabs",
                    "connection": "airflow:elevenlabs",
                },
            ],
        }
    ],
}
SALE = {
    "resolution": "full-hd",
    "scenes": [
        {
            "duration": 5,
            "elements": [
                {"type": "text", "text": "Autumn sale", "settings": {"font-size": "120px"}},
                {"type": "image", "src": "https://shop.invalid/logo.png"},
            ],
        }
    ],
}


@dag(schedule=None, params={"city": "Lisbon"}, doc_md="# Good morning\nA video for every city, before breakfast.")
def morning_greeting():
    """Its task names connections that hold secrets."""
    JSON2VideoRenderMovieOperator(
        task_id="render",
        doc_md="**One movie for each city.** It waits for the render and sends the file to the *video server*.",
        movie=GREETING,
        variables={"city": "{{ params.city }}", "degrees": 21},
        exports={"destinations": [{"id": "airflow:video_server", "file": "morning.mp4"}]},
        deferrable=True,
        poll_interval=1,
    )


@dag(schedule=None)
def autumn_sale():
    JSON2VideoRenderMovieOperator(task_id="render", movie=SALE, deferrable=True, poll_interval=1, retries=2)


morning_greeting()
autumn_sale()
