"""Inline secrets of a submitted movie are replaced before anything is kept."""

from __future__ import annotations

import re
from typing import Any

MASK = "***"
_SECRET = re.compile(
    r"(pass(word|wd|phrase)|token|secret|api[-_]?key|private[-_]?key|authorization)$|^key$", re.IGNORECASE
)
_IN_URL = re.compile(
    r"(?P<before>://[^/@\s:]*:)[^/@\s]+(?=@)"
    r"|(?P<named>[?&](?:[\w.-]*(?:token|signature|secret|password|api[-_]?key)|sig)=)[^&\s#]+",
    re.IGNORECASE,
)
_VERBATIM = "client-data"
"""Documented to come back as it was sent."""


def redact(value: Any) -> Any:
    """A copy in which the value of every secret-looking key is ``***``."""
    if isinstance(value, dict):
        return {k: v if k == _VERBATIM else MASK if _SECRET.search(k) and v else redact(v) for k, v in value.items()}
    if isinstance(value, list):
        return [redact(item) for item in value]
    if isinstance(value, str) and "://" in value:
        return _IN_URL.sub(lambda found: f"{found['before'] or found['named']}{MASK}", value)
    return value
