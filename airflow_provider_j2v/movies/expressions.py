"""The expressions inside ``{{ }}``: what they use, and what they come to. The one place that knows their grammar.

Documented are names, ``+ - * /``, comparisons, ``and``, ``or``, ``? :`` and the functions ``min``, ``max``, ``ceil``
(the list of functions in the source is cut). ``not``, ``%``, ``!``, ``&&``, ``||`` and three more functions are our
reading. ``a.b``, ``a[0]`` and ``===`` are known for what they are, so that their names can be told, and are never
computed: no document says that they work. ``read`` tells lint what an expression uses, ``compute`` the estimate what
it comes to, ``evaluate`` the sandbox what is shown: all three read it the same way.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

#: A placeholder; its group is the expression.
PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
#: Words of expressions that are no variables.
WORDS = frozenset(("and", "or", "not", "true", "false", "null"))
#: Stands for a value that cannot be computed, because a variable is not given.
UNKNOWN: Final = object()

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?!\w))|(?P<string>'[^']*'|\"[^\"]*\")|(?P<name>\w+)"
    r"|(?P<op>===?|!==?|<=|>=|&&|\|\||[-+*/%<>?:(),!.\[\]])|(?P<odd>\S))",
    re.ASCII,
)
_NAME = re.compile(r"\w+", re.ASCII)
_DIGITS = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)
_MAX_LENGTH = 1000
_MAX_DEPTH = 40

_BINARY: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "or": (1, lambda a, b: a if truthy(a) else b),
    "and": (2, lambda a, b: b if truthy(a) else a),
    "==": (3, lambda a, b: _alike(a, b)),
    "!=": (3, lambda a, b: not _alike(a, b)),
    "===": (3, lambda a, b: _undocumented()),
    "!==": (3, lambda a, b: _undocumented()),
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
    "min": lambda *numbers: min(numbers),
    "max": lambda *numbers: max(numbers),
    "ceil": math.ceil,
    "floor": math.floor,
    "round": lambda number, digits=0: round(number, max(-15, min(int(digits), 15))),  # a huge one would never end
    "abs": abs,
}
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}

#: One step of the computation: how many values it takes from the stack, and what it makes of them.
_Step = tuple[int, Callable[..., Any]]


class Uncomputable(ValueError):
    """An expression uses a name that is not given, or cannot be understood here."""


@dataclass(frozen=True, slots=True)
class Expression:
    """What stands between the braces, as ``read`` understands it.

    :param source: as written, without the space around it.
    :param references: each variable once, with the properties asked of it: ``user.name`` is ``("user", "name")``.
    :param functions: the names of the functions called, known ones or not.
    :param trouble: why it cannot be read, in words that go on after it, or None. Names are told as far as they go.
    :param undocumented: what it uses that no document describes (``"a.b"``, ``"a[0]"``, ``"==="``), or None.
    """

    source: str
    references: tuple[tuple[str, ...], ...] = ()
    functions: tuple[str, ...] = ()
    trouble: str | None = None
    undocumented: str | None = None
    _steps: tuple[str | _Step, ...] = field(default=(), repr=False, compare=False)


def read(source: str) -> Expression:
    """Read what stands between the braces, without computing anything; never raises."""
    if len(source) > _MAX_LENGTH:
        return Expression(source.strip(), trouble=f"is longer than {_MAX_LENGTH} characters")
    return _read(source)


def evaluate(source: str, variables: Mapping[str, Any]) -> Any:
    """The value of an expression as a render takes it: an unknown name is empty, and so is what makes no sense."""
    try:
        return _value(source, variables, strict=False)
    except Uncomputable:
        return ""


def compute(source: str, variables: Mapping[str, Any]) -> Any:
    """The value of an expression all of whose names are given.

    :param variables: values by name; one that is ``UNKNOWN`` counts as not given.
    :raises Uncomputable: a name is not given, or the expression cannot be understood.
    """
    return _value(source, variables, strict=True)


def fill(value: Any, variables: Mapping[str, Any]) -> Any:
    """A text with its placeholders computed, or ``UNKNOWN``; one that is a single placeholder gives the value itself.

    Anything but a text is left as it is.
    """
    if not isinstance(value, str) or "{{" not in value:
        return value
    whole = PLACEHOLDER.fullmatch(value.strip())
    try:
        if whole:
            return compute(whole[1], variables)
        return PLACEHOLDER.sub(lambda match: text(compute(match[1], variables)), value)
    except Uncomputable:
        return UNKNOWN


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


def _value(source: str, variables: Mapping[str, Any], *, strict: bool) -> Any:
    name = source.strip()
    if _NAME.fullmatch(name):  # most expressions are a plain name, which keeps its type
        found = variables.get(name, UNKNOWN)
        if found is not UNKNOWN:
            return found
    expression = read(source)
    if expression.trouble:
        raise Uncomputable(expression.trouble)
    stack: list[Any] = []
    try:
        for step in expression._steps:
            if isinstance(step, str):
                stack.append(_typed(_named(step, variables, strict=strict)))
            else:
                takes, make = step
                taken = stack[len(stack) - takes :]
                del stack[len(stack) - takes :]
                stack.append(make(*taken))
    except (ValueError, TypeError, ArithmeticError) as e:
        raise Uncomputable(str(e)) from None
    return stack[0]


def _named(name: str, variables: Mapping[str, Any], *, strict: bool) -> Any:
    found = variables.get(name, UNKNOWN)
    if found is not UNKNOWN:
        return found
    if strict and name not in _CONSTANTS:
        raise Uncomputable(f"{name} is not given")
    return _CONSTANTS.get(name, "")


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


def _undocumented(*_: Any) -> Any:
    raise Uncomputable("no document says what it comes to")


def _negative(value: Any) -> Any:
    return -_as_number(value)


def _chosen(condition: Any, yes: Any, no: Any) -> Any:
    return yes if truthy(condition) else no


def _constant(value: Any) -> _Step:
    return 0, lambda: value


def _typed(value: Any) -> Any:
    """Variables often hold numbers as text: they count as numbers where they look like one."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value


