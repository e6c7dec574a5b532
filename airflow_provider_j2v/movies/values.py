"""What a property of a movie may hold.

Each is said once for three readers: the models that are built in Python, the JSON Schema for editors, and the check of
raw documents. A value is looked at and never changed, so that what is loaded comes out as it went in. Everywhere a
text with a ``{{ }}`` expression is as good as the value itself: the service's variables can fill it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from types import NoneType
from typing import Any, Literal, NamedTuple, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from airflow_provider_j2v.api.reply import escape

DeviationKind = Literal["unknown", "type", "range", "enum", "retired"]

_NUMERIC = (int, float)
_EXPRESSION = {"type": "string", "pattern": r"\{\{"}
_LONGEST_WORD = 60
#: Messages list so many words.
_LISTED = 12


class Misfit(NamedTuple):
    """What is wrong with a value: the message goes on after its path, the hint says what to write instead."""

    kind: DeviationKind
    message: str
    hint: str | None = None


class Value:
    """Base of what a property may hold. ``misfit(value)`` is None for what fits."""

    def misfit(self, value: Any) -> Misfit | None:
        raise NotImplementedError

    def json_schema(self) -> dict[str, Any]:
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._checked)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return self.json_schema()

    def _checked(self, value: Any) -> Any:
        misfit = None if value is None else self.misfit(value)
        if misfit:
            message = misfit.message + (f"; {misfit.hint}" if misfit.hint else "")
            raise PydanticCustomError(misfit.kind, "{message}", {"message": message})
        return value


class Expression(Value):
    """A text with an expression in the place of an object or a list."""

    def misfit(self, value: Any) -> Misfit | None:
        return None if is_expression(value) else Misfit("type", f"must hold an expression, not {shown(value)}")

    def json_schema(self) -> dict[str, Any]:
        return _EXPRESSION


class Number(Value):
    """A finite number, within ``least`` and ``most`` where these are given, both included."""

    def __init__(self, least: float | None = None, most: float | None = None, *, whole: bool = False) -> None:
        self.least = -math.inf if least is None else least
        self.most = math.inf if most is None else most
        self.whole = whole
        self._must = f"must be {_range(least, most, 'a whole number' if whole else 'a number')}"
        limits = {"type": "integer" if whole else "number", "minimum": least, "maximum": most}
        self._schema = {key: limit for key, limit in limits.items() if limit is not None}

    def misfit(self, value: Any) -> Misfit | None:
        if isinstance(value, _NUMERIC) and value is not True and value is not False:
            if not self.least <= value <= self.most:
                return Misfit("range", f"{self._must}, not {shown(value)}")
            if isinstance(value, float) and not (value.is_integer() if self.whole else math.isfinite(value)):
                return Misfit("type", f"{self._must}, not {shown(value)}")
            return None
        if is_expression(value):
            return None
        hint = f"write {value.strip()} without quotes" if _reads_as_number(value) else None
        return Misfit("type", f"{self._must}, not {shown(value)}", hint)

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [self._schema, _EXPRESSION]}


class Flag(Value):
    """True or false."""

    def misfit(self, value: Any) -> Misfit | None:
        if value is True or value is False or is_expression(value):
            return None
        word = value.strip().lower() if isinstance(value, str) else None
        hint = f"write {word} without quotes" if word in ("true", "false") else None
        return Misfit("type", f"must be true or false, not {shown(value)}", hint)

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "boolean"}, _EXPRESSION]}


class Word(Value):
    """One of the words of a ``Literal``.

    :param literal: the ``Literal`` type.
    :param hints: what to write instead of words that people take for one of them.
    """

    def __init__(self, literal: Any, hints: Mapping[str, str] | None = None) -> None:
        self.words: tuple[str, ...] = get_args(literal)
        self._known = frozenset(self.words)
        self._hints = hints or {}
        more = len(self.words) - _LISTED
        self._must = f"must be one of {', '.join(self.words[:_LISTED])}" + (f" and {more} more" if more > 0 else "")

    def misfit(self, value: Any) -> Misfit | None:
        if not isinstance(value, str):
            return Misfit("type", f"{self._must}, not {shown(value)}")
        if value in self._known or is_expression(value):
            return None
        hint = self._hints.get(value)
        if hint is None and (near := near_match(value, self.words)):
            hint = f'write "{near}"'
        return Misfit("enum", f"{self._must}, not {shown(value)}", hint)

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(self.words)}, _EXPRESSION]}


class Textual(Value):
    """Any text, or with ``number`` a number as well, as in CSS. Messages do not show the value: it may be secret."""

    def __init__(self, *, number: bool = False) -> None:
        self._number = number

    def misfit(self, value: Any) -> Misfit | None:
        if isinstance(value, str):
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and self._number and math.isfinite(value):
            return None
        must = "must be a text or a number" if self._number else "must be a text"
        return Misfit("type", f"{must}, not {kind_of(value)}", "write it in quotes" if is_number else None)

    def json_schema(self) -> dict[str, Any]:
        return {"type": ["string", "number"] if self._number else "string"}


class Truth(Value):
    """True or false, or a text, of which only an empty one and false are false; null is false."""

    def misfit(self, value: Any) -> Misfit | None:
        if value is None or isinstance(value, str | bool):
            return None
        hint = "write it in quotes" if isinstance(value, int | float) else None
        return Misfit("type", f"must be a text, true or false, not {kind_of(value)}", hint)

    def json_schema(self) -> dict[str, Any]:
        return {"type": ["string", "boolean", "null"]}


class Texts(Value):
    """A list of texts, or a single one."""

    def misfit(self, value: Any) -> Misfit | None:
        if isinstance(value, str) or (isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)):
            return None
        return Misfit("type", f"must be a list of texts, not {shown(value)}")

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]}


class Object(Value):
    """An object with names of the author's or of another table: variables, a component's settings, …"""

    def __init__(self, *, expression: bool = False) -> None:
        self._expression = expression

    def misfit(self, value: Any) -> Misfit | None:
        if isinstance(value, Mapping) or (self._expression and is_expression(value)):
            return None
        return Misfit("type", f"must be an object, not {shown(value)}")

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "object"}, _EXPRESSION]} if self._expression else {"type": "object"}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        plain = handler.generate_schema(dict[str, JsonValue])
        text = core_schema.no_info_plain_validator_function(self._checked)
        return core_schema.union_schema([plain, text]) if self._expression else core_schema.nullable_schema(plain)


def is_expression(value: Any) -> bool:
    """True for a text that holds a ``{{ }}`` expression."""
    return isinstance(value, str) and "{{" in value


def near_match(word: str, words: tuple[str, ...] | frozenset[str]) -> str | None:
    """The one of ``words`` that ``word`` was probably meant to be."""
    if len(word) > _LONGEST_WORD:
        return None
    return next(iter(get_close_matches(kebab(word), words, 1, 0.75)), None)


def kebab(name: str) -> str:
    """``fontSize``, ``font_size`` and ``Font Size`` as the service spells them: ``font-size``."""
    parts = [f"-{c.lower()}" if c.isupper() else c for c in name.strip().replace("_", "-").replace(" ", "-")]
    return "".join(parts).removeprefix("-").replace("--", "-")


def shown(value: Any) -> str:
    """A value as a message may show it: itself if it is short and simple, else what it is."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{escape(value, 60)}"'
    if isinstance(value, float) or (isinstance(value, int) and value.bit_length() < 128):
        return str(value)
    return kind_of(value)


def kind_of(value: Any) -> str:
    """What a value is, in JSON's words."""
    kinds: tuple[tuple[Any, str], ...] = (
        (NoneType, "null"),
        (bool, "true or false"),
        (int | float, "a number"),
        (str, "a text"),
        (Mapping, "an object"),
        (list | tuple, "a list"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), f"a {type(value).__name__}")


def _reads_as_number(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) < 40 and math.isfinite(float(value))
    except ValueError:
        return False


def _range(least: float | None, most: float | None, what: str) -> str:
    if least is not None and most is not None:
        return f"{what} from {least:g} to {most:g}"
    if least is not None:
        return f"{what} of at least {least:g}"
    return what if most is None else f"{what} of at most {most:g}"
