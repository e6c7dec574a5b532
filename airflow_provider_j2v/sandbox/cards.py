"""Placeholder cards: what an AI model would make, or what the sandbox cannot draw."""

from __future__ import annotations

import colorsys
import zlib

from PIL import Image, ImageDraw

from airflow_provider_j2v.sandbox.lettering import Colour, Style, block, write

_PAPER: Colour = (24, 28, 38, 255)
_INK: Colour = (226, 230, 238, 255)
_CLEAR: Colour = (0, 0, 0, 0)


def card(size: tuple[int, int], title: str, body: str) -> Image.Image:
    """A dark card with the title in a colour of its own and the body below it."""
    width, height = size
    picture = Image.new("RGBA", size, _CLEAR)
    draw = ImageDraw.Draw(picture)
    accent = _accent(title)
    unit = max(8, min(width // 14, height // 4, 48))
    draw.rounded_rectangle((0, 0, width - 1, height - 1), unit // 3, fill=_PAPER, outline=accent, width=2)
    heading = _style(unit, accent)
    text = _style(max(8, unit * 2 // 3), _INK)
    inner = max(1, width - unit)
    top, below = block(title, heading, inner), block(body, text, inner)
    start = max(0, (height - top.size[1] - below.size[1]) // 2)
    picture.alpha_composite(write(top, heading, (inner, top.size[1])), ((width - inner) // 2, start))
    rest = height - start - top.size[1]
    if body and rest > 0:
        picture.alpha_composite(write(below, text, (inner, rest)), ((width - inner) // 2, start + top.size[1]))
    return picture


def _style(size: int, colour: Colour) -> Style:
    return Style(size, colour, _CLEAR, align="center", vertical="top")


def _accent(title: str) -> Colour:
    hue = zlib.crc32(title.encode("utf-8", "replace")) % 360 / 360
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, 0.68, 0.7))
    return red, green, blue, 255
