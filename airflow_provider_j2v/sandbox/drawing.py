"""Frames: a timeline painted with Pillow. What cannot be drawn is a card that says what it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image

from airflow_provider_j2v.sandbox import cards, lettering
from airflow_provider_j2v.sandbox.billing import is_generated, model_of
from airflow_provider_j2v.sandbox.layout import Box, anchor, fit, given, place
from airflow_provider_j2v.sandbox.rendering import StoppedError
from airflow_provider_j2v.sandbox.sources import Sources, UnreachableError, label_of
from airflow_provider_j2v.sandbox.timeline import Element, Timeline, number

KEPT_PIXELS = 50_000_000
"""Of drawn layers, 200 MB: what is beyond is drawn anew for every picture."""


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames ``first`` to ``last`` (exclusive); a still one is drawn once."""

    first: int
    last: int
    still: bool


@dataclass(frozen=True, slots=True)
class Layer:
    """An element's picture and where its upper left corner lies."""

    picture: Image.Image
    x: int
    y: int

    @property
    def pixels(self) -> int:
        return self.picture.width * self.picture.height


class Painter:
    """Draws the frames of one movie in order of time, in even pixels as the video format needs."""

    def __init__(self, timeline: Timeline, sources: Sources, stopped: Callable[[], bool] = lambda: False) -> None:
        self.timeline = timeline
        self.width = timeline.width + timeline.width % 2
        self.height = timeline.height + timeline.height % 2
        self.frames = max(1, round(timeline.duration * timeline.fps))
        self._sources = sources
        self._stopped = stopped
        self._layers: dict[Element, Layer] = {}

    def shots(self) -> Iterator[Shot]:
        """The movie cut where anything appears, disappears or fades."""
        fps = self.timeline.fps
        cuts = {0, self.frames}
        for scene in self.timeline.scenes:
            cuts.add(round(scene.start * fps))
        for element in self.timeline.elements:
            fade_in, fade_out = _fades(element)
            times = (element.start, element.start + fade_in, element.end - fade_out, element.end)
            cuts.update(min(self.frames, round(t * fps)) for t in times)
        edges = sorted(cuts)
        for first, last in pairwise(edges):
            yield Shot(first, last, still=not any(self._fading(e, first) for e in self._visible(first)))

    def frame(self, index: int) -> Image.Image:
        """One frame, painted from the background up."""
        second = index / self.timeline.fps
        frame = Image.new("RGBA", (self.width, self.height), self._background(index))
        visible = self._visible(index)
        for gone in self._layers.keys() - set(visible):
            del self._layers[gone]
        for element in visible:
            if self._stopped():
                raise StoppedError
            layer = self._layer(element)
            opacity = _opacity(element, second)
            if opacity > 0:
                self._paint(frame, layer, opacity)
        return frame.convert("RGB")

    def _background(self, index: int) -> tuple[int, int, int, int]:
        fps = self.timeline.fps
        begun = [scene for scene in self.timeline.scenes if round(scene.start * fps) <= index]
        return (*lettering.colour(begun[-1].background if begun else "", (0, 0, 0, 255))[:3], 255)

    def _visible(self, index: int) -> list[Element]:
        fps = self.timeline.fps
        return [e for e in self.timeline.elements if round(e.start * fps) <= index < round(e.end * fps)]

    def _fading(self, element: Element, index: int) -> bool:
        fps = self.timeline.fps
        fade_in, fade_out = _fades(element)
        return index < round((element.start + fade_in) * fps) or index >= round((element.end - fade_out) * fps)

    def _layer(self, element: Element) -> Layer:
        layer = self._layers.get(element)
        if layer is None:
            layer = self._trimmed(self._draw(element))
            if layer.pixels + sum(kept.pixels for kept in self._layers.values()) <= KEPT_PIXELS:
                self._layers[element] = layer
        return layer

    def _trimmed(self, layer: Layer) -> Layer:
        """The part of a layer that can be seen."""
        left, top, right, bottom = layer.picture.getbbox() or (0, 0, 1, 1)
        left, top = max(left, -layer.x), max(top, -layer.y)
        right, bottom = min(right, self.width - layer.x), min(bottom, self.height - layer.y)
        if left >= right or top >= bottom:
            return Layer(Image.new("RGBA", (1, 1)), 0, 0)
        return Layer(layer.picture.crop((left, top, right, bottom)), layer.x + left, layer.y + top)

    def _paint(self, frame: Image.Image, layer: Layer, opacity: float) -> None:
        picture = layer.picture
        if opacity < 1:
            picture = picture.copy()
            picture.putalpha(picture.getchannel("A").point([round(a * opacity) for a in range(256)]))
        frame.alpha_composite(picture, (layer.x, layer.y))

    def _draw(self, element: Element) -> Layer:
        canvas = (self.timeline.width, self.timeline.height)
        if element.type == "text":
            return self._text(element)
        if element.type == "image" and not is_generated(element):
            try:
                picture = self._sources.image(element)
            except UnreachableError:
                return self._card(element, place(element.data, canvas, canvas))
            box = place(element.data, canvas, picture.size)
            resize = str(element.data.get("resize") or ("contain" if _sized(element) == 2 else ""))
            picture, dx, dy = fit(picture, box, resize)
            return Layer(picture, box.x + dx, box.y + dy)
        if element.type in ("image", "video"):
            return self._card(element, place(element.data, canvas, canvas))
        if element.type in ("audio", "voice"):
            return Layer(Image.new("RGBA", (1, 1)), 0, 0)
        strip = (canvas[0] * 3 // 5, max(24, canvas[1] // 8))
        if given(element.data, "x") or given(element.data, "y") or element.data.get("position"):
            return self._card(element, place(element.data, canvas, strip))
        return self._card(element, anchor("bottom-center", canvas, strip))

    def _text(self, element: Element) -> Layer:
        canvas = (self.timeline.width, self.timeline.height)
        style = lettering.style_of(element.data, canvas[1])
        x, y = (round(number(element.data.get(name), 0)) for name in ("x", "y"))
        width = round(number(element.data.get("width"), -1))
        block = lettering.block(element.data["text"], style, width if width > 0 else max(1, canvas[0] - x))
        named = element.data.get("position") not in (None, "", "custom")
        natural = block.size if named or x or y else canvas
        box = place(element.data, canvas, natural)
        picture = lettering.write(block, style, (box.width, box.height))
        return Layer(picture, box.x, box.y)

    def _card(self, element: Element, box: Box) -> Layer:
        data = element.data
        if is_generated(element):
            title, body = model_of(element) or element.type, str(data["prompt"])
        elif element.type == "subtitles":
            title, body = "subtitles", str(data.get("language") or "auto")
        else:
            title = element.type
            body = str(data.get("component") or label_of(str(data.get("src") or "")) or data.get("html") or "")
        return Layer(cards.card((box.width, box.height), title, body), box.x, box.y)


def _sized(element: Element) -> int:
    return sum(number(element.data.get(side), -1) > 0 for side in ("width", "height"))


def _fades(element: Element) -> tuple[float, float]:
    fade_in, fade_out = (max(0.0, number(element.data.get(name), 0)) for name in ("fade-in", "fade-out"))
    return min(fade_in, element.seconds), min(fade_out, element.seconds)


def _opacity(element: Element, second: float) -> float:
    fade_in, fade_out = _fades(element)
    rising = (second - element.start) / fade_in if fade_in else 1.0
    falling = (element.end - second) / fade_out if fade_out else 1.0
    return max(0.0, min(1.0, rising, falling))
