"""List mode: windows, pages, tokens, and every doubt about its rows."""

from __future__ import annotations

import json

import pytest

DAY = 86_400


def projects(client, **query):
    answer = client.get("/v2/movies", params=query)
    assert answer.status_code == 200, answer.text
    return [row["project"] for row in answer.json()["movies"]]


def all_pages(client, **query):
    found, token = [], None
    while True:
        page = client.get("/v2/movies", params={**query, **({"next_token": token} if token else {})}).json()
        found += [row["project"] for row in page["movies"]]
        assert page["count"] == len(page["movies"])
        assert page["has_prev"] == (token is not None)
        assert page["has_next"] == (page["next_token"] is not None)
        token = page["next_token"]
        if token is None:
            return found


def test_rows_come_newest_first_or_oldest_first(sandbox, client, submit):
    first, second = submit(), submit()

    assert projects(client) == [second, first]
    sandbox.variants.list_order = "oldest"
    assert projects(client) == [first, second]


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_pages_together_hold_every_movie_once(sandbox, client, submit, order, limit):
    sandbox.variants.list_order = order
    sent = [submit() for _ in range(7)]

    assert sorted(all_pages(client, limit=limit)) == sorted(sent)


def test_a_new_movie_does_not_shift_the_pages(client, submit):
    sent = [submit() for _ in range(4)]
    page = client.get("/v2/movies", params={"limit": 2}).json()
    submit()

    rest = projects(client, limit=2, next_token=page["next_token"])

    assert rest == [sent[1], sent[0]]


def test_the_window_begins_with_the_month_and_ends_with_the_day(client):
    answer = client.get("/v2/movies").json()

    assert (answer["from"], answer["to"]) == ("2026-09-01T00:00:00.000Z", "2026-09-12T23:59:59.999Z")
    assert answer["limit"] == 100


@pytest.mark.parametrize(("start", "end"), [("from", "to"), ("date_start", "date_end")])
def test_a_window_takes_dates_and_moments_under_two_names(sandbox, client, submit, start, end):
    early = submit()
    sandbox.advance(2 * DAY)
    late = submit()

    assert projects(client, **{start: "2026-09-12", end: "2026-09-12"}) == [early]
    assert projects(client, **{start: "2026-09-13"}) == [late]
    assert projects(client, **{start: "2026-09-12T12:00:00Z", end: "2026-09-12T14:00:00+02:00"}) == [early]
    assert projects(client, **{start: "2026-09-12T12:00:01Z", end: "2026-09-13"}) == []


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-06-01", "to": "2026-09-12"},
        {"from": "2026-09-12", "to": "2026-09-11"},
        {"from": "soon"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "many"},
        {"next_token": "bm9uc2Vuc2U="},
        {"next_token": "é"},
    ],
)
def test_windows_over_93_days_and_nonsense_are_refused(client, query):
    answer = client.get("/v2/movies", params=query)

    assert answer.status_code == 400
    assert answer.json()["success"] is False


def test_93_days_are_allowed(client):
    assert client.get("/v2/movies", params={"from": "2026-06-12", "to": "2026-09-12"}).status_code == 200


def test_rows_carry_the_whole_movie_even_when_a_simple_format_is_asked_for(client, submit, make_movie):
    submit(make_movie(comment="all of it", **{"client-data": {"a": 1}}))

    (row,) = client.get("/v2/movies", params={"format": "simple"}).json()["movies"]

    assert json.loads(row["json"])["comment"] == "all of it"
    assert row["client-data"] == {"a": 1}


@pytest.mark.parametrize(("variant", "field"), [("rows_with_json", "json"), ("rows_with_client_data", "client-data")])
def test_rows_may_lack_the_movie_or_the_client_data(sandbox, client, submit, variant, field):
    setattr(sandbox.variants, variant, False)
    submit(**{"client-data": {"a": 1}})

    (row,) = client.get("/v2/movies").json()["movies"]

    assert field not in row


def test_the_list_may_lag_behind(sandbox, client, submit):
    sandbox.variants.list_lag = 30
    project = submit()

    assert projects(client) == []
    sandbox.advance(29.9)
    assert projects(client) == []
    sandbox.advance(0.2)
    assert projects(client) == [project]


def test_a_token_can_repeat_for_ever(sandbox, client, submit):
    for _ in range(6):
        submit()
    sandbox.variants.repeated_token = True
    token = client.get("/v2/movies", params={"limit": 2}).json()["next_token"]

    page = client.get("/v2/movies", params={"limit": 2, "next_token": token}).json()

    assert page["next_token"] == token
