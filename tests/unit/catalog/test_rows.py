"""What the fields of a row may say."""

from __future__ import annotations

import pytest

from airflow_provider_j2v.catalog.rows import MAX_UNREAD, known_category, names_of, read_model, text


def model(**fields):
    return read_model({"name": "a", "category": "image", **fields}, None, None)


@pytest.mark.parametrize(
    ("price", "credits", "unit"),
    [
        *((0, 0.0, None), (1.5, 1.5, None), ("20", 20.0, None), ("20 credits", 20.0, None), ("Free", 0.0, None)),
        *(("20 / file", 20.0, "file"), ("20 credits per second", 20.0, "second"), ("1.5/s", 1.5, "second")),
        *(({"amount": 20, "unit": "file"}, 20.0, "file"), ({"credits": "20", "per": "sec"}, 20.0, "second")),
        *(({"file": 20}, 20.0, "file"), ({"perSecond": 3}, 3.0, "second"), ({"per_minute": 60}, 1.0, "second")),
    ],
)
def test_a_price_can_be_said_in_many_ways(price, credits, unit):
    assert (model(credits=price).credits, model(credits=price).unit) == (credits, unit)


@pytest.mark.parametrize(
    "price",
    [
        *(-1, None, "cheap", True, float("nan"), float("inf"), 10**400, "9" * 400, [20], {}, {"usd": 1}, "$0.05"),
        *({"file": 1, "second": 2}, {"credits": {"credits": 1}}, "-5", "20 files of 30"),
    ],
    ids=lambda price: str(price)[:20],
)
def test_what_is_no_price_is_an_unknown_one(price):
    assert model(credits=price).credits is None


@pytest.mark.parametrize(
    ("unit", "read"),
    [
        *(("file", "file"), ("Files", "file"), ("per image", "file"), ("generation", "file"), ("per-second", "second")),
        *(("s", "second"), ("SECONDS", "second"), ("character", "character"), ("", None), (5, None), (None, None)),
    ],
)
def test_a_unit_is_file_or_second_or_the_service_s_own_word(unit, read):
    assert model(credits=1, unit=unit).unit == read


def test_a_price_by_the_minute_is_one_by_the_second():
    assert (model(credits=60, unit="per minute").credits, model(credits=60, unit="min").unit) == (1.0, "second")
    assert model(credits_per_minute=30).credits == 0.5


def test_a_unit_may_be_in_the_name_of_the_price():
    assert (model(creditsPerSecond=2).unit, model(**{"credits-per-file": 2}).unit) == ("second", "file")
    assert (model(credits_per_unit=2).unit, model(credits=2).unit) == (None, None)


def test_credits_come_before_a_price_in_money():
    assert model(price=0.05, credits=20).credits == 20.0


@pytest.mark.parametrize(
    ("value", "providers"),
    [
        *(
            (["A", "b", "a"], ("a", "b")),
            ("Azure", ("azure",)),
            ("a, B ,", ("a", "b")),
            ({"a": {}, "b": 1}, ("a", "b")),
        ),
        *(([{"id": "a"}, {"x": 1}, 5, None], ("a",)), ([], ()), (5, ()), (None, ()), (["x\n", ""], ("x",))),
    ],
)
def test_providers_are_lower_case_in_the_order_of_the_file(value, providers):
    assert model(credits=1, providers=value).providers == providers


@pytest.mark.parametrize(
    ("value", "featured"),
    [(True, True), (1, True), ("Yes", True), ("true", True), (0, False), ("no", False), (None, False), ([1], False)],
)
def test_featured_is_a_truth(value, featured):
    assert model(credits=1, featured=value).featured is featured


@pytest.mark.parametrize(
    ("word", "category"),
    [
        *(("Text-to-Image", "image"), ("image-to-video", "video"), ("VOICES", "voice"), ("tts", "voice")),
        *(("text to speech", "voice"), ("Talking avatar", "avatar"), ("music", None), ("", None), (5, None)),
    ],
)
def test_a_category_is_found_in_the_words_of_others(word, category):
    assert known_category(word) == category


def test_what_was_understood_is_not_kept_a_second_time():
    row = {"slug": "a", "kind": "image", "cost": 5, "per": "file", "vendor": "x", "isFeatured": True, "note": 1}
    assert read_model(row, None, None).extra == {"note": 1}


def test_a_category_nobody_knows_is_kept():
    assert read_model({"name": "a", "category": "Music", "credits": 1}, None, None).category == "music"


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b[31m", "\u202eevil", "x" * 201, 5, None, "\ud800"], ids=repr)
def test_what_cannot_be_shown_is_no_name(name):
    assert text(name) is None
    assert read_model({"name": name, "credits": 1}, None, None) is None


def test_of_several_names_the_technical_one_is_the_name():
    assert names_of({"name": "FLUX Pro", "id": "flux-pro"}) == ["flux-pro", "FLUX Pro"]
    assert names_of({"name": "flux-pro", "slug": "flux-pro", "id": 17}, key="k") == ["flux-pro", "k"]
    assert names_of({"name": "FLUX Pro"}, key="Pro") == ["FLUX Pro", "Pro"]


@pytest.mark.parametrize(
    ("fields", "doubt"),
    [
        ({"credits": 20, "unit": "file"}, None),
        ({"credits": 0}, None),
        ({"credits": "about 20"}, 'does not say what a costs, only credits: "about 20"'),
        ({"price": {"file": 1, "second": 2}}, 'does not say what a costs, only price: {"file": 1, "second": 2}'),
        ({"credits": None, "cost": "$0.05"}, 'does not say what a costs, only cost: "$0.05"'),
        ({"credits": None}, "does not say what a costs"),
        ({"credits": ""}, "does not say what a costs"),
        ({"credits": 20}, "does not say by what unit a costs 20 credits"),
        ({"credits": 20, "unit": ["file"]}, 'does not say by what unit a costs 20 credits, only unit: ["file"]'),
        ({"credits": 2, "unit": "character"}, "counts a by the character"),
    ],
    ids=str,
)
def test_a_price_that_cannot_be_counted_is_kept_as_it_is_written_and_says_why(fields, doubt):
    found = model(**fields)
    assert found.doubt == doubt
    assert read_model(found.to_dict(), None, None) == found, "through XCom"


def test_a_price_that_cannot_be_read_is_short():
    found = model(credits=["x" * 50] * 1000)
    assert len(found.unread) <= MAX_UNREAD
    assert model(credits=[float("nan")], unit={"a": []}).unread == 'credits: [NaN], unit: {"a": []}'
