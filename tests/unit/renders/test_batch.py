"""One row, one movie, one charge: what a batch does at every moment of death and for every entry it finds."""

from __future__ import annotations

import contextlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.client import Client
from airflow_provider_j2v.exceptions import (
    BudgetExceeded,
    InvalidMovie,
    JSON2VideoError,
    MovieError,
    OutOfCredits,
    RateLimited,
    SubmitAmbiguous,
    Unreachable,
    UnresolvedConnection,
)
from airflow_provider_j2v.renders import rows as rows_module
from airflow_provider_j2v.renders.batch import Batch, BatchOrder
from airflow_provider_j2v.renders.identity import fingerprint
from airflow_provider_j2v.renders.ledger import LedgerError, Superseded
from airflow_provider_j2v.renders.rows import HEAD, WAVE, Book, Head, Row, RowEntry, portions, read_head
from airflow_provider_j2v.renders.spending import PORTION
from airflow_provider_j2v.sandbox import Sandbox
from tests.unit.renders.conftest import ME, Died, FakeClock, Steps, World, _Client

ROWS = 3


class Documents:
    """As the task state store: JSON values, and a try that was replaced can write no more."""

    def __init__(self, world: BatchWorld, number: int, steps: Steps) -> None:
        self._world, self._number, self._steps = world, number, steps
        self.fences = world.fences

    def _owned(self, what: str) -> None:
        self._steps(what)
        if self.fences and self._number != self._world.tries:
            raise Superseded("a newer try owns the task instance")

    def get(self, name: str) -> Any:
        self._owned(f"before {name} is read")
        return json.loads(self._world.store[name]) if name in self._world.store else None

    def set(self, name: str, value: Any) -> None:
        self._owned(f"before {name} is written")
        self._world.store[name] = json.dumps(value)
        self._steps(f"after {name} is written")


class BatchWorld:
    """One batch task, the service, and what survives between tries."""

    def __init__(self, sandbox: Sandbox, clock: FakeClock) -> None:
        self.sandbox, self.clock = sandbox, clock
        self.account = Account.build(
            host=sandbox.url, schema=None, port=None, key="sandbox", extra={"submit_timeout": 1, "adopt_wait": 60}
        )
        self.store: dict[str, str] = {}
        self.fences = True
        self.tries = 0
        self.max_tries = self.retries = 2
        self.most = 50
        self.items = [{"key": f"k{i}", "seconds": 2} for i in range(ROWS)]
        self.home: set[str] = set()
        self.checked: list[list[str]] = []
        self.refuse: Exception | None = None
        self.prepared: Exception | None = None
        self.common: Exception | None = None
        self.steps = Steps()

    def try_(self, steps: Steps | None = None, ends: bool = True) -> Batch:
        """One try: opened, and driven to the end of all rows (or up to its first wait)."""
        self.tries += 1
        batch = self._batch(steps or Steps())
        batch.open()
        return self.drive(batch) if ends else self.go_on(batch)

    def resume(
        self,
        steps: Steps | None = None,
        last_post: float | None = None,
        refused: str | None = None,
        ends: bool = True,
    ) -> Batch:
        """The same try after a wait."""
        batch = self._batch(steps or Steps())
        batch.resume(last_post, refused)
        return self.drive(batch) if ends else self.go_on(batch)

    def go_on(self, batch: Batch) -> Batch:
        batch.spender.go_on(self.most, self.may_spend)
        return batch

    def may_spend(self) -> bool:
        return True

    def drive(self, batch: Batch) -> Batch:
        for _ in range(100):
            self.go_on(batch)
            if not batch.in_flight:
                return batch
            self.steps("waiting")
            self.clock.sleep(10)
            batch.take(batch.in_flight)
        raise AssertionError("never ends")

    def _batch(self, steps: Steps) -> Batch:
        self.steps = steps
        client = _Client(Client(self.account, attempts=1, sleep=self.clock.sleep), steps)
        order = BatchOrder(
            read=self.read,
            fingerprint=lambda row: fingerprint(movie=self.movie(row))[:16],
            check=self.check,
            prepare=self.prepare,
            are_home=lambda pairs: [row.name in self.home for row, _ in pairs],
            common=self.mark,
            identity=ME,
            max_tries=self.max_tries,
            retries=self.retries,
            first_try=self.tries == 1,
            run_after=self.clock() - timedelta(minutes=1),
        )
        documents = Documents(self, self.tries, steps)
        one_by_one = lambda work, items: [work(item) for item in items]  # noqa: E731
        return Batch(client, documents, order, clock=self.clock, sleep=self.clock.sleep, many=one_by_one)

    def read(self) -> list[Row]:
        return [Row(i, item["key"], item) for i, item in enumerate(self.items)]

    def movie(self, row: Row) -> dict[str, Any]:
        return {"resolution": "sd", "scenes": [{"duration": row.fields["seconds"]}], **row.fields.get("more", {})}

    def prepare(self, row: Row) -> dict[str, Any]:
        if self.prepared:
            raise self.prepared
        return self.movie(row)

    def check(self, rows: Sequence[Row], new: Sequence[int]) -> list[tuple[float, float] | None]:
        self.checked.append([rows[i].name for i in new])
        if self.refuse:
            raise self.refuse
        return [(2.0, 2.0)] * len(new)

    def mark(self) -> str:
        if self.common:
            raise self.common
        return ""

    def clear(self) -> None:
        self.max_tries = self.tries + self.retries

    @property
    def paid(self) -> Counter[str]:
        """Paid renders by row."""
        stamps = [json.loads(m.submitted)["client-data"]["airflow"] for m in self.sandbox.movies.values()]
        return Counter(stamp["row"] for stamp in stamps)

    @property
    def once(self) -> Counter[str]:
        return Counter(item["key"] for item in self.items)


