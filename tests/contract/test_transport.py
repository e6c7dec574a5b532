"""What really goes over the wire, and what the client makes of a wire that breaks."""

from __future__ import annotations

import logging
import socket
import time
import traceback

import pytest

from airflow_provider_j2v import __version__
from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.calls import delete_movie, get_models, get_movie, list_movies, submit_movie
from airflow_provider_j2v.exceptions import (
    ApiError,
    ConfigurationError,
    JSON2VideoError,
    ServerError,
    Unreachable,
    UnreadableAnswer,
)

ID = "0123456789abcdef"
MOVIE_CALLS = {
    "submit": submit_movie({"scenes": [{}]}),
    "get": get_movie(ID),
    "list": list_movies(),
    "delete": delete_movie(ID),
}
BREAKS = {
    "reset": (Unreachable, {"kind": "reset"}),
    "closed": (Unreachable, {"kind": "reset", "orderly": True}),
    "truncated": (Unreachable, {"kind": "truncate"}),
    "500": (ServerError, {"kind": "status", "status": 500}),
    "503": (ServerError, {"kind": "status", "status": 503}),
    "html": (UnreadableAnswer, {"kind": "body", "name": "html"}),
    "empty": (UnreadableAnswer, {"kind": "body", "name": "empty"}),
    "nan": (UnreadableAnswer, {"kind": "body", "name": "nan"}),
    "huge-int": (UnreadableAnswer, {"kind": "body", "name": "huge-int"}),
    "deep": (UnreadableAnswer, {"kind": "body", "name": "deep"}),
    "bad-utf8": (UnreadableAnswer, {"kind": "body", "name": "bad-utf8"}),
}

needs_sandbox = pytest.mark.usefixtures("sandbox")


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


# The key.


@needs_sandbox
@pytest.mark.parametrize("name", MOVIE_CALLS)
def test_the_key_travels_in_its_header_and_nowhere_else(driver, recorder, name):
    driver.with_account(base_url=recorder.url, key="s3cret").send(MOVIE_CALLS[name])
    (seen,) = recorder.seen
    assert seen.headers.pop("x-api-key") == "s3cret"
    assert "s3cret" not in f"{seen.path} {seen.headers} {seen.body!r}"
    assert "authorization" not in seen.headers


@needs_sandbox
@pytest.mark.parametrize("scheme", ["http", "HTTP"])
def test_the_key_never_goes_to_the_catalog(driver, recorder, scheme):
    url = recorder.url.replace("http", scheme) + "/models.json"
    driver.with_account(key="s3cret").send(get_models(url))
    (seen,) = recorder.seen
    assert seen.path == "/models.json"
    assert "s3cret" not in str(seen)
    assert "x-api-key" not in seen.headers


@needs_sandbox
@pytest.mark.parametrize("path", ["models.json", ".evil.example/x", "@127.0.0.1/x", "ftp://127.0.0.1/x", ""])
def test_a_catalog_address_that_is_none_sends_nothing(driver, sandbox, path):
    with pytest.raises(ConfigurationError):
        driver.send(get_models(path))
    assert not sandbox.journal.requests


@needs_sandbox
@pytest.mark.parametrize("fault", [*BREAKS, "refused", "bad-key", "hang", "redirect"])
def test_nothing_that_is_shown_holds_the_key(driver, sandbox, fault, caplog):
    caplog.set_level(logging.DEBUG)
    broken = driver.with_account(read_timeout=0.1)
    key = broken.account.key
    if fault == "refused":
        broken = driver.with_account(base_url=f"http://127.0.0.1:{closed_port()}")
    elif fault == "bad-key":
        key = "another-k3y"
        broken = driver.with_account(key=key)
    elif fault == "redirect":
        sandbox.faults.add(on="*", kind="status", status=302, headers={"Location": "https://x.invalid"}, times=None)
    else:
        details = BREAKS[fault][1] if fault in BREAKS else {"kind": "hang"}
        sandbox.faults.add(on="*", times=None, **details)
    with pytest.raises(ApiError) as raised:
        broken.send(MOVIE_CALLS["get"])
    trace = "".join(traceback.format_exception(raised.value))
    shown = [trace, repr(raised.value), repr(broken.account), repr(broken.open()), repr(MOVIE_CALLS), caplog.text]
    assert key not in "".join(shown)


