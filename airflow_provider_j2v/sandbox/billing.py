"""What a render costs, in credits.

Documented: one credit per second of output; managed AI assets by their catalog price per file or second,
nothing with a connection, nothing again while cached (3 days); a failed render is not billed for rendering.
The rounding of fractional seconds is unknown: the sandbox rounds up.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_j2v.sandbox.catalog import Catalog
from airflow_provider_j2v.sandbox.timeline import Element, Timeline, present
from airflow_provider_j2v.sandbox.variants import Variants

CACHE_SECONDS = 3 * 86_400.0
FULL_HD_PIXELS = 1920 * 1080
DEFAULT_MODELS = {"image": "flux-schnell", "voice": "azure"}


@dataclass(frozen=True, slots=True)
class Item:
    """One position of a bill."""

    type: str
    name: str
    credits: int

    def as_dict(self) -> dict[str, object]:
        return {"type": self.type, "name": self.name, "credits": self.credits}


class AssetCache:
    """Assets an account has generated, and until when (service time) they are not billed again."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def fresh(self, asset: str, now: float) -> bool:
        return self._until.get(asset, 0.0) > now

    def keep(self, asset: str, now: float) -> None:
        self._until[asset] = now + CACHE_SECONDS


def render_item(timeline: Timeline, variants: Variants) -> Item:
    """The render itself; above full HD the price per second is a variant."""
    large = timeline.width * timeline.height > FULL_HD_PIXELS
    per_second = variants.multiplier_4k if large else 1
    return Item("render", f"{timeline.width}x{timeline.height}", math.ceil(timeline.duration) * per_second)


def asset_items(
    timeline: Timeline, catalog: Catalog, variants: Variants, cache: AssetCache, now: float
) -> Iterator[Item]:
    """The managed AI assets of a movie that are not cached; afterwards they are."""
    for element in timeline.elements:
        if not is_generated(element) or element.data.get("connection"):
            continue
        model = model_of(element)
        identity = _identity(element, model)
        reusable = element.data.get("cache") is not False
        if reusable and cache.fresh(identity, now):
            continue
        cache.keep(identity, now)
        credits, unit = catalog.price(model)
        if model.startswith("elevenlabs"):
            credits = variants.elevenlabs_per_second
        units = math.ceil(element.seconds) if unit == "second" else 1
        yield Item("ai", model, credits * units)


def is_generated(element: Element) -> bool:
    """An element that an AI model makes: a voice, or an image or video with a prompt and no source."""
    if element.type == "voice":
        return True
    made = present(element.data.get("prompt")) and not present(element.data.get("src"))
    return element.type in ("image", "video") and made


def model_of(element: Element) -> str:
    """The model that makes an element: its own, or the default of its type."""
    return str(element.data.get("model") or DEFAULT_MODELS.get(element.type, ""))


def _identity(element: Element, model: str) -> str:
    data = element.data
    what = data.get("text") if element.type == "voice" else data.get("prompt")
    settings = [data.get(name) for name in ("voice", "aspect-ratio", "model-settings")]
    if element.type == "video":
        settings.append(element.seconds)
    return json.dumps([element.type, model, what, *settings], sort_keys=True, default=str)
