"""Rules about elements."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.movies.findings import Problem
from airflow_provider_j2v.movies.placeholders import MISSING, Field, only
from airflow_provider_j2v.movies.rules.places import Place
from airflow_provider_j2v.movies.rules.registry import DISPUTED, DOCUMENTED, LIVE, OURS, rule
from airflow_provider_j2v.movies.values import shown

#: Element types, and the properties of which each needs one.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "image": ("src", "prompt"),
    "video": ("src", "prompt"),
    "text": ("text",),
    "html": ("html", "src"),
    "component": ("component",),
    "audio": ("src",),
    "voice": ("text",),
    "audiogram": ("src",),
    "subtitles": (),
}
_MADE_OF_SOMETHING = tuple(kind for kind, names in REQUIRED.items() if names)
#: What subtitles can be transcribed from; a component may hold sound too.
_SOUNDING = ("audio", "voice", "video", "component", "html")


@rule("element-type", "error", f"{DOCUMENTED} (element)", on="element")
def element_type(place: Place) -> Problem | None:
    """An element without a type, or of a type that does not exist (any more)."""
    if place.kind in REQUIRED or (place.kind and "{{" in place.kind):
        return None
    given, words = place.data.get("type"), ", ".join(REQUIRED)
    if given is None or given == "":
        return place.problem("type", "is missing", f"write one of {words}")
    if given == "template":
        hint = "a saved template is a movie of its own: name it as the movie's template"
        return place.problem("type", "is 'template', an element type that was removed", hint)
    near = place.whole.meant(given, lambda w: get_close_matches(w.lower(), REQUIRED, 1)) if place.kind else ""
    return place.problem("type", f"is {shown(given)}, which is no element type", f"{near}write one of {words}")


@rule(
    "missing-source",
    "error",
    f"{LIVE} (a video without `src`), {DOCUMENTED} (element pages)",
    on="element",
    types=_MADE_OF_SOMETHING,
)
def missing_source(place: Place) -> Problem | None:
    """An element without what it is made of, or with an empty one.

    `image` and `video` need `src` or `prompt`, `text` and `voice` `text`, `html` `html` or `src`, `component`
    `component`, `audio` and `audiogram` `src`.
    """
    gaps = _gaps(place)
    if not gaps or any(gap.variable for gap in gaps):
        return None
    gap = next((gap for gap in gaps if gap.name in place.data), gaps[0])
    return place.problem(gap.name, "is empty" if gap.name in place.data else "is missing", _needs(place))


@rule(
    "empty-source",
    "error",
    f"{DOCUMENTED} (common issues: an empty mapped `src`)",
    on="element",
    types=("image", "video", "audio", "audiogram"),
)
def empty_source(place: Place) -> Problem | None:
    """A file or prompt that is an empty variable, be it in one item of a repeated scene only, without a condition."""
    gap = next((gap for gap in _gaps(place) if gap.variable), None)
    if gap is None or "condition" in place.data or "condition" in (place.holder or ()):
        return None
    name = escape(gap.variable or "", 60)
    what = f"is {{{{{name}}}}}, and {name} is empty{' in some item' if gap.in_item else ''}"
    return place.problem(gap.name, what, f'{_needs(place)}; or give it "condition": "{{{{{name}}}}}"')


class _Gap(NamedTuple):
    """A property that gives an element nothing to be made of, and the empty variable that it names."""

    name: str
    variable: str | None = None
    in_item: bool = False


def _gaps(place: Place) -> list[_Gap]:
    """What an element lacks; nothing when one of the properties of which it needs one is there."""
    gaps = []
    for name in REQUIRED[place.kind or ""]:
        value = place.data.get(name)
        if value and isinstance(value, str) and (value[0] != "{" or value[-1] != "}"):  # nearly always
            return []
        if value in (None, "", [], {}) or value is False:
            gaps.append(_Gap(name))
            continue
        variable = only(value)
        found = place.scope.find(variable) if variable else MISSING
        values = found.values if isinstance(found, Field) else [found]
        if all(value is not None and value != "" for value in values):
            return []
        gaps.append(_Gap(name, variable, isinstance(found, Field)))
    own = place.data.get("id")
    if isinstance(own, str) and own in place.whole.preloaded:
        return []
    # Where src and prompt both come from the items, an item without the one may have the other.
    return [] if sum(gap.in_item for gap in gaps) > 1 else gaps


def _needs(place: Place) -> str:
    kind = place.kind or ""
    return f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind} element needs {' or '.join(REQUIRED[kind])}"


@rule("nested-elements", "error", f"{DOCUMENTED} (element)", on="element", keys=("elements", "scenes"))
def nested_elements(place: Place, key: str, value: Any) -> Problem | None:
    """An element inside an element."""
    if not value:
        return None
    hint = "put them beside it; start, duration and z-index say what is shown when and above what"
    return place.problem(key, "would not be rendered: elements hold no elements", hint)


@rule("src-and-prompt", "warning", OURS, on="element", keys=("prompt",), types=("image", "video"))
def src_and_prompt(place: Place, key: str, value: Any) -> Problem | None:
    """An image or video with both `src` and `prompt`: no document says which one counts."""
    if not value or not place.data.get("src"):
        return None
    return place.problem(key, "stands beside src, and no document says which one counts", "keep one of them")


@rule("voice-unset", "warning", DISPUTED, on="element", types=("voice",))
def voice_unset(place: Place) -> Problem | None:
    """A voice element without `voice`: documents name different default voices."""
    if place.data.get("voice"):
        return None
    return place.problem("voice", "is not set, and sources disagree about the default", "name the voice")


@rule("ssml-model", "warning", f"{DOCUMENTED} (voice)", on="element", keys=("text",), types=("voice",))
def ssml_model(place: Place, key: str, value: Any) -> Problem | None:
    """SSML for a voice model other than azure, the only one documented to read it."""
    model = place.data.get("model") or "azure"
    if not isinstance(value, str) or not value.lstrip().startswith("<speak") or model == "azure" or "{{" in str(model):
        return None
    return place.problem(key, f"is SSML, and {shown(model)} may read it out as text", 'write "model": "azure"')


@rule("subtitles-in-scene", "warning", DISPUTED, on="element", types=("subtitles",))
def subtitles_in_scene(place: Place) -> Problem | None:
    """Subtitles inside a scene: the tutorial has them at the movie, one example in a scene."""
    if place.holder is None:
        return None
    return Problem(
        place.path, "are subtitles in a scene", "put them into the movie's elements, where they cover it all"
    )


@rule("several-subtitles", "warning", f"{DOCUMENTED} (subtitles tutorial)", on="movie")
def several_subtitles(place: Place) -> Problem | None:
    """More than one subtitles element in a movie."""
    found = place.whole.types.get("subtitles", ())
    if len(found) < 2:
        return None
    path, i, _ = found[1]
    return Problem(f"{path}.elements[{i}]", f"is one of {len(found)} subtitles elements; a movie has one", "keep one")


@rule("subtitles-of-nothing", "warning", OURS, on="movie")
def subtitles_of_nothing(place: Place) -> Problem | None:
    """Subtitles without captions in a movie where nothing speaks."""
    types = place.whole.types
    silent = [f"{path}.elements[{i}]" for path, i, e in types.get("subtitles", ()) if not e.get("captions")]
    if not silent or any(kind in _SOUNDING or "{{" in kind for kind in types):
        return None
    what = "has no captions, and nothing in the movie can be heard"
    return Problem(silent[0], what, "give it captions, or the movie a voice or sound")
