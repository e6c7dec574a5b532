"""A movie from whatever the author gave, checked before anything is sent."""

from __future__ import annotations

import json
import marshal
import math
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_j2v.api.calls import encode
from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.exceptions import InvalidMovie
from airflow_provider_j2v.movies.findings import Problem, child

#: What may be laid over a movie or a template: the properties a request may set over a template, and ``comment``.
OVERRIDES = ("resolution", "width", "height", "quality", "fps", "cache", "comment")
#: A larger body is refused by the service (about 2 MB, by a third party's account of its limits page).
MAX_MOVIE_BYTES = 2_000_000

_MAX_DEPTH = 200


def read_movie(source: Any, where: str = "movie") -> dict[str, Any]:
    """The movie as a new dict. Scenes and elements in it may still be models: ``compose`` makes them plain.

    :param source: a mapping, a ``Movie``, or JSON text of an object.
    :param where: what errors call it.
    :raises InvalidMovie: it is neither.
    """
    if isinstance(source, str | bytes):
        try:
            source = json.loads(source, parse_constant=_refuse_constant)
        except InvalidMovie:
            raise
        except (ValueError, RecursionError) as e:
            raise InvalidMovie(_not_json(source, where, e)) from None
    if (document := _dumped(source)) is not None:
        return document
    if not isinstance(source, Mapping):
        raise InvalidMovie(f"{where} must be a JSON object, not {_kind(source)}. Nothing was sent.")
    return dict(source)


def compose(
    movie: Mapping[str, Any] | None,
    *,
    template_id: str | None = None,
    variables: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    client_data: Mapping[str, Any] | None = None,
    exports: Any = None,
) -> dict[str, Any]:
    """The document to send: a movie or a template, with what the task lays over it.

    ``variables`` and ``client_data`` are merged over the movie's own, ``overrides`` and ``exports`` replace them.

    :returns: a new document of plain JSON types.
    :raises InvalidMovie: one of the parts has the wrong form.
    """
    document: dict[str, Any] = dict(movie or {})
    if template_id is not None:
        if not isinstance(template_id, str) or not template_id.strip():
            raise InvalidMovie("template_id must be the id of a saved template. Nothing was sent.")
        document["template"] = template_id.strip()
    for name, part in (("variables", variables), ("client-data", client_data)):
        if part is not None:
            document[name] = {**_object(document.get(name) or {}, name), **_object(part, name)}
    for name in _object({} if overrides is None else overrides, "overrides"):
        if name not in OVERRIDES:
            raise InvalidMovie(f"overrides has {name!r}; it may hold {', '.join(OVERRIDES)}. Nothing was sent.")
    document.update(overrides or {})
    if exports is not None:
        exports = _plain(exports, "movie.exports", 1)
        document["exports"] = [exports] if isinstance(exports, dict) else exports
    plain: dict[str, Any] = _plain(document, "movie", 0)
    return plain


def check_movie(movie: Mapping[str, Any]) -> None:
    """Refuse what could only cost time or money: an empty movie, parts of the wrong form, too much of it.

    :raises InvalidMovie: the first such thing, with its place.
    """
    for look in (empty, ignored, wrong_form, too_large):
        for problem in look(movie):
            raise InvalidMovie(f"{problem}. Nothing was sent.")


def empty(movie: Mapping[str, Any]) -> Iterator[Problem]:
    """A movie in which nothing could play: its length would be zero, which the service refuses."""
    if not movie:
        yield Problem("movie", "is empty", "give it scenes, elements or a template")
    elif not (movie.get("template") or movie.get("scenes") or movie.get("elements")):
        what = "has neither scenes nor elements nor a template, so its length would be zero"
        yield Problem("movie", what, "give it one of them")


def ignored(movie: Mapping[str, Any]) -> Iterator[Problem]:
    """``client_data``, which the service does not accept."""
    if "client_data" in movie:
        yield Problem("movie.client_data", "would be ignored by the service", 'write "client-data"')


def wrong_form(movie: Mapping[str, Any], root: str = "movie") -> Iterator[Problem]:
    """Scenes, elements, exports and destinations that are no lists of objects."""
    for name in ("scenes", "elements", "exports"):
        yield from _not_objects(movie.get(name), f"{root}.{name}")
    for name, inner in (("scenes", "elements"), ("exports", "destinations")):
        for i, item in objects(movie.get(name)):
            yield from _not_objects(item.get(inner), f"{root}.{name}[{i}].{inner}")


