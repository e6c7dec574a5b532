"""Saved templates: a few that come with the sandbox, and those that are written to it."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_provider_j2v.sandbox import documents, template_views
from airflow_provider_j2v.sandbox.accounts import Account
from airflow_provider_j2v.sandbox.placeholders import Json
from airflow_provider_j2v.sandbox.refusals import (
    BAD_TAGS,
    BAD_TEMPLATE_MOVIE,
    LARGE_TEMPLATE,
    LONG_NAME,
    NO_NAME,
    NO_PAYLOAD,
    NO_PERMISSION,
    Refusal,
)
from airflow_provider_j2v.sandbox.shipped_templates import SHIPPED, Template
from airflow_provider_j2v.sandbox.timeline import RenderError, canvas
from airflow_provider_j2v.sandbox.variants import Variants

MAX_NAME = 100
MAX_BYTES = 100 * 1024
"""Of a template's movie: "about 100 KB" (documented)."""

_LETTERS = string.ascii_letters + string.digits


class Templates:
    """Templates by id; ``all`` may be edited. One without a ``client`` belongs to every account."""

    def __init__(self, variants: Variants) -> None:
        self._variants = variants
        self.reset()

    def reset(self) -> None:
        """Only those that come with the sandbox."""
        self.all: dict[str, Template] = {template.id: template for template in SHIPPED}

    # reading

    def for_movie(self, account: Account, template_id: str) -> Template:
        """The template of a submission."""
        return self._find(account, template_id, "Template not found")

    def get(self, account: Account, query: Mapping[str, str], timestamp: str) -> Json:
        """``GET /templates?id=``: as it is, with ``format=make`` or with ``format=jsonschema``."""
        template = self._named(account, query)
        scopes = query.get("scopes", "movie").split(",")
        shown = template_views.row(template)
        if query.get("format") == "jsonschema":
            shown["variables"] = template_views.schema(template.variables, self._variants)
        elif "movie" in scopes:
            shown["movie"] = self._movie(template)
        if query.get("format") == "make":
            shown["variables"] = template_views.make(template.variables)
        if "prompt" in scopes:
            shown["ai_prompt"] = template.prompt
        return {"success": True, "template": shown, "timestamp": timestamp}

    def list(self, account: Account, query: Mapping[str, str], timestamp: str) -> Json:
        """``GET /templates``: no payload, no pages, newest change first (documented)."""
        tag = query.get("tag") if self._variants.template_tag_filter else None
        shared = query.get("shared") == "tools"
        found = [t for t in self._of(account) if (not tag or tag in t.tags) and (not shared or t.shared)]
        rows = [template_views.row(t) for t in found]
        return {"success": True, "count": len(rows), "templates": rows, "timestamp": timestamp}

    def library(self, account: Account, query: Mapping[str, str], base_url: str) -> Json:
        """``GET /templates/library``: the published ones and those with one of the tags (seen live)."""
        tags = {tag.strip() for tag in query.get("tags", "").split(",")}
        found = [t for t in self._of(account) if t.published or tags & set(t.tags)]
        return {"success": True, "templates": [self._shelf(t, base_url) for t in found]}

    # writing

    def write(self, account: Account, query: Mapping[str, str], raw: bytes, timestamp: str) -> Json:
        """``POST /templates``: a new one, with ``id`` a change, with ``action=duplicate`` a copy."""
        is_copy = query.get("action") == "duplicate"
        payload = _payload(raw, may_be_empty=is_copy)
        if not query.get("id"):
            template = self._create(account, payload, timestamp)
        elif is_copy:
            template = self._duplicate(account, query, payload, timestamp)
        else:
            template = replace(self._own(account, query), **self._parts(account, payload), updated_at=timestamp)
        self.all[template.id] = template
        told = {"name": template.name} if is_copy else {}
        return {"success": True, "templateId": template.id, **told, "timestamp": timestamp}

    def delete(self, account: Account, query: Mapping[str, str], timestamp: str) -> Json:
        """``DELETE /templates?id=``; the id is not echoed (seen live)."""
        del self.all[self._own(account, query).id]
        return {"success": True, "timestamp": timestamp}

    def _create(self, account: Account, payload: Json, timestamp: str) -> Template:
        parts = self._parts(account, payload)
        if "name" not in parts:
            raise NO_NAME
        return Template(
            id=_new_id(), client=account.client, created_at=timestamp, updated_at=timestamp, **{"movie": {}, **parts}
        )

    def _duplicate(self, account: Account, query: Mapping[str, str], payload: Json, timestamp: str) -> Template:
        """Of a template of one's own or of the library; the copy is neither published nor shared."""
        source = self._named(account, query)
        name = payload.get("name") or f"{source.name} (custom)"
        copy = Template(
            id=_new_id(),
            name=_name(name),
            movie=source.movie,
            tags=source.tags,
            prompt=source.prompt,
            client=account.client,
            created_at=timestamp,
            updated_at=timestamp,
        )
        variables = payload.get("variables")
        if not isinstance(variables, dict):
            return copy
        return replace(copy, movie={**copy.movie, "variables": _merged(copy.variables, variables)})

    def _parts(self, account: Account, payload: Json) -> dict[str, Any]:
        """What a payload sets; what it does not name stays as it is."""
        parts: dict[str, Any] = {}
        if "name" in payload:
            parts["name"] = _name(payload["name"])
        if "tags" in payload:
            parts["tags"] = _tags(payload["tags"])
        if "movie" in payload:
            parts["movie"] = self._body(account, payload["movie"])
        if "prompt" in payload:
            parts["prompt"] = str(payload["prompt"] or "")
        return parts

    def _body(self, account: Account, movie: Any) -> Json:
        """A movie that names a template takes that one's body, with the variables merged (documented)."""
        if len(movie if isinstance(movie, str) else json.dumps(movie)) > MAX_BYTES:
            raise LARGE_TEMPLATE
        if isinstance(movie, str):
            try:
                movie = documents.parse(movie)
            except ValueError:
                raise BAD_TEMPLATE_MOVIE from None
        if not isinstance(movie, dict):
            raise BAD_TEMPLATE_MOVIE
        if not isinstance(named := movie.get("template"), str) or not named:
            return movie
        base = self.for_movie(account, named)
        return {**base.movie, "variables": _merged(base.variables, movie.get("variables"))}

    # inside

    def _of(self, account: Account) -> Sequence[Template]:
        mine = [t for t in list(self.all.values()) if t.client in (None, account.client)]
        return sorted(mine, key=lambda t: t.updated_at, reverse=True)

    def _named(self, account: Account, query: Mapping[str, str]) -> Template:
        template_id = query.get("id", "")
        return self._find(account, template_id, f"Template {template_id} not found")

    def _own(self, account: Account, query: Mapping[str, str]) -> Template:
        """One that may be written: those that come with the sandbox may not (inferred)."""
        template = self._named(account, query)
        if template.client is None:
            raise NO_PERMISSION
        return template

    def _find(self, account: Account, template_id: str, message: str) -> Template:
        template = self.all.get(template_id)
        if template is None or template.client not in (None, account.client):
            raise Refusal(self._variants.template_missing_status, message)
        return template

    def _shelf(self, template: Template, base_url: str) -> Json:
        try:
            width, height = canvas(template.movie, self._variants)
        except RenderError:  # a size that cannot be: anything may be saved
            width, height = 0, 0
        pictures = {
            "video_url": f"{base_url}/library/{template.id}.mp4",
            "thumbnail_url": f"{base_url}/library/{template.id}.jpg",
        }
        return {**template_views.row(template), **pictures, "width": width, "height": height}

    def _movie(self, template: Template) -> str | Json:
        return json.dumps(template.movie) if self._variants.template_movie == "string" else template.movie


def _payload(raw: bytes, *, may_be_empty: bool) -> Json:
    try:
        payload = documents.parse(raw) if raw.strip() else {}
    except ValueError:
        raise NO_PAYLOAD from None
    if not isinstance(payload, dict) or not (payload or may_be_empty):
        raise NO_PAYLOAD
    return payload


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name.strip():
        raise NO_NAME
    if len(name) > MAX_NAME:
        raise LONG_NAME
    return name


def _tags(tags: Any) -> tuple[str, ...]:
    """Text with commas, or a list (documented)."""
    if not isinstance(tags, str | list):
        raise BAD_TAGS
    texts = tags.split(",") if isinstance(tags, str) else tags
    return tuple(tag.strip() for tag in texts if isinstance(tag, str) and tag.strip())


def _merged(base: Any, over: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return base if over is None else over
    return {**base, **{name: _merged(base.get(name), value) for name, value in over.items()}}


def _new_id() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(20))
