"""``python -m dev.lint_page`` writes docs/lint.md from the rules themselves."""

from __future__ import annotations

import sys
from pathlib import Path

from airflow_provider_j2v.movies.rules import CHAPTERS, RULES, Rule

PAGE = Path(__file__).resolve().parent.parent / "docs" / "lint.md"

_HEAD = """\
# Lint: what is wrong with a movie before it costs anything

<!-- Written by `python -m dev.lint_page` from the rules themselves. -->

JSON2Video takes almost any JSON and tells minutes later, or never, what it did not like. Before a movie is submitted,
the operators look through it, and `airflow-j2v lint movie.json` does so without Airflow and without a key:

```text
error: movie.scenes[0].elements[1].src is missing; a video element needs src or prompt [missing-source]
```

Each finding has a severity, the id of its rule, the path of the place, what is wrong there and what to do. An **error**
stands for what would fail or silently come out as another video, by what is documented or was seen live and is
undisputed; everything else is a **warning**. With `preflight="error"` (the default) errors stop the task and nothing
is sent, `"warn"` only logs them, `"off"` leaves the check to what cannot be sent at all.

Every `{{name}}` is looked up where it stands: in the variables of its element, scene and movie, and in a repeated scene
in the fields of the items, beside `iteration`, `first_iteration` and `last_iteration`. Of a movie with a `template`,
the template is read and checked with the variables given; places in it are called `template.…`.

What does not play cannot fail. Of a repeated scene only the items that play are looked at, and elements of an imported
scene with the variables of the scene that imports them. Where a `condition` drops a scene or an element with the
variables given, or where that cannot be known, what would be an error is a warning that ends in "(if it plays)"; the
placeholders of what is dropped are not looked at.

```python
from airflow_provider_j2v.movies.lint import lint, refuse

findings = lint(movie)  # catalog=…, template=…, variables_schema=…, base_url=…
refuse(findings)  # raises InvalidMovie when one of them is an error
```

The last column says what a rule rests on. [What the service drops or refuses](lint-coverage.md) lists the same the
other way round: each case that is known, and what catches it.
"""

_COLUMNS = """\
| Rule | | What it finds | Rests on |
|---|---|---|---|"""


def page() -> str:
    """The text of the page."""
    parts = [_HEAD]
    for chapter in CHAPTERS:
        # """Rules about durations.""" becomes the title "Durations".
        title = (chapter.__doc__ or "").partition("\n")[0].removeprefix("Rules about ").removesuffix(".")
        rows = "\n".join(_row(rule) for rule in RULES if rule.look.__module__ == chapter.__name__)
        parts.append(f"\n## {title[:1].upper()}{title[1:]}\n\n{_COLUMNS}\n{rows}\n")
    return "".join(parts)


def _row(rule: Rule) -> str:
    severity = "**error**" if rule.severity == "error" else "warning"
    about = " ".join(rule.about.split()).replace("|", "\\|")
    return f"| `{rule.id}` | {severity} | {about} | {rule.source} |"


def main() -> int:
    """Write the page; the exit status."""
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
