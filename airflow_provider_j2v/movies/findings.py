"""What is found in a movie before it is sent, and how it is said."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.exceptions import InvalidMovie

Severity = Literal["error", "warning"]

_PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place.

    :param path: the place, like ``movie.scenes[0].elements[1].src``.
    :param message: what is wrong there, in words that go on after the path.
    :param hint: what to do.
    """

    path: str
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.path} {self.message}; {self.hint}" if self.hint else f"{self.path} {self.message}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, and the rule that found it. As text it is one line.

    :param severity: ``error``: the render would fail, or silently be another than was meant; ``warning``: it may.
    :param rule: the stable id of the rule, see the page of lint rules.
    :param path: the place, like ``movie.scenes[0].elements[1].src``.
    :param message: what is wrong there, in words that go on after the path.
    :param hint: what to do; may be empty.
    """

    severity: Severity
    rule: str
    path: str
    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.severity}: {Problem(self.path, self.message, self.hint)} [{self.rule}]"


def refuse(findings: Iterable[Finding], *, shown: int = 20) -> None:
    """Raise when there is an error among the findings; warnings pass.

    :param shown: how many errors the message lists.
    :raises InvalidMovie: one line for each error, with its place and what to do.
    """
    errors = [finding for finding in findings if finding.severity == "error"]
    if not errors:
        return
    lines = [f"- {Problem(e.path, e.message, e.hint)} [{e.rule}]" for e in errors[:shown]]
    if more := len(errors) - len(lines):
        lines.append(f"- and {more} more")
    count = "an error" if len(errors) == 1 else f"{len(errors)} errors"
    raise InvalidMovie("\n".join([f"The movie has {count}:", *lines, "Nothing was sent."]))


def child(path: str, key: str) -> str:
    """The path of a property; a name that is no word is quoted."""
    return f"{path}.{key}" if _PLAIN_KEY.fullmatch(key) else f'{path}["{escape(key, 60)}"]'
