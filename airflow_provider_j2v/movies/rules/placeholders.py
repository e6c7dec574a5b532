"""Rules about placeholders: what JSON2Video fills, what Airflow would have filled, and what neither does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.movies.expressions import PLACEHOLDER, Expression, read
from airflow_provider_j2v.movies.findings import Problem, child
from airflow_provider_j2v.movies.rules.places import MISSING, Place
from airflow_provider_j2v.movies.rules.registry import DOCUMENTED, OURS, rule, words
from airflow_provider_j2v.movies.scopes import Scope

#: Documented functions of expressions; the list seen is cut.
FUNCTIONS = ("min", "max", "ceil")
#: What an Airflow template knows, its dates first.
DATES = words(
    "ds ds_nodash ts ts_nodash ts_nodash_with_tz logical_date execution_date data_interval_start data_interval_end "
    "prev_ds next_ds yesterday_ds tomorrow_ds prev_data_interval_start_success prev_data_interval_end_success "
    "prev_start_date_success prev_end_date_success"
)
AIRFLOW = DATES | words(
    "conf conn dag dag_run expanded_ti_count inlet_events inlets macros map_index_template outlet_events outlets "
    "params run_id task task_instance task_instance_key_str test_mode ti triggering_asset_events var"
)
#: Properties in which placeholders are a matter of their own.
SPECIAL = ("variables", "exports")
_ROOT = re.compile(r"[A-Za-z_]\w*")
_DAY = 'variables={"day": "{{ dag_run.run_after | ds }}"}'


@dataclass(frozen=True)
class Text:
    """A text with braces.

    :param key: the property of ``place`` that it is, or lies in.
    :param steps: the way to it inside that property.
    """

    place: Place
    key: str
    steps: tuple[str | int, ...]
    text: str

    @cached_property
    def path(self) -> str:
        path = child(self.place.path, self.key)
        for step in self.steps:
            path = f"{path}[{step}]" if isinstance(step, int) else child(path, step)
        return path

    @property
    def is_page(self) -> bool:
        """Braces may be the page's own."""
        return self.key == "html" and self.place.kind == "html"


@dataclass(frozen=True)
class Use:
    """A placeholder in a text."""

    text: Text
    expression: Expression

    @property
    def scope(self) -> Scope:
        return self.text.place.scope

    @cached_property
    def missing(self) -> list[str]:
        """The variables it uses that nothing in reach defines."""
        if self.text.place.open or self.text.place.misnames(self.expression.source):
            return []
        roots = dict.fromkeys(reference[0] for reference in self.expression.references)
        return [name for name in roots if name not in self.scope]

    @cached_property
    def lacking(self) -> list[str]:
        """Those of the missing ones that other items of a repeated list have."""
        items = self.text.place.items if self.missing else None
        fields = self.text.place.whole.repeated(items).fields if items else {}
        return [name for name in self.missing if name in fields]

    @cached_property
    def airflow(self) -> str | None:
        """The Airflow name it begins with, when it reads like Airflow's Jinja and is no variable."""
        source = self.expression.source
        root = _ROOT.match(source)
        if root is None or root[0] not in AIRFLOW or root[0] in self.scope:
            return None
        return None if self.text.place.open and root[0] == source else root[0]

    @property
    def in_words(self) -> bool:
        """It stands among the words of a variable: people's texts hold braces, and no document says they are filled."""
        return self.text.key == "variables" and not PLACEHOLDER.fullmatch(self.text.text.strip())

    def shown(self) -> str:
        return f"{{{{{escape(self.expression.source, 60)}}}}}"

    def problem(self, message: str, hint: str) -> Problem:
        return Problem(self.text.path, message, hint)

    def jinja_hint(self) -> str:
        """What to write instead of Airflow's Jinja."""
        if "xcom_pull" in self.expression.source:
            return "pass the other task's .output, here or in variables, or set jinja=True"
        if self.airflow in DATES:
            return f"write {{{{day}}}} and {_DAY}; ds itself is undefined in runs without a logical date"
        return f"let Airflow fill a variable, as in {_DAY}, or set jinja=True"


def settled(source: str, scope: Scope) -> bool:
    """Whether no rule has anything to say about a placeholder that is not in a special place."""
    names = _plain_names(source)
    if names is None:
        return False
    for name in names:  # noqa: SIM110  a generator takes twice the time
        if scope.get(name, MISSING) is MISSING:
            return False
    return True


@lru_cache(maxsize=8192)
def _plain_names(source: str) -> tuple[str, ...] | None:
    """The variables of an expression, when it is as documented and calls no function."""
    expression = read(source)
    if expression.trouble or expression.functions or expression.undocumented:
        return None
    return tuple(reference[0] for reference in expression.references)


@rule("jinja-placeholder", "error", f"{DOCUMENTED} (variables)", on="placeholder")
def jinja_placeholder(use: Use) -> Problem | None:
    """Airflow's Jinja, such as `{{ ds }}` or `{{ ti.xcom_pull(…) }}`, where only JSON2Video fills placeholders: it
    would become an empty text.
    """
    if use.airflow is None or use.text.is_page or use.in_words:
        return None
    what = f"holds {use.shown()}, which is Airflow's Jinja, and nothing renders that here"
    return use.problem(what, use.jinja_hint())


