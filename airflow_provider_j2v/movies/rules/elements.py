"""Rules about elements."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.movies.findings import Problem
from airflow_provider_j2v.movies.rules.placeholders import Text
from airflow_provider_j2v.movies.rules.places import Place, only
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
_MADE_OF_FILES = ("image", "video", "audio", "audiogram")
_SOUNDING = ("audio", "voice", "video", "component", "html")


@rule("element-type", "error", f"{DOCUMENTED} (element)", on="element", types=("",))
def element_type(place: Place) -> Problem | None:
    """An element without a type, or of a type that does not exist (any more)."""
    if place.kind and "{{" in place.kind:
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
    names = REQUIRED[place.kind or ""]
    for name in names:
        value = place.data.get(name)
        if value or _is_zero(value):
            return None
    if _made_otherwise(place):
        return None
    name = next((name for name in names if name in place.data), names[0])
    return place.problem(name, "is empty" if name in place.data else "is missing", _needs(place))


@rule("empty-source", "error", f"{DOCUMENTED} (common issues: an empty mapped `src`)", on="text")
def empty_source(text: Text) -> Problem | None:
    """An element whose file or prompt is an empty variable, be it for one item of a repeated scene only."""
    return _emptied(text) if text.place.kind in _MADE_OF_FILES else None


@rule("empty-text", "warning", OURS, on="text")
def empty_text(text: Text) -> Problem | None:
    """An element whose text, page or component is an empty variable: no document says what becomes of it."""
    return None if text.place.kind in _MADE_OF_FILES else _emptied(text)


@rule("made-of-settings", "warning", OURS, on="element", keys=("model-settings",), types=("image", "video"))
def made_of_settings(place: Place, key: str, value: Any) -> Problem | None:
    """An image or video with neither `src` nor `prompt`, made of `model-settings` alone, as an avatar may be."""
    if not value or any(place.data.get(name) for name in REQUIRED[place.kind or ""]):
        return None
    what = "are all that it is made of, and no document says what a model takes from there"
    return place.problem(key, what, "give it a prompt or src, unless you have seen the model render without")


def _emptied(text: Text) -> Problem | None:
    """The problem of an element that an empty variable leaves with nothing to be made of."""
    place = text.place
    given = [name for name in REQUIRED.get(place.kind or "", ()) if place.data.get(name)]
    if given[:1] != [text.key] or any(place.value(name) not in (None, "") for name in given):
        return None
    if _made_otherwise(place):
        return None
    shown, index = escape(text.text, 60), place.index
    where = "" if index is None else f" for item {index} of the repeated list"
    condition = f'; or give it "condition": "{shown}"' if only(text.text) else ""
    return place.problem(text.key, f"is {shown}, which is empty{where}", _needs(place) + condition)


def _is_zero(value: Any) -> bool:
    """Whether it is the number, which can be read out and shown like any other."""
    return value == 0 and value is not False


def _made_otherwise(place: Place) -> bool:
    """Whether an element may come from a preload, or from settings of its model (what they hold is not documented)."""
    own = place.data.get("id")
    if isinstance(own, str) and own in place.whole.preloaded:
        return True
    return place.kind in ("image", "video") and bool(place.data.get("model-settings"))


def _needs(place: Place) -> str:
    kind = place.kind or ""
    return f"{'an' if kind[:1] in 'aeiouh' else 'a'} {kind} element needs {' or '.join(REQUIRED[kind])}"


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
    if place.turn is None:
        return None
    return Problem(
        place.path, "are subtitles in a scene", "put them into the movie's elements, where they cover it all"
    )


@rule("several-subtitles", "warning", f"{DOCUMENTED} (subtitles tutorial)", on="movie")
def several_subtitles(place: Place) -> Problem | None:
    """More than one subtitles element in a movie."""
    found = list(place.whole.subtitles)
    if len(found) < 2:
        return None
    return Problem(found[1], f"is one of {len(found)} subtitles elements; a movie has one", "keep one")


@rule("subtitles-of-nothing", "warning", OURS, on="movie")
def subtitles_of_nothing(place: Place) -> Problem | None:
    """Subtitles without captions in a movie where nothing speaks."""
    silent = [path for path, element in place.whole.subtitles.items() if not element.get("captions")]
    if not silent or any(kind in _SOUNDING or "{{" in kind for kind in place.whole.kinds):
        return None
    what = "has no captions, and nothing in the movie can be heard"
    return Problem(silent[0], what, "give it captions, or the movie a voice or sound")
