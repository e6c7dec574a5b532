"""All questions: by chapter for a reader, and in the order in which they are put."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from dev.live.chapters import answers, beyond, files, listing, money, odd_movies, refusals
from dev.live.movies import ORDERS
from dev.live.questions import Question

CHAPTERS: tuple[ModuleType, ...] = (listing, answers, refusals, files, odd_movies, money, beyond)
QUESTIONS: tuple[Question, ...] = tuple(question for chapter in CHAPTERS for question in chapter.QUESTIONS)
#: What may be spent unless more is allowed: it lets every question be put but the dearest.
CREDITS = 25
#: The one movie that the contract suite renders.
CONTRACT_CREDITS = 1
#: What everything else rests on is asked before anything else.
FIRST = ("tag", "tag-by-template")
#: What may have the account silenced for a while is asked after everything else.
LAST = ("burst",)


def cost(questions: Sequence[Question]) -> int:
    """Credits that it takes at most to put these questions: each movie they need is paid for once."""
    return sum(ORDERS[name].credits for name in {name for question in questions for name in question.needs})


def in_order() -> list[Question]:
    """The questions a client can put: those of ``FIRST``, then by what they add to the bill, and ``LAST``."""
    paid = {name for question in QUESTIONS if question.id in FIRST for name in question.needs}

    def rank(question: Question) -> tuple[bool, bool, int]:
        adds = sum(ORDERS[name].credits for name in question.needs if name not in paid)
        return question.id in LAST, question.id not in FIRST, adds

    return sorted((question for question in QUESTIONS if question.look), key=rank)
