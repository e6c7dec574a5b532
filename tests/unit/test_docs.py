"""Code in the documentation is the code of the examples."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]
#: A comment that names an example file and a marked part of it, and the code under the comment.
QUOTED = re.compile(r"<!-- (example_dags/\S+): (\w+) -->\n```\w*\n(.*?)```", re.DOTALL)

QUOTES = [
    pytest.param(*quote, id=f"{page.name}: {quote[1]}")
    for page in sorted((ROOT / "docs").glob("*.md"))
    for quote in QUOTED.findall(page.read_text("utf-8"))
]


@pytest.mark.parametrize(("example", "part", "code"), QUOTES)
def test_what_a_page_quotes_is_what_the_example_says(example: str, part: str, code: str) -> None:
    text = (ROOT / example).read_text("utf-8")
    _, _, begun = text.partition(f"# [START {part}]\n")
    assert _lines(dedent(begun.partition(f"# [END {part}]")[0])) == _lines(code)


def _lines(code: str) -> list[str]:
    """Without empty ones: on a page, functions stand further apart than inside a DAG."""
    return [line for line in code.splitlines() if line.strip()]
