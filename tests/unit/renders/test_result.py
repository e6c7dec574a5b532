"""What goes into XCom: small, plain JSON, and never the movie."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_j2v.api.answers import MovieAnswer
from airflow_provider_j2v.api.reply import Reply, model
from airflow_provider_j2v.renders.polling import Outcome, Polling
from airflow_provider_j2v.renders.result import MAX_PART, bill_of, charged_of, result_of

MOVIE = {
    "status": "done",
    "project": "0123456789abcdef",
    "message": "",
    "url": "https://assets.json2video.com/clients/0123456789/renders/2026-05-12-36066.mp4",
    "created_at": "2026-05-12T10:00:00.000Z",
    "ended_at": "2026-05-12T10:03:15.000Z",
    "duration": 108.2,
    "size": 6876189,
    "width": 1080,
    "height": 1920,
    "rendering_time": 195,
    "client-data": {"row": 7, "airflow": {"tag": "secret of ours"}},
    "consumed_credits": [],
    "json": json.dumps({"scenes": ["the movie"]}),
}


def outcome(**changes):
    raw = json.dumps({"movie": MOVIE | changes, "remaining_quota": {"time": 1807}}).encode()
    answer = model(MovieAnswer)(Reply(200, {}, raw))
    return Polling("0123456789abcdef", deadline=2.0, interval=5, now=0.0).see(answer, 1.0)


def size(result):
    return len(json.dumps(result, allow_nan=False))


def test_the_result_of_a_finished_movie():
    assert result_of(outcome()) == {
        "project": "0123456789abcdef",
        "status": "done",
        "url": MOVIE["url"],
        "expires_at": "2026-05-19T10:03:15+00:00",
        "duration": 108.2,
        "size": 6876189,
        "width": 1080,
        "height": 1920,
        "rendering_time": 195.0,
        "credits": {"estimated": None, "consumed": [], "remaining": 1807.0},
        "destination": None,
        "client_data": {"row": 7},
    }


def test_a_failed_one_has_its_reason_and_no_expiry():
    result = result_of(outcome(status="error", message="Scene #1: no", url=None))
    assert (result["status"], result["message"], result["expires_at"]) == ("error", "Scene #1: no", None)


def test_a_wait_that_ended_without_a_movie_has_a_result_too():
    result = result_of(Outcome("p", "timeout", "too late"))
    assert (result["project"], result["status"], result["url"], result["client_data"]) == ("p", "timeout", None, {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=60,
)


@given(st.dictionaries(st.text(), JSON), JSON, st.text(), st.sampled_from(["done", "error"]))
def test_the_result_is_small_json_whatever_the_client_data(client_data, consumed, message, status):
    changes = {"client-data": client_data, "consumed_credits": consumed, "message": message}
    assert size(result_of(outcome(status=status, **changes))) < 2048


@pytest.mark.parametrize("status", ["done", "error"])
@pytest.mark.parametrize("filling", ["x", '"', "\x00", "世", "\U0001f3ac"])
def test_the_result_stays_under_two_kilobytes_at_the_worst_length(status, filling):
    text = filling * ((MAX_PART - len('{"x": ""}')) // len(json.dumps(filling)[1:-1]))
    changes = {"client-data": {"x": text}, "consumed_credits": {"x": text}, "message": "a reason " * 10_000}
    result = result_of(outcome(status=status, **changes), (123_456_789.25, 987_654_321.75))
    assert result["client_data"] == result["credits"]["consumed"] == {"x": text}
    assert size(result) < 2048
    assert "the movie" not in str(result)
    assert "secret of ours" not in str(result)


@pytest.mark.parametrize("name", ["client-data", "consumed_credits"])
def test_a_part_that_is_too_large_is_left_out(name):
    result = result_of(outcome(**{name: {"x": "y" * 5000}}))
    part = result["client_data"] if name == "client-data" else result["credits"]["consumed"]
    assert part is None
    assert size(result) < 2048


# The bill.


def test_the_estimate_stands_beside_what_was_consumed_and_what_remains():
    credits = result_of(outcome(consumed_credits=[{"credits": 95}]), (90.0, 110.0))["credits"]
    assert credits == {"estimated": [90.0, 110.0], "consumed": [{"credits": 95}], "remaining": 1807.0}


@pytest.mark.parametrize(
    ("estimated", "consumed", "line"),
    [
        ((90.0, 110.0), [{"credits": 95}], "Credits: estimated 90 to 110; charged 95; 1,807 left."),
        ((90.0, 90.0), [{"credits": 60}, {"credits": 30}], "Credits: estimated 90; charged 90; 1,807 left."),
        (
            (90.0, 110.0),
            [{"credits": 111}],
            "Credits: estimated 90 to 110; charged 111, which is more than estimated; 1,807 left.",
        ),
        (
            (90.0, 110.0),
            [{"credits": 30}],
            (
                "Credits: estimated 90 to 110; charged 30, which is less than estimated, as when assets of an earlier "
                "render are still cached; 1,807 left."
            ),
        ),
        (None, [{"amount": 2.5}], "Credits: not estimated; charged 2.5; 1,807 left."),
        (None, [], "Credits: not estimated; the service does not say what it charged; 1,807 left."),
        ((1.0, 2.0), ["odd"], "Credits: estimated 1 to 2; what was charged cannot be added up; 1,807 left."),
    ],
)
def test_the_bill_is_one_line_of_the_log(estimated, consumed, line):
    assert bill_of(result_of(outcome(consumed_credits=consumed), estimated)["credits"]) == line


def test_a_balance_that_is_not_known_is_not_named():
    credits = result_of(Outcome("p", "timeout", "too late"), (1.0, 2.0))["credits"]
    assert bill_of(credits) == "Credits: estimated 1 to 2; the service does not say what it charged."


@pytest.mark.parametrize(
    ("items", "charged"),
    [
        ([{"credits": 1}, {"credits": 2.5, "amount": 9}], 3.5),
        ([{"amount": 1}, {"amount": 2, "credits": 9}], 3),
        ([{"credits": 1}, {"amount": 2}], None),
        ([{"credits": 1}, {"credits": "2"}], None),
        ([{"credits": 1}, {"credits": True}], None),
        ([{"credits": 1}, 2], None),
        ([], None),
        ({"credits": 1}, None),
        (None, None),
    ],
)
def test_items_are_added_up_only_when_each_says_a_number_in_the_same_way(items, charged):
    assert charged_of(items) == charged
