"""The AI model catalog: the file ``models.json`` in any of its possible shapes, and the prices in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

from airflow_provider_j2v.sandbox.variants import Variants

Document = dict[str, Any]


class Catalog:
    """``document`` has the shape of the shipped snapshot (``models``, ``aliases``) and may be replaced.

    ``raw``, when set, is served byte for byte instead: for tests of files that are empty or broken.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Publish the shipped snapshot."""
        self.document: Document = shipped()
        self.raw: bytes | None = None

    def change(
        self, models: Mapping[str, Document | None] | None = None, aliases: Mapping[str, str | None] | None = None
    ) -> None:
        """Publish a changed catalog: fields of models by name, targets of aliases; None takes one away."""
        rows: dict[str, Document | None] = {model["name"]: model for model in self.document.get("models", ())}
        for name, fields in (models or {}).items():
            rows[name] = None if fields is None else {"name": name, **(rows.get(name) or {}), **fields}
        targets = {**self.document.get("aliases", {}), **(aliases or {})}
        self.document = {
            **self.document,
            "models": [row for row in rows.values() if row is not None],
            "aliases": {alias: target for alias, target in targets.items() if target is not None},
        }

    def price(self, model: str) -> tuple[int, str]:
        """Credits and unit (``file`` or ``second``) of a model or alias; an unknown one is free."""
        name = self.document.get("aliases", {}).get(model, model)
        for entry in self.document.get("models", ()):
            if entry.get("name") == name:
                return int(entry.get("credits", 0)), str(entry.get("unit", "file"))
        return 0, "file"

    def file(self, variants: Variants) -> tuple[bytes, str]:
        """The bytes of ``models.json`` and their ETag."""
        content = self.raw
        if content is None:
            content = json.dumps(_SHAPES[variants.catalog_shape](self.document)).encode()
        return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def shipped() -> Document:
    """The snapshot that the package carries."""
    path = resources.files("airflow_provider_j2v") / "catalog" / "snapshot.json"
    document: Document = json.loads(path.read_text(encoding="utf-8"))
    return document


def _with_aliases(document: Document) -> list[Document]:
    aliases = document.get("aliases", {})
    return [
        {**model, "aliases": [alias for alias, name in aliases.items() if name == model["name"]]}
        for model in document.get("models", ())
    ]


def _by_category(document: Document) -> Document:
    categories: Document = {}
    for model in _with_aliases(document):
        categories.setdefault(model["category"], []).append(model)
    return categories


def _other_words(document: Document) -> Document:
    """By category and name, every field called something else, prices with their unit, aliases as rows."""
    categories: Document = {}
    for model in document.get("models", ()):
        categories.setdefault(f"{model['category']}Models", {})[model["name"]] = {
            "pricing": {"amount": str(model["credits"]), "unit": f"per {model['unit']}"},
            "vendors": [{"id": provider} for provider in model["providers"]],
            "isFeatured": "yes" if model["featured"] else "no",
        }
    return {
        "version": 3,
        "data": categories,
        "aliases": [{"alias": alias, "model": name} for alias, name in document.get("aliases", {}).items()],
    }


_SHAPES: dict[str, Callable[[Document], Any]] = {
    "snapshot": lambda document: document,
    "list": _with_aliases,
    "by-category": _by_category,
    "by-name": lambda document: {model.pop("name"): model for model in _with_aliases(document)},
    "other-words": _other_words,
}
