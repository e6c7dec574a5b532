"""The movie JSON as a document. Knows no Airflow.

``Movie``, ``Scene``, the elements and what they hold are here; they are loaded when they are first asked for, so that
a DAG file that needs none of them pays for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_j2v.movies.elements import (
        AnyElement,
        Audio,
        Audiogram,
        Component,
        Element,
        Html,
        Image,
        Subtitles,
        SubtitlesSettings,
        Text,
        TextSettings,
        Video,
        Voice,
    )
    from airflow_provider_j2v.movies.movie import Destination, Export, Movie, Preload, Scene, Transition
    from airflow_provider_j2v.movies.parts import ChromaKey, Correction, Crop, Keyframe, Rotate

__all__ = [
    "AnyElement",
    "Audio",
    "Audiogram",
    "ChromaKey",
    "Component",
    "Correction",
    "Crop",
    "Destination",
    "Element",
    "Export",
    "Html",
    "Image",
    "Keyframe",
    "Movie",
    "Preload",
    "Rotate",
    "Scene",
    "Subtitles",
    "SubtitlesSettings",
    "Text",
    "TextSettings",
    "Transition",
    "Video",
    "Voice",
]


if not TYPE_CHECKING:  # type checkers would take any name for one of these

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from airflow_provider_j2v.movies import elements, movie, parts

        return next(getattr(home, name) for home in (movie, elements, parts) if hasattr(home, name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
