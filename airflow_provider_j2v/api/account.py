"""Where the service is and who is asking: the checked settings of one account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from airflow_provider_j2v.api.hosts import is_loopback, is_private
from airflow_provider_j2v.exceptions import ConfigurationError

PUBLIC_URL = "https://api.json2video.com"
PUBLIC_CATALOG_URL = "https://cdn.json2video.com/data/ai/models.json"
MAX_BODY = 32 * 1024 * 1024


@dataclass(frozen=True)
class Account:
    """One JSON2Video account as the clients need it.

    :param base_url: the service's address without ``/v2`` and without trailing slash.
    :param key: the API key; never shown by ``repr``.
    :param catalog_url: where the AI model catalog is read; the key is never sent there.
    :param read_timeout: seconds a read may take between two pieces of an answer (default 30).
    :param submit_timeout: seconds a submission may take in all (default 45); after that it is ambiguous.
    :param adopt_wait: seconds a new render may take to show in the list (default 60).
    :param namespace: separates Airflow installations that share an account, or None.
    :param proxy: address of a proxy (str), or None for the environment's.
    :param connections: provider name → Airflow conn id (or ``j2v:<id>``): the default provider map.
    """

    base_url: str = PUBLIC_URL
    key: str = field(default="", repr=False)
    catalog_url: str = PUBLIC_CATALOG_URL
    read_timeout: float = 30.0
    submit_timeout: float = 45.0
    adopt_wait: float = 60.0
    namespace: str | None = None
    proxy: str | None = field(default=None, repr=False)
    connections: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def build(
        cls, *, host: str | None, schema: str | None, port: int | None, key: str | None, extra: Mapping[str, Any]
    ) -> Account:
        """Check the parts of a connection and make the account of them.

        :param host: host, host:port or URL, with or without scheme and trailing ``/v2``; None is the public
            service. Without a scheme https is meant, on loopback http.
        :param schema: ``http`` or ``https`` when given apart from the host.
        :param port: TCP port (int); one written in the host wins.
        :param key: the API key.
        :param extra: ``connections``, ``catalog_url``, ``read_timeout``, ``submit_timeout``, ``adopt_wait``,
            ``namespace``, ``proxy``, ``allow_http``; None and empty values are the defaults.
        :raises ConfigurationError: the first thing that is wrong, and what to write instead.
        """
        key = (key or "").strip()
        if not key:
            raise ConfigurationError("The connection has no API key: put it into the Password field.")
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ConfigurationError(
                "The API key in the Password field holds spaces or characters no key has: copy it again."
            )
        allow_http = _truth(extra, "allow_http")
        base_url = _base_url(host, schema, port, allow_http=allow_http)
        local = is_loopback(urlsplit(base_url).hostname or "")
        own_catalog = f"{base_url}/data/ai/models.json" if local else PUBLIC_CATALOG_URL
        return cls(
            base_url=base_url,
            key=key,
            catalog_url=_catalog_url(extra, allow_http=allow_http) or own_catalog,
            read_timeout=_seconds(extra, "read_timeout", cls.read_timeout),
            submit_timeout=_seconds(extra, "submit_timeout", cls.submit_timeout),
            adopt_wait=_seconds(extra, "adopt_wait", cls.adopt_wait),
            namespace=_text(extra, "namespace"),
            proxy=_url(extra, "proxy"),
            connections=provider_map(extra.get("connections"), "Extra 'connections' of the connection"),
        )

    @property
    def is_local(self) -> bool:
        """True on loopback: a sandbox, where short poll intervals hurt nobody."""
        return is_loopback(urlsplit(self.base_url).hostname or "")


def _base_url(host: str | None, schema: str | None, port: int | None, *, allow_http: bool) -> str:
    text = (host or "").strip() or PUBLIC_URL
    if not text.isprintable():
        raise ConfigurationError("The Host of the connection holds characters that do not show: type it anew.")
    if _is_ip6(text):  # as Airflow takes it out of a connection URI
        text = f"[{text}]"
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        name, own_port = parts.hostname or "", parts.port or port
    except ValueError as e:
        if "@" in text:
            raise ConfigurationError(
                "The Host of the connection is not an address, and it holds credentials."
            ) from None
        raise ConfigurationError(f"The Host {text!r} of the connection is not an address: {e}.") from None
    scheme = parts.scheme or (schema or "").strip().lower() or ("http" if is_loopback(name) else "https")
    path = parts.path.rstrip("/").removesuffix("/v2").rstrip("/")
    problem = None
    if scheme not in ("http", "https"):
        problem = f"the scheme must be https, not {scheme!r}"
    elif not name or any(c.isspace() for c in name):
        problem = "there is no host name in it"
    elif parts.username or parts.password:
        problem = "it holds a user name or password; the API key belongs into the Password field"
    elif own_port is not None and not 0 <= own_port <= 65535:
        problem = f"there is no port {own_port}"
    elif parts.query or parts.fragment:
        problem = "it must end before '?' and '#'"
    elif scheme == "http":
        problem = _http_problem(name, "would show the API key to the network", allow_http=allow_http)
    if problem:
        raise ConfigurationError(f"The Host {_shown(parts, text)!r} of the connection cannot be used: {problem}.")
    netloc = f"[{name}]" if ":" in name else name
    return urlunsplit((scheme, f"{netloc}:{own_port}" if own_port else netloc, path, "", ""))


def _shown(parts: Any, text: str) -> str:
    """The host as an error may show it: never with credentials."""
    return text if "@" not in text else f"***@{parts.hostname}"


def _http_problem(name: str, danger: str, *, allow_http: bool) -> str | None:
    """What is wrong with plain http to a host, if it is."""
    if is_loopback(name):
        return None
    if not allow_http:
        return f"plain http {danger}; use https (http is for loopback only)"
    return None if is_private(name) else "extra 'allow_http' permits plain http to private addresses only; use https"


def _is_ip6(text: str) -> bool:
    try:
        return ip_address(text).version == 6
    except ValueError:
        return False


def _text(extra: Mapping[str, Any], name: str) -> str | None:
    value = extra.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ConfigurationError(f"Extra {name!r} of the connection must be text, not {type(value).__name__}.")
    return value.strip() or None


def _url(extra: Mapping[str, Any], name: str) -> str | None:
    text = _text(extra, name)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and text.isprintable()
    except ValueError:
        good = False
    if not good:  # not shown: the address of a proxy may hold a password
        raise ConfigurationError(
            f"Extra {name!r} of the connection must be a URL that begins with http:// or https://."
        )
    return text


def _catalog_url(extra: Mapping[str, Any], *, allow_http: bool) -> str | None:
    url = _url(extra, "catalog_url")
    parts = urlsplit(url or "")
    problem = "it holds credentials, and it shows in logs" if "@" in parts.netloc else None
    if parts.scheme == "http":
        danger = "lets the network change what it says"
        problem = problem or _http_problem(parts.hostname or "", danger, allow_http=allow_http)
    if problem:
        raise ConfigurationError(f"Extra 'catalog_url' of the connection cannot be used: {problem}.")
    return url


def _truth(extra: Mapping[str, Any], name: str) -> bool:
    value = extra.get(name)
    if isinstance(value, str):
        value = {"true": True, "1": True, "false": False, "0": False, "": False}.get(value.strip().lower(), value)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise ConfigurationError(f"Extra {name!r} of the connection must be true or false, not {value!r:.80}.")


def _seconds(extra: Mapping[str, Any], name: str, default: float) -> float:
    value = extra.get(name)
    if value is None or value == "":
        return default
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = 0.0
    if isinstance(value, bool) or not 0 < seconds <= 86_400:
        raise ConfigurationError(
            f"Extra {name!r} of the connection must be seconds above 0, at most a day, not {value!r:.80}."
        )
    return seconds


def provider_map(value: Any, where: str) -> Mapping[str, str]:
    """A provider map as it may be used; None and empty are no map.

    :param where: what errors call it.
    :raises ConfigurationError: it is not an object of text → text.
    """
    if value is None or value == "":
        return {}
    if isinstance(value, Mapping) and all(isinstance(v, str) and v.strip() for kv in value.items() for v in kv):
        return dict(value)
    raise ConfigurationError(
        f"{where} must be an object of provider → Airflow conn id, "
        f'for example {{"elevenlabs": "elevenlabs_prod"}}, not {value!r:.80}.'
    )
