"""Every kind of fault does on the wire what its name says."""

from __future__ import annotations

import socket
import threading
import time

import httpx
import pytest

from airflow_provider_j2v.sandbox import Faults, Sandbox


def raw(sandbox: Sandbox, request: bytes) -> bytes:
    """What comes over the wire, to the last byte; ConnectionResetError when the connection is reset."""
    host, port = sandbox.url.removeprefix("http://").split(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        while chunk := connection.recv(65_536):
            received += chunk
    return received


LIST = b"GET /v2/movies HTTP/1.1\r\nHost: x\r\nx-api-key: sandbox\r\n\r\n"


@pytest.mark.parametrize(("orderly", "ending"), [(False, ConnectionResetError), (True, None)])
def test_a_reset_is_a_real_one_and_an_orderly_close_is_not(sandbox, orderly, ending):
    sandbox.faults.add("list", "reset", orderly=orderly)

    if ending:
        with pytest.raises(ending):
            raw(sandbox, LIST)
    else:
        assert raw(sandbox, LIST) == b""


@pytest.mark.parametrize(("after", "kept"), [(False, 0), (True, 1)])
@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("reset", {}),
        ("status", {"status": 503}),
        ("truncate", {}),
        ("body", {"name": "html"}),
        ("hang", {}),
        ("big", {"megabytes": 1}),
    ],
)
def test_after_means_that_the_submission_really_happened(sandbox, client, make_movie, kind, details, after, kept):
    fault = sandbox.faults.add("submit", kind, after=after, **details)

    try:
        answer = client.post("/v2/movies", json=make_movie(), timeout=0.5)
    except httpx.TransportError:
        pass
    else:
        assert "project" not in answer.text

    assert fault.hits == 1
    assert len(sandbox.movies) == len(sandbox.journal.submissions) == kept


def test_a_status_carries_body_and_headers(sandbox, client):
    sandbox.faults.add("list", "status", status=429, body={"message": "slow down"}, headers={"Retry-After": "7"})

    answer = client.get("/v2/movies")

    assert (answer.status_code, answer.json()) == (429, {"message": "slow down"})
    assert answer.headers["retry-after"] == "7"
    assert client.get("/v2/movies").status_code == 200


def test_a_truncated_answer_declares_more_than_it_sends(sandbox, client):
    sandbox.faults.add("list", "truncate", after=True)

    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        client.get("/v2/movies")


@pytest.mark.parametrize("name", ["empty", "html", "nan", "deep", "huge-int", "bad-utf8", "null", "array"])
def test_bodies_that_are_no_answer(sandbox, client, name):
    sandbox.faults.add("get", "body", name=name)

    answer = client.get("/v2/movies", params={"project": "0123456789abcdef"})

    assert answer.status_code == 200
    with pytest.raises((ValueError, RecursionError, TypeError, KeyError)):
        int(answer.json()["movie"]["size"])


def test_a_hanging_request_ends_when_the_client_leaves(sandbox, client):
    sandbox.faults.add("list", "hang")
    with pytest.raises(httpx.ReadTimeout):
        client.get("/v2/movies", timeout=0.1)

    assert client.get("/v2/movies").status_code == 200
    deadline = time.monotonic() + 5
    while sandbox.journal.requests["list"] < 2 and time.monotonic() < deadline:
        pass
    assert [entry.status for entry in sandbox.journal.last(2)].count(None) == 1


@pytest.mark.parametrize("kind", ["hang", "delay", "drip"])
def test_open_requests_do_not_delay_the_end(kind):
    details = {"hang": {}, "delay": {"seconds": 60}, "drip": {"interval": 60}}[kind]

    endings = []

    def ask(url: str) -> None:
        try:
            endings.append(httpx.get(f"{url}/v2/movies", timeout=60))
        except httpx.TransportError as error:
            endings.append(error)

    with Sandbox(render="off") as sandbox:
        fault = sandbox.faults.add("list", kind, **details)
        asking = threading.Thread(target=ask, args=(sandbox.url,))
        asking.start()
        deadline = time.monotonic() + 5
        while not fault.hits and time.monotonic() < deadline:
            pass
        begun = time.monotonic()
    asking.join(5)

    assert not asking.is_alive()
    assert isinstance(endings[0], httpx.TransportError)
    assert time.monotonic() - begun < 2


def test_a_delay_comes_before_the_normal_answer(sandbox, client):
    sandbox.faults.add("list", "delay", seconds=0.2)
    begun = time.monotonic()

    assert client.get("/v2/movies").json()["success"] is True
    assert time.monotonic() - begun >= 0.2


def test_a_delay_lets_the_next_fault_have_its_turn(sandbox, client):
    sandbox.faults.add("list", "delay", seconds=0)
    sandbox.faults.add("list", "status", status=502)

    assert client.get("/v2/movies").status_code == 502


def test_a_big_answer_is_streamed(sandbox, client):
    sandbox.faults.add("list", "big", megabytes=5)

    with client.stream("GET", "/v2/movies") as answer:
        assert sum(len(chunk) for chunk in answer.iter_bytes()) > 5 * 1024 * 1024


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_dripping_answer_is_the_real_one(sandbox, client, part):
    whole = client.get("/v2/movies").json()
    sandbox.faults.add("list", "drip", part=part, interval=0)

    assert client.get("/v2/movies").json() == whole


def test_skip_times_and_probability_choose_the_requests(sandbox, client):
    sandbox.faults.add("list", "status", status=500, skip=1, times=2)
    assert [client.get("/v2/movies").status_code for _ in range(5)] == [200, 500, 500, 200, 200]

    sandbox.faults.clear()
    some = sandbox.faults.add("list", "status", status=500, times=None, probability=0.5)
    hits = [client.get("/v2/movies").status_code for _ in range(50)].count(500)
    assert hits == some.hits
    assert 5 < hits < 45


@pytest.mark.parametrize(
    ("on", "path"),
    [
        ("get", "/v2/movies?project=0123456789abcdef"),
        ("list", "/v2/movies?limit=1"),
        ("template", "/v2/templates"),
        ("template", "/v2/templates/library"),
        ("catalog", "/data/ai/models.json"),
        ("file", "/clients/a/renders/b.mp4"),
        ("media", "/v2/media"),
        ("media", "/v2/media/folder"),
        ("file", "/media/a/files/b.png"),
        ("other", "/v2/preloads"),
        ("*", "/v2/movies"),
    ],
)
def test_a_fault_meets_only_its_call(sandbox, client, on, path):
    sandbox.faults.add(on, "status", status=418)

    assert client.get("/").status_code == 200
    assert client.get(path).status_code == 418


@pytest.mark.parametrize(
    "wrong",
    [
        {"on": "nowhere", "kind": "hang"},
        {"on": "get", "kind": "rain"},
        {"on": "get", "kind": "body", "name": "x"},
    ],
)
def test_a_fault_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="must be one of"):
        Faults().add(**wrong)


def test_faults_can_be_set_seen_and_cleared_over_http(sandbox, client):
    added = client.post("/sandbox/faults", json={"on": "list", "kind": "status", "status": 503, "times": None})
    assert added.status_code == 200
    assert client.get("/v2/movies").status_code == 503
    assert [(fault["kind"], fault["hits"]) for fault in client.get("/sandbox/faults").json()] == [("status", 1)]

    client.delete("/sandbox/faults")

    assert client.get("/v2/movies").status_code == 200
    assert client.post("/sandbox/faults", json={"on": "list", "kind": "status", "colour": 1}).status_code == 400
