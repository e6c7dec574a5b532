"""How rules are written down and which of them look at what.

A rule is a function that gives the problem of one place, or none. It is asked once about each place of its subject,
as ``look(place)``, or, when it names ``keys``, about each of these properties that is there, as
``look(place, key, value)``: so that a large movie costs no more than what is in it. Texts with braces and placeholders
are looked at again whenever a repeated or imported scene plays with other variables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Literal, TypeVar

from airflow_provider_j2v.movies.findings import Problem, Severity

#: What a fact rests on, for the page of rules.
DOCUMENTED = "documented"
LIVE = "seen live"
CLIENT = "read in the service's own n8n node"
THIRD_PARTY = "third party"
DISPUTED = "documents disagree"
OURS = "our reading"

Subject = Literal["movie", "scene", "element", "url", "destination", "placeholder", "text", "deviation"]
Found = Problem | Iterable[Problem] | None
Look = Callable[..., Found]
L = TypeVar("L", bound=Look)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that lint looks for.

    :param id: stable, in kebab case.
    :param severity: ``error`` only for what is documented or seen live and undisputed.
    :param about: what it finds, for the page of rules.
    :param source: what the fact rests on.
    :param subjects: what it looks at; a ``text`` when it holds nothing but placeholders, or braces that are none.
    :param keys: the properties it is asked about; none: it is asked about the whole.
    :param types: the element types it looks at; the empty text stands for any other; none: all.
    """

    id: str
    severity: Severity
    about: str
    source: str
    subjects: tuple[Subject, ...]
    keys: tuple[str, ...]
    types: tuple[str, ...]
    look: Look = field(repr=False)


#: Every rule in the order in which it was written down.
RULES: list[Rule] = []


def rule(
    id: str,
    severity: Severity,
    source: str,
    *,
    on: Subject | tuple[Subject, ...],
    keys: tuple[str, ...] = (),
    types: tuple[str, ...] = (),
) -> Callable[[L], L]:
    """Write a rule down: the function below is how it looks, and its docstring is what the page says of it."""

    def add(look: L) -> L:
        subjects = (on,) if isinstance(on, str) else on
        RULES.append(Rule(id, severity, cleandoc(look.__doc__ or ""), source, subjects, keys, types, look))
        return look

    return add


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


@dataclass(frozen=True)
class Table:
    """The rules for one kind of object: those asked once, those about a property, those about the URL in one."""

    always: tuple[Rule, ...]
    keyed: Mapping[str, tuple[Rule, ...]]
    urls: Mapping[str, tuple[Rule, ...]]

    @classmethod
    def of(cls, subject: Subject, kind: str | None = None) -> Table:
        """The rules of a subject; of elements those of their type."""
        mine = _chosen(subject, kind)
        urls = _chosen("url", kind) if subject == "element" else []
        return cls(tuple(r for r in mine if not r.keys), _by_key(mine), _by_key(urls))


def _chosen(subject: Subject, kind: str | None) -> list[Rule]:
    return [r for r in RULES if subject in r.subjects and (not r.types or kind in r.types)]


def _by_key(rules: Iterable[Rule]) -> dict[str, tuple[Rule, ...]]:
    found: defaultdict[str, tuple[Rule, ...]] = defaultdict(tuple)
    for r in rules:
        for key in r.keys:
            found[key] += (r,)
    return dict(found)
