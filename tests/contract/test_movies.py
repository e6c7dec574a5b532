"""``GET`` and ``DELETE /movies``: one render, lists of them, and the end of its file."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from airflow_provider_j2v.api.calls import delete_movie, get_movie, list_movies, submit_movie
from airflow_provider_j2v.exceptions import InvalidRequest, NotFound, UnreadableAnswer

UNKNOWN = "zzzzzzzzzzzzzzzz"


def project_ids(page):
    return [row.project for row in page.movies]


@pytest.fixture
def row_of(send):
    """The list's row of one project, wherever in the list it is."""

    def find(project):
        made = send(get_movie(project)).movie.created_at
        window = (made - timedelta(minutes=1), made + timedelta(minutes=1))
        page = send(list_movies(*window))
        while project not in project_ids(page):
            page = send(list_movies(*window, next_token=page.more))
        return next(row for row in page.movies if row.project == project)

    return find


# One render.


def test_a_finished_movie_has_what_the_provider_reports(send, finished):
    answer = send(get_movie(finished))
    movie = answer.movie
    assert movie.status == "done", movie.message
    assert movie.url.startswith("http")
    assert 0 < movie.duration < 5
    assert movie.size > 0
    assert movie.width > 0
    assert movie.ended_at >= movie.created_at
    assert answer.remaining_quota.time >= 0


def test_a_single_answer_leaves_the_movie_json_out_unless_asked_for(send, project, movie):
    assert send(get_movie(project)).movie.json_text is None
    sent = json.loads(send(get_movie(project, simple=False)).movie.json_text)
    assert sent["client-data"] == movie["client-data"]


def test_client_data_comes_back_verbatim_under_its_hyphen(send, project, movie):
    assert send(get_movie(project)).movie.client_data == movie["client-data"]


@pytest.mark.parametrize("shape", ["time", "full"])
def test_the_remaining_credits_are_read_in_both_documented_shapes(send, sandbox, project, shape):
    sandbox.variants.quota_shape = shape
    assert send(get_movie(project)).remaining_quota.time == 12_000


def test_a_failed_render_is_a_success_over_http_that_says_error(send, sandbox, movie):
    movie["scenes"][0]["elements"].append({"type": "image", "src": "https://nothing.invalid/a.png"})
    project = send(submit_movie(movie)).project
    sandbox.advance(60)
    failed = send(get_movie(project)).movie
    assert failed.status == "error"
    assert "nothing.invalid" in failed.message
    assert failed.url is None
    assert failed.consumed_credits == []


def test_an_invalid_movie_may_be_accepted_and_fail_only_when_rendered(send, sandbox):
    project = send(submit_movie({"scenes": [{"elements": [{"type": "video"}]}]})).project
    sandbox.advance(60)
    assert send(get_movie(project)).movie.status == "error"


def test_the_url_is_none_once_the_file_has_expired(send, sandbox, finished):
    assert send(get_movie(finished)).movie.url
    sandbox.advance(7 * 86_400)
    movie = send(get_movie(finished)).movie
    assert (movie.status, movie.url) == ("done", None)


@pytest.mark.parametrize("items", ["empty", "items"])
def test_consumed_credits_are_kept_as_they_come(send, sandbox, finished, items):
    sandbox.variants.consumed_credits = items
    consumed = send(get_movie(finished)).movie.consumed_credits
    assert isinstance(consumed, list)
    assert bool(consumed) == (items == "items")


def test_a_timeout_status_is_handed_on(send, sandbox, project):
    sandbox.variants.timeout_status = sandbox.variants.never_finish = True
    sandbox.advance(16 * 60)
    assert send(get_movie(project)).movie.status == "timeout"


def test_progress_is_read_where_it_is_shown(send, sandbox, project):
    sandbox.variants.progress_field = sandbox.variants.never_finish = True
    sandbox.advance(5)
    movie = send(get_movie(project)).movie
    assert (movie.status, movie.progress) == ("running", 99)


INCIDENTAL = {
    "url": {"not": "text"},
    "created_at": "yesterday",
    "ended_at": -1e300,
    "duration": "long",
    "size": "1.5 MB",
    "width": [],
    "rendering_time": None,
    "progress": "42%",
    "client-data": "text",
    "message": ["no"],
    "unheard-of": {"a": 1},
}


def test_fields_that_cannot_be_read_never_end_a_wait(send, sandbox, project):
    body = {"success": True, "movie": {"status": "running", **INCIDENTAL}, "remaining_quota": "plenty"}
    sandbox.faults.add(on="get", kind="status", status=200, body=body)
    answer = send(get_movie(project))
    read = answer.movie.model_dump(by_alias=True)
    assert read["status"] == "running"
    assert {name for name in INCIDENTAL if read[name] is not None} == {"unheard-of"}
    assert answer.remaining_quota is None


# An unknown one.


def test_an_unknown_project_is_not_found(send):
    with pytest.raises(NotFound):
        send(get_movie(UNKNOWN))


@pytest.mark.parametrize("spelling", ["typeerror", "404", "status-error"])
def test_an_unknown_project_is_not_found_in_every_documented_spelling(send, sandbox, spelling):
    sandbox.variants.unknown_project = spelling
    with pytest.raises(NotFound, match="(?i)project"):
        send(get_movie(UNKNOWN))
    assert sandbox.journal.requests["get"] <= 1, "it was asked again"


