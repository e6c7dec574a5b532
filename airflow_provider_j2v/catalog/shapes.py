"""From any plausible shape of the published file to its models and aliases.

A list of models, or a mapping by category, by name or by both, at the top or under ``models``; aliases in a table
of their own or beside their models. What is no model is left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_j2v.catalog.rows import Model, fold, folded, known_category, names_of, read_model, text
from airflow_provider_j2v.exceptions import UnreadableAnswer

#: No shape worth the name is deeper; what lies below is not looked at.
MAX_DEPTH = 8
#: Rows, fields and aliases in all; the published table has some hundred. A larger file is something else.
MAX_ENTRIES = 20_000

_HOLDERS = ("models", "items", "data", "categories", "results")
_ALIASES = ("aliases", "alias")
_TARGETS = ("aliasof", "aliasfor", "target", "to")
_CATEGORY = re.compile(r"(?:ai|textto)?(?:image|voice|video|avatar|speech)s?(?:models?)?")


@dataclass
class Shape:
    """What a document holds. ``skipped`` counts rows where a model was expected and none could be read."""

    models: dict[str, Model] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    skipped: int = 0
    _tables: list[dict[str, str]] = field(default_factory=list)
    _other_names: dict[str, set[str]] = field(default_factory=dict)
    _entries: int = 0

    @classmethod
    def of(cls, document: Any) -> Shape:
        """Read a document; one without models gives an empty shape.

        :raises UnreadableAnswer: it is far too large to be the catalog.
        """
        shape = cls()
        shape._rows(document, None, isinstance(document, list), 0)
        shape._settle()
        return shape

    def _rows(self, value: Any, category: str | None, expected: bool, depth: int) -> bool:
        """Read what holds rows; True when there was something. ``expected``: here the rows are said to be."""
        if depth > MAX_DEPTH or not isinstance(value, list | Mapping):
            return False
        self._count(value)
        if isinstance(value, Mapping):
            for key, item in value.items():
                if fold(key) in _ALIASES:
                    self._count(item)
                    self._tables.append(dict(_pairs(item)))
            if places := list(_places(value, category)):
                found = [self._rows(item, kind, True, depth + 1) for item, kind in places]
                return any(found)
            named = [(key, item) for key, item in value.items() if isinstance(item, list | Mapping)]
        else:
            named = [(None, item) for item in value]
        found = [self._row(item, category, key, depth) for key, item in named]
        self.skipped += found.count(False) if expected else 0
        return any(found)

    def _row(self, row: Any, category: str | None, key: str | None, depth: int) -> bool:
        if not isinstance(row, Mapping) or _is_holder(row):
            return self._rows(row, category, False, depth + 1)
        self._count(row)
        names, fields = names_of(row, key), folded(row)
        listed = [alias for word in _ALIASES if word in fields for alias in _names(row[fields[word]])]
        target = next((text(row[fields[word]]) for word in ("aliasof", "aliasfor") if word in fields), None)
        if names and target:
            self.aliases[names[0]] = target
            return True
        model = read_model(row, category or _category(key), key)
        if model:
            self.models[model.name] = model
            for name in names[1:]:
                self._other_names.setdefault(name, set()).add(model.name)
        if names and listed:
            self.aliases.update(dict.fromkeys(listed, names[0]))
        return bool(model or (names and listed)) or self._rows(row, category, False, depth + 1)

    def _count(self, value: Any) -> None:
        self._entries += len(value) if isinstance(value, list | Mapping) else 0
        if self._entries > MAX_ENTRIES:
            raise UnreadableAnswer(
                None, f"The AI model catalog has more than {MAX_ENTRIES} entries: it is something else"
            )

    def _settle(self) -> None:
        """What can only be decided with all models at hand: the way a table of aliases is to be read."""
        for table in self._tables:
            forth = sum(model in self.models for model in table.values())
            back = sum(model in self.models for model in table)
            self.aliases.update({m: a for a, m in table.items()} if back > forth else table)
        for name, owners in self._other_names.items():
            if len(owners) == 1 and name not in self.models:
                self.aliases.setdefault(name, *owners)


def _places(value: Mapping[str, Any], category: str | None) -> Iterator[tuple[Any, str | None]]:
    """Where a mapping says that its models are: under ``models`` and the like, or under a category."""
    if _is_holder(value):
        category = next(filter(None, map(_category, _words(value))), category)
    for key, item in value.items():
        if not isinstance(item, list | Mapping) or _is_model(item, key):
            continue
        if fold(key) in _HOLDERS or _category(key):
            yield item, _category(key) or category


def _is_holder(row: Mapping[str, Any]) -> bool:
    return any(fold(key) in _HOLDERS and isinstance(item, list | Mapping) for key, item in row.items())


def _is_model(item: Any, key: str) -> bool:
    return isinstance(item, Mapping) and not _is_holder(item) and read_model(item, None, key) is not None


def _words(value: Mapping[str, Any]) -> Iterator[str]:
    yield from names_of(value)
    yield from (item for key, item in value.items() if fold(key) == "category" and isinstance(item, str))


def _category(key: str | None) -> str | None:
    """The category that a key names as a whole: ``images``, ``text-to-image``, ``imageModels``."""
    return known_category(key) if key and _CATEGORY.fullmatch(fold(key)) else None


def _pairs(table: Any) -> Iterator[tuple[str, str]]:
    """Alias and model of each row of a table: ``{alias: model}``, ``{model: [alias]}``, ``[{alias, model}]``."""
    if isinstance(table, Mapping):
        for key, item in table.items():
            name = text(key)
            if name and isinstance(item, list):
                yield from ((alias, name) for alias in _names(item))
            elif name and (target := _target(item, name) if isinstance(item, Mapping) else text(item)):
                yield name, target
    elif isinstance(table, list):
        for row in filter(lambda row: isinstance(row, Mapping), table):
            fields = folded(row)
            said = (text(row[fields[word]]) for word in ("alias", "from", "name") if word in fields)
            if (alias := next(filter(None, said), None)) and (target := _target(row, alias)):
                yield alias, target


def _target(row: Mapping[str, Any], alias: str) -> str | None:
    fields = folded(row)
    said = [text(row[fields[word]]) for word in _TARGETS if word in fields]
    return next((name for name in [*said, *names_of(row)] if name and name != alias), None)


def _names(value: Any) -> list[str]:
    items = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return [name for name in map(text, items) if name]
