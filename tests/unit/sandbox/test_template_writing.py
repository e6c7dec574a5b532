"""Writing templates over bare HTTP: what the client of this package never sends, and what answers look like."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_j2v.sandbox.shipped_templates import HELLO, NARRATED

PATH = "/v2/templates"
MOVIE = {"scenes": [{"duration": 2}]}


@pytest.fixture
def create(client) -> Callable[..., str]:
    def post(**payload: Any) -> str:
        answer = client.post(PATH, json={"name": "Mine", "movie": MOVIE} | payload)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["templateId"])

    return post


def test_a_creation_is_answered_with_its_template_id(sandbox, client):
    answer = client.post(PATH, json={"name": "Mine", "movie": MOVIE}).json()

    assert set(answer) == {"success", "templateId", "timestamp"}
    assert len(answer["templateId"]) == 20
    assert sandbox.templates.all[answer["templateId"]].created_at == answer["timestamp"]


@pytest.mark.parametrize("movie", [MOVIE, json.dumps(MOVIE)], ids=["object", "text"])
def test_the_movie_may_be_an_object_or_text(sandbox, create, movie):
    assert sandbox.templates.all[create(movie=movie)].movie == MOVIE


@pytest.mark.parametrize("tags", [["a", "b"], "a, b"], ids=["list", "text"])
def test_tags_may_be_a_list_or_text(sandbox, create, tags):
    assert sandbox.templates.all[create(tags=tags)].tags == ("a", "b")


def test_a_deletion_does_not_say_what_was_deleted(client, create):
    answer = client.delete(PATH, params={"id": create()})

    assert set(answer.json()) == {"success", "timestamp"}


def test_a_change_moves_a_template_to_the_top(sandbox, client, create):
    first = create()
    sandbox.advance(10)
    create()
    sandbox.advance(10)
    client.post(PATH, params={"id": first}, json={"tags": []})

    rows = client.get(PATH).json()["templates"]

    assert rows[0]["id"] == first
    assert rows[0]["created_at"] < rows[0]["updated_at"]


def test_a_copy_may_have_no_body_and_is_told_its_name(client):
    answer = client.post(PATH, params={"id": HELLO.id, "action": "duplicate"}).json()

    assert set(answer) == {"success", "templateId", "name", "timestamp"}
    assert answer["name"] == "Hello (custom)"


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_what_comes_with_the_sandbox_is_nobody_s_and_stays_as_it_is(sandbox, client, create, method):
    own = create()
    rows = client.get(PATH).json()["templates"]
    assert {row["id"] for row in rows if row["owner"]} == {own}

    answer = client.request(method, PATH, params={"id": HELLO.id}, json={"name": "Taken"})

    assert (answer.status_code, answer.json()["message"]) == (403, "Insufficient permissions")
    assert sandbox.templates.all[HELLO.id] == HELLO


def test_a_copy_is_one_s_own(sandbox, client):
    answer = client.post(PATH, params={"id": NARRATED.id, "action": "duplicate"}, json={}).json()
    copy = sandbox.templates.all[answer["templateId"]]

    assert (copy.movie, copy.prompt, copy.tags) == (NARRATED.movie, NARRATED.prompt, NARRATED.tags)
    assert (copy.shared, copy.client) == (False, sandbox.accounts[0].client)


REFUSED = {
    "no body": (b"", "No payload provided"),
    "an empty object": (b"{}", "No payload provided"),
    "no JSON": (b"{", "No payload provided"),
    "a list": (b"[1]", "No payload provided"),
    "deep": (b"[" * 100_000, "No payload provided"),
    "no name": (b'{"movie": {}}', "name is required"),
    "an empty name": (b'{"name": " "}', "name is required"),
    "a long name": (json.dumps({"name": "x" * 101}).encode(), "The name must be 100 characters or less"),
    "tags in an object": (b'{"name": "x", "tags": {}}', "Tags must be a string or an array"),
    "a movie in a list": (b'{"name": "x", "movie": []}', "Payload movie must be a JSON string or JSON object"),
    "a movie of words": (b'{"name": "x", "movie": "hi"}', "Payload movie must be a JSON string or JSON object"),
    "a large movie": (
        json.dumps({"name": "x", "movie": {"comment": "x" * 103_000}}).encode(),
        "The movie is larger than 100 KB",
    ),
}


@pytest.mark.parametrize(("body", "message"), REFUSED.values(), ids=REFUSED)
def test_a_payload_that_cannot_be_is_refused(sandbox, client, body, message):
    before = dict(sandbox.templates.all)
    answer = client.post(PATH, content=body)

    assert (answer.status_code, answer.json()) == (400, {"success": False, "message": message})
    assert sandbox.templates.all == before


def test_a_movie_may_name_no_unknown_template(client):
    answer = client.post(PATH, json={"name": "x", "movie": {"template": "nosuchtemplate000000"}})

    assert answer.json()["message"] == "Template not found"


def test_scopes_choose_what_is_read(client):
    def read(**query: str) -> Any:
        return client.get(PATH, params={"id": NARRATED.id, **query}).json()["template"]

    assert "movie" in read()
    assert "ai_prompt" not in read()
    assert "movie" not in read(scopes="prompt")
    assert read(scopes="movie,prompt")["ai_prompt"] == NARRATED.prompt


@pytest.mark.parametrize(
    ("method", "call"), [("GET", "template"), ("POST", "template-write"), ("DELETE", "template-write")]
)
def test_reading_and_writing_are_two_calls_in_the_journal(sandbox, client, method, call):
    client.request(method, PATH)

    assert sandbox.journal.requests == {call: 1}


def test_the_page_shows_the_templates(client, create):
    create(name="<b>Mine</b>", tags="one, two")

    page = client.get("/").text

    assert "&lt;b&gt;Mine&lt;/b&gt;" in page
    assert "one, two" in page


def test_a_template_that_cannot_be_rendered_hides_no_other_in_the_library(client, create):
    create(movie={"resolution": "custom"}, tags="odd")

    rows = client.get(f"{PATH}/library", params={"tags": "odd"}).json()["templates"]

    assert len(rows) == 3


def test_what_was_written_can_be_forgotten(sandbox, create):
    create()
    sandbox.templates.reset()

    assert len(sandbox.templates.all) == 3
