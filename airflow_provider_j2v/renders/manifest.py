"""What a batch has come to: a line for each row, a summary, and the progress in words."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_j2v.movies.credits import between
from airflow_provider_j2v.renders.rows import Book, RowEntry


def lines(book: Book, *, stopped: bool) -> Iterator[str]:
    """One line of JSON for each row, in the order of the items.

    ``{key, project, status, url, file, duration (s), size (bytes), credits: {estimated: [low, high], charged},
    error}``; status is ``done``, ``error``, ``refused``, ``running``, ``pending`` (not submitted, or nobody knows) or
    ``skipped``. ``charged`` is null where the service does not say.

    :param stopped: rows that are not submitted will not be: too many have failed.
    """
    for row, entry in book.pairs():
        line = {
            "key": row.key,
            "project": entry.project,
            "status": _status(entry, stopped=stopped),
            "url": entry.url,
            "file": entry.file,
            "duration": entry.duration,
            "size": entry.size,
            "credits": {"estimated": entry.estimated and list(entry.estimated), "charged": entry.charged},
            "error": entry.error,
        }
        yield _on_one_line(json.dumps(line, ensure_ascii=False)) + "\n"


def _on_one_line(document: str) -> str:
    """The same JSON, readable, with nothing in it that a reader could take for the end of a line."""
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in document)


def _status(entry: RowEntry, *, stopped: bool) -> str:
    if entry.state == "finished":
        return str(entry.outcome)
    if entry.state == "submitted":
        return "running"
    return "skipped" if stopped and entry.state == "waiting" else "pending"


def summary(entries: Sequence[RowEntry], manifest: str | None) -> dict[str, Any]:
    """The result of a batch: ``{total, done, failed, skipped, credits: {estimated, charged}, manifest}``."""
    outcomes = Counter(entry.outcome for entry in entries)
    failed = outcomes["error"] + outcomes["refused"]
    return {
        "total": len(entries),
        "done": outcomes["done"],
        "failed": failed,
        "skipped": len(entries) - outcomes["done"] - failed,
        "credits": credits_of(entries),
        "manifest": manifest,
    }


def credits_of(entries: Sequence[RowEntry]) -> dict[str, Any]:
    """What the rows that were submitted and did not fail were to cost, and what the service says that it charged."""
    ranges = [entry.estimated for entry in entries if entry.project and entry.outcome != "error" and entry.estimated]
    charged = [entry.charged for entry in entries if entry.charged is not None]
    low, high = math.fsum(low for low, _ in ranges), math.fsum(high for _, high in ranges)
    return {"estimated": [low, high] if ranges else None, "charged": math.fsum(charged) if charged else None}


def progress(book: Book, now: datetime) -> str:
    """Where a batch is, in one line: rows, credits and the time that is left at the speed so far."""
    entries = book.entries
    counts = Counter[str](entry.outcome or entry.state for entry in entries)
    words = [
        f"{counts['done']:,} of {len(entries):,} done",
        f"{counts['error'] + counts['refused']:,} failed",
        f"{counts['submitted'] + counts['intent']:,} in flight",
        f"{counts['waiting']:,} to submit",
    ]
    credits = credits_of(entries)
    if credits["estimated"]:
        words.append(f"{between(*credits['estimated'])} credits so far by the estimate")
    if credits["charged"] is not None:
        words.append(f"{between(credits['charged'], credits['charged'])} charged")
    ended = sum(entry.state == "finished" for entry in entries) - book.head.had
    left = len(entries) - ended - book.head.had
    if ended > 0 and left:
        seconds = (now - book.head.began_at).total_seconds() * left / ended
        words.append(f"about {timedelta(seconds=math.ceil(seconds))} left")
    return ", ".join(words)
