"""The list, where lost renders are found again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.answers import MovieStatus
from airflow_provider_j2v.api.calls import MAX_LIST_DAYS, delete_movie, list_movies
from airflow_provider_j2v.renders.identity import judge as judge_row
from dev.live.looking import Look, accepted, finished, places
from dev.live.questions import INFERRED, SEEN, UNKNOWN, Question, Unsettled
from dev.live.visit import INTERVAL, Visit

_LAG = Account.adopt_wait
_IN_TIME = f"within {_LAG:g} s"


def _tag_in_row(name: str) -> Look:
    def look(visit: Visit) -> tuple[str, Any]:
        done = accepted(visit, name)
        if done.row is None:
            return "not in the list", None
        judged = judge_row(MovieStatus.model_validate(done.row))
        where = " and ".join(places(done.stamp.tag, done.row))
        if judged.stamp != done.stamp:
            where = "hidden: the row has a movie without the tag" if judged.certain else "nowhere"
        return where, {"fields": sorted(done.row), "client-data": done.row.get("client-data")}

    return look


def _lag(visit: Visit) -> tuple[str, Any]:
    done = accepted(visit, "movie")
    if done.listed is None:
        return "not in the list", None
    return _IN_TIME if done.listed[1] <= _LAG + INTERVAL else "later", {
        "seconds, not yet after and there after": [round(s, 1) for s in done.listed]
    }


def _status(visit: Visit) -> tuple[str, Any]:
    done = finished(visit, "movie")
    if done.last_row is None:
        raise Unsettled("it was not in the list when it had ended")
    status = done.last_row.get("status")
    return "the same" if status == "done" else "behind", status


def _created(visit: Visit, name: str) -> datetime:
    created = MovieStatus.model_validate(accepted(visit, name).movie).created_at
    if created is None:
        raise Unsettled("the movie does not say when it was created")
    return created


def _order(visit: Visit) -> tuple[str, Any]:
    mine = [accepted(visit, name).project for name in ("movie", "template")]
    rows = [row.get("project") for row in visit.rows() if row.get("project") in mine]
    if len(rows) != len(mine):
        raise Unsettled("one of the two movies is not in the list")
    return "oldest first" if rows == mine else "newest first", None


def _window(visit: Visit) -> tuple[str, Any]:
    project, created = accepted(visit, "movie").project, _created(visit, "movie")
    found = {
        name: project in [row.get("project") for row in visit.rows(created + shift)]
        for name, shift in (("an hour before", timedelta(hours=-1)), ("a minute after", timedelta(minutes=1)))
    }
    if not found["an hour before"]:
        return "too narrow: a movie of the window is missing", found
    return "wider" if found["a minute after"] else "to the minute", found


def _reach(visit: Visit) -> tuple[str, Any]:
    start = datetime.fromtimestamp(visit.now(), UTC) - timedelta(days=MAX_LIST_DAYS - 2)
    reply = visit.ask(list_movies(start, limit=1))
    return "taken" if reply.status == 200 else "refused", {"status": reply.status, "body": reply.excerpt()}


def _pages(visit: Visit) -> tuple[str, Any]:
    for name in ("movie", "template", "fraction"):  # so that the second page is not the last
        accepted(visit, name)
    start = visit.began - timedelta(hours=1)
    first = visit.ask(list_movies(start, limit=1)).document
    seen = {name: value for name, value in first.items() if name not in ("movies", "remaining_quota")}
    if not first.get("has_next") or not first.get("next_token"):
        return "no way on from a full page", seen
    second = visit.ask(list_movies(start, limit=1, next_token=first["next_token"])).document
    if [row["project"] for row in second["movies"]] == [row["project"] for row in first["movies"]]:
        return "the same page again", seen
    stuck = second.get("has_next") and second.get("next_token") == first["next_token"]
    return "the same token again" if stuck else "on to the next page", seen


def _simple(visit: Visit) -> tuple[str, Any]:
    accepted(visit, "movie")
    call = list_movies(visit.began - timedelta(hours=1), limit=1)
    call = replace(call, params={**call.params, "format": "simple"})
    row = visit.ask(call).document["movies"][0]
    return "ignored" if "json" in row else "no json", sorted(row)


def _after_delete(visit: Visit) -> tuple[str, Any]:
    done = finished(visit, "fraction")
    assert done.project
    visit.client.send(delete_movie(done.project))
    row = visit.row(done.project)
    if row is None:
        return "the row is gone", None
    seen = {name: row.get(name) for name in ("status", "url", "deleted_at")}
    if row.get("url"):
        return "the row still has an address", seen
    return "the row stays, with the tag" if places(done.stamp.tag, row) else "the row stays, without the tag", seen


QUESTIONS = (
    Question(
        id="tag",
        asks="Is our tag visible in the list's row of a movie, and where?",
        takes="in `client-data`, else in the `json` of the row; a row with neither is asked for singly",
        where=(
            "renders/identity.py: def judge",
            "renders/lookup.py: def find",
        ),
        rests_on=f"{UNKNOWN} for `client-data`; `json` in rows {SEEN}",
        needs=("movie",),
        look=_tag_in_row("movie"),
        fits=("client-data", "client-data and json"),
        copes=("json", "nowhere"),
    ),
    Question(
        id="tag-by-template",
        asks="And in the row of a movie made by a saved template?",
        takes="the same: the request's `client-data` wins over the template's",
        where=(
            "renders/identity.py: def judge",
            "renders/lookup.py: def find",
        ),
        rests_on=UNKNOWN,
        needs=("template",),
        look=_tag_in_row("template"),
        fits=("client-data", "client-data and json"),
        copes=("json", "nowhere"),
    ),
    Question(
        id="list-lag",
        asks="How long after its submission does a movie come up in the list?",
        takes=f"within `adopt_wait`, {_LAG:g} s by default",
        where=(
            "api/account.py: adopt_wait: float",
            "renders/plan.py: LIST_LAG",
        ),
        rests_on=UNKNOWN,
        needs=("movie",),
        look=_lag,
        fits=(_IN_TIME,),
    ),
    Question(
        id="list-status",
        asks="Does the row tell the end of a movie as soon as the single answer does?",
        takes="yes; where the list lags behind, the watcher demotes it",
        where=("renders/listing.py: DEMOTED_FOR",),
        rests_on=UNKNOWN,
        needs=("movie",),
        look=_status,
        fits=("the same",),
        copes=("behind",),
    ),
    Question(
        id="list-order",
        asks="In which order are the rows?",
        takes="nothing: every page of the window is read",
        where=("renders/lookup.py: def _rows",),
        rests_on=UNKNOWN,
        needs=("movie", "template"),
        look=_order,
        fits=("newest first", "oldest first"),
    ),
    Question(
        id="list-window",
        asks="Does `from` take a moment with its time of day?",
        takes="yes, or wider; an hour of slack is added",
        where=("api/calls.py: def _stamp", "renders/lookup.py: CLOCK_SLACK"),
        rests_on=f"{UNKNOWN}; the pages show dates",
        needs=("movie",),
        look=_window,
        fits=("to the minute",),
        copes=("wider",),
    ),
    Question(
        id="list-reach",
        asks=f"May a window begin {MAX_LIST_DAYS - 2} days ago and end with the service's default?",
        takes=f"yes: {MAX_LIST_DAYS} days are documented",
        where=(
            "renders/lookup.py: MAX_LIST_DAYS",
            "renders/polling.py: MAX_LIST_DAYS",
        ),
        rests_on=INFERRED,
        look=_reach,
        fits=("taken",),
    ),
    Question(
        id="list-pages",
        asks="Do `has_next` and `next_token` lead from page to page?",
        takes="yes; anything else makes a lookup fail, which submits nothing",
        where=(
            "api/answers.py: def more",
            "renders/lookup.py: repeats a page token",
        ),
        rests_on=f"{SEEN}; that a token may come again is guarded against in a client",
        needs=("movie", "template", "fraction"),
        look=_pages,
        fits=("on to the next page",),
    ),
    Question(
        id="list-simple",
        asks="Does `format=simple` leave the big `json` out of rows?",
        takes="no: rows are weighed with it",
        where=("renders/plan.py: whole submitted movie",),
        rests_on=SEEN,
        needs=("movie",),
        look=_simple,
        fits=("ignored",),
        copes=("no json",),
    ),
    Question(
        id="deleted-row",
        asks="What is left in the list of a movie that was deleted?",
        takes="its row with the tag, without an address",
        where=("renders/polling.py: its file is gone",),
        rests_on=SEEN,
        needs=("fraction",),
        look=_after_delete,
        fits=("the row stays, with the tag",),
    ),
)
