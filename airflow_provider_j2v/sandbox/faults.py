"""Faults: what goes wrong, on which call, how often. One mechanism for Python and the control endpoint."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

from airflow_provider_j2v.sandbox.misbehaviour import KINDS, Misbehaviour

CALLS = (
    "submit",
    "get",
    "list",
    "delete",
    "template",
    "template-write",
    "catalog",
    "media",
    "upload",
    "file",
    "other",
    "*",
)


class Fault:
    """One fault that was added. ``hits`` counts the requests it met."""

    def __init__(
        self,
        on: str,
        kind: str,
        action: Misbehaviour,
        times: int | None,
        skip: int,
        probability: float,
        after: bool,
    ) -> None:
        self.on = on
        self.kind = kind
        self.action = action
        self.times = times
        self.skip = skip
        self.probability = probability
        self.after = after
        self.hits = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "on": self.on,
            "kind": self.kind,
            "times": self.times,
            "skip": self.skip,
            "probability": self.probability,
            "after": self.after,
            "hits": self.hits,
        }


class Faults:
    """Thread-safe. The first fault that answers a request ends the search; a delay lets it go on."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._faults: list[Fault] = []

    def add(
        self,
        on: str,
        kind: str,
        *,
        times: int | None = 1,
        skip: int = 0,
        probability: float = 1.0,
        after: bool = False,
        **details: Any,
    ) -> Fault:
        """Make a call go wrong.

        :param on: one of :data:`CALLS`.
        :param kind: a key of :data:`~airflow_provider_j2v.sandbox.misbehaviour.KINDS`.
        :param details: the fields of that kind.
        :param times: how many requests it meets; None for all.
        :param skip: matching requests to leave alone first.
        :param probability: of meeting a matching request, from 0 to 1.
        :param after: the request is really processed before the fault plays.
        """
        if on not in CALLS:
            raise ValueError(f"on must be one of {', '.join(CALLS)}, not {on!r}")
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
        fault = Fault(on, kind, KINDS[kind](**details), times, skip, probability, after)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter(list(self._faults))

    def meet(self, call: str) -> Iterator[Fault]:
        """The faults a request of this kind meets, each counted as it is taken."""
        for fault in self:
            if self._taken(fault, call):
                yield fault

    def _taken(self, fault: Fault, call: str) -> bool:
        with self._lock:
            if fault.on not in ("*", call) or (fault.times is not None and fault.hits >= fault.times):
                return False
            if fault.skip > 0:
                fault.skip -= 1
                return False
            if self._random.random() >= fault.probability:
                return False
            fault.hits += 1
            return True
