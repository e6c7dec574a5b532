"""The parts of an Airflow connection become an account, or one clear line."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_j2v.api.account import PUBLIC_CATALOG_URL, PUBLIC_URL, Account
from airflow_provider_j2v.exceptions import ConfigurationError


def build(host: str | None = None, *, schema: str | None = None, port: int | None = None, key: Any = "k", **extra: Any):
    return Account.build(host=host, schema=schema, port=port, key=key, extra=extra)


@pytest.mark.parametrize(
    ("host", "schema", "port", "url"),
    [
        (None, None, None, PUBLIC_URL),
        ("", None, None, PUBLIC_URL),
        ("  ", None, None, PUBLIC_URL),
        ("api.json2video.com", None, None, PUBLIC_URL),
        ("https://api.json2video.com", None, None, PUBLIC_URL),
        ("https://api.json2video.com/v2", None, None, PUBLIC_URL),
        ("https://api.json2video.com/v2/", None, None, PUBLIC_URL),
        ("api.json2video.com/v2", "https", None, PUBLIC_URL),
        (" HTTPS://API.json2video.com ", None, None, PUBLIC_URL),
        ("api.example:8443", None, None, "https://api.example:8443"),
        ("api.example", None, 8443, "https://api.example:8443"),
        ("api.example:8443", None, 9, "https://api.example:8443"),
        ("https://gateway.example/json2video/v2", None, None, "https://gateway.example/json2video"),
        ("localhost:8765", None, None, "http://localhost:8765"),
        ("127.0.0.1", None, 8765, "http://127.0.0.1:8765"),
        ("127.9.9.9", None, None, "http://127.9.9.9"),
        ("[::1]:8765", None, None, "http://[::1]:8765"),
        ("[2001:db8::1]", None, 1, "https://[2001:db8::1]:1"),
        ("localhost", "https", None, "https://localhost"),
        ("https://localhost", "http", None, "https://localhost"),
    ],
)
def test_every_spelling_of_a_host(host, schema, port, url):
    assert build(host, schema=schema, port=port).base_url == url


@pytest.mark.parametrize(
    ("host", "allow_http", "allowed"),
    [
        ("http://localhost:1", None, True),
        ("http://api.json2video.com", None, False),
        ("http://api.json2video.com", True, False),
        ("http://10.0.0.5", None, False),
        ("http://10.0.0.5", True, True),
        ("http://10.0.0.5", "true", True),
        ("http://10.0.0.5", "false", False),
        ("http://sandbox:8765", True, True),
        ("http://sandbox.local", True, True),
        ("http://j2v.internal", True, True),
        ("http://8.8.8.8", True, False),
        ("http://localhost.evil.example", True, False),
        ("http://127.0.0.1.evil.example", None, False),
    ],
)
def test_plain_http_goes_to_loopback_or_on_demand_to_private_addresses(host, allow_http, allowed):
    if allowed:
        assert build(host, allow_http=allow_http).base_url == host
    else:
        with pytest.raises(ConfigurationError, match="http"):
            build(host, allow_http=allow_http)


BAD = {
    "scheme": ("ftp://api.example", {}, "scheme must be https"),
    "no name": ("https://", {}, "no host name"),
    "only a path": ("/v2", {}, "no host name"),
    "space": ("api example", {}, "no host name"),
    "query": ("api.example?key=1", {}, "end before"),
    "fragment": ("api.example#x", {}, "end before"),
    "port": ("api.example:http", {}, "not an address"),
    "large port": ("api.example:70000", {}, "not an address"),
    "brackets": ("https://[::1", {}, "not an address"),
    "credentials": ("https://user:hunter2@api.example", {}, "Password field"),
    "user": ("hunter2@api.example", {}, "Password field"),
    "credentials and port": ("https://user:hunter2@api.example:x", {}, "credentials"),
    "no key": (None, {"key": None}, "no API key"),
    "blank key": (None, {"key": " \n"}, "no API key"),
    "key with a space": (None, {"key": "hunter2 x"}, "copy it again"),
    "key with a line": (None, {"key": "hunter2\nx"}, "copy it again"),
    "key beyond ASCII": (None, {"key": "hunter2…"}, "copy it again"),
    "timeout is text": (None, {"read_timeout": "soon"}, "read_timeout"),
    "timeout is zero": (None, {"submit_timeout": 0}, "submit_timeout"),
    "timeout is negative": (None, {"submit_timeout": -1}, "submit_timeout"),
    "timeout is a truth": (None, {"adopt_wait": True}, "adopt_wait"),
    "timeout is nan": (None, {"adopt_wait": "nan"}, "adopt_wait"),
    "timeout is endless": (None, {"read_timeout": "inf"}, "read_timeout"),
    "allow_http": (None, {"allow_http": "perhaps"}, "allow_http"),
    "namespace": (None, {"namespace": 5}, "namespace"),
    "proxy": (None, {"proxy": "user:hunter2@proxy"}, "proxy"),
    "proxy scheme": (None, {"proxy": "gopher://proxy"}, "proxy"),
    "catalog path": (None, {"catalog_url": "models.json"}, "catalog_url"),
    "catalog that extends the host": (None, {"catalog_url": ".evil.example/x"}, "catalog_url"),
    "catalog scheme": (None, {"catalog_url": "file:///etc/passwd"}, "catalog_url"),
    "catalog without host": (None, {"catalog_url": "https:///x"}, "catalog_url"),
    "connections is text": (None, {"connections": "elevenlabs"}, "connections"),
    "connections to nothing": (None, {"connections": {"elevenlabs": None}}, "connections"),
    "connections to blank": (None, {"connections": {"elevenlabs": ""}}, "connections"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_in_one_line_without_secrets(name):
    host, parts, words = BAD[name]
    with pytest.raises(ConfigurationError, match=words) as raised:
        build(host, **parts)
    message = str(raised.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert "hunter2" not in message


def test_the_defaults_are_those_of_the_public_service():
    account = build(read_timeout=None, submit_timeout="", namespace=" ", connections={})
    assert account == Account(key="k")
    assert account.catalog_url == PUBLIC_CATALOG_URL
    assert not account.is_local


def test_all_extras_are_taken_over():
    account = build(
        "localhost:1",
        read_timeout="5",
        submit_timeout=6,
        adopt_wait=7.5,
        namespace=" prod ",
        proxy="http://u:hunter2@proxy:3128",
        catalog_url="HTTPS://cdn.example/models.json",
        connections={"elevenlabs": "el"},
    )
    assert (account.read_timeout, account.submit_timeout, account.adopt_wait) == (5.0, 6.0, 7.5)
    assert (account.namespace, account.proxy) == ("prod", "http://u:hunter2@proxy:3128")
    assert (account.catalog_url, account.connections) == ("HTTPS://cdn.example/models.json", {"elevenlabs": "el"})


def test_a_local_service_has_a_catalog_of_its_own():
    account = build("localhost:8765/v2")
    assert account.is_local
    assert account.catalog_url == "http://localhost:8765/data/ai/models.json"


def test_repr_shows_neither_key_nor_proxy():
    shown = repr(build(key="hunter2", proxy="http://u:hunter3@proxy"))
    assert "hunter" not in shown
