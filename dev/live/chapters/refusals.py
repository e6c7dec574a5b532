"""Refusals, and the errors they become."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from airflow_provider_j2v.api.calls import Call, get_movie, list_movies, submit_movie
from airflow_provider_j2v.api.media import get_media
from airflow_provider_j2v.api.templates import create_template, get_template
from airflow_provider_j2v.movies.failure import failing_element
from dev.live.looking import accepted, classified, refusal
from dev.live.movies import NAME, TINY
from dev.live.questions import DISPUTED, DOCUMENTED, INFERRED, SEEN, Question, Unsettled
from dev.live.visit import Visit, error_of

#: The key of another role, for one question.
RENDER_KEY = "JSON2VIDEO_RENDER_KEY"
BURST = 40


def _broken(visit: Visit) -> tuple[str, Any]:
    call = replace(submit_movie({}), body=b'{"scenes": [')
    return classified(call, visit.pay(call, 0))


def _no_template(visit: Visit) -> tuple[str, Any]:
    done = visit.render("no-template")
    return classified(submit_movie({}), done.reply)


def _role(visit: Visit) -> tuple[str, Any]:
    key = os.environ.get(RENDER_KEY)
    if not key:
        raise Unsettled(f"set {RENDER_KEY} to a key of the same account with the role Render")
    call = create_template(NAME, TINY)
    reply = visit.ask(call, key=key)
    if error_of(call, reply) is None:
        visit.templates.append(call.read(reply).id)
    return classified(call, reply)


def _place(visit: Visit) -> tuple[str, Any]:
    done = accepted(visit, "no-source")
    message = str(done.movie.get("message"))
    return ("named" if failing_element(message, done.sent) else "not named"), message


def _burst(visit: Visit) -> tuple[str, Any]:
    for count in range(1, BURST + 1):
        reply = visit.ask(list_movies(limit=1), attempts=1)
        if reply.status == 429:
            readable = "with Retry-After" if "retry-after" in reply.headers else "without Retry-After"
            return f"HTTP 429 {readable}", {"after": count, "retry-after": reply.headers.get("retry-after")}
    return "none", {"requests": BURST}


QUESTIONS = (
    Question(
        id="bad-key",
        asks="What is the answer to a wrong API key?",
        takes="an `AuthenticationError`, by its words first and its code second",
        where=("api/reply.py: _FAMILIES",),
        rests_on=f"{DISPUTED}: HTTP 400, 401 or 403; 400 {SEEN}",
        look=refusal(lambda _: list_movies(limit=1), key="0" * 40),
        fits=("AuthenticationError",),
        copes=("PermissionDenied",),
    ),
    Question(
        id="role",
        asks="What is the answer to a key whose role is too low?",
        takes="`PermissionDenied`",
        where=("api/reply.py: insufficient permissions",),
        rests_on=DOCUMENTED,
        look=_role,
        fits=("PermissionDenied",),
    ),
    Question(
        id="unknown-project",
        asks="What is the answer to an unknown project?",
        takes="`NotFound`",
        where=("api/calls.py: _UNKNOWN", "api/reply.py: names_project"),
        rests_on=f"{DISPUTED}: a leaked TypeError {SEEN}; 404, or a movie in `error`, documented",
        look=refusal(lambda _: get_movie("0" * 16)),
        fits=("NotFound",),
    ),
    Question(
        id="unknown-template",
        asks="What is the answer to an unknown template that is read?",
        takes="`NotFound`",
        where=("api/reply.py: NotFound)",),
        rests_on=f"{DISPUTED}: HTTP 400 {SEEN}, 404 documented",
        look=refusal(lambda _: get_template("0" * 20)),
        fits=("NotFound",),
    ),
    Question(
        id="unknown-media",
        asks="What is the answer to an unknown media file?",
        takes="`NotFound`",
        where=("api/reply.py: NotFound)",),
        rests_on=f"{DISPUTED}: HTTP 400 {SEEN}, 404 documented",
        look=refusal(lambda _: get_media("no-such-folder/no-such-file.png")),
        fits=("NotFound",),
    ),
    Question(
        id="no-route",
        asks="What is the answer to a path that does not exist?",
        takes="`InvalidRequest`: it is the gateway's own, not the service's",
        where=("api/reply.py: Missing Authentication Token",),
        rests_on=INFERRED,
        look=refusal(lambda _: Call("look", "GET", "/v2/no-such-call", lambda reply: reply.document)),
        fits=("InvalidRequest",),
        copes=("PermissionDenied", "NotFound"),
    ),
    Question(
        id="broken-json",
        asks="What does a refused submission look like?",
        takes="a `message`, with or without `success` and a code: `InvalidRequest`, and nothing is paid",
        where=("api/reply.py: def _message",),
        rests_on=f"{DISPUTED}: `success` is documented, its absence read in a client",
        look=_broken,
        fits=("InvalidRequest",),
    ),
    Question(
        id="burst",
        asks=f"Do {BURST} requests in a row meet a limit?",
        takes="perhaps: HTTP 429 and `Retry-After` are heeded",
        where=("api/reply.py: def retry_after",),
        rests_on=DISPUTED,
        look=_burst,
        fits=("none", "HTTP 429 with Retry-After"),
        copes=("HTTP 429 without Retry-After",),
    ),
    Question(
        id="unknown-template-rendered",
        asks="Is a movie with an unknown template refused at once?",
        takes="yes, as `InvalidRequest`; else it fails later",
        where=("api/reply.py: a template that is not there",),
        rests_on=DOCUMENTED,
        needs=("no-template",),
        look=_no_template,
        fits=("InvalidRequest",),
        copes=("accepted",),
    ),
    Question(
        id="failing-element",
        asks="Does the reason for a failed render name the scene and the element?",
        takes="often: then the log shows that element",
        where=("movies/failure.py: _PLACE",),
        rests_on=f"{SEEN}, in one wording of three",
        needs=("no-source",),
        look=_place,
        fits=("named",),
        copes=("not named",),
    ),
)
