"""Whatever movie an author composes: the sandbox's charge lies within the estimate, whichever of its pages is right."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_j2v.catalog.source import snapshot
from airflow_provider_j2v.movies.credits import estimate
from airflow_provider_j2v.sandbox import Variants
from airflow_provider_j2v.sandbox.billing import AssetCache, asset_items, render_item
from airflow_provider_j2v.sandbox.catalog import Catalog
from airflow_provider_j2v.sandbox.timeline import RenderError, build

CATALOG = snapshot().catalog

# Quarters of a second, so that the sums are exact.
SECONDS = st.integers(0, 40).map(lambda quarters: quarters / 4) | st.sampled_from(["{{two}}", "{{ two + 1 }}", "{{s}}"])
LENGTH = SECONDS | st.sampled_from([-1, -2])
CONDITION = st.sampled_from(["x", "", "{{yes}}", "{{no}}", "{{ two > 1 }}", "{{first_iteration}}", "{{gone}}"])
WORDS = st.sampled_from(["a fox", "a dog " * 9, "{{what}} and {{two}}", "Hi"])
AROUND = {"start": SECONDS, "extra-time": SECONDS, "condition": CONDITION, "cache": st.booleans()}


def elements(kind, lengths=LENGTH, **required):
    return st.fixed_dictionaries({"type": st.just(kind), **required}, optional={"duration": lengths, **AROUND})


PICTURES = st.sampled_from(["flux-pro", "nano-banana", "gemini-2.5-flash", "flux-schnell", "unheard-of"])
VOICES = st.sampled_from(["azure", "elevenlabs", "elevenlabs-v3"])
CONNECTION = st.sampled_from(["", "mine"])
ELEMENT = st.one_of(
    elements("text", text=WORDS),
    elements("image", src=st.just("https://example.com/a.png")),
    elements("audio", src=st.just("https://example.com/a.mp3")),
    elements("component", component=st.just("basic/050")),
    elements("image", prompt=WORDS, model=PICTURES, connection=CONNECTION),
    elements("voice", text=WORDS, model=VOICES, connection=CONNECTION),
    # The sandbox takes clips of other lengths for the same asset, hence a prompt of its own for each.
    elements("video", prompt=WORDS, model=st.just("wan-v2.5")).map(lambda e: e | {"prompt": f"{e}"}),
)
SCENE = st.fixed_dictionaries(
    {"elements": st.lists(ELEMENT, max_size=4)},
    optional={
        "duration": LENGTH,
        "condition": CONDITION,
        "iterate": st.sampled_from(["rows", "{{list}}", "what", "gone"]),
        "iterate-from": st.integers(0, 2),
        "iterate-to": st.integers(0, 4),
        "iterate-step": st.integers(1, 2),
        "variables": st.fixed_dictionaries({"two": st.sampled_from([1, 3, "{{s}}"])}),
        "transition": st.fixed_dictionaries({}, optional={"duration": SECONDS}),
    },
)
MOVIE = st.fixed_dictionaries(
    {
        "scenes": st.lists(SCENE, max_size=4),
        "elements": st.lists(ELEMENT, max_size=2),
        "variables": st.just(
            {
                "two": 2,
                "s": 1.5,
                "what": "a cat",
                "list": "rows",
                "yes": True,
                "no": False,
                "rows": [{"s": 1, "what": "a fox"}, {"s": 2, "what": "an owl", "yes": False}, {"s": 3}],
            }
        ),
    },
    optional={"resolution": st.sampled_from(["full-hd", "custom"]), "width": st.sampled_from([1000, 3840])},
)


def charge(movie, multiplier, voice):
    variants = Variants(multiplier_4k=multiplier, elevenlabs_per_second=voice)
    timeline = build(movie, variants)
    items = [render_item(timeline, variants), *asset_items(timeline, Catalog(), variants, AssetCache(), 0.0)]
    return sum(item.credits for item in items)


@pytest.mark.parametrize(("multiplier", "voice"), [(1, 0), (4, 1)])
@settings(max_examples=200, deadline=None)
@given(MOVIE)
def test_the_charge_lies_within_the_estimate(multiplier, voice, movie):
    found = estimate(movie, catalog=CATALOG)
    try:
        charged = charge(movie, multiplier, voice)
    except RenderError:
        return  # a failed render is not billed
    assert found.low <= charged
    if not found.unknown:
        assert charged <= found.high
