"""What the life of a render needs of a client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.calls import Call

T = TypeVar("T")


class Sender(Protocol):
    """``api.client.Client``, or what stands in for it."""

    account: Account

    def send(self, call: Call[T], *, before_send: Callable[[], None] | None = None) -> T:
        """Send a call and read its answer."""
