"""What is wrong with a movie, found before money is spent.

The service takes almost any JSON and says minutes later, or never, what it did not like. The rules are in
``movies/rules``; an error stands for what is documented or was seen live and is undisputed, everything else warns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.movies.document import objects
from airflow_provider_j2v.movies.findings import Finding, Problem, Severity, refuse
from airflow_provider_j2v.movies.placeholders import PLACEHOLDER, read
from airflow_provider_j2v.movies.rules import Rule, Table
from airflow_provider_j2v.movies.rules.elements import REQUIRED
from airflow_provider_j2v.movies.rules.placeholders import SPECIAL, Text, Use, settled
from airflow_provider_j2v.movies.rules.places import Place, Whole
from airflow_provider_j2v.movies.rules.registry import Found
from airflow_provider_j2v.movies.rules.sources import parse
from airflow_provider_j2v.movies.schema import deviations

__all__ = ["Finding", "Severity", "lint", "refuse"]

#: What holds no text that is filled: the author's data, and what is looked at on its own.
_NO_TEXTS = frozenset(("client-data", "comment", "elements", "scenes"))
_HOLDERS = (dict, list)
_NUMBERS = re.compile(r"(\d+)")

_MOVIE = Table.of("movie")
_SCENE = Table.of("scene")
_ELEMENT = {kind: Table.of("element", kind) for kind in (*REQUIRED, None)}
_DESTINATION = Table.of("destination")
_TEXT = Table.of("text")
_PLACEHOLDER = Table.of("placeholder")
_DEVIATION = Table.of("deviation")


def lint(
    movie: Mapping[str, Any],
    *,
    catalog: Catalog | None = None,
    template: Mapping[str, Any] | None = None,
    variables_schema: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """Everything the rules find in a movie, in the order of its paths.

    :param movie: the document as it would be sent, of plain JSON types, as ``compose`` gives it. References to
        Airflow Connections may still stand in it: better so, since then it holds no secrets.
    :param catalog: the AI models; without it models are not looked at.
    :param template: the movie of the saved template that ``movie`` names; its places are called ``template.…``.
        Without it the variables that the template has are not known, and no placeholder counts as undefined.
    :param variables_schema: JSON Schema of that template's variables, as the service makes it.
    """
    walk = _Walk(Whole(dict(movie), template, catalog, variables_schema or {}))
    walk.run()
    return sorted(walk.found, key=lambda finding: _natural(finding.path))


@dataclass
class _Walk:
    """Asks the rules about everything in a movie. Loops are plain here, for the sake of large movies."""

    whole: Whole
    found: list[Finding] = field(default_factory=list)

    def run(self) -> None:
        """Fill ``found``."""
        whole = self.whole
        movie = Place("movie", whole.movie, whole, whole.scope)
        if whole.unsendable:  # there is nothing to walk through: it may not even end
            self.whole_of(_MOVIE, movie)
            return
        self.look_at(_MOVIE, movie)
        self.exports(movie)
        template = Place("template", whole.inherited, whole, whole.scope)
        self.properties(_MOVIE, template)
        self.exports(template)
        self.elements(Place(whole.root, whole.body, whole, whole.scope))
        for path, data in whole.scenes:
            scene = Place(path, data, whole, whole.inside(whole.scope, data))
            self.look_at(_SCENE, scene)
            self.elements(scene, data)
        self.deviations()

    def exports(self, movie: Place) -> None:
        """The destinations."""
        for i, export in objects(movie.data.get("exports")):
            for j, destination in objects(export.get("destinations")):
                path = f"{movie.path}.exports[{i}].destinations[{j}]"
                self.whole_of(_DESTINATION, Place(path, destination, self.whole, movie.scope, holder=export))

    def elements(self, owner: Place, scene: Mapping[str, Any] | None = None) -> None:
        """The elements of the movie, or of a scene."""
        for i, data in objects(owner.data.get("elements")):
            kind = data.get("type")
            kind = kind if isinstance(kind, str) else None
            scope = self.whole.inside(owner.scope, data) if "variables" in data else owner.scope
            element = Place(f"{owner.path}.elements[{i}]", data, self.whole, scope, kind, scene)
            self.look_at(_ELEMENT[kind if kind in REQUIRED else None], element)

    def look_at(self, table: Table, place: Place) -> None:
        """Everything about one object."""
        self.whole_of(table, place)
        self.properties(table, place)

    def whole_of(self, table: Table, about: Any) -> None:
        """The rules that are asked once."""
        for rule in table.always:
            found = rule.look(about)
            if found:
                self.add(rule, found)

    def properties(self, table: Table, place: Place) -> None:
        """The rules about single properties, the URLs and the texts in them."""
        keyed, urls = table.keyed, table.urls
        for key, value in place.data.items():
            if key in keyed:
                for rule in keyed[key]:
                    found = rule.look(place, key, value)
                    if found:
                        self.add(rule, found)
            if isinstance(value, str):
                if "{{" in value or "{%" in value:
                    self.text(place, key, (), value)
                elif key in urls and value:
                    url = parse(value)
                    for rule in urls[key]:
                        found = rule.look(place, key, url)
                        if found:
                            self.add(rule, found)
            elif isinstance(value, _HOLDERS) and key not in _NO_TEXTS:
                for steps, text in _texts(value):
                    self.text(place, key, steps, text)

    def text(self, place: Place, key: str, steps: tuple[str | int, ...], text: str) -> None:
        """A text with braces, and each placeholder in it.

        :param steps: the way to it inside the property ``key``.
        """
        if key in _NO_TEXTS:
            return
        inside = PLACEHOLDER.findall(text)
        if "{%" in text or len(inside) < text.count("{{"):
            self.whole_of(_TEXT, Text(place, key, steps, text))
        for source in dict.fromkeys(inside):
            expression = read(source)
            if key in SPECIAL or not settled(expression, place.scope):
                self.whole_of(_PLACEHOLDER, Use(Text(place, key, steps, text), expression))

    def deviations(self) -> None:
        """What the schema finds where no rule has said something already."""
        said = {finding.path for finding in self.found}
        found = deviations(self.whole.movie)
        for deviation in deviations(self.whole.inherited):
            found.append(replace(deviation, path="template" + deviation.path.removeprefix("movie")))
        for deviation in found:
            if deviation.path not in said:
                for rule in _DEVIATION.keyed[deviation.kind]:
                    self.add(rule, rule.look(deviation))

    def add(self, rule: Rule, found: Found) -> None:
        """Take down what a rule has found."""
        for problem in (found,) if isinstance(found, Problem) else found or ():
            self.found.append(Finding(rule.severity, rule.id, problem.path, problem.message, problem.hint))


def _texts(value: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The texts with braces inside a list or an object, each with the way to it."""
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(value, ())]
    while waiting:
        value, steps = waiting.pop()
        for step, item in enumerate(value) if isinstance(value, list) else value.items():
            if isinstance(item, str):
                if "{{" in item or "{%" in item:
                    yield (*steps, step), item
            elif isinstance(item, _HOLDERS):
                waiting.append((item, (*steps, step)))


def _natural(path: str) -> list[tuple[int, str]]:
    """The second scene before the tenth."""
    return [(int(part), "") if i % 2 else (0, part) for i, part in enumerate(_NUMBERS.split(path))]
