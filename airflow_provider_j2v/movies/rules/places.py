"""Where in a movie a rule is looking, and what it may know of the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from typing import Any, TypeGuard

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.api.template_answers import INJECTED
from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.exceptions import InvalidMovie
from airflow_provider_j2v.movies.document import not_json, objects, too_large
from airflow_provider_j2v.movies.findings import Problem
from airflow_provider_j2v.movies.placeholders import MISSING, Scope, fields, only
from airflow_provider_j2v.movies.template_variables import Mismatch, mismatches

#: So many words are looked up in one movie, among so many names: that is slow where there are thousands of both.
_LOOKED_UP, _NAMES = 20, 1000
#: So many values that are no JSON are named.
_ODD = 20


@dataclass
class Whole:
    """The movie as it would be rendered, and what lint was given beside it.

    :param movie: what would be sent.
    :param template: the movie of the template it names, where that is known.
    :param schema: JSON Schema of the template's variables, where that is known.
    """

    movie: Mapping[str, Any]
    template: Mapping[str, Any] | None = None
    catalog: Catalog | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    _fields: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    _looked_up: int = 0

    @cached_property
    def _sending(self) -> tuple[list[Problem], list[Problem]]:
        try:
            return [], list(too_large(self.movie))
        except InvalidMovie:
            other = Problem("movie", "cannot be written as JSON", "look for numbers and texts that are none")
            return list(islice(not_json(self.movie), _ODD)) or [other], []

    @property
    def unsendable(self) -> list[Problem]:
        """What JSON has no word for; the first of it."""
        return self._sending[0]

    @property
    def too_large(self) -> list[Problem]:
        """More than the service takes."""
        return self._sending[1]

    @cached_property
    def body(self) -> Mapping[str, Any]:
        """Whose scenes and elements play: the template's, or the movie's own; nobody's when that is not known."""
        if self.template is not None:
            return self.template
        return {} if self.movie.get("template") else self.movie

    @cached_property
    def root(self) -> str:
        """What paths into the body begin with."""
        return "movie" if self.template is None else "template"

    @cached_property
    def inherited(self) -> Mapping[str, Any]:
        """What the template has and the movie does not set."""
        return {key: value for key, value in (self.template or {}).items() if key not in self.movie}

    @cached_property
    def variables(self) -> Mapping[str, Any]:
        """The movie's variables over those of its template."""
        inherited = (self.template or {}).get("variables")
        return {**(inherited if isinstance(inherited, dict) else {}), **self.given}

    @property
    def given(self) -> Mapping[str, Any]:
        """The movie's own variables."""
        given = self.movie.get("variables")
        return given if isinstance(given, dict) else {}

    @cached_property
    def mismatches(self) -> list[Mismatch]:
        """Variables that are not as the template's schema says."""
        return mismatches(self.given, self.schema) if self.schema else []

    @cached_property
    def scope(self) -> Scope:
        """The movie's level. It is open when a template that is not known, or one inside it, may define more."""
        unknown = (self.movie if self.template is None else self.template).get("template")
        # The service puts these into every template (seen live).
        injected = {} if self.template is None else dict.fromkeys(INJECTED, "set by the service")
        return Scope(
            {**injected, **self.variables}, open=bool(unknown) or not isinstance(self.movie.get("variables", {}), dict)
        )

    @cached_property
    def scenes(self) -> list[tuple[str, dict[str, Any]]]:
        """Every scene with its path."""
        return [(f"{self.root}.scenes[{i}]", scene) for i, scene in objects(self.body.get("scenes"))]

    @cached_property
    def types(self) -> Mapping[str, list[tuple[str, int, dict[str, Any]]]]:
        """Every element by its type, after the path of what it lies in and its place there.

        The empty text stands for a type that is no text.
        """
        found: defaultdict[str, list[tuple[str, int, dict[str, Any]]]] = defaultdict(list)
        for path, owner in [(self.root, self.body), *self.scenes]:
            for i, element in objects(owner.get("elements")):
                kind = element.get("type")
                found[kind if isinstance(kind, str) else ""].append((path, i, element))
        return found

    @cached_property
    def preloaded(self) -> frozenset[str]:
        """Ids of assets that are made first; how elements refer to them is not documented."""
        owners = [self.body, *(scene for _, scene in self.scenes)]
        ids = [item.get("id") for owner in owners for _, item in objects(owner.get("preload"))]
        return frozenset(id for id in ids if isinstance(id, str))

    def setting(self, name: str) -> Any:
        """A property of the movie, or else of its template."""
        return self.movie.get(name, (self.template or {}).get(name))

    def items(self, scene: Mapping[str, Any]) -> list[Any] | None:
        """The list over which a scene is repeated; None when there is none or it is not known."""
        named = scene.get("iterate")
        items = self.variables.get(only(named) or named) if isinstance(named, str) else None
        return items if isinstance(items, list) else None

    def fields(self, items: Sequence[Any]) -> Mapping[str, Any]:
        """The fields of the items of a variable, collected once."""
        if id(items) not in self._fields:
            self._fields[id(items)] = fields(items)
        return self._fields[id(items)]

    def inside(self, outer: Scope, data: Mapping[str, Any]) -> Scope:
        """The scope inside a scene or an element."""
        if data.get("iterate"):
            items = self.items(data) or []
            repeats = any(isinstance(item, dict) for item in items)
            outer = Scope(self.fields(items), outer) if repeats else Scope({}, outer, open=True)
        if "variables" in data:
            own = data["variables"]
            return Scope(own, outer) if isinstance(own, dict) else Scope({}, outer, open=True)
        return outer

    def meant(self, word: str, find: Callable[[str], Sequence[str]]) -> str:
        """``did you mean …? `` for a word that is much like one that is known, else nothing.

        :param find: words that look like one, the closest first.
        """
        self._looked_up += 1
        found = find(word[:60]) if self._looked_up <= _LOOKED_UP else ()
        return f'did you mean "{escape(found[0], 60)}"? ' if found else ""

    def near_variable(self, word: str, scope: Scope) -> str:
        """The variable that was probably meant, as ``meant`` says it."""
        return self.meant(word, lambda w: get_close_matches(w, list(islice(scope.names(), _NAMES)), 1, 0.7))


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(slots=True)
class Place:
    """One object of the movie that rules look at: the movie itself, a scene, an element or a destination.

    :param kind: its element type, or None.
    :param holder: the scene in which an element lies, or None.
    """

    path: str
    data: Mapping[str, Any]
    whole: Whole
    scope: Scope
    kind: str | None = None
    holder: Mapping[str, Any] | None = None

    def problem(self, key: str, message: str, hint: str) -> Problem:
        """A problem of one of its properties."""
        return Problem(f"{self.path}.{key}", message, hint)

    def value(self, key: str) -> Any:
        """A property's value; of a text that is one variable, that variable's value where it is known."""
        value = self.data.get(key)
        name = only(value)
        found = self.scope.find(name) if name else MISSING
        return value if found is MISSING else found
