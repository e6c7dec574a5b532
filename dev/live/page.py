"""docs/verified.md: what was never verified live, from the questions themselves."""

from __future__ import annotations

from pathlib import Path

from dev.live.questions import Question
from dev.live.table import CHAPTERS, CONTRACT_CREDITS, CREDITS, QUESTIONS, cost, in_order

PAGE = Path(__file__).resolve().parents[2] / "docs" / "verified.md"

_HEAD = """\
# What has been verified, and what has not

<!-- Written by `python -m dev.live page` from the questions themselves. -->

**This package has never been run against the real service.** What it knows comes from the service's documentation,
from code that its makers published, and from what they and others wrote down of its answers. Where those disagree or
are silent, the client reads every version it can think of and fails closed, so that no second charge comes of a wrong
guess, and the [sandbox](sandbox.md) can play each of them.

Below is every such guess, {count} in all. `make live`, in a clone of the repository and with an API key in
`JSON2VIDEO_API_KEY`, asks the real service {asked} of them, the most important first: whether the tag by which a lost
render is found again is to be seen in the list. It runs the contract tests too. It asks before it spends anything, at
most {usual} credits unless it is allowed more ({all} let it put every question), and it deletes what it made. Its
report, in `live-report/`, tells what was found against what is taken for true here, and holds no key and no address of
a video. Please send it: it settles for everybody what nobody could settle so far. `JSON2VIDEO_HOST` points it at a
sandbox instead, to see it at work for nothing.

The last column says how many credits a question takes; a movie is paid for once for all questions that look at it.
"""


def page() -> str:
    """The text of the page."""
    asked = in_order()
    everything = cost(asked) + CONTRACT_CREDITS
    parts = [_HEAD.format(count=len(QUESTIONS), asked=len(asked), usual=CREDITS, all=everything)]
    for chapter in CHAPTERS:
        title = (chapter.__doc__ or "").rstrip(".")
        last = "Credits" if chapter.QUESTIONS[0].look else "It would take"
        rows = "\n".join(map(_row, chapter.QUESTIONS))
        parts.append(f"\n## {title}\n\n| Question | Taken for true | Rests on | {last} |\n|---|---|---|---|\n{rows}\n")
    return "".join(parts)


def _row(question: Question) -> str:
    last = cost([question]) if question.look else question.otherwise
    return f"| {question.asks} | {question.takes} | {question.rests_on} | {last} |"