Worlds = Callable[[], BatchWorld]


@pytest.fixture
def batch(world: Callable[[], World]) -> Worlds:
    def make() -> BatchWorld:
        plain = world()
        return BatchWorld(plain.sandbox, plain.clock)

    return make


@pytest.fixture
def small_waves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "WAVE", 2)
    monkeypatch.setattr(rows_module, "PIECE", 40)


def outcomes(batch: Batch) -> list[str | None]:
    return [entry.outcome for entry in batch.book.entries]


def die() -> None:
    raise Died


BROKEN = {"scenes": [{"duration": 1, "elements": [{"type": "text"}]}]}

# What a first try does.


def test_each_row_is_rendered_once_and_written_down(batch: Worlds) -> None:
    w = batch()
    done = w.try_()
    assert outcomes(done) == ["done"] * ROWS
    assert w.paid == w.once
    assert all(e.url and e.duration == 2 and e.estimated == (2, 2) for e in done.book.entries)


def test_rows_are_looked_at_all_at_once_before_the_first_post(batch: Worlds) -> None:
    w = batch()
    w.refuse = BudgetExceeded("too dear")
    with pytest.raises(BudgetExceeded):
        w.try_()
    assert (w.checked, w.sandbox.journal.requests["submit"]) == ([["k0", "k1", "k2"]], 0)
    w.refuse = None
    w.try_()
    assert w.paid == w.once


def test_no_more_are_in_flight_than_allowed(batch: Worlds) -> None:
    w = batch()
    w.items = [{"key": f"k{i}", "seconds": 1} for i in range(10)]
    w.most = 4
    b = w.try_(ends=False)
    assert (len(b.in_flight), len(w.paid)) == (4, 4)
    w.drive(b)
    assert w.paid == w.once


def test_an_empty_batch_ends_at_once(batch: Worlds) -> None:
    w = batch()
    w.items = []
    assert outcomes(w.try_()) == []


