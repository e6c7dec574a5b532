"""What a dry run tells: all that can be known of a render while nothing is rendered, neither Jinja nor a video."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.exceptions import BudgetExceeded, JSON2VideoError, MovieError
from airflow_provider_j2v.movies.document import check_movie, undressed
from airflow_provider_j2v.movies.findings import Finding, child

if TYPE_CHECKING:
    from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
    from airflow_provider_j2v.movies.credits import Estimate
    from airflow_provider_j2v.movies.payers import Explanation
    from airflow_provider_j2v.operators.preflight import Known, Preflight
    from airflow_provider_j2v.operators.rendering import RendersMovies

#: What a movie can come from.
SOURCES = ("movie", "movie_file", "template_id")
#: Where in the document a parameter ends up.
_PLACES = {
    "movie": "movie",
    "variables": "movie.variables",
    "overrides": "movie",
    "client_data": "movie.client-data",
    "exports": "movie.exports",
}
#: Rules that judge a variable by its value, and name it in their messages.
_OF_VALUES = frozenset(("iterate-target", "undefined-property"))
_SHOWN = 120


@dataclass(frozen=True)
class Blank:
    """Something that only a run fills in.

    :param field: the parameter of the operator.
    :param rest: where in it, such as ``.day``; empty when it is all of it.
    :param words: what stands there: Jinja, or whose output.
    """

    field: str
    rest: str
    words: str

    @property
    def place(self) -> str | None:
        """Where it ends up in the document; None when that is nowhere, or anywhere."""
        anywhere = self.field == "overrides" and not self.rest
        return _PLACES[self.field] + self.rest if self.field in _PLACES and not anywhere else None

    def __str__(self) -> str:
        return f"{self.field}{self.rest}: {escape(self.words, _SHOWN)}"


class Blanks(list[Blank]):
    """All of a task, and what follows from them."""

    def all_of(self, *fields: str) -> bool:
        """Whether one of these parameters is not known at all."""
        return any(blank.field in fields and not blank.rest for blank in self)

    @property
    def variables(self) -> set[str]:
        """The variables of the movie whose value is not known."""
        steps = (re.match(r"\.([\w-]+)", blank.rest) for blank in self if blank.field == "variables")
        return {step[1] for step in steps if step}

    def hide(self, path: str) -> bool:
        """Whether what is at a path of the document is not known, or holds something of the movie that is not."""
        for blank in self:
            if blank.place is None:
                continue
            if _is_in(path, blank.place) or (blank.field in ("movie", "exports") and _is_in(blank.place, path)):
                return True
        return False

    def judged(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that stand whatever a run fills in."""
        names = self.variables

        def hangs(finding: Finding) -> bool:
            return finding.rule in _OF_VALUES and not names.isdisjoint(re.findall(r"\w+", finding.message))

        return [finding for finding in findings if not self.hide(finding.path) and not hangs(finding)]

    def known(self, movie: Mapping[str, Any]) -> dict[str, Any]:
        """The movie without the variables whose value is not known: an estimate names them."""
        given = movie.get("variables")
        if self.all_of("variables") or not isinstance(given, dict):
            return {key: value for key, value in movie.items() if key != "variables"}
        return {**movie, "variables": {name: given[name] for name in given if name not in self.variables}}

    def mark(self, movie: dict[str, Any]) -> dict[str, Any]:
        """The movie as the lint gets it: variables that are not known at all may be any."""
        return {**movie, "variables": "{{ }}"} if self.all_of("variables") else movie


def stand_in(task: RendersMovies) -> tuple[Any, Blanks]:
    """A copy of the task in which a text stands for what only a run fills in, or None for a whole parameter."""
    copied, blanks = copy.copy(task), Blanks()
    for name in task.template_fields:
        if name in ("op_args", "op_kwargs", "templates_dict"):  # of the function that a decorated task calls
            continue
        value = undressed(getattr(task, name))
        jinja = not task.is_rendered and (task.jinja or name not in ("movie", "items"))
        found = list(_blanks(value, jinja))
        whole = any(not rest for rest, _ in found)
        if name == "exports" and isinstance(value, dict):  # compose makes a list of it
            found = [(f"[0]{rest}", words) for rest, words in found]
        blanks += (Blank(name, rest, words) for rest, words in found)
        if found:
            setattr(copied, name, None if whole else _filled(value, raw=name == "connections"))
    return copied, blanks


