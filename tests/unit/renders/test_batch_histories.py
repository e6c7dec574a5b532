"""Whole histories of a batch: faults, deaths, freezes, retries, clears and changed rows in any order."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from airflow_provider_j2v.exceptions import BudgetExceeded, SubmitAmbiguous
from airflow_provider_j2v.renders import rows as rows_module
from airflow_provider_j2v.renders.batch import Batch
from airflow_provider_j2v.renders.ledger import Superseded
from tests.unit.renders.conftest import Died, Steps, World
from tests.unit.renders.test_batch import ROWS, BatchWorld, die
from tests.unit.renders.test_histories import FAULTS


def history(make: Callable[[], BatchWorld]) -> type[RuleBasedStateMachine]:
    class History(RuleBasedStateMachine):
        """A row may be paid for once, and once more for each change, when a clear finds it."""

        def __init__(self) -> None:
            super().__init__()
            self.w = make()
            self.w.max_tries = self.w.retries
            self.wanted = Counter(self.w.once)
            self.last: Batch | None = None

        @rule(fault=st.sampled_from(FAULTS), skip=st.integers(0, 2), lag=st.sampled_from([0, 30, 60]))
        def a_post_goes_wrong(self, fault: dict, skip: int, lag: int) -> None:
            self.w.sandbox.faults.clear()
            self.w.sandbox.faults.add("submit", skip=skip, **fault)
            self.w.sandbox.variants.list_lag = lag

        @rule(at=st.integers(0, 60))
        def a_try_dies(self, at: int) -> None:
            self.attempt(Steps(at=at, then=die))

        @rule(ends=st.booleans())
        def a_try_runs(self, ends: bool) -> None:
            self.attempt(Steps(), ends=ends)

        @rule(at=st.integers(0, 60))
        def a_try_freezes_until_the_next_one_has_run(self, at: int) -> None:
            def freeze() -> None:
                self.w.clock.sleep(60)
                self.attempt(Steps())

            self.attempt(Steps(at=at, then=freeze))

        @rule(most=st.integers(1, 3))
        def so_many_may_be_in_flight(self, most: int) -> None:
            self.w.most = most

        @rule(refused=st.booleans())
        def no_more_may_be_paid_for(self, refused: bool) -> None:
            self.w.refuse = BudgetExceeded("too dear") if refused else None

        @rule(i=st.integers(0, ROWS - 1))
        def a_row_changes(self, i: int) -> None:
            self.w.items[i] = self.w.items[i] | {"seconds": self.w.items[i]["seconds"] % 9 + 1}
            self.wanted[str(self.w.items[i]["key"])] += 1

        @rule()
        def a_person_clears_the_task(self) -> None:
            self.w.clear()

        def attempt(self, steps: Steps, *, ends: bool = True) -> None:
            try:
                self.last = self.w.try_(steps=steps, ends=ends)
            except (Died, SubmitAmbiguous, Superseded, BudgetExceeded):
                return

        @invariant()
        def nothing_is_paid_that_was_not_asked_for(self) -> None:
            assert self.w.paid <= self.wanted
            assert self.w.sandbox.journal.duplicates == []

        def teardown(self) -> None:
            self.w.sandbox.faults.clear()
            self.w.most, self.w.refuse = 50, None
            before = self.w.paid
            for _ in range(3):
                self.last = None
                self.attempt(Steps())
            assert self.last is not None
            assert [entry.outcome for entry in self.last.book.entries] == ["done"] * ROWS
            assert all(n <= before[row] + 1 for row, n in self.w.paid.items())

    return History


@pytest.mark.parametrize("examples", [int(os.environ.get("HISTORIES", "40")) // 2])
def test_paid_renders_are_the_rows_asked_for_in_every_history(
    world: Callable[[], World], monkeypatch: pytest.MonkeyPatch, examples: int
) -> None:
    monkeypatch.setattr(rows_module, "WAVE", 2)

    def make() -> BatchWorld:
        plain = world()
        return BatchWorld(plain.sandbox, plain.clock)

    run_state_machine_as_test(
        history(make),
        settings=settings(
            max_examples=examples,
            stateful_step_count=10,
            deadline=None,
            derandomize="HISTORIES" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
