"""Where a connection may send the key, and where a file may come from and go to: no spelling gets around it."""

from __future__ import annotations

import ast
import io
import ssl
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import airflow_provider_j2v
from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.client import _options
from airflow_provider_j2v.api.hosts import is_loopback, is_private, is_public
from airflow_provider_j2v.api.media_answers import Ticket
from airflow_provider_j2v.api.upload import Content, put_content
from airflow_provider_j2v.exceptions import ConfigurationError, UnreadableAnswer

PACKAGE = Path(airflow_provider_j2v.__file__).parent


def build(host: str | None = None, **extra: Any) -> Account:
    return Account.build(host=host, schema=None, port=None, key="k3y", extra=extra)


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "134744072",  # 8.8.8.8
        "0x8080808",
        "8.526344",
        "[::ffff:8.8.8.8]",
        "169.254.169.254",  # where clouds give their machines credentials
        "2852039166",
        "0xa9fea9fe",
        "[::ffff:169.254.169.254]",
        "[fe80::1]",
        "0.0.0.0",
        "[::]",
        "224.0.0.1",
        "255.255.255.255",
        "api.json2video.com",
        "localhost.example.com",
        "10.0.0.5.example.com",
    ],
)
def test_no_spelling_of_a_host_brings_plain_http_beyond_private_networks(host: str) -> None:
    with pytest.raises(ConfigurationError, match="allow_http"):
        build(f"http://{host}", allow_http=True)
    with pytest.raises(ConfigurationError, match="allow_http"):
        build(catalog_url=f"http://{host}/models.json", allow_http=True)


@pytest.mark.parametrize("host", ["10.0.0.5", "0xa000005", "[::ffff:10.0.0.5]", "[fd00::5]", "sandbox", "j2v.internal"])
def test_plain_http_to_private_networks_is_asked_for_by_name(host: str) -> None:
    for account in ({"host": f"http://{host}"}, {"catalog_url": f"http://{host}/models.json"}):
        assert build(**account, allow_http=True)
        with pytest.raises(ConfigurationError, match="http is for loopback only"):
            build(**account)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]"])
def test_loopback_is_known_in_every_spelling_and_is_never_of_the_internet(host: str) -> None:
    account = build(host)
    assert account.is_local
    assert account.base_url == f"http://{host}"
    assert not is_public(host.strip("[]"))


def test_a_host_is_never_both_of_the_internet_and_good_for_plain_http() -> None:
    for host in ("127.0.0.1", "10.1.2.3", "localhost", "172.16.0.1", "fd00::1"):
        assert is_loopback(host) or is_private(host)
        assert not is_public(host)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
EXTRAS = ("catalog_url", "proxy", "namespace", "read_timeout", "allow_http", "connections", "verify")
HOSTS = st.lists(
    st.sampled_from(["http://", "https://", "//", "@", ":", "/", "\\", "?", "#", "[", "]", "%", "::1", "10.0.0.5", "a"])
    | st.text(st.characters(), max_size=4),
    max_size=8,
).map("".join)


@given(HOSTS, st.dictionaries(st.sampled_from(EXTRAS), SCALARS | st.lists(SCALARS) | HOSTS))
@example("http://10.0.0.5\\@a", {})
@example("a\u202eb", {})
@example("a\u2100b", {})
@example("api.exam\nple", {})
def test_any_connection_is_a_safe_address_or_one_clear_line(host: str, extra: dict[str, Any]) -> None:
    try:
        account = build(host, **extra)
    except ConfigurationError as e:
        words = str(e)
    else:
        check_account(account, extra)
        return
    assert words.isprintable()
    assert len(words) < 5000


def check_account(account: Account, extra: dict[str, Any]) -> None:
    for url in (account.base_url, account.catalog_url):
        parts = urlsplit(url)
        assert url.isprintable()
        assert parts.hostname
        assert "@" not in parts.netloc
        near = is_loopback(parts.hostname) or (bool(extra.get("allow_http")) and is_private(parts.hostname))
        assert parts.scheme == "https" or near
    assert not urlsplit(account.base_url).query


@pytest.mark.parametrize(
    "extra",
    [
        {"catalog_url": "https://user:hunter2@cdn.example.com/models.json"},
        {"catalog_url": ["https://hunter2@cdn.example.com"]},
        {"proxy": {"https": "http://user:hunter2@proxy:3128"}},
        {"proxy": "http://user:hunter2@proxy:port"},
        {"namespace": {"password": "hunter2"}},
    ],
)
def test_credentials_in_the_wrong_place_are_refused_and_not_shown(extra: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        build(**extra)
    assert "hunter2" not in str(raised.value)


# TLS.


@pytest.mark.parametrize("value", [False, "false", "0", None, "no", "CERT_NONE"])
@pytest.mark.parametrize("name", ["verify", "ssl_verify", "verify_ssl", "insecure", "check_hostname", "cert_reqs"])
def test_no_extra_of_a_connection_turns_tls_off(name: str, value: Any) -> None:
    context = _options(build(**{name: value}), "")["verify"]
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_no_line_of_the_package_turns_tls_off() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 100
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "verify":
                pytest.fail(f"{file}:{node.value.lineno} passes verify=")
            if isinstance(node, ast.Dict):
                items = zip(node.keys, node.values, strict=True)
                given = [item for key, item in items if isinstance(key, ast.Constant) and key.value == "verify"]
                assert all(ast.unparse(item) == "ssl_context()" for item in given), file
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            assert name not in ("CERT_NONE", "CERT_OPTIONAL", "_create_unverified_context", "verify_mode"), file
            assert name != "check_hostname", file


# Uploads: the service names the address. For downloads see ``tests/contract/test_download.py``.


@pytest.mark.parametrize(
    "address",
    [
        "https://169.254.169.254/bucket?X-Amz-Signature=5ecre7",
        "https://10.0.0.5/bucket?X-Amz-Signature=5ecre7",
        "https://2130706433/bucket?X-Amz-Signature=5ecre7",
        "https://localhost/bucket?X-Amz-Signature=5ecre7",
        "https://user:5ecre7@storage.example.com/bucket",
        "http://storage.example.com/bucket?X-Amz-Signature=5ecre7",
        "/v2/media?X-Amz-Signature=5ecre7",
    ],
)
@pytest.mark.parametrize("service", ["https://api.json2video.com", "http://sandbox:8765"])
def test_content_is_sent_to_no_private_place_that_the_service_names(address: str, service: str) -> None:
    content = Content.of("a.png", 1, lambda: nullcontext(io.BytesIO(b"a")))
    with pytest.raises(UnreadableAnswer, match="no public https address") as raised:
        put_content(Ticket(upload_url=address), content, io.BytesIO(b"a"), service)
    assert "5ecre7" not in str(raised.value)