@rule("undefined-placeholder", "error", f"{DOCUMENTED} (variables)", on="placeholder")
def undefined_placeholder(use: Use) -> Problem | None:
    """A placeholder whose name is no variable of the element, scene or movie, and no field of the repeated items."""
    undefined = [name for name in use.missing if name not in use.lacking]
    if not undefined or use.airflow or use.text.is_page or use.text.key == "variables":
        return None
    name = escape(undefined[0], 60)
    names = ", ".join(escape(name, 60) for name in undefined[:5])
    near = use.text.place.whole.near_variable(undefined[0], use.scope)
    return use.problem(
        f"holds {use.shown()}, but no variable in reach defines {names}",
        f'{near}give it a value: variables={{"{name}": …}}, which Airflow may fill, as in {_DAY}',
    )


@rule("placeholder-in-html", "warning", OURS, on="placeholder")
def placeholder_in_html(use: Use) -> Problem | None:
    """An undefined placeholder, or Airflow's Jinja, inside `html`, where braces may be the page's own."""
    if not use.text.is_page or use.expression.trouble or not use.missing:
        return None
    hint = "ignore this if the braces are the page's own; else " + (
        use.jinja_hint() if use.airflow else f'give it a value: variables={{"{escape(use.missing[0], 60)}": …}}'
    )
    return use.problem(f"holds {use.shown()}, which no variable in reach defines", hint)


@rule(
    "unreadable-placeholder",
    "warning",
    f"{DOCUMENTED} in part: the list of operators and functions was not seen whole",
    on="placeholder",
)
def unreadable_placeholder(use: Use) -> Problem | None:
    """Something between braces that is no expression as documented, for example a Jinja filter."""
    if not use.expression.trouble or use.airflow or use.text.is_page:
        return None
    return use.problem(
        f"holds {use.shown()}, which {use.expression.trouble}",
        "expressions have names, numbers, texts in quotes, + - * /, comparisons, and, or, ? : and functions; "
        "filters with | are Jinja's",
    )


@rule(
    "unknown-function", "warning", f"{DOCUMENTED} in part: the list of functions was not seen whole", on="placeholder"
)
def unknown_function(use: Use) -> Problem | None:
    """A function in an expression other than the documented min, max, ceil."""
    unknown = [name for name in use.expression.functions if name not in FUNCTIONS]
    if not unknown or use.expression.trouble or use.airflow or use.text.is_page:
        return None
    return use.problem(
        f"calls {escape(unknown[0], 60)}(), which is not documented",
        f"documented are {', '.join(FUNCTIONS)}; or compute the value in the DAG and pass it as a variable",
    )


@rule("missing-in-some-items", "warning", OURS, on="placeholder")
def missing_in_some_items(use: Use) -> Problem | None:
    """A placeholder for a field that only some of the items of a repeated scene have."""
    if not use.lacking:
        return None
    index = use.text.place.index
    item = "an item" if index is None else f"item {index}"
    what = f"uses {escape(use.lacking[0], 60)}, which {item} of the repeated list does not have"
    return use.problem(what, "give every item the field")


@rule("undefined-property", "warning", OURS, on="placeholder")
def undefined_property(use: Use) -> Problem | None:
    """A placeholder that asks a variable for a property it does not have (`{{user.nmae}}`)."""
    for root, *steps in use.expression.references:
        value, asked = use.scope.get(root), root
        for step in steps:
            if not isinstance(value, dict | list | str | int | float):
                break
            if not isinstance(value, dict) or step not in value:
                what = f"asks for {escape(asked, 60)}.{escape(step, 60)}, but {escape(asked, 60)} has no such property"
                return use.problem(what, "correct the name, or make it a variable of its own")
            value, asked = value[step], f"{asked}.{step}"
    return None


@rule("undocumented-expression", "warning", OURS, on="placeholder")
def undocumented_expression(use: Use) -> Problem | None:
    """A property or an item of a variable (`{{user.name}}`, `{{rows[0]}}`), or `===`: no document has such expressions.
    The estimate does not compute them.
    """
    if not use.expression.undocumented or use.expression.trouble or use.airflow or use.missing or use.text.is_page:
        return None
    if use.text.key == "variables" or undefined_property(use):
        return None
    return use.problem(
        f"holds {use.shown()}, and no document says that {use.expression.undocumented} works in an expression",
        "make what it asks for a variable of its own",
    )


@rule("placeholder-in-variable", "warning", OURS, on="placeholder")
def placeholder_in_variable(use: Use) -> Problem | None:
    """A placeholder inside the value of a variable: no document says that it is filled."""
    if use.text.key != "variables" or use.expression.trouble or (use.airflow and not use.in_words):
        return None
    return use.problem(
        f"is a variable's value and holds {use.shown()}; no document says that such a placeholder is filled",
        "write the value out, or put both placeholders where the variable is used",
    )


@rule("placeholder-in-exports", "warning", OURS, on="placeholder")
def placeholder_in_exports(use: Use) -> Problem | None:
    """A placeholder in `exports`: no document says that it is filled there."""
    if use.text.key != "exports" or use.airflow or use.missing:
        return None
    return use.problem(
        f"holds {use.shown()}; no document says that placeholders are filled in exports",
        "write the value out, or use one of the macros such as __yyyy__",
    )


@rule("broken-braces", "warning", OURS, on="text")
def broken_braces(text: Text) -> Problem | None:
    """Double braces that do not make a placeholder, such as `{{name}`."""
    if text.is_page or "{{" not in PLACEHOLDER.sub("", text.text):
        return None
    return Problem(text.path, "has braces that do not make a placeholder", "write {{name}}, without braces inside")


@rule("jinja-statement", "warning", OURS, on="text")
def jinja_statement(text: Text) -> Problem | None:
    """Jinja's `{% %}`: JSON2Video has `condition` and `iterate` instead."""
    if text.is_page or "{%" not in text.text:
        return None
    return Problem(
        text.path, "holds a Jinja statement, {% … %}", "use condition and iterate, or render the text in the DAG"
    )
