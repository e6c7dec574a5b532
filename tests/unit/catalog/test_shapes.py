"""The published file's shape is unknown: every plausible one, each a file in ``shapes/``, reads as the same catalog."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_j2v.catalog.models import Catalog, Model
from airflow_provider_j2v.catalog.rows import MAX_EXTRA
from airflow_provider_j2v.catalog.shapes import MAX_ENTRIES, Shape
from airflow_provider_j2v.exceptions import UnreadableAnswer

SHAPES = sorted((Path(__file__).parent / "shapes").glob("*.json"))
EXPECTED = {
    "flux-pro": ("image", 20.0, "file", ("replicate", "wavespeed"), True),
    "eleven-v2": ("voice", 0.0, "second", ("elevenlabs",), False),
    "seedance-v1.5": ("video", 30.0, "second", ("wavespeed",), False),
    "infinite-talk": ("avatar", 20.0, "second", ("wavespeed",), False),
}
ALIASES = {"flux": "flux-pro", "talking-head": "infinite-talk"}


def read(path):
    return Catalog.parse(json.loads(path.read_text()))


def seen(model):
    return (model.category, model.credits, model.unit, model.providers, model.featured)


def travelled(catalog):
    return Catalog.parse(json.loads(json.dumps(catalog.to_dict())))


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.stem)
def test_every_plausible_shape_reads_as_the_same_catalog(path):
    catalog = read(path)
    assert {name: seen(model) for name, model in catalog.models.items()} == EXPECTED
    assert all(name == model.name for name, model in catalog.models.items())
    assert {alias: name for alias, name in catalog.aliases.items() if alias in ALIASES} == ALIASES
    assert catalog.skipped == (8 if path.stem == "with-noise" else 0)


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.stem)
def test_every_shape_survives_its_travel_through_xcom(path):
    assert travelled(read(path)) == read(path)


def test_there_are_shapes_to_read():
    assert len(SHAPES) > 25


def test_a_name_for_people_becomes_an_alias_of_the_technical_one():
    rows = [{"id": "flux-pro", "name": "FLUX Pro", "credits": 20}, {"id": "flux-max", "name": "FLUX Max", "credits": 2}]
    catalog = Catalog.parse(rows)
    assert sorted(catalog.models) == ["flux-max", "flux-pro"]
    assert catalog.aliases == {"FLUX Pro": "flux-pro", "FLUX Max": "flux-max"}


def test_a_name_that_several_models_share_is_no_alias():
    rows = [{"name": f"flux-{size}", "model": "Flux family", "credits": 20} for size in ("pro", "max")]
    assert Catalog.parse(rows).aliases == {}


def test_a_category_is_told_by_the_row_before_its_place():
    catalog = Catalog.parse({"images": [{"name": "a", "category": "video", "credits": 1}]})
    assert catalog.models["a"].category == "video"


def test_a_name_that_holds_a_category_s_word_hides_no_other_model():
    row = {"credits": 1, "unit": "file"}
    assert sorted(Catalog.parse({"text-to-image": row, "flux": row}).models) == ["flux", "text-to-image"]


def test_a_row_whose_price_is_unknown_is_a_model_when_its_category_is_known():
    catalog = Catalog.parse({"models": [{"name": "new", "category": "image"}]})
    assert catalog.models["new"] == Model("new", "image", None, None, (), False)


@pytest.mark.parametrize(
    "document",
    [
        *(None, [], {}, "flux", 5, {"models": []}, {"models": {}}, {"aliases": ALIASES}, [{"name": "x"}], [[[]]]),
        *({"a": {"b": 1}}, {"image": {"count": 7}}, {"image": ["flux-pro"]}, {"meta": {"generated": {"by": "build"}}}),
    ],
    ids=str,
)
def test_a_document_without_models_is_refused(document):
    with pytest.raises(UnreadableAnswer, match="no model"):
        Catalog.parse(document)


def nested(depth):
    document = [{"name": "deep", "credits": 1}]
    for _ in range(depth):
        document = {"models": document}
    return document


def test_what_lies_too_deep_is_not_looked_at():
    assert Shape.of(nested(7)).models
    assert not Shape.of(nested(100_000)).models


@pytest.mark.parametrize(
    "document",
    [
        [{"name": f"m{i}", "credits": 1} for i in range(MAX_ENTRIES)],
        {f"m{i}": {"credits": 1} for i in range(MAX_ENTRIES + 1)},
        {"models": [{"name": "a", "credits": 1}], "aliases": {f"m{i}": "a" for i in range(MAX_ENTRIES)}},
        {"models": [[]] * (MAX_ENTRIES + 1)},
    ],
    ids=["rows", "by name", "aliases", "empty rows"],
)
def test_a_file_far_too_large_is_not_read(document):
    with pytest.raises(UnreadableAnswer, match="more than 20000 entries"):
        Catalog.parse(document)


def test_rows_that_cannot_be_read_are_counted_where_rows_are_expected_and_nowhere_else():
    assert Catalog.parse([{"name": "a", "credits": 1}, {"name": "b"}, 5]).skipped == 2
    by_name = {"a": {"credits": 1}, "b": {}, "note": "text"}
    assert Catalog.parse({"models": by_name}).skipped == 1
    assert Catalog.parse({**by_name, "meta": {"x": 1}, "tags": [1, 2]}).skipped == 0


def test_unknown_fields_are_kept_also_through_xcom():
    row = {
        "name": "a",
        "credits": 1,
        "quality": {"max": 4},
        "type": "diffusion",
        "category": "image",
        "price": {"usd": 1},
    }
    catalog = Catalog.parse([row])
    assert catalog.models["a"].extra == {"quality": {"max": 4}, "type": "diffusion", "price": {"usd": 1}}
    assert travelled(catalog) == catalog


def test_unknown_fields_do_not_swell_the_xcom():
    row = {"name": "a", "credits": 1, "small": "x" * 100, "sample": "x" * 100_000, "last": 1}
    catalog = Catalog.parse([row])
    assert catalog.models["a"].extra["sample"], "what is not sent anywhere may be large"
    assert travelled(catalog).models["a"].extra == {"small": "x" * 100, "last": 1}
    many = Catalog.parse([{"name": "a", "credits": 1, **{f"field {i}": "x" * 50 for i in range(1000)}}])
    assert len(json.dumps(many.to_dict())) < MAX_EXTRA + 200


WORDS = st.sampled_from(
    [
        *("name", "model", "id", "slug", "credits", "creditsPerSecond", "price", "pricing", "amount", "unit", "per"),
        *("providers", "vendor", "aliases", "alias", "alias_of", "target", "models", "data", "items", "categories"),
        *("image", "images", "text-to-video", "voice", "category", "type", "featured", "x", "flux-pro", "20 / file"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=6),
    max_leaves=25,
)


@given(JSON)
def test_any_document_is_a_catalog_or_unreadable(document):
    try:
        catalog = Catalog.parse(document)
    except UnreadableAnswer:
        return
    assert catalog.models
    assert all(name == model.name for name, model in catalog.models.items())
    assert all(model.credits is None or model.credits >= 0 for model in catalog.models.values())
    assert all(isinstance(word, str) for word in catalog.near("flux"))


@given(st.dictionaries(WORDS, JSON, min_size=3, max_size=8), st.sampled_from([1, "2 / file", {"amount": 3}]))
def test_any_catalog_survives_its_travel_through_xcom(row, price):
    catalog = Catalog.parse({"models": [{"name": "a", "credits": price, **row}, {"name": "b", "credits": 1}]})
    again = travelled(catalog)
    assert {name: seen(model) for name, model in again.models.items()} == {
        name: seen(model) for name, model in catalog.models.items()
    }
    assert again.aliases == catalog.aliases
    assert travelled(again) == again
