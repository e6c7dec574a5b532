"""A service in a box, a ledger that outlives tries, and a clock that only moves when told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.client import Client
from airflow_provider_j2v.renders.identity import Identity
from airflow_provider_j2v.renders.ledger import Entry, Superseded
from airflow_provider_j2v.renders.submit import Order, Placed, Prepared, Submitter, close_ledger, open_ledger
from airflow_provider_j2v.sandbox import Sandbox, Variants

MOVIE = {"resolution": "sd", "scenes": [{"duration": 2}]}
ME = Identity("test", "dag", "run", "task", -1)


class Died(BaseException):
    """The process of this try ended here."""


class FakeClock:
    """Seconds since the epoch; sleeping moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp()

    def epoch(self) -> float:
        return self.now

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Steps:
    """Counts every moment at which a try touches the world, and does something at one of them."""

    at: int | None = None
    then: Callable[[], None] = lambda: None
    seen: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> None:
        self.seen.append(name)
        if len(self.seen) - 1 == self.at:
            self.then()


class World:
    """One task instance, the service, and what survives between tries."""

    def __init__(self, sandbox: Sandbox, clock: FakeClock) -> None:
        self.sandbox = sandbox
        self.clock = clock
        self.entry: Entry | None = None
        self.fences = True
        self.tries = 0
        self.max_tries = 2
        self.retries = 2
        self.account = Account.build(
            host=sandbox.url, schema=None, port=None, key="sandbox", extra={"submit_timeout": 1, "adopt_wait": 60}
        )

    def try_(
        self, movie: Any = None, fingerprint: str = "f", steps: Steps | None = None, waits: bool = True, **order: Any
    ) -> Placed:
        """One try of the task, up to the moment it would wait."""
        self.tries += 1
        steps = steps or Steps()
        ledger = _Ledger(self, self.tries, steps)
        first = self.tries == 1
        open_ledger(ledger, first_try=first, max_tries=self.max_tries, retries=self.retries)
        with Client(self.account, attempts=1, sleep=self.clock.sleep) as client:
            submitter = Submitter(_Client(client, steps), ledger, clock=self.clock, sleep=self.clock.sleep)
            placed = submitter.place(
                Order(
                    prepare=lambda: Prepared(movie or MOVIE),
                    identity=ME,
                    fingerprint=fingerprint,
                    max_tries=self.max_tries,
                    retries=self.retries,
                    first_try=first,
                    run_after=self.clock() - timedelta(minutes=1),
                    waits=waits,
                )
                if not order
                else Order(**{"prepare": lambda: Prepared(MOVIE), "identity": ME, "fingerprint": fingerprint, **order})
            )
            steps("placed")
            return placed

    def finish(self, placed: Placed, outcome: Any = "done") -> None:
        """The render ended and this try wrote it down."""
        ledger = _Ledger(self, self.tries, Steps())
        close_ledger(ledger, placed.project, outcome, max_tries=self.max_tries, retries=self.retries)

    def clear(self) -> None:
        """A person clears the task: Airflow allows ``retries`` more tries."""
        self.max_tries = self.tries + self.retries

    def sandbox_stamp(self, project: str | None = None) -> Any:
        """What a submitted movie, by default the last, carries under our key."""
        movie = json.loads(self.sandbox.movies[project or self.projects[-1]].submitted)
        return movie["client-data"]["airflow"]

    def fingerprint_of(self, project: str) -> str:
        return str(self.sandbox_stamp(project)["fingerprint"])

    @property
    def paid(self) -> int:
        return len(self.sandbox.journal.submissions)

    @property
    def projects(self) -> list[str]:
        return [s.project for s in self.sandbox.journal.submissions]


class _Ledger:
    def __init__(self, world: World, number: int, steps: Steps) -> None:
        self._world, self._number, self._steps = world, number, steps
        self.fences = world.fences

    def _owned(self) -> None:
        if self._number != self._world.tries:
            raise Superseded("a newer try owns the task instance")

    def read(self) -> Entry | None:
        self._steps("before the ledger is read")
        self._owned()
        return self._world.entry

    def write(self, entry: Entry) -> None:
        self._steps(f"before {entry.state} is written")
        self._owned()
        self._world.entry = Entry.model_validate(entry.model_dump(mode="json"))
        self._steps(f"after {entry.state} is written")


class _Client:
    def __init__(self, client: Client, steps: Steps) -> None:
        self._client, self._steps, self.account = client, steps, client.account

    def send(self, call: Any, *, before_send: Callable[[], None] | None = None) -> Any:
        self._steps(f"before {call.name}")

        def check() -> None:
            self._steps(f"connected for {call.name}")
            if before_send:
                before_send()

        try:
            answer = self._client.send(call, before_send=check)
        except Exception:
            self._steps(f"after a failed {call.name}")
            raise
        self._steps(f"after {call.name}")
        return answer


@pytest.fixture(scope="session")
def _service() -> Iterator[tuple[Sandbox, FakeClock]]:
    clock = FakeClock()
    with Sandbox(render="off", clock=clock.epoch) as sandbox:
        yield sandbox, clock


@pytest.fixture
def world(_service: tuple[Sandbox, FakeClock]) -> Callable[[], World]:
    """Makes fresh worlds on one server: nothing of an earlier one is seen by the next."""
    sandbox, clock = _service

    def make() -> World:
        sandbox.faults.clear()
        sandbox.journal.reset()
        sandbox.movies.clear()
        defaults = Variants()
        for name in Variants.__slots__:
            setattr(sandbox.variants, name, getattr(defaults, name))
        clock.now += 3600 * 5
        return World(sandbox, clock)

    return make
