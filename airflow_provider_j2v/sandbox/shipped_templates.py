"""The templates every sandbox has."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_j2v.sandbox.placeholders import Json


@dataclass(frozen=True, slots=True)
class Template:
    """A saved template. ``id`` has 20 characters; the variables with their defaults live in ``movie``."""

    id: str
    name: str
    movie: Json = field(hash=False)
    tags: tuple[str, ...] = ()
    prompt: str = ""
    created_at: str = "2026-01-15T09:00:00.000Z"
    updated_at: str = "2026-01-15T09:00:00.000Z"
    published: bool = False
    """Shown in the library whatever the tags."""

    client: str | None = None
    """Whose it is; None is everybody's."""

    shared: bool = False
    """Part of the shared library of the Make.com app (``shared=tools``)."""

    @property
    def variables(self) -> Json:
        variables = self.movie.get("variables")
        return variables if isinstance(variables, dict) else {}


HELLO = Template(
    id="hello000000000000000",
    name="Hello",
    tags=("sandbox", "start"),
    published=True,
    updated_at="2026-03-01T09:00:00.000Z",
    movie={
        "resolution": "hd",
        "variables": {"name": "World", "background": "#1d3557", "seconds": 4},
        "scenes": [
            {
                "background-color": "{{background}}",
                "duration": "{{seconds}}",
                "elements": [{"type": "text", "text": "Hello {{name}}", "fade-in": 0.5}],
            }
        ],
    },
)

OFFERS = Template(
    id="offers00000000000000",
    name="Weekly offers",
    tags=("sandbox", "list"),
    published=True,
    updated_at="2026-02-01T09:00:00.000Z",
    movie={
        "resolution": "instagram-story",
        "variables": {
            "shop": "The Corner Shop",
            "show_outro": True,
            "offers": [{"product": "Apples", "price": 2.4}, {"product": "Bread", "price": 3.5}],
        },
        "elements": [{"type": "text", "text": "{{shop}}", "position": "top-center", "settings": {"font-size": "64px"}}],
        "scenes": [
            {
                "iterate": "offers",
                "duration": 2,
                "background-color": "{{ first_iteration ? '#264653' : '#2a9d8f' }}",
                "elements": [{"type": "text", "text": "{{product}}: {{price}}"}],
            },
            {
                "condition": "{{show_outro}}",
                "duration": 2,
                "background-color": "#e76f51",
                "elements": [{"type": "text", "text": "See you soon"}],
            },
        ],
    },
)

NARRATED = Template(
    id="narrated000000000000",
    name="Narrated picture",
    tags=("sandbox", "ai"),
    prompt="A picture with a voice over it",
    shared=True,
    movie={
        "resolution": "full-hd",
        "variables": {"subject": "a lighthouse at dusk", "story": "The light turns, and the sea answers."},
        "scenes": [
            {
                "elements": [
                    {"type": "image", "prompt": "{{subject}}", "model": "flux-pro"},
                    {"type": "voice", "text": "{{story}}", "model": "azure", "voice": "en-US-AriaNeural"},
                ]
            }
        ],
    },
)

SHIPPED = (HELLO, OFFERS, NARRATED)