# What is sent.


@needs_sandbox
def test_the_user_agent_names_the_package_the_product_and_python(driver, recorder):
    driver.with_account(base_url=recorder.url).send(list_movies(), product="Airflow/3.3.2")
    agent = recorder.seen[0].headers["user-agent"]
    assert agent.startswith(f"airflow-provider-j2v/{__version__} Airflow/3.3.2 Python/3.")


@needs_sandbox
@pytest.mark.parametrize(
    ("call", "target"),
    [
        (get_movie("a b&c=d"), "GET /v2/movies?project=a%20b%26c%3Dd&format=simple"),
        (get_movie(ID, simple=False), f"GET /v2/movies?project={ID}"),
        (list_movies(limit=1), "GET /v2/movies?limit=1"),
        (list_movies(next_token="a+b/c=="), "GET /v2/movies?limit=100&next_token=a%2Bb%2Fc%3D%3D"),
        (delete_movie(ID), f"DELETE /v2/movies?project={ID}"),
    ],
)
def test_a_call_is_sent_as_documented(driver, recorder, call, target):
    driver.with_account(base_url=recorder.url).send(call)
    (seen,) = recorder.seen
    assert f"{seen.method} {seen.path}".replace("+", "%20") == target
    assert seen.body == b""


@needs_sandbox
@pytest.mark.parametrize(
    ("name", "status"), [("submit", 307), ("submit", 308), ("get", 301), ("get", 302), ("list", 303), ("delete", 307)]
)
def test_a_redirect_is_never_followed(driver, sandbox, recorder, name, status):
    sandbox.faults.add(on="*", kind="status", status=status, headers={"Location": recorder.url}, times=None)
    with pytest.raises(UnreadableAnswer, match="redirect to http.*not followed"):
        driver.send(MOVIE_CALLS[name])
    assert recorder.seen == []


# Repeating.


@pytest.mark.parametrize(
    ("name", "fault"), [*(("get", fault) for fault in BREAKS), ("list", "reset"), ("delete", "reset")]
)
def test_a_repeatable_call_is_repeated_until_it_is_answered(driver, sandbox, project, name, fault):
    added = sandbox.faults.add(on=name, times=2, **BREAKS[fault][1])
    call = {"get": get_movie(project), "list": list_movies(), "delete": delete_movie(project)}[name]
    assert project in str(driver.send(call))
    assert added.hits == 2
    assert len(driver.pauses) == 2
    assert all(0 <= pause <= 8 for pause in driver.pauses)


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("fault", BREAKS)
def test_a_repeatable_call_is_repeated_up_to_the_limit(driver, sandbox, fault, attempts):
    kind, details = BREAKS[fault]
    added = sandbox.faults.add(on="get", times=None, **details)
    with pytest.raises(kind):
        driver.send(get_movie(ID), attempts=attempts)
    assert added.hits == attempts


# Limits.


@pytest.mark.parametrize("name", MOVIE_CALLS)
def test_a_body_over_the_cap_is_refused_while_it_streams_and_not_asked_for_again(driver, sandbox, name):
    added = sandbox.faults.add(on=name, kind="big", megabytes=2000, times=None)
    with pytest.raises(UnreadableAnswer, match="more than 32 MiB") as raised:
        driver.send(MOVIE_CALLS[name])
    assert raised.value.too_large
    assert added.hits == 1


def test_a_body_under_the_cap_is_read(driver, sandbox):
    sandbox.faults.add(on="list", kind="big", megabytes=30)
    with pytest.raises(UnreadableAnswer, match="without a usable movies") as raised:
        driver.send(list_movies(), attempts=1)
    assert not raised.value.too_large
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_dripping_answer_is_bounded_in_all(driver, sandbox, project, part):
    sandbox.faults.add(on="get", kind="drip", part=part, interval=0.03)
    slow = driver.with_account(read_timeout=0.1)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="no answer in time"):
        slow.send(get_movie(project), attempts=1)
    assert 0.3 < time.monotonic() - began < 1.5


