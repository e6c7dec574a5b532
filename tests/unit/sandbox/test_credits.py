"""Credits are really deducted, by the documented rules."""

from __future__ import annotations

import pytest

DAY = 86_400


def scene(*elements, seconds=3.0):
    return {"scenes": [{"duration": seconds, "elements": list(elements)}]}


def image(**more):
    return {"type": "image", "model": "flux-pro", "prompt": "a fox", **more}


@pytest.fixture
def cost(sandbox, submit):
    """Render a movie and answer with the credits it took."""

    def render(document):
        before = sandbox.accounts[0].credits
        submit(document)
        sandbox.advance(3600)
        return before - sandbox.accounts[0].credits

    return render


@pytest.mark.parametrize(("seconds", "credits"), [(3, 3), (3.2, 4), (1, 1)])
def test_a_second_of_output_is_a_credit_and_fractions_are_rounded_up(cost, seconds, credits):
    assert cost(scene({"type": "text", "text": "x"}, seconds=seconds)) == credits


def test_nothing_is_deducted_before_the_movie_is_finished(sandbox, client, submit):
    submit(seconds=10)
    assert client.get("/v2/movies").json()["remaining_quota"] == {"time": 12_000}

    sandbox.advance(60)

    assert client.get("/v2/movies").json()["remaining_quota"] == {"time": 11_990}
    assert sandbox.journal.paid == 10


def test_a_failed_render_costs_nothing(cost):
    assert cost(scene(image(), {"type": "video"})) == 0


def test_assets_of_a_failed_render_may_be_billed(sandbox, submit):
    sandbox.variants.bill_assets_of_failed_renders = True
    project = submit(scene(image()))
    sandbox.movies[project].fate.error = "Scene #1, element #1: failed"
    sandbox.advance(60)

    assert sandbox.movies[project].credits == 20


def test_a_managed_image_costs_its_catalog_price_and_aliases_count(cost):
    assert cost(scene(image())) == 3 + 20
    assert cost(scene(image(model="text-to-image-pro"))) == 3 + 15


def test_a_managed_video_costs_by_the_second(cost):
    element = {"type": "video", "model": "wan-v2.5", "prompt": "waves", "duration": 2.5}

    assert cost(scene(element)) == 3 + 3 * 30


def test_a_connection_makes_an_asset_free(cost):
    assert cost(scene(image(connection="my-replicate"))) == 3


def test_an_element_with_a_source_is_no_ai_asset(cost):
    assert cost(scene(image(src="https://example.com/a.png"))) == 3


def test_a_cached_asset_is_not_billed_again_within_three_days(sandbox, cost):
    assert cost(scene(image())) == 23
    assert cost(scene(image())) == 3
    assert cost(scene(image(**{"model-settings": {"seed": 1}}))) == 23
    assert cost(scene(image(cache=False))) == 23
    sandbox.advance(3 * DAY)
    assert cost(scene(image())) == 23


def test_the_4k_price_is_a_variant(sandbox, cost):
    large = {**scene({"type": "text", "text": "x"}), "width": 3840, "height": 2160}
    story = {**scene({"type": "text", "text": "x"}), "resolution": "instagram-story"}

    assert cost(large) == 3
    sandbox.variants.multiplier_4k = 4
    assert cost(large) == 12
    assert cost(story) == 3


def test_an_elevenlabs_voice_is_free_unless_the_variant_says_otherwise(sandbox, cost):
    voice = {"type": "voice", "model": "elevenlabs", "text": "one", "duration": 3}
    assert cost(scene(voice)) == 3

    sandbox.variants.elevenlabs_per_second = 1

    assert cost(scene({**voice, "text": "two"})) == 6


def test_quota_and_consumed_credits_have_two_shapes(sandbox, client, submit, read):
    project = submit(scene(image()))
    sandbox.advance(60)
    assert read(project)["consumed_credits"] == []

    sandbox.variants.consumed_credits = "items"
    sandbox.variants.quota_shape = "full"

    assert [item["credits"] for item in read(project)["consumed_credits"]] == [3, 20]
    assert client.get("/v2/movies").json()["remaining_quota"] == {"movies": 0, "drafts": 0, "time": 11_977}
