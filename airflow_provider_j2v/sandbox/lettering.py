"""Text in pictures, in the typeface that Pillow brings along: no font files, no network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageColor, ImageDraw, ImageFont

from airflow_provider_j2v.movies.expressions import text as plain
from airflow_provider_j2v.sandbox.placeholders import Json

Colour = tuple[int, int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

MAX_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Style:
    """What the sandbox understands of a text's settings; sizes in pixels."""

    size: int
    colour: Colour
    background: Colour
    align: str
    vertical: str


@dataclass(frozen=True, slots=True)
class Block:
    """Wrapped lines and the size they need."""

    lines: tuple[str, ...]
    size: tuple[int, int]
    line_height: int


@lru_cache(maxsize=64)
def font(size: int) -> Font:
    """The typeface at a size in pixels."""
    return ImageFont.load_default(size)


def style_of(data: Json, canvas_height: int) -> Style:
    """The ``settings`` of a text element; unknown ones are dropped silently, as at the service."""
    settings = data.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    return Style(
        size=_pixels(settings.get("font-size"), canvas_height, default=max(12, canvas_height // 10)),
        colour=colour(settings.get("font-color") or settings.get("color"), (255, 255, 255, 255)),
        background=colour(settings.get("background-color"), (0, 0, 0, 0)),
        align=str(settings.get("horizontal-position") or settings.get("text-align") or "center"),
        vertical=str(settings.get("vertical-position") or settings.get("vertical-align") or "center"),
    )


def colour(value: object, default: Colour) -> Colour:
    """A CSS colour; ``transparent`` and what cannot be read are the default."""
    if not isinstance(value, str):
        return default
    try:
        found = ImageColor.getcolor(value.strip(), "RGBA")
    except ValueError:
        return default
    return found if isinstance(found, tuple) and len(found) == 4 else default


def block(text: object, style: Style, width: int) -> Block:
    """The text wrapped at ``width`` pixels; a word wider than that is broken."""
    face = font(style.size)
    readable = plain(text).encode("utf-8", "replace").decode()[:MAX_CHARACTERS]
    inner = max(1, width - 2 * _padding(style.size))
    lines = tuple(line for paragraph in readable.splitlines() or [""] for line in _wrap(paragraph, face, inner))
    line_height = max(1, round(style.size * 1.25))
    widest = max((face.getlength(line) for line in lines), default=0)
    return Block(lines, (round(widest) + 2 * _padding(style.size), line_height * len(lines)), line_height)


def write(written: Block, style: Style, size: tuple[int, int]) -> Image.Image:
    """The block in a picture of ``size`` pixels."""
    picture = Image.new("RGBA", size, style.background)
    draw = ImageDraw.Draw(picture)
    face = font(style.size)
    free = size[1] - written.size[1]
    y = {"top": 0, "bottom": free}.get(style.vertical, free // 2)
    for line in written.lines:
        room = size[0] - face.getlength(line)
        padding = _padding(style.size)
        x = {"left": padding, "right": room - padding}.get(style.align, room / 2)
        draw.text((x, y), line, fill=style.colour, font=face)
        y += written.line_height
        if y > size[1]:
            break
    return picture


def _wrap(paragraph: str, face: Font, width: int) -> list[str]:
    lines = [""]
    for word in paragraph.split(" "):
        candidate = f"{lines[-1]} {word}".lstrip()
        if face.getlength(candidate) <= width:
            lines[-1] = candidate
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and face.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def _padding(size: int) -> int:
    return size // 3


def _pixels(value: object, canvas_height: int, default: int) -> int:
    match = re.match(r"\s*(\d+(?:\.\d+)?)\s*(px|vh|vw|%)?", str(value)) if value not in (None, "") else None
    if match is None:
        return default
    pixels = float(match[1]) * (1 if match[2] in (None, "px") else canvas_height / 100)
    return round(max(4, min(1000, pixels)))
