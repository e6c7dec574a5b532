"""The nine element types.

Sources: the service's element pages and, for ranges, a transcription of its reference of 2025.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field

from airflow_provider_j2v.movies.parts import (
    Bool,
    ChromaKey,
    Condition,
    Correction,
    Crop,
    Css,
    Expr,
    Keyframe,
    Num,
    Part,
    Rotate,
    Settings,
    Str,
    Strs,
    Variables,
)
from airflow_provider_j2v.movies.values import Flag, Number, Textual, Word

Resize = Literal["cover", "fill", "fit", "contain"]
Pan = Literal["left", "right", "top", "bottom", "top-left", "top-right", "bottom-left", "bottom-right"]
# center-left and center-right are only in third parties' lists, the two of the middle column in tutorials.
Position = Literal[
    "custom",
    "top-left",
    "top-center",
    "top-right",
    "center-left",
    "center-center",
    "center-right",
    "bottom-left",
    "bottom-center",
    "bottom-right",
]
TextStyle = Literal["001", "002", "003", "004", "005", "006", "007", "008", "009", "010"]
AspectRatio = Literal["horizontal", "vertical", "squared"]
Transcription = Literal["default", "whisper"]


class Element(Part):
    """What all elements have."""

    _called = "an element"
    _formerly: ClassVar = {
        "scale": 'use "width" and "height"',
        "fit": 'write "resize"',
        "elements": "elements hold no elements: put them into the scene, and order them by z-index",
    }

    type: str
    """What kind of element it is."""
    id: Str = None
    """Your name for it; random by default."""
    comment: Str = None
    """A note; the renderer ignores it."""
    condition: Condition = None
    """The element is left out when this is empty, false or null: "{{ price > 0 }}"."""
    variables: Variables = None
    """Values for the placeholders in this element; nearer ones win over the scene's and the movie's."""
    cache: Annotated[Bool, Flag()] = None
    """False makes or downloads it anew; true by default."""
    start: Annotated[Num, Number()] = None
    """Seconds after the start of its scene, or of the movie; 0 by default."""
    duration: Annotated[Num, Number(-2)] = None
    """Seconds; -1 (default) as long as its content, -2 as long as its scene or the movie."""
    extra_time: Annotated[Num, Number()] = None
    """Seconds that it stays after its end; 0 by default."""
    z_index: Annotated[Num, Number(-99, 99, whole=True)] = None
    """Higher ones lie over lower ones; 0 by default."""
    fade_in: Annotated[Num, Number(0)] = None
    """Seconds."""
    fade_out: Annotated[Num, Number(0)] = None
    """Seconds."""

    def model_post_init(self, context: Any) -> None:
        """The type is always in the document."""
        self.__pydantic_fields_set__.add("type")


class Visual(Element):
    """What all elements that are seen have."""

    position: Annotated[Position | str | None, Word(Position)] = None
    """Where it lies; custom (default) takes x and y."""
    x: Annotated[Num, Number()] = None
    """Pixels from the left, with position custom; 0 by default."""
    y: Annotated[Num, Number()] = None
    """Pixels from the top, with position custom; 0 by default."""
    width: Annotated[Num, Number()] = None
    """Pixels; -1 (default) by its proportions."""
    height: Annotated[Num, Number()] = None
    """Pixels; -1 (default) by its proportions."""
    resize: Annotated[Resize | str | None, Word(Resize)] = None
    """How it fills the box of width and height."""
    crop: Crop | Expr | None = None
    """The part of the picture that is kept."""
    rotate: Rotate | Expr | None = None
    """A turn."""
    zoom: Annotated[Num, Number(-10, 10)] = None
    """Moves closer, or away below 0, while it is shown."""
    pan: Annotated[Pan | str | None, Word(Pan)] = None
    """Moves into this direction while it is shown."""
    pan_distance: Annotated[Num, Number(0.01, 0.5)] = None
    """How far it pans, as a part of its size; 0.1 by default."""
    pan_crop: Annotated[Bool, Flag()] = None
    """Stretches it while panning, so that no edge shows; true by default."""
    chroma_key: ChromaKey | Expr | None = None
    """A colour that becomes transparent."""
    correction: Correction | Expr | None = None
    """Colour correction."""
    flip_horizontal: Annotated[Bool, Flag()] = None
    """Left becomes right."""
    flip_vertical: Annotated[Bool, Flag()] = None
    """Top becomes bottom."""
    mask: Str = None
    """URL of a picture or video: black hides, white shows."""
    keyframes: Sequence[Keyframe] | Expr | None = None
    """Positions, sizes and zoom over time."""


class Audible(Element):
    """What all elements that are heard have."""

    muted: Annotated[Bool, Flag()] = None
    """Silent; false by default."""
    volume: Annotated[Num, Number(0, 10)] = None
    """1 (default) as it is, 0 silent, 10 the loudest."""


class Recorded(Audible):
    """Sound from a file."""

    seek: Annotated[Num, Number()] = None
    """Seconds of the file that are left out at its start; 0 by default."""
    loop: Annotated[Num, Number(-1, whole=True)] = None
    """How often it plays; -1 without end."""


class Generated(Element):
    """What an AI model can make."""

    prompt: Str = None
    """What the AI model is to make, instead of src."""
    model: Str = None
    """The AI model, by name or alias."""
    aspect_ratio: Annotated[AspectRatio | str | None, Word(AspectRatio)] = None
    """Shape of what the AI model makes."""
    connection: Str = None
    """Who is billed: a JSON2Video Connection's id, or airflow:<conn id>."""
    model_settings: Settings = None
    """Settings of the AI model."""
    save_to_media: Annotated[Bool, Flag()] = None
    """Keeps what was made in the Drive, instead of three days in the cache."""


