"""What is wrong with a movie, found before money is spent.

The service takes almost any JSON and says minutes later, or never, what it did not like. The rules are in
``movies/rules``; an error stands for what is documented or was seen live and is undisputed, everything else warns.
What does not play cannot fail: of a scene or an element that a condition drops, errors are warnings, and what
depends on variables is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.movies.document import objects, undressed
from airflow_provider_j2v.movies.expressions import PLACEHOLDER, read
from airflow_provider_j2v.movies.findings import Finding, Problem, Severity, refuse
from airflow_provider_j2v.movies.rules import Rule, Table
from airflow_provider_j2v.movies.rules.elements import REQUIRED
from airflow_provider_j2v.movies.rules.placeholders import SPECIAL, Text, Use, settled
from airflow_provider_j2v.movies.rules.places import Place, Whole
from airflow_provider_j2v.movies.rules.registry import Found
from airflow_provider_j2v.movies.rules.sources import is_plain, parse
from airflow_provider_j2v.movies.schema import deviations
from airflow_provider_j2v.movies.scopes import Scope, Turn, inside, kept

if TYPE_CHECKING:
    from airflow_provider_j2v.movies.movie import Movie

__all__ = ["Finding", "Severity", "lint", "refuse"]

#: What holds no text that is filled: the author's data, and what is looked at on its own.
_NO_TEXTS = frozenset(("client-data", "comment", "elements", "scenes"))
_HOLDERS = (dict, list)
_NUMBERS = re.compile(r"(\d+)")

_MOVIE = Table.of("movie")
_SCENE = Table.of("scene")
_ELEMENT = {kind: Table.of("element", kind) for kind in REQUIRED}
_ODD_ELEMENT = Table.of("element", "")
_DESTINATION = Table.of("destination")
_TEXT = Table.of("text")
_PLACEHOLDER = Table.of("placeholder")
_DEVIATION = Table.of("deviation")
#: For what was looked at before, and plays again with other variables.
_TEXTS_ONLY = Table((), {}, {})


def lint(
    movie: Mapping[str, Any] | Movie,
    *,
    catalog: Catalog | None = None,
    template: Mapping[str, Any] | None = None,
    variables_schema: Mapping[str, Any] | None = None,
    base_url: str | None = None,
) -> list[Finding]:
    """Everything the rules find in a movie, in the order of its paths.

    :param movie: the document as it would be sent, as ``compose`` gives it, or a ``Movie``. References to
        Airflow Connections may still stand in it: better so, since then it holds no secrets.
    :param catalog: the AI models; without it models are not looked at.
    :param template: the movie of the saved template that ``movie`` names; its places are called ``template.…``.
        Without it the variables that the template has are not known, and no placeholder counts as undefined.
    :param variables_schema: JSON Schema of that template's variables, as the service makes it.
    :param base_url: of the service; one that is not public, as a sandbox, can reach what lies on its own host.
    """
    host = parse(base_url or "").host
    plain = movie if isinstance(movie, dict) else undressed(movie)
    whole = Whole(plain, template, catalog, variables_schema or {}, host)
    if whole.unsendable:  # there may be elements of Python in it; to look for them first would cost every movie time
        whole = replace(whole, movie=undressed(movie))
    walk = _Walk(whole)
    walk.run()
    return sorted(walk.found.values(), key=lambda finding: _natural(finding.path))


@dataclass
class _Walk:
    """Asks the rules about everything in a movie. Loops are plain here, for the sake of large movies.

    :param found: by rule, place and what it is about there: told once, however often it plays.
    :param seen: how sure it was that a scene or an element plays when it was looked at, by its path.
    """

    whole: Whole
    found: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        """Fill ``found``."""
        whole = self.whole
        if whole.unsendable:  # there is nothing to walk through: it may not even end
            self.ask(_MOVIE.always, Place("movie", whole.movie, whole, Scope()))
            return
        self.elements(whole.stage.whole, None, plays=True)
        for turn in whole.stage.scenes():
            if turn.data:
                self.look_at(_SCENE, Place(turn.path, turn.data, whole, turn.scope, None, turn, turn.kept))
            self.elements(turn, turn, plays=turn.kept)
        self.left_out()
        movie = Place("movie", whole.movie, whole, whole.scope)
        self.ask(_MOVIE.always, movie)
        for place in (movie, replace(movie, path="template", data=whole.inherited)):
            self.properties(_MOVIE, place)
            self.exports(place)
        self.deviations()

    def exports(self, movie: Place) -> None:
        """The destinations."""
        for i, export in objects(movie.data.get("exports")):
            for j, destination in objects(export.get("destinations")):
                path = f"{movie.path}.exports[{i}].destinations[{j}]"
                self.ask(_DESTINATION.always, Place(path, destination, self.whole, movie.scope))

    def elements(self, turn: Turn, scene: Turn | None, *, plays: bool | None) -> None:
        """The elements of the movie, or those of a scene and those that it imports.

        :param plays: whether the scene does, as far as that is known.
        """
        whole = self.whole
        for path, data in turn.elements():
            kind = data.get("type")
            kind = kind if isinstance(kind, str) else None
            scope = inside(data, turn.scope) if "variables" in data else turn.scope
            keeps = plays
            if "condition" in data and plays is not False:
                met = kept(data, scope)
                keeps = plays if met else met
            whole.kinds.add(kind or "")
            if kind == "subtitles" and keeps is not False:
                whole.subtitles[path] = data
            self.look_at(_ELEMENT.get(kind or "", _ODD_ELEMENT), Place(path, data, whole, scope, kind, scene, keeps))

    def left_out(self) -> None:
        """What never plays: a condition drops it, or there is nothing to repeat it for."""
        whole = self.whole
        for path, data in whole.scenes:
            if path not in self.seen:
                turn = Turn(path, data, inside(data, whole.scope), kept=False)
                self.look_at(_SCENE, Place(path, data, whole, turn.scope, None, turn, kept=False))
                self.elements(turn, turn, plays=False)

    def look_at(self, table: Table, place: Place) -> None:
        """Everything about a scene or an element; only what depends on variables when it plays again."""
        sure = 2 if place.kept else 0 if place.kept is False else 1
        if self.seen.get(place.path, -1) >= sure:
            table = _TEXTS_ONLY
        else:
            self.seen[place.path] = sure
            self.ask(table.always, place)
        self.properties(table, place)

    def ask(self, rules: tuple[Rule, ...], about: Any) -> None:
        """The rules about a whole."""
        for rule in rules:
            found = rule.look(about)
            if found:
                self.add(rule, found, about)

    def properties(self, table: Table, place: Place) -> None:
        """The rules about single properties, the URLs and the texts in them."""
        keyed, urls = table.keyed, table.urls
        for key, value in place.data.items():
            if key in keyed:
                for rule in keyed[key]:
                    found = rule.look(place, key, value)
                    if found:
                        self.add(rule, found, place)
            if isinstance(value, str):
                if "{" in value and ("{{" in value or "{%" in value):
                    self.text(place, key, (), value)
                elif key in urls and value and not is_plain(value, place.kind):
                    url = parse(value)
                    for rule in urls[key]:
                        found = rule.look(place, key, url)
                        if found:
                            self.add(rule, found, place)
            elif isinstance(value, _HOLDERS) and key not in _NO_TEXTS:
                for item in value.values() if isinstance(value, dict) else value:
                    if "{" in item if isinstance(item, str) else isinstance(item, _HOLDERS):
                        for steps, text in _texts(value):
                            self.text(place, key, steps, text)
                        break

    def text(self, place: Place, key: str, steps: tuple[str | int, ...], text: str) -> None:
        """A text with braces, and each placeholder in it.

        :param steps: the way to it inside the property ``key``.
        """
        if place.kept is False or key in _NO_TEXTS:
            return
        inside = PLACEHOLDER.findall(text)
        nothing_else = text[0] == "{" and len(text) == sum(map(len, inside)) + 4 * len(inside)
        if nothing_else or "{%" in text or len(inside) < text.count("{{"):
            self.ask(_TEXT.always, Text(place, key, steps, text))
        scope = place.scope
        for source in inside:
            if key in SPECIAL or not settled(source, scope):
                self.ask(_PLACEHOLDER.always, Use(Text(place, key, steps, text), read(source)))

    def deviations(self) -> None:
        """What the schema finds where no rule has said something already."""
        said = {finding.path for finding in self.found.values()}
        found = deviations(self.whole.movie)
        for deviation in deviations(self.whole.inherited):
            found.append(replace(deviation, path="template" + deviation.path.removeprefix("movie")))
        for deviation in found:
            if deviation.path not in said:
                for rule in _DEVIATION.keyed[deviation.kind]:
                    self.add(rule, rule.look(deviation), None)

    def add(self, rule: Rule, found: Found, about: Any) -> None:
        """Take down what a rule has found.

        :param about: the place, text or placeholder that it looked at.
        """
        text = about.text if isinstance(about, Use) else about
        place = text.place if isinstance(text, Text) else text
        for problem in (found,) if isinstance(found, Problem) else found or ():
            severity, message = rule.severity, problem.message
            # What is found in a text may be said in other words each time that it plays.
            detail = about.expression.source if isinstance(about, Use) else "" if isinstance(about, Text) else message
            if isinstance(place, Place):
                if importer := place.importer:
                    message = f"{message} (where {importer} imports it)"
                if severity == "error" and not place.kept and not place.decides(problem):
                    severity, message = "warning", f"{message} (if it plays)"
            key = (rule.id, problem.path, detail)
            if key not in self.found or severity < self.found[key].severity:  # an error in place of a warning
                self.found[key] = Finding(severity, rule.id, problem.path, message, problem.hint)


def _texts(value: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """The texts with braces inside a list or an object, each with the way to it."""
    found: list[tuple[tuple[str | int, ...], str]] = []
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(value, ())]
    for holder, steps in waiting:
        for step, item in enumerate(holder) if isinstance(holder, list) else holder.items():
            if isinstance(item, str):
                if "{" in item and ("{{" in item or "{%" in item):
                    found.append(((*steps, step), item))
            elif isinstance(item, _HOLDERS):
                waiting.append((item, (*steps, step)))
    return found


def _natural(path: str) -> list[tuple[int, str]]:
    """The second scene before the tenth."""
    return [(int(part), "") if i % 2 else (0, part) for i, part in enumerate(_NUMBERS.split(path))]
