"""Who may call, and what the service's misleading codes really mean."""

from __future__ import annotations

import pytest

from airflow_provider_j2v.api.calls import delete_movie, get_movie, list_movies, submit_movie
from airflow_provider_j2v.exceptions import (
    ApiError,
    AuthenticationError,
    InvalidRequest,
    OutOfCredits,
    PermissionDenied,
    RateLimited,
)

QUOTA = "You exceeded the quota of {} in your plan. Please upgrade your plan to continue."


def test_a_bad_key_is_an_authentication_error(driver):
    with pytest.raises(AuthenticationError, match="Password field") as raised:
        driver.with_account(key="no-such-key").send(list_movies(limit=1))
    assert "no-such-key" not in str(raised.value)


@pytest.mark.parametrize(
    ("status", "kind"), [(400, AuthenticationError), (401, AuthenticationError), (403, PermissionDenied)]
)
@pytest.mark.parametrize("call", [list_movies(), get_movie("x" * 16), delete_movie("x" * 16), submit_movie({"a": 1})])
def test_a_bad_key_is_final_in_every_documented_spelling(driver, sandbox, status, kind, call):
    sandbox.variants.bad_key_status = status
    with pytest.raises(kind):
        driver.with_account(key="no-such-key").send(call)
    assert not driver.pauses


@pytest.mark.parametrize("what", ["movies", "drafts"])
def test_a_quota_401_is_out_of_credits_not_a_bad_key(send, sandbox, what):
    body = {"success": False, "message": QUOTA.format(what)}
    sandbox.faults.add(on="list", kind="status", status=401, body=body)
    with pytest.raises(OutOfCredits, match="exceeded the quota") as raised:
        send(list_movies())
    assert "key" not in str(raised.value)


def test_a_role_that_may_not_is_told_so(send, sandbox):
    sandbox.accounts[0].role = "viewer"
    with pytest.raises(PermissionDenied, match="Insufficient permissions"):
        send(list_movies())


def test_a_suspended_account_is_not_a_bad_key(send, sandbox, movie):
    sandbox.accounts[0].suspended = True
    with pytest.raises(PermissionDenied, match="account_suspended"):
        send(submit_movie(movie))


def test_the_gateways_word_for_a_wrong_address_does_not_blame_the_key(driver, sandbox):
    wrong = driver.with_account(base_url=f"{sandbox.url}/elsewhere")
    with pytest.raises(InvalidRequest, match="Missing Authentication Token"):
        wrong.send(list_movies())


@pytest.mark.parametrize("status", [400, 402, 404, 405, 409, 410, 413, 418, 422])
def test_a_clear_refusal_is_not_repeated(driver, sandbox, status):
    fault = sandbox.faults.add(on="list", kind="status", status=status, body={"message": "no"}, times=None)
    with pytest.raises(ApiError, match="no"):
        driver.send(list_movies())
    assert fault.hits == 1


def test_a_success_that_says_it_is_none_is_an_error(driver, sandbox):
    body = {"success": False, "message": "Insufficient credits"}
    sandbox.faults.add(on="list", kind="status", status=200, body=body)
    with pytest.raises(OutOfCredits):
        driver.send(list_movies())


def test_a_message_cannot_forge_lines_colours_or_directions(send, sandbox):
    message = "first\nsecond\x1b[31mred\u202etfel\x00" + "x" * 5000
    sandbox.faults.add(on="list", kind="status", status=400, body={"message": message})
    with pytest.raises(InvalidRequest) as raised:
        send(list_movies())
    shown = str(raised.value)
    assert shown.startswith(r"first second\x1b[31mred\x202etfel\x00xxx")
    assert len(shown) < 600
    assert shown.isprintable()


# Rate limits.


def test_a_short_rate_limit_is_waited_out(driver, sandbox):
    sandbox.faults.add(on="list", kind="status", status=429, headers={"Retry-After": "7"})
    assert driver.send(list_movies()).movies == []
    (pause,) = driver.pauses
    assert 7 <= pause <= 8


def test_a_long_rate_limit_is_left_to_the_caller(driver, sandbox):
    fault = sandbox.faults.add(on="list", kind="status", status=429, headers={"Retry-After": "90"}, times=None)
    with pytest.raises(RateLimited) as raised:
        driver.send(list_movies())
    assert raised.value.retry_after == 90
    assert (fault.hits, driver.pauses) == (1, [])


@pytest.mark.parametrize("header", [{}, {"Retry-After": "soon"}])
def test_a_rate_limit_without_a_usable_time_is_repeated_up_to_the_limit(driver, sandbox, header):
    fault = sandbox.faults.add(on="list", kind="status", status=429, headers=header, times=None)
    with pytest.raises(RateLimited) as raised:
        driver.send(list_movies())
    assert raised.value.retry_after is None
    assert fault.hits == 3
