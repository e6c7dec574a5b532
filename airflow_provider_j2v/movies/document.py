"""A movie from whatever the author gave, checked before anything is sent."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from airflow_provider_j2v.api.calls import encode
from airflow_provider_j2v.exceptions import InvalidMovie

#: What may be laid over a movie or a template: the properties a request may set over a template, and ``comment``.
OVERRIDES = ("resolution", "width", "height", "quality", "fps", "cache", "comment")
#: A larger body is refused by the service (about 2 MB, by a third party's account of its limits page).
MAX_MOVIE_BYTES = 2_000_000

_MAX_DEPTH = 200


def read_movie(source: Any, where: str = "movie") -> dict[str, Any]:
    """The movie as a new dict.

    :param source: a mapping, or JSON text of an object.
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
        document["exports"] = [exports] if isinstance(exports, Mapping) else exports
    plain: dict[str, Any] = _plain(document, "movie", 0)
    return plain


def check_movie(movie: Mapping[str, Any]) -> None:
    """Refuse what could only cost time or money: an empty movie, parts of the wrong form, too much of it.

    :raises InvalidMovie: the first such thing, with its place.
    """
    if not movie:
        raise InvalidMovie("The movie is empty: give it scenes, elements or a template. Nothing was sent.")
    if not (movie.get("template") or movie.get("scenes") or movie.get("elements")):
        raise InvalidMovie(
            "The movie has neither scenes nor elements nor a template, so its length would be zero. Nothing was sent."
        )
    if "client_data" in movie:
        raise InvalidMovie('movie.client_data would be ignored by the service; write "client-data". Nothing was sent.')
    for name in ("scenes", "elements", "exports"):
        _objects(movie.get(name), f"movie.{name}")
    for i, scene in enumerate(movie.get("scenes") or []):
        _objects(scene.get("elements"), f"movie.scenes[{i}].elements")
    for i, export in enumerate(movie.get("exports") or []):
        _objects(export.get("destinations"), f"movie.exports[{i}].destinations")
    size = len(encode(movie))
    if size > MAX_MOVIE_BYTES:
        raise InvalidMovie(
            f"The movie is {size / 1e6:.1f} MB of JSON, and the service takes about 2 MB: refer to files by URL "
            "instead of embedding them. Nothing was sent."
        )


def _objects(value: Any, path: str) -> None:
    if value is None:
        return
    if not isinstance(value, list):
        raise InvalidMovie(f"{path} must be a list of objects, not {_kind(value)}. Nothing was sent.")
    for i, item in enumerate(value):
        if not isinstance(item, dict):
            raise InvalidMovie(f"{path}[{i}] must be an object, not {_kind(item)}. Nothing was sent.")


def _plain(value: Any, path: str, depth: int) -> Any:
    """The value as JSON would have it: dicts, lists, text, numbers, booleans and null.

    :raises InvalidMovie: there is something else in it.
    """
    problem = None
    if depth > _MAX_DEPTH:
        problem = f"is nested more than {_MAX_DEPTH} deep"
    elif isinstance(value, Mapping):
        odd = next((key for key in value if not isinstance(key, str)), None)
        if odd is None:
            return {key: _plain(item, f"{path}.{key}", depth + 1) for key, item in value.items()}
        problem = f"has the key {odd!r}; keys of a JSON object are text"
    elif isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
    elif isinstance(value, float) and not math.isfinite(value):
        problem = f"is {value}, which JSON cannot say"
    elif value is not None and not isinstance(value, str | int | float):
        problem = f"is {_kind(value)}, which JSON cannot say"
    if problem:
        raise InvalidMovie(f"{path} {problem}. Nothing was sent.")
    return value


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
    if "{{" in shown and "xcom_pull" in shown:
        hint = " Strings in movie are not rendered by Jinja: pass the other task's .output, or set jinja=True."
    elif shown.strip().endswith((".json", ".json5")):
        hint = " To read a file, give its path as movie_file."
    return f"{where} is not JSON: {error}.{hint} Nothing was sent."


def _kind(value: Any) -> str:
    return "null" if value is None else f"a {type(value).__name__}"
