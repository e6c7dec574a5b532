"""The rows of a batch from what its author gave, each with a key."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from airflow_provider_j2v.exceptions import InvalidMovie

if TYPE_CHECKING:
    from airflow_provider_j2v.renders.rows import Row

#: A file of items is read up to here (bytes).
MAX_FILE = 64 * 1024 * 1024
MAX_KEY = 200

_LINES = (".jsonl", ".ndjson")


def is_path(items: Any) -> bool:
    """Whether the items are the name of a file."""
    return isinstance(items, str | os.PathLike)


def file_of(items: str | os.PathLike[str], folder: str) -> str:
    """The absolute path, or the URL, of a file of items.

    :param folder: what relative paths are relative to.
    """
    name = os.fspath(items)
    return name if "://" in name else str(Path(folder, name).absolute())


def rows_of(items: Any, key: str | None, folder: str) -> list[Row]:
    """The rows, checked and named.

    :param items: a sequence of mappings, or the path or URL of a JSONL, JSON or CSV file.
    :param key: the field that names a row; None names it by its place.
    :param folder: what relative paths are relative to.
    :raises InvalidMovie: what is wrong with which row; nothing was sent.
    """
    from airflow_provider_j2v.api.reply import escape
    from airflow_provider_j2v.movies.document import not_json, undressed
    from airflow_provider_j2v.renders.rows import Row

    named = _from_file(items, folder) if is_path(items) else _from_list(items)
    rows: list[Row] = []
    seen: dict[str, str] = {}
    for index, (where, item) in enumerate(named):
        if not isinstance(item, Mapping):
            raise InvalidMovie(f"{where} must be an object, not a {type(item).__name__}. Nothing was sent.")
        fields = undressed(dict(item))
        for problem in not_json(fields, where):
            raise InvalidMovie(f"{problem}. Nothing was sent.")
        row = Row(index, _key(fields, key, where) if key else index, fields)
        if row.name in seen:
            name = escape(row.name, 80)
            raise InvalidMovie(f"{where} has the key {name!r}, which {seen[row.name]} has too. Nothing was sent.")
        seen[row.name] = where
        rows.append(row)
    return rows


def _key(fields: Mapping[str, Any], key: str, where: str) -> Any:
    from airflow_provider_j2v.api.reply import escape

    value = fields.get(key)
    if key not in fields:
        has = escape(", ".join(map(str, fields)), 200)
        raise InvalidMovie(f"{where} has no field {key!r} to be named by; it has {has}. Nothing was sent.")
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    text = isinstance(value, str) and value.strip() and not re.search("[\ud800-\udfff]", value)
    if not number and not text:
        raise InvalidMovie(f"{where}: its key {key!r} must be text or a number, not {value!r:.80}. Nothing was sent.")
    if len(str(value)) > MAX_KEY:
        raise InvalidMovie(f"{where}: its key {key!r} is longer than {MAX_KEY} characters. Nothing was sent.")
    return value


def _from_list(items: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(items, Mapping | bytes) or not isinstance(items, Sequence):
        raise InvalidMovie(
            f"items must be a list of rows, or the path of a .jsonl, .json or .csv file, not {items!r:.80}. "
            "Nothing was sent."
        )
    for i, item in enumerate(items):
        yield f"items[{i}]", item


def _from_file(path: str | os.PathLike[str], folder: str) -> Iterator[tuple[str, Any]]:
    """Each row with its place in the file."""
    name = os.fspath(path)
    suffix = PurePosixPath(name.partition("?")[0]).suffix.lower()
    if suffix not in (*_LINES, ".json", ".csv"):
        raise InvalidMovie(
            f"items is {name!r:.200}: a file must end in .jsonl, .ndjson, .json or .csv. Nothing was sent."
        )
    try:
        text = _read(name, folder).decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise InvalidMovie(f"The items file {name!r} is not UTF-8 text (byte {e.start}). Nothing was sent.") from None
    if suffix == ".csv":
        yield from _from_csv(name, text)
    elif suffix == ".json":
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as e:
            raise InvalidMovie(f"The items file {name!r} is not JSON: {e}. Nothing was sent.") from None
        yield from ((f"{name}[{i}]", item) for i, item in _listed(name, document))
    else:
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                try:
                    yield f"{name}, line {number}", json.loads(line)
                except (ValueError, RecursionError) as e:
                    raise InvalidMovie(f"{name}, line {number} is not JSON: {e}. Nothing was sent.") from None


def _listed(name: str, document: Any) -> Iterator[tuple[int, Any]]:
    if not isinstance(document, list):
        raise InvalidMovie(
            f"The items file {name!r} must hold a list, not a {type(document).__name__}. Nothing was sent."
        )
    yield from enumerate(document)


def _from_csv(name: str, text: str) -> Iterator[tuple[str, Any]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if not header or len(set(header)) < len(header) or not all(header):
            raise InvalidMovie(f"{name}, line 1 must name each column once, not {header!r:.200}. Nothing was sent.")
        for cells in reader:
            if len(cells) != len(header) and cells:
                what = f"has {len(cells)} cells, and there are {len(header)} columns"
                raise InvalidMovie(f"{name}, line {reader.line_num} {what}. Nothing was sent.")
            if cells:
                yield f"{name}, line {reader.line_num}", dict(zip(header, cells, strict=True))
    except csv.Error as e:
        raise InvalidMovie(f"{name}, line {reader.line_num} is not CSV: {e}. Nothing was sent.") from None


def _read(name: str, folder: str) -> bytes:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    place = file_of(name, folder)
    try:
        with ObjectStoragePath(place).open("rb") as file:  # type: ignore[no-untyped-call]
            content: bytes = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        raise InvalidMovie(f"There is no items file at {place!r}. Nothing was sent.") from None
    except (OSError, ValueError, ImportError) as e:
        raise InvalidMovie(f"The items file {place!r} cannot be read: {e}. Nothing was sent.") from None
    if len(content) > MAX_FILE:
        raise InvalidMovie(f"The items file {place!r} is larger than {MAX_FILE / 1e6:.0f} MB. Nothing was sent.")
    return content


def named(row: Row) -> str:
    """A row, for messages."""
    from airflow_provider_j2v.api.reply import escape

    return f"Row {escape(row.name, 80)!r}"