class Image(Visual, Generated):
    """A picture: ``src``, or ``prompt`` for an AI model."""

    _called = "an image element"

    type: Literal["image"] = "image"
    src: Str = None
    """URL of the file: png, jpg, gif, webp, …; public Google Drive and Dropbox links work."""


class Video(Visual, Generated, Recorded):
    """A film: ``src``, or ``prompt`` for an AI model."""

    _called = "a video element"

    type: Literal["video"] = "video"
    src: Str = None
    """URL of the file; mp4 is best."""


class TextSettings(Part):
    """How a text looks; the service drops unknown names in silence. Most CSS properties of text and boxes work."""

    _called = "a text's settings"

    font_family: Css = None
    """A Google font's name, or a font file's URL."""
    font_url: Css = None
    """URL of a ttf or otf file."""
    font_size: Css = None
    """Such as "88px" or "10vw"."""
    font_weight: Css = None
    """100 to 900."""
    font_style: Css = None
    """Such as italic."""
    font_color: Css = None
    """#rrggbb, rgb(…), rgba(…), a CSS colour or transparent."""
    color: Css = None
    """As font-color."""
    background: Css = None
    background_color: Css = None
    """#rrggbb, rgb(…), rgba(…), a CSS colour or transparent."""
    text_align: Css = None
    """left, center, right or justify."""
    vertical_position: Css = None
    """Of the text box in the element: top, center or bottom."""
    horizontal_position: Css = None
    """Of the text box in the element: left, center or right."""
    vertical_align: Css = None
    """As vertical-position."""
    horizontal_align: Css = None
    """As horizontal-position."""
    line_height: Css = None
    """Multiple of the font's size."""
    letter_spacing: Css = None
    word_spacing: Css = None
    text_decoration: Css = None
    text_indent: Css = None
    text_shadow: Css = None
    """Such as "2px 2px 4px #000000"."""
    text_transform: Css = None
    """uppercase, lowercase or capitalize."""
    white_space: Css = None
    width: Css = None
    max_width: Css = None
    height: Css = None
    margin: Css = None
    padding: Css = None
    border: Css = None
    border_color: Css = None
    border_radius: Css = None
    border_style: Css = None
    border_width: Css = None
    box_shadow: Css = None
    opacity: Css = None


class Text(Visual):
    """A text."""

    _called = "a text element"

    type: Literal["text"] = "text"
    text: Annotated[str, Textual()]
    """What it says; no markup."""
    style: Annotated[TextStyle | str | None, Word(TextStyle)] = None
    """Animation: "001" (default) to "010"."""
    settings: TextSettings | Expr | None = None
    """How it looks."""


