"""Who pays for each AI element: never silently another than the author meant."""

from __future__ import annotations

import copy

import pytest

from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.exceptions import UnresolvedConnection
from airflow_provider_j2v.movies.connections import is_generated, resolve

CATALOG = Catalog.parse(
    {
        "models": [
            {"name": "flux-pro", "category": "image", "credits": 20, "providers": ["replicate", "wavespeed"]},
            {"name": "freepik-classic", "category": "image", "credits": 0, "providers": ["freepik"]},
            {"name": "elevenlabs-v2", "category": "voice", "credits": 0, "providers": ["elevenlabs"]},
            {"name": "azure", "category": "voice", "credits": 0, "providers": ["azure"]},
            {"name": "of-nobody", "category": "image", "credits": 5},
        ],
        "aliases": {"elevenlabs": "elevenlabs-v2"},
    }
)
AIRFLOW = {"el_prod": "my-eleven", "rep_prod": "my-replicate", "wave_prod": "my-wave", "sftp": "my-sftp", "free": None}
IMAGE = {"type": "image", "prompt": "a cat", "model": "flux-pro"}
VOICE = {"type": "voice", "text": "hi", "model": "elevenlabs"}


def lookup(conn_id):
    if conn_id not in AIRFLOW:
        raise UnresolvedConnection(f"there is no Airflow connection {conn_id!r}")
    return AIRFLOW[conn_id]


def run(movie, providers=None, catalog=CATALOG):
    before = copy.deepcopy(movie)
    try:
        return resolve(movie, providers=providers or {}, lookup=lookup, catalog=catalog)
    finally:
        assert movie == before, "the author's movie was changed"


def connection(element, providers=None, catalog=CATALOG):
    """What the element asks for after it was resolved; None for the managed service."""
    resolution = run({"scenes": [{"elements": [element]}]}, providers, catalog)
    (resolved,) = resolution.movie["scenes"][0]["elements"]
    (payer,) = resolution.payers
    assert resolved == {k: v for k, v in element.items() if k != "connection"} | (
        {} if payer.connection is None else {"connection": payer.connection}
    )
    return payer.connection


@pytest.mark.parametrize(
    ("element", "providers", "expected"),
    [
        (IMAGE, {}, None),
        (IMAGE | {"connection": "airflow:rep_prod"}, {}, "my-replicate"),
        (IMAGE | {"connection": "mine"}, {}, "mine"),
        (IMAGE | {"connection": "airflow:free"}, {}, None),
        (IMAGE, {"replicate": "rep_prod"}, "my-replicate"),
        (IMAGE, {"replicate": "airflow:rep_prod"}, "my-replicate"),
        (IMAGE, {"replicate": "j2v:raw-id"}, "raw-id"),
        (IMAGE, {"Replicate": "rep_prod"}, "my-replicate"),
        (IMAGE, {"replicate": "free"}, None),
        (IMAGE, {"wavespeed": "wave_prod", "replicate": "rep_prod"}, "my-replicate"),
        (IMAGE, {"wavespeed": "wave_prod"}, "my-wave"),
        (IMAGE, {"elevenlabs": "el_prod"}, None),
        (IMAGE | {"connection": "mine"}, {"replicate": "rep_prod"}, "mine"),
        (IMAGE | {"connection": "airflow:free"}, {"replicate": "rep_prod"}, None),
        (IMAGE | {"connection": ""}, {"replicate": "rep_prod"}, "my-replicate"),
        (IMAGE | {"connection": None}, {"replicate": "rep_prod"}, "my-replicate"),
        (VOICE, {"elevenlabs": "el_prod"}, "my-eleven"),
        ({"type": "voice", "text": "hi"}, {"azure": "j2v:az"}, "az"),
        (IMAGE | {"model": "unheard-of", "connection": "mine"}, {"replicate": "rep_prod"}, "mine"),
        (IMAGE | {"type": "video"}, {"replicate": "rep_prod"}, "my-replicate"),
    ],
)
def test_who_pays(element, providers, expected):
    assert connection(element, providers) == expected