@lru_cache(maxsize=8192)
def _read(source: str) -> Expression:
    source = source.strip()
    if not source:
        return Expression(source, trouble="is empty")
    parser = _Parser(source)
    trouble = None
    try:
        parser.whole()
    except ValueError as e:
        trouble = str(e)
    references = tuple(dict.fromkeys(map(tuple, parser.references)))
    functions = tuple(parser.functions)
    return Expression(source, references, functions, trouble, parser.undocumented, tuple(parser.steps))


class _Parser:
    """Precedence climbing. The steps come out in the order in which they are computed, each after its operands.

    ``ValueError`` says why an expression cannot be read.
    """

    def __init__(self, source: str) -> None:
        self.references: list[list[str]] = []
        self.functions: list[str] = []
        self.undocumented: str | None = None
        self.steps: list[str | _Step] = []
        self._tokens = [(str(m.lastgroup), m[str(m.lastgroup)]) for m in _TOKEN.finditer(source)]
        self._at = 0
        self._depth = 0

    def whole(self) -> None:
        self._ternary()
        if self._at < len(self._tokens):
            raise self._senseless()

    def _peek(self) -> str:
        """The next word or sign; empty at the end."""
        word = self._tokens[self._at][1] if self._at < len(self._tokens) else ""
        return _SYNONYMS.get(word, word)

    def _take(self, symbol: str) -> bool:
        found = self._peek() == symbol
        self._at += found
        return found

    def _expect(self, symbol: str) -> None:
        if not self._take(symbol):
            raise self._senseless()

    def _senseless(self) -> ValueError:
        if self._at >= len(self._tokens):
            return ValueError("ends too early")
        kind, word = self._tokens[self._at]
        return ValueError(f"has {word!r}, which no expression has" if kind == "odd" else f"makes no sense at {word!r}")

    def _ternary(self) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError("is nested too deep")
        self._binary(0)
        if self._take("?"):
            self._ternary()
            self._expect(":")
            self._ternary()
            self.steps.append((3, _chosen))
        self._depth -= 1

    def _binary(self, floor: int) -> None:
        self._unary()
        while (found := _BINARY.get(symbol := self._peek())) and found[0] > floor:
            self._at += 1
            self._note(symbol if symbol in ("===", "!==") else None)
            self._binary(found[0])
            self.steps.append((2, found[1]))

    def _unary(self) -> None:
        signs: list[_Step] = []
        while (sign := self._peek()) in ("-", "!", "not"):
            self._at += 1
            signs.append((1, _negative if sign == "-" else lambda value: not truthy(value)))
        self._atom()
        self.steps.extend(reversed(signs))

    def _atom(self) -> None:
        kind, word = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if self._take("("):
            self._ternary()
            self._expect(")")
            return
        if kind not in ("number", "string", "name") or word in ("and", "or"):
            raise self._senseless()
        self._at += 1
        if kind == "number":
            self.steps.append(_constant(_typed(word)))
        elif kind == "string":
            self.steps.append(_constant(word[1:-1]))
        elif self._peek() == "(" and word not in WORDS:
            self._call(word)
        else:
            self._variable(word)

    def _call(self, name: str) -> None:
        self._expect("(")
        self.functions.append(name)
        count = 0
        while not self._take(")"):
            if count:
                self._expect(",")
            self._ternary()
            count += 1
        self.steps.append((count, lambda *numbers: _called(name, numbers)))

    def _variable(self, name: str) -> None:
        self.steps.append(name)
        if name in WORDS:
            return
        reference = [name]
        self.references.append(reference)
        plain = True
        while (symbol := self._peek()) in (".", "["):
            self._note("a.b" if symbol == "." else "a[0]")
            self._at += 1
            if symbol == "[":
                self._ternary()
                self._expect("]")
                self.steps.append((2, _undocumented))
            else:
                if self._at >= len(self._tokens) or self._tokens[self._at][0] != "name":
                    raise self._senseless()
                if plain:
                    reference.append(self._tokens[self._at][1])
                self._at += 1
                self.steps.append((1, _undocumented))
            plain = plain and symbol == "."

    def _note(self, undocumented: str | None) -> None:
        self.undocumented = self.undocumented or undocumented


def _called(name: str, arguments: tuple[Any, ...]) -> Any:
    if name not in _FUNCTIONS:
        raise ValueError(f"unknown function {name!r}")
    return _FUNCTIONS[name](*map(_as_number, arguments))
