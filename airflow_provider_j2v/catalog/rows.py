"""One model, read from a row of the published file whatever its fields are called.

The file's fields are not documented. What the service's page shows of it are name, credits for a unit, unit,
providers, featured and category; the spellings below are those such a file could plausibly use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from airflow_provider_j2v.api.reply import escape

T = TypeVar("T")

CATEGORIES = ("image", "voice", "video", "avatar")
#: Characters of JSON that a model's unknown fields may take along through XCom.
MAX_EXTRA = 2_000
#: The same of what a price that cannot be read is.
MAX_UNREAD = 120

# Keys are compared as ``fold`` gives them: credits_per_unit, creditsPerUnit and credits-per-unit are one.
# The first of each, this package's own word, comes first: what travelled through XCom reads back the same.
_NAMES = ("name", "model", "id", "slug", "key")
_CATEGORIES = ("category", "kind", "type", "modality")
_CREDITS = (
    *("credits", "creditsperunit", "creditsperfile", "creditspersecond", "creditsperminute", "credit"),
    *("unitcredits", "unitprice", "price", "cost", "pricing", "rate"),
)
_UNITS = ("unit", "per", "billingunit", "unitname", "units")
_PROVIDERS = ("providers", "provider", "vendors", "vendor")
_FEATURED = ("featured", "isfeatured", "recommended")
_OWN = frozenset(("name", "category", "credits", "unit", "unread", "providers", "featured", "aliases"))

_SYNONYMS = {"speech": "voice", "tts": "voice", **{category: category for category in CATEGORIES}}
_COUNTED = ("file", "second", "minute")
#: The units of a price that can be counted in a movie.
_PRICED = ("file", "second")
_FILE = ("file", "image", "video", "asset", "item", "generation", "request")
_PRICE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:credits?)?\s*(?:(?:/|per)\s*([a-z]+))?", re.IGNORECASE)


@dataclass(frozen=True)
class Model:
    """One AI model.

    :param category: ``image``, ``voice``, ``video``, ``avatar``, or another word the service has come up with.
    :param credits: credits for a ``unit`` on the managed service; None when the file does not say.
    :param unit: ``file``, ``second``, another word of the service, or None when the file does not say.
    :param providers: who runs it, in lower case, the service's first choice first.
    :param extra: fields of the file this package does not know, as they are.
    :param unread: what the file says of credits or unit that cannot be read, such as ``credits: "about 20"``.
    """

    name: str
    category: str | None
    credits: float | None
    unit: str | None
    providers: tuple[str, ...]
    featured: bool
    extra: Mapping[str, Any] = field(default_factory=dict)
    unread: str | None = None

    @property
    def doubt(self) -> str | None:
        """Why its price cannot be counted, in words that go on after "the catalog"; None when it can."""
        name, said = escape(self.name, 60), f", only {self.unread}" if self.unread else ""
        if self.credits is None:
            return f"does not say what {name} costs{said}"
        if not self.credits or self.unit in _PRICED:
            return None
        if self.unit is None:
            return f"does not say by what unit {name} costs {self.credits:g} credits{said}"
        return f"counts {name} by the {escape(self.unit, 60)}"

    def to_dict(self) -> dict[str, Any]:
        """The model as it travels in XCom; of ``extra`` the first fields that fit into ``MAX_EXTRA``."""
        return {
            **dict(_fitting(self.extra)),
            "name": self.name,
            "category": self.category,
            "credits": self.credits,
            "unit": self.unit,
            "providers": list(self.providers),
            "featured": self.featured,
            **({"unread": self.unread} if self.unread else {}),
        }


def read_model(row: Mapping[str, Any], category: str | None, key: str | None) -> Model | None:
    """The model of a row, or None when it is none.

    :param category: what the place of the row says about it.
    :param key: the key it stands under, its name when it has no other.
    """
    return _Row(row).model(category, key)


def names_of(row: Mapping[str, Any], key: str | None = None) -> list[str]:
    """Everything a row calls itself; the first is the name to write into a movie, as far as one can tell.

    ``{"id": "flux-pro", "name": "FLUX Pro"}``: of several names the technical one.
    """
    fields = folded(row)
    found = [row[fields[word]] for word in _NAMES if word in fields]
    names = [name for name in map(text, [*found, key]) if name]
    return sorted(dict.fromkeys(names), key=lambda name: not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name))


def folded(row: Mapping[str, Any]) -> dict[str, str]:
    """The keys of a row by their folded spelling; of two the first."""
    return {fold(key): key for key in reversed(list(row))}


def fold(key: str) -> str:
    """A key without case and separators."""
    return re.sub(r"[\W_]", "", key.lower())


def text(value: Any) -> str | None:
    """Text that can be a name and be shown in a log: printable, at most 200 characters; else None."""
    name = value.strip() if isinstance(value, str) else ""
    return name if 0 < len(name) <= 200 and name.isprintable() else None


def known_category(value: Any) -> str | None:
    """The known category in a word: ``Text-to-Image`` is image, ``image-to-video`` is video; else None."""
    word = (text(value) or "").lower()
    at = {category: word.rfind(said) for said, category in _SYNONYMS.items() if said in word}
    return max(at, key=lambda category: at[category], default=None)


class _Row:
    """A row, and which of its keys were understood."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row
        self.fields = folded(row)
        self.used: set[str] = set()

    def model(self, category: str | None, key: str | None) -> Model | None:
        names = names_of(self.row, key)
        if not names:
            return None
        own = self.take(_CATEGORIES, known_category)
        credits, unit = self.take(_CREDITS, _price) or (None, None)
        providers = self.take(_PROVIDERS, _providers) or ()
        named = names_of(self.row)
        if credits is None and not providers and not (named and (own or category in CATEGORIES)):
            return None
        unit = self.take(_UNITS, _unit) or unit or self.unit_in_key()
        if unit == "minute":
            credits, unit = None if credits is None else credits / 60, "second"
        category = own or category or self.take(_CATEGORIES, _word)
        featured = self.take(_FEATURED, _truth) or False
        self.used |= {key for key in self.row if fold(key) in _NAMES and text(self.row[key]) == names[0]}
        unread = self.unread(*(_CREDITS if credits is None else ()), *(_UNITS if unit is None else ()))
        return Model(names[0], category, credits, unit, providers, featured, self.rest(), unread)

    def take(self, words: tuple[str, ...], read: Callable[[Any], T | None]) -> T | None:
        """The first of these fields that can be read."""
        for word in words:
            key = self.fields.get(word)
            if key is not None and (value := read(self.row[key])) is not None:
                self.used.add(key)
                return value
        return None

    def unread(self, *words: str) -> str | None:
        """What these fields say, as it is written."""
        keys = [self.fields[word] for word in words if word in self.fields]
        said = [
            f"{key}: {_raw(self.row[key])}" for key in keys if self.row[key] not in (None, "") and key not in self.used
        ]
        return escape(", ".join(said), MAX_UNREAD) or self.take(("unread",), text)

    def unit_in_key(self) -> str | None:
        """``credits_per_second`` names its unit; ``credits_per_unit`` does not."""
        units = (_unit(fold(key).partition("per")[2]) for key in self.used)
        return next((unit for unit in units if unit in _COUNTED), None)

    def rest(self) -> dict[str, Any]:
        return {key: value for key, value in self.row.items() if key not in self.used and fold(key) not in _OWN}


