"""A movie as the sandbox keeps it, and how it shows in answers at a moment of service time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_provider_j2v.sandbox.accounts import Account
from airflow_provider_j2v.sandbox.billing import Item
from airflow_provider_j2v.sandbox.clock import iso
from airflow_provider_j2v.sandbox.subtitles import ass
from airflow_provider_j2v.sandbox.timeline import Timeline
from airflow_provider_j2v.sandbox.variants import Variants

RETENTION_SECONDS = 7 * 86_400.0
"""A file lives this long after the movie was finished, on every plan (documented)."""

TIMEOUT_SECONDS = 15 * 60.0
"""A movie running longer than this counts as timed out (third party)."""


@dataclass(slots=True)
class Fate:
    """What a test decides for one movie, through the control endpoint or in Python."""

    error: str | None = None
    """It fails with this message."""

    never_finish: bool = False
    hidden: bool = False
    """List mode does not show it."""


@dataclass(slots=True, eq=False)
class Movie:
    """One accepted submission. Times are epoch seconds of service time."""

    project: str
    sequence: int
    account: Account
    submitted: str
    """The submitted document as JSON text, its inline secrets masked."""

    client_data: Any
    comment: str
    created: float
    starts: float
    """When it leaves the queue."""

    due: float
    """When it is finished, unless drawing it takes longer."""

    timeline: Timeline | None = None
    """None when the movie cannot be rendered."""

    fate: Fate = field(default_factory=Fate)
    ended: float | None = None
    message: str = ""
    path: Path | None = None
    size: int = 0
    bill: tuple[Item, ...] = ()
    deleted: float | None = None

    @property
    def tag(self) -> str | None:
        """The provider's mark on this submission: ``client-data.airflow.tag``."""
        airflow = self.client_data.get("airflow") if isinstance(self.client_data, dict) else None
        tag = airflow.get("tag") if isinstance(airflow, dict) else None
        return tag if isinstance(tag, str) else None

    @property
    def credits(self) -> int:
        return sum(item.credits for item in self.bill)

    @property
    def file(self) -> str:
        """The path of the file's URL."""
        return f"/clients/{self.account.client}/renders/{self.file_name}"

    @property
    def file_name(self) -> str:
        return f"{iso(self.created)[:10]}-{self.sequence:05}.mp4"

    def status(self, now: float, variants: Variants) -> str:
        if self.ended is not None:
            return "done" if self.path else "error"
        if now < self.starts:
            return "pending"
        return "timeout" if variants.timeout_status and now - self.starts > TIMEOUT_SECONDS else "running"

    def available(self, now: float) -> bool:
        """Whether the file can still be fetched."""
        finished = self.path is not None and self.ended is not None and self.deleted is None
        return finished and now < (self.ended or 0.0) + RETENTION_SECONDS

    def answer(self, now: float, variants: Variants, base_url: str) -> dict[str, Any]:
        """The ``movie`` of an answer, without the submitted document."""
        status = self.status(now, variants)
        shown: dict[str, Any] = {
            "success": status not in ("error", "timeout"),
            "status": status,
            "message": self.message,
            "project": self.project,
            "url": base_url + self.file if self.available(now) else None,
            "created_at": iso(self.created),
            "client-data": self.client_data,
            "consumed_credits": self._consumed(variants),
        }
        if self.available(now) and self.timeline is not None and ass(self.timeline):
            shown["ass"] = f"{base_url}{self.file.removesuffix('.mp4')}.ass"
        if self.ended is not None:
            shown["ended_at"] = iso(self.ended)
        if status == "done" and self.timeline is not None and self.ended is not None:
            shown |= {
                "duration": round(self.timeline.duration, 3),
                "size": self.size,
                "width": self.timeline.width + self.timeline.width % 2,
                "height": self.timeline.height + self.timeline.height % 2,
                "rendering_time": round(self.ended - self.starts, 1),
            }
        if variants.progress_field and status == "running":
            shown["progress"] = min(99, int(100 * (now - self.starts) / max(0.001, self.due - self.starts)))
        if self.deleted is not None:
            shown["deleted_at"] = iso(self.deleted)
        return shown

    def _consumed(self, variants: Variants) -> list[dict[str, object]]:
        return [item.as_dict() for item in self.bill] if variants.consumed_credits == "items" else []
