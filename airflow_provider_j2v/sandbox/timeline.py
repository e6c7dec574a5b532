"""What is on the screen when: a movie as scenes and elements with absolute times, or why it cannot be."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_j2v.sandbox.placeholders import Json, Part, expand
from airflow_provider_j2v.sandbox.variants import Variants

DEFAULT_SECONDS = 5.0
"""A scene in which nothing has a length of its own (tutorial)."""

SHORTEST_SECONDS = 1.0
"""Below this the service says that the duration is zero (documented)."""

SPEECH_CHARACTERS_PER_SECOND = 15.0

RESOLUTIONS = {
    "sd": (640, 360),
    "hd": (1280, 720),
    "full-hd": (1920, 1080),
    "squared": (1080, 1080),
    "instagram-feed": (1080, 1080),
    "instagram-story": (1080, 1920),
    "twitter-landscape": (1600, 900),
    "twitter-portrait": (1080, 1350),
}
REQUIRED = {
    "image": ("src", "prompt"),
    "video": ("src", "prompt"),
    "audio": ("src",),
    "audiogram": ("src",),
    "text": ("text",),
    "voice": ("text",),
    "html": ("html", "src"),
    "component": ("component",),
    "subtitles": (),
}
"""Element types and the properties of which one must be present (documented)."""

AUDIBLE = ("audio", "voice")


class RenderError(Exception):
    """Why a render ends in ``error``, in the service's words."""


class ElementError(RenderError):
    """A render error of one element; ``reason`` is the part without the place."""

    def __init__(self, scene: int, element: int, reason: str) -> None:
        place = f"Scene #{scene}, element #{element}" if scene else f"Movie, element #{element}"
        super().__init__(f"{place}: {reason}")
        self.scene = scene
        self.element = element
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """An element with its times in seconds from the start of the movie."""

    scene: int
    number: int
    data: Json
    start: float
    end: float

    @property
    def type(self) -> str:
        return str(self.data.get("type"))

    @property
    def seconds(self) -> float:
        return self.end - self.start

    def error(self, reason: str) -> ElementError:
        return ElementError(self.scene, self.number, reason)


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene's times in seconds from the start of the movie, and its colour."""

    start: float
    end: float
    background: str


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """A movie ready to draw: pixels, frames per second, seconds; elements in the order they are painted."""

    width: int
    height: int
    fps: int
    duration: float
    scenes: tuple[Scene, ...]
    elements: tuple[Element, ...]


def build(movie: Json, variants: Variants) -> Timeline:
    """The timeline of a movie, or a :class:`RenderError`."""
    whole, parts = expand(movie)
    width, height = canvas(whole.data, variants)
    scenes: list[Scene] = []
    elements: list[Element] = []
    at = 0.0
    for part in parts:
        seconds = _scene_seconds(part, variants)
        scenes.append(Scene(at, at + seconds, str(part.data.get("background-color") or "#000000")))
        elements += _by_depth(_placed(part, at, seconds))
        at += seconds
    if not parts:
        at = _longest(whole.elements)
        scenes.append(Scene(0.0, at, "#000000"))
    if at < SHORTEST_SECONDS:
        raise RenderError("Movie duration cannot be zero")
    elements += _by_depth(_placed(whole, 0.0, at))
    fps = round(min(120.0, max(1.0, number(whole.data.get("fps"), 25.0))))
    return Timeline(width, height, fps, at, tuple(scenes), tuple(elements))


def canvas(movie: Json, variants: Variants) -> tuple[int, int]:
    """Width and height in pixels: a preset, or 50 to 3840 of the movie's own (documented)."""
    resolution = movie.get("resolution", "custom")
    if resolution == "sd":
        return 640, variants.sd_height
    if isinstance(resolution, str) and resolution in RESOLUTIONS:
        return RESOLUTIONS[resolution]
    size = number(movie.get("width"), 640.0), number(movie.get("height"), 360.0)
    if not all(50 <= side <= 3840 for side in size):
        raise RenderError("Movie width and height must be between 50 and 3840 pixels")
    return round(size[0]), round(size[1])


def number(value: Any, default: float) -> float:
    """A finite number from what a movie may hold: a number, or a text that filled-in variables left."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return default
    return found if math.isfinite(found) else default


def present(value: Any) -> bool:
    """Whether a property says anything at all."""
    return value is not None and value is not False and value not in ("", [], {})


def speech_seconds(text: object) -> float:
    """A guess at how long a voice speaks; the markup of SSML is not spoken."""
    spoken = re.sub(r"<[^<>]*>", "", str(text)).strip()
    return max(1.0, round(len(spoken) / SPEECH_CHARACTERS_PER_SECOND, 1))


def _scene_seconds(part: Part, variants: Variants) -> float:
    own = number(part.data.get("duration"), -1.0)
    if own >= 0:
        return own
    if longest := _longest(part.elements):
        return longest
    return 0.0 if variants.empty_movie == "error" and not part.elements else DEFAULT_SECONDS


def _longest(elements: Sequence[tuple[int, Json]]) -> float:
    ends = [
        _offset(data, "start") + length + _offset(data, "extra-time")
        for _, data in elements
        if (length := _own_seconds(data)) is not None
    ]
    return max(ends, default=0.0)


def _own_seconds(data: Json) -> float | None:
    """The length an element has of itself; None for what lasts as long as its scene."""
    own = number(data.get("duration"), -1.0)
    if own >= 0:
        return own
    if data.get("type") == "voice" and own != -2:
        return speech_seconds(data.get("text"))
    return None


def _offset(data: Json, name: str) -> float:
    return max(0.0, number(data.get(name), 0.0))


def _placed(part: Part, at: float, seconds: float) -> Iterator[Element]:
    for n, data in part.elements:
        _check(part.number, n, data)
        start = min(_offset(data, "start"), seconds)
        length = _own_seconds(data)
        end = seconds if length is None else min(seconds, start + length + _offset(data, "extra-time"))
        yield Element(part.number, n, data, at + start, at + end)


def _by_depth(elements: Iterator[Element]) -> list[Element]:
    return sorted(elements, key=lambda element: number(element.data.get("z-index"), 0.0))


def _check(scene: int, n: int, data: Json) -> None:
    kind = data.get("type")
    if not isinstance(kind, str) or kind not in REQUIRED:
        raise ElementError(scene, n, f"The element type '{kind}' is not supported.")
    required = REQUIRED[kind]
    if required and not any(present(data.get(name)) for name in required):
        raise ElementError(scene, n, f"The element type '{kind}' requires a '{required[0]}' property.")
    source = data.get("src")
    if isinstance(source, str) and host_of(source).endswith(".invalid"):
        raise ElementError(scene, n, f"Failed to download '{source}' (404)")


def host_of(source: str) -> str:
    """The host of a URL, lower case; empty for anything that is no URL."""
    try:
        return (urlsplit(source).hostname or "").rstrip(".")
    except ValueError:
        return ""
