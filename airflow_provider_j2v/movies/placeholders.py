"""Which names the placeholders of a text use, and which variables are in reach of it. Nothing is computed here.

``{{ }}`` holds a name or an expression (documented: arithmetic, comparisons, ``and``, ``or``, ``? :`` and functions;
``not``, ``%``, dotted and indexed names are understood too). The nearest scope wins: element, scene, movie.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

#: The counters of a repeated scene (third party).
COUNTERS = ("iteration", "first_iteration", "last_iteration")
#: Words of expressions that are no variables.
WORDS = frozenset(("and", "or", "not", "true", "false", "null"))

PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
_TOKEN = re.compile(
    r"\s*(?:(?P<value>\d+(?:\.\d+)?(?!\w)|'[^']*'|\"[^\"]*\")|(?P<name>\w+)"
    r"|(?P<op>===?|!==?|<=|>=|&&|\|\||[-+*/%<>?:(),!.\[\]]))\s*",
    re.ASCII,
)
_SIMPLE = re.compile(r"\s*(\w+)\s*", re.ASCII)
_NUMBER = re.compile(r"\d+")
_MAX_LENGTH = 1000

#: What a scope answers for a name it does not hold.
MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Expression:
    """What stands between the braces.

    :param source: as written, without the space around it.
    :param references: each variable once, with the properties asked of it: ``user.name`` is ``("user", "name")``.
    :param functions: the names of the functions called.
    :param trouble: why it cannot be read, or None.
    """

    source: str
    references: tuple[tuple[str, ...], ...] = ()
    functions: tuple[str, ...] = ()
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the items over which a scene is repeated.

    :param values: its value in each item that has it.
    :param without: the index of the first item that lacks it, or None.
    """

    values: list[Any]
    without: int | None


@dataclass(slots=True)
class Scope:
    """The variables of one level, and the levels around it.

    :param own: value by name; a ``Field`` for the fields of repeated items.
    :param open: there may be more variables than are known here.
    """

    own: Mapping[str, Any]
    outer: Scope | None = None
    open: bool = False

    def find(self, name: str) -> Any:
        """The nearest value of that name, or ``MISSING``."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.own:
                return scope.own[name]
            scope = scope.outer
        return MISSING

    def is_open(self) -> bool:
        """Whether a name that is not found may be defined all the same."""
        return self.open or (self.outer is not None and self.outer.is_open())

    def names(self) -> Iterator[str]:
        """Every name in reach."""
        yield from self.own
        if self.outer is not None:
            yield from self.outer.names()


def expressions(text: str) -> Iterator[Expression]:
    """What the placeholders of a text hold, in their order."""
    for inner in PLACEHOLDER.findall(text):
        yield read(inner)


def only(text: object) -> str | None:
    """The name, when a text is one placeholder with nothing but a name in it."""
    if not isinstance(text, str) or not text.startswith("{{") or text.find("}}") < len(text) - 2:
        return None
    whole = PLACEHOLDER.fullmatch(text)
    simple = _SIMPLE.fullmatch(whole[1]) if whole else None
    return simple[1] if simple else None


def fields(items: Sequence[Any]) -> dict[str, Any]:
    """The fields of all items together, and the counters: what the placeholders of a repeated scene may use."""
    objects = {i: item for i, item in enumerate(items) if isinstance(item, Mapping)}
    values: defaultdict[str, list[Any]] = defaultdict(list)
    for item in objects.values():
        for name, value in item.items():
            values[name].append(value)
    found = {
        name: Field(held, None if len(held) == len(objects) else next(i for i in objects if name not in objects[i]))
        for name, held in values.items()
    }
    return {**found, **dict.fromkeys(COUNTERS)}


def read(source: str) -> Expression:
    """Read an expression for the names it uses."""
    if len(source) > _MAX_LENGTH:
        return Expression(source.strip(), trouble=f"is longer than {_MAX_LENGTH} characters")
    return _read(source)


@lru_cache(maxsize=8192)
def _read(source: str) -> Expression:
    if simple := _SIMPLE.fullmatch(source):
        return _word(simple[1])
    source = source.strip()
    if not source:
        return Expression(source, trouble="is empty")
    reader = _Reader()
    trouble = reader.read(source)
    return Expression(source, tuple(dict.fromkeys(map(tuple, reader.references))), tuple(reader.functions), trouble)


def _word(word: str) -> Expression:
    return Expression(word) if word in WORDS or _NUMBER.fullmatch(word) else Expression(word, ((word,),))


@dataclass(slots=True)
class _Reader:
    """Sees that operands and operators take turns, and that what is opened is closed."""

    references: list[list[str]] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    #: What is not closed yet: ``(``, ``call``, ``[`` or ``?``.
    opened: list[str] = field(default_factory=list)
    #: What the last token was: nothing that ends an operand (""), a ``value``, a ``name``, what ``indexed`` one, a dot.
    after: str = ""

    def read(self, source: str) -> str | None:
        """Why the expression cannot be read, or None."""
        at = 0
        while at < len(source):
            token = _TOKEN.match(source, at)
            if token is None:
                return f"has {source[at]!r}, which no expression has"
            at = token.end()
            kind = token.lastgroup or ""
            word = token[kind]
            if not (self.operator(kind, word) if self.after else self.operand(kind, word)):
                return f"makes no sense at {word!r}"
        return "ends too early" if self.opened or self.after in ("", ".", ". of an item") else None

    def operand(self, kind: str, word: str) -> bool:
        """Take a token where a value is due; False when it is none."""
        if word == "(":
            self.opened.append("(")
        elif word == ")" and self.opened[-1:] == ["call"]:  # a function without arguments
            self.opened.pop()
            self.after = "value"
        elif kind == "op" or word in ("and", "or", "not"):
            return word in ("-", "+", "!", "not")
        elif kind == "value" or word in WORDS or _NUMBER.fullmatch(word):
            self.after = "value"
        else:
            self.references.append([word])
            self.after = "name"
        return True

    def operator(self, kind: str, word: str) -> bool:
        """Take a token after a value; False when it cannot go on from there."""
        was, self.after = self.after, ""
        last = self.opened[-1] if self.opened else ""
        if was in (".", ". of an item"):
            if was == ".":
                self.references[-1].append(word)
            self.after = "name" if was == "." else "indexed"
            return kind == "name"
        match word:
            case "(":
                self.opened.append("call")
                called = self.references.pop() if was == "name" else []
                self.functions += called
                return len(called) == 1  # a method, as in a.b(), is Jinja's
            case ".":
                self.after = "." if was == "name" else ". of an item"
                return was in ("name", "indexed")
            case "[" | "?":
                self.opened.append(word)
                return word == "?" or was in ("name", "indexed")
            case ")" | "]":
                self.after = "value" if word == ")" else "indexed"
                return bool(self.opened) and self.opened.pop() in (("(", "call") if word == ")" else ("[",))
            case ":":
                return bool(self.opened) and self.opened.pop() == "?"
            case ",":
                return last == "call"
            case _:
                return (kind == "op" and word != "!") or word in ("and", "or")
