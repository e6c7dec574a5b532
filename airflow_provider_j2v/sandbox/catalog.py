"""The AI model catalog: the file ``models.json`` in any of its possible shapes, and the prices in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib import resources
from typing import Any

from airflow_provider_j2v.sandbox.variants import Variants

Document = dict[str, Any]


class Catalog:
    """``document`` has the shape of the shipped snapshot (``models``, ``aliases``) and may be replaced.

    ``raw``, when set, is served byte for byte instead: for tests of files that are empty or broken.
    """

    def __init__(self, document: Document | None = None) -> None:
        self.document: Document = shipped() if document is None else document
        self.raw: bytes | None = None

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


_SHAPES: dict[str, Callable[[Document], Any]] = {
    "snapshot": lambda document: document,
    "list": _with_aliases,
    "by-category": _by_category,
    "by-name": lambda document: {model.pop("name"): model for model in _with_aliases(document)},
}
