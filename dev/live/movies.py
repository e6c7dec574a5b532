"""The movies that questions pay for: each rendered once for all of them, sd, one second where that will do."""

from __future__ import annotations

from typing import Any

from airflow_provider_j2v.api.calls import delete_movie
from airflow_provider_j2v.api.templates import create_template
from dev.live.visit import Order, Visit

NAME = "live readiness"
TEXT = {"type": "text", "text": "live", "duration": 1}
TINY: dict[str, Any] = {"resolution": "sd", "scenes": [{"duration": 1, "elements": [TEXT]}]}
NO_SOURCE = {"type": "video", "duration": 1}
#: An author's client data with what a careless service could change.
OWN = {"row": 7, "nested": {"text": "ä ☃ {{x}}", "list": [1, 2.5, True, None, ""], "empty": {}}}
SUBTITLES = {"type": "subtitles", "captions": "1\n00:00:00,000 --> 00:00:01,000\nlive\n"}


def template(visit: Visit) -> str:
    """The id of a saved template of this visit's own, tagged with its own id's beginning."""
    if not visit.templates:
        movie = {**TINY, "variables": {"who": "nobody"}, "client-data": {"of": "the template"}}
        visit.templates.append(visit.client.send(create_template(NAME, movie, tags=[visit.tag])).id)
    return visit.templates[0]


def _from_template(visit: Visit) -> dict[str, Any]:
    return {"template": template(visit), "variables": {"who": "Ada"}, "client-data": OWN}


def _scene(duration: float, *elements: dict[str, Any], **movie: Any) -> dict[str, Any]:
    return {"resolution": "sd", **movie, "scenes": [{"duration": duration, "elements": list(elements)}]}


def _image(model: str) -> dict[str, Any]:
    return {"type": "image", "model": model, "prompt": "a grey square", "cache": False}


ORDERS: dict[str, Order] = {
    "movie": Order("the cheapest movie", 1, lambda _: {**TINY, "client-data": OWN}, listed=True),
    "template": Order("the same by a saved template", 1, _from_template, listed=True),
    "no-source": Order("a video element without src", 1, lambda _: _scene(1, NO_SOURCE)),
    "no-template": Order("a template that is not there", 1, lambda _: {"template": "0" * 20}),
    "odd-resolution": Order(
        "a resolution of an example page only", 1, lambda _: {**TINY, "resolution": "instagram-portrait"}
    ),
    "subtitles": Order("subtitles in a scene", 1, lambda _: _scene(1, TEXT, SUBTITLES)),
    "deleted": Order(
        "deleted right after its submission", 1, lambda _: TINY, meanwhile=lambda v, p: v.ask(delete_movie(p))
    ),
    "image": Order("an AI image that is listed for nothing", 1, lambda _: _scene(1, _image("flux-schnell"))),
    "fraction": Order("1.4 seconds", 2, lambda _: _scene(1.4, {**TEXT, "duration": 1.4})),
    "large": Order("a second in 4K", 4, lambda _: _scene(1, TEXT, resolution="custom", width=3840, height=2160)),
    "voice": Order(
        "two seconds with a managed ElevenLabs voice",
        4,
        lambda _: _scene(2, {"type": "voice", "model": "elevenlabs", "voice": "Bella", "text": "Hi."}),
    ),
    "empty": Order("a scene without elements", 5, lambda _: {"resolution": "sd", "scenes": [{"elements": []}]}),
    "failed-asset": Order(
        "a paid AI image beside an element that fails",
        16,
        lambda _: _scene(1, _image("seedream-v4"), {"type": "image", "src": "https://j2v.invalid/none.png"}),
    ),
}
