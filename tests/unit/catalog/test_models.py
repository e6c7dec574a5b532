"""The published file's shape is unknown: every plausible one reads as the same models."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_j2v.catalog.models import Catalog, Model
from airflow_provider_j2v.catalog.source import snapshot
from airflow_provider_j2v.exceptions import UnreadableAnswer

FLUX = {"name": "flux-pro", "category": "image", "credits": 20, "unit": "file", "providers": ["replicate", "wavespeed"]}
VOICE = {"name": "eleven-v2", "category": "voice", "credits": 0, "unit": "second", "providers": ["elevenlabs"]}
EXPECTED = {
    "flux-pro": Model("flux-pro", "image", 20.0, "file", ("replicate", "wavespeed"), False),
    "eleven-v2": Model("eleven-v2", "voice", 0.0, "second", ("elevenlabs",), False),
}
ALIASES = {"flux": "flux-pro", "eleven": "eleven-v2"}


def without(model, *names):
    return {key: value for key, value in model.items() if key not in names}


SHAPES = {
    "snapshot": {"models": [FLUX, VOICE], "aliases": ALIASES},
    "list": [FLUX | {"aliases": ["flux"]}, VOICE | {"aliases": ["eleven"]}],
    "by name": {
        "flux-pro": without(FLUX, "name") | {"aliases": ["flux"]},
        "eleven-v2": without(VOICE, "name") | {"aliases": ["eleven"]},
    },
    "by category": {
        "images": [without(FLUX, "category") | {"aliases": ["flux"]}],
        "voices": [without(VOICE, "category") | {"aliases": ["eleven"]}],
    },
    "by category and name": {
        "models": {
            "image": {"flux-pro": without(FLUX, "name", "category")},
            "voice": {"eleven-v2": without(VOICE, "name")},
        },
        "aliases": ALIASES,
    },
    "other words": {
        "models": [
            {
                "id": "flux-pro",
                "type": "Text-to-Image",
                "cost": "20",
                "per": "File",
                "provider": [{"name": "Replicate"}, "wavespeed"],
            },
            {"model": "eleven-v2", "kind": "VOICES", "price": 0.0, "billing_unit": "seconds", "provider": "ElevenLabs"},
        ],
        "aliases": ALIASES,
    },
    "aliases in both places": {"models": [FLUX | {"aliases": ["flux"]}, VOICE], "aliases": {"eleven": "eleven-v2"}},
    "with noise": {
        "version": 3,
        "updated": "today",
        "models": [FLUX, VOICE, None, 5, "x", {}, []],
        "aliases": ALIASES | {"x": 5},
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_plausible_shape_reads_as_the_same_catalog(shape):
    catalog = Catalog.parse(SHAPES[shape])
    assert catalog.models == EXPECTED
    assert catalog.aliases == ALIASES


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        "flux",
        5,
        {"models": []},
        {"models": {}},
        {"aliases": ALIASES},
        [{"name": "x"}],
        [[[]]],
        {"a": {"b": 1}},
    ],
)
def test_a_document_without_models_is_refused(document):
    with pytest.raises(UnreadableAnswer, match="no model"):
        Catalog.parse(document)


@pytest.mark.parametrize(
    ("price", "credits"),
    [
        *((0, 0.0), (1.5, 1.5), ("20", 20.0), (-1, None), ("free", None), (None, None)),
        *((float("nan"), None), (float("inf"), None), (10**400, None), ([20], None)),
    ],
)
def test_a_price_is_a_number_or_unknown(price, credits):
    model = Catalog.parse([FLUX | {"credits": price}]).models["flux-pro"]
    assert model.credits == credits


def test_unknown_fields_and_categories_are_kept():
    model = Catalog.parse([FLUX | {"category": "music", "quality": {"max": 4}, "featured": True}]).models["flux-pro"]
    assert (model.category, model.featured, model.extra) == ("music", True, {"quality": {"max": 4}})
    assert model.to_dict()["quality"] == {"max": 4}


@pytest.mark.parametrize(
    ("name", "found"), [("flux-pro", "flux-pro"), ("flux", "flux-pro"), ("Flux", None), ("gone", None), ("", None)]
)
def test_a_name_or_alias_is_resolved(name, found):
    catalog = Catalog.parse({"models": [FLUX], "aliases": {"flux": "flux-pro", "gone": "removed-model"}})
    model = catalog.resolve(name)
    assert (model and model.name) == found


def test_near_names_are_suggested_the_closest_first():
    catalog = snapshot().catalog
    assert catalog.near("flux-schnel")[0] == "flux-schnell"
    assert "elevenlabs" in catalog.near("elevenlab")
    assert catalog.near("zzzz") == []


def test_a_catalog_survives_its_travel_through_xcom():
    catalog = Catalog.parse(SHAPES["aliases in both places"])
    assert Catalog.parse(json.loads(json.dumps(catalog.to_dict()))) == catalog
    assert Catalog.parse(snapshot().catalog.to_dict()) == snapshot().catalog


def test_changes_name_what_was_added_removed_repriced_and_realiased():
    old = Catalog.parse({"models": [FLUX, VOICE], "aliases": {"flux": "flux-pro", "eleven": "eleven-v2"}})
    new = Catalog.parse(
        {
            "models": [FLUX | {"credits": 25}, FLUX | {"name": "flux-max"}],
            "aliases": {"flux": "flux-max", "best": "flux-max"},
        }
    )
    assert new.changes_since(old) == {
        "added": ["flux-max"],
        "removed": ["eleven-v2"],
        "repriced": {"flux-pro": [20.0, 25.0]},
        "realiased": {"best": [None, "flux-max"], "eleven": ["eleven-v2", None], "flux": ["flux-pro", "flux-max"]},
    }
    assert old.changes_since(old) == {"added": [], "removed": [], "repriced": {}, "realiased": {}}


def test_a_price_by_another_unit_is_another_price():
    old, new = Catalog.parse([FLUX]), Catalog.parse([FLUX | {"unit": "second"}])
    assert new.changes_since(old)["repriced"] == {"flux-pro": [20.0, 20.0]}


WORDS = st.sampled_from(
    ["name", "model", "credits", "providers", "aliases", "models", "image", "category", "unit", "x"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=15,
)


@given(JSON)
def test_any_document_is_a_catalog_or_unreadable(document):
    try:
        catalog = Catalog.parse(document)
    except UnreadableAnswer:
        return
    assert catalog.models
    assert all(name == model.name for name, model in catalog.models.items())
    assert catalog.near("flux") is not None
