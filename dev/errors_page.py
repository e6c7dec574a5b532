"""``python -m dev.errors_page`` writes docs/errors.md from the errors themselves."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from airflow_provider_j2v.api import upload
from airflow_provider_j2v.exceptions import JSON2VideoError, RenderFailed
from airflow_provider_j2v.hooks.errors import is_final
from airflow_provider_j2v.renders import ledger, lookup

PAGE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"
#: Where errors are defined beside the page of them: imported, so that the tree is whole.
MODULES = (ledger, lookup, upload)

Kind = type[JSON2VideoError]

_HEAD = """\
# Errors

<!-- Written by `python -m dev.errors_page` from the errors themselves. -->

Each error that this package raises on purpose, what became of the money, and what to do. The task's log has more: the
message names the project, the place in the movie, and the next step. [When things break](when-things-break.md) tells
how the promise is kept through all of this.

"""

_TAIL = """\
## In a callback

Out of a task, an error that another try would only meet again is raised as Airflow's `AirflowFailException`, which ends
the task whatever its `retries`, with ours as its cause. All others are raised as they are, for Airflow to retry.

```python
from airflow_provider_j2v.exceptions import BudgetExceeded, JSON2VideoError, OutOfCredits


def tell(context):
    \"\"\"As ``on_failure_callback`` of a DAG or a task.\"\"\"
    error = context["exception"]
    ours = error if isinstance(error, JSON2VideoError) else error.__cause__
    if isinstance(ours, OutOfCredits | BudgetExceeded):
        print(f"Money: {ours}")
```

A [sensor](operators/movie-sensor.md) raises `AirflowFailException` for a render that failed and `AirflowSensorTimeout`
for one that did not end in time, in all of its modes, so that `soft_fail` and `never_fail` do what they always do.
"""


def errors(
    root: type[JSON2VideoError] = JSON2VideoError, depth: int = 0
) -> Iterator[tuple[int, type[JSON2VideoError]]]:
    """The tree, each error after its parent, with its depth: in the order of the source, not of the imports."""
    yield depth, root
    ours = [child for child in root.__subclasses__() if child.__module__.startswith("airflow_provider_j2v.")]
    for child in sorted(ours, key=lambda kind: (kind.__module__, inspect.getsourcelines(kind)[1])):
        yield from errors(child, depth + 1)


def told(error: Kind) -> tuple[str, dict[str, str]]:
    """What a docstring says: its first paragraph, and its fields.

    :raises ValueError: a field is missing that each error has.
    """
    about, _, fields = inspect.cleandoc(error.__doc__ or "").partition("\n\n")
    found = {name: _plain(text) for name, text in re.findall(r"^:(money|do): (.*(?:\n .*)*)", fields, re.MULTILINE)}
    if found.keys() != {"money", "do"} or error.__doc__ == (error.__base__ or object).__doc__:
        raise ValueError(f"{error.__name__}: its docstring has no :money: or no :do:")
    return _plain(about), found


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _retries(error: Kind) -> str:
    if error is RenderFailed:
        return "depend on the reason"
    if is_final(error.__new__(error)):
        return "end at once: another try would end the same way"
    return "go on, as many as the task has"


def page() -> str:
    """The text of the page."""
    tree = "".join(f"{'  ' * depth}- [`{e.__name__}`](#{e.__name__.lower()})\n" for depth, e in errors())
    return _HEAD + tree + "".join(_chapter(e) for _, e in errors()) + "\n" + _TAIL


def _chapter(error: Kind) -> str:
    about, fields = told(error)
    return f"""
## {error.__name__}

{_capital(about)}

| | |
|---|---|
| The money | {_capital(fields["money"])} |
| What to do | {_capital(fields["do"])} |
| Airflow's retries | {_retries(error)} |
| Import | `from {error.__module__} import {error.__name__}` |
"""


def main() -> int:
    """Write the page; the exit status."""
    PAGE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