def test_the_record_is_written_by_portions_not_by_rows(batch: Worlds) -> None:
    w, steps = batch(), Steps()
    w.items = [{"key": f"k{i}", "seconds": 1} for i in range(2 * PORTION)]
    w.try_(steps=steps, ends=False)
    assert sum(step.startswith("after json2video.rows") for step in steps.seen) == 1 + 2 * 2


def test_large_rows_are_kept_in_pieces_below_what_the_store_warns_of(batch: Worlds) -> None:
    w = batch()
    w.items = [{"key": f"k{i}", "seconds": 1, "noise": fingerprint(n=i) * 20} for i in range(400)]
    w.refuse = None
    w.most = 0
    w.try_(ends=False)
    assert max(map(len, w.store.values())) < 64 * 1024
    assert len([name for name in w.store if "rows" in name]) == 2
    again = w.try_(ends=False)
    assert [row.fields for row in again.book.rows] == w.items


# Death, freezes and unanswered POSTs.


def every_step(batch: Worlds) -> list[str]:
    steps = Steps()
    batch().try_(steps=steps)
    return steps.seen


@pytest.mark.parametrize("lost", [None, {"kind": "reset"}, {"kind": "reset", "after": True}], ids=["", "lost", "taken"])
@pytest.mark.usefixtures("small_waves")
def test_death_at_any_moment_ends_in_one_paid_render_for_each_row(batch: Worlds, lost: dict | None) -> None:
    for k in count():
        w, steps = batch(), Steps(at=k, then=die)
        if lost:
            w.sandbox.faults.add("submit", skip=1, **lost)
        try:
            w.try_(steps=steps)
        except Died:
            done = w.try_()
            assert w.paid == w.once, f"killed {steps.seen[-1]}"
            assert outcomes(done) == ["done"] * ROWS
        else:
            assert k > 30, "the moments were not enumerated"
            return


@pytest.mark.usefixtures("small_waves")
def test_a_store_that_fails_at_any_moment_ends_in_one_paid_render_for_each_row(batch: Worlds) -> None:
    def fail() -> None:
        raise LedgerError("the store is down")

    for k in (i for i, step in enumerate(every_step(batch)) if "json2video." in step):
        w = batch()
        with pytest.raises(LedgerError):
            w.try_(steps=Steps(at=k, then=fail))
        done = w.try_()
        assert w.paid == w.once
        assert outcomes(done) == ["done"] * ROWS


@pytest.mark.usefixtures("small_waves")
def test_two_deaths_in_a_row_end_in_one_paid_render_for_each_row(batch: Worlds) -> None:
    for k in range(0, len(every_step(batch)), 2):
        for again in (3, 9, 14):
            w = batch()
            for at in (k, again):
                try:
                    w.try_(steps=Steps(at=at, then=die))
                except Died:
                    continue
            w.try_()
            assert w.paid == w.once


@pytest.mark.usefixtures("small_waves")
def test_a_frozen_worker_does_not_pay_after_its_successor(batch: Worlds) -> None:
    for k in count():
        w = batch()

        def next_try(w: BatchWorld = w) -> None:
            w.clock.sleep(60)
            w.try_()

        steps = Steps(at=k, then=next_try)
        with contextlib.suppress(Superseded, SubmitAmbiguous):
            w.try_(steps=steps)
        if len(steps.seen) <= k:
            assert k > 30
            return
        assert w.paid == w.once, f"frozen {steps.seen[k]}"


@pytest.mark.parametrize("taken", [False, True])
def test_a_portion_without_answers_is_looked_for_at_once_and_paid_once(batch: Worlds, taken: bool) -> None:
    w, steps = batch(), Steps()
    w.sandbox.faults.add("submit", "status", status=504, after=taken, times=ROWS)
    w.try_(steps=steps)
    assert w.paid == w.once
    assert steps.seen.count("before list movies") <= 3


