"""Money: what is charged."""

from __future__ import annotations

from typing import Any

from airflow_provider_j2v.renders.result import charged_of
from dev.live.looking import Look, accepted, finished
from dev.live.questions import DISPUTED, DOCUMENTED, UNKNOWN, Question, Unsettled
from dev.live.visit import Visit


def _charge(name: str, *, ends: str | None = None) -> Look:
    """A look at how far the balance fell.

    :param ends: with what status the movie has to end for that to tell anything; None: with any.
    """

    def look(visit: Visit) -> tuple[str, Any]:
        done = finished(visit, name) if ends == "done" else accepted(visit, name)
        if ends and done.movie.get("status") != ends:
            raise Unsettled(f"it ended as {done.movie.get('status')!r}, not as {ends!r}")
        if done.charged is None:
            raise Unsettled("the service does not tell the balance")
        seen = {key: done.movie.get(key) for key in ("status", "duration", "width", "height", "consumed_credits")}
        return f"{done.charged:g}", seen

    return look


def _consumed(visit: Visit) -> tuple[str, Any]:
    done = finished(visit, "movie")
    consumed = done.movie.get("consumed_credits")
    if not consumed:
        return "empty", consumed
    charged = charged_of(consumed)
    if charged is None:
        return "items that cannot be added up", consumed
    return ("items that add up" if charged == done.charged else "items, but the balance fell otherwise"), consumed


QUESTIONS = (
    Question(
        id="charge",
        asks="What does one second of `sd` cost?",
        takes="1 credit",
        where=("movies/credits.py: def render",),
        rests_on=DOCUMENTED,
        needs=("movie",),
        look=_charge("movie", ends="done"),
        fits=("1",),
    ),
    Question(
        id="consumed-credits",
        asks="What do the items of `consumed_credits` look like?",
        takes="objects with a number under `credits` or under `amount`, or none at all",
        where=("renders/result.py: def charged_of",),
        rests_on=f"{UNKNOWN}; empty lists were seen live by others",
        needs=("movie",),
        look=_consumed,
        fits=("empty", "items that add up"),
    ),
    Question(
        id="charge-failed",
        asks="What does a movie that failed cost?",
        takes="nothing for rendering",
        where=("exceptions.py: A failed render is not billed",),
        rests_on=DOCUMENTED,
        needs=("no-source",),
        look=_charge("no-source", ends="error"),
        fits=("0",),
    ),
    Question(
        id="charge-deleted",
        asks="What does a movie cost that was deleted while it was under way?",
        takes="as much as another",
        where=("exceptions.py: the render goes on and is",),
        rests_on=UNKNOWN,
        needs=("deleted",),
        look=_charge("deleted"),
        fits=("1",),
        copes=("0",),
    ),
    Question(
        id="charge-image",
        asks="What does an AI image cost that the catalog lists for nothing?",
        takes="nothing beside the second it is shown",
        where=("catalog/snapshot.json: flux-schnell",),
        rests_on=DOCUMENTED,
        needs=("image",),
        look=_charge("image", ends="done"),
        fits=("1",),
    ),
    Question(
        id="rounding",
        asks="What do 1.4 seconds cost?",
        takes="1 or 2 credits: the estimate has both",
        where=("movies/credits.py: how the service rounds",),
        rests_on=UNKNOWN,
        needs=("fraction",),
        look=_charge("fraction", ends="done"),
        fits=("1", "2"),
        copes=("1.4",),
    ),
    Question(
        id="charge-4k",
        asks="What does a second in 4K cost?",
        takes="1 to 4 credits: the estimate has both",
        where=("movies/credits.py: ABOVE_FULL_HD",),
        rests_on=f"{DISPUTED}: 4 by the price page, 1 by the limits page",
        needs=("large",),
        look=_charge("large", ends="done"),
        fits=("1", "4"),
        copes=("2", "3"),
    ),
    Question(
        id="charge-voice",
        asks="What do two seconds with a managed ElevenLabs voice cost?",
        takes="2 to 4 credits: the estimate has both",
        where=("movies/credits.py: ELEVENLABS",),
        rests_on=f"{DISPUTED}: 0 or 1 a second for the voice",
        needs=("voice",),
        look=_charge("voice", ends="done"),
        fits=("2", "3", "4"),
    ),
    Question(
        id="charge-failed-asset",
        asks="Is an AI image paid for when the movie then fails?",
        takes="perhaps: messages say so",
        where=("exceptions.py: AI assets that were already made may be",),
        rests_on=UNKNOWN,
        needs=("failed-asset",),
        look=_charge("failed-asset", ends="error"),
        fits=("0", "15"),
    ),
)
