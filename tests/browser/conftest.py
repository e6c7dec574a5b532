"""Airflow's web interface in a real browser, with a sandbox behind it; skipped where there is no Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_j2v.sandbox import Account, Sandbox
from dev.airflow_box import AirflowBox

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, ViewportSize

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--disable-background-networking", "--no-proxy-server"]
IMAGES = Path(__file__).parents[2] / "docs" / "images"
#: Pixels: wide enough for Airflow, narrow enough for a page of the documentation.
SIZE: ViewportSize = {"width": 1200, "height": 900}
#: Milliseconds that a page may take: a machine may be slow.
PATIENCE = 60_000

# Nothing else looks like them: whatever holds one of these has leaked it.
KEY, EMPTY_KEY, WRONG_KEY = "key-7c1e4b90", "key-0d93a6f2", "key-5ba8820e"
SFTP_PASSWORD = "pass-b41f77c3"
SECRETS = (KEY, EMPTY_KEY, WRONG_KEY, SFTP_PASSWORD)
CREDITS = 1807


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is on the path: on Debian, apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    arguments = [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Two accounts, one of them without credits; a movie that can be rendered takes hours of the sandbox's time."""
    accounts = [Account(key=KEY, credits=CREDITS), Account(key=EMPTY_KEY, credits=0)]
    with Sandbox(port=0, accounts=accounts, render="off", seconds_per_second=3600) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def box(browser: Browser, sandbox: Sandbox) -> Iterator[AirflowBox]:
    """An Airflow with the connections that the DAGs name, and some whose test button has something to tell."""
    with AirflowBox(Path(__file__).parent / "dags", config={"scheduler.use_job_schedule": "False"}) as box:
        account = {"conn_type": "json2video", "host": "127.0.0.1", "port": int(sandbox.url.rpartition(":")[2])}
        box.add_connection("json2video_default", **account, password=KEY)
        box.add_connection("no_credits", **account, password=EMPTY_KEY)
        box.add_connection("wrong_key", **account, password=WRONG_KEY)
        box.add_connection("elevenlabs", conn_type="json2video_connection", login="acme-elevenlabs")
        server = {"conn_type": "sftp", "host": "sftp.example.com", "login": "videos", "password": SFTP_PASSWORD}
        box.add_connection("video_server", **server, extra={"json2video_inline": True})
        yield box


@pytest.fixture(scope="session", autouse=True)
def runs(box: AirflowBox) -> dict[str, str]:
    """A run of each DAG; they go on while other pages are looked at."""
    return {dag_id: box.trigger(dag_id) for dag_id in ("autumn_sale", "morning_greeting")}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of a visitor who was never here before."""
    context = browser.new_context(viewport=SIZE, locale="en-US", timezone_id="UTC")
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


@pytest.fixture
def picture() -> Callable[..., None]:
    """Take a picture for the documentation, where SCREENSHOTS asks for them."""

    def take(name: str, what: Locator | Page, **options: Any) -> None:
        if os.environ.get("SCREENSHOTS"):
            IMAGES.mkdir(exist_ok=True)
            what.screenshot(path=(path := IMAGES / f"{name}.png"), animations="disabled", **options)
            _shrink(path)

    return take


def _shrink(path: Path) -> None:
    """What an interface is painted with, a palette holds: a third of the bytes."""
    from PIL import Image

    with Image.open(path) as image:
        small = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
