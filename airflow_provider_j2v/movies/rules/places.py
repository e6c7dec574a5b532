"""Where in a movie a rule is looking, and what it may know of the rest."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from typing import Any, Final, TypeGuard

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.api.template_answers import INJECTED
from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.exceptions import InvalidMovie
from airflow_provider_j2v.movies.document import not_json, objects, too_large
from airflow_provider_j2v.movies.expressions import PLACEHOLDER, UNKNOWN, fill
from airflow_provider_j2v.movies.findings import Problem
from airflow_provider_j2v.movies.scopes import Scope, Stage, Turn, inside, kept
from airflow_provider_j2v.movies.template_variables import Mismatch, mismatches

#: So many words are looked up in one movie, among so many names: that is slow where there are thousands of both.
_LOOKED_UP, _NAMES = 20, 1000
#: So many values that are no JSON are named.
_ODD = 20
#: What a scope is to answer for a name it does not hold.
MISSING: Final = object()

_NUMERIC = (int, float)
_NAME = re.compile(r"\w+", re.ASCII)


class Repeated:
    """A list of items over which scenes are repeated.

    :param fields: the index of the first item that has a field, by its name.
    :param odd: the indices of what is no object.
    """

    def __init__(self, items: Sequence[Any]) -> None:
        self.fields: dict[str, int] = {}
        self.odd = [i for i, item in enumerate(items) if not isinstance(item, dict)]
        for i, item in enumerate(items):
            for name in item if isinstance(item, dict) else ():
                self.fields.setdefault(name, i)
        #: Fields that no placeholder can name.
        self.unnamed = [name for name in self.fields if not _NAME.fullmatch(name)]

    def first_odd(self, bounds: range) -> int | None:
        """The first index within bounds of what is no object."""
        first = bisect_left(self.odd, bounds.start)
        return next((self.odd[n] for n in range(first, len(self.odd)) if self.odd[n] in bounds), None)


@dataclass
class Whole:
    """The movie as it would be rendered, and what lint was given beside it.

    :param movie: what would be sent.
    :param template: the movie of the template it names, where that is known.
    :param schema: JSON Schema of the template's variables, where that is known.
    :param host: of the service, where that is known.
    """

    movie: Mapping[str, Any]
    template: Mapping[str, Any] | None = None
    catalog: Catalog | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    host: str = ""
    #: Filled on the way: the types of all elements; the empty text stands for one that is no text.
    kinds: set[str] = field(default_factory=set)
    #: Filled on the way: every subtitles element that may play, by its path.
    subtitles: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _repeated: dict[int, Repeated] = field(default_factory=dict)
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
    def stage(self) -> Stage:
        """What plays. The service puts some variables of its own into every template (seen live)."""
        injected = {} if self.template is None else dict.fromkeys(INJECTED, UNKNOWN)
        return Stage({**self.body, "variables": {**injected, **self.variables}}, self.root)

    @property
    def scope(self) -> Scope:
        """The movie's variables."""
        return self.stage.whole.scope

    @cached_property
    def open(self) -> bool:
        """Whether there may be more variables: a template that is not known, or one inside it, may define them."""
        unknown = (self.movie if self.template is None else self.template).get("template")
        return bool(unknown) or not isinstance(self.movie.get("variables", {}), dict)

    @cached_property
    def scenes(self) -> list[tuple[str, dict[str, Any]]]:
        """Every scene with its path."""
        return [(f"{self.root}.scenes[{i}]", scene) for i, scene in objects(self.body.get("scenes"))]

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids of scenes."""
        return frozenset(id for _, scene in self.scenes if isinstance(id := scene.get("id"), str))

    @cached_property
    def ids_unknown(self) -> bool:
        """Whether only the service knows the id of some scene."""
        return any("{{" in id for id in self.ids)

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

    def bounds(self, scene: Mapping[str, Any], items: Sequence[Any]) -> range | None:
        """The indices of the items for which a scene plays; None when that is not known."""
        given = [fill(scene.get(f"iterate-{name}"), self.scope) for name in ("from", "to", "step")]
        first, last, step = (default if b is None else b for b, default in zip(given, (0, len(items), 1), strict=True))
        if not all(isinstance(bound, int) for bound in (first, last, step)):
            return None
        return range(len(items))[max(0, first) : max(0, last) : max(1, step)]

    def repeated(self, items: Sequence[Any]) -> Repeated:
        """What is known of the items of a variable, collected once."""
        if id(items) not in self._repeated:
            self._repeated[id(items)] = Repeated(items)
        return self._repeated[id(items)]

    def meant(self, word: str, find: Callable[[str], Sequence[str]]) -> str:
        """``did you mean …? `` for a word that is much like one that is known, else nothing.

        :param find: words that look like one, the closest first.
        """
        self._looked_up += 1
        found = find(word[:60]) if self._looked_up <= _LOOKED_UP else ()
        return f'did you mean "{escape(found[0], 60)}"? ' if found else ""

    def near_variable(self, word: str, scope: Scope) -> str:
        """The variable that was probably meant, as ``meant`` says it."""
        return self.meant(word, lambda w: get_close_matches(w, list(islice(scope, _NAMES)), 1, 0.7))


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether a value is a number; true and false are none."""
    return isinstance(value, _NUMERIC) and not isinstance(value, bool)


