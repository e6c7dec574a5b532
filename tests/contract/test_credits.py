"""What a render is charged lies within what was estimated, whichever of the service's pages is right."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.calls import get_movie, submit_movie
from airflow_provider_j2v.api.client import Client
from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.catalog.source import snapshot
from airflow_provider_j2v.movies.credits import estimate
from airflow_provider_j2v.renders.polling import Polling
from airflow_provider_j2v.renders.result import bill_of, result_of
from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.sandbox.timeline import REQUIRED

CATALOG: Catalog = snapshot().catalog
#: Longer than generated assets stay in the service's cache (s).
CACHE_OVER = 4 * 86_400.0

TEXT = {"type": "text", "text": "hi"}
PHOTO = {"type": "image", "src": "https://example.com/a.png"}
FOX = {"type": "image", "prompt": "a fox", "model": "flux-pro"}
WAVES = {"type": "video", "prompt": "waves", "model": "wan-v2.5"}
VOICE = {"type": "voice", "text": "Good morning, this is the news of the day.", "model": "elevenlabs"}
UHD = {"resolution": "custom", "width": 3840, "height": 2160}


def one(*elements, seconds=6, **more):
    return {"scenes": [{"duration": seconds, "elements": list(elements)}], **more}


#: The document says everything: the cheapest and the dearest reading are the two ends.
SETTLED = {
    "text": one(TEXT),
    "image from a file": one(PHOTO),
    "video from a file": one({"type": "video", "src": "https://example.com/a.mp4", "loop": -1}),
    "html": one({"type": "html", "html": "<p>hi</p>"}),
    "component": one({"type": "component", "component": "basic/050"}),
    "audio": one({"type": "audio", "src": "https://example.com/a.mp3", "duration": -2}),
    "audiogram": one({"type": "audiogram", "src": "https://example.com/a.mp3"}),
    "subtitles": one(TEXT, elements=[{"type": "subtitles", "language": "en"}]),
    "several scenes": {"scenes": [{"duration": 2, "elements": [TEXT]}, {"duration": 3, "elements": [PHOTO]}]},
    "scenes as long as their elements": {
        "scenes": [{"elements": [TEXT | {"duration": 3}, PHOTO | {"start": 2, "duration": 3, "extra-time": 1}]}]
    },
    "nothing has a length": {"scenes": [{"elements": [TEXT]}, {"elements": []}]},
    "no scenes": {"elements": [TEXT | {"duration": 4}]},
    "4k": one(TEXT, **UHD),
    "vertical full hd": one(TEXT, resolution="instagram-story"),
    "generated images": one(FOX, FOX | {"prompt": "a dog"}, FOX | {"model": "text-to-image-pro"}),
    "a free model, by default": one({"type": "image", "prompt": "a fox"}),
    "a generated clip": one(WAVES | {"duration": 4}),
    "a generated clip as long as its scene": one(WAVES | {"duration": -2}),
    "a talking head": one({"type": "video", "prompt": "hi", "model": "talking-head", "duration": 3}),
    "a voice of a given length": one(VOICE | {"duration": 4}),
    "an azure voice": one({"type": "voice", "text": "hello"}),
    "own keys": one(FOX | {"connection": "mine"}, VOICE | {"connection": "mine"}, WAVES | {"connection": "mine"}),
    "never from the cache": one(FOX | {"cache": False}, FOX | {"cache": False}),
    "variables": one(TEXT, seconds="{{ n * 2 + 1 }}", variables={"n": 3}),
    "conditions": one(FOX | {"condition": "{{on}}"}, FOX | {"prompt": "b", "condition": "{{ n > 1 }}"})
    | {"variables": {"on": False, "n": 2}},
    "repeated scenes": {
        "variables": {"rows": [{"s": 2, "what": "a fox"}, {"s": 3, "what": "a dog"}, "odd"]},
        "scenes": [{"iterate": "rows", "duration": "{{s}}", "elements": [FOX | {"prompt": "{{what}}"}]}],
    },
    "the worked example": {
        "resolution": "instagram-story",
        "scenes": [{"duration": 10, "elements": [FOX | {"prompt": f"room {n}"}]} for n in range(3)],
        "elements": [VOICE | {"duration": 20}],
    },
    "everything above full hd": one(FOX, WAVES | {"duration": 2}, VOICE | {"duration": 3}, **UHD),
    "a template": {"template": "hello000000000000000", "variables": {"seconds": 7}, **UHD},
}
#: The document leaves something open that the render decides, within bounds.
BOUNDED = {
    "a voice that decides the length": {"scenes": [{"elements": [VOICE, TEXT]}, {"elements": [VOICE | {"start": 1}]}]},
    "a short word": {"scenes": [{"elements": [VOICE | {"text": "Hi"}]}, {"duration": 2}]},
    "fractions of a second": one(WAVES | {"duration": 2.5}, VOICE | {"duration": 1.25}, seconds=5.5),
    "a clip longer than its scene": one(WAVES | {"duration": 9}),
    "the same asset twice": one(FOX, FOX, FOX | {"model": "flux-pro", "start": 2}),
    "transitions": {"scenes": [{"duration": 3}, {"duration": 3, "transition": {"style": "fade", "duration": 1}}]},
    "an overlay that outlasts the scenes": one(TEXT, elements=[TEXT | {"duration": 9}]),
    "a voice over the scenes": one(TEXT, elements=[VOICE]),
    "a clip without a length": one(WAVES),
}
#: Some of it nobody can know before the render: at least what is known is charged.
OPEN = {
    "a video of unknown length": {"scenes": [{"elements": [PHOTO | {"type": "video"}]}, {"duration": 3}]},
    "a page": {"scenes": [{"elements": [{"type": "html", "html": "<p>hi</p>"}]}]},
    "an unknown model": one(FOX | {"model": "of-tomorrow"}, FOX),
    "an unknown variable": one(FOX | {"condition": "{{gone}}"}, seconds=4),
    "a clip that decides the length": {"scenes": [{"elements": [WAVES]}]},
    "a repetition of nothing known": {"scenes": [{"iterate": "gone", "duration": 3}, {"duration": 2}]},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(port=0, render="off", credits=10**9, clock=lambda: 1_789_214_400.0) as running:
        running.variants.consumed_credits = "items"
        yield running


@pytest.fixture(scope="module")
def client(server: Sandbox) -> Iterator[Client]:
    with Client(Account.build(host=server.url, schema=None, port=None, key="sandbox", extra={})) as opened:
        yield opened


@pytest.fixture
def charges(server, client):
    """Credits charged for a movie under each reading of the service's pages, the cheapest first."""

    def render(movie):
        found = []
        for server.variants.multiplier_4k, server.variants.elevenlabs_per_second in itertools.product((1, 4), (0, 1)):
            server.advance(CACHE_OVER)
            project = client.send(submit_movie(movie)).project
            server.advance(3600)
            assert client.send(get_movie(project)).movie.status == "done"
            found.append(server.movies[project].credits)
        return sorted(found)

    return render


