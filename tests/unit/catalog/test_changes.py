"""What became of a catalog, and whether that can be believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_j2v.catalog.changes import compare, has_shrunk, no_changes, told
from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.catalog.source import snapshot

FLUX = {"name": "flux-pro", "category": "image", "credits": 20, "unit": "file", "providers": ["replicate"]}
VOICE = {"name": "eleven-v2", "category": "voice", "credits": 0, "unit": "second", "providers": ["elevenlabs"]}


def catalog(*rows, **aliases):
    return Catalog.parse({"models": list(rows), "aliases": aliases})


def priced(**prices):
    return catalog(*({"name": name, "category": "image", "credits": credits} for name, credits in prices.items()))


def test_changes_name_what_was_added_removed_repriced_and_realiased():
    old = catalog(FLUX, VOICE, flux="flux-pro", eleven="eleven-v2")
    new = catalog(FLUX | {"credits": 25}, FLUX | {"name": "flux-max"}, flux="flux-max", best="flux-max")
    assert compare(old, new) == {
        "added": ["flux-max"],
        "removed": ["eleven-v2"],
        "repriced": {"flux-pro": [{"credits": 20.0, "unit": "file"}, {"credits": 25.0, "unit": "file"}]},
        "realiased": {"best": [None, "flux-max"], "eleven": ["eleven-v2", None], "flux": ["flux-pro", "flux-max"]},
    }


def test_nothing_else_is_a_change():
    new = catalog(VOICE | {"note": "new"}, FLUX | {"featured": True, "credits": 20.0, "providers": ["replicate", "b"]})
    assert compare(catalog(FLUX, VOICE), new) == no_changes()


@pytest.mark.parametrize("price", [{"unit": "second"}, {"credits": None}, {"unit": None}])
def test_a_price_by_another_unit_or_none_is_another_price(price):
    changes = compare(catalog(FLUX), catalog(FLUX | price))
    assert changes["repriced"] == {
        "flux-pro": [{"credits": 20.0, "unit": "file"}, {"credits": 20.0, "unit": "file"} | price]
    }


def test_changes_are_told_in_sentences_with_units():
    old = catalog(FLUX, VOICE, flux="flux-pro", eleven="eleven-v2")
    new = catalog(FLUX | {"credits": 25.5, "unit": "second"}, FLUX | {"name": "flux-max"}, flux="flux-max")
    assert told(compare(old, new)) == [
        "Price of flux-pro: 20 credits per file before, 25.5 credits per second now.",
        "Model eleven-v2 is gone.",
        "Alias eleven: eleven-v2 before, nothing now.",
        "Alias flux: flux-pro before, flux-max now.",
        "Model flux-max is new.",
    ]
    assert told(compare(catalog(FLUX), catalog(FLUX | {"credits": None, "unit": None}))) == [
        "Price of flux-pro: 20 credits per file before, unknown now."
    ]
    assert told(no_changes()) == []


@pytest.mark.parametrize(
    ("new", "shrunk"),
    [
        (priced(a=1, b=1, c=1, d=1), False),
        (priced(a=1, b=1), False),
        (priced(a=1), True),
        (priced(a=1, b=None, c=None, d=None), True),
        (priced(x=1, y=1, z=1, u=1, v=1), True),
        (priced(a=9, b=9, x=1), False),
    ],
    ids=["the same", "half of it", "a quarter", "prices lost", "all renamed", "repriced"],
)
def test_a_catalog_has_shrunk_when_fewer_than_half_of_its_priced_models_are_left(new, shrunk):
    assert has_shrunk(priced(a=1, b=1, c=1, d=1), new) is shrunk


def test_a_catalog_without_prices_cannot_shrink():
    assert not has_shrunk(priced(a=None, b=None), priced(a=None))


@given(st.sets(st.sampled_from(sorted(snapshot().catalog.models))), st.booleans())
def test_two_catalogs_differ_by_exactly_what_was_taken_away(gone, back):
    whole = snapshot().catalog
    part = Catalog({name: model for name, model in whole.models.items() if name not in gone}, whole.aliases)
    old, new = (part, whole) if back else (whole, part)
    assert compare(old, new) == no_changes() | {"added" if back else "removed": sorted(gone)}