def test_unclear_rows_wait_for_the_list_while_others_render(batch: Worlds) -> None:
    w = batch()
    w.sandbox.variants.list_lag = 59
    w.sandbox.faults.add("submit", "reset", after=True)
    began = w.clock.now
    b = w.try_(ends=False)
    assert (w.clock.now, len(b.in_flight), len(b.spender.unclear)) == (began, ROWS - 1, 1)
    w.drive(b)
    assert w.paid == w.once


def test_nothing_is_sent_again_before_the_list_must_show_it(batch: Worlds) -> None:
    w = batch()
    w.sandbox.faults.add("submit", "reset")
    began = w.clock.now
    w.try_()
    assert w.clock.now - began >= w.account.submit_timeout + w.account.adopt_wait
    assert w.paid == w.once


def test_a_row_is_sent_at_most_twice_a_try(batch: Worlds) -> None:
    w = batch()
    w.items = w.items[:1]
    w.sandbox.faults.add("submit", "status", status=504, times=None)
    b = w.try_()
    assert w.sandbox.journal.requests["submit"] == 2
    assert b.spender.unclear == [0]
    w.sandbox.faults.clear()
    w.try_()
    assert w.paid == w.once


def test_a_lookup_that_fails_spends_nothing_more(batch: Worlds) -> None:
    w = batch()
    w.sandbox.faults.add("submit", "reset", after=True)
    w.sandbox.faults.add("list", "status", status=503, times=None)
    with pytest.raises(SubmitAmbiguous, match=r"looking for them failed.*Nothing more was submitted"):
        w.try_()
    assert sum(w.paid.values()) == ROWS
    w.sandbox.faults.clear()
    w.try_()
    assert w.paid == w.once


def test_a_refused_repeat_does_not_forget_the_unanswered_first_post(batch: Worlds) -> None:
    w = batch()
    w.items = w.items[:1]
    w.sandbox.variants.list_lag = 200
    w.sandbox.faults.add("submit", "reset", after=True)
    w.sandbox.faults.add("submit", "status", status=400, body='{"message": "Nonsense"}')
    b = w.try_()
    assert b.spender.unclear == [0]
    w.clock.sleep(400)
    w.try_()
    assert w.paid == w.once


def test_a_lease_that_expired_is_renewed_before_the_first_byte(batch: Worlds) -> None:
    connected = every_step(batch).index("connected for submit movie")
    w = batch()
    w.try_(steps=Steps(at=connected, then=lambda: w.clock.sleep(6)))
    assert w.paid == w.once


