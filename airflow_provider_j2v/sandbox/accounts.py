"""Accounts, their keys and roles."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["viewer", "render", "editor", "manager"]


@dataclass(slots=True)
class Account:
    """One customer. Mutable, so that a test can take its credits away or suspend it at any moment."""

    key: str = field(default="sandbox", repr=False)
    role: Role = "manager"
    """What ``key`` may do: a ``viewer`` cannot render, an ``editor`` may write templates (documented)."""

    credits: int = 12_000
    """Seconds of output left, one credit each (documented)."""

    client: str = field(default_factory=lambda: secrets.token_hex(5))
    """The folder of this account's files."""

    other_keys: dict[str, Role] = field(default_factory=dict, repr=False)
    """More keys of the same account and what they may do."""

    suspended: bool = False
    storage_blocked_at: float | None = None
    """Service time since which uploads are refused for lack of credits, or None."""

    max_size: tuple[int, int] | None = None
    """Largest width and height in pixels that the plan allows."""

    max_duration: float = 1800.0
    """Longest movie in seconds; 30 minutes is the largest plan (third party)."""

    def role_of(self, key: str) -> Role | None:
        """The role of a key of this account, or None for a foreign key."""
        if secrets.compare_digest(key.encode(), self.key.encode()):
            return self.role
        return self.other_keys.get(key)
