"""The built site, as `make docs` leaves it in build/docs: nothing in it leads nowhere."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "docs"
PAGES = sorted(SITE.rglob("*.html"))
#: Bytes of what is shown on the start page, which everybody loads and clones.
MAX_MEDIA = 300_000

pytestmark = pytest.mark.skipif(not PAGES, reason="make docs builds the site")


class Page(HTMLParser):
    """The places of a page, and where it leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids |= {value for name in ("id", "name") if (value := found.get(name))}
        self.links += [value for name in ("href", "src", "poster") if (value := found.get(name))]


@cache
def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text("utf-8"))
    return page


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(SITE)))
def test_every_link_within_the_site_leads_somewhere(path: Path) -> None:
    for link in read(path).links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        assert target.is_file(), link
        if parts.fragment and target.suffix == ".html":
            assert unquote(parts.fragment) in read(target).ids, link


def test_every_page_can_be_reached_from_the_first() -> None:
    reached, waiting = set(), [SITE / "index.html"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        links = [
            (page.parent / unquote(urlsplit(link).path)).resolve() for link in read(page).links if "://" not in link
        ]
        waiting += {link for link in links if link.suffix == ".html"} - reached - set(waiting)
    written = {SITE / path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert written <= reached


def test_the_parameters_of_an_operator_are_on_its_page_one_by_one() -> None:
    page = (SITE / "operators" / "render-movie.html").read_text("utf-8")
    for name in ("movie", "variables", "max_credits", "destination", "json2video_conn_id"):
        assert re.search(rf"<strong>{name}</strong>", page), name


def test_the_start_page_shows_a_video_of_the_demo_and_stays_light() -> None:
    page = read(SITE / "index.html")
    media = [SITE / link for link in page.links if link.endswith((".mp4", ".jpg"))]
    assert {path.name for path in media} == {"demo.mp4", "demo.jpg"}
    assert 10_000 < sum(path.stat().st_size for path in media) < MAX_MEDIA


def test_nothing_tells_where_it_was_built() -> None:
    for path in PAGES:
        assert str(ROOT) not in path.read_text("utf-8"), path
