"""What an answer about a movie holds."""

from __future__ import annotations

from typing import Any

from airflow_provider_j2v.api.answers import MovieStatus
from airflow_provider_j2v.api.calls import get_movie, list_movies
from airflow_provider_j2v.renders.lookup import CLOCK_SLACK
from airflow_provider_j2v.renders.polling import KNOWN, NOT_FOUND_GRACE
from dev.live.looking import accepted, finished
from dev.live.movies import OWN
from dev.live.questions import DISPUTED, DOCUMENTED, INFERRED, SEEN, UNKNOWN, Question, Unsettled
from dev.live.visit import Visit

#: ``success`` and ``thumbnail`` are documented and of no use here.
_FIELDS = {f.alias or name for name, f in MovieStatus.model_fields.items()} | {"success", "thumbnail"}


def _client_data(visit: Visit) -> tuple[str, Any]:
    done = accepted(visit, "movie")
    got = done.movie.get("client-data")
    if got == done.sent["client-data"]:
        return "verbatim", None
    kept = isinstance(got, dict) and got.get("airflow") == done.sent["client-data"]["airflow"]
    return "changed, but not our part" if kept else "changed", got


def _known(visit: Visit) -> tuple[str, Any]:
    unknown = accepted(visit, "movie").unknown
    return ("at once" if not unknown else "in time" if unknown <= NOT_FOUND_GRACE else "later"), round(unknown, 1)


def _template_data(visit: Visit) -> tuple[str, Any]:
    got = accepted(visit, "template").movie.get("client-data") or {}
    return "the request's" if all(got.get(name) == OWN[name] for name in OWN) else "another", got


def _fields(visit: Visit) -> tuple[str, Any]:
    more = {name: accepted(visit, "movie").movie[name] for name in set(accepted(visit, "movie").movie) - _FIELDS}
    return "none" if not more else "some", more


def _running(visit: Visit) -> tuple[str, Any]:
    early = [movie for movie in accepted(visit, "movie").seen if movie.get("status") == "running"]
    if not early:
        raise Unsettled("the movie was never seen running")
    seen = sorted({name for movie in early for name in movie if name in ("progress", "thumbnail")})
    return " and ".join(seen) or "neither", early[-1]


def _statuses(visit: Visit) -> tuple[str, Any]:
    seen = list(dict.fromkeys(movie.get("status") for movie in accepted(visit, "movie").seen))
    return "known ones" if set(seen) <= KNOWN else "others", seen


def _times(visit: Visit) -> tuple[str, Any]:
    movie = finished(visit, "movie").movie
    told = MovieStatus.model_validate(movie)
    seen = {name: movie.get(name) for name in ("created_at", "ended_at")}
    return "told" if told.created_at and told.ended_at else "missing", seen


def _clock(visit: Visit) -> tuple[str, Any]:
    created = MovieStatus.model_validate(accepted(visit, "movie").movie).created_at
    if created is None:
        raise Unsettled("the movie does not say when it was created")
    off = created.timestamp() - accepted(visit, "movie").asked
    return "within the slack" if abs(off) < CLOCK_SLACK.total_seconds() / 2 else "beyond it", {"seconds": round(off)}


def _project(visit: Visit) -> tuple[str, Any]:
    project = accepted(visit, "movie").project or ""
    return "16 letters and digits" if len(project) == 16 and project.isalnum() else "something else", len(project)


def _quota(visit: Visit) -> tuple[str, Any]:
    quota = visit.ask(list_movies(limit=1)).document.get("remaining_quota")
    names = sorted(quota) if isinstance(quota, dict) else []
    if "time" not in names:
        return "no time", quota
    return "time alone" if names == ["time"] else "time and others", quota


def _size(visit: Visit) -> tuple[str, Any]:
    movie = finished(visit, "movie").movie
    size = f"{movie.get('width')}x{movie.get('height')}"
    return (size if size in ("640x360", "640x480") else "another"), size


def _simple(visit: Visit) -> tuple[str, Any]:
    project = accepted(visit, "movie").project or ""
    full, simple = ("json" in visit.ask(get_movie(project, simple=s)).document["movie"] for s in (False, True))
    told = {(True, False): "in the full answer only", (True, True): "in both", (False, False): "in neither"}
    return told.get((full, simple), "in the simple answer only"), None