def test_a_store_that_is_slower_than_the_lease_lets_nothing_be_paid(
    batch: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    w = batch()
    write = Documents.set

    def slowly(self: Documents, name: str, value: Any) -> None:
        write(self, name, value)
        w.clock.sleep(6)

    monkeypatch.setattr(Documents, "set", slowly)
    b = w.try_()
    assert isinstance(b.halted, Unreachable)
    assert sum(w.paid.values()) == 0
    monkeypatch.undo()
    assert outcomes(w.try_()) == ["done"] * ROWS


# Refusals.


def test_a_refused_row_costs_nothing_and_is_final(batch: Worlds) -> None:
    w = batch()
    w.sandbox.faults.add("submit", "status", status=400, body='{"message": "No such thing"}')
    assert outcomes(w.try_()) == ["refused", "done", "done"]
    again = w.try_()
    assert outcomes(again) == ["refused", "done", "done"]
    assert "No such thing" in str(again.book.entries[0].error)
    assert sum(w.paid.values()) == ROWS - 1


def test_refused_rows_make_room_for_the_next_ones(batch: Worlds) -> None:
    w = batch()
    w.most = 1
    w.sandbox.faults.add("submit", "status", times=2, status=400, body='{"message": "No such thing"}')
    assert outcomes(w.try_()) == ["refused", "refused", "done"]
    assert sum(w.paid.values()) == 1


def test_a_row_that_the_service_never_answers_keeps_no_other_one_waiting(batch: Worlds) -> None:
    w = batch()
    w.most = 1
    w.sandbox.faults.add("submit", "status", times=2, status=500, body='{"message": "Boom"}')
    b = w.try_()
    assert outcomes(b) == [None, "done", "done"]
    assert (b.spender.unclear, b.spender.awaited, b.in_flight) == ([0], [], [])
    assert outcomes(w.try_()) == ["done"] * ROWS
    assert w.paid == w.once


def test_an_empty_account_stops_the_submitting_and_not_the_rest(batch: Worlds) -> None:
    w = batch()
    w.sandbox.faults.add("submit", "status", skip=1, times=None, status=401, body='{"message": "Insufficient credits"}')
    b = w.try_()
    assert isinstance(b.halted, OutOfCredits)
    assert outcomes(b) == ["done", None, None]
    w.sandbox.faults.clear()
    began = w.clock.now
    w.try_(ends=False)
    assert w.clock.now == began, "what is known not to be taken is not looked for"
    w.try_()
    assert w.paid == w.once


def test_a_row_that_cannot_be_prepared_stops_the_submitting(batch: Worlds) -> None:
    w = batch()
    w.prepared = UnresolvedConnection("gone")
    b = w.try_()
    assert b.halted is w.prepared
    assert not w.paid


def test_a_rate_limit_is_waited_out_since_nothing_was_taken(batch: Worlds) -> None:
    w = batch()
    w.sandbox.faults.add("submit", "status", status=429, headers={"Retry-After": "7"}, times=4)
    began = w.clock.now
    w.try_(ends=False)
    assert w.clock.now - began == 14
    assert w.paid == w.once


def test_a_rate_limit_is_waited_out_for_five_minutes(batch: Worlds) -> None:
    w = batch()
    w.sandbox.faults.add("submit", "status", status=429, headers={"Retry-After": "100"}, times=None)
    began = w.clock.now
    b = w.try_()
    assert isinstance(b.halted, RateLimited)
    assert w.clock.now - began <= 300
    w.sandbox.faults.clear()
    w.try_()
    assert w.paid == w.once


def test_a_service_that_cannot_be_reached_is_tried_in_place(batch: Worlds) -> None:
    w = batch()
    w.account = Account.build(host="127.0.0.1:9", schema=None, port=None, key="k", extra={})
    b = w.try_()
    assert isinstance(b.halted, Unreachable)
    assert [entry.state for entry in b.book.entries] == ["waiting"] * ROWS


def test_submitting_stops_when_it_may_not_go_on(batch: Worlds) -> None:
    w = batch()
    w.items = [{"key": f"k{i}", "seconds": 1} for i in range(40)]
    w.may_spend = lambda: len(w.paid) < 10
    w.try_(ends=False)
    assert len(w.paid) == PORTION


# Airflow's own retry.


def test_a_row_that_ended_in_an_error_is_final_for_a_retry(batch: Worlds) -> None:
    w = batch()
    w.items[1]["more"] = BROKEN
    assert outcomes(w.try_()) == ["done", "error", "done"]
    assert outcomes(w.try_()) == ["done", "error", "done"]
    assert w.paid == w.once


def test_a_retry_renders_the_rows_of_the_first_try(batch: Worlds) -> None:
    at = every_step(batch).index("after submit movie")
    w = batch()
    with pytest.raises(Died):
        w.try_(steps=Steps(at=at, then=die))
    first = [dict(item) for item in w.items]
    w.items = [{"key": "another", "seconds": 5}]
    done = w.try_()
    assert [row.fields for row in done.book.rows] == first
    assert w.paid == Counter(item["key"] for item in first)


def test_only_what_is_still_to_be_paid_is_priced_by_a_retry(batch: Worlds) -> None:
    w = batch()
    w.most = 2
    w.try_(ends=False)
    w.try_()
    assert w.checked == [["k0", "k1", "k2"], ["k2"]]


@pytest.mark.parametrize("error", [BudgetExceeded("too dear"), InvalidMovie("wrong")])
def test_a_retry_that_may_pay_nothing_more_sees_what_is_paid_to_its_end(batch: Worlds, error: MovieError) -> None:
    w = batch()
    w.most = 2
    w.try_(ends=False)
    w.refuse = error
    b = w.try_()
    assert outcomes(b) == ["done", "done", None]
    assert b.halted is error
    assert sum(w.paid.values()) == 2
    w.refuse = None
    assert outcomes(w.try_()) == ["done"] * ROWS
    assert w.paid == w.once


def test_what_a_retry_may_not_pay_its_resume_does_not_pay_either(batch: Worlds) -> None:
    w = batch()
    w.most = 2
    w.try_(ends=False)
    w.refuse = BudgetExceeded("too dear")
    refused = w.try_(ends=False).spender.refused
    w.clock.sleep(60)
    b = w.resume(refused=str(refused), ends=False)
    b.take(b.in_flight)
    assert outcomes(w.drive(b)) == ["done", "done", None]
    assert (sum(w.paid.values()), str(b.halted)) == (2, "too dear")


@pytest.mark.parametrize("taken", [True, False])
def test_a_retry_that_may_pay_nothing_more_looks_for_what_went_unanswered(batch: Worlds, taken: bool) -> None:
    w = batch()
    w.sandbox.faults.add("submit", "reset", after=taken, times=None)
    w.sandbox.faults.add("list", "status", status=503, times=None)
    with pytest.raises(SubmitAmbiguous):
        w.try_()
    w.sandbox.faults.clear()
    w.refuse = BudgetExceeded("too dear")
    b = w.try_()
    assert outcomes(b) == ["done" if taken else None] * ROWS
    assert sum(w.paid.values()) == ROWS * taken


def test_without_a_movie_a_retry_needs_none_when_every_row_is_submitted(batch: Worlds) -> None:
    w = batch()
    w.try_(ends=False)
    w.common = InvalidMovie("There is no movie file.")
    b = w.try_()
    assert outcomes(b) == ["done"] * ROWS
    assert b.halted is None


def test_a_record_that_is_not_whole_spends_nothing(batch: Worlds) -> None:
    w = batch()
    w.try_(ends=False)
    del w.store["json2video.rows-1-0"]
    with pytest.raises(LedgerError, match="nothing is submitted without it"):
        w.try_()
    assert w.paid == w.once


# A person's clear.


def test_a_clear_pays_only_for_what_has_changed(batch: Worlds) -> None:
    w = batch()
    w.items = [{"key": f"k{i}", "seconds": 1} for i in range(20)]
    w.try_()
    for i in (3, 7, 19):
        w.items[i]["seconds"] = 2
    w.items = [*w.items, {"key": "new", "seconds": 1}]
    w.clear()
    done = w.try_()
    assert outcomes(done) == ["done"] * 21
    assert w.paid - w.once == Counter(["k3", "k7", "k19"])
    assert w.checked[-1] == ["k3", "k7", "k19", "new"]


def test_the_retry_after_a_clear_pays_for_nothing_more(batch: Worlds) -> None:
    w = batch()
    w.try_()
    w.items[0]["seconds"] = 3
    w.clear()
    w.try_()
    w.try_()
    assert sum(w.paid.values()) == ROWS + 1


@pytest.mark.usefixtures("small_waves")
def test_death_at_any_moment_of_a_cleared_try_pays_for_each_change_once(batch: Worlds) -> None:
    for k in count():
        w, steps = batch(), Steps(at=k, then=die)
        w.items[0]["more"] = BROKEN
        w.try_()
        w.items[0].pop("more")
        w.items[1]["seconds"] = 3
        w.clear()
        try:
            w.try_(steps=steps)
        except Died:
            w.try_()
            assert w.paid == w.once + Counter(["k0", "k1"]), f"killed {steps.seen[-1]}"
        else:
            assert k > 30
            return


def test_a_clear_renders_failed_and_refused_rows_anew(batch: Worlds) -> None:
    w = batch()
    w.items[1]["more"] = BROKEN
    w.sandbox.faults.add("submit", "status", status=400, body='{"message": "No such thing"}')
    w.try_()
    del w.items[1]["more"]
    w.clear()
    assert outcomes(w.try_()) == ["done"] * ROWS
    assert w.paid == w.once + Counter(["k1"])


def test_a_clear_re_attaches_to_what_is_running_and_gives_changed_rows_up_aloud(
    batch: Worlds, caplog: pytest.LogCaptureFixture
) -> None:
    w = batch()
    first = w.try_(ends=False).in_flight
    w.items[1]["seconds"] = 3
    del w.items[2]
    w.clear()
    with caplog.at_level(logging.WARNING):
        second = w.try_(ends=False).in_flight
    assert (second[0], len(second)) == (first[0], 2)
    assert f"Row k1: project {first[1]} is given up because it has changed; it goes on" in caplog.text
    assert f"Row k2: project {first[2]} is given up because it is not among the items any more" in caplog.text


def test_a_clear_that_is_refused_gives_nothing_up(batch: Worlds, caplog: pytest.LogCaptureFixture) -> None:
    w = batch()
    w.try_(ends=False)
    w.items[1]["seconds"] = 3
    w.clear()
    w.refuse = InvalidMovie("wrong")
    with pytest.raises(InvalidMovie):
        w.try_()
    assert "given up" not in caplog.text
    w.items[1]["seconds"], w.refuse = 2, None
    w.try_()
    assert w.paid == w.once


@pytest.mark.parametrize("at_home", [False, True])
def test_a_clear_renders_what_is_gone_everywhere(batch: Worlds, at_home: bool) -> None:
    w = batch()
    w.try_()
    w.clock.sleep(8 * 86_400)
    w.home = {"k0", "k1", "k2"} if at_home else {"k1"}
    w.clear()
    w.try_()
    assert w.paid == w.once + Counter([] if at_home else ["k0", "k2"])


def test_a_clear_leaves_a_render_that_never_ends(batch: Worlds) -> None:
    w = batch()
    w.sandbox.variants.never_finish = True
    w.try_(ends=False)
    w.clock.sleep(31 * 60)
    w.clear()
    w.try_(ends=False)
    assert sum(w.paid.values()) == 2 * ROWS


@pytest.mark.parametrize("taken", [False, True])
def test_a_clear_finds_out_about_unanswered_posts_first(batch: Worlds, taken: bool) -> None:
    at = every_step(batch).index("after submit movie" if taken else "connected for submit movie")
    w = batch()
    with pytest.raises(Died):
        w.try_(steps=Steps(at=at, then=die))
    w.clear()
    w.try_()
    assert w.paid == w.once


def test_a_clear_is_seen_when_only_the_retries_changed(batch: Worlds) -> None:
    w = batch()
    w.max_tries = w.retries = 0
    w.try_().book.end()
    w.retries = 1
    w.items[0]["seconds"] = 3
    w.try_()
    assert w.paid == w.once + Counter(["k0"])


# A wait in between, and no record.


def test_a_resumed_try_goes_on_from_the_record(batch: Worlds) -> None:
    w = batch()
    w.most = 1
    w.try_(ends=False)
    w.clock.sleep(60)
    b = w.resume()
    assert outcomes(b) == ["done"] * ROWS
    assert (w.paid, len(w.checked)) == (w.once, 1)


def lose(w: BatchWorld) -> None:
    w.store.clear()


@pytest.mark.parametrize("fences", [True, False])
def test_without_a_record_the_service_itself_is_asked(batch: Worlds, fences: bool) -> None:
    w = batch()
    w.fences = fences
    w.items[1]["more"] = BROKEN
    w.try_()
    lose(w)
    assert outcomes(w.try_()) == ["done", "error", "done"]
    assert w.paid == w.once


def test_without_a_record_only_missing_rows_are_sent_when_the_list_must_show_the_others(batch: Worlds) -> None:
    w = batch()
    w.sandbox.variants.list_lag = 59
    w.most = 2
    w.try_(ends=False)
    lose(w)
    w.most = 50
    w.try_()
    assert w.paid == w.once


def test_without_a_record_a_resume_that_submitted_long_ago_does_not_wait(batch: Worlds) -> None:
    w = batch()
    w.most = 2
    b = w.try_(ends=False)
    assert b.spender.last_post
    w.clock.sleep(120)
    lose(w)
    began = w.clock.now
    w.resume(last_post=b.spender.last_post.timestamp(), ends=False)
    assert w.clock.now == began
    assert w.paid == w.once


def test_without_a_record_a_clear_pays_for_what_has_changed(batch: Worlds) -> None:
    w = batch()
    w.items[1]["more"] = BROKEN
    w.try_()
    lose(w)
    w.items[2]["seconds"] = 3
    w.clear()
    w.try_()
    assert w.paid == w.once + Counter(["k1", "k2"])


def test_without_a_record_removed_rows_that_run_are_named(batch: Worlds, caplog: pytest.LogCaptureFixture) -> None:
    w = batch()
    projects = w.try_(ends=False).in_flight
    lose(w)
    del w.items[2]
    w.try_()
    assert f"Row k2: project {projects[2]} is given up" in caplog.text


def test_the_rows_of_another_task_are_not_taken_for_these(batch: Worlds) -> None:
    w = batch()
    w.try_()
    lose(w)
    for movie in w.sandbox.movies.values():
        movie.submitted = movie.submitted.replace('"task_id":"task"', '"task_id":"other"')
        movie.client_data["airflow"]["task_id"] = "other"
    w.try_()
    assert sum(w.paid.values()) == 2 * ROWS


def test_without_a_store_a_try_that_stood_still_sends_nothing(batch: Worlds) -> None:
    at = every_step(batch).index("connected for submit movie")
    w = batch()
    w.fences = False
    with pytest.raises(LedgerError, match="stood still"):
        w.try_(steps=Steps(at=at, then=lambda: w.clock.sleep(60)))
    assert w.paid["k0"] == 0


@pytest.mark.parametrize("rows", [1, WAVE - 1, WAVE, WAVE + 1, 2 * WAVE, 2 * WAVE + 1])
def test_a_record_is_whole_at_the_borders_of_its_waves(batch: Worlds, rows: int) -> None:
    documents = Documents(batch(), 0, Steps())
    head = Head(generation=1, max_tries=0, retries=0, began_at=datetime.now(UTC))
    book = Book(documents, head, [Row(i, f"k{i}", {"n": i}) for i in range(rows)], [RowEntry()] * rows)
    book.begin()
    book.put(rows - 1, RowEntry(state="submitted", project="p"))
    book.write()
    again = Book.of(documents, read_head(documents) or head)
    assert again.which("submitted") == [rows - 1]
    assert [(row.index, row.name, row.fields) for row in again.rows] == [(i, f"k{i}", {"n": i}) for i in range(rows)]
    assert all(len({i // WAVE for i in portion}) == 1 for portion in portions(range(rows), PORTION))


def test_entries_survive_the_store_as_they_are(batch: Worlds) -> None:
    w = batch()
    w.items[1]["more"] = BROKEN
    before = w.try_().book.entries
    after = w.try_(ends=False).book.entries
    assert [e.model_dump() for e in after] == [e.model_dump() for e in before]
    assert RowEntry() == RowEntry.model_validate({})
    assert HEAD in w.store


def test_an_error_that_nobody_knows_stops_the_submitting(batch: Worlds) -> None:
    w = batch()
    w.prepared = JSON2VideoError("odd")
    assert w.try_().halted is w.prepared
