"""Where an element lies on the canvas, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageOps

from airflow_provider_j2v.sandbox.placeholders import Json
from airflow_provider_j2v.sandbox.timeline import number

Size = tuple[int, int]

MAX_SIDE = 3840


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the canvas; it may reach beyond it."""

    x: int
    y: int
    width: int
    height: int


def given(data: Json, name: str) -> bool:
    """Whether a movie sets this number to something."""
    return number(data.get(name), 0) != 0


def place(data: Json, canvas: Size, natural: Size) -> Box:
    """The box of an element: its own size or the natural one, at a named position or at ``x`` and ``y``."""
    width, height = number(data.get("width"), -1), number(data.get("height"), -1)
    if data.get("resize") and width <= 0 and height <= 0:
        width, height = canvas
    elif width > 0 >= height:
        height = natural[1] * width / max(1, natural[0])
    elif height > 0 >= width:
        width = natural[0] * height / max(1, natural[1])
    elif width <= 0 and height <= 0:
        width, height = natural
    size = _side(width), _side(height)
    position = data.get("position")
    box = anchor(position, canvas, size) if isinstance(position, str) else Box(0, 0, *size)
    x, y = (round(max(-MAX_SIDE, min(MAX_SIDE, number(data.get(name), 0)))) for name in ("x", "y"))
    return Box(box.x + x, box.y + y, *size)


def anchor(position: str, canvas: Size, size: Size) -> Box:
    """``top-left`` to ``bottom-right``, ``center-center`` in the middle; any other is the upper left."""
    vertical, _, horizontal = position.partition("-")
    x = {"center": (canvas[0] - size[0]) // 2, "right": canvas[0] - size[0]}.get(horizontal, 0)
    y = {"center": (canvas[1] - size[1]) // 2, "bottom": canvas[1] - size[1]}.get(vertical, 0)
    return Box(x, y, *size)


def fit(picture: Image.Image, box: Box, resize: str) -> tuple[Image.Image, int, int]:
    """The picture in its box by ``resize`` (cover, contain, fit, fill), and its offset inside the box."""
    size = (box.width, box.height)
    if resize == "cover":
        return ImageOps.fit(picture, size), 0, 0
    if resize in ("contain", "fit"):
        inside = ImageOps.contain(picture, size)
        return inside, (size[0] - inside.width) // 2, (size[1] - inside.height) // 2
    return (picture if picture.size == size else picture.resize(size)), 0, 0


def _side(pixels: float) -> int:
    return max(1, min(MAX_SIDE, round(pixels)))
