"""One task, one movie, one charge: what the protocol does at every moment of death and for every entry it finds."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable
from itertools import count

import pytest

from airflow_provider_j2v.exceptions import (
    InvalidMovie,
    InvalidRequest,
    NotFound,
    OutOfCredits,
    RateLimited,
    SubmitAmbiguous,
    Unreachable,
)
from airflow_provider_j2v.renders.ledger import LedgerError, Superseded
from airflow_provider_j2v.renders.submit import Placed
from tests.unit.renders.conftest import ME, Died, Steps, World

Worlds = Callable[[], World]

LOST = [
    pytest.param({"kind": "reset"}, False, id="reset before it was taken"),
    pytest.param({"kind": "reset", "after": True}, True, id="reset after it was taken"),
    pytest.param({"kind": "status", "status": 504}, False, id="504, not taken"),
    pytest.param({"kind": "status", "status": 504, "after": True}, True, id="504, taken"),
    pytest.param({"kind": "status", "status": 502, "body": "<html>Bad gateway</html>"}, False, id="502 in HTML"),
    pytest.param({"kind": "hang"}, False, id="hangs, not taken"),
    pytest.param({"kind": "hang", "after": True}, True, id="hangs, taken"),
    pytest.param({"kind": "truncate", "after": True}, True, id="a truncated answer"),
    pytest.param({"kind": "body", "body": b"{}", "after": True}, True, id="a 2xx without project"),
    pytest.param({"kind": "body", "body": b"<html>", "after": True}, True, id="an unreadable 2xx"),
    pytest.param(
        {"kind": "status", "status": 400, "body": '{"message": "TypeError: x is not a function"}'},
        False,
        id="a leaked TypeError",
    ),
]


def test_a_first_try_submits_once_and_writes_it_down(world: Worlds) -> None:
    w = world()
    placed = w.try_()
    assert (placed.how, w.projects) == ("submitted", [placed.project])
    assert (w.entry.state, w.entry.project) == ("submitted", placed.project)


@pytest.mark.parametrize(("fault", "taken"), LOST)
def test_an_unanswered_post_is_looked_for_and_paid_once(world: Worlds, fault: dict, taken: bool) -> None:
    w = world()
    w.sandbox.faults.add("submit", **fault)
    placed = w.try_()
    assert placed.how == ("attached" if taken else "submitted")
    assert w.projects == [placed.project]


@pytest.mark.parametrize(("fault", "taken"), LOST)
def test_a_list_that_lags_less_than_adopt_wait_costs_nothing(world: Worlds, fault: dict, taken: bool) -> None:
    w = world()
    w.sandbox.variants.list_lag = 59
    w.sandbox.faults.add("submit", **fault)
    assert [w.try_().project] == w.projects


@pytest.mark.parametrize("hidden", ["client-data", "json"])
def test_the_tag_is_found_in_either_place_of_a_row(world: Worlds, hidden: str) -> None:
    w = world()
    w.sandbox.variants.rows_with_client_data = hidden != "client-data"
    w.sandbox.variants.rows_with_json = hidden != "json"
    w.sandbox.faults.add("submit", "reset", after=True)
    assert w.try_().how == "attached"
    assert w.paid == 1


def test_a_list_that_does_not_say_whether_it_goes_on_proves_nothing(world: Worlds) -> None:
    w = world()
    w.sandbox.faults.add("submit", "reset", after=True)
    w.sandbox.faults.add("list", "body", body=b'{"success": true, "movies": []}', times=None)
    with pytest.raises(SubmitAmbiguous, match="does not say whether it goes on"):
        w.try_()
    assert w.paid == 1


def test_a_refused_repeat_does_not_forget_the_unanswered_first_post(world: Worlds) -> None:
    w = world()
    w.sandbox.variants.list_lag = 200
    w.sandbox.faults.add("submit", "reset", after=True)
    w.sandbox.faults.add("submit", "status", status=400, body='{"message": "Insufficient credits"}')
    with pytest.raises(OutOfCredits):
        w.try_()
    w.clock.sleep(400)
    assert w.try_().how == "attached"
    assert w.paid == 1


def test_a_row_without_its_project_is_not_adopted(world: Worlds) -> None:
    w = world()
    w.try_()
    row = {"client-data": {"airflow": w.sandbox_stamp()}, "status": "running", "project": None}
    answer = json.dumps({"success": True, "movies": [row], "has_next": False})
    w.entry = None
    w.sandbox.faults.add("list", "body", body=answer.encode(), times=None)
    with pytest.raises(SubmitAmbiguous, match="without its project"):
        w.try_()
    assert w.paid == 1


def test_a_row_that_carries_neither_is_asked_for_singly(world: Worlds) -> None:
    w = world()
    w.sandbox.variants.rows_with_client_data = w.sandbox.variants.rows_with_json = False
    w.sandbox.faults.add("submit", "reset", after=True)
    assert w.try_().how == "attached"
    assert w.paid == 1


def every_step(world: Worlds) -> list[str]:
    steps = Steps()
    world().try_(steps=steps)
    return steps.seen


@pytest.mark.parametrize("lost", [None, {"kind": "reset"}, {"kind": "reset", "after": True}], ids=["", "lost", "taken"])
def test_death_at_any_moment_ends_in_one_paid_render(world: Worlds, lost: dict | None) -> None:
    for k in count():
        w, steps = world(), Steps(at=k, then=_die)
        if lost:
            w.sandbox.faults.add("submit", **lost)
        try:
            w.try_(steps=steps)
        except Died:
            placed = _next_tries(w)
            assert w.projects == [placed.project], f"killed {steps.seen[-1]}"
        else:
            assert k > 8, "the moments were not enumerated"
            return


def test_two_deaths_in_a_row_end_in_one_paid_render(world: Worlds) -> None:
    for k in range(len(every_step(world))):
        for again in range(6):
            w = world()
            for at in (k, again):
                try:
                    w.try_(steps=Steps(at=at, then=_die))
                except Died:
                    continue
            assert [w.try_().project] == w.projects


def test_a_frozen_worker_does_not_pay_after_its_successor(world: Worlds) -> None:
    for k in count():
        w = world()
        placed = []

        def next_try(w: World = w, placed: list = placed) -> None:
            w.clock.sleep(60)  # Airflow needs that long, or longer, to give a silent worker up
            placed.append(w.try_())

        steps = Steps(at=k, then=next_try)
        with contextlib.suppress(Superseded, SubmitAmbiguous):
            w.try_(steps=steps)
        if len(steps.seen) <= k:
            assert k > 8
            return
        assert w.projects == [placed[0].project], f"frozen {steps.seen[k]}"


def test_a_lookup_that_fails_forbids_the_post_and_the_next_try_looks_again(world: Worlds) -> None:
    w = world()
    w.sandbox.faults.add("submit", "reset", after=True)
    w.sandbox.faults.add("list", "status", status=503)
    with pytest.raises(SubmitAmbiguous, match=r"looking for it failed.*Nothing was submitted"):
        w.try_()
    assert w.paid == 1
    assert w.try_().project == w.projects[0]
    assert w.paid == 1


def test_a_list_without_an_end_is_a_lookup_that_failed(world: Worlds) -> None:
    w = world()
    for _ in range(210):  # more than two pages
        w.tries, w.entry = 0, None
        w.try_()
    w.tries, w.entry = 0, None
    w.sandbox.variants.repeated_token = True
    w.sandbox.faults.add("submit", "reset")
    with pytest.raises(SubmitAmbiguous, match="repeats a page token"):
        w.try_()


def test_the_post_is_repeated_at_most_once_a_try(world: Worlds) -> None:
    w = world()
    w.sandbox.faults.add("submit", "status", status=504, times=None)
    with pytest.raises(SubmitAmbiguous):
        w.try_()
    assert w.sandbox.journal.requests["submit"] == 2
    assert w.paid == 0


def test_nothing_is_resubmitted_before_submit_timeout_and_adopt_wait_are_over(world: Worlds) -> None:
    w = world()
    w.sandbox.faults.add("submit", "reset")
    began = w.clock.now
    w.try_()
    assert w.clock.now - began >= w.account.submit_timeout + w.account.adopt_wait


def test_a_rate_limit_is_waited_out_since_nothing_was_taken(world: Worlds) -> None:
    w = world()
    w.sandbox.faults.add("submit", "status", status=429, headers={"Retry-After": "7"}, times=3)
    began = w.clock.now
    assert w.try_().how == "submitted"
    assert (w.paid, w.clock.now - began) == (1, 21)


def test_a_rate_limit_is_waited_out_for_five_minutes_a_try(world: Worlds) -> None:
    w = world()
    w.sandbox.faults.add("submit", "status", status=429, headers={"Retry-After": "100"}, times=None)
    began = w.clock.now
    with pytest.raises(RateLimited):
        w.try_()
    assert w.clock.now - began <= 300
    w.sandbox.faults.clear()
    began = w.clock.now
    assert w.try_().how == "submitted"  # at once: it is known that nothing was taken
    assert w.clock.now == began


def test_a_refused_movie_costs_nothing_and_the_next_try_submits_at_once(world: Worlds) -> None:
    w = world()
    (account,) = w.sandbox.accounts
    account.credits, had = 0, account.credits
    try:
        with pytest.raises(OutOfCredits):
            w.try_()
    finally:
        account.credits = had
    began = w.clock.now
    assert w.try_().how == "submitted"
    assert (w.paid, w.clock.now) == (1, began)


def test_a_connection_that_was_never_made_is_tried_in_place(world: Worlds) -> None:
    w = world()
    w.account = type(w.account).build(host="127.0.0.1:9", schema=None, port=None, key="k", extra={})
    with pytest.raises(Unreachable, match="no byte"):
        w.try_()
    assert w.entry.outcome == "refused"


def test_a_movie_that_is_not_json_is_refused_before_anything_is_intended(world: Worlds) -> None:
    w = world()
    with pytest.raises(InvalidMovie):
        w.try_(movie={"scenes": [{"duration": float("nan")}]})
    assert (w.entry.state, w.sandbox.journal.requests["submit"]) == ("finished", 0)


def test_a_lease_that_expired_while_connecting_is_renewed_before_the_first_byte(world: Worlds) -> None:
    w = world()
    connected = every_step(world).index("connected for submit movie")
    w = world()
    steps = Steps(at=connected, then=lambda: w.clock.sleep(6))
    w.try_(steps=steps)
    assert steps.seen.count("after intent is written") == 2
    assert w.paid == 1


# What a try finds: the table of the design, row by row.


def test_a_retry_reattaches_to_a_submitted_render(world: Worlds) -> None:
    w = world()
    first = w.try_()
    again = w.try_()
    assert (again.project, again.how, w.paid) == (first.project, "attached", 1)


def test_a_retry_with_a_changed_input_reattaches_and_warns(world: Worlds, caplog: pytest.LogCaptureFixture) -> None:
    w = world()
    first = w.try_()
    with caplog.at_level(logging.WARNING):
        assert w.try_(fingerprint="changed").project == first.project
    assert "input of this task has changed" in caplog.text
    assert w.paid == 1


def test_a_clear_with_the_same_input_reattaches_to_a_running_render(world: Worlds) -> None:
    w = world()
    first = w.try_()
    w.clear()
    assert w.try_().project == first.project
    assert w.paid == 1


def test_a_clear_with_a_changed_input_gives_the_old_render_up_aloud(
    world: Worlds, caplog: pytest.LogCaptureFixture
) -> None:
    w = world()
    first = w.try_()
    w.clear()
    with caplog.at_level(logging.WARNING):
        second = w.try_(fingerprint="changed")
    assert second.project != first.project
    assert first.project in caplog.text
    assert "given up" in caplog.text


def test_a_clear_leaves_a_render_that_never_ends(world: Worlds) -> None:
    w = world()
    w.sandbox.variants.never_finish = True
    first = w.try_()
    w.clock.sleep(31 * 60)
    w.clear()
    assert w.try_().project != first.project


def test_a_retry_after_success_returns_the_paid_movie(world: Worlds) -> None:
    w = world()
    first = w.try_()
    w.clock.sleep(60)
    w.finish(first)
    again = w.try_()
    assert (again.project, again.how, again.movie.status, w.paid) == (first.project, "finished", "done", 1)


def test_a_retry_after_success_whose_file_is_gone_fails_and_says_so(world: Worlds) -> None:
    w = world()
    first = w.try_()
    w.clock.sleep(60)
    w.finish(first)
    w.clock.sleep(8 * 86_400)
    with pytest.raises(NotFound, match=rf"{first.project}.*paid for.*file is gone.*clear the task"):
        w.try_()
    assert w.paid == 1


@pytest.mark.parametrize("outcome", ["done", "error"])
def test_a_clear_after_the_end_renders_anew(world: Worlds, outcome: str) -> None:
    w = world()
    first = w.try_()
    w.clock.sleep(60)
    w.finish(first, outcome)
    w.clear()
    assert w.try_().project != first.project
    assert w.paid == 2


def test_a_clear_of_a_render_whose_file_is_gone_renders_anew(world: Worlds) -> None:
    w = world()
    first = w.try_()
    w.clock.sleep(8 * 86_400)
    w.clear()
    assert w.try_().project != first.project


@pytest.mark.parametrize(("waits", "paid"), [(True, 1), (False, 2)])
def test_a_clear_of_a_task_that_only_submits_renders_anew_once_the_render_has_ended(
    world: Worlds, waits: bool, paid: int
) -> None:
    w = world()
    w.try_(waits=waits)
    w.clock.sleep(60)
    w.clear()
    w.try_(waits=waits)
    assert w.paid == paid


def test_a_clear_is_seen_when_only_the_retries_changed(world: Worlds) -> None:
    w = world()
    w.max_tries = w.retries = 0
    first = w.try_()
    w.clock.sleep(60)
    w.finish(first)
    w.retries = 1  # a clear sets max_tries to try_number + retries, which may be what it was
    assert w.try_().project != first.project


def test_a_retry_after_a_failed_render_is_a_new_render(world: Worlds) -> None:
    w = world()
    w.finish(first := w.try_(), "error")
    assert w.try_().project != first.project
    assert w.paid == 2


def test_the_entry_of_another_project_is_not_finished(world: Worlds) -> None:
    w = world()
    placed = w.try_()
    stranger = type(placed)(project="another", how="submitted")
    w.finish(stranger)
    assert (w.entry.state, w.entry.project) == ("submitted", placed.project)


@pytest.mark.parametrize("later", [0, 31 * 60])
@pytest.mark.parametrize("unanswered", [False, True])
def test_a_clear_that_re_attached_does_not_make_the_retries_after_it_pay_again(
    world: Worlds, later: float, unanswered: bool
) -> None:
    answered = every_step(world).index("after submit movie")
    w = world()
    w.sandbox.variants.never_finish = True
    if unanswered:
        with pytest.raises(Died):
            w.try_(steps=Steps(at=answered, then=_die))
    else:
        w.try_()
    w.clear()
    first = w.try_()
    w.clock.sleep(later)
    assert w.try_(fingerprint="written anew").project == first.project
    assert w.paid == 1


def test_a_post_at_the_end_of_its_lease_is_found_after_adopt_wait(world: Worlds) -> None:
    connected = every_step(world).index("connected for submit movie")
    w = world()
    w.sandbox.variants.list_lag = 60
    w.sandbox.faults.add("submit", "reset", after=True)
    assert w.try_(steps=Steps(at=connected, then=lambda: w.clock.sleep(4.9))).how == "attached"
    assert w.paid == 1


def test_without_a_store_a_try_that_stood_still_sends_nothing(world: Worlds) -> None:
    connected = every_step(world).index("connected for submit movie")
    w = world()
    w.fences = False
    with pytest.raises(LedgerError, match="stood still"):
        w.try_(steps=Steps(at=connected, then=lambda: w.clock.sleep(60)))
    assert w.paid == 0


# A lost ledger: the service itself is the record.


@pytest.mark.parametrize("ended", [False, True], ids=["running", "done"])
def test_a_lost_entry_is_found_by_identity(world: Worlds, ended: bool) -> None:
    w = world()
    first = w.try_()
    if ended:
        w.clock.sleep(60)
    w.entry = None
    again = w.try_()
    assert (again.project, w.paid) == (first.project, 1)
    assert w.entry.project == first.project


def test_a_lost_entry_of_a_cleared_task_renders_anew(world: Worlds) -> None:
    w = world()
    first = w.try_()
    w.clock.sleep(60)
    w.entry = None
    w.clear()
    assert w.try_().project != first.project


def test_a_lost_entry_and_a_changed_input_do_not_make_a_retry_pay_again(
    world: Worlds, caplog: pytest.LogCaptureFixture
) -> None:
    w = world()
    first = w.try_()
    w.entry = None
    assert w.try_(fingerprint="changed").project == first.project
    assert "input of this task has changed" in caplog.text
    w.entry = None
    w.clear()
    assert w.try_(fingerprint="changed again").project != first.project


def test_another_mapped_instance_is_not_taken_for_this_one(world: Worlds) -> None:
    w = world()
    mine = w.try_()
    w.entry = None
    other = type(ME)(ME.namespace, ME.dag_id, ME.run_id, ME.task_id, 7)
    placed = w.try_(identity=other, max_tries=2, retries=2, first_try=False, run_after=w.clock(), fingerprint="f")
    assert placed.project != mine.project


def test_a_wrong_template_is_refused_without_a_charge(world: Worlds) -> None:
    w = world()
    with pytest.raises((NotFound, InvalidRequest)):
        w.try_(movie={"template": "nosuchtemplate000000"})
    assert w.paid == 0


def _die() -> None:
    raise Died


def _next_tries(w: World) -> Placed:
    """What Airflow does: try again after a loud error, here twice at the most."""
    try:
        return w.try_()
    except SubmitAmbiguous:
        return w.try_()
