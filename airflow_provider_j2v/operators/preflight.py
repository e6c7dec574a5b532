"""What is looked at before a movie is paid for: its mistakes, who pays for what, and whether it may cost that much."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_j2v.exceptions import ApiError, ConfigurationError, InvalidMovie, MovieError, NotFound
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook

if TYPE_CHECKING:
    from airflow_provider_j2v.api.template_answers import Template
    from airflow_provider_j2v.catalog.models import Catalog
    from airflow_provider_j2v.catalog.source import Reading
    from airflow_provider_j2v.movies.connections import Resolution
    from airflow_provider_j2v.movies.credits import Estimate
    from airflow_provider_j2v.movies.lint import Finding
    from airflow_provider_j2v.movies.payers import Explanation

log = logging.getLogger(__name__)

Level = Literal["error", "warn", "off"]
#: So many findings of a movie are logged.
SHOWN = 20


@dataclass(frozen=True)
class Examined:
    """One movie that was looked at.

    :param estimate: None when nobody asked for it.
    """

    findings: list[Finding]
    resolution: Resolution
    estimate: Estimate | None


@dataclass
class Known:
    """What was fetched to look at movies, each once.

    :param templates: saved templates by id, None for one that could not be read.
    :param schemas: the JSON Schema of a template's variables by its id.
    """

    reading: Reading | None = None
    templates: dict[str, Template | None] = field(default_factory=dict)
    schemas: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Preflight:
    """What a task wants to have looked at; its operators document the parameters of the same names."""

    hook: JSON2VideoHook
    level: Level = "error"
    connections: Mapping[str, str] | None = None
    catalog: Any = None
    max_credits: float | str | None = None
    check_quota: bool = False
    expected_duration: float | str | None = None

    def check(self) -> None:
        """Refuse parameters that cannot be, before anything else is done.

        :raises ConfigurationError: ``level`` is none of the three, or a number that Airflow rendered is none.
        """
        from airflow_provider_j2v.movies.credits import stated

        if self.level not in get_args(Level):
            raise ConfigurationError(
                f'preflight must be "error", "warn" or "off", not {self.level!r:.80}. Nothing was sent.'
            )
        stated(self.max_credits, "max_credits", "credits")
        stated(self.expected_duration, "expected_duration", "seconds")

    def pass_one(self, movie: Mapping[str, Any]) -> Examined:
        """Look at a movie, say what is found, and refuse it if it is wrong or too dear.

        :param movie: as ``compose`` gives it.
        :raises MovieError: what is wrong with it; nothing was sent.
        """
        from airflow_provider_j2v.movies.credits import check_budget
        from airflow_provider_j2v.movies.lint import refuse

        examined = self.examine(movie)
        told = [f for f in examined.findings if f.severity == "warning" or self.level == "warn"]
        told.sort(key=lambda finding: finding.severity)  # errors first
        for finding in told[:SHOWN]:
            log.warning("%s", finding)
        if len(told) > SHOWN:
            log.warning("And %d more findings.", len(told) - SHOWN)
        if self.level == "error":
            refuse(examined.findings)
        if examined.estimate is not None:
            log.info("Estimate: %s", examined.estimate)
            check_budget(examined.estimate, max_credits=self.max_credits, remaining=self.remaining())
        return examined

    def pass_many(self, movies: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Examined]:
        """Look at the movies of a batch, say what is found, and refuse all if one is wrong, or they are too dear.

        :param movies: what to call each, and the movie as ``compose`` gives it.
        :raises MovieError: what is wrong with which; nothing was sent.
        """
        from airflow_provider_j2v.movies.credits import check_budget

        examined, found = self.examine_many(movies)
        for line in found.lines("warning", "error") if self.level == "warn" else found.lines("warning"):
            log.warning("%s", line)
        if self.level == "error":
            found.refuse()
        estimates = [one.estimate for one in examined if one.estimate is not None]
        if estimates:
            log.info("Estimate: %s", told(estimates))
            check_budget(estimates, max_credits=self.max_credits, remaining=self.remaining())
        return examined

    def examine_many(self, movies: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[list[Examined], Many]:
        """Look at the movies of a batch: each, and what was found in which; parameters as ``pass_many``.

        :raises MovieError: something in one of them does not resolve.
        """
        known, examined, found = Known(), [], Many()
        for name, movie in movies:
            try:
                examined.append(self.examine(movie, known, tells=False))
            except MovieError as e:
                raise type(e)(f"{name}: {e}") from e
            found.add(name, examined[-1].findings)
        return examined, found

    def examine(self, movie: Mapping[str, Any], known: Known | None = None, *, tells: bool = True) -> Examined:
        """Look at a movie.

        :param known: what was fetched for another one; what is fetched now is put into it.
        :param tells: whether the log tells what is odd about its connections, and what stays managed.
        :raises UnresolvedConnection: something in it does not resolve, or would be billed unnoticed.
        """
        from airflow_provider_j2v.catalog.source import snapshot
        from airflow_provider_j2v.movies.credits import estimate

        known = Known() if known is None else known
        self.check()
        findings, reading, template = self._look(movie, known)
        resolution = self.hook.resolution(movie, self.connections, reading, template, tells=tells)
        expected = None
        if self._prices:
            expected = estimate(
                movie,
                catalog=(reading or snapshot()).catalog,
                payers=resolution.payers,
                template=template,
                expected_duration=self.expected_duration,
            )
        return Examined(findings, resolution, expected)

    def rehearse(
        self, movie: Mapping[str, Any], known: Known
    ) -> tuple[list[Finding], Explanation, Catalog | None, Mapping[str, Any] | None]:
        """Look at a movie for a dry run: what is found, who pays, and the catalog and template that say so.

        Connections that do not resolve are among the problems of the explanation; parameters as ``examine``.
        """
        findings, reading, template = self._look(movie, known)
        # One that could not be read is not asked for again: the log has it.
        explanation = self.hook.explain_connections(movie, self.connections, reading, template or {})
        return findings, explanation, reading.catalog if reading else None, template

    @property
    def _prices(self) -> bool:
        return self.level != "off" or self.check_quota or self.max_credits is not None

    def _look(
        self, movie: Mapping[str, Any], known: Known
    ) -> tuple[list[Finding], Reading | None, Mapping[str, Any] | None]:
        """What is found in a movie; the catalog and the template that it needs."""
        from airflow_provider_j2v.movies.connections import has_generated
        from airflow_provider_j2v.movies.lint import lint

        saved = self._template(movie, known) if self._prices else None
        template = saved.movie if saved else None
        if known.reading is None:
            known.reading = self.hook.reading(self.catalog, needed=self._prices and has_generated(movie, template))
        reading = known.reading
        if self.level == "off":
            return [], reading, template
        schema = self._variables_schema(movie, known) if saved else None
        catalog = reading.catalog if reading else None
        base_url = self.hook.account.base_url
        findings = lint(movie, catalog=catalog, template=template, variables_schema=schema, base_url=base_url)
        return findings, reading, template

    def remaining(self) -> float | None:
        """The credits left on the account, if they are to be checked and the service tells them."""
        if not self.check_quota:
            return None
        quota = self.hook.get_quota()
        if quota is None or quota.time is None:
            log.warning("The service does not tell how many credits are left: check_quota has nothing to check.")
            return None
        return quota.time

    def _template(self, movie: Mapping[str, Any], known: Known) -> Template | None:
        template_id = movie.get("template")
        if not template_id or not isinstance(template_id, str):
            return None
        if template_id not in known.templates:
            known.templates[template_id] = None
            try:
                known.templates[template_id] = self.hook.cached_template(template_id)
            except NotFound:
                raise InvalidMovie(f"The account has no template {template_id!r:.80}. Nothing was sent.") from None
            except ApiError as e:
                log.warning("Template %s could not be read, so it is neither checked nor priced: %s", template_id, e)
        return known.templates[template_id]

    def _variables_schema(self, movie: Mapping[str, Any], known: Known) -> Mapping[str, Any] | None:
        template_id = movie["template"]
        if template_id not in known.schemas:
            known.schemas[template_id] = None
            try:
                known.schemas[template_id] = self.hook.cached_template_variables(template_id)
            except ApiError as e:
                log.warning("The variables of template %s could not be read: %s", template_id, e)
        return known.schemas[template_id]


def told(estimates: Sequence[Estimate]) -> str:
    """What the movies of a batch will cost, in words."""
    from airflow_provider_j2v.movies.credits import between

    low, high = sum(one.low for one in estimates), sum(one.high for one in estimates)
    doubt = ", and what is not known" if any(one.unknown for one in estimates) else ""
    return f"{between(low, high)} credits{doubt}, for {len(estimates):,} movies"


class Many:
    """Findings of many movies: the same one in several of them is told once."""

    def __init__(self) -> None:
        self._found: dict[Finding, list[str]] = {}

    def add(self, name: str, findings: Iterable[Finding]) -> None:
        """Take down what was found in one."""
        for finding in findings:
            self._found.setdefault(finding, []).append(name)

    def lines(self, *severities: str) -> list[str]:
        """The findings, one line each, with the movies that have it."""
        found = [
            f"{names[0]}{f' and {len(names) - 1:,} more' if names[1:] else ''}: {finding}"
            for finding, names in self._found.items()
            if finding.severity in severities
        ]
        more = [f"and {len(found) - SHOWN:,} more findings"] if len(found) > SHOWN else []
        return found[:SHOWN] + more

    def refuse(self) -> None:
        """Raise when there is an error among them.

        :raises InvalidMovie: one line for each error.
        """
        if lines := self.lines("error"):
            wrong = {name for finding, names in self._found.items() if finding.severity == "error" for name in names}
            count = "A movie of the batch has" if len(wrong) == 1 else f"{len(wrong):,} movies of the batch have"
            raise InvalidMovie("\n".join([f"{count} errors:", *(f"- {line}" for line in lines), "Nothing was sent."]))
