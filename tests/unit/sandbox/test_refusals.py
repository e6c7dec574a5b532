"""What is refused at once, and in which words."""

from __future__ import annotations

import httpx
import pytest

from airflow_provider_j2v.sandbox import Account, Sandbox


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "No movie JSON received"),
        (b"{", 400, "Error parsing movie JSON or the movie was empty"),
        (b"{}", 400, "Error parsing movie JSON or the movie was empty"),
        (b'{"scenes": NaN}', 400, "Error parsing movie JSON or the movie was empty"),
        (b'{"x": "\xff"}', 400, "Error parsing movie JSON or the movie was empty"),
        (b"[" * 200_000, 400, "Error parsing movie JSON or the movie was empty"),
        (b"null", 400, "No valid movie JSON received"),
        (b"[1]", 400, "No valid movie JSON received"),
        (b'"text"', 400, "No valid movie JSON received"),
        (b'{"template": "nosuchtemplate000000"}', 400, "Template not found"),
        (b'{"comment": "' + b"x" * 2 * 1024 * 1024 + b'"}', 413, "Request Too Long"),
    ],
)
def test_what_is_no_movie_is_refused_and_nothing_is_kept(sandbox, client, body, status, message):
    answer = client.post("/v2/movies", content=body)

    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert not sandbox.movies
    assert not sandbox.journal.submissions


@pytest.mark.parametrize(
    ("path", "method"),
    [("/v2/movies", "GET"), ("/v2/movies", "POST"), ("/v2/movies", "DELETE"), ("/v2/templates", "GET")],
)
def test_a_missing_and_a_wrong_key_are_400(sandbox, path, method):
    missing = httpx.request(method, sandbox.url + path)
    wrong = httpx.request(method, sandbox.url + path, headers={"x-api-key": "nope"})

    assert (missing.status_code, missing.json()["message"]) == (400, "Error: API Key not provided")
    assert (wrong.status_code, wrong.json()["message"]) == (400, "Error: Invalid API Key")


@pytest.mark.parametrize(("status", "message"), [(401, "Unauthorized"), (403, "Forbidden")])
def test_a_bad_key_can_be_401_or_403(sandbox, status, message):
    sandbox.variants.bad_key_status = status

    answer = httpx.get(f"{sandbox.url}/v2/movies")

    assert (answer.status_code, answer.json()) == (status, {"message": message})


@pytest.mark.parametrize(("key", "status"), [("v", 403), ("r", 200), ("e", 200), ("m", 200)])
def test_a_viewer_may_not_render_and_the_other_roles_may(frozen, make_movie, key, status):
    account = Account(key="m", other_keys={"v": "viewer", "r": "render", "e": "editor"})
    with Sandbox(clock=frozen, render="off", accounts=[account]) as sandbox:
        answer = httpx.post(f"{sandbox.url}/v2/movies", json=make_movie(), headers={"x-api-key": key})

    assert answer.status_code == status
    assert status == 200 or answer.json()["message"] == "Insufficient permissions"


def test_a_suspended_account_may_read_but_not_render(sandbox, client, make_movie):
    sandbox.accounts[0].suspended = True

    answer = client.post("/v2/movies", json=make_movie())

    assert (answer.status_code, answer.json()["message"]) == (403, "account_suspended")
    assert client.get("/v2/movies").status_code == 200


def test_an_empty_balance_is_refused(sandbox, client, make_movie):
    sandbox.accounts[0].credits = 0

    answer = client.post("/v2/movies", json=make_movie())

    assert (answer.status_code, answer.json()["message"]) == (400, "Insufficient credits")


def test_a_movie_larger_than_the_plan_is_refused(sandbox, client, make_movie):
    sandbox.accounts[0].max_size = (1280, 720)

    answer = client.post("/v2/movies", json=make_movie(resolution="full-hd"))

    assert answer.status_code == 401
    assert answer.json()["message"] == "Movie is larger (1920x1080) than your plan allowance (1280x720)"


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("success", {"success": False, "message": "No movie JSON received"}),
        ("bare", {"message": "No movie JSON received"}),
        ("code", {"message": "No movie JSON received", "code": "E1002"}),
    ],
)
def test_refused_submissions_come_in_three_shapes(sandbox, client, shape, body):
    sandbox.variants.submit_error_shape = shape

    assert client.post("/v2/movies").json() == body


def test_mistakes_can_be_refused_early(sandbox, client):
    sandbox.variants.early_validation = True
    elements = [{"type": "text", "text": "a"}, {"type": "video"}]

    answer = client.post("/v2/movies", json={"scenes": [{"elements": elements}]})

    assert answer.status_code == 400
    assert answer.json()["message"] == "Scene #1 Element #2: The element type 'video' requires a 'src' property."
    assert not sandbox.movies


@pytest.mark.parametrize(
    ("variant", "status", "movie_status"),
    [("typeerror", 400, None), ("404", 404, None), ("status-error", 200, "error")],
)
def test_an_unknown_project_comes_in_three_versions(sandbox, client, variant, status, movie_status):
    sandbox.variants.unknown_project = variant

    answer = client.get("/v2/movies", params={"project": "0123456789abcdef"})

    assert answer.status_code == status
    assert answer.json().get("movie", {}).get("status") == movie_status


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v2/preloads"), ("PUT", "/v2/templates"), ("PUT", "/v2/movies"), ("GET", "/v1/movies")],
)
def test_other_routes_answer_like_the_gateway(client, method, path):
    answer = client.request(method, path)

    assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})