QUESTIONS = (
    Question(
        id="client-data",
        asks="Does `client-data` come back as it was sent, nested objects, numbers and signs included?",
        takes="yes: the tag is a nested object",
        where=("renders/identity.py: def read",),
        rests_on=DOCUMENTED,
        needs=("movie",),
        look=_client_data,
        fits=("verbatim",),
        copes=("changed, but not our part",),
    ),
    Question(
        id="client-data-by-template",
        asks="With a template that has `client-data` of its own, whose comes back?",
        takes="the request's",
        where=("renders/identity.py: def on",),
        rests_on=DOCUMENTED,
        needs=("template",),
        look=_template_data,
        fits=("the request's",),
    ),
    Question(
        id="known",
        asks="Does the service know a project as soon as it has given its id?",
        takes=f"within {NOT_FOUND_GRACE:g} s; then the list has to confirm that it does not exist",
        where=("renders/polling.py: NOT_FOUND_GRACE",),
        rests_on=UNKNOWN,
        needs=("movie",),
        look=_known,
        fits=("at once",),
        copes=("in time",),
    ),
    Question(
        id="fields",
        asks="Has an answer fields that nobody described?",
        takes="perhaps: they are kept and ignored",
        where=("api/answers.py: class MovieStatus",),
        rests_on=f"{UNKNOWN}, `task` for one",
        needs=("movie",),
        look=_fields,
        fits=("none",),
        copes=("some",),
    ),
    Question(
        id="running",
        asks="Are `progress` and `thumbnail` there while a movie is running?",
        takes="nothing: neither is used",
        where=("api/answers.py: progress",),
        rests_on="one guide only",
        needs=("movie",),
        look=_running,
        fits=("neither",),
        copes=("progress", "thumbnail", "progress and thumbnail"),
    ),
    Question(
        id="statuses",
        asks="Which statuses does a movie go through?",
        takes="pending, running, done, error; others are waited on to the deadline",
        where=("renders/polling.py: KNOWN",),
        rests_on=SEEN,
        needs=("movie",),
        look=_statuses,
        fits=("known ones",),
        copes=("others",),
    ),
    Question(
        id="times",
        asks="Does a finished movie say when it was created and ended?",
        takes="yes: `expires_at` is made of it; without it, it is empty",
        where=("renders/result.py: expires_at",),
        rests_on=DOCUMENTED,
        needs=("movie",),
        look=_times,
        fits=("told",),
        copes=("missing",),
    ),
    Question(
        id="clock",
        asks="How far are the service's clock and ours apart?",
        takes="less than an hour",
        where=(
            "renders/lookup.py: CLOCK_SLACK",
            "renders/plan.py: CLOCK_SLACK",
        ),
        rests_on=INFERRED,
        needs=("movie",),
        look=_clock,
        fits=("within the slack",),
    ),
    Question(
        id="project",
        asks="What does the id of a project look like?",
        takes="printable ASCII of up to 200 characters",
        where=("api/answers.py: class Submitted",),
        rests_on=SEEN,
        needs=("movie",),
        look=_project,
        fits=("16 letters and digits",),
        copes=("something else",),
    ),
    Question(
        id="quota",
        asks="What is in `remaining_quota`?",
        takes="`time`, the credits left; without it no quota is checked",
        where=("api/answers.py: class Quota",),
        rests_on=f"{DISPUTED}: `time`, or also `movies` and `drafts`",
        look=_quota,
        fits=("time alone", "time and others"),
        copes=("no time",),
    ),
    Question(
        id="sd-size",
        asks="How large is `sd`?",
        takes="nothing: sizes are read from the answer; the sandbox draws 640x360",
        where=("sandbox/variants.py: sd_height",),
        rests_on=f"{DISPUTED}: 640x360 documented, 640x480 {SEEN}",
        needs=("movie",),
        look=_size,
        fits=("640x360",),
        copes=("640x480", "another"),
    ),
    Question(
        id="json",
        asks="Which single answer has the submitted movie as `json`?",
        takes="the one without `format=simple`; it is needed where a row shows neither tag nor `json`",
        where=("renders/lookup.py: simple=False",),
        rests_on=SEEN,
        needs=("movie",),
        look=_simple,
        fits=("in the full answer only",),
        copes=("in both", "in neither"),
    ),
)
