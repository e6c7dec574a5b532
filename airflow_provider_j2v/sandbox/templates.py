"""Saved templates to read and render: a few that come with the sandbox, and those a test adds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_j2v.sandbox.expressions import text
from airflow_provider_j2v.sandbox.placeholders import Json
from airflow_provider_j2v.sandbox.refusals import Refusal
from airflow_provider_j2v.sandbox.shipped_templates import SHIPPED, Template
from airflow_provider_j2v.sandbox.timeline import canvas
from airflow_provider_j2v.sandbox.variants import Variants

INJECTED = ("make_webhook_url", "client_data")
"""Variables that ``format=make`` adds to every template (seen live)."""


class Templates:
    """Templates by id; ``all`` may be edited. Every account reads the same ones."""

    def __init__(self, variants: Variants) -> None:
        self.all: dict[str, Template] = {template.id: template for template in SHIPPED}
        self._variants = variants

    def for_movie(self, template_id: str) -> Template:
        """The template of a submission."""
        return self._find(template_id, "Template not found")

    def get(self, query: Mapping[str, str], timestamp: str) -> Json:
        """``GET /templates?id=``: as it is, with ``format=make`` or with ``format=jsonschema``."""
        template = self._find(query["id"], f"Template {query['id']} not found")
        shown = _entry(template)
        match query.get("format"):
            case "jsonschema":
                shown["variables"] = _schema(template.variables)
            case "make":
                shown |= {"movie": self._movie(template), "variables": _make(template.variables)}
            case _:
                shown["movie"] = self._movie(template)
        if "prompt" in query.get("scopes", "").split(","):
            shown["ai_prompt"] = template.prompt
        return {"success": True, "template": shown, "timestamp": timestamp}

    def list(self, query: Mapping[str, str], timestamp: str) -> Json:
        """``GET /templates``: no payload, no pages, newest change first (documented)."""
        tag = query.get("tag")
        shared = query.get("shared") == "tools"
        found = [t for t in self.all.values() if (not tag or tag in t.tags) and (not shared or t.shared)]
        found.sort(key=lambda t: t.updated_at, reverse=True)
        rows = [_entry(t) for t in found]
        return {"success": True, "count": len(rows), "templates": rows, "timestamp": timestamp}

    def library(self, query: Mapping[str, str], base_url: str) -> Json:
        """``GET /templates/library``: the published ones and those with one of the tags (seen live)."""
        tags = {tag.strip() for tag in query.get("tags", "").split(",")}
        found = [t for t in self.all.values() if t.published or tags & set(t.tags)]
        return {"success": True, "templates": [self._shelf(t, base_url) for t in found]}

    def _shelf(self, template: Template, base_url: str) -> Json:
        width, height = canvas(template.movie, self._variants)
        pictures = {
            "video_url": f"{base_url}/library/{template.id}.mp4",
            "thumbnail_url": f"{base_url}/library/{template.id}.jpg",
        }
        return {**_entry(template), **pictures, "width": width, "height": height}

    def _movie(self, template: Template) -> str | Json:
        return json.dumps(template.movie) if self._variants.template_movie == "string" else template.movie

    def _find(self, template_id: str, message: str) -> Template:
        if template_id not in self.all:
            raise Refusal(self._variants.template_missing_status, message)
        return self.all[template_id]


def _entry(template: Template) -> Json:
    return {
        "id": template.id,
        "name": template.name,
        "tags": list(template.tags),
        "owner": True,
        "prompt": bool(template.prompt),
        "created_at": template.created_at,
        "updated_at": template.updated_at,
    }


def _make(variables: Json) -> list[Json]:
    """Defaults are always text, nested ones read ``[object Object]`` (seen live)."""
    fields = {**variables, "make_webhook_url": "", "client_data": {}}
    return [
        {
            "name": name,
            "label": name.replace("_", " ").capitalize(),
            "type": "url" if name == "make_webhook_url" else _make_type(value),
            "default": "[object Object]" if isinstance(value, dict | list) and value else _flat(value),
            "help": "",
            "required": False,
        }
        for name, value in fields.items()
    ]


def _flat(value: Any) -> str:
    return "" if isinstance(value, dict | list) else text(value)


def _make_type(value: Any) -> str:
    return {bool: "boolean", int: "number", float: "number", list: "array", dict: "collection"}.get(type(value), "text")


def _schema(variables: Json) -> Json:
    types = {bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}
    properties = {
        name: {"type": types.get(type(value), "string"), "default": value} for name, value in variables.items()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
    }