def too_large(movie: Mapping[str, Any]) -> Iterator[Problem]:
    """More JSON than the service takes.

    :raises InvalidMovie: the movie is no JSON at all.
    """
    size = len(encode(movie))
    if size > MAX_MOVIE_BYTES:
        what = f"is {size / 1e6:.1f} MB of JSON, and the service takes about 2 MB"
        yield Problem("movie", what, "refer to files by URL instead of embedding them")


def not_json(value: Any, path: str = "movie", depth: int = 0) -> Iterator[Problem]:
    """Every value that JSON has no word for."""
    if odd := _odd(value, depth):
        yield Problem(path, odd, "put something there that JSON has a word for")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from not_json(item, child(path, key), depth + 1)
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from not_json(item, f"{path}[{i}]", depth + 1)


def objects(value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a list, with their places in it; none of anything else."""
    for i, item in enumerate(value) if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield i, item


def _not_objects(value: Any, path: str) -> Iterator[Problem]:
    if isinstance(value, list):
        for i, item in enumerate(value):
            if not isinstance(item, dict):
                yield Problem(f"{path}[{i}]", f"must be an object, not {_kind(item)}", "write {...}")
    elif value is not None:
        yield Problem(path, f"must be a list of objects, not {_kind(value)}", "write [{...}]")


def _plain(value: Any, path: str, depth: int) -> Any:
    """The value as JSON would have it: dicts, lists, text, numbers, booleans and null.

    :raises InvalidMovie: there is something else in it.
    """
    if odd := _odd(value, depth):
        if (document := _dumped(value)) is not None:
            return _plain(document, path, depth)
        raise InvalidMovie(f"{escape(path)} {odd}. Nothing was sent.")
    if isinstance(value, Mapping):
        return {key: _plain(item, f"{path}.{key}", depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
    return value


def _odd(value: Any, depth: int) -> str | None:
    """Why JSON cannot say a value, its items aside; None when it can."""
    if depth > _MAX_DEPTH:
        return f"is nested more than {_MAX_DEPTH} deep"
    if isinstance(value, Mapping):
        odd = next((key for key in value if not isinstance(key, str)), None)
        return None if odd is None else f"has the key {odd!r}; keys of a JSON object are text"
    if isinstance(value, float) and not math.isfinite(value):
        return f"is {value}, which JSON cannot say"
    if value is not None and not isinstance(value, str | int | float | list | tuple):
        return f"is {_kind(value)}, which JSON cannot say"
    return None


def undressed(value: Any) -> Any:
    """The value with every ``Movie``, ``Scene`` and element in it as plain JSON; anything else stays what it is.

    Without any of these in it, it is the value itself. What holds itself stays what it is too.
    """
    try:
        marshal.dumps(value)  # knows Python's own types only: the quickest look through a large movie
    except ValueError:
        return _undressed(value, set())
    return value


def _undressed(value: Any, holders: set[int]) -> Any:
    """``holders`` are the ids of what the value lies in."""
    if not isinstance(value, Mapping | list | tuple):
        document = _dumped(value)
        return value if document is None else document
    if id(value) in holders or len(holders) > _MAX_DEPTH:
        return value
    holders.add(id(value))
    plain: Any
    if isinstance(value, Mapping):
        plain = {key: _undressed(item, holders) for key, item in value.items()}
    else:
        plain = [_undressed(item, holders) for item in value]
    holders.discard(id(value))
    return plain


def _dumped(value: Any) -> dict[str, Any] | None:
    """The document of a ``Movie``, a ``Scene`` or an element; None for anything else. Loads no models to find out."""
    models = sys.modules.get("airflow_provider_j2v.movies.parts")
    return value.model_dump() if models and isinstance(value, models.Part) else None


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidMovie(f"{name} must be an object, not {_kind(value)}. Nothing was sent.")
    return value


def _refuse_constant(word: str) -> Any:
    raise InvalidMovie(f"The movie holds {word}, which JSON cannot say. Nothing was sent.")


def _not_json(text: str | bytes, where: str, error: Exception) -> str:
    shown = text if isinstance(text, str) else text.decode("utf-8", "replace")
    hint = ""
    if not shown.strip():
        return f"{where} is empty. Nothing was sent."
    if isinstance(error, RecursionError):
        return f"{where} is nested too deep. Nothing was sent."
    if "{{" in shown and "xcom_pull" in shown:
        hint = " Strings in movie are not rendered by Jinja: pass the other task's .output, or set jinja=True."
    elif shown.strip().endswith((".json", ".json5")):
        hint = " To read a file, give its path as movie_file."
    return f"{where} is not JSON: {error}.{hint} Nothing was sent."


def _kind(value: Any) -> str:
    return "null" if value is None else f"a {type(value).__name__}"