class Html(Visual):
    """A web page, or a piece of HTML, as a picture: ``html`` or ``src``."""

    _called = "an html element"
    _formerly: ClassVar = {"tailwind": 'write "tailwindcss"'}

    type: Literal["html"] = "html"
    html: Str = None
    """HTML with CSS and JavaScript."""
    src: Str = None
    """URL of a page."""
    tailwindcss: Annotated[Bool, Flag()] = None
    """Loads Tailwind CSS; false by default."""
    wait: Annotated[Num, Number(0, 5)] = None
    """Seconds before the picture is taken; 2 by default."""


class Component(Visual):
    """A ready-made animation of the service's library."""

    _called = "a component element"

    type: Literal["component"] = "component"
    component: Annotated[str, Textual()]
    """Its id in the library, such as basic/050."""
    settings: Settings = None
    """The component's own settings."""


class Audio(Recorded):
    """Sound from a file."""

    _called = "an audio element"

    type: Literal["audio"] = "audio"
    src: Str = None
    """URL of the file: mp3, aac, flac, ogg, …"""


class Voice(Audible):
    """A spoken text."""

    _called = "a voice element"

    type: Literal["voice"] = "voice"
    text: Annotated[str, Textual()]
    """What is said; with model azure also SSML."""
    voice: Str = None
    """The voice's name. Name it: sources disagree about the default."""
    model: Str = None
    """The AI model, by name or alias; azure by default."""
    connection: Str = None
    """Who is billed: a JSON2Video Connection's id, or airflow:<conn id>."""
    model_settings: Settings = None
    """Settings of the AI model."""
    save_to_media: Annotated[Bool, Flag()] = None
    """Keeps what was made in the Drive, instead of three days in the cache."""


class Audiogram(Visual):
    """The waves of a sound."""

    _called = "an audiogram element"

    type: Literal["audiogram"] = "audiogram"
    src: Str = None
    """URL of the sound."""
    color: Str = None
    """#rrggbb; #ffffff by default."""
    opacity: Annotated[Num, Number(0, 1)] = None
    """0 to 1; 0.5 by default."""
    amplitude: Annotated[Num, Number(0, 10)] = None
    """0 to 10; 5 by default."""


class SubtitlesSettings(Part):
    """How subtitles look."""

    _called = "the subtitles' settings"
    _formerly: ClassVar = {"highlight-color": 'write "word-color"'}

    style: Str = None
    """Such as classic, classic-progressive, boxed-line or boxed-word."""
    font_family: Str = None
    """Name of a font."""
    font_size: Annotated[Num, Number()] = None
    """Pixels."""
    font_url: Str = None
    """URL of a ttf file."""
    position: Annotated[Position | str | None, Word(Position)] = None
    """Where they stand; custom takes x and y."""
    x: Annotated[Num, Number()] = None
    """Pixels from the left, with position custom."""
    y: Annotated[Num, Number()] = None
    """Pixels from the top, with position custom."""
    word_color: Str = None
    """Colour of the word that is being said."""
    line_color: Str = None
    """Colour of the other words."""
    box_color: Str = None
    """Colour of the box, in styles that have one."""
    outline_color: Str = None
    outline_width: Annotated[Num, Number(0)] = None
    """Pixels."""
    shadow_color: Str = None
    shadow_offset: Annotated[Num, Number()] = None
    """Pixels."""
    max_words_per_line: Annotated[Num, Number(1, whole=True)] = None
    all_caps: Annotated[Bool, Flag()] = None
    """In capitals."""
    keywords: Strs = None
    """Words that the transcription might not know."""
    replace: Settings = None
    """Words to replace in the transcription: {"jason": "JSON"}."""


class Subtitles(Element):
    """Subtitles for the whole movie: of a file, or transcribed from what is said."""

    _called = "a subtitles element"

    type: Literal["subtitles"] = "subtitles"
    captions: Str = None
    """URL of an SRT, VTT or ASS file, or its content; without it the sound is transcribed."""
    language: Str = None
    """Language code; auto by default."""
    model: Annotated[Transcription | str | None, Word(Transcription)] = None
    """Who transcribes."""
    settings: SubtitlesSettings | Expr | None = None
    """How they look."""


#: Any element, told by its ``type``.
AnyElement = Annotated[
    Image | Video | Text | Html | Component | Audio | Voice | Audiogram | Subtitles, Field(discriminator="type")
]
#: The models of the elements by the word in ``type``.
ELEMENTS: Mapping[str, type[Element]] = {
    model.model_fields["type"].default: model for model in get_args(get_args(AnyElement)[0])
}
