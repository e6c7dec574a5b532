"""Whatever movie an author composes: the sandbox's charge lies within the estimate, whichever of its pages is right."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_j2v.catalog.source import snapshot
from airflow_provider_j2v.exceptions import UnresolvedConnection
from airflow_provider_j2v.movies.connections import resolve
from airflow_provider_j2v.movies.credits import estimate
from airflow_provider_j2v.sandbox import Variants
from airflow_provider_j2v.sandbox.billing import AssetCache, asset_items, is_generated, model_of, render_item
from airflow_provider_j2v.sandbox.catalog import Catalog
from airflow_provider_j2v.sandbox.timeline import RenderError, build

CATALOG = snapshot().catalog

# Quarters of a second, so that the sums are exact.
SECONDS = st.integers(0, 40).map(lambda quarters: quarters / 4) | st.sampled_from(["{{two}}", "{{ two + 1 }}", "{{s}}"])
LENGTH = SECONDS | st.sampled_from([-1, -2])
CONDITION = st.sampled_from(["x", "", "{{yes}}", "{{no}}", "{{ two > 1 }}", "{{first_iteration}}", "{{gone}}", None])
WORDS = st.sampled_from(["a fox", "a dog " * 9, "{{what}} and {{two}}", "Hi", "<speak>Hi<break time='5s'/></speak>"])
AROUND = {"start": SECONDS, "extra-time": SECONDS, "condition": CONDITION, "cache": st.booleans()}


def elements(kind, lengths=LENGTH, **required):
    return st.fixed_dictionaries({"type": st.just(kind), **required}, optional={"duration": lengths, **AROUND})


PICTURES = st.sampled_from(["flux-pro", "nano-banana", "gemini-2.5-flash", "flux-schnell", "unheard-of"])
VOICES = st.sampled_from(["azure", "elevenlabs", "elevenlabs-v3"])
CONNECTION = st.sampled_from(["", "mine", "{{own}}", "{{none}}", "{{gone}}"])
ELEMENT = st.one_of(
    elements("text", text=WORDS),
    elements("image", src=st.just("https://example.com/a.png")),
    elements("audio", src=st.just("https://example.com/a.mp3")),
    elements("component", component=st.just("basic/050")),
    elements("image", prompt=WORDS, model=PICTURES, connection=CONNECTION),
    elements("voice", text=WORDS, model=VOICES, connection=CONNECTION),
    elements("video", prompt=WORDS, model=st.just("wan-v2.5")),
    elements("{{kind}}", prompt=WORDS, text=WORDS, model=st.sampled_from(["{{m}}", "elevenlabs"])),
    elements("image", prompt=WORDS, src=st.sampled_from(["{{none}}", "{{src}}", "", False]), model=st.just("{{m}}")),
)
SCENE = st.fixed_dictionaries(
    {"elements": st.lists(ELEMENT, max_size=4)},
    optional={
        "duration": LENGTH,
        "condition": CONDITION,
        "iterate": st.sampled_from(["rows", "{{list}}", "what", "gone"]),
        "iterate-from": st.integers(0, 2) | st.sampled_from(["1", "{{two}}", None]),
        "iterate-to": st.integers(0, 4) | st.sampled_from(["2", "{{n}}", 2.0, True]),
        "iterate-step": st.integers(1, 2) | st.just("2"),
        "id": st.sampled_from(["a", "b"]),
        "import": st.sampled_from(["a", "b", "{{what}}", "{{id}}"]),
        "variables": st.fixed_dictionaries(
            {"two": st.sampled_from([1, 3, "{{s}}"])}, optional={"kind": st.sampled_from(["image", "voice", "text"])}
        ),
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
                "n": "1",
                "id": "a",
                "own": "mine",
                "none": "",
                "src": "https://example.com/a.png",
                "m": "flux-pro",
                "kind": "voice",
                "rows": [
                    {"s": 1, "what": "a fox", "kind": "image"},
                    {"s": 2, "what": "an owl", "yes": False, "own": "", "m": "elevenlabs"},
                    {"s": 3, "kind": "text"},
                ],
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
    stated = estimate(movie, catalog=CATALOG, expected_duration=build(movie, Variants()).duration)
    for estimated in (found, stated):
        assert estimated.low <= charged
        if not estimated.unknown:
            assert charged <= estimated.high


@settings(max_examples=300, deadline=None)
@given(MOVIE, st.sampled_from([{"replicate": "j2v:mine"}, {"elevenlabs": "j2v:mine", "replicate": "j2v:other"}]))
def test_under_a_map_nothing_of_a_mapped_provider_is_billed_by_the_service(movie, providers):
    try:
        resolved = resolve(movie, providers=providers, lookup=str, catalog=CATALOG)
        timeline = build(resolved.movie, Variants())
    except (UnresolvedConnection, RenderError):
        return
    managed = [e for e in timeline.elements if is_generated(e) and not e.data.get("connection")]
    models = [CATALOG.resolve(model_of(element)) for element in managed]
    assert all(model is not None and not set(providers) & set(model.providers) for model in models)
    found = estimate(movie, catalog=CATALOG, payers=resolved.payers)
    charged = charge(resolved.movie, 1, 0)
    assert found.low <= charged
    if not found.unknown:
        assert charge(resolved.movie, 4, 1) <= found.high
