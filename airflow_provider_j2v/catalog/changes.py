"""What is different between two catalogs, and whether the difference can be believed."""

from __future__ import annotations

from typing import TypedDict

from airflow_provider_j2v.catalog.models import Catalog, Model


class Price(TypedDict):
    """Credits for a unit; None where the catalog does not say."""

    credits: float | None
    unit: str | None


class Changes(TypedDict):
    """Names, and for each name ``[old, new]``; an alias that is new or gone has None on its other side."""

    added: list[str]
    removed: list[str]
    repriced: dict[str, list[Price]]
    realiased: dict[str, list[str | None]]


def no_changes() -> Changes:
    """Nothing is different."""
    return {"added": [], "removed": [], "repriced": {}, "realiased": {}}


def compare(old: Catalog, new: Catalog) -> Changes:
    """What became of ``old``. A price is credits and unit: the same number for another unit is another price."""
    both = sorted(old.models.keys() & new.models.keys())
    prices = {name: [_price(old.models[name]), _price(new.models[name])] for name in both}
    aliases = sorted(old.aliases.keys() | new.aliases.keys())
    targets = {alias: [old.aliases.get(alias), new.aliases.get(alias)] for alias in aliases}
    return {
        "added": sorted(new.models.keys() - old.models.keys()),
        "removed": sorted(old.models.keys() - new.models.keys()),
        "repriced": {name: price for name, price in prices.items() if price[0] != price[1]},
        "realiased": {alias: target for alias, target in targets.items() if target[0] != target[1]},
    }


def has_shrunk(old: Catalog, new: Catalog) -> bool:
    """True when fewer than half of the models with a price are still there with one."""
    priced = [name for name, model in old.models.items() if model.credits is not None]
    left = [name for name in priced if name in new.models and new.models[name].credits is not None]
    return 2 * len(left) < len(priced)


def told(changes: Changes) -> list[str]:
    """The changes as sentences, what is merely new last."""
    return [
        *(
            f"Price of {name}: {_said(old)} before, {_said(new)} now."
            for name, (old, new) in changes["repriced"].items()
        ),
        *(f"Model {name} is gone." for name in changes["removed"]),
        *(
            f"Alias {alias}: {old or 'nothing'} before, {new or 'nothing'} now."
            for alias, (old, new) in changes["realiased"].items()
        ),
        *(f"Model {name} is new." for name in changes["added"]),
    ]


def _price(model: Model) -> Price:
    return {"credits": model.credits, "unit": model.unit}


def _said(price: Price) -> str:
    if price["credits"] is None:
        return "unknown"
    return f"{price['credits']:g} credits" + (f" per {price['unit']}" if price["unit"] else " for an unknown unit")
