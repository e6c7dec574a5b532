"""From the service's words about a failure to the element they mean."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_j2v.api.reply import escape

# "Scene #1, element #2: …" and "… in Scene 1, Element 2"; an element without a scene lies over the whole movie.
_PLACE = re.compile(r"scene #?(\d{1,6})(?:,? element #?(\d{1,6}))?|element #?(\d{1,6})", re.IGNORECASE)
_SHOWN = 400


def failing_element(message: str, movie: Mapping[str, Any]) -> str | None:
    """The element, or scene, that an error message names, with its path, as one line; None when it names none.

    :param message: the service's reason; it counts scenes and elements from 1.
    :param movie: the movie as its author wrote it.
    """
    place = _PLACE.search(message)
    if place is None:
        return None
    scene, element, bare = place.groups()
    path, holder = "movie", movie
    if scene:
        path, found = _item(movie, "scenes", scene, path)
        if found is None or element is None:
            return _shown(path, found)
        holder = found
    path, found = _item(holder, "elements", element or bare, path)
    return _shown(path, found)


def _item(holder: Mapping[str, Any], name: str, number: str, path: str) -> tuple[str, Mapping[str, Any] | None]:
    items, i = holder.get(name), int(number) - 1
    found = items[i] if isinstance(items, list) and 0 <= i < len(items) else None
    return f"{path}.{name}[{i}]", found if isinstance(found, Mapping) else None


def _shown(path: str, found: Mapping[str, Any] | None) -> str | None:
    if found is None:
        return None
    text = json.dumps(found, ensure_ascii=False, default=str)
    return f"{path} = {escape(text, _SHOWN)}"