def test_a_leaked_typeerror_of_a_failing_service_does_not_say_that_a_project_is_unknown(driver, sandbox, project):
    body = {"success": False, "message": "TypeError: Cannot read properties of null (reading 'success')"}
    sandbox.faults.add(on="get", kind="status", status=500, body=body, times=2)
    assert driver.send(get_movie(project)).movie.project == project
    assert len(driver.pauses) == 2


def test_a_failed_render_that_misses_a_file_is_not_an_unknown_project(send, sandbox, project):
    movie = {"status": "error", "message": "Movie asset not found", "created_at": "2026-01-01T00:00:00Z"}
    sandbox.faults.add(on="get", kind="status", status=200, body={"success": True, "movie": movie})
    assert send(get_movie(project)).movie.status == "error"


def test_another_accounts_project_is_not_found(send, sandbox, movie, driver):
    from airflow_provider_j2v.sandbox import Account

    sandbox.accounts.append(Account(key="another"))
    project = driver.with_account(key="another").send(submit_movie(movie)).project
    with pytest.raises(NotFound):
        send(get_movie(project))


# Lists.


def test_list_rows_carry_the_client_data_and_the_movie_json(row_of, project, movie):
    row = row_of(project)
    assert row.client_data == movie["client-data"]
    assert json.loads(row.json_text)["client-data"] == movie["client-data"]


@pytest.mark.parametrize(("client_data", "json_text"), [(False, True), (True, False), (False, False)])
def test_list_rows_without_client_data_or_json_are_read(sandbox, row_of, project, client_data, json_text):
    sandbox.variants.rows_with_client_data = client_data
    sandbox.variants.rows_with_json = json_text
    row = row_of(project)
    assert (row.client_data is not None, row.json_text is not None) == (client_data, json_text)


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_follow_their_tokens_to_the_end_without_gap_or_repeat(send, sandbox, movie, order):
    sandbox.variants.list_order = order
    made = [send(submit_movie(movie)).project for _ in range(5)]
    page = send(list_movies(limit=2))
    seen, sizes = project_ids(page), [len(page.movies)]
    while page.more:
        page = send(list_movies(limit=2, next_token=page.more))
        seen += project_ids(page)
        sizes.append(len(page.movies))
    assert sizes == [2, 2, 1]
    assert seen == (made if order == "oldest" else made[::-1])


def test_the_last_page_has_no_token(send, project):
    assert project
    made = send(get_movie(project)).movie.created_at
    assert send(list_movies(made - timedelta(hours=2), made - timedelta(hours=1))).more is None


def test_a_window_holds_the_renders_in_it_and_no_other(send, project):
    made = send(get_movie(project)).movie.created_at
    minute = timedelta(minutes=1)
    assert project in project_ids(send(list_movies(made - minute, made + minute)))
    assert project not in project_ids(send(list_movies(made + minute, made + 2 * minute)))
    assert project not in project_ids(send(list_movies(made - 2 * minute, made - minute)))


def test_a_window_is_meant_in_utc_whatever_zone_it_was_given_in(driver, recorder):
    from datetime import datetime, timezone

    zone = timezone(timedelta(hours=-3))
    call = list_movies(datetime(2026, 1, 31, 23, tzinfo=zone), datetime(2026, 2, 1, 1, tzinfo=zone), limit=7)
    driver.with_account(base_url=recorder.url, key="k").send(call)
    path = recorder.seen[0].path
    assert path == "/v2/movies?limit=7&from=2026-02-01T02%3A00%3A00Z&to=2026-02-01T04%3A00%3A00Z"


def test_a_window_over_the_93_days_is_refused_and_one_of_93_is_not(send, project):
    end = send(get_movie(project)).movie.created_at
    assert send(list_movies(end - timedelta(days=93), end)).movies is not None
    with pytest.raises(InvalidRequest):
        send(list_movies(end - timedelta(days=94), end))


def test_a_foreign_token_is_refused(send, sandbox):
    with pytest.raises(InvalidRequest, match="next_token"):
        send(list_movies(next_token="not one of yours"))


@pytest.mark.parametrize(
    "body",
    ['{"success": true}', '{"movies": null}', '{"movies": [5]}', '{"movies": {}}', "[]"],
)
def test_a_list_that_is_none_is_unreadable_instead_of_empty(send, sandbox, body):
    sandbox.faults.add(on="list", kind="body", body=body, times=None)
    with pytest.raises(UnreadableAnswer):
        send(list_movies())


# Deletion.


def test_deleting_removes_the_file_keeps_the_row_and_may_be_repeated(send, sandbox, finished, row_of):
    first = send(delete_movie(finished))
    again = send(delete_movie(finished))
    assert first.project == again.project == finished
    assert first.deleted_at == again.deleted_at is not None
    movie = send(get_movie(finished)).movie
    assert (movie.status, movie.url, movie.deleted_at) == ("done", None, first.deleted_at)
    assert row_of(finished).url is None


def test_deleting_an_unknown_project_is_not_found(send):
    with pytest.raises(NotFound):
        send(delete_movie(UNKNOWN))


def test_deleting_without_a_project_id_says_what_is_missing(send):
    with pytest.raises(InvalidRequest, match="16-character project ID"):
        send(delete_movie("short"))
