"""What each element comes to when it plays, as far as that decides who makes it and who pays.

Variables may say the type, the model or the connection, and others each time a scene is repeated or imported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from airflow_provider_j2v.movies.expressions import UNKNOWN, fill
from airflow_provider_j2v.movies.scopes import Scope, Stage, generated, inside, kept, present

#: Where a movie and a scene have elements.
PARTS = ("preload", "elements")
#: Where no variable is known: what is true there is true whatever they are.
NOWHERE = Scope()
#: Stands for a value that is no text where one has to be.
ODD: Final = object()

_DECISIVE = ("type", "src", "prompt", "model", "connection")


class Made(NamedTuple):
    """What an element comes to at a time at which it plays.

    :param made: whether an AI model makes it, as ``generated``.
    :param kind: its type; ``element`` when that cannot be computed.
    :param model: a text, None when it names none, ``UNKNOWN``, or ``ODD``.
    :param named: the connection that it names, in the same way.
    """

    made: bool | None
    kind: str
    model: Any
    named: Any

    @classmethod
    def of(cls, element: Mapping[str, Any], scope: Scope) -> Made:
        """:param scope: the variables in reach inside the element."""
        kind = fill(element.get("type"), scope)
        model, named = (_word(fill(element.get(name), scope)) for name in ("model", "connection"))
        return cls(generated(element, scope), kind if isinstance(kind, str) else "element", model, named)


def appearances(stage: Stage) -> Mapping[str, Mapping[Made, None]]:
    """Of elements that vary: by path, what each comes to when it plays, or may, every difference once."""
    found: defaultdict[str, dict[Made, None]] = defaultdict(dict)
    for turn in (stage.whole, *stage.scenes()):
        for part in PARTS:
            for path, element in turn.elements(part):
                if varies(element):
                    scope = inside(element, turn.scope)
                    if kept(element, scope) is not False:
                        found[path][Made.of(element, scope)] = None
    return found


def varies(element: Mapping[str, Any]) -> bool:
    """Whether variables have a say in who makes an element and who pays."""
    return any(has_braces(element.get(name)) for name in _DECISIVE)


def has_braces(value: Any) -> bool:
    """Whether a value is a text in which placeholders may be."""
    return isinstance(value, str) and "{{" in value


def _word(value: Any) -> Any:
    """A property that has to be a text: the text, None when there is none, ``UNKNOWN``, or ``ODD``."""
    if isinstance(value, str) or value is UNKNOWN:
        return value or None
    return ODD if present(value) else None
