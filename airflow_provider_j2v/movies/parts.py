"""What everything in a movie is made of, and the small objects that elements hold.

Names are Python's (``font_size``), in the document the service's (``font-size``); both are accepted. Only what was
given is in the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationInfo,
    model_serializer,
    model_validator,
)

from airflow_provider_j2v.movies.values import Expression, Number, Object, Texts, Textual, Truth

# What type checkers and editors are told; the rule beside it decides.
Num = float | str | None
Bool = bool | str | None
Expr = Annotated[str, Expression()]
Str = Annotated[str | None, Textual()]
Css = Annotated[float | str | None, Textual(number=True)]
Variables = Annotated[dict[str, Any] | None, Object()]
Settings = Annotated[dict[str, Any] | str | None, Object(expression=True)]
Condition = Annotated[bool | str | None, Truth()]
Strs = Annotated[Sequence[str] | str | None, Texts()]

#: Validation context of a document: its names are the service's, and "z_index" is an unknown one.
AS_WRITTEN = "as written"


def spelled(name: str) -> str:
    """A property's name as the service spells it: ``import_`` is ``import``, ``font_size`` is ``font-size``."""
    return name.rstrip("_").replace("_", "-")


class Part(BaseModel):
    """Base of everything in a movie. Unknown properties are kept; ``model_dump()`` is the document's JSON."""

    model_config = ConfigDict(
        extra="allow",
        alias_generator=spelled,
        validate_by_name=True,
        validate_assignment=True,
        hide_input_in_errors=True,  # the messages show what may be shown
        use_attribute_docstrings=True,
        field_title_generator=lambda name, _: name.rstrip("_").replace("_", " ").capitalize(),
        defer_build=True,  # the check of raw documents needs no validators
    )

    #: How messages call it.
    _called: ClassVar[str] = "this object"
    #: Names that are not properties (any more) → what to do instead.
    _formerly: ClassVar[Mapping[str, str]] = {}
    #: Unknown names are not worth a word: the documentation of its properties is incomplete.
    _open: ClassVar[bool] = False

    def serialize(self) -> dict[str, Any]:
        """The document. Airflow shows rendered fields and hashes DAGs by a method of this name."""
        return self.model_dump()

    @model_serializer
    def _given(self) -> dict[str, Any]:
        """What was given, under the service's names: no default reaches the document."""
        names = (name for name in type(self).model_fields if name in self.model_fields_set)
        given = {spelled(name): getattr(self, name) for name in names} | (self.__pydantic_extra__ or {})
        return {name: _document(value) for name, value in given.items()}

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        return ((name, value) for name, value in super().__repr_args__() if value is not None)

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Refuses outputs of tasks, and keeps names that only look like a property's in a document."""
        if not isinstance(data, Mapping):
            return handler(data)
        if any(hasattr(value, "iter_references") for value in data.values()):
            raise ValueError("a typed movie cannot hold another task's output: give a mapping, or use variables")
        if info.context != AS_WRITTEN:
            return handler(data)
        unknown = {name: data[name] for name in data if name in cls.model_fields and spelled(name) != name}
        part = handler({name: value for name, value in data.items() if name not in unknown})
        if part.__pydantic_extra__ is not None:
            part.__pydantic_extra__.update(unknown)
        return part


def _document(value: Any) -> Any:
    """Parts as plain JSON; pydantic 2.11 cannot dump what it finds in place when building is deferred."""
    if isinstance(value, Part):
        return value.model_dump()
    return [_document(item) for item in value] if isinstance(value, list | tuple) else value


class Crop(Part):
    """The part of the picture that is kept, in pixels."""

    _called = "crop"

    width: Annotated[Num, Number(whole=True)] = None
    """Width of the part that is kept, in pixels."""
    height: Annotated[Num, Number(whole=True)] = None
    """Height of the part that is kept, in pixels."""
    x: Annotated[Num, Number(whole=True)] = None
    """Its left edge, in pixels; 0 by default."""
    y: Annotated[Num, Number(whole=True)] = None
    """Its upper edge, in pixels; 0 by default."""


class Rotate(Part):
    """A turn, or with ``speed`` a turning."""

    _called = "rotate"

    angle: Annotated[Num, Number(-360, 360)] = None
    """Degrees."""
    speed: Annotated[Num, Number()] = None
    """Seconds that the turn takes; 0, the default, is a turned picture that does not move."""


class ChromaKey(Part):
    """A colour that becomes transparent."""

    _called = "chroma-key"

    color: Str = None
    """The colour, as #rrggbb."""
    tolerance: Annotated[Num, Number(1, 100, whole=True)] = None
    """How far around the colour: 1 is only itself, 100 all colours; 25 by default."""


class Correction(Part):
    """Colour correction."""

    _called = "correction"

    brightness: Annotated[Num, Number(-1, 1)] = None
    """-1 to 1; 0 changes nothing."""
    contrast: Annotated[Num, Number()] = None
    """1 changes nothing."""
    gamma: Annotated[Num, Number(0.1, 10)] = None
    """0.1 to 10; 1 changes nothing."""
    saturation: Annotated[Num, Number(0, 3)] = None
    """0 to 3; 1 changes nothing."""


class Keyframe(Part):
    """What an element looks like at one moment; in between the service interpolates."""

    _called = "a keyframe"

    time: Css = None
    """Seconds, negative ones from the end, or a percentage of the duration such as "50%"."""
    x: Annotated[Num, Number()] = None
    """Pixels from the left."""
    y: Annotated[Num, Number()] = None
    """Pixels from the top."""
    width: Annotated[Num, Number()] = None
    """Pixels."""
    height: Annotated[Num, Number()] = None
    """Pixels."""
    zoom: Annotated[Num, Number()] = None
    """Zoom level."""
    easing: Str = None
    """Name of the easing towards this keyframe."""