def _raw(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return str(type(value).__name__)


def _price(value: Any) -> tuple[float, str | None] | None:
    """Credits, and the unit where it is said with them: ``20``, ``"20 / file"``, ``{"amount": 20, "unit": "file"}``."""
    if isinstance(value, Mapping):
        return _nested_price(value)
    if not isinstance(value, str):
        number = _number(value)
        return None if number is None else (number, None)
    if value.strip().lower() == "free":
        return 0.0, None
    said = _PRICE.fullmatch(value.strip())
    number = _number(float(said[1])) if said else None
    return (number, _unit(said[2])) if said and number is not None else None


def _nested_price(value: Mapping[str, Any]) -> tuple[float, str | None] | None:
    fields = folded(value)
    amount = next((value[fields[word]] for word in ("credits", "amount", "value") if word in fields), None)
    if amount is not None and not isinstance(amount, Mapping) and (price := _price(amount)):
        units = (_unit(value[fields[word]]) for word in _UNITS if word in fields)
        return price[0], next(filter(None, units), price[1])
    by_unit = [(number, _unit(fold(key))) for key, n in value.items() if (number := _number(n)) is not None]
    return by_unit[0] if len(by_unit) == 1 and by_unit[0][1] in _COUNTED else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if 0 <= number < float("inf") else None


def _unit(value: Any) -> str | None:
    """``file``, ``second``, ``minute``, or the service's own word."""
    word = (text(value) or "").lower().removeprefix("per").strip(" -_")
    if word in ("s", "sec", "secs", "second", "seconds"):
        return "second"
    if word in ("min", "minute", "minutes"):
        return "minute"
    return "file" if word.removesuffix("s") in _FILE else word or None


def _word(value: Any) -> str | None:
    word = text(value)
    return word.lower() if word else None


def _providers(value: Any) -> tuple[str, ...] | None:
    """``["a", "b"]``, ``[{"name": "a"}]``, ``{"a": …}`` or ``"a, b"``."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | Mapping):
        return None
    names = (next(iter(names_of(item)), None) if isinstance(item, Mapping) else _word(item) for item in items)
    return tuple(dict.fromkeys(name.lower() for name in names if name)) or None


def _truth(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(value.lower())
    return bool(value) if isinstance(value, int) else None


def _fitting(extra: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    room = MAX_EXTRA
    for key, value in extra.items():
        size = len(json.dumps({key: value}, default=str))
        if size <= room:
            room -= size
            yield key, value
