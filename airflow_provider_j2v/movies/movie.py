"""Movie, scene, and where the finished file goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from airflow_provider_j2v.movies.document import read_movie
from airflow_provider_j2v.movies.elements import AnyElement
from airflow_provider_j2v.movies.parts import (
    AS_WRITTEN,
    Bool,
    Condition,
    Expr,
    Num,
    Part,
    Settings,
    Str,
    Strs,
    Variables,
)
from airflow_provider_j2v.movies.values import Flag, Number, Word

Resolution = Literal[
    "sd",
    "hd",
    "full-hd",
    "squared",
    "instagram-feed",
    "instagram-story",
    "twitter-landscape",
    "twitter-portrait",
    "custom",
]
Quality = Literal["low", "medium", "high"]
DestinationType = Literal["webhook", "ftp", "sftp", "email"]
TransitionType = Literal["xfade"]
# From the service's OpenAPI file of 2022, the only list there is.
TransitionStyle = Literal[
    "fade",
    "wipeleft",
    "wiperight",
    "wipeup",
    "wipedown",
    "slideleft",
    "slideright",
    "slideup",
    "slidedown",
    "circlecrop",
    "rectcrop",
    "distance",
    "fadeblack",
    "fadewhite",
    "radial",
    "smoothleft",
    "smoothright",
    "smoothup",
    "smoothdown",
    "circleopen",
    "circleclose",
    "vertopen",
    "vertclose",
    "horzopen",
    "horzclose",
    "dissolve",
    "pixelize",
    "diagtl",
    "diagtr",
    "diagbl",
    "diagbr",
    "hlslice",
    "hrslice",
    "vuslice",
    "vdslice",
    "hblur",
    "fadegrays",
    "wipetl",
    "wipetr",
    "wipebl",
    "wipebr",
    "squeezeh",
    "squeezev",
    "zoomin",
]

_SIZE_HINTS = {
    "instagram-portrait": 'write "instagram-story" for 1080x1920',
    "4k": 'write "custom" with "width": 3840 and "height": 2160',
}


class Transition(Part):
    """How the scene before becomes this one."""

    _called = "a transition"

    type: Annotated[TransitionType | str | None, Word(TransitionType)] = None
    """Always xfade."""
    style: Annotated[TransitionStyle | str | None, Word(TransitionStyle)] = None
    """What it looks like; fade by default."""
    duration: Annotated[Num, Number(0)] = None
    """Seconds."""


class Preload(Part):
    """An asset that is made before the movie, for elements to refer to by its id. The details are not documented."""

    _open = True

    id: Str = None
    """Its name for elements of the movie."""
    type: Str = None
    """image, video, voice, …"""
    src: Str = None
    """URL of a file."""
    prompt: Str = None
    """What the AI model is to make."""
    text: Str = None
    """What the voice says."""
    voice: Str = None
    """The voice's name."""
    model: Str = None
    """The AI model, by name or alias."""
    connection: Str = None
    """Who is billed: a JSON2Video Connection's id, or airflow:<conn id>."""
    model_settings: Settings = None
    """Settings of the AI model."""
    save_to_media: Annotated[Bool, Flag()] = None
    """Keeps what was made in the Drive, instead of three days in the cache."""


class Scene(Part):
    """A part of the movie; scenes play one after the other."""

    _called = "a scene"

    id: Str = None
    """Your name for it, for import."""
    comment: Str = None
    """A note; the renderer ignores it."""
    background_color: Str = None
    """#rrggbb or transparent; #000000 by default."""
    duration: Annotated[Num, Number(-1)] = None
    """Seconds; -1 (default) as long as its elements."""
    elements: Sequence[AnyElement] | None = None
    """What is seen and heard; later ones lie over earlier ones."""
    transition: Transition | Expr | None = None
    """How the scene before becomes this one."""
    condition: Condition = None
    """The scene is left out when this is empty, false or null: "{{ price > 0 }}"."""
    variables: Variables = None
    """Values for the placeholders in this scene; nearer ones win over the movie's."""
    cache: Annotated[Bool, Flag()] = None
    """False renders it anew; true by default."""
    import_: Str = None
    """Id of another scene, whose elements are added to these."""
    iterate: Str = None
    """Name of a movie variable that is a list of objects: the scene plays once for each, their fields as variables."""
    iterate_from: Annotated[Num, Number(whole=True)] = None
    """Index of the first one that plays."""
    iterate_to: Annotated[Num, Number(whole=True)] = None
    """Index of the first one that does not play any more."""
    iterate_step: Annotated[Num, Number(whole=True)] = None
    """2 plays every second one, and so on."""
    preload: Sequence[Preload] | None = None
    """Assets to make before the scene."""


