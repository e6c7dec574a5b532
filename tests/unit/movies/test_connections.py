"""Who pays for each AI element: never silently another than the author meant."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.exceptions import UnresolvedConnection
from airflow_provider_j2v.movies.connections import explain, has_generated, resolve

CATALOG = Catalog.parse(
    {
        "models": [
            {
                "name": "flux-pro",
                "category": "image",
                "credits": 20,
                "unit": "file",
                "providers": ["replicate", "wavespeed"],
            },
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


def run(movie, providers=None, catalog=CATALOG, **words):
    before = copy.deepcopy((movie, words))
    try:
        return resolve(movie, providers=providers or {}, lookup=lookup, catalog=catalog, **words)
    finally:
        assert (movie, words) == before, "the author's movie was changed"


def refusal(movie, providers=None, catalog=CATALOG, **words):
    with pytest.raises(UnresolvedConnection) as raised:
        run(movie, providers, catalog, **words)
    assert str(raised.value).endswith("Nothing was sent.")
    return str(raised.value)


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
        (
            IMAGE | {"model": ["flux-pro"]},
            {"replicate": "rep_prod"},
            CATALOG,
            r"elements\[0\]: its model is no text, so",
        ),
        (
            {"type": "image", "prompt": "x"},
            {"replicate": "rep_prod"},
            CATALOG,
            "it names no model, so that the provider",
        ),
        (IMAGE | {"connection": 5}, {}, CATALOG, r"elements\[0\].connection must be the id of a connection, as a text"),
        (IMAGE, {"replicate": "rep_prod"}, None, "is not known"),
    ],
)
def test_what_would_be_billed_unnoticed_is_refused(element, providers, catalog, words):
    with pytest.raises(UnresolvedConnection, match=words):
        run({"scenes": [{"elements": [element]}]}, providers, catalog)


def test_every_place_of_a_movie_is_reached_and_named():
    image = IMAGE | {"connection": "airflow:rep_prod"}
    scenes = [{"preload": [VOICE], "elements": ["text", image]}, {}, None, {"elements": [IMAGE]}]
    resolution = run({"preload": [IMAGE | {"connection": "mine"}], "elements": [VOICE], "scenes": scenes})
    assert [(p.path, p.model, p.connection) for p in resolution.payers] == [
        ("movie.preload[0]", "flux-pro", "mine"),
        ("movie.elements[0]", "elevenlabs", None),
        ("movie.scenes[0].preload[0]", "elevenlabs", None),
        ("movie.scenes[0].elements[1]", "flux-pro", "my-replicate"),
        ("movie.scenes[3].elements[0]", "flux-pro", None),
    ]
    assert resolution.movie["scenes"][0]["elements"] == ["text", IMAGE | {"connection": "my-replicate"}]
    assert resolution.movie["scenes"][1:3] == [{}, None]


def test_a_preloaded_element_gets_its_mapped_connection_too():
    movie = {"preload": [IMAGE | {"id": "hero"}], "scenes": []}
    assert run(movie, {"wavespeed": "wave_prod"}).movie["preload"] == [IMAGE | {"id": "hero", "connection": "my-wave"}]


@pytest.mark.parametrize(
    ("element", "providers", "provider", "why", "price"),
    [
        (IMAGE, {}, "replicate", "no map", (20, "file")),
        (IMAGE, {"elevenlabs": "el_prod"}, "replicate", "provider not in the map", (20, "file")),
        (IMAGE, {"wavespeed": "wave_prod"}, "wavespeed", "provider map", (0, None)),
        (IMAGE, {"replicate": "free"}, "replicate", "provider map", (20, "file")),
        (IMAGE | {"connection": "mine"}, {}, None, "named in the movie", (0, None)),
        (VOICE | {"connection": "mine"}, {}, "elevenlabs", "named in the movie", (0, None)),
        (IMAGE | {"connection": "airflow:free"}, {}, "replicate", "named in the movie", (20, "file")),
        (IMAGE | {"model": "unheard-of"}, {}, None, "no map", (None, None)),
    ],
)
def test_each_payer_says_what_decided_and_the_price(element, providers, provider, why, price):
    (payer,) = run({"elements": [element]}, providers).payers
    assert (payer.provider, payer.why, (payer.credits, payer.unit)) == (provider, why, price)
    assert payer.paid_by == ("managed" if payer.connection is None else "connection")


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
    message = refusal({"exports": [{"destinations": [{}, {"id": f"airflow:{target}"}]}]})
    assert message.startswith("movie.exports[0].destinations[1].id: ")
    assert words in message


def test_a_destination_takes_what_an_airflow_connection_describes_and_what_stands_beside_wins():
    described = {"type": "sftp", "host": "sftp.example.com", "port": 22, "username": "u", "password": "geheim"}
    target = {"id": "airflow:any", "file": "a.mp4", "host": "other.example.com"}
    resolution = run({"exports": {"destinations": [target]}}, describe=lambda conn_id: described | {"conn": conn_id})
    (destination,) = resolution.movie["exports"]["destinations"]
    assert destination == described | {"conn": "any", "file": "a.mp4", "host": "other.example.com"}
    assert "geheim" not in repr(resolution)
    assert "geheim" not in str(resolution.explanation) + json.dumps(resolution.explanation.to_dict())
    (told,) = resolution.explanation.destinations
    assert (told.type, told.to, told.airflow, told.inline) == ("sftp", "other.example.com", "any", True)


@pytest.mark.parametrize(
    ("movie", "place"),
    [
        ({"connection": "airflow:free"}, "movie.connection"),
        ({"scenes": [{"connection": "airflow:free"}]}, "movie.scenes[0].connection"),
        ({"exports": [{"id": "airflow:free"}]}, "movie.exports[0].id"),
        ({"elements": [{"type": "component", "settings": {"connection": "airflow:free"}}]}, "settings.connection"),
        ({"scenes": [{"elements": {"connection": "airflow:free"}}]}, "movie.scenes[0].elements.connection"),
    ],
)
def test_a_reference_where_none_can_be_is_refused(movie, place):
    assert f"{place}: 'airflow:free' is not where a connection can be named" in refusal(movie)


@pytest.mark.parametrize(
    "movie",
    [
        {"id": "airflow:daily"},
        {"scenes": [{"id": "airflow:intro", "elements": [{"type": "text", "id": "airflow:1", "text": "airflow:x"}]}]},
        {"variables": {"connection": "airflow:x"}, "client-data": {"connection": "airflow:x"}},
    ],
)
def test_the_authors_own_ids_and_data_are_left_alone(movie):
    assert run(movie).movie == movie


def test_all_that_does_not_resolve_is_told_at_once_and_cut_short():
    elements = [IMAGE | {"connection": f"airflow:no{i}"} for i in range(7)]
    lines = refusal({"elements": elements}).splitlines()
    assert [line.partition(": ")[0] for line in lines[:5]] == [f"movie.elements[{i}].connection" for i in range(5)]
    assert lines[5:] == ["and 2 more", "Nothing was sent."]


def test_each_airflow_connection_is_looked_up_once():
    asked = []

    def noting(conn_id):
        asked.append(conn_id)
        return "id"

    elements = [IMAGE | {"connection": "airflow:a"}, VOICE, VOICE, IMAGE | {"connection": "airflow:a"}]
    resolve({"elements": elements}, providers={"elevenlabs": "b"}, lookup=noting, catalog=CATALOG)
    assert sorted(asked) == ["a", "b"]


def test_a_provider_that_runs_no_model_is_probably_misspelt():
    warnings = run({}, {"elevenlab": "el_prod", "azure": "j2v:az"}).explanation.warnings
    assert len(warnings) == 1
    assert "'elevenlab', which no AI model of the catalog runs at (did you mean elevenlabs?)" in warnings[0]


# Saved templates: what they hold cannot be changed from here.

NAMED = {"template": "x" * 20, "variables": {"a": 1}}


def test_a_provider_map_needs_to_see_the_template():
    assert "movie_file" in refusal(NAMED, {"replicate": "rep_prod"})
    assert run(NAMED).movie == NAMED


@pytest.mark.parametrize(
    ("element", "providers"),
    [
        (IMAGE, {}),
        (IMAGE, {"elevenlabs": "el_prod"}),
        (IMAGE, {"replicate": "free"}),
        (IMAGE | {"connection": "mine"}, {"replicate": "rep_prod"}),
        ({"type": "text", "text": "x"}, {"replicate": "rep_prod"}),
    ],
)
def test_a_template_that_a_map_would_not_change_passes_and_its_payers_are_told(element, providers):
    resolution = run(NAMED, providers, template={"scenes": [{}, {"elements": [element]}]})
    assert resolution.movie == NAMED
    assert [(p.path, p.connection) for p in resolution.payers] == (
        [("template.scenes[1].elements[0]", element.get("connection"))] if element["type"] == "image" else []
    )


@pytest.mark.parametrize(
    ("element", "words"),
    [
        (IMAGE, "would give model 'flux-pro' the Connection 'my-replicate', but a saved template cannot be changed"),
        (IMAGE | {"model": "flux-prox"}, "the provider of model 'flux-prox' is not known (did you mean flux-pro?)"),
        (IMAGE | {"connection": "airflow:rep_prod"}, "names an Airflow connection, which nothing replaces"),
    ],
)
def test_a_template_that_a_map_would_change_is_refused_with_the_place_in_it(element, words):
    message = refusal(NAMED, {"replicate": "rep_prod"}, template={"scenes": [{"elements": [{}, element]}]})
    assert message.startswith("template.scenes[0].elements[1]")
    assert words in message


def test_a_templates_destinations_count_unless_the_request_has_its_own():
    template = {"exports": [{"destinations": [{"id": "airflow:sftp"}]}]}
    assert "template.exports[0].destinations[0].id: 'airflow:sftp'" in refusal(NAMED, template=template)
    own = NAMED | {"exports": [{"destinations": [{"id": "airflow:sftp"}]}]}
    assert run(own, template=template).movie["exports"] == [{"destinations": [{"id": "my-sftp"}]}]


# The same as an explanation, for people and without an Airflow.


def test_an_explanation_lists_what_is_refused_instead_of_stopping():
    elements = [IMAGE | {"model": "unheard-of"}, IMAGE, VOICE]
    explained = explain({"elements": elements}, providers={"replicate": "rep_prod"}, catalog=CATALOG)
    assert [p.startswith("movie.elements[0]: the provider") for p in explained.problems] == [True]
    assert [(p.path, p.connection) for p in explained.payers] == [
        ("movie.elements[1]", "airflow:rep_prod"),
        ("movie.elements[2]", None),
    ]


def test_without_airflow_references_stand_for_themselves():
    movie = {"exports": [{"destinations": [{"id": "airflow:sftp"}]}], "elements": [IMAGE]}
    explained = explain(movie, providers={"replicate": "j2v:raw"}, catalog=CATALOG)
    assert [d.connection for d in explained.destinations] == ["airflow:sftp"]
    assert [p.connection for p in explained.payers] == ["raw"]
    assert not explained.problems


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["airflow:x", "flux-pro"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
ELEMENT = JSON | st.fixed_dictionaries(
    {"type": st.sampled_from(["image", "voice", "video"]) | JSON},
    optional={"model": JSON, "prompt": JSON, "src": JSON, "connection": JSON, "id": JSON},
)
ELEMENTS = JSON | st.lists(ELEMENT, max_size=3)
HOLDER = JSON | st.fixed_dictionaries({}, optional={"elements": ELEMENTS, "preload": ELEMENTS})
DESTINATION = JSON | st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("id", "type", "endpoint", "to", "host", "password"), JSON)
)
EXPORT = JSON | st.fixed_dictionaries({"destinations": JSON | st.lists(DESTINATION, max_size=3)})
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "scenes": JSON | st.lists(HOLDER, max_size=3),
        "elements": ELEMENTS,
        "preload": ELEMENTS,
        "exports": JSON | st.lists(EXPORT, max_size=2),
        "template": JSON,
        "id": JSON,
    },
)


@given(DOCUMENTS, st.none() | DOCUMENTS, st.sampled_from([{}, {"replicate": "rep_prod"}]))
def test_any_movie_and_any_template_resolve_or_are_refused(movie, template, providers):
    explained = explain(movie, providers=providers, catalog=CATALOG, lookup=lookup, template=template)
    assert str(explained)
    json.dumps(explained.to_dict())
    try:
        run(movie, providers, template=template)
    except UnresolvedConnection:
        assert explained.problems
    else:
        assert not explained.problems


@pytest.mark.parametrize(
    ("element", "made"),
    [
        (VOICE, True),
        (IMAGE, True),
        ({"type": "video", "prompt": "x"}, True),
        ({"type": "image", "src": "https://x"}, False),
        ({"type": "image", "prompt": ""}, False),
        ({"type": "text", "prompt": "x"}, False),
        ({}, False),
        ({"type": "{{t}}", "prompt": "x"}, True),
        (IMAGE | {"src": "{{s}}"}, True),
        (IMAGE | {"src": "{{ '' }}"}, True),
        (IMAGE | {"src": "{{ 'https://x' }}"}, False),
    ],
)
def test_a_movie_in_which_an_ai_model_may_make_something(element, made):
    assert has_generated(None, {"scenes": [None, {}, {"elements": [5, element]}]}) is made
    assert has_generated({"preload": [element]}, {}) is made


# Variables decide.

MAP = {"replicate": "rep_prod", "elevenlabs": "el_prod"}


@pytest.mark.parametrize(
    ("element", "variables", "expected"),
    [
        (IMAGE | {"model": "{{m}}"}, {"m": "flux-pro"}, "my-replicate"),
        (IMAGE | {"prompt": "{{p}}"}, {"p": "a cat"}, "my-replicate"),
        (IMAGE | {"type": "{{t}}"}, {"t": "image"}, "my-replicate"),
        (IMAGE | {"type": "{{t}}"}, {}, "my-replicate"),
        (IMAGE | {"src": "{{s}}"}, {"s": ""}, "my-replicate"),
        (IMAGE | {"src": "{{s}}"}, {}, "my-replicate"),
        (VOICE | {"text": "{{t}}"}, {}, "my-eleven"),
        (VOICE | {"type": "{{t}}"}, {"t": "voice"}, "my-eleven"),
        (VOICE | {"connection": "{{c}}"}, {"c": ""}, "my-eleven"),
        (VOICE | {"connection": "{{c}}"}, {"c": "airflow:wave_prod"}, "my-wave"),
        (VOICE | {"connection": "airflow:{{env}}"}, {"env": "wave_prod"}, "my-wave"),
        (VOICE | {"connection": "{{c}}"}, {"c": "airflow:free"}, None),
        (VOICE | {"model": "{{m}}"}, {"m": "azure"}, None),
    ],
)
@pytest.mark.parametrize("level", ["movie", "scene", "element", "item", "importer"])
def test_what_variables_of_any_level_say_counts_as_if_it_were_written(element, variables, expected, level):
    movie = {"variables": {}, "scenes": [{"elements": [element]}]}
    scene = movie["scenes"][0]
    match level:
        case "movie":
            movie["variables"] = variables
        case "scene":
            scene["variables"] = variables
        case "element":
            scene["elements"] = [element | {"variables": variables}]
        case "item":
            movie["variables"] = {"rows": [variables, variables]}
            scene["iterate"] = "rows"
        case "importer":
            scene |= {"id": "a", "condition": ""}
            movie["scenes"].append({"import": "a", "variables": variables})
    resolution = run(movie, MAP)
    (resolved,) = resolution.movie["scenes"][0]["elements"]
    assert resolved.get("connection") == expected
    (payer,) = resolution.payers
    assert (payer.path, payer.connection) == ("movie.scenes[0].elements[0]", expected)
    assert resolution.movie["variables"] == movie["variables"]


def test_the_payer_of_an_element_whose_model_is_a_variable_names_the_model():
    (payer,) = run({"variables": {"m": "flux-pro"}, "elements": [IMAGE | {"model": "{{m}}"}]}).payers
    assert (payer.type, payer.model, payer.provider, payer.credits) == ("image", "flux-pro", "replicate", 20)


@pytest.mark.parametrize(
    ("element", "variables", "words"),
    [
        (IMAGE | {"model": "{{m}}"}, {}, "its model cannot be computed, since a variable is not given, so that the"),
        (IMAGE | {"model": "{{m}}"}, {"m": "unheard-of"}, "the provider of model 'unheard-of' is not known"),
        ({"type": "{{t}}", "text": "hi"}, {}, "it names no model"),
        (IMAGE | {"connection": "{{c}}"}, {}, "connection: '{{c}}' cannot be computed, since a variable is not given"),
        (IMAGE | {"connection": "{{c}}"}, {"c": "airflow:nowhere"}, "connection: there is no Airflow connection"),
        (IMAGE | {"connection": "{{c}}"}, {"c": 5}, "connection must be the id of a connection"),
    ],
)
def test_what_variables_leave_open_is_refused_under_a_map(element, variables, words):
    assert words in refusal({"variables": variables, "scenes": [{"elements": [element]}]}, MAP)


def test_a_connection_that_cannot_be_computed_is_refused_without_a_map_too():
    assert "'{{c}}' cannot be computed" in refusal({"elements": [VOICE | {"connection": "{{c}}"}]})


def repeated(element, *items, **more):
    return {"variables": {"rows": list(items)}, "scenes": [{"iterate": "rows", "elements": [element], **more}]}


@pytest.mark.parametrize(
    ("element", "items", "expected"),
    [
        (IMAGE | {"model": "{{m}}"}, [{"m": "flux-pro"}, {"m": "flux-pro"}], "my-replicate"),
        (IMAGE | {"src": "{{s}}"}, [{"s": ""}, {"s": "https://x"}], "my-replicate"),
        ({"type": "{{t}}", "text": "hi", "model": "elevenlabs"}, [{"t": "text"}, {"t": "voice"}], "my-eleven"),
        (
            IMAGE | {"model": "{{m}}", "condition": "{{m}}"},
            [{"m": "flux-pro"}, {"m": ""}],
            "my-replicate",
        ),
        (IMAGE | {"connection": "{{c}}"}, [{"c": "airflow:wave_prod"}] * 2, "my-wave"),
        (IMAGE | {"connection": "{{c}}"}, [{"c": "airflow:wave_prod"}, {"c": "my-wave"}], "my-wave"),
        (IMAGE | {"connection": "{{c}}"}, [{"c": "one"}, {"c": "two"}], "{{c}}"),
        (IMAGE | {"model": "{{m}}"}, [{"m": "azure"}, {"m": "freepik-classic"}], None),
    ],
)
def test_an_element_gets_the_connection_that_suits_it_each_time_its_scene_plays(element, items, expected):
    resolution = run(repeated(element, *items), MAP)
    assert resolution.movie["scenes"][0]["elements"][0].get("connection") == expected


@pytest.mark.parametrize(
    ("element", "items", "words"),
    [
        (
            {"type": "{{t}}", "prompt": "x", "text": "x", "model": "{{m}}"},
            [{"t": "image", "m": "flux-pro"}, {"t": "voice", "m": "elevenlabs"}],
            "it would need the Connection 'my-replicate' for flux-pro, the Connection 'my-eleven' for elevenlabs. Give",
        ),
        (
            IMAGE | {"model": "{{m}}"},
            [{"m": "freepik-classic"}, {"m": "flux-pro"}],
            "it would need the managed service for freepik-classic, the Connection 'my-replicate' for flux-pro. Give",
        ),
        (
            IMAGE | {"connection": "{{c}}"},
            [{"c": "airflow:wave_prod"}, {"c": "airflow:rep_prod"}],
            "it would need the Connection 'my-wave' for flux-pro, the Connection 'my-replicate' for flux-pro",
        ),
        (
            IMAGE | {"model": "{{m}}", "connection": "{{c}}"},
            [{"c": "airflow:wave_prod"}, {"c": "airflow:rep_prod"}],
            "it would need the Connection 'my-wave' for image, the Connection 'my-replicate' for image",
        ),
        (IMAGE | {"model": "{{m}}"}, [{"m": "flux-pro"}, {}], "its model cannot be computed"),
    ],
)
def test_an_element_that_would_need_another_connection_each_time_is_refused(element, items, words):
    message = refusal(repeated(element, *items), MAP)
    assert message.startswith("movie.scenes[0].elements[0]: ")
    assert words in message
    assert not explain(repeated(element, *items), providers=MAP, catalog=CATALOG, lookup=lookup).payers


@pytest.mark.parametrize(
    "scene",
    [{"iterate": "gone"}, {"iterate": "many"}, {"import": "b"}],
)
def test_what_plays_too_often_or_nobody_knows_how_often_is_refused_unless_it_is_written_out(scene):
    spent = {"iterate": "many", "elements": [{"type": "text", "text": "x"}]}
    other = {"id": "b", "variables": {"m": "flux-pro"}}
    movie = {"variables": {"many": [{"m": "flux-pro"}] * 60_000}, "scenes": [spent, scene, other]}
    holder = movie["scenes"][2] if "import" in scene else scene
    holder["elements"] = [IMAGE | {"model": "{{m}}"}]
    assert "its model cannot be computed" in refusal(movie, MAP)
    holder["elements"] = [IMAGE]
    assert [payer.connection for payer in run(movie, MAP).payers] == ["my-replicate"]


def test_what_never_plays_is_not_asked_for_a_payer():
    element = IMAGE | {"model": "{{m}}", "connection": "{{c}}"}
    movie = repeated(element)
    movie["elements"] = [
        element | {"condition": "{{ 1 > 2 }}"},
        element | {"condition": "", "connection": "airflow:free"},
    ]
    resolution = run(movie, MAP)
    assert resolution.payers == []
    assert resolution.movie["scenes"] == movie["scenes"]
    assert "connection" not in resolution.movie["elements"][1]


def test_a_reference_in_a_variable_is_replaced_where_nothing_is_generated_and_in_destinations_too():
    movie = {
        "variables": {"c": "airflow:rep_prod", "d": "airflow:sftp", "own": "mine"},
        "elements": [{"type": "image", "src": "https://x", "connection": "{{c}}"}],
        "exports": [{"destinations": [{"id": "{{d}}"}, {"id": "{{own}}"}, {"id": "{{gone}}"}]}],
    }
    resolved = run(movie).movie
    assert resolved["elements"][0]["connection"] == "my-replicate"
    assert resolved["exports"][0]["destinations"] == [{"id": "my-sftp"}, {"id": "{{own}}"}, {"id": "{{gone}}"}]


def test_a_template_is_looked_at_with_the_variables_of_the_request():
    template = {
        "variables": {"m": "azure"},
        "scenes": [{"elements": [IMAGE | {"model": "{{m}}", "connection": "{{c}}"}]}],
    }
    request = NAMED | {"variables": {"m": "flux-pro", "c": ""}}
    assert "would give model 'flux-pro' the Connection 'my-replicate'" in refusal(request, MAP, template=template)
    (payer,) = run(NAMED | {"variables": {"c": ""}}, MAP, template=template).payers
    assert (payer.model, payer.connection) == ("azure", None)
    request = NAMED | {"variables": {"c": "airflow:rep_prod"}}
    assert "'airflow:rep_prod' names an Airflow connection" in refusal(request, template=template)


# What is said.

KEYS = [
    "sk_0123456789abcdef0123456789abcdef",
    "r8_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789",
    "550e8400-e29b-41d4-a716-446655440000",
    "postgres://me:geheim@host/db",
    "Bearer geheim",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("movie", "options"),
    [
        ({"elements": [IMAGE | {"connection": "airflow:KEY"}]}, {}),
        ({"elements": [IMAGE | {"connection": ["KEY"]}]}, {}),
        ({"connection": "airflow:KEY"}, {}),
        ({"elements": [IMAGE]}, {"providers": {"replicate": "KEY"}}),
        ({"exports": [{"destinations": [{"id": "airflow:KEY"}]}]}, {}),
        (
            {"template": "x" * 20},
            {"providers": {"replicate": "j2v:KEY"}, "template": {"elements": [IMAGE]}},
        ),
        ({"template": "x" * 20}, {"template": {"elements": [IMAGE | {"connection": "airflow:KEY"}]}}),
    ],
)
def test_a_key_where_an_id_belongs_is_not_quoted(key, movie, options):
    movie, options = (json.loads(json.dumps(value).replace("KEY", key)) for value in (movie, options))
    message = refusal(movie, **options)
    assert key not in message
    assert key[4:].partition("@")[0] not in message


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_was_taken_for_an_id_is_not_told(key):
    movie = {
        "elements": [IMAGE | {"connection": key}, IMAGE | {"connection": f"airflow:{key}"}],
        "exports": [{"destinations": [{"id": key}, {"id": f"airflow:{key}"}]}],
    }
    explained = explain(movie, providers={key: "x"}, catalog=CATALOG)
    assert key not in f"{explained}{explained.to_dict()}"
    assert key[:4] in str(explained)


def test_an_address_is_not_looked_up():
    asked = []
    element = IMAGE | {"connection": "airflow:postgres://me:geheim@host/db"}
    explain({"elements": [element]}, providers={}, catalog=CATALOG, lookup=asked.append)
    assert asked == []


@pytest.mark.parametrize("model", ["🦊" * 100, "\ud83e" * 100, "a'b\x1b[2J" + "x" * 100])
def test_a_long_or_odd_name_of_a_model_is_cut_between_characters(model):
    message = refusal({"elements": [IMAGE | {"model": model}]}, MAP)
    assert "\x1b" not in message
    assert message.isprintable()
    assert "…' is not known" in message or '…" is not known' in message
