"""Rules about the movie's own properties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_j2v.movies import document
from airflow_provider_j2v.movies.findings import Problem
from airflow_provider_j2v.movies.rules.places import Place, is_number
from airflow_provider_j2v.movies.rules.registry import DISPUTED, DOCUMENTED, THIRD_PARTY, rule
from airflow_provider_j2v.movies.values import shown

#: Pixels a side of a movie of its own size may have.
LEAST, MOST = 50, 3840


@rule("not-json", "error", f"{DOCUMENTED} (errors of POST /movies)", on="movie")
def not_json(place: Place) -> list[Problem]:
    """A value JSON has no word for: NaN, infinity, a date, a set, something without end. Nothing inside scenes and
    elements is looked at then.
    """
    return place.whole.unsendable


@rule("too-large", "error", f"{THIRD_PARTY} (a client that quotes the limits page)", on="movie")
def too_large(place: Place) -> list[Problem]:
    """More than 2 MB of JSON."""
    return place.whole.too_large


@rule("empty-movie", "error", f"{DOCUMENTED} (errors)", on="movie")
def empty_movie(place: Place) -> Iterator[Problem]:
    """Neither scenes nor elements nor a template: the length would be zero."""
    return document.empty(place.data)


@rule("wrong-form", "error", f"{DOCUMENTED} (JSON syntax)", on="movie")
def wrong_form(place: Place) -> Iterator[Problem]:
    """Scenes, elements, exports or destinations that are no list of objects."""
    yield from document.wrong_form(place.data)
    if place.whole.template is not None:
        yield from document.wrong_form(place.whole.template, place.whole.root)


@rule("client-data-spelling", "error", f"{DOCUMENTED} (movie)", on="movie")
def client_data_spelling(place: Place) -> Iterator[Problem]:
    """`client_data` with an underscore is not accepted; the data would be lost."""
    return document.ignored(place.data)


@rule(
    "template-id",
    "error",
    f"{DOCUMENTED} (template tutorial; an early text used the name)",
    on="movie",
    keys=("template",),
)
def template_id(place: Place, key: str, value: Any) -> Problem | None:
    """A template named by anything but its id of 20 characters."""
    if not value or (isinstance(value, str) and len(value) == 20 and " " not in value):
        return None
    what = f"must be the id of a saved template, of 20 characters, not {shown(value)}"
    return place.problem("template", what, "take the id from the list of templates; a name does not work")


@rule(
    "beside-template", "error", f"{DOCUMENTED} (template tutorial)", on="movie", keys=("scenes", "elements", "preload")
)
def beside_template(place: Place, key: str, value: Any) -> Problem | None:
    """Scenes, elements or preloads beside `template`: the service takes only settings and variables over a template."""
    if not value or not place.data.get("template") or place.path != "movie":
        return None
    what = "would be ignored: beside a template only settings and variables count"
    return place.problem(key, what, "put it into the template, or leave the template out")


@rule(
    "custom-size",
    "error",
    f"{DOCUMENTED} (the service's n8n node), {THIRD_PARTY}",
    on="movie",
    keys=("width", "height"),
)
def custom_size(place: Place, key: str, value: Any) -> Problem | None:
    """A movie of its own size with a side below 50 or above 3840 pixels."""
    side = place.value(key)
    if not is_number(side) or LEAST <= side <= MOST or _is_preset(place):
        return None
    return place.problem(key, f"must be from {LEAST} to {MOST} pixels, not {shown(side)}", "correct it")


@rule("size-ignored", "warning", f"{DOCUMENTED} (movie)", on="movie", keys=("width", "height"))
def size_ignored(place: Place, key: str, value: Any) -> Problem | None:
    """Width or height beside a resolution other than `custom`, which decides the size alone."""
    if not _is_preset(place):
        return None
    what = f"has no effect with resolution {shown(place.whole.setting('resolution'))}"
    return place.problem(key, what, 'write "resolution": "custom"')


@rule("half-a-size", "warning", f"{DOCUMENTED} (movie)", on="movie")
def half_a_size(place: Place) -> Problem | None:
    """Only one of width and height: the other is 640 or 360 whatever the first one is."""
    whole = place.whole
    given = [key for key in ("width", "height") if whole.setting(key) is not None]
    if len(given) != 1 or given[0] not in place.data or _is_preset(place) or _template_unknown(place):
        return None
    other, default = ("height", 360) if given[0] == "width" else ("width", 640)
    return place.problem(given[0], f"is given without {other}, which is {default} then", f"give {other} too")


@rule("no-scenes", "warning", f"{DOCUMENTED} (movie)", on="movie")
def no_scenes(place: Place) -> Problem | None:
    """No `scenes`, though the key is documented as required and may hold an empty list."""
    if "scenes" in place.data or place.data.get("template") or not place.data.get("elements"):
        return None
    return Problem("movie", "has no scenes, a key that is documented as required", 'add "scenes": []')


@rule("nothing-to-show", "warning", DISPUTED, on="movie")
def nothing_to_show(place: Place) -> Problem | None:
    """Not one element: documents call it a black movie of five seconds in one place and an error in another."""
    whole = place.whole
    if not whole.scenes or whole.kinds or any("import" in scene for _, scene in whole.scenes):
        return None
    if all("duration" in scene for _, scene in whole.scenes):
        return None
    return Problem(f"{whole.root}.scenes", "hold no element at all", "add elements, or give each scene a duration")


@rule(
    "key-in-movie",
    "warning",
    f"{DOCUMENTED} (authentication); seen in a third party's client",
    on="movie",
    keys=("apiKey", "api_key", "api-key", "apikey", "x-api-key"),
)
def key_in_movie(place: Place, key: str, value: Any) -> Problem:
    """An API key in the movie: it goes into the header, and everybody who can read the account's movies reads this."""
    what = "looks like an API key, which has no place in a movie"
    return place.problem(key, what, "take it out; the Airflow connection holds the key")


def _is_preset(place: Place) -> bool:
    """Whether a resolution other than ``custom`` decides the size."""
    resolution = place.whole.setting("resolution")
    return isinstance(resolution, str) and resolution != "custom" and "{{" not in resolution


def _template_unknown(place: Place) -> bool:
    return bool(place.data.get("template")) and place.whole.template is None
