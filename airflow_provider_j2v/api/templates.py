"""The calls on saved templates, each written once. Reading needs a key of role *Render*, writing *Editor*.

Sources: the service's pages on templates, and what its own n8n team saw live.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from airflow_provider_j2v.api.calls import Call, encode
from airflow_provider_j2v.api.redaction import secrets_of
from airflow_provider_j2v.api.reply import Reply, model
from airflow_provider_j2v.api.template_answers import (
    LibraryAnswer,
    LibraryRow,
    Removed,
    Saved,
    Template,
    TemplateAnswer,
    TemplateRow,
    TemplatesAnswer,
    VariablesAnswer,
    tag_list,
)
from airflow_provider_j2v.exceptions import ConfigurationError

#: Characters that the name of a template may have (documented).
MAX_NAME = 100
#: The service takes a template's movie up to about this many bytes of JSON (documented).
MAX_TEMPLATE_BYTES = 100_000

_PATH = "/v2/templates"
_JSON = {"Content-Type": "application/json"}


def list_templates(tag: str | None = None) -> Call[list[TemplateRow]]:
    """``GET /templates``: all of them, without pages and without their movies, the last changed first.

    :param tag: only those with this tag. The service's own filter is untested, so the rows are sifted here as well.
    """

    def read(reply: Reply) -> list[TemplateRow]:
        rows = model(TemplatesAnswer)(reply).templates
        if tag is None:
            return rows
        wanted = tag.casefold()
        return [row for row in rows if row.tags is None or wanted in map(str.casefold, row.tags)]

    return Call("list templates", "GET", _PATH, read, params={} if tag is None else {"tag": tag})


def get_template(template_id: str, *, prompt: bool = False) -> Call[Template]:
    """``GET /templates?id=``: one template with its movie.

    :param prompt: whether to ask for the text of its AI prompt too.
    """
    params = _named(template_id) | ({"scopes": "movie,prompt"} if prompt else {})
    return Call("get template", "GET", _PATH, lambda reply: model(TemplateAnswer)(reply).template, params=params)


def template_variables(template_id: str) -> Call[dict[str, Any]]:
    """``GET /templates?id=&format=jsonschema``: the JSON Schema of its variables, without those nobody wrote."""
    return Call(
        "get template variables",
        "GET",
        _PATH,
        lambda reply: model(VariablesAnswer)(reply).template.variables,
        params=_named(template_id) | {"format": "jsonschema"},
    )


def create_template(
    name: str,
    movie: Mapping[str, Any] | None = None,
    tags: str | Collection[str] | None = None,
    prompt: str | None = None,
) -> Call[Saved]:
    """``POST /templates``: every accepted call is a new template, so no client ever repeats it.

    :raises ConfigurationError: the name is empty or too long.
    """
    return Call(
        "create template",
        "POST",
        _PATH,
        model(Saved),
        repeatable=False,
        body=_body(name=check_name(name), movie=movie, tags=tags, prompt=prompt),
        headers=_JSON,
        secrets=_secrets(movie),
    )


def update_template(
    template_id: str,
    *,
    name: str | None = None,
    movie: Mapping[str, Any] | None = None,
    tags: str | Collection[str] | None = None,
    prompt: str | None = None,
) -> Call[Saved]:
    """``POST /templates?id=``: what is None stays; ``movie`` and ``tags`` are replaced as a whole.

    :raises ConfigurationError: the name is empty or too long, or nothing is to be changed.
    """
    if name is None and movie is None and tags is None and prompt is None:
        raise ConfigurationError("Nothing of the template is to be changed. Nothing was sent.")
    return Call(
        "update template",
        "POST",
        _PATH,
        model(Saved),
        params=_named(template_id),
        body=_body(name=name, movie=movie, tags=tags, prompt=prompt),
        headers=_JSON,
        secrets=_secrets(movie),
    )


def duplicate_template(
    template_id: str, name: str | None = None, variables: Mapping[str, Any] | None = None
) -> Call[Saved]:
    """``POST /templates?id=&action=duplicate``: every accepted call is a new template.

    :param name: of the copy; None lets the service add `` (custom)`` to the source's.
    :param variables: merged deep into the variables of the copy.
    """
    return Call(
        "duplicate template",
        "POST",
        _PATH,
        model(Saved),
        repeatable=False,
        params=_named(template_id) | {"action": "duplicate"},
        body=_body(name=name, variables=variables),
        headers=_JSON,
    )


def delete_template(template_id: str) -> Call[Removed]:
    """``DELETE /templates?id=``."""
    return Call("delete template", "DELETE", _PATH, model(Removed), params=_named(template_id))


def template_library(tags: str | Collection[str] | None = None) -> Call[list[LibraryRow]]:
    """``GET /templates/library``: the published templates *and* those with one of the tags."""
    params = {"tags": ",".join(wanted)} if (wanted := check_tags(tags or [])) else {}
    read = model(LibraryAnswer)
    return Call("get template library", "GET", f"{_PATH}/library", lambda reply: read(reply).templates, params=params)


def check_name(name: Any) -> str:
    """The name of a template, without spaces around it.

    :raises ConfigurationError: it is no text, empty, or too long.
    """
    if not isinstance(name, str) or not 0 < len(name.strip()) <= MAX_NAME:
        raise ConfigurationError(
            f"The name of a template has 1 to {MAX_NAME} characters, unlike {name!r:.120}. Nothing was sent."
        )
    return name.strip()


def check_tags(tags: Any) -> list[str]:
    """Tags as a list.

    :raises ConfigurationError: they are neither text nor a list of texts.
    """
    try:
        return tag_list(tags)
    except ValueError as e:
        raise ConfigurationError(f"{e}. Nothing was sent.") from None


def _named(template_id: str) -> dict[str, str]:
    """The query that names one template. Without an id the service would list them all, or create another."""
    if not isinstance(template_id, str) or not re.fullmatch(r"[\x21-\x7e]{1,200}", template_id):
        raise ConfigurationError(f"{template_id!r:.80} is not the id of a template. Nothing was sent.")
    return {"id": template_id}


def _body(tags: str | Collection[str] | None = None, **parts: Any) -> bytes:
    given = {part: value for part, value in parts.items() if value is not None}
    if "name" in given:
        given["name"] = check_name(given["name"])
    if tags is not None:
        given["tags"] = check_tags(tags)
    return encode(given)


def _secrets(movie: Mapping[str, Any] | None) -> tuple[str, ...]:
    return secrets_of((movie or {}).get("exports"))
