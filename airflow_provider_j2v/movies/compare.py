"""Where two JSON documents differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_j2v.movies.findings import child


def differences(old: Any, new: Any, path: str) -> Iterator[str]:
    """The paths at which two documents differ, as far down as both have the same form; none when they mean the same.

    The order of keys does not matter, and 1 is 1.0, as JSON has one kind of number; true is not 1.

    :param path: what the documents themselves are called, for example ``movie``.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from differences(old.get(key, _ABSENT), new.get(key, _ABSENT), child(path, key))
    elif isinstance(old, list | tuple) and isinstance(new, list | tuple):
        for i in range(max(len(old), len(new))):
            before, after = (side[i] if i < len(side) else _ABSENT for side in (old, new))
            yield from differences(before, after, f"{path}[{i}]")
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield path


_ABSENT = object()
