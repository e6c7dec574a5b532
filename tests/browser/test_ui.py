"""What a person sees of the provider in Airflow's web interface."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from airflow_provider_j2v.get_provider_info import get_provider_info
from airflow_provider_j2v.sandbox import Sandbox
from dev.airflow_box import AirflowBox
from tests.browser.conftest import CREDITS, KEY, SECRETS, SIZE

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, expect
else:
    expect = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: extra 'browser'").expect

pytestmark = pytest.mark.browser

TYPES = {kind["hook-name"]: kind for kind in get_provider_info()["connection-types"]}
#: What Airflow calls the fields that every connection has.
STANDARD = {
    "description": "Description",
    "host": "Host",
    "login": "Login",
    "password": "Password",
    "port": "Port",
    "schema": "Schema",
}
ACCOUNT = "JSON2Video"
#: Pages of a task, and what they have to show before they are looked at.
TABS: dict[str, str | re.Pattern[str]] = {
    "": "Submitted project",
    "/rendered_templates": "airflow:video_server",
    "/task-state-store": re.compile("^json2video$"),
    "/xcom": "_link_JSON2VideoMovieLink",
    "/events": re.compile("^running$"),
    "/code": "Parsed at:",
    "/details": "Watch video",
}
#: Seconds of the sandbox's time in which every render ends.
LONG = 24 * 3600

Picture = Callable[..., None]


@pytest.mark.parametrize("label", TYPES)
def test_the_form_of_a_connection_says_what_to_enter(page: Page, box: AirflowBox, picture: Picture, label: str) -> None:
    page.set_viewport_size({**SIZE, "height": 1700})  # all of a form, without scrolling
    form = new_connection(page, box, label)
    behaviour, extras = TYPES[label]["ui-field-behaviour"], TYPES[label]["conn-fields"]
    shown = {name: behaviour["relabeling"].get(name, STANDARD[name]) for name in STANDARD}
    shown = {name: text for name, text in shown.items() if name not in behaviour["hidden-fields"]}

    fields = form.get_by_role("region", name="Standard Fields")
    for name, text in shown.items():
        placeholder = behaviour["placeholders"].get(name, "")
        expect(fields.get_by_label(text, exact=True)).to_have_attribute("placeholder", placeholder)
    expect(fields.get_by_role("group")).to_have_text(list(shown.values()))
    picture(f"connection-{TYPES[label]['connection-type']}", form)

    form.get_by_role("button", name="Extra Fields", exact=True).click()
    for field in extras.values():
        group = form.get_by_role("group").filter(has=page.get_by_text(field["label"], exact=True))
        expect(group).to_contain_text(field["description"])
        expect(group).to_be_visible()
    picture(f"connection-{TYPES[label]['connection-type']}-extra", form)


def test_a_connection_made_in_the_form_works_and_its_test_tells_the_credits(
    page: Page, box: AirflowBox, sandbox: Sandbox, picture: Picture
) -> None:
    form = new_connection(page, box, ACCOUNT)
    form.get_by_label("Connection ID").fill("made_by_hand")
    form.get_by_label("Host").fill("127.0.0.1")
    form.get_by_label("Password (API key)").fill(KEY)
    form.get_by_label("Port").fill(sandbox.url.rpartition(":")[2])
    form.get_by_role("button", name="Extra Fields", exact=True).click()
    fields = form.get_by_role("group")
    fields.filter(has_text="Namespace").get_by_role("textbox").fill("prod-eu")
    form.get_by_label("Submit timeout (s)").fill("90")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("cell", name="made_by_hand")).to_be_visible()

    stored = json.loads(box.rest("GET", "connections/made_by_hand")["extra"])
    assert {k: v for k, v in stored.items() if v not in (None, {})} == {"namespace": "prod-eu", "submit_timeout": 90}
    told = press_test(page, "made_by_hand")
    expect(told).to_contain_text(f"Test Connection SuccessfulConnected to {sandbox.url}: {CREDITS} credits left")
    picture("test-good-key", told)
    box.rest("DELETE", "connections/made_by_hand")


@pytest.mark.parametrize(
    ("conn_id", "title", "words"),
    [
        ("wrong_key", "Test Connection Failed", "Invalid API Key; check the API key in the Password field"),
        ("no_credits", "Test Connection Successful", "no credits are left: renders are refused until"),
    ],
    ids=["wrong key", "no credits"],
)
def test_the_test_button_tells_what_is_the_matter(
    page: Page, box: AirflowBox, picture: Picture, conn_id: str, title: str, words: str
) -> None:
    page.goto(f"{box.url}/connections")
    told = press_test(page, conn_id)
    expect(told).to_contain_text(re.compile(f"{title}.*{words}"))  # at once: it goes away by itself
    picture(f"test-{conn_id.replace('_', '-')}", told)


def test_a_waiting_render_has_links_that_work_and_a_finished_one_shows_its_video(
    page: Page, box: AirflowBox, sandbox: Sandbox, runs: dict[str, str], picture: Picture
) -> None:
    dag_id, run_id = "morning_greeting", runs["morning_greeting"]
    box.wait_task(dag_id, run_id, "render", "deferred", timeout=120)
    project = box.xcom(dag_id, run_id, "render", "project")

    page.goto(f"{task_page(box, runs, dag_id)}/details")
    expect(page.get_by_text("Deferred", exact=True)).to_be_visible()
    for name in ("Watch video", "Dashboard"):
        opened = follow(page, name)
        expect(opened.get_by_role("row").filter(has_text=project)).to_contain_text("running")
        opened.close()
    expect(page.get_by_role("row", name="Latest triggerer heartbeat")).to_be_visible()
    page.mouse.move(0, 0)
    picture("waiting", page, clip={"x": 0, "y": 0, "width": SIZE["width"], "height": 560})

    sandbox.advance(LONG)
    assert box.wait(dag_id, run_id) == "success", box.task_log(dag_id, run_id, "render")
    page.reload()
    expect(page.get_by_text("Success", exact=True)).to_be_visible()
    movie = box.xcom(dag_id, run_id, "render")
    opened = follow(page, "Watch video")
    assert opened.url == movie["url"]
    opened.wait_for_function("document.querySelector('video')?.videoWidth > 0")


def test_the_log_of_a_failed_render_shows_the_element_and_the_next_step(
    page: Page, box: AirflowBox, runs: dict[str, str], picture: Picture
) -> None:
    box.wait_task("autumn_sale", runs["autumn_sale"], "render", "failed", timeout=120)
    page.set_viewport_size({**SIZE, "height": 1100})  # all of the log, without scrolling
    page.goto(task_page(box, runs, "autumn_sale"))
    entry = page.get_by_test_id(re.compile("^virtualized-item")).filter(has_text="failed to render").first
    told = entry.locator(".event").first
    for words in (
        "Scene #1, element #2: Failed to download 'https://shop.invalid/logo.png' (404).",
        'movie.scenes[0].elements[1] = {"type": "image", "src": "https://shop.invalid/logo.png"}.',
        "not billed for rendering",
        "Next: mend what failed, then clear the task that submitted it; it renders anew.",
    ):
        expect(told).to_contain_text(words)
    assert right_edge(told) <= SIZE["width"], "Airflow cuts the lines off"
    seen = entry.bounding_box() or {"y": 0, "height": 0}
    picture("failed", page, clip={"x": 0, "y": 0, "width": SIZE["width"], "height": seen["y"] + seen["height"]})


def test_rendered_fields_of_a_small_movie_are_readable_json(
    page: Page, box: AirflowBox, runs: dict[str, str], picture: Picture
) -> None:
    box.wait_task("morning_greeting", runs["morning_greeting"], "render", "deferred", "success", timeout=120)
    page.goto(f"{task_page(box, runs, 'morning_greeting')}/rendered_templates")
    movie = page.get_by_role("row").filter(has=page.get_by_role("cell", name="movie", exact=True)).locator("code")
    expect(movie).to_contain_text(re.compile(r'"text"\s*: "Good morning, {{city}}!"'))  # the service's, not Jinja's
    expect(movie).to_contain_text(re.compile(r'"connection"\s*: "airflow:elevenlabs"'))
    assert movie.inner_text().count("\n") > 20  # indented
    assert movie.locator("span").filter(has_text=re.compile('^"connection"$')).count() == 1  # coloured
    variables = page.get_by_role("row").filter(has=page.get_by_role("cell", name="variables", exact=True))
    expect(variables).to_contain_text(re.compile(r'"city"\s*: "Lisbon"'))
    picture("rendered", page, clip={"x": 0, "y": 0, **SIZE, "height": 850})


def test_no_secret_reaches_the_browser(page: Page, box: AirflowBox, runs: dict[str, str]) -> None:
    for dag_id in runs:
        box.wait_task(dag_id, runs[dag_id], "render", "deferred", "failed", "success", timeout=120)
    asked: dict[str, str] = {}
    page.on("request", lambda request: asked.update({request.url: request.resource_type}))
    seen: dict[str, str] = {}
    greeting = task_page(box, runs, "morning_greeting")
    pages = {f"{greeting}{tab}": shown for tab, shown in TABS.items()}
    pages |= {f"{box.url}/connections": "wrong_key", task_page(box, runs, "autumn_sale"): "Submitted project"}
    for path, shown in pages.items():
        page.goto(path)
        expect(page.get_by_text(shown).first).to_be_visible()
        seen[f"shown at {path}"] = page.content()
    # A page that has gone does not give its answers back: they are asked for again, by the same visitor.
    for url, kind in list(asked.items()):
        if kind in ("fetch", "xhr"):
            seen[url] = page.request.get(url).text()
    everything = "".join(seen.values())
    for sent in ('"wrong_key"', '"rendered_fields"', "airflow:video_server", "Submitted project"):
        assert sent in everything  # nothing can leak where nothing was heard
    assert [(where, secret) for where, text in seen.items() for secret in SECRETS if secret in text] == []


def test_the_docs_of_a_dag_and_a_task_are_shown(page: Page, box: AirflowBox) -> None:
    page.goto(f"{box.url}/dags/morning_greeting")
    page.get_by_role("button", name="Dag Docs").click()
    expect(page.get_by_role("dialog").get_by_role("heading", name="Good morning")).to_be_visible()

    page.goto(f"{box.url}/dags/morning_greeting/tasks/render")
    page.get_by_role("button", name="Documentation").click()
    expect(page.get_by_role("dialog").get_by_text("One movie for each city.")).to_be_visible()


def new_connection(page: Page, box: AirflowBox, label: str) -> Locator:
    """The form of a new connection of a type."""
    page.goto(f"{box.url}/connections")
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.get_by_role("combobox", name="Connection Type").click()
    page.keyboard.type(label)
    page.get_by_role("option", name=label, exact=True).click()
    return form


def press_test(page: Page, conn_id: str) -> Locator:
    """The notice after the test button of a connection was pressed."""
    row = page.get_by_role("row").filter(has=page.get_by_role("cell", name=conn_id, exact=True))
    row.get_by_role("button", name="Test Connection").click()
    return page.get_by_role("region", name="Notifications").get_by_role("status").filter(has_text="Test Connection")


def task_page(box: AirflowBox, runs: dict[str, str], dag_id: str) -> str:
    return f"{box.url}/dags/{dag_id}/runs/{runs[dag_id]}/tasks/render"


def follow(page: Page, name: str) -> Page:
    """The tab that one of the task's links opens."""
    with page.expect_popup() as opened:
        page.get_by_role("link", name=name, exact=True).click()
    return opened.value


def right_edge(text: Locator) -> float:
    """Where the longest line of a text ends, in pixels from the left."""
    return float(
        text.evaluate(
            "text => { const all = document.createRange(); all.selectNodeContents(text);"
            " return Math.max(...Array.from(all.getClientRects(), line => line.right)); }"
        )
    )