@dataclass(slots=True)
class Place:
    """One object of the movie that rules look at: the movie itself, a scene, an element or a destination.

    :param scope: the variables in its reach.
    :param kind: its element type, or None.
    :param turn: the time that a scene plays, of a scene or of an element in one.
    :param kept: whether it plays; None when that is not known.
    """

    path: str
    data: Mapping[str, Any]
    whole: Whole
    scope: Scope
    kind: str | None = None
    turn: Turn | None = None
    kept: bool | None = True

    def problem(self, key: str, message: str, hint: str) -> Problem:
        """A problem of one of its properties."""
        return Problem(f"{self.path}.{key}", message, hint)

    def value(self, key: str) -> Any:
        """A property's value with its placeholders computed; ``UNKNOWN`` when they cannot be."""
        return fill(self.data.get(key), self.scope)

    @property
    def open(self) -> bool:
        """Whether there may be more variables than those in its scope."""
        uncounted = self.turn is not None and not self.turn.counted
        return self.whole.open or uncounted or any(not isinstance(own, dict) for own in self._variables)

    def misnames(self, name: str) -> bool:
        """Whether there would be a variable of that name, if the service took such names."""
        return name in self.whole.variables or any(isinstance(own, dict) and name in own for own in self._variables)

    @property
    def _variables(self) -> list[Any]:
        """What it and its scene have as variables, as it is written."""
        owners = (self.data, self.turn.data) if self.turn is not None else (self.data,)
        return [owner.get("variables") or {} for owner in owners]

    def decides(self, problem: Problem) -> bool:
        """Whether a problem lies in what makes a scene or an element play or not."""
        if problem.path == f"{self.path}.iterate":
            return kept(self.data, inside(self.data, self.whole.scope)) is not False
        return problem.path == f"{self.path}.condition"

    @property
    def items(self) -> Sequence[Any] | None:
        """The items over which its scene is repeated."""
        return self.whole.items(self.turn.data) if self.turn is not None and "iterate" in self.turn.data else None

    @property
    def index(self) -> int | None:
        """The index of the item for which its scene plays this time; None when it is not repeated, or hard to say."""
        items, at = self.items, self.scope.get("iteration")
        if not items or self.turn is None or not isinstance(at, int) or self.whole.repeated(items).odd:
            return None
        bounds = self.whole.bounds(self.turn.data, items)
        return bounds[at] if bounds is not None and at < len(bounds) else None

    @property
    def importer(self) -> str | None:
        """The path of the scene that takes this element over from another one."""
        if self.turn is None or self.path == self.turn.path or self.path.startswith(f"{self.turn.path}."):
            return None
        return self.turn.path


def only(text: object) -> str | None:
    """The name, when a text is one placeholder with nothing but a name in it."""
    if not isinstance(text, str) or not text.startswith("{{") or text.find("}}") < len(text) - 2:
        return None
    whole = PLACEHOLDER.fullmatch(text)
    name = whole[1].strip() if whole else ""
    return name if _NAME.fullmatch(name) else None