class Destination(Part):
    """Where the service itself sends the finished file: one of the types, or a saved Connection by its ``id``."""

    _called = "a destination"

    id: Str = None
    """A Connection saved in the dashboard, or airflow:<conn id>; other properties override what is saved there."""
    type: Annotated[DestinationType | str | None, Word(DestinationType)] = None
    """Not needed with an id."""
    endpoint: Str = None
    """webhook: a public https URL."""
    content_type: Str = None
    """webhook: application/json (default) or application/x-www-form-urlencoded; short forms are ignored in silence."""
    host: Str = None
    """ftp, sftp: the server."""
    port: Annotated[Num, Number(1, 65535, whole=True)] = None
    """ftp, sftp: the server's port."""
    username: Str = None
    """ftp, sftp."""
    password: Str = Field(default=None, repr=False)
    """ftp, sftp. Everyone with a key of the account can read it: refer to a saved Connection instead."""
    remote_path: Str = None
    """ftp, sftp: the folder; "./" by default. Macros such as __yyyy__ work."""
    file: Str = None
    """ftp, sftp: the file's name. Macros such as __yyyy__ and __filename__ work."""
    to: Strs = None
    """email: who receives it."""
    from_: Str = None
    """email: who sends it."""
    subject: Str = None
    """email. Macros such as __yyyy__ work."""
    message: Str = None
    """email. Macros such as __video_url__ work."""


class Export(Part):
    """Destinations, served in this order."""

    _called = "an export"

    destinations: Sequence[Destination] | None = None
    """Where the file goes."""


class Movie(Part):
    """A movie, as JSON2Video renders it."""

    _called = "a movie"
    _formerly: ClassVar = {
        "draft": "remove it: whether a video has a watermark depends on the plan",
        "settings": "remove it",
        "webhook": 'use "exports" with a destination of type webhook',
    }

    id: Str = None
    """Your name for it; only webhooks repeat it."""
    comment: Str = None
    """A note; the renderer ignores it."""
    resolution: Annotated[Resolution | str | None, Word(Resolution, _SIZE_HINTS)] = None
    """Size of the picture; custom (default) takes width and height."""
    width: Annotated[Num, Number(50, 3840, whole=True)] = None
    """Pixels, with resolution custom; 640 by default."""
    height: Annotated[Num, Number(50, 3840, whole=True)] = None
    """Pixels, with resolution custom; 360 by default."""
    quality: Annotated[Quality | str | None, Word(Quality)] = None
    """high by default; the price is the same."""
    fps: Annotated[Num, Number(1, 120, whole=True)] = None
    """Frames a second; 25 by default."""
    cache: Annotated[Bool, Flag()] = None
    """False renders everything anew; true by default."""
    template: Str = None
    """Id of a saved template to render instead of scenes."""
    variables: Variables = None
    """Values for the placeholders; names of letters, digits and underscores."""
    scenes: Sequence[Scene] | None = None
    """The parts of the movie, in order of play."""
    elements: Sequence[AnyElement] | None = None
    """What lies over all scenes; subtitles belong here."""
    exports: Sequence[Export] | None = None
    """Where the service itself sends the finished file."""
    preload: Sequence[Preload] | None = None
    """Assets to make before the movie."""
    client_data: Variables = None
    """Your own data: it comes back with the status and in webhooks."""

    @classmethod
    def load(cls, source: Any) -> Self:
        """The movie of a document. It knows the service's names only, so that what it dumps is that document again.

        :param source: a mapping, or JSON text of an object.
        :raises InvalidMovie: it is neither.
        :raises pydantic.ValidationError: it deviates from the schema; ``deviations`` tells more.
        """
        return cls.model_validate(read_movie(source), context=AS_WRITTEN)
