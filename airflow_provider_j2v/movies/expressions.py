"""The expressions inside ``{{ }}``: arithmetic, comparison, ``and``/``or``, ternary and a few functions.

Documented are ``+ - * /``, comparisons, ``and``, ``or``, ``? :`` and the functions ``min``, ``max``, ``ceil``
(the list of functions in the source is cut).
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<string>'[^']*'|\"[^\"]*\")|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<op>==|!=|<=|>=|&&|\|\||[-+*/%<>?:(),!]))"
)
_NAME = re.compile(r"[A-Za-z_]\w*")
_MAX_LENGTH = 1000

_BINARY: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "or": (1, lambda a, b: a if truthy(a) else b),
    "and": (2, lambda a, b: b if truthy(a) else a),
    "==": (3, lambda a, b: _alike(a, b)),
    "!=": (3, lambda a, b: not _alike(a, b)),
    "<": (4, operator.lt),
    "<=": (4, operator.le),
    ">": (4, operator.gt),
    ">=": (4, operator.ge),
    "+": (5, lambda a, b: _double(a + b) if _number(a) and _number(b) else text(a) + text(b)),
    "-": (5, operator.sub),
    "*": (6, lambda a, b: _double(_as_number(a) * _as_number(b))),
    "/": (6, operator.truediv),
    "%": (6, lambda a, b: operator.mod(_as_number(a), _as_number(b))),
}
_SYNONYMS = {"&&": "and", "||": "or"}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "ceil": math.ceil,
    "floor": math.floor,
    "round": lambda number, digits=0: round(number, max(-15, min(int(digits), 15))),  # a huge one would never end
    "abs": abs,
}
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}


class Uncomputable(ValueError):
    """An expression uses a name that is not given, or cannot be understood here."""


def evaluate(source: str, variables: Mapping[str, Any]) -> Any:
    """The value of an expression as a render takes it: an unknown name is empty, and so is what makes no sense."""
    try:
        return _value(source, variables, strict=False)
    except Uncomputable:
        return ""


def compute(source: str, variables: Mapping[str, Any]) -> Any:
    """The value of an expression all of whose names are given.

    :raises Uncomputable: a name is not among ``variables``, or the expression cannot be understood.
    """
    return _value(source, variables, strict=True)


def _value(source: str, variables: Mapping[str, Any], *, strict: bool) -> Any:
    name = source.strip()
    if name in variables and _NAME.fullmatch(name):  # most expressions are a plain name, which keeps its type
        return variables[name]
    if len(source) > _MAX_LENGTH:
        raise Uncomputable("the expression is too long")
    try:
        return _Parser(source, variables, strict=strict).whole()
    except (ValueError, TypeError, ArithmeticError, RecursionError) as e:
        raise Uncomputable(str(e)) from None


def truthy(value: Any) -> bool:
    """What keeps a scene or element: any value but nothing, zero, false and the texts that say so."""
    return bool(value) and value not in ("false", "0")


def text(value: Any) -> str:
    """How a value reads inside a text: numbers without a needless fraction, booleans in lower case."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_number(value: Any) -> Any:
    if not _number(value):
        raise TypeError(f"not a number: {value!r}")
    return value


def _double(value: Any) -> Any:
    """The value, unless it is larger than any number of the service's language (``OverflowError``)."""
    float(value)
    return value


def _alike(a: Any, b: Any) -> bool:
    return bool(a == b) or text(a) == text(b)


def _typed(value: Any) -> Any:
    """Variables often hold numbers as text: they count as numbers where they look like one."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", value):
        return float(value) if "." in value else int(value)
    return value


class _Parser:
    """Precedence climbing that computes while it reads."""

    def __init__(self, source: str, variables: Mapping[str, Any], *, strict: bool) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._variables = variables
        self._strict = strict
        at = 0
        source = source.strip()
        while at < len(source):
            match = _TOKEN.match(source, at)
            if match is None or match.lastgroup is None:
                raise ValueError(f"unexpected {source[at]!r}")
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()

    def whole(self) -> Any:
        if len(self._tokens) == 1 and self._tokens[0][0] == "name":
            return self._name(self._tokens[0][1])  # a plain name keeps its type
        value = self._ternary()
        if self._tokens:
            raise ValueError("something follows the expression")
        return value

    def _peek(self) -> str:
        return _SYNONYMS.get(self._tokens[0][1], self._tokens[0][1]) if self._tokens else ""

    def _expect(self, symbol: str) -> None:
        if self._peek() != symbol:
            raise ValueError(f"expected {symbol!r}")
        self._tokens.pop(0)

    def _ternary(self) -> Any:
        condition = self._binary(0)
        if self._peek() != "?":
            return condition
        self._expect("?")
        yes = self._ternary()
        self._expect(":")
        no = self._ternary()
        return yes if truthy(condition) else no

    def _binary(self, floor: int) -> Any:
        left = self._unary()
        while (found := _BINARY.get(self._peek())) and found[0] > floor:
            self._tokens.pop(0)
            left = found[1](left, self._binary(found[0]))
        return left

    def _unary(self) -> Any:
        if self._peek() in ("-", "!", "not"):
            sign = self._tokens.pop(0)[1]
            value = self._unary()
            return -value if sign == "-" else not truthy(value)
        return self._atom()

    def _atom(self) -> Any:
        if not self._tokens:
            raise ValueError("the expression ends too early")
        kind, word = self._tokens.pop(0)
        if kind == "number":
            return _typed(word)
        if kind == "string":
            return word[1:-1]
        if word == "(":
            value = self._ternary()
            self._expect(")")
            return value
        if kind == "name" and self._peek() == "(":
            return self._call(word)
        if kind == "name":
            return _typed(self._name(word))
        raise ValueError(f"unexpected {word!r}")

    def _call(self, name: str) -> Any:
        if name not in _FUNCTIONS:
            raise ValueError(f"unknown function {name!r}")
        self._expect("(")
        arguments = [_as_number(self._ternary())]
        while self._peek() == ",":
            self._expect(",")
            arguments.append(_as_number(self._ternary()))
        self._expect(")")
        return _FUNCTIONS[name](*arguments) if len(arguments) > 1 or name not in ("min", "max") else arguments[0]

    def _name(self, name: str) -> Any:
        if name in self._variables:
            return self._variables[name]
        if self._strict and name not in _CONSTANTS:
            raise Uncomputable(f"{name} is not given")
        return _CONSTANTS.get(name, "")
