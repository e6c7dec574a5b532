"""What a movie will cost: the documented prices, both ends of what is disputed, and what cannot be known."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.catalog.source import snapshot
from airflow_provider_j2v.exceptions import BudgetExceeded, ConfigurationError
from airflow_provider_j2v.movies.connections import resolve
from airflow_provider_j2v.movies.credits import MAX_LINES, PRESETS, Estimate, Part, check_budget, estimate
from airflow_provider_j2v.movies.movie import Resolution
from airflow_provider_j2v.movies.scopes import Unknown

CATALOG = snapshot().catalog
OTHER = Catalog.parse(
    {
        "models": [
            {"name": "by-pixel", "category": "image", "credits": 3, "unit": "megapixel", "providers": ["p"]},
            {"name": "no-unit", "category": "image", "credits": 3, "providers": ["p"]},
            {"name": "no-price", "category": "image", "providers": ["p"]},
            {"name": "half", "category": "image", "credits": 0.5, "unit": "file", "providers": ["p"]},
            {"name": "eleven-dear", "category": "voice", "credits": 2, "unit": "second", "providers": ["elevenlabs"]},
        ]
    }
)
IMAGE = {"type": "image", "prompt": "a fox", "model": "flux-pro"}
CLIP = {"type": "video", "prompt": "waves", "model": "wan-v2.5"}
VOICE = {"type": "voice", "text": "x" * 100, "model": "elevenlabs"}
TEXT = {"type": "text", "text": "hi"}
BOTH_PAGES = "0 a second by the catalog, 60 a minute by an older page"

#: 30 s vertical, three images by flux-pro, 20 s of an ElevenLabs voice: 90 by the catalog, 110 by the older page.
WORKED_EXAMPLE = {
    "resolution": "instagram-story",
    "scenes": [
        {"duration": 10, "elements": [IMAGE | {"prompt": f"room {n}"}, {"type": "text", "text": f"Room {n}"}]}
        for n in (1, 2, 3)
    ],
    "elements": [VOICE | {"duration": 20}, {"type": "subtitles", "language": "en"}],
}


def bill(movie, **options):
    return estimate(movie, **{"catalog": CATALOG, **options})


def in_scene(*elements, **more):
    return {"scenes": [{"duration": 10, "elements": list(elements)}], **more}


def assets(movie, **options):
    """``(low, high)`` of everything but the seconds of output."""
    parts = [part for part in bill(movie, **options).parts if part.path != "movie"]
    return sum(part.low for part in parts), sum(part.high for part in parts)


# The price list.


def test_the_worked_example_of_the_documentation_names_both_ends():
    found = bill(WORKED_EXAMPLE)
    assert (found.low, found.high, found.seconds, found.unknown) == (90, 110, (30, 30), [])
    assert str(found).splitlines()[0] == "90 to 110 credits"
    assert f"movie.elements[0]: 20 s of voice by elevenlabs, 0 to 20 credits ({BOTH_PAGES})" in str(found)


@pytest.mark.parametrize(("length", "low", "high"), [(3, 3, 3), (3.2, 3, 4), (0.5, 0, 1), ("7.5", 7, 8)])
def test_a_second_of_output_is_a_credit_and_how_a_fraction_is_rounded_is_open(length, low, high):
    found = bill({"scenes": [{"duration": length}]})
    assert (found.low, found.high) == (low, high)


def test_a_sum_of_fractions_is_not_rounded_up_for_the_errors_of_floating_point():
    assert bill({"scenes": [{"duration": 0.7}] * 1000}).high == 700


@pytest.mark.parametrize(
    ("size", "high"),
    [
        ({"resolution": "full-hd"}, 10),
        ({"resolution": "instagram-story", "width": 3840, "height": 2160}, 10),
        ({}, 10),
        ({"width": 1080, "height": 1920}, 10),
        ({"resolution": "custom", "width": 3840, "height": 2160}, 40),
        ({"width": "{{w}}", "height": 600, "variables": {"w": 2000}}, 40),
        ({"width": 1200, "height": 1200}, 40),
    ],
)
def test_above_full_hd_both_pages_count(size, high):
    found = bill({"scenes": [{"duration": 10}], **size})
    assert (found.low, found.high) == (10, high)
    assert found.unknown == []
    assert ("1 a second by the limits page, 4 by the price page" in str(found)) is (high == 40)


@pytest.mark.parametrize("size", [{"resolution": "4k"}, {"width": "{{w}}"}, {"resolution": "{{r}}"}, {"resolution": 4}])
def test_a_size_nobody_knows_is_a_doubt(size):
    found = bill({"scenes": [{"duration": 10}], **size})
    assert (found.low, found.high) == (10, 10)
    assert [unknown.path for unknown in found.unknown] == ["movie.resolution"]


def test_the_named_sizes_are_those_of_the_schema_and_none_is_larger_than_full_hd():
    from airflow_provider_j2v.sandbox.timeline import RESOLUTIONS

    assert set(get_args(Resolution)) - {"custom"} == PRESETS == set(RESOLUTIONS)
    assert all(max(size) <= 1920 and min(size) <= 1080 for size in RESOLUTIONS.values())


@pytest.mark.parametrize(
    ("element", "low", "high"),
    [
        (IMAGE, 20, 20),
        (IMAGE | {"model": "text-to-image-pro"}, 15, 15),
        ({"type": "image", "prompt": "a fox"}, 0, 0),
        (IMAGE | {"src": "https://example.com/a.png"}, 0, 0),
        (IMAGE | {"prompt": ""}, 0, 0),
        (IMAGE | {"connection": "mine"}, 0, 0),
        (IMAGE | {"connection": ""}, 20, 20),
        (IMAGE | {"connection": "airflow:mine"}, 0, 20),
        (IMAGE | {"connection": "{{gone}}"}, 0, 20),
        (IMAGE | {"src": "{{gone}}"}, 0, 20),
        (IMAGE | {"prompt": "{{gone}}"}, 20, 20),
        (IMAGE | {"type": "{{t}}", "variables": {"t": "image"}}, 20, 20),
        (IMAGE | {"type": "{{t}}", "variables": {"t": "text"}}, 0, 0),
        (VOICE | {"type": "{{t}}", "variables": {"t": "voice"}}, 0, 10),
        (IMAGE | {"prompt": 0}, 20, 20),
        (VOICE | {"text": "Hi<break time='5s'/>"}, 0, 6),
        (CLIP | {"duration": 4}, 120, 120),
        (CLIP | {"duration": 2.5}, 60, 90),
        (CLIP | {"duration": 4, "extra-time": 1}, 120, 150),
        (CLIP | {"duration": 12}, 300, 360),
        (CLIP, 300, 300),
        (CLIP | {"duration": -2, "start": 4}, 180, 180),
        ({"type": "video", "prompt": "hi", "model": "talking-head", "duration": 3}, 60, 60),
        ({"type": "voice", "text": "hello"}, 0, 0),
        (VOICE | {"model": "azure"}, 0, 0),
        (VOICE, 0, 10),
        (VOICE | {"duration": 7}, 0, 7),
        (VOICE | {"connection": "mine"}, 0, 0),
        ({"type": "subtitles", "model": "whisper"}, 0, 0),
        ({"type": "text", "text": "x", "prompt": "x"}, 0, 0),
    ],
)
def test_what_an_element_costs(element, low, high):
    assert assets(in_scene(element)) == (low, high)
    assert bill(in_scene(element)).unknown == []


def test_a_length_that_was_taken_from_elsewhere_is_said():
    notes = [part.note for part in bill(in_scene(CLIP, VOICE)).parts]
    assert notes[1:] == ["taken to be as long as it plays", f"{BOTH_PAGES}; its length is guessed from its text"]


@pytest.mark.parametrize(("model", "low", "high"), [("half", 0.5, 0.5), ("eleven-dear", 10, 20)])
def test_the_catalog_that_is_given_counts(model, low, high):
    element = (VOICE if model == "eleven-dear" else IMAGE) | {"model": model}
    assert assets(in_scene(element), catalog=OTHER) == (low, high)


@pytest.mark.parametrize(
    ("element", "why"),
    [
        (IMAGE | {"model": "flux-prro"}, "its price: the catalog has no model flux-prro (near: flux-pro"),
        (IMAGE | {"model": "\x1b[31m" + "q" * 99}, r"its price: the catalog has no model \x1b[31mqq"),
        (IMAGE | {"model": ["flux-pro"]}, "its price: which model makes it"),
        (IMAGE | {"model": "{{gone}}"}, "its price: which model makes it"),
        ({"type": "video", "prompt": "x"}, "its price: it names no model"),
    ],
)
def test_a_model_without_a_price_is_a_doubt_and_costs_nothing_here(element, why):
    found = bill(in_scene(element))
    assert (found.low, found.high) == (10, 10)
    (unknown,) = found.unknown
    assert unknown.path == "movie.scenes[0].elements[0]"
    assert unknown.why.startswith(why)


@pytest.mark.parametrize(
    ("model", "why"),
    [("by-pixel", "counts by-pixel by the megapixel"), ("no-price", "does not say what no-price costs")],
)
def test_a_price_that_the_catalog_does_not_give_is_a_doubt(model, why):
    found = bill(in_scene(IMAGE | {"model": model}), catalog=OTHER)
    (unknown,) = found.unknown
    assert unknown.why == f"its price: the catalog {why}"
    assert found.high == 10


@pytest.mark.parametrize(("element", "low", "high"), [(IMAGE, 3, 30), (CLIP | {"duration": 0.5}, 0, 3)])
def test_a_price_without_a_unit_is_a_doubt_and_counts_for_a_file_or_for_each_second(element, low, high):
    movie = in_scene(element | {"model": "no-unit"})
    assert assets(movie, catalog=OTHER) == (low, high)
    (unknown,) = bill(movie, catalog=OTHER).unknown
    assert "counted for a file or for each second, whichever is more" in unknown.why


def test_a_connection_makes_even_an_unknown_model_free():
    found = bill(in_scene(IMAGE | {"model": "flux-prro", "connection": "mine"}))
    assert (found.high, found.unknown) == (10, [])


@pytest.mark.parametrize(
    ("elements", "low", "high"),
    [
        ([IMAGE, IMAGE], 20, 40),
        ([IMAGE, IMAGE, IMAGE | {"start": 3, "width": 100}], 20, 60),
        ([IMAGE, IMAGE | {"cache": False}], 40, 40),
        ([IMAGE | {"cache": False}, IMAGE], 20, 40),
        ([IMAGE, IMAGE | {"prompt": "a dog"}], 40, 40),
        ([IMAGE, IMAGE | {"model": "seedream-v4"}], 35, 35),
        ([IMAGE, IMAGE | {"aspect-ratio": "vertical"}], 40, 40),
        ([IMAGE, IMAGE | {"model-settings": {"seed": 1}}], 40, 40),
        ([IMAGE | {"model": "nano-banana"}, IMAGE | {"model": "gemini-2.5-flash"}], 20, 40),
        ([CLIP | {"duration": 2}, CLIP | {"duration": 2}], 60, 120),
        ([CLIP | {"duration": 2}, CLIP | {"duration": 3}], 60, 150),
        ([IMAGE, IMAGE | {"cache": "{{c}}", "variables": {"c": False}}], 40, 40),
        ([IMAGE | {"condition": "{{gone}}"}, IMAGE], 20, 40),
    ],
)
def test_the_same_asset_twice_is_billed_once_if_it_is_cached(elements, low, high):
    assert assets(in_scene(*elements)) == (low, high)


def test_a_preloaded_asset_is_billed_and_makes_nothing_longer():
    movie = in_scene(TEXT, preload=[IMAGE | {"id": "fox"}, VOICE])
    movie["scenes"][0]["preload"] = [IMAGE | {"prompt": "an owl", "id": "owl"}, IMAGE]
    assert assets(movie) == (40, 60 + 10)
    assert bill(movie).seconds == (10, 10)


def test_a_repeated_scene_is_one_part_for_each_element():
    elements = [IMAGE | {"prompt": "{{what}}"}, VOICE | {"text": "{{what}}"}]
    scene = {"iterate": "rows", "duration": 3, "elements": elements}
    rows = [{"what": "a fox"}, {"what": "a dog"}, {"what": "a fox"}]
    parts = {part.path: part for part in bill({"scenes": [scene], "variables": {"rows": rows}}).parts}
    image = parts["movie.scenes[0].elements[0]"]
    assert (image.what, image.low, image.high) == ("3 × image by flux-pro", 40, 60)
    assert parts["movie.scenes[0].elements[1]"].what == "0.75 to 3 s of voice by elevenlabs"


def test_an_asset_under_an_unknown_condition_counts_at_the_upper_end_only():
    found = bill(in_scene(IMAGE | {"condition": "{{gone}}"}))
    assert (found.low, found.high) == (10, 30)
    assert [unknown.path for unknown in found.unknown] == ["movie.scenes[0].elements[0].condition"]


def test_a_type_that_cannot_be_computed_is_a_doubt():
    (unknown,) = bill(in_scene(VOICE | {"type": "{{gone}}"})).unknown
    assert unknown == Unknown("movie.scenes[0].elements[0]", unknown.why)
    assert unknown.why.startswith("what it is, and whether an AI model makes it")


def test_a_condition_of_null_counts_at_the_upper_end_only():
    movie = in_scene(IMAGE | {"condition": None})
    movie["scenes"].append({"duration": 4, "condition": None, "elements": [IMAGE | {"prompt": "an owl"}]})
    found = bill(movie)
    assert (found.low, found.high) == (10, 54)
    assert [unknown.path for unknown in found.unknown] == [
        "movie.scenes[0].elements[0].condition",
        "movie.scenes[1].condition",
    ]
    assert {unknown.why for unknown in found.unknown} == {
        "whether it is met: no document tells what null does; counted as met at the upper end only"
    }


@pytest.mark.parametrize(
    "odd", [{"start": "{{gone}}"}, {"duration": "{{gone}}"}, {"duration": 3, "extra-time": "{{gone}}"}]
)
def test_an_asset_that_plays_nobody_knows_how_long_costs_nothing_at_the_lower_end(odd):
    assert assets(in_scene(CLIP | odd)) == (0, 300)


def test_an_element_that_is_imported_is_made_with_the_variables_of_the_scene_that_imports_it():
    source = {"id": "a", "condition": "", "elements": [IMAGE | {"prompt": "{{what}}"}, VOICE | {"model": "{{m}}"}]}
    importers = [
        {"import": "a", "duration": 2, "variables": {"what": what, "m": "elevenlabs"}} for what in ("a", "b", "a")
    ]
    found = bill({"scenes": [source, *importers]})
    assert found.unknown == []
    assert [(part.path, part.low, part.high) for part in found.parts[1:]] == [
        ("movie.scenes[0].elements[0]", 40, 60),
        ("movie.scenes[0].elements[1]", 0, 30),
    ]


@pytest.mark.parametrize(
    ("bounds", "low", "high"),
    [
        ({"iterate-to": "1"}, 2, 6),
        ({"iterate-from": "2"}, 2, 6),
        ({"iterate-step": 2.0}, 4, 6),
        ({"iterate-to": "{{n}}"}, 2, 6),
        ({"iterate-to": "{{m}}"}, 2, 2),
        ({"iterate-to": "x"}, 6, 6),
    ],
)
def test_a_bound_of_a_repetition_in_quotes_may_count_or_not(bounds, low, high):
    variables = {"rows": [{}, {}, {}], "n": "1", "m": 1}
    found = bill({"variables": variables, "scenes": [{"iterate": "rows", "duration": 2, **bounds}]})
    assert (found.low, found.high) == (low, high)
    assert [unknown.path for unknown in found.unknown] == (["movie.scenes[0].iterate"] if low < high else [])


def test_a_scene_under_an_unknown_condition_takes_its_assets_along():
    movie = in_scene(TEXT)
    movie["scenes"].append({"duration": 4, "condition": "{{gone}}", "elements": [IMAGE], "preload": [IMAGE]})
    assert (bill(movie).low, bill(movie).high) == (10, 54)


def test_a_scene_does_not_import_itself():
    movie = in_scene(IMAGE)
    movie["scenes"][0] |= {"id": "a", "import": "a"}
    assert assets(movie) == (20, 20)


def test_a_voice_that_is_free_is_so_whatever_its_length():
    found = bill({"scenes": [{"elements": [{"type": "voice", "text": "{{gone}}"}] * 2}]})
    assert [unknown.why for unknown in found.unknown] == ["how long it is cannot be known before the render"] * 2
    assert [part.note for part in found.parts] == ["what is known of its length", *["free by the catalog"] * 2]


def test_a_generated_clip_that_alone_decides_the_length_of_its_scene_is_a_doubt():
    found = bill({"scenes": [{"elements": [CLIP]}]})
    assert (found.low, found.high, found.seconds) == (0, 0, (0, None))
    assert {unknown.why for unknown in found.unknown} == {
        "how long it is cannot be known before the render",
        "how long the video is, at 30 credits a second",
    }


# Who pays.


def test_who_pays_is_taken_from_the_connections_that_were_resolved():
    movie = in_scene(IMAGE, IMAGE | {"prompt": "b", "connection": "airflow:free"}, VOICE | {"connection": "airflow:el"})
    stand_for = {"free": None, "rep": "my-replicate", "el": "my-eleven"}
    payers = resolve(movie, providers={"replicate": "rep"}, lookup=stand_for.__getitem__, catalog=CATALOG).payers
    parts = bill(movie, payers=payers).parts
    assert [(part.low, part.high) for part in parts] == [(10, 10), (0, 0), (20, 20), (0, 0)]
    assert parts[1].note == "paid at the provider, by connection"


def test_an_element_that_somebody_else_pays_for_each_time_is_priced_each_time():
    scene = {"iterate": "rows", "duration": 1, "elements": [IMAGE | {"prompt": "{{p}}", "connection": "{{c}}"}]}
    rows = [{"p": "a", "c": "mine"}, {"p": "b", "c": ""}, {"p": "c", "c": "airflow:free"}]
    movie = {"variables": {"rows": rows[:2]}, "scenes": [scene]}
    payers = resolve(movie, providers={}, lookup=str, catalog=CATALOG).payers
    assert [payer.connection for payer in payers] == ["mine", None]
    assert assets(movie, payers=payers) == (20, 20)
    assert assets(movie | {"variables": {"rows": rows}}) == (20, 40)


# Saved templates.

TEMPLATE = in_scene(IMAGE | {"prompt": "{{what}}"}, VOICE, variables={"what": "a fox", "seconds": 4}, resolution="hd")
TEMPLATE["scenes"].append({"duration": "{{seconds}}"})


def test_a_template_is_estimated_with_what_is_laid_over_it():
    request = {"template": "x" * 20, "variables": {"seconds": 6}, "width": 3840, "resolution": "custom", "height": 2160}
    found = bill(request, template=TEMPLATE)
    assert (found.low, found.high) == (16 + 20, 4 * 16 + 20 + 10)
    assets = ["template.scenes[0].elements[0]", "template.scenes[0].elements[1]"]
    assert [part.path for part in found.parts] == ["movie", *assets]


def test_who_pays_reaches_into_a_template():
    template = in_scene(IMAGE | {"connection": "mine"}, VOICE)
    request = {"template": "x" * 20}
    payers = resolve(request, providers={}, lookup=str, catalog=CATALOG, template=template).payers
    assert assets(request, template=template, payers=payers) == (0, 10)


@pytest.mark.parametrize(("expected", "seconds", "high"), [(None, (0, None), 0), (12.5, (12.5, 12.5), 13)])
def test_a_template_that_was_not_read_is_a_doubt(expected, seconds, high):
    found = bill({"template": "x" * 20}, expected_duration=expected)
    assert (found.seconds, found.high) == (seconds, high)
    assert [unknown.path for unknown in found.unknown] == ["movie.template"]


# The author's expectation.


def test_an_expected_length_settles_what_a_file_decides():
    movie = {"scenes": [{"elements": [{"type": "video", "src": "https://x"}, IMAGE]}]}
    assert bill(movie).seconds == (0, None)
    found = bill(movie, expected_duration=42)
    assert (found.low, found.high, found.seconds, found.unknown) == (62, 62, (42, 42), [])


@pytest.mark.parametrize("more", [{}, {"duration": "{{gone}}"}])
def test_an_expected_length_settles_what_a_generated_clip_may_cost(more):
    movie = {"scenes": [{"elements": [CLIP]} | more, {"duration": 3}]}
    found = bill(movie, expected_duration=12)
    assert (found.low, found.high, found.unknown) == (12, 12 + 360, [])


@pytest.mark.parametrize("odd", [0, -1, True, "None", "", float("nan"), float("inf")])
def test_an_expected_length_must_be_one(odd):
    with pytest.raises(ConfigurationError, match="expected_duration must be .* Nothing was sent"):
        bill({}, expected_duration=odd)


# What is said.


def test_the_estimate_travels_as_json():
    found = bill(in_scene(IMAGE | {"model": "x"}, {"type": "video", "src": "https://x"}, VOICE))
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()
    assert found.to_dict()["seconds"] == [10, 10]
    assert found.to_dict()["parts"][0] == {"path": "movie", "what": "10 s of video", "low": 10, "high": 10, "note": ""}


def test_the_text_stays_a_few_lines_however_long_the_movie():
    odd = CLIP | {"model": "?"}
    scenes = [{"duration": 1, "elements": [IMAGE | {"prompt": str(n)}, odd]} for n in range(500)]
    lines = str(bill({"scenes": scenes})).splitlines()
    assert len(lines) == 1 + MAX_LINES + 1 + 1
    assert lines[0] == "10,500 credits, and what is not known"
    assert lines[1] == "  movie: 500 s of video, 500 credits"
    assert lines[-2] == "  495 more: 9,900 credits"
    assert lines[-1].startswith("  not known: movie.scenes[0].elements[1], movie.scenes[1].elements[1], ")
    assert " and 497 more: its price: " in lines[-1]


def test_words_of_the_movie_cannot_forge_lines_of_the_log():
    odd = IMAGE | {"model": "x\n20 credits\x1b[2J"}
    found = bill(in_scene(odd, odd | {"connection": "mine"}))
    assert len(str(found).splitlines()) == 3
    assert "\x1b" not in str(found) + found.parts[1].what


# The budget.


def test_a_movie_within_its_budget_passes():
    found = bill(WORKED_EXAMPLE)
    check_budget(found)
    check_budget(found, max_credits=110, remaining=110)
    check_budget([], max_credits=0, remaining=-5)


def test_the_upper_end_counts_against_the_budget():
    with pytest.raises(BudgetExceeded) as refused:
        check_budget(bill(WORKED_EXAMPLE), max_credits=109.5)
    assert str(refused.value) == (
        "The movie would cost 90 to 110 credits, and max_credits allows 109.5. Most of it: movie: 30 s of video, 30 "
        "credits; movie.scenes[0].elements[0]: image by flux-pro, 20 credits; movie.scenes[1].elements[0]: image by "
        "flux-pro, 20 credits. Nothing was sent."
    )


def test_the_balance_is_named_beside_the_sum():
    with pytest.raises(BudgetExceeded, match=r"cost 90 to 110 credits, and the account has 100 left\."):
        check_budget(bill(WORKED_EXAMPLE), remaining=100.0)
    with pytest.raises(BudgetExceeded, match=r"and max_credits allows 9 and the account has 1,000,000\.5 left"):
        check_budget(Estimate(1, 2e6, [], [], (1, 1)), max_credits=9, remaining=1_000_000.5)


def test_a_batch_is_summed_up_before_its_first_row():
    cheap, dear = bill(in_scene(TEXT)), bill(in_scene(IMAGE))
    check_budget([cheap] * 9 + [dear], max_credits=120)
    with pytest.raises(BudgetExceeded) as refused:
        check_budget((found for found in [*[cheap] * 9, dear]), max_credits=119, remaining=60)
    assert str(refused.value) == (
        "The batch of 10 movies would cost 120 credits, and max_credits allows 119 and the account has 60 left. Most "
        "of it: movie 10 with 30 credits. Nothing was sent."
    )


def test_what_is_not_known_is_named_and_not_counted():
    found = bill(in_scene(IMAGE, *[IMAGE | {"model": "?"}] * 5))
    check_budget(found, max_credits=30)
    with pytest.raises(BudgetExceeded, match=r"Not known: movie.scenes\[0\].elements\[1\], .* and 2 more\. Nothing"):
        check_budget(found, max_credits=29)


@pytest.mark.parametrize("odd", [-1, True, "None", "", float("nan"), float("inf")])
def test_a_budget_must_be_a_number(odd):
    with pytest.raises(ConfigurationError, match="max_credits must be .* Nothing was sent"):
        check_budget(bill(WORKED_EXAMPLE), max_credits=odd)


def test_numbers_that_airflow_rendered_are_texts():
    found = bill({"scenes": [{"elements": [{"type": "video", "src": "https://x"}]}]}, expected_duration=" 42.0")
    check_budget(found, max_credits="42")
    with pytest.raises(BudgetExceeded, match="cost 42 credits, and max_credits allows 41.5"):
        check_budget(found, max_credits="41.5")


# Anything at all.

TYPES = ["image", "video", "text", "html", "component", "audio", "voice", "audiogram", "subtitles", "odd"]
NAMES = [
    "type",
    "src",
    "text",
    "prompt",
    "model",
    "connection",
    "duration",
    "start",
    "extra-time",
    "condition",
    "cache",
    "variables",
]
SCENE_NAMES = [
    "duration",
    "condition",
    "iterate",
    "iterate-from",
    "iterate-to",
    "import",
    "id",
    "transition",
    "variables",
]
MOVIE_NAMES = ["resolution", "width", "height", "variables", "template", "preload", "elements", "scenes"]
WORDS = st.sampled_from(
    ["{{a}}", "{{gone}}", "{{a+gone}}", "{{", "rows", "flux-pro", "elevenlabs", "custom", "-1", "x"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | WORDS
JSON = st.recursive(
    LEAVES | st.sampled_from([-1, -2, 5]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES + SCENE_NAMES + MOVIE_NAMES) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=8,
)
ELEMENT = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6) | st.builds(
    lambda kind, rest: rest | {"type": kind}, st.sampled_from(TYPES), st.dictionaries(st.sampled_from(NAMES), JSON)
)
SCENE = st.builds(
    lambda rest, elements: rest | {"elements": elements},
    st.dictionaries(st.sampled_from(SCENE_NAMES), JSON, max_size=4),
    st.lists(ELEMENT | JSON, max_size=4),
)
MOVIE = st.builds(
    lambda rest, scenes, rows: {"variables": {"a": 2, "rows": rows}} | rest | ({"scenes": scenes} if scenes else {}),
    st.dictionaries(st.sampled_from(MOVIE_NAMES) | st.text(max_size=5), JSON, max_size=5),
    st.lists(SCENE | JSON, max_size=3),
    JSON,
)


@settings(max_examples=60, deadline=None)
@given(MOVIE, st.none() | MOVIE, st.none() | st.floats(min_value=0.1, max_value=1e6))
def test_any_json_object_has_an_estimate(movie, template, expected):
    found = bill(movie, template=template, expected_duration=expected)
    assert 0 <= found.low <= found.high < float("inf")
    assert 0 <= found.seconds[0] <= (found.seconds[1] or found.seconds[0])
    assert all(0 <= part.low <= part.high for part in found.parts)
    assert str(found)
    json.dumps(found.to_dict(), allow_nan=False)
    if expected is not None:
        assert found.seconds[0] == found.seconds[1]


def test_a_deeply_nested_document_has_an_estimate():
    deep: dict = {}
    for _ in range(400):
        deep = {"model-settings": deep}
    assert bill(in_scene(IMAGE | deep, IMAGE | deep) | deep).high >= 10


def test_parts_and_doubts_compare_by_value():
    assert Part("movie", "x", 1, 2) == Part("movie", "x", 1, 2, "")
    assert Unknown("a", "b") == Unknown("a", "b")
