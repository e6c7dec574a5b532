"""The AI models as a catalog: what there is, what it costs, what a name stands for."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_j2v.catalog.rows import CATEGORIES, Model
from airflow_provider_j2v.catalog.shapes import Shape
from airflow_provider_j2v.exceptions import UnreadableAnswer

__all__ = ["CATEGORIES", "Catalog", "Model"]


@dataclass(frozen=True)
class Catalog:
    """All models by name, and the aliases that stand for some of them.

    :param skipped: rows of the document that could not be read and were left out.
    """

    models: Mapping[str, Model]
    aliases: Mapping[str, str]
    skipped: int = field(default=0, compare=False)

    @classmethod
    def parse(cls, document: Any) -> Catalog:
        """Read any plausible shape of the published file, or what ``to_dict`` gave.

        :raises UnreadableAnswer: there is no model in it.
        """
        shape = Shape.of(document)
        if not shape.models:
            raise UnreadableAnswer(None, "The AI model catalog holds no model that could be read")
        return cls(shape.models, shape.aliases, shape.skipped)

    def resolve(self, name: str) -> Model | None:
        """The model of that name or alias, or None. A model's own name comes before an alias."""
        passed = set()
        while name not in self.models and name in self.aliases and name not in passed:
            passed.add(name)
            name = self.aliases[name]
        return self.models.get(name)

    def near(self, name: str) -> list[str]:
        """Up to three names and aliases that look like ``name``, the closest first; case does not count."""
        known = {word.lower(): word for word in [*self.aliases, *self.models] if self.resolve(word)}
        return [known[word] for word in difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)]

    def suggest(self, category: str) -> Model | None:
        """The model to suggest for a category: the first that the service features, or None."""
        return next((m for m in self.models.values() if m.featured and m.category == category), None)

    def to_dict(self) -> dict[str, Any]:
        """Models and aliases as they travel in XCom; ``parse`` reads it back."""
        return {"models": [model.to_dict() for model in self.models.values()], "aliases": dict(self.aliases)}
