"""Where the files of a batch go: checked before anything is paid for, brought there afterwards."""

from __future__ import annotations

import logging
import os
import re
import string
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_j2v.exceptions import ConfigurationError, DestinationUnavailable, JSON2VideoError
from airflow_provider_j2v.operators.destination import Destination, check_destination, reason
from airflow_provider_j2v.operators.download import bring_home
from airflow_provider_j2v.operators.items import named

if TYPE_CHECKING:
    from airflow_provider_j2v.api.answers import MovieStatus
    from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
    from airflow_provider_j2v.renders.rows import Book, Row, RowEntry

log = logging.getLogger(__name__)

A = TypeVar("A")
B = TypeVar("B")

#: So many files are downloaded, or only looked for, at once.
DOWNLOADS = 4
LOOKS = 16
#: The record is written after so many downloads.
PORTION = 16
#: What a destination may name besides the fields of a row.
OWN = ("index", "project")
#: Of the reason for a failed download so many characters are kept.
MAX_REASON = 300


class Homes:
    """The destinations of all rows.

    :param pattern: see ``Pattern``.
    :param overwrite: False leaves files that are there alone.
    """

    def __init__(self, pattern: Any, *, overwrite: bool) -> None:
        self._text = pattern
        self._overwrite = overwrite

    @cached_property
    def _pattern(self) -> Pattern:
        return Pattern(self._text)

    def check(self, rows: Sequence[Row], new: Sequence[int]) -> None:
        """Refuse what will not do, before anything is sent.

        :param new: the places of rows that are to be paid for: their files must not be there yet.
        :raises ConfigurationError: what is wrong with which row's.
        :raises DestinationUnavailable: one could not be looked at.
        """
        taken: dict[str, Row] = {}
        places: list[str] = []
        try:
            for row in rows:
                place = self._pattern.of(row, project=f"project-{row.index}")  # it has none yet
                other = taken.setdefault(os.path.normpath(place), row)  # /a/./b and /a//b are /a/b
                if other is not row:
                    raise ConfigurationError(f"{named(row)} and {named(other)} would both go to {place!r:.200}.")
                Destination(place)
                places.append(place)
        except ConfigurationError as e:
            raise ConfigurationError(f"{e} Nothing was sent.") from e
        _at_once(LOOKS, self._check_one, [places[i] for i in new])

    def _check_one(self, place: str) -> None:
        check_destination(place, overwrite=self._overwrite, subtitles=False)

    def are_there(self, pairs: Sequence[tuple[Row, RowEntry]]) -> list[bool]:
        """Whether the files of these rows are where they would go now.

        :raises DestinationUnavailable: one could not be looked at.
        """
        return _at_once(LOOKS, self._is_there, pairs)

    def _is_there(self, pair: tuple[Row, RowEntry]) -> bool:
        row, entry = pair
        if entry.file is None or entry.file != self._pattern.of(row, str(entry.project)):
            return False
        try:
            size = Destination(entry.file).there(overwrite=False)
        except Exception as e:
            raise DestinationUnavailable(
                f"The file of {named(row)} could not be looked for: {reason(e)}. Nothing was sent."
            ) from e
        return size is not None and entry.size in (None, size)

    def bring(self, hook: JSON2VideoHook, book: Book, this_try: int, ends: dict[str, MovieStatus]) -> None:
        """Download what is done; each file is asked for once a try, and ``missed`` says when that failed.

        :param ends: what the service has just said of renders, by project; what was used is taken out.
        """

        def bring_one(i: int) -> RowEntry:
            row, entry = book.rows[i], book.entries[i]
            try:
                project = str(entry.project)
                place = self._pattern.of(row, project)
                movie = ends.pop(project, None) or hook.get_movie(project)
                bring_home(hook, project, movie, place, overwrite=self._overwrite)
            except JSON2VideoError as e:
                log.warning("%s: %s", named(row), e)
                return entry.changed(missed=this_try, error=str(e)[:MAX_REASON])
            return entry.changed(file=place, missed=None, error=None)

        missing = [
            i
            for i, entry in enumerate(book.entries)
            if entry.outcome == "done" and entry.file is None and entry.missed != this_try
        ]
        for at in range(0, len(missing), PORTION):
            some = missing[at : at + PORTION]
            for i, entry in zip(some, _at_once(DOWNLOADS, bring_one, some), strict=True):
                book.put(i, entry)
            book.write()


def _at_once(threads: int, work: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """The results of some work on many items, in their order."""
    if not items:
        return []
    with ThreadPoolExecutor(min(threads, len(items)), thread_name_prefix="json2video") as pool:
        return list(pool.map(work, items))


class Pattern:
    """A destination for each row, such as ``s3://conn@bucket/{day}/{slug}.mp4``: ``str.format`` over its fields.

    :param text: names fields of a row, ``index`` (of the row, from 0) and ``project`` (the service's id).
    :raises ConfigurationError: it cannot be read.
    """

    def __init__(self, text: Any) -> None:
        self.text = os.fspath(text) if isinstance(text, os.PathLike) else text
        if not isinstance(self.text, str):
            raise ConfigurationError(f"destination must be text such as 's3://bucket/{{slug}}.mp4', not {text!r:.80}.")
        try:
            self.fields = [name for _, name, _, _ in string.Formatter().parse(self.text) if name is not None]
        except ValueError as e:
            raise ConfigurationError(f"The destination {self.text!r:.200} cannot be read: {e}.") from None
        for name in self.fields:
            if not re.fullmatch(r"[^.\[\]{}]+", name) or name.isdigit():
                raise ConfigurationError(
                    f"The destination {self.text!r:.200} names {name!r:.80}: name a field, as in {{slug}}; Airflow's "
                    "own values come in double braces."
                )

    def of(self, row: Row, project: str) -> str:
        """Where the file of a row goes.

        :raises ConfigurationError: the row has no such field, or what stands there cannot be part of a path.
        """
        values = {name: self._value(row, name) for name in self.fields if name not in OWN}
        try:
            path: str = self.text.format_map(values | {"index": row.index, "project": project})
        except (ValueError, TypeError, KeyError, IndexError) as e:
            raise ConfigurationError(f"{named(row)}: the destination {self.text!r:.200} does not fit: {e}.") from None
        if "://" in self.text and _store(path).count("@") != _store(self.text).count("@"):
            raise ConfigurationError(f"{named(row)}: the destination {path!r:.200} would be of another connection.")
        if ".." in re.split(r"[/\\]", path):
            raise ConfigurationError(f"{named(row)}: the destination {path!r:.200} would lead out of its folder.")
        return path

    def _value(self, row: Row, name: str) -> Any:
        if name not in row.fields:
            raise ConfigurationError(f"{named(row)} has no field {name!r:.80}, which the destination names.")
        value = row.fields[name]
        fits = isinstance(value, str | int | float) and not isinstance(value, bool)
        if not fits or not str(value).strip() or not str(value).isprintable():
            raise ConfigurationError(f"{named(row)}: its {name!r:.80} is {value!r:.80}, which is no part of a path.")
        return value


def _store(path: str) -> str:
    """What stands between the scheme and the first slash of a URL: a bucket, and the conn id before its ``@``."""
    return path.partition("://")[2].partition("/")[0]