def _blanks(value: Any, jinja: bool, path: str = "") -> Iterator[tuple[str, str]]:
    if _is_output(value):
        yield path, _words(value)
    elif isinstance(value, str):
        if jinja and ("{{" in value or "{%" in value):
            yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _blanks(item, jinja, child(path, str(key)))
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _blanks(item, jinja, f"{path}[{i}]")


def _filled(value: Any, *, raw: bool) -> Any:
    """The value with texts for the outputs of other tasks.

    :param raw: the value is a provider map, in which nobody is to look up what is not rendered.
    """
    if isinstance(value, Mapping):
        return {key: _filled(item, raw=raw) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, raw=raw) for item in value]
    text = f"{{{{ {_words(value)} }}}}" if _is_output(value) else value
    return "j2v:not-rendered" if raw and isinstance(text, str) and "{{" in text else text


def _is_output(value: Any) -> bool:
    return hasattr(value, "iter_references") and hasattr(value, "resolve")


def _words(output: Any) -> str:
    tasks = dict.fromkeys(operator.task_id for operator, _ in output.iter_references())
    return f"output of {', '.join(tasks)}" if tasks else f"a {type(output).__name__}"


def _is_in(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}["))


@dataclass
class Rehearsal:
    """One task looked through, and why a run would be refused, as far as is known."""

    task: Any
    blanks: Blanks
    refusals: list[str]
    hook: JSON2VideoHook | None = None

    @classmethod
    def of(cls, task: RendersMovies) -> Rehearsal:
        """Say what a dry run leaves out, and look at the parameters."""
        from airflow_provider_j2v.movies.credits import stated

        copied, blanks = stand_in(task)
        for blank in blanks:
            task.log.info("Not rendered in a dry run: %s", blank)
        self = cls(copied, blanks, [])
        if not blanks.all_of("json2video_conn_id"):
            self.hook = self.tried(copied._hook_of_account)
        for check in copied._checks(self.hook):
            self.tried(check)
        for name, unit in (("max_credits", "credits"), ("expected_duration", "seconds")):
            setattr(copied, name, self.tried(partial(stated, getattr(copied, name), name, unit)))
        return self

    def tried(self, look: Any) -> Any:
        """What ``look`` gives; None when it refuses."""
        try:
            return look()
        except JSON2VideoError as e:
            self.refuse(e)
            return None

    def refuse(self, error: JSON2VideoError | str) -> None:
        """Take down why a run would be refused."""
        why = str(error).removesuffix("Nothing was sent.").rstrip()
        if why not in self.refusals:
            self.refusals.append(why)

    @property
    def preflight(self) -> Preflight:
        """What looks at movies here: whatever the level, a dry run tells what there is."""
        preflight: Preflight = self.task._preflight(self.hook)
        return replace(preflight, level="error")

    def examined(self, movie: dict[str, Any], known: Known) -> tuple[list[Finding], Explanation | None, Estimate]:
        """Findings, payers and estimate of a movie."""
        from airflow_provider_j2v.catalog.source import snapshot
        from airflow_provider_j2v.movies.credits import estimate
        from airflow_provider_j2v.movies.lint import lint

        blanks, marked = self.blanks, self.blanks.mark(movie)
        if self.hook is None:
            findings, explanation, catalog, template = lint(marked, catalog=snapshot().catalog), None, None, None
        else:
            findings, explanation, catalog, template = self.preflight.rehearse(marked, known)
        if explanation is not None:
            problems = [problem for problem in explanation.problems if not blanks.hide(problem.partition(":")[0])]
            explanation = replace(explanation, problems=problems)
        expected = estimate(
            blanks.known(movie),
            catalog=catalog or snapshot().catalog,
            payers=explanation.payers if explanation else None,
            template=template and blanks.known(template),
            expected_duration=self.task.expected_duration,
        )
        return blanks.judged(findings), explanation, expected

    def budget(self, estimates: Estimate | Sequence[Estimate]) -> None:
        """Whether the budget and the balance allow it."""
        from airflow_provider_j2v.movies.credits import amount, check_budget

        task, remaining = self.task, None
        if self.hook is not None and task.check_quota:
            remaining = self.tried(self.preflight.remaining)
        try:
            check_budget(estimates, max_credits=task.max_credits, remaining=remaining)
        except BudgetExceeded as e:
            return self.refuse(e)
        allowed = [f"max_credits={amount(task.max_credits)} allows it"] if task.max_credits is not None else []
        allowed += [f"the account has {amount(remaining)} left"] if remaining is not None else []
        if allowed:
            task.log.info("Budget: %s.", " and ".join(allowed))
        return None

    def end(self) -> None:
        """What a run would come to."""
        log, left = self.task.log, ", as far as a dry run can tell" if self.blanks else ""
        if not self.refusals:
            log.info("A run would be submitted%s.", left)
            return
        log.warning("A run would be refused%s:", left)
        for refusal in self.refusals:
            log.warning("- %s", refusal)


def rehearse(task: RendersMovies, *, later: str | None = None) -> None:
    """Log all that a dry run can tell of one movie: mistakes, who pays for what, the estimate, and what refuses it.

    :param later: why the movie is not known before a run, if it is not.
    """
    from airflow_provider_j2v.operators.preflight import Known

    rehearsal = Rehearsal.of(task)
    copied, log = rehearsal.task, task.log
    if later or rehearsal.blanks.all_of(*SOURCES):
        log.info("%s: nothing more can be told in a dry run.", later or "The movie is not known before a run")
        return rehearsal.end()
    movie = rehearsal.tried(copied._composed)
    if movie is None:
        return rehearsal.end()
    if copied.preflight != "error" and not any(blank.field in ("movie", "exports") for blank in rehearsal.blanks):
        rehearsal.tried(partial(check_movie, movie))  # refused at any level; with "error" it is among the findings
    try:
        findings, explanation, expected = rehearsal.examined(movie, Known())
    except JSON2VideoError as e:
        rehearsal.refuse(e)
        return rehearsal.end()
    for finding in findings:
        log.info("%s", finding)
    log.info("%d findings.", len(findings))
    if copied.preflight == "error" and any(finding.severity == "error" for finding in findings):
        rehearsal.refuse("The movie has errors, listed above.")
    if explanation is not None:
        log.info("%s", explanation)
        if explanation.problems:
            rehearsal.refuse("Not all connections resolve: see the problems listed above.")
    log.info("Estimate: %s", expected)
    rehearsal.budget(expected)
    return rehearsal.end()


def rehearse_rows(task: Any, *, shown: int) -> None:
    """Log all that a dry run can tell of a batch; as ``rehearse``, each finding and each payer once.

    :param task: the operator of the batch.
    :param shown: so many payers are named.
    """
    from airflow_provider_j2v.operators.items import named
    from airflow_provider_j2v.operators.preflight import Known, Many, told

    rehearsal = Rehearsal.of(task)
    copied, log = rehearsal.task, task.log
    if rehearsal.blanks.all_of("items", *SOURCES):
        log.info("The movies are not known before a run: nothing more can be told in a dry run.")
        return rehearsal.end()
    rows = rehearsal.tried(copied._rows) or []
    if copied._homes:
        rehearsal.tried(lambda: copied._homes.check(rows, new=[]))
    known, found, estimates = Known(), Many(), []
    payers, problems = Counter[str](), Counter[str]()
    for row in rows:
        try:
            findings, explanation, expected = rehearsal.examined(copied._movie_of(row), known)
        except MovieError as e:
            problems[str(e)] += 1
            continue
        except JSON2VideoError as e:  # no row will do better
            rehearsal.refuse(e)
            break
        found.add(named(row), findings)
        estimates.append(expected)
        payers.update(str(payer).partition(": ")[2] for payer in (explanation.payers if explanation else ()))
        problems.update(explanation.problems if explanation else ())
    for line in (lines := found.lines("error", "warning")):
        log.info("%s", line)
    log.info("%d rows, %d different findings.", len(rows), len(lines))
    if copied.preflight == "error" and found.lines("error"):
        rehearsal.refuse("There are errors, listed above.")
    for payer, times in payers.most_common(shown):
        log.info("%d x %s", times, payer)
    for problem, times in problems.most_common(shown):
        rehearsal.refuse(f"{problem} ({times} x)" if times > 1 else problem)
    if problems and (more := len(problems) - shown) > 0:
        rehearsal.refuse(f"And {more:,} problems more.")
    if estimates:
        log.info("Estimate: %s", told(estimates))
        rehearsal.budget(estimates)
    return rehearsal.end()
