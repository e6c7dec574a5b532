"""A lookup either judged every row of its window or failed: 'not found' must prove something."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_j2v.api.answers import MovieAnswer, MoviesPage
from airflow_provider_j2v.exceptions import NotFound, RateLimited, ServerError, Unreachable, UnreadableAnswer
from airflow_provider_j2v.renders.identity import Identity, Stamp
from airflow_provider_j2v.renders.lookup import LookupFailed, find

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOO_LARGE = UnreadableAnswer(200, "too large", too_large=True)


def stamped(tag):
    return Stamp(tag, Identity(None, "dag", "run", "task"), 0, "f").on({"scenes": []})


def row(project, tag=None, *, data=True, text=True):
    """A list row; without a tag the movie is somebody else's."""
    movie = stamped(tag) if tag else {"scenes": [], "client-data": {"theirs": 1}}
    shown = {"client-data": movie["client-data"]} if data else {}
    return {"project": project, "status": "done", **shown, **({"json": json.dumps(movie)} if text else {})}


class Service:
    """Answers list calls by page token and single calls by project, and notes what was asked."""

    def __init__(self, pages, singles=None):
        self.pages = pages
        self.singles = singles or {}
        self.lists = []
        self.asked_singly = []

    def send(self, call, *, before_send=None):
        if "project" in call.params:
            self.asked_singly.append(call.params["project"])
            answer = self.singles[call.params["project"]]
            if isinstance(answer, Exception):
                raise answer
            return MovieAnswer.model_validate({"movie": answer})
        self.lists.append(dict(call.params))
        assert len(self.lists) < 50, "the lookup does not end"
        answer = self.pages[call.params.get("next_token")]
        if callable(answer):
            answer = answer(int(call.params["limit"]))
        if isinstance(answer, Exception):
            raise answer
        return MoviesPage.model_validate(answer)


def page(*rows, then=None, **more):
    return {"movies": list(rows), "has_next": then is not None, "next_token": then, **more}


def look(service, tag="mine", since=NOW - timedelta(hours=5)):
    return list(find(service, lambda stamp: stamp.tag == tag, since, NOW))


def test_every_page_is_read_and_every_match_given():
    service = Service(
        {
            None: page(row("a"), row("b", "mine"), then="2"),
            "2": page(then="3"),
            "3": page(row("c", "other"), row("d", "mine")),
        }
    )
    assert [(stamp.tag, movie.project) for stamp, movie in look(service)] == [("mine", "b"), ("mine", "d")]
    assert [params.get("next_token") for params in service.lists] == [None, "2", "3"]
    assert service.asked_singly == []


def test_a_match_is_freed_of_its_movie_json():
    ((_, movie),) = look(Service({None: page(row("a", "mine"))}))
    assert movie.json_text is None
    assert movie.client_data["airflow"]["tag"] == "mine"


@pytest.mark.parametrize("where", [{"data": False}, {"text": False}])
def test_a_stamp_is_found_in_the_client_data_or_in_the_json(where):
    assert len(look(Service({None: page(row("a", "mine", **where))}))) == 1


def test_a_row_that_tells_nothing_is_asked_for_singly():
    blank = {"data": False, "text": False}
    singles = {"a": row("a", "mine", text=False), "b": row("b", "mine", data=False), "c": {"status": "done"}}
    service = Service({None: page(*(row(name, "mine", **blank) for name in singles), row("d"))}, singles)
    assert [stamp.tag for stamp, _ in look(service)] == ["mine", "mine"]
    assert service.asked_singly == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("pages", "singles"),
    [
        ({None: ServerError(500, "x")}, {}),
        ({None: Unreachable("x", sent=True)}, {}),
        ({None: RateLimited(429, "x", 90.0)}, {}),
        ({None: UnreadableAnswer(200, "html")}, {}),
        ({None: page(row("a"), then="2"), "2": ServerError(500, "x")}, {}),
        ({None: page(row("a"), then="2"), "2": page(row("b"), then="2")}, {}),
        ({None: page(then="2"), "2": page(then="3"), "3": page(then="2")}, {}),
        ({None: page(row("a"), has_next=True)}, {}),
        ({None: page(row("a"), has_next=True, next_token="")}, {}),
        ({None: page(row("a"), then="2", has_next=None)}, {}),
        ({None: page(row("a"), then="2", has_next="perhaps")}, {}),
        ({None: page({"status": "done"})}, {}),
        ({None: page(row("a", data=False, text=False))}, {"a": NotFound(400, "x")}),
        ({None: page(row("a", data=False, text=False))}, {"a": Unreachable("x", sent=False)}),
        ({None: page(row("a", data=False) | {"json": "{"})}, {"a": {"status": "done", "json": "{"}}),
    ],
)
def test_what_is_not_read_and_judged_to_the_end_is_a_failed_lookup(pages, singles):
    with pytest.raises(LookupFailed):
        look(Service(pages, singles))


def test_a_match_before_a_failure_is_given_first():
    found = find(
        Service({None: page(row("a", "mine"), then="2"), "2": ServerError(500, "x")}), lambda s: True, NOW, NOW
    )
    assert next(found)[1].project == "a"
    with pytest.raises(LookupFailed):
        next(found)


def test_a_page_over_the_cap_is_asked_for_in_smaller_pieces():
    service = Service({None: lambda limit: page(row("a", "mine")) if limit <= 12 else TOO_LARGE})
    assert len(look(service)) == 1
    assert [params["limit"] for params in service.lists] == ["100", "50", "25", "12"]


def test_a_single_row_over_the_cap_ends_the_lookup():
    service = Service({None: TOO_LARGE})
    with pytest.raises(LookupFailed, match="too large"):
        look(service)
    assert service.lists[-1]["limit"] == "1"


def test_an_unreadable_page_is_not_asked_for_in_smaller_pieces():
    service = Service({None: UnreadableAnswer(200, "html")})
    with pytest.raises(LookupFailed):
        look(service)
    assert len(service.lists) == 1


@pytest.mark.parametrize(
    ("since", "start"),
    [
        (NOW, "2026-03-02T11:00:00Z"),
        (NOW - timedelta(days=8), "2026-02-22T11:00:00Z"),
        (NOW - timedelta(days=400), "2025-12-01T12:00:00Z"),
    ],
)
def test_the_window_has_slack_for_clocks_and_stays_within_93_days(since, start):
    service = Service({None: page()})
    look(service, since=since)
    (params,) = service.lists
    assert params["from"] == start
    assert "to" not in params, "our clock would end the window, the service's is to"
    end_of_tomorrow = NOW + timedelta(days=1, hours=12)
    assert end_of_tomorrow - datetime.fromisoformat(params["from"]) <= timedelta(days=93)
