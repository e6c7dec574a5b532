"""What a catalog answers: which model a name stands for, what looks like it, what to take instead."""

from __future__ import annotations

import pytest

from airflow_provider_j2v.catalog.models import CATEGORIES, Catalog
from airflow_provider_j2v.catalog.source import snapshot

ROW = {"category": "image", "credits": 20, "unit": "file", "providers": ["replicate"]}


def catalog(*names, aliases=None, **fields):
    return Catalog.parse({"models": [{**ROW, "name": name, **fields} for name in names], "aliases": aliases or {}})


def test_a_name_or_an_alias_gives_the_model():
    shipped = snapshot().catalog
    assert shipped.resolve("nano-banana") is shipped.models["gemini-2.5-flash"]
    assert shipped.resolve("flux-pro") is shipped.models["flux-pro"]
    assert shipped.resolve("gpt-image") is None


def test_an_alias_may_stand_for_an_alias_and_a_circle_for_nothing():
    known = catalog("a", aliases={"best": "good", "good": "a", "x": "y", "y": "x", "lost": "gone"})
    assert known.resolve("best") is known.models["a"]
    assert [known.resolve(name) for name in ("x", "y", "lost")] == [None] * 3


def test_a_model_s_own_name_comes_before_an_alias():
    known = catalog("a", "b", aliases={"a": "b"})
    assert known.resolve("a") is known.models["a"]


def test_near_names_come_closest_first():
    shipped = snapshot().catalog
    assert shipped.near("flux-schnel")[0] == "flux-schnell"
    assert shipped.near("Flux-Pro")[0] == "flux-pro"
    assert "elevenlabs" in shipped.near("elevenlab")
    assert shipped.near("zzzz") == shipped.near("") == []


def test_a_name_that_stands_for_nothing_is_near_to_nothing():
    assert catalog("a", aliases={"lost-model": "gone"}).near("lost-mode") == []


@pytest.mark.parametrize(
    ("category", "name"), [("image", "flux-schnell"), ("video", "seedance-v1.5-pro"), ("voice", None), ("music", None)]
)
def test_the_first_featured_model_of_a_category_is_suggested(category, name):
    model = snapshot().catalog.suggest(category)
    assert (model and model.name) == name


def test_the_snapshot_is_the_published_table():
    shipped = snapshot().catalog
    by_category = {c: [m.name for m in shipped.models.values() if m.category == c] for c in CATEGORIES}
    assert {category: len(names) for category, names in by_category.items()} == {
        "image": 7,
        "voice": 4,
        "video": 2,
        "avatar": 1,
    }
    assert sorted(m.name for m in shipped.models.values() if m.featured) == [
        *("flux-schnell", "freepik-classic", "gemini-2.5-flash", "seedance-v1.5-pro"),
    ]
    assert {m.name: m.credits for m in shipped.models.values() if m.credits} == {
        "gemini-2.5-flash": 20,
        "nano-banana-pro": 80,
        "nano-banana-2": 40,
        "seedream-v4": 15,
        "flux-pro": 20,
        "seedance-v1.5-pro": 20,
        "wan-v2.5": 30,
        "infinite-talk": 20,
    }
    assert {m.unit for m in shipped.models.values() if m.category != "image"} == {"second"}
    assert {m.unit for m in shipped.models.values() if m.category == "image"} == {"file"}
    assert shipped.aliases == {
        "text-to-image-basic": "flux-schnell",
        "text-to-image-pro": "seedream-v4",
        "nano-banana": "gemini-2.5-flash",
        "elevenlabs": "elevenlabs-v2",
        "talking-head": "infinite-talk",
    }
    assert all(model.providers for model in shipped.models.values())