@pytest.fixture
def estimated(server):
    """The estimate of a movie, its template read where it names one."""

    def make(movie):
        template = server.templates.all[movie["template"]].movie if "template" in movie else None
        return estimate(movie, catalog=CATALOG, template=template)

    return make


@pytest.mark.parametrize("movie", SETTLED.values(), ids=SETTLED)
def test_both_ends_of_a_settled_estimate_are_what_one_of_the_pages_would_charge(movie, charges, estimated):
    found, charged = estimated(movie), charges(movie)
    assert found.unknown == []
    assert (charged[0], charged[-1]) == (found.low, found.high)


@pytest.mark.parametrize("movie", BOUNDED.values(), ids=BOUNDED)
def test_what_is_charged_lies_within_the_estimate(movie, charges, estimated):
    found, charged = estimated(movie), charges(movie)
    assert found.unknown == []
    assert found.low <= charged[0] <= charged[-1] <= found.high


@pytest.mark.parametrize("movie", OPEN.values(), ids=OPEN)
def test_where_something_is_not_known_at_least_the_lower_end_is_charged(movie, charges, estimated):
    found = estimated(movie)
    assert found.unknown != []
    assert found.low <= charges(movie)[0]


def test_every_element_type_was_among_them():
    movies = [*SETTLED.values(), *BOUNDED.values(), *OPEN.values()]
    holders = [holder for movie in movies for holder in (movie, *movie.get("scenes", ()))]
    seen = {element["type"] for holder in holders for element in holder.get("elements", ())}
    assert seen == set(REQUIRED)


def test_a_template_that_was_not_read_leaves_the_length_to_the_author(charges):
    movie = SETTLED["a template"] | {"resolution": "hd"}
    found = estimate(movie, catalog=CATALOG, expected_duration=7)
    assert found.low == found.high == charges(movie)[0] == 7
    assert [unknown.path for unknown in found.unknown] == ["movie.template"]


def test_the_bill_afterwards_stands_beside_the_estimate(server, client):
    server.advance(CACHE_OVER)
    found = estimate(SETTLED["the worked example"], catalog=CATALOG)
    project = client.send(submit_movie(SETTLED["the worked example"])).project
    server.advance(3600)
    outcome = Polling(project, deadline=2.0, interval=5, now=0.0).see(client.send(get_movie(project)), 1.0)
    credits = result_of(outcome, (found.low, found.high))["credits"]
    assert credits["estimated"] == [90, 110]
    assert [item["credits"] for item in credits["consumed"]][:2] == [30, 20]
    charged = sum(item["credits"] for item in credits["consumed"])
    assert f"Credits: estimated 90 to 110; charged {charged}; " in bill_of(credits)
