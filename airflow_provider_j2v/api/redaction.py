"""Secrets out of what is shown: a destination's password, an API key, credentials and signatures in URLs.

The service keeps the submitted movie and quotes it in its messages, so text that comes back may hold what was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

MASK = "***"
#: A shorter value is no secret, and hiding it everywhere would make a text unreadable.
_SHORTEST = 4
_NAME = r"pass(?:word|wd|phrase)|secret|token|api[-_]?key|private[-_]?key|authorization"
_IS_SECRET = re.compile(rf"(?:{_NAME})$", re.IGNORECASE)
_QUOTED = re.compile(
    # "password": "…", also where the JSON is itself text in JSON: its quotes then carry backslashes.
    rf"""(?P<before>(?:{_NAME})\\*["']?\s*[:=]\s*(?P<open>\\*["']))(?:.*?(?<!\\)(?=(?P=open))|.*)"""
    r"|(?P<user>://[^/@\s\"':]*:)[^/@\s\"']+(?=@)"
    r"|(?P<query>[?&](?:[\w.-]*(?:token|signature|secret|password|api[-_]?key)|sig)=)[^&\s\"'#]+",
    re.IGNORECASE | re.DOTALL,
)


def hide(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with ``***`` for what looks like a secret, and for ``secrets`` in whatever spelling JSON gives them."""
    for spelling in sorted({s for secret in secrets for s in _spellings(secret)}, key=len, reverse=True):
        text = text.replace(spelling, MASK)
    return _QUOTED.sub(lambda found: f"{found['before'] or found['user'] or found['query']}{MASK}", text)


def secrets_of(exports: Any) -> tuple[str, ...]:
    """The passwords and tokens that the ``exports`` of a movie carry."""
    return tuple(dict.fromkeys(_secrets(exports)))


def without_secrets(exports: Any) -> Any:
    """The ``exports`` of a movie with ``***`` for each of its passwords and tokens."""
    if isinstance(exports, Mapping):
        return {k: MASK if _is_secret(k, v) else without_secrets(v) for k, v in exports.items()}
    if isinstance(exports, list | tuple):
        return [without_secrets(item) for item in exports]
    return exports


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if _is_secret(key, item):
                yield item
            else:
                yield from _secrets(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets(item)


def _is_secret(key: Any, value: Any) -> bool:
    return isinstance(value, str) and bool(_IS_SECRET.search(str(key)))


def _spellings(secret: str) -> set[str]:
    """The secret as it is, in JSON, in JSON inside JSON, and in a URL."""
    if len(secret) < _SHORTEST:
        return set()
    spellings = {secret}
    for _ in range(2):
        spellings |= {json.dumps(s, ensure_ascii=plain)[1:-1] for s in spellings for plain in (True, False)}
    return spellings | {quote(secret, safe=safe, errors="replace") for safe in ("/", "")}
