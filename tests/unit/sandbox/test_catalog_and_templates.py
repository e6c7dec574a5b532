"""The model catalog and the saved templates."""

from __future__ import annotations

import json

import httpx
import pytest

from airflow_provider_j2v.sandbox.catalog import shipped
from airflow_provider_j2v.sandbox.shipped_templates import HELLO, OFFERS, SHIPPED

MODELS = "/data/ai/models.json"


def test_the_catalog_needs_no_key_and_is_the_shipped_snapshot(sandbox):
    answer = httpx.get(sandbox.url + MODELS)

    assert answer.json() == shipped()
    assert answer.headers["content-type"] == "application/json"


def test_an_unchanged_catalog_is_304_until_it_changes(sandbox, client):
    etag = client.get(MODELS).headers["etag"]

    same = client.get(MODELS, headers={"if-none-match": etag})
    sandbox.catalog.document = {"models": [], "aliases": {}}
    changed = client.get(MODELS, headers={"if-none-match": etag})

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert (changed.status_code, changed.json()) == (200, {"models": [], "aliases": {}})
    assert changed.headers["etag"] != etag


@pytest.mark.parametrize("shape", ["list", "by-category", "by-name", "other-words"])
def test_every_shape_of_the_catalog_holds_every_model(sandbox, client, shape):
    sandbox.variants.catalog_shape = shape

    text = client.get(MODELS).text

    assert all(json.dumps(model["name"]) in text for model in shipped()["models"])
    assert "talking-head" in text


def test_a_broken_catalog_can_be_served(sandbox, client):
    sandbox.catalog.raw = b"<html>"

    assert client.get(MODELS).content == b"<html>"


def test_models_prices_and_aliases_can_be_changed_over_http(sandbox, client):
    wanted = {"flux-pro": {"credits": 25}, "wan-v2.5": None, "flux-max": {"credits": 90, "unit": "file"}}
    client.post(
        "/sandbox/catalog", json={"models": wanted, "aliases": {"nano-banana": None, "best": "flux-max"}}
    ).raise_for_status()

    seen = client.get(MODELS).json()

    models = {model["name"]: model for model in seen["models"]}
    assert models["flux-pro"] == next(m for m in shipped()["models"] if m["name"] == "flux-pro") | {"credits": 25}
    assert models["flux-max"] == {"name": "flux-max", "credits": 90, "unit": "file"}
    assert "wan-v2.5" not in models
    assert ("nano-banana" in seen["aliases"], seen["aliases"]["best"]) == (False, "flux-max")
    assert sandbox.catalog.price("best") == (90, "file")
    sandbox.catalog.reset()
    assert client.get(MODELS).json() == shipped()


def test_a_change_that_is_none_is_refused(client):
    assert client.post("/sandbox/catalog", json={"models": [5]}).status_code == 422


def test_shipped_templates_have_ids_of_20_characters():
    assert {len(template.id) for template in SHIPPED} == {20}


def test_the_list_of_templates_has_no_payload_and_begins_with_the_newest(client):
    answer = client.get("/v2/templates").json()

    changed = [row["updated_at"] for row in answer["templates"]]
    assert answer["count"] == len(SHIPPED)
    assert changed == sorted(changed, reverse=True)
    assert not any("movie" in row for row in answer["templates"])


def test_templates_can_be_filtered_by_tag(client):
    rows = client.get("/v2/templates", params={"tag": "list"}).json()["templates"]

    assert [row["id"] for row in rows] == [OFFERS.id]


def test_a_template_is_read_with_its_movie_as_text_or_object(sandbox, client):
    read = client.get("/v2/templates", params={"id": HELLO.id}).json()["template"]
    assert json.loads(read["movie"]) == HELLO.movie

    sandbox.variants.template_movie = "object"

    assert client.get("/v2/templates", params={"id": HELLO.id}).json()["template"]["movie"] == HELLO.movie


def test_make_format_lists_variables_with_text_defaults_and_two_injected_ones(client):
    query = {"id": OFFERS.id, "format": "make"}

    variables = client.get("/v2/templates", params=query).json()["template"]["variables"]

    assert {v["name"]: (v["type"], v["default"]) for v in variables} == {
        "shop": ("text", "The Corner Shop"),
        "show_outro": ("boolean", "true"),
        "offers": ("array", "[object Object]"),
        "make_webhook_url": ("url", ""),
        "client_data": ("collection", ""),
    }


def test_jsonschema_format_has_a_schema_and_no_movie(client):
    template = client.get("/v2/templates", params={"id": HELLO.id, "format": "jsonschema"}).json()["template"]

    assert "movie" not in template
    assert template["variables"]["properties"]["name"] == {"type": "string", "default": "World"}


@pytest.mark.parametrize("status", [400, 404])
def test_an_unknown_template_is_400_or_404(sandbox, client, status):
    sandbox.variants.template_missing_status = status

    answer = client.get("/v2/templates", params={"id": "nosuchtemplate000000"})

    assert answer.status_code == status
    assert answer.json()["message"] == "Template nosuchtemplate000000 not found"


def test_the_library_is_the_published_ones_and_those_with_a_tag(client):
    published = client.get("/v2/templates/library").json()["templates"]
    more = client.get("/v2/templates/library", params={"tags": "ai"}).json()["templates"]

    assert len(published) == 2
    assert len(more) == 3
    assert published[0]["width"] == 1280
    assert "movie" not in published[0]


def test_a_movie_from_a_template_takes_its_variables_and_its_overrides(sandbox, submit, read):
    request = {
        "template": HELLO.id,
        "variables": {"seconds": 7},
        "resolution": "sd",
        "scenes": [{"duration": 99}],
        "client-data": {"a": 1},
    }
    project = submit(request)
    sandbox.advance(60)
    shown = read(project)

    assert (shown["status"], shown["duration"], shown["width"]) == ("done", 7, 640)
    assert shown["client-data"] == {"a": 1}
    assert json.loads(shown["json"]) == request


def test_a_template_repeats_a_scene_per_item(sandbox, submit, read):
    offers = [{"product": str(n), "price": n} for n in range(3)]
    project = submit({"template": OFFERS.id, "variables": {"offers": offers, "show_outro": False}})
    sandbox.advance(60)

    assert read(project)["duration"] == 6
