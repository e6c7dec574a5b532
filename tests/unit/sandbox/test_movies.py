"""The life of a movie: queue, running, final, file, deletion."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from airflow_provider_j2v.sandbox import Account, Sandbox
from airflow_provider_j2v.sandbox.movie import Fate

WEEK = 7 * 86_400


def test_a_submission_is_answered_with_project_and_timestamp_and_nothing_else(client, make_movie):
    answer = client.post("/v2/movies", json=make_movie())

    assert answer.json().keys() == {"success", "project", "timestamp"}
    assert len(answer.json()["project"]) == 16
    assert answer.json()["timestamp"] == "2026-09-12T12:00:00.000Z"


def test_a_movie_is_pending_then_running_then_done(sandbox, submit, read):
    project = submit(seconds=10)

    assert read(project)["status"] == "pending"
    sandbox.advance(1)
    assert read(project)["status"] == "running"
    sandbox.advance(5.9)
    assert read(project)["status"] == "running"
    sandbox.advance(0.2)
    shown = read(project)
    assert shown["status"] == "done"
    assert (shown["duration"], shown["width"], shown["height"]) == (10, 640, 360)
    assert shown["ended_at"] == "2026-09-12T12:00:07.000Z"
    assert shown["rendering_time"] == 6
    assert shown["message"] == ""


def test_unfinished_movies_have_no_url_and_no_end(submit, read):
    shown = read(submit())

    assert shown["url"] is None
    assert not shown.keys() & {"ended_at", "duration", "size", "width", "height"}


def test_speed_multiplies_the_clock(make_movie):
    now = [0.0]
    with Sandbox(clock=lambda: now[0], speed=10, render="off") as sandbox:
        key = {"x-api-key": "sandbox"}
        project = httpx.post(f"{sandbox.url}/v2/movies", json=make_movie(seconds=8), headers=key).json()["project"]

        def status() -> str:
            shown = httpx.get(f"{sandbox.url}/v2/movies", params={"project": project}, headers=key).json()
            return str(shown["movie"]["status"])

        now[0] = 0.59
        assert status() == "running"
        now[0] = 0.61
        assert status() == "done"


def test_a_movie_without_src_is_accepted_and_fails_at_render_time(sandbox, submit, read):
    project = submit({"scenes": [{"elements": [{"type": "text", "text": "a"}, {"type": "video"}]}]})

    assert read(project)["status"] == "pending"
    sandbox.advance(60)
    shown = read(project)
    assert shown["status"] == "error"
    assert shown["message"] == "Scene #1, element #2: The element type 'video' requires a 'src' property."
    assert shown["url"] is None


def test_a_render_error_is_a_success_over_http(sandbox, client, submit):
    project = submit({"scenes": []})
    sandbox.advance(60)

    answer = client.get("/v2/movies", params={"project": project})

    assert answer.status_code == 200
    assert answer.json()["success"] is True
    assert answer.json()["movie"]["message"] == "Movie duration cannot be zero"


def test_the_submitted_document_comes_back_unless_the_format_is_simple(submit, read, make_movie):
    project = submit(make_movie(comment="mine"))

    assert json.loads(read(project)["json"]) == make_movie(comment="mine")
    assert "json" not in read(project, format="simple")


def test_client_data_is_echoed_verbatim(submit, read):
    data = {"token": "not a secret here", "n": [1, {"x": None}]}

    assert read(submit(**{"client-data": data}))["client-data"] == data


def test_half_a_surrogate_pair_breaks_neither_answers_nor_dashboard(client, make_movie):
    document = json.dumps(make_movie(comment="\ud83d", **{"client-data": {"half": "\ud83d"}}))
    project = client.post("/v2/movies", content=document).json()["project"]

    shown = client.get("/v2/movies", params={"project": project}).json()["movie"]

    assert shown["client-data"] == {"half": "\ud83d"}
    assert client.get("/").status_code == 200


def test_id_is_another_name_of_project(client, submit):
    project = submit()

    assert client.get("/v2/movies", params={"id": project}).json()["movie"]["project"] == project


def test_inline_secrets_are_kept_as_stars(sandbox, submit, read):
    destination = {"type": "sftp", "host": "h", "password": "hunter2", "username": "u"}
    project = submit(exports=[{"destinations": [destination]}], apiKey="k-1", **{"access-token": "t-1"})

    kept = read(project)["json"]
    assert json.loads(kept)["exports"][0]["destinations"][0] == {**destination, "password": "***"}
    assert not any(secret in kept for secret in ("hunter2", "k-1", "t-1"))
    assert "hunter2" not in repr(sandbox.movies)


def test_a_finished_file_needs_no_key_and_answers_ranges(sandbox, submit, read):
    project = submit()
    sandbox.advance(60)
    shown = read(project)

    whole = httpx.get(shown["url"])
    part = httpx.get(shown["url"], headers={"range": "bytes=4-7"})

    assert len(whole.content) == shown["size"]
    assert whole.headers["content-type"] == "video/mp4"
    assert (part.status_code, part.content) == (206, b"ftyp")


def test_links_carry_the_host_that_the_client_used(sandbox, submit, client):
    project = submit()
    sandbox.advance(60)

    answer = client.get("/v2/movies", params={"project": project}, headers={"host": "video.test:1234"})

    assert answer.json()["movie"]["url"].startswith("http://video.test:1234/clients/")


@pytest.mark.parametrize("status", [404, 403])
def test_a_file_expires_after_seven_days_and_its_url_becomes_null(sandbox, submit, read, status):
    sandbox.variants.gone_file_status = status
    project = submit()
    sandbox.advance(60)
    url = read(project)["url"]
    sandbox.advance(WEEK - 120)
    assert httpx.get(url).status_code == 200

    sandbox.advance(120)

    assert read(project)["url"] is None
    assert read(project)["status"] == "done"
    assert httpx.get(url).status_code == status


def test_deletion_removes_the_file_keeps_the_entry_and_may_be_repeated(sandbox, client, submit, read):
    project = submit()
    sandbox.advance(60)
    url = read(project)["url"]

    first = client.delete("/v2/movies", params={"project": project}).json()
    sandbox.advance(60)
    second = client.delete("/v2/movies", params={"project": project}).json()

    assert first["deleted_at"] == second["deleted_at"] == read(project)["deleted_at"]
    assert read(project)["url"] is None
    assert httpx.get(url).status_code == 404


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "A 16-character project ID must be provided in the 'project' query parameter"),
        ({"project": "0123456789abcdef"}, "TypeError: Cannot read properties of null (reading 'success')"),
    ],
)
def test_every_failed_deletion_is_a_400(client, query, message):
    answer = client.delete("/v2/movies", params=query)

    assert (answer.status_code, answer.json()) == (400, {"success": False, "message": message})


def test_a_project_of_another_account_is_unknown(frozen, make_movie):
    accounts = [Account(key="one"), Account(key="two")]
    with Sandbox(clock=frozen, render="off", accounts=accounts) as sandbox:
        url = f"{sandbox.url}/v2/movies"
        project = httpx.post(url, json=make_movie(), headers={"x-api-key": "one"}).json()["project"]

        foreign = httpx.get(url, params={"project": project}, headers={"x-api-key": "two"})

        assert foreign.status_code == 400
        assert foreign.json()["message"].startswith("TypeError")
        assert httpx.get(url, headers={"x-api-key": "two"}).json()["movies"] == []


def test_the_fate_of_one_movie_can_be_decided(sandbox, client, submit, read):
    failing, stuck, hidden = submit(), submit(), submit()
    client.post(f"/sandbox/movies/{failing}", json={"error": "Scene #1, element #1: no"}).raise_for_status()
    client.post(f"/sandbox/movies/{stuck}", json={"never_finish": True}).raise_for_status()
    sandbox.movies[hidden].fate = Fate(hidden=True)
    sandbox.advance(60)

    assert read(failing)["message"] == "Scene #1, element #1: no"
    assert read(stuck)["status"] == "running"
    assert {row["project"] for row in client.get("/v2/movies").json()["movies"]} == {failing, stuck}

    sandbox.movies[stuck].fate = Fate()
    assert read(stuck)["status"] == "done"


def test_many_clients_at_once_get_one_movie_each(sandbox, client, make_movie):
    def send(_: int) -> str:
        return str(client.post("/v2/movies", json=make_movie()).json()["project"])

    with ThreadPoolExecutor(16) as pool:
        projects = list(pool.map(send, range(200)))

    assert len(set(projects)) == len(sandbox.movies) == len(sandbox.journal.submissions) == 200