@pytest.mark.parametrize(
    ("element", "providers", "catalog", "words"),
    [
        (IMAGE | {"connection": "airflow:nowhere"}, {}, CATALOG, r"elements\[0\]\.connection: there is no Airflow"),
        (IMAGE | {"connection": "airflow:"}, {}, CATALOG, "there is no Airflow connection ''"),
        (IMAGE, {"replicate": "nowhere"}, CATALOG, "the provider map's 'replicate': there is no"),
        (IMAGE, {"replicate": "j2v:"}, CATALOG, "names no connection"),
        (IMAGE | {"model": "unheard-of"}, {"replicate": "rep_prod"}, CATALOG, "'unheard-of' is not known"),
        (IMAGE | {"model": "of-nobody"}, {"replicate": "rep_prod"}, CATALOG, "'of-nobody' is not known"),
        (IMAGE | {"model": ["flux-pro"]}, {"replicate": "rep_prod"}, CATALOG, "is not known"),
        ({"type": "image", "prompt": "x"}, {"replicate": "rep_prod"}, CATALOG, "None is not known"),
        (IMAGE, {"replicate": "rep_prod"}, None, "is not known"),
    ],
)
def test_what_would_be_billed_unnoticed_is_refused(element, providers, catalog, words):
    with pytest.raises(UnresolvedConnection, match=words):
        run({"scenes": [{"elements": [element]}]}, providers, catalog)


def test_every_place_of_a_movie_is_reached_and_named():
    image = IMAGE | {"connection": "airflow:rep_prod"}
    resolution = run({"elements": [VOICE], "scenes": [{"elements": ["text", image]}, {}, None, {"elements": [IMAGE]}]})
    assert [(p.path, p.model, p.provider, p.connection) for p in resolution.payers] == [
        ("movie.scenes[0].elements[1]", "flux-pro", "replicate", "my-replicate"),
        ("movie.scenes[3].elements[0]", "flux-pro", "replicate", None),
        ("movie.elements[0]", "elevenlabs", "elevenlabs", None),
    ]
    assert resolution.movie["scenes"][0]["elements"] == ["text", IMAGE | {"connection": "my-replicate"}]
    assert resolution.movie["scenes"][1:3] == [{}, None]


def test_a_reference_on_an_element_that_is_not_generated_is_replaced_too():
    element = {"type": "image", "src": "https://x", "prompt": "x", "connection": "airflow:rep_prod"}
    resolution = run({"elements": [element]})
    assert resolution.movie["elements"] == [element | {"connection": "my-replicate"}]
    assert resolution.payers == []


@pytest.mark.parametrize(
    "movie", [{}, {"scenes": "x"}, {"scenes": [5], "elements": {}}, {"exports": {}}, {"exports": [5]}]
)
def test_a_movie_of_another_form_passes_unchanged(movie):
    assert run(movie, {"replicate": "rep_prod"}).movie == movie


def test_destinations_are_resolved_and_others_left_alone():
    plain = [{"type": "webhook", "endpoint": "https://x"}, {"id": "own"}, "odd"]
    movie = {"exports": [{"destinations": [{"id": "airflow:sftp", "file": "a.mp4"}, *plain]}, {"destinations": None}]}
    assert run(movie).movie["exports"] == [
        {"destinations": [{"id": "my-sftp", "file": "a.mp4"}, *plain]},
        {"destinations": None},
    ]


@pytest.mark.parametrize(("target", "words"), [("free", "cannot be the managed service"), ("nowhere", "there is no")])
def test_a_destination_must_resolve(target, words):
    with pytest.raises(UnresolvedConnection, match=rf"movie\.exports\[0\]\.destinations\[1\]\.id: .*{words}"):
        run({"exports": [{"destinations": [{}, {"id": f"airflow:{target}"}]}]})


def test_a_provider_map_cannot_reach_into_a_template():
    with pytest.raises(UnresolvedConnection, match="movie_file"):
        run({"template": "x" * 20}, {"replicate": "rep_prod"})
    assert run({"template": "x" * 20}).movie == {"template": "x" * 20}


@pytest.mark.parametrize(
    ("element", "generated"),
    [
        (VOICE, True),
        (IMAGE, True),
        ({"type": "video", "prompt": "x"}, True),
        ({"type": "image", "src": "https://x"}, False),
        ({"type": "image", "prompt": ""}, False),
        ({"type": "text", "prompt": "x"}, False),
        ({}, False),
    ],
)
def test_which_elements_an_ai_model_makes(element, generated):
    assert is_generated(element) is generated
