"""What the service answers about saved templates. Its documents leave much open here: both spellings are read."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field
from pydantic_core import from_json

from airflow_provider_j2v.api.answers import Answer, Lenient, Moment

#: Variables that the service adds to every template, for another product's connector (seen live).
INJECTED = frozenset({"make_webhook_url", "client_data"})


def tag_list(tags: Any) -> list[str]:
    """Tags as a list, each once, in their order: the service takes a list as well as text with commas.

    :raises ValueError: it is neither.
    """
    texts = [tags] if isinstance(tags, str) else tags
    if not isinstance(texts, list | tuple | set | frozenset) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"tags must be text or a list of texts, not {tags!r:.80}")
    return list(dict.fromkeys(tag for text in texts for part in text.split(",") if (tag := part.strip())))


def _document(value: Any) -> Any:
    """A JSON document that may come as text; nothing at all is None."""
    if isinstance(value, str):
        return from_json(value, allow_inf_nan=False) if value.strip() else None
    return value


def _schema(value: Any) -> Any:
    """A JSON Schema without the variables nobody wrote; a template without variables may say so with nothing."""
    schema = _document(value)
    if schema is None or schema == []:
        return {"type": "object", "properties": {}}
    if not isinstance(schema, dict):
        return schema
    own = dict(schema)
    if isinstance(properties := schema.get("properties"), dict):
        own["properties"] = {name: rule for name, rule in properties.items() if name not in INJECTED}
    if isinstance(required := schema.get("required"), list):
        own["required"] = [name for name in required if name not in INJECTED]
    return own


Id = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$", validation_alias=AliasChoices("id", "templateId"))]
Tags = Annotated[list[str], BeforeValidator(tag_list)]


class TemplateRow(Answer):
    """A saved template as lists show it: without its movie. ``id`` has 20 characters.

    ``owner`` is False for one that is shared with the account and not its own.
    """

    id: Id
    name: Lenient[str] = None
    tags: Lenient[Tags] = None
    owner: Lenient[bool] = None
    created_at: Lenient[Moment] = None
    updated_at: Lenient[Moment] = None


class Template(TemplateRow):
    """One saved template with its movie, a JSON object whether it came as one or as text.

    ``ai_prompt`` is the text of its AI prompt, where it was asked for.
    """

    movie: Annotated[dict[str, Any] | None, BeforeValidator(_document)] = Field(None, repr=False)
    ai_prompt: Lenient[str] = None


class LibraryRow(TemplateRow):
    """A published template: links to a video and a picture of it, and its size in pixels."""

    video_url: Lenient[str] = None
    thumbnail_url: Lenient[str] = None
    width: Lenient[int] = None
    height: Lenient[int] = None


class TemplateAnswer(Answer):
    """``GET /templates?id=``."""

    template: Template


class TemplatesAnswer(Answer):
    """``GET /templates``: all templates of the account at once, the last changed first."""

    templates: list[TemplateRow]


class LibraryAnswer(Answer):
    """``GET /templates/library``."""

    templates: list[LibraryRow]


class Variables(Answer):
    """The ``template`` of an answer in ``format=jsonschema``."""

    variables: Annotated[dict[str, Any], BeforeValidator(_schema)]


class VariablesAnswer(Answer):
    """``GET /templates?id=&format=jsonschema``."""

    template: Variables


class Saved(Answer):
    """A template that was created, changed or duplicated; ``name`` is told of a duplicate only."""

    id: Id
    name: Lenient[str] = None
    timestamp: Lenient[Moment] = None


class Removed(Answer):
    """``DELETE /templates``: which one is not repeated."""

    timestamp: Lenient[Moment] = None
