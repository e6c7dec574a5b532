"""The AI models as a catalog, read tolerantly: the real shape of the published file is not documented."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_j2v.exceptions import UnreadableAnswer

CATEGORIES = ("image", "voice", "video", "avatar")

_NAMES = ("name", "model", "id", "slug")
_CATEGORIES = ("category", "kind", "type")
_CREDITS = ("credits", "credits_per_unit", "credits-per-unit", "price", "cost")
_UNITS = ("unit", "per", "billing_unit")
_PROVIDERS = ("providers", "provider")
_FEATURED = ("featured", "recommended")
_KNOWN = frozenset((*_NAMES, *_CATEGORIES, *_CREDITS, *_UNITS, *_PROVIDERS, *_FEATURED, "aliases"))


@dataclass(frozen=True)
class Model:
    """One AI model.

    :param category: ``image``, ``voice``, ``video``, ``avatar``, or another word the service has come up with.
    :param credits: credits for a ``unit`` on the managed service; None when the file does not say.
    :param unit: ``file`` or ``second``.
    :param providers: who runs it, the service's first choice first.
    :param extra: fields of the file this package does not know.
    """

    name: str
    category: str | None
    credits: float | None
    unit: str | None
    providers: tuple[str, ...]
    featured: bool
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The model as it travels in XCom."""
        return {
            **self.extra,
            "name": self.name,
            "category": self.category,
            "credits": self.credits,
            "unit": self.unit,
            "providers": list(self.providers),
            "featured": self.featured,
        }


@dataclass(frozen=True)
class Catalog:
    """All models by name, and the aliases that stand for some of them."""

    models: Mapping[str, Model]
    aliases: Mapping[str, str]

    @classmethod
    def parse(cls, document: Any) -> Catalog:
        """Read any plausible shape: a list of models, or mappings by category or name, at the top or under ``models``.

        :raises UnreadableAnswer: there is no model in it.
        """
        models = {model.name: model for model in _models(document, None)}
        if not models:
            raise UnreadableAnswer(None, "The AI model catalog holds no model that could be read")
        aliases = document.get("aliases") if isinstance(document, Mapping) else None
        found = dict(_aliases(document, None))
        found.update({a: m for a, m in (aliases if isinstance(aliases, Mapping) else {}).items() if isinstance(m, str)})
        return cls(models, found)

    def resolve(self, name: str) -> Model | None:
        """The model of that name or alias, or None."""
        return self.models.get(self.aliases.get(name, name))

    def near(self, name: str) -> list[str]:
        """Names and aliases that look like ``name``, the closest first."""
        return difflib.get_close_matches(name, [*self.models, *self.aliases], n=3, cutoff=0.5)

    def to_dict(self) -> dict[str, Any]:
        """Models and aliases as they travel in XCom; ``parse`` reads it back."""
        return {"models": [model.to_dict() for model in self.models.values()], "aliases": dict(self.aliases)}

    def changes_since(self, other: Catalog) -> dict[str, Any]:
        """What is different from an earlier catalog: names, prices ``{name: [old, new]}`` and targets of aliases."""
        both = self.models.keys() & other.models.keys()
        repriced = {
            name: [other.models[name].credits, self.models[name].credits]
            for name in sorted(both)
            if (self.models[name].credits, self.models[name].unit)
            != (other.models[name].credits, other.models[name].unit)
        }
        aliases = sorted(self.aliases.keys() | other.aliases.keys())
        return {
            "added": sorted(self.models.keys() - other.models.keys()),
            "removed": sorted(other.models.keys() - self.models.keys()),
            "repriced": repriced,
            "realiased": {
                alias: [other.aliases.get(alias), self.aliases.get(alias)]
                for alias in aliases
                if self.aliases.get(alias) != other.aliases.get(alias)
            },
        }


def _models(value: Any, category: str | None, name: str | None = None) -> Iterator[Model]:
    if isinstance(value, list):
        for item in value:
            yield from _models(item, category)
    elif isinstance(value, Mapping):
        model = _model(value, category, name)
        if model is not None:
            yield model
            return
        for key, item in value.items():
            if key == "aliases":
                continue
            singular = key.removesuffix("s").lower()
            if singular in CATEGORIES:
                yield from _models(item, singular)
            elif isinstance(item, list | Mapping):
                yield from _models(item, category, name=None if key == "models" else key)


def _model(value: Mapping[str, Any], category: str | None, name: str | None) -> Model | None:
    own = _first(value, _NAMES, str) or name
    credits = _number(next((value[k] for k in _CREDITS if k in value), None))
    providers = _first(value, _PROVIDERS, list) or [_first(value, _PROVIDERS, str)]
    if not own or (credits is None and providers == [None]):
        return None
    return Model(
        name=own,
        category=_category(_first(value, _CATEGORIES, str)) or category,
        credits=credits,
        unit=_unit(_first(value, _UNITS, str)),
        providers=tuple(p.lower() for p in map(_provider, providers) if p),
        featured=bool(_first(value, _FEATURED, bool)),
        extra={key: item for key, item in value.items() if key not in _KNOWN},
    )


def _aliases(value: Any, name: str | None) -> Iterator[tuple[str, str]]:
    """Aliases that stand beside their model."""
    if isinstance(value, list):
        for item in value:
            yield from _aliases(item, None)
    elif isinstance(value, Mapping):
        own = _first(value, _NAMES, str) or name
        listed = value.get("aliases")
        if own and (isinstance(listed, list) or _model(value, None, name)):
            others = [name, *(value.get(key) for key in _NAMES), *(listed if isinstance(listed, list) else [])]
            yield from ((other, own) for other in others if isinstance(other, str) and other != own)
        for key, item in value.items():
            if isinstance(item, list | Mapping) and key != "aliases":
                yield from _aliases(item, key)


def _first(value: Mapping[str, Any], keys: tuple[str, ...], kind: type) -> Any:
    return next((value[key] for key in keys if isinstance(value.get(key), kind)), None)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number >= 0 and number != float("inf") else None


def _category(word: str | None) -> str | None:
    word = (word or "").lower().removesuffix("s")
    return next((category for category in CATEGORIES if category in word), word or None)


def _unit(word: str | None) -> str | None:
    word = (word or "").lower()
    return "second" if "sec" in word else "file" if word else None


def _provider(value: Any) -> str | None:
    return value if isinstance(value, str) else _first(value, _NAMES, str) if isinstance(value, Mapping) else None