def test_a_silent_service_is_bounded_by_the_read_timeout(driver, sandbox):
    sandbox.faults.add(on="get", kind="hang")
    began = time.monotonic()
    with pytest.raises(Unreachable, match="no answer in time"):
        driver.with_account(read_timeout=0.2).send(get_movie(ID), attempts=1)
    assert time.monotonic() - began < 1.5


def test_a_slow_answer_within_the_limits_is_waited_for(driver, sandbox, movie):
    sandbox.faults.add(on="submit", kind="delay", seconds=0.3)
    assert driver.with_account(read_timeout=0.1).send(submit_movie(movie)).project in sandbox.movies


# What was sent when it broke.


@needs_sandbox
@pytest.mark.parametrize("call", [MOVIE_CALLS["submit"], MOVIE_CALLS["get"]], ids=["submit", "get"])
def test_a_refused_connection_sent_nothing(driver, call):
    away = driver.with_account(base_url=f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(Unreachable, match="no byte of the request was sent") as raised:
        away.send(call)
    assert not raised.value.sent


@needs_sandbox
def test_an_unresolvable_host_sent_nothing(driver):
    with pytest.raises(Unreachable) as raised:
        driver.with_account(base_url="http://service.invalid").send(MOVIE_CALLS["submit"])
    assert not raised.value.sent


def test_a_failed_tls_handshake_sent_nothing(driver, sandbox):
    tls = driver.with_account(base_url=sandbox.url.replace("http://", "https://"))
    with pytest.raises(Unreachable) as raised:
        tls.send(MOVIE_CALLS["submit"])
    assert not raised.value.sent
    assert not sandbox.journal.requests


@needs_sandbox
@pytest.mark.parametrize("host", ["api..example", "a" * 70 + ".invalid"])
def test_a_host_no_resolver_takes_sent_nothing(driver, host):
    with pytest.raises(Unreachable) as raised:
        driver.with_account(base_url=f"https://{host}").send(MOVIE_CALLS["submit"])
    assert not raised.value.sent


# ``before_send``.


class Veto(Exception):
    pass


@pytest.mark.parametrize("error", [Veto, TimeoutError, UnicodeError, JSON2VideoError, Unreachable])
def test_what_before_send_raises_comes_out_and_leaves_nothing_sent(driver, sandbox, movie, error):
    calls = []

    def veto() -> None:
        calls.append(1)
        raise error("stop", sent=True) if error is Unreachable else error("stop")

    with pytest.raises(error, match="stop") as raised:
        driver.send(submit_movie(movie), before_send=veto)
    assert type(raised.value) is error
    assert calls == [1]
    assert not sandbox.journal.requests
    assert not sandbox.journal.submissions


@needs_sandbox
def test_before_send_is_called_when_connected_and_before_the_first_byte(driver):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        peers = []

        def look() -> None:
            peer, _ = server.accept()
            peer.setblocking(False)
            with pytest.raises(BlockingIOError):
                peer.recv(1)
            peers.append(peer)
            raise Veto

        with pytest.raises(Veto):
            driver.with_account(base_url=f"http://127.0.0.1:{server.getsockname()[1]}").send(
                MOVIE_CALLS["submit"], before_send=look
            )
        (peer,) = peers
        with peer:
            peer.settimeout(5)
            assert peer.recv(1) == b"", "the connection was to be closed without a byte"


def test_before_send_is_called_exactly_once_for_a_submission(driver, sandbox, movie):
    calls = []
    driver.send(submit_movie(movie), before_send=lambda: calls.append(dict(sandbox.journal.requests)))
    assert calls == [{}]
    assert len(sandbox.journal.submissions) == 1


@needs_sandbox
def test_before_send_is_not_called_without_a_connection(driver):
    calls = []
    with pytest.raises(Unreachable):
        driver.with_account(base_url=f"http://127.0.0.1:{closed_port()}").send(
            MOVIE_CALLS["submit"], before_send=lambda: calls.append(1)
        )
    assert calls == []


def test_a_client_made_of_a_connections_parts_reaches_the_service(driver, sandbox):
    for host in (sandbox.url, f"{sandbox.url}/v2/", sandbox.url.removeprefix("http://")):
        account = Account.build(host=host, schema=None, port=None, key=driver.account.key, extra={})
        assert driver.with_account(base_url=account.base_url).send(list_movies()).movies == []
