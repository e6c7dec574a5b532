"""The documentation's pages: code is that of the examples, links lead somewhere, generated pages are up to date."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from textwrap import dedent

import pytest
from airflow.sdk import BaseOperator
from airflow.triggers.base import BaseEventTrigger, BaseTrigger

from airflow_provider_j2v.get_provider_info import get_provider_info
from dev import errors_page

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / ".github").glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
#: A comment that names an example file and a marked part of it, and the code under the comment.
QUOTED = re.compile(r"<!-- (example_dags/\S+): (\w+) -->\n```\w*\n(.*?)```", re.DOTALL)
#: A directive that has a part of an example, or all of it, where the page is built.
INCLUDED = re.compile(r"```\{literalinclude\} (\S+)\n(.*?)```", re.DOTALL)
FENCED = re.compile(r"^( *)```.*?^\1```", re.DOTALL | re.MULTILINE)

QUOTES = [
    pytest.param(*quote, id=f"{page.name}: {quote[1]}")
    for page in PAGES
    for quote in QUOTED.findall(page.read_text("utf-8"))
]


def of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its code."""
    return re.sub(r"`[^`\n]+`", "``", FENCED.sub("", page.read_text("utf-8")))


def anchors(page: Path) -> set[str]:
    """What `#...` may say of a page: its headings, by the rule of GitHub, which Sphinx is told to follow."""
    text = page.read_text("utf-8")
    if included := re.search(r"```\{include\} (\S+)", text):
        return anchors(page.parent / included[1])
    titles = re.findall(r"^#+ +(.*?) *$", FENCED.sub("", text), re.MULTILINE)
    found: set[str] = set()
    for title in titles:
        slug = re.sub(r"[^\w\- ]", "", title.replace("`", "")).lower().replace(" ", "-")
        count = sum(1 for other in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", other))
        found.add(f"{slug}-{count}" if count else slug)
    return found


@pytest.mark.parametrize(("example", "part", "code"), QUOTES)
def test_what_a_page_quotes_is_what_the_example_says(example: str, part: str, code: str) -> None:
    text = (ROOT / example).read_text("utf-8")
    _, _, begun = text.partition(f"# [START {part}]\n")
    assert _lines(dedent(begun.partition(f"# [END {part}]")[0])) == _lines(code)


def _lines(code: str) -> list[str]:
    """Without empty ones: on a page, functions stand further apart than inside a DAG."""
    return [line for line in code.splitlines() if line.strip()]


@pytest.mark.parametrize("page", PAGES, ids=of)
def test_what_a_page_includes_is_there(page: Path) -> None:
    for target, options in INCLUDED.findall(page.read_text("utf-8")):
        text = (page.parent / target).read_text("utf-8")
        marks = re.findall(r':(?:start-after|end-before): "(.*)"', options)
        assert len(marks) == 2
        for mark in marks:
            assert text.count(mark) == 1, mark


@pytest.mark.parametrize("page", PAGES, ids=of)
def test_every_link_and_anchor_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    links += re.findall(r"\{download\}`.*?<(.*?)>`", page.read_text("utf-8"))
    links += re.findall(r"^```\{(?:image|include|literalinclude)\} (\S+)", page.read_text("utf-8"), re.MULTILINE)
    links += re.findall(r'(?:src|href|poster)="([^"]+)"', prose(page))
    for link in links:
        if re.match(r"[a-z]+:", link):
            assert link.startswith("https://"), link
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), link
        assert not anchor or anchor in anchors(path), link


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=of)
def test_every_page_of_the_site_begins_with_its_title(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text.startswith(("# ", "```{include} "))
    assert len(re.findall(r"^# ", FENCED.sub("", text), re.MULTILINE)) == text.startswith("# ")


# Pages that are made of the code.


def test_the_page_of_errors_says_what_the_errors_say() -> None:
    assert errors_page.PAGE.read_text("utf-8") == errors_page.page(), "run: python -m dev.errors_page"


def test_every_error_says_what_became_of_the_money_and_what_to_do() -> None:
    found = [error for _, error in errors_page.errors()]
    assert len(found) == len(set(found)) >= 28
    for error in found:
        about, fields = errors_page.told(error)
        assert about.endswith((".", ")."))
        assert fields["money"].endswith(".")
        assert fields["do"].endswith(".")


def test_an_error_that_does_not_say_so_is_noticed() -> None:
    class Silent(errors_page.JSON2VideoError):
        """Something."""

    with pytest.raises(ValueError, match="no :money: or no :do:"):
        errors_page.told(Silent)


def classes() -> set[str]:
    """Every operator, sensor and trigger that the provider has, by its full name."""
    info = get_provider_info()
    modules = {
        m for kind in ("operators", "sensors", "triggers") for entry in info[kind] for m in entry["python-modules"]
    }
    found = [value for module in modules for value in vars(importlib.import_module(module)).values()]
    kinds = (BaseOperator, BaseTrigger, BaseEventTrigger)
    return {
        value.__name__
        for value in found
        if inspect.isclass(value) and issubclass(value, kinds) and value.__name__.startswith("JSON2Video")
    }


def test_everything_a_dag_may_use_has_a_page_with_its_parameters() -> None:
    pages = {page: page.read_text("utf-8") for page in (ROOT / "docs" / "operators").glob("*.md")}
    documented = {re.findall(r"autoclass:: \S+\.(\w+)", text)[0] for text in pages.values() if "autoclass::" in text}
    assert documented == classes()
    (decorator,) = get_provider_info()["task-decorators"]
    assert any(f"autofunction:: {decorator['class-name']}" in text for text in pages.values())
    for page, text in pages.items():
        assert page.stem == "index" or "{literalinclude}" in text, page
        assert page.stem == "index" or f"({page.name})" in pages[page.parent / "index.md"], page
