"""How a saved template shows in answers: its row, and its variables in two formats."""

from __future__ import annotations

from typing import Any

from airflow_provider_j2v.movies.expressions import text
from airflow_provider_j2v.sandbox.placeholders import Json
from airflow_provider_j2v.sandbox.shipped_templates import Template
from airflow_provider_j2v.sandbox.variants import Variants

INJECTED: Json = {"make_webhook_url": "", "client_data": {}}
"""Variables that ``format=make`` adds to every template (seen live)."""


def row(template: Template) -> Json:
    """A template as lists show it. ``prompt`` is a flag here, not the text (seen live)."""
    return {
        "id": template.id,
        "name": template.name,
        "tags": list(template.tags),
        "owner": template.client is not None,
        "prompt": bool(template.prompt),
        "created_at": template.created_at,
        "updated_at": template.updated_at,
    }


def make(variables: Json) -> list[Json]:
    """``format=make``. Defaults are always text, nested ones read ``[object Object]`` (seen live)."""
    return [
        {
            "name": name,
            "label": name.replace("_", " ").capitalize(),
            "type": "url" if name == "make_webhook_url" else _make_type(value),
            "default": "[object Object]" if isinstance(value, dict | list) and value else _flat(value),
            "help": "",
            "required": False,
        }
        for name, value in {**variables, **INJECTED}.items()
    ]


def schema(variables: Json, variants: Variants) -> Json:
    """``format=jsonschema``: a JSON Schema (seen live; how much it says is not known)."""
    types = {bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}
    shown = {**variables, **INJECTED} if variants.injected_in_schema else variables
    properties = {name: {"type": types.get(type(value), "string"), "default": value} for name, value in shown.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
    }


def _flat(value: Any) -> str:
    return "" if isinstance(value, dict | list) else text(value)


def _make_type(value: Any) -> str:
    return {bool: "boolean", int: "number", float: "number", list: "array", dict: "collection"}.get(type(value), "text")
