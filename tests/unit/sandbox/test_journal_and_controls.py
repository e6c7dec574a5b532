"""What the sandbox says about itself, and to whom."""

from __future__ import annotations

import json

import httpx
import pytest

from airflow_provider_j2v.sandbox import Sandbox

TAGGED = {"client-data": {"airflow": {"tag": "t-1"}}}


def test_the_journal_counts_calls_bytes_and_submissions(sandbox, client, submit, read, make_movie):
    project = submit(make_movie(**TAGGED))
    read(project)
    client.get("/v2/movies")
    client.get("/")
    client.get("/sandbox/journal")

    journal = sandbox.journal
    assert journal.requests == {"submit": 1, "get": 1, "list": 1}
    assert journal.bytes_in == len(json.dumps(make_movie(**TAGGED), separators=(",", ":")))
    assert journal.bytes_out > journal.bytes_in
    (submission,) = journal.submissions
    assert (submission.project, submission.tag, submission.time) == (project, "t-1", sandbox.clock.now())
    assert [entry.call for entry in journal.last(2)] == ["get", "list"]


def test_a_tag_accepted_twice_is_a_duplicate(sandbox, submit, make_movie):
    submit(make_movie(**TAGGED))
    assert sandbox.journal.duplicates == []

    submit(make_movie(**TAGGED))
    submit(make_movie())

    assert sandbox.journal.duplicates == ["t-1"]
    assert sandbox.journal.per_tag == {"t-1": 2}


@pytest.mark.parametrize("client_data", [None, [], "x", {"airflow": 1}, {"airflow": {"tag": 1}}])
def test_client_data_of_any_shape_is_no_tag(sandbox, submit, make_movie, client_data):
    submit(make_movie(**{"client-data": client_data}))

    assert sandbox.journal.per_tag == {}


def test_the_journal_never_holds_a_key(sandbox, client, submit):
    submit()
    client.get("/v2/movies?api_key=sandbox-key-in-a-query")

    seen = client.get("/sandbox/journal").text + repr(sandbox.journal.last(10))

    assert "sandbox-key" not in seen
    assert "x-api-key" not in seen
    assert "key" not in repr(sandbox.accounts)


def test_the_journal_can_be_read_and_reset_over_http(sandbox, client, submit, make_movie):
    submit(make_movie(**TAGGED))
    sandbox.advance(60)

    seen = client.get("/sandbox/journal").json()
    assert (seen["per_tag"], seen["paid"], seen["requests"]) == ({"t-1": 1}, 5, {"submit": 1})

    client.delete("/sandbox/journal")
    assert client.get("/sandbox/journal").json()["submissions"] == []


def test_the_clock_can_be_advanced_over_http_but_not_back(client, submit, read):
    project = submit()

    client.post("/sandbox/clock", json={"advance": 60}).raise_for_status()

    assert read(project)["status"] == "done"
    assert client.post("/sandbox/clock", json={"advance": -1}).status_code == 400


def test_variants_can_be_changed_over_http_with_their_types_checked(sandbox, client):
    assert client.post("/sandbox/variants", json={"list_order": "oldest", "list_lag": 3}).status_code == 200
    assert (sandbox.variants.list_order, sandbox.variants.list_lag) == ("oldest", 3.0)
    assert client.get("/sandbox/variants").json()["list_order"] == "oldest"

    assert client.post("/sandbox/variants", json={"list_order": "random"}).status_code == 400
    assert client.post("/sandbox/variants", json={"nonsense": 1}).status_code == 400
    assert sandbox.variants.list_order == "oldest"


def test_controls_are_only_there_on_loopback(client):
    with Sandbox(host="0.0.0.0", render="off") as exposed:
        assert exposed.url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{exposed.url}/").status_code == 200
        assert httpx.get(f"{exposed.url}/sandbox/journal").status_code == 403
        assert httpx.post(f"{exposed.url}/sandbox/faults", json={"on": "*", "kind": "hang"}).status_code == 403


def test_controls_cannot_be_reached_under_a_foreign_name(client):
    assert client.get("/sandbox/journal", headers={"host": "evil.example:8765"}).status_code == 403


def test_the_dashboard_shows_movies_escaped_and_newest_first(sandbox, client, submit, make_movie):
    first = submit(make_movie(comment="<script>alert(1)</script>"))
    sandbox.advance(60)
    second = submit({"scenes": [{"elements": [{"type": "<b>bold</b>"}]}]})
    sandbox.advance(60)

    page = client.get("/").text

    assert page.index(second) < page.index(first)
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;b&gt;bold" in page
    assert sandbox.movies[first].file in page
    assert "11995" in page


def test_the_dashboard_holds_no_key(sandbox, client):
    assert '"sandbox"' not in client.get("/").text
    assert "x-api-key" not in client.get("/").text
