"""A question about the service: who asks it, what this package takes for true, and what an answer means."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

from dev.live.visit import Visit

Verdict = Literal["as taken", "another way, and the package copes", "THE PACKAGE MUST CHANGE", "not settled"]

#: Why a question is open: these begin its ``rests_on``.
UNKNOWN = "unknown"
DISPUTED = "sources disagree"
DOCUMENTED = "documented, not seen"
SEEN = "seen live by others"
INFERRED = "inferred"


class Unsettled(Exception):
    """The question could not be put, or the answer settles nothing; the text says why."""


@dataclass(frozen=True)
class Question:
    """One thing that only the service can tell.

    :param id: short, for the report and ``--only``.
    :param asks: the question.
    :param takes: what this package takes for true.
    :param where: the places in the package that rest on it, each ``path: text that stands there``.
    :param rests_on: how far sources go.
    :param needs: names of the paid movies it looks at, of ``dev.live.movies``; they are rendered once for all.
    :param look: puts the question and returns the answer in a few words, with what was seen; None where a client alone
        cannot, and then ``otherwise`` says what it would take.
    :param fits: the answers that are as taken.
    :param copes: answers that are not, with which the package works all the same.
    """

    id: str
    asks: str
    takes: str
    where: tuple[str, ...]
    rests_on: str
    needs: tuple[str, ...] = ()
    look: Callable[[Visit], tuple[str, Any]] | None = None
    fits: Collection[str] = ()
    copes: Collection[str] = ()
    otherwise: str = ""


@dataclass(frozen=True)
class Finding:
    """What came of a question. ``seen`` is JSON without secrets and addresses."""

    question: Question
    answer: str
    verdict: Verdict
    seen: Any = None


def judge(question: Question, answer: str) -> Verdict:
    """What an answer means for the package."""
    if answer in question.fits:
        return "as taken"
    return "another way, and the package copes" if answer in question.copes else "THE PACKAGE MUST CHANGE"
