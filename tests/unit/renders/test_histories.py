"""Whole histories of a task: faults, deaths, freezes, retries, clears and changed movies in any order."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from airflow_provider_j2v.exceptions import SubmitAmbiguous
from airflow_provider_j2v.renders.ledger import Superseded
from airflow_provider_j2v.renders.submit import Placed
from tests.unit.renders.conftest import Died, Steps, World

#: How many random submissions are made; `make soak` makes more.
SUBMITS = int(os.environ.get("SUBMITS", "150"))

FAULTS: list[dict] = [
    {"kind": "reset"},
    {"kind": "reset", "after": True},
    {"kind": "status", "status": 504, "after": True},
    {"kind": "status", "status": 503},
    {"kind": "hang", "after": True},
    {"kind": "body", "body": b"{}", "after": True},
    {"kind": "truncate", "after": True},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
]


def die() -> None:
    raise Died


def test_random_faults_leave_no_duplicate_no_loss_and_nobody_stuck(world: Callable[[], World]) -> None:
    chance = random.Random(20261120)
    refused = 0
    for _ in range(SUBMITS):
        w = world()
        w.account = type(w.account)(base_url=w.account.base_url, key="sandbox", submit_timeout=0.1, adopt_wait=60)
        w.sandbox.variants.list_lag = chance.uniform(0, 59)
        w.sandbox.faults.add("submit", **chance.choice(FAULTS))
        broken = chance.random() < 0.01
        if broken:
            w.sandbox.faults.add("list", "status", status=500)
        placed = None
        for steps in (Steps(at=chance.randrange(40), then=die), Steps(), Steps()):
            try:
                placed = w.try_(steps=steps)
            except Died:
                continue
            except SubmitAmbiguous:
                refused += 1
                assert broken, "refused although the lookup could be made"
        assert placed is not None
        assert w.projects == [placed.project]
    assert refused <= max(SUBMITS // 100, 3)


def history(make: Callable[[], World]) -> type[RuleBasedStateMachine]:
    class History(RuleBasedStateMachine):
        """Renders asked for: the first, one for each clear that asks anew, one for each that ended in an error."""

        def __init__(self) -> None:
            super().__init__()
            self.w = make()
            self.w.max_tries = self.w.retries
            self.wanted = 1  # a render may be paid for each of these, and the last must be
            self.input = 0
            self.inputs = {0}  # what a try may return: the inputs since somebody last asked anew
            self.placed: Placed | None = None
            self.finished: str | None = None
            self.cleared = False

        @rule(fault=st.sampled_from(FAULTS), lag=st.sampled_from([0, 30, 60]))
        def the_next_post_goes_wrong(self, fault: dict, lag: int) -> None:
            self.w.sandbox.faults.clear()
            self.w.sandbox.faults.add("submit", **fault)
            self.w.sandbox.variants.list_lag = lag

        @rule(at=st.integers(0, 25))
        def a_try_dies(self, at: int) -> None:
            self.attempt(Steps(at=at, then=die))

        @rule()
        def a_try_runs(self) -> None:
            self.attempt(Steps())

        @rule(at=st.integers(0, 12))
        def a_try_freezes_until_the_next_one_has_run(self, at: int) -> None:
            def freeze() -> None:
                self.w.clock.sleep(60)
                self.attempt(Steps())

            self.attempt(Steps(at=at, then=freeze))

        def attempt(self, steps: Steps) -> None:
            try:
                placed = self.w.try_(fingerprint=f"input {self.input}", steps=steps)
            except (Died, SubmitAmbiguous, Superseded):
                return
            self.placed, self.cleared = placed, False
            assert self.w.fingerprint_of(placed.project) in {f"input {i}" for i in self.inputs}

        @rule()
        def the_author_changes_the_movie(self) -> None:
            self.input += 1
            self.inputs.add(self.input)
            if self.cleared:
                self.wanted += 1

        # A cleared try is ended by Airflow: only the one after it sees the render's end.
        @precondition(lambda self: self.placed is not None and self.finished is None and not self.cleared)
        @rule(outcome=st.sampled_from(["done", "error"]))
        def the_render_ends(self, outcome: str) -> None:
            assert self.placed is not None
            if self.w.entry is None or self.w.entry.project != self.placed.project:
                return
            self.w.clock.sleep(120)
            self.w.finish(self.placed, outcome)
            self.finished = outcome
            if outcome == "error":
                self.ask_anew()

        @precondition(lambda self: self.finished == "done")
        @rule()
        def a_person_clears_the_finished_task(self) -> None:
            self.w.clear()
            self.ask_anew()

        @precondition(lambda self: self.placed is not None and self.finished is None)
        @rule()
        def a_person_clears_the_running_task(self) -> None:
            self.w.clear()
            self.cleared = True
            self.wanted += 1  # when the input has changed, or the render takes too long

        def ask_anew(self) -> None:
            self.placed = self.finished = None
            self.cleared = False
            self.wanted += 1
            self.inputs = {self.input}

        @invariant()
        def nothing_is_paid_that_was_not_asked_for(self) -> None:
            assert self.w.paid <= self.wanted
            assert self.w.sandbox.journal.duplicates == []

        def teardown(self) -> None:
            self.w.sandbox.faults.clear()
            before = self.w.paid
            for _ in range(3):
                self.attempt(Steps())
            assert self.placed is not None, "a render that was asked for is missing"
            assert self.w.paid <= max(before + 1, self.wanted)

    return History


@pytest.mark.parametrize("examples", [int(os.environ.get("HISTORIES", "40"))])
def test_paid_renders_are_the_renders_asked_for_in_every_history(world: Callable[[], World], examples: int) -> None:
    run_state_machine_as_test(
        history(world),
        settings=settings(
            max_examples=examples,
            stateful_step_count=12,
            deadline=None,
            derandomize="HISTORIES" not in os.environ or "STEADY" in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
