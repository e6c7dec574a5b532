"""What becomes of odd movies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow_provider_j2v.api.calls import submit_movie
from dev.live.looking import Look, accepted
from dev.live.questions import DISPUTED, SEEN, UNKNOWN, Question
from dev.live.visit import Visit


def _late(visit: Visit) -> tuple[str, Any]:
    done = visit.render("no-source")
    if done.project is None:
        return "refused at once", {"status": done.reply.status, "body": done.reply.excerpt()}
    seen = {name: done.movie.get(name) for name in ("status", "message")}
    return ("accepted, then an error" if done.movie.get("status") == "error" else "rendered"), seen


def _empty(visit: Visit) -> tuple[str, Any]:
    done = visit.render("empty")
    seen = {name: done.movie.get(name) for name in ("status", "message", "duration")} or done.reply.excerpt()
    return ("rendered" if done.movie.get("status") == "done" else "an error"), seen


def _rendered(name: str) -> Look:
    def look(visit: Visit) -> tuple[str, Any]:
        done = visit.render(name)
        if done.project is None:
            return "refused", {"status": done.reply.status, "body": done.reply.excerpt()}
        seen = {key: done.movie.get(key) for key in ("status", "message", "width", "height", "duration")}
        return ("rendered" if done.movie.get("status") == "done" else "an error"), seen

    return look


def _deleted(visit: Visit) -> tuple[str, Any]:
    done = accepted(visit, "deleted")
    seen = [[movie.get(name) for name in ("status", "deleted_at")] for movie in done.seen]
    return ("goes on to its end" if done.movie.get("status") == "done" else "stops"), seen


def _large_body(visit: Visit) -> tuple[str, Any]:
    """Broken JSON, which is never rendered, of sizes on both sides of the limit."""
    seen = {}
    for size in (1_900_000, 2_200_000):
        body = b'{"comment": "' + b"x" * size
        reply = visit.pay(replace(submit_movie({}), body=body), 0)
        seen[f"{size:,} bytes"] = {"status": reply.status, "body": reply.excerpt()}
    small, large = (seen[name]["status"] == 413 for name in seen)
    return {(False, True): "about 2 MB", (False, False): "larger"}.get((small, large), "smaller"), seen


QUESTIONS = (
    Question(
        id="late-errors",
        asks="Is a movie that cannot be rendered refused at once, or accepted and failed later?",
        takes="either",
        where=("sandbox/variants.py: early_validation",),
        rests_on=f"{DISPUTED}: accepted {SEEN}",
        needs=("no-source",),
        look=_late,
        fits=("accepted, then an error",),
        copes=("refused at once",),
    ),
    Question(
        id="empty",
        asks="Is a scene without elements five seconds of black, or an error?",
        takes="either",
        where=("sandbox/variants.py: empty_movie",),
        rests_on=DISPUTED,
        needs=("empty",),
        look=_empty,
        fits=("rendered",),
        copes=("an error",),
    ),
    Question(
        id="odd-resolution",
        asks="What becomes of a resolution that only an example page has, `instagram-portrait`?",
        takes="lint warns",
        where=("movies/rules/deviations.py: unknown-value",),
        rests_on=DISPUTED,
        needs=("odd-resolution",),
        look=_rendered("odd-resolution"),
        fits=("refused", "an error"),
        copes=("rendered",),
    ),
    Question(
        id="subtitles-in-scene",
        asks="May subtitles be in a scene?",
        takes="lint warns",
        where=("movies/rules/elements.py: subtitles-in-scene",),
        rests_on=DISPUTED,
        needs=("subtitles",),
        look=_rendered("subtitles"),
        fits=("an error", "refused"),
        copes=("rendered",),
    ),
    Question(
        id="ai-images",
        asks="Are AI images still made?",
        takes="whatever the catalog lists; a model that is not in it is warned of",
        where=("movies/rules/models.py: unknown-model",),
        rests_on=DISPUTED,
        needs=("image",),
        look=_rendered("image"),
        fits=("rendered",),
        copes=("an error", "refused"),
    ),
    Question(
        id="delete-running",
        asks="What does deleting a movie that is under way do?",
        takes="nothing to rely on: there is no cancel",
        where=("exceptions.py: The service has no cancel",),
        rests_on=UNKNOWN,
        needs=("deleted",),
        look=_deleted,
        fits=("goes on to its end",),
        copes=("stops",),
    ),
    Question(
        id="body-limit",
        asks="How large may a movie be?",
        takes="2,000,000 bytes of JSON",
        where=("movies/document.py: MAX_MOVIE_BYTES",),
        rests_on="a third party",
        look=_large_body,
        fits=("about 2 MB",),
        copes=("larger",),
    ),
)
