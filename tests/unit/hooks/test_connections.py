"""From Airflow Connections to what the service knows, in the environment the task runs in."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import redact

from airflow_provider_j2v.exceptions import ConfigurationError, UnresolvedConnection
from airflow_provider_j2v.hooks.connections import connection_id_of, destination_of
from airflow_provider_j2v.hooks.json2video import JSON2VideoConnectionHook, JSON2VideoHook
from airflow_provider_j2v.hooks.templates import _cache as template_cache
from airflow_provider_j2v.sandbox import Sandbox
from tests.unit.context import connect

IMAGE = {"type": "image", "prompt": "a cat", "model": "flux-pro"}
VOICE = {"type": "voice", "text": "hi", "model": "elevenlabs"}
PASSWORD = 'sftp"pässword'


def define(monkeypatch: pytest.MonkeyPatch, **connections: dict[str, Any]) -> None:
    for conn_id, fields in connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))


def j2v(login: str | None = None, **extra: Any) -> dict[str, Any]:
    return {"conn_type": "json2video_connection", "login": login, "extra": extra}


def sftp(**fields: Any) -> dict[str, Any]:
    known = {"conn_type": "sftp", "host": "sftp.example.com", "login": "me", "password": PASSWORD}
    return known | {"extra": {"json2video_inline": True}} | fields


CONNECTIONS = {
    "an id": (j2v("my-eleven"), "my-eleven"),
    "managed": (j2v(managed=True), None),
    "managed, in a URI": ("json2video-connection://?managed=true", None),
    "an id that is not managed": (j2v("my-eleven", managed=False), "my-eleven"),
    "neither": (j2v(), "must have either the id"),
    "both": (j2v("x", managed=True), "must have either the id"),
    "an unclear word": (j2v(managed="perhaps"), "must have either the id"),
    "another type": ({"conn_type": "http", "login": "x"}, "is of type 'http', not 'json2video_connection'"),
    "a destination": (sftp(), "is of type 'sftp', not 'json2video_connection'"),
}


@pytest.mark.parametrize(("fields", "expected"), CONNECTIONS.values(), ids=CONNECTIONS)
def test_what_an_airflow_connection_stands_for(
    monkeypatch: pytest.MonkeyPatch, fields: Any, expected: str | None
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_C", fields if isinstance(fields, str) else json.dumps(fields))
    ok, message = JSON2VideoConnectionHook("c").test_connection()
    if expected is None or " " not in expected:
        assert connection_id_of("c") == expected
        assert ok
    else:
        with pytest.raises(UnresolvedConnection, match=expected):
            connection_id_of("c")
        assert not ok
        assert expected in message


def test_what_is_not_there_says_what_to_create() -> None:
    with pytest.raises(UnresolvedConnection, match="no Airflow connection 'c': create one of type 'json2video_conn"):
        destination_of("c")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (j2v("my-sftp"), {"id": "my-sftp"}),
        (
            sftp(port=2222),
            {"type": "sftp", "host": "sftp.example.com", "port": 2222, "username": "me", "password": PASSWORD},
        ),
        (
            sftp(conn_type="ftp", extra={"json2video_inline": "True"}),
            {"type": "ftp", "host": "sftp.example.com", "port": 21, "username": "me", "password": PASSWORD},
        ),
    ],
)
def test_what_an_airflow_connection_puts_into_a_destination(
    monkeypatch: pytest.MonkeyPatch, fields: dict, expected: dict
) -> None:
    define(monkeypatch, c=fields)
    assert destination_of("c") == expected


REFUSED = {
    "without the opt-in": (sftp(extra={}), r"readable to every API key .* json2video.com/dashboard/connections"),
    "with a key": (sftp(extra={"json2video_inline": True, "private_key": "k"}), r"logs in with a key \(private_key\)"),
    "with a key file": (sftp(extra={"json2video_inline": True, "key_file": "/k"}), r"logs in with a key \(key_file\)"),
    "without a password": (sftp(password=None), "has no password, which"),
    "without anything": (sftp(host="", login=None, password=None), "has no host and no login and no password, which"),
    "the managed service": (j2v(managed=True), "a destination cannot be the managed service, as 'c' is"),
    "another type": ({"conn_type": "ssh", "host": "h"}, "is of type 'ssh', not 'json2video_connection'"),
    "an extra that is no JSON": (sftp(extra="{"), "The Extra of Airflow connection 'c' is not JSON"),
}


@pytest.mark.parametrize(("fields", "words"), REFUSED.values(), ids=REFUSED)
def test_a_destination_that_cannot_be_one_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, fields: dict, words: str
) -> None:
    define(monkeypatch, c=fields)
    with pytest.raises(UnresolvedConnection, match=words) as raised:
        destination_of("c")
    assert PASSWORD not in str(raised.value)


def test_an_inline_password_is_masked_by_airflow_in_the_spelling_of_json_too(monkeypatch: pytest.MonkeyPatch) -> None:
    define(monkeypatch, c=sftp(password='mask"me-please'))
    destination_of("c")
    assert redact('{"any": "mask\\"me-please"}; mask"me-please') == '{"any": "***"}; ***'


# The maps of the account and of the task.


@pytest.fixture
def hook(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> JSON2VideoHook:
    maps = {"connections": {"ElevenLabs": "account_el", "replicate": "account_rep"}}
    connect(monkeypatch, sandbox, extra=maps)
    define(
        monkeypatch,
        account_el=j2v("el-of-account"),
        account_rep=j2v("rep-of-account"),
        task_el=j2v("el-of-task"),
        here_managed=j2v(managed=True),
    )
    template_cache.clear()
    return JSON2VideoHook()


@pytest.mark.parametrize(
    ("connections", "voice", "image"),
    [
        (None, "el-of-account", "rep-of-account"),
        ({}, "el-of-account", "rep-of-account"),
        ({"elevenlabs": "task_el"}, "el-of-task", "rep-of-account"),
        ({"elevenlabs": "here_managed"}, None, "rep-of-account"),
        ({"replicate": "j2v:raw"}, "el-of-account", "raw"),
    ],
)
def test_a_tasks_map_wins_provider_by_provider(
    hook: JSON2VideoHook, connections: dict | None, voice: str | None, image: str | None
) -> None:
    resolution = hook.resolution({"elements": [VOICE, IMAGE]}, connections)
    assert [payer.connection for payer in resolution.payers] == [voice, image]
    assert [element.get("connection") for element in resolution.movie["elements"]] == [voice, image]


def test_what_stays_managed_under_a_map_is_named_with_its_price(
    hook: JSON2VideoHook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    price = "40 credits per file"
    hook.resolve_connections({"elements": [IMAGE | {"model": "nano-banana-2"}, VOICE]}, {"elevenlab": "task_el"})
    lines = [r.getMessage() for r in caplog.records if r.name == "airflow_provider_j2v.hooks.connections"]
    assert lines == [
        "The provider map names 'elevenlab', which no AI model of the catalog runs at (did you mean elevenlabs?).",
        f"movie.elements[0]: image by nano-banana-2 at wavespeed: managed service, {price} (provider not in the map)",
    ]


def test_a_catalog_that_is_none_is_refused(hook: JSON2VideoHook) -> None:
    with pytest.raises(ConfigurationError, match="JSON2VideoRefreshCatalogOperator"):
        hook.resolution({"elements": [IMAGE]}, catalog={"models": 5})


def test_a_catalog_that_was_read_is_not_read_again(hook: JSON2VideoHook, sandbox: Sandbox) -> None:
    reading = hook.get_catalog()
    fault = sandbox.faults.add("catalog", "status", status=500, times=None)
    hook.resolution({"elements": [IMAGE]}, catalog=reading)
    assert fault.hits == 0


def test_a_movie_without_ai_elements_needs_no_catalog(hook: JSON2VideoHook, sandbox: Sandbox) -> None:
    movie = {"scenes": [{"elements": [{"type": "text", "text": "x"}, {"type": "image", "src": "https://h/a.png"}]}]}
    assert hook.resolve_connections(movie) == movie
    assert str(hook.explain_connections(movie)) == "No AI elements and no destinations."
    assert sandbox.journal.requests["catalog"] == 0


# Saved templates, as the service has them.


@pytest.mark.parametrize(
    ("element", "refused"), [(IMAGE, True), (IMAGE | {"connection": "mine"}, False), ({"type": "text"}, False)]
)
def test_a_saved_template_is_read_where_a_map_is_in_force(
    hook: JSON2VideoHook, sandbox: Sandbox, element: dict, refused: bool
) -> None:
    template_id = hook.create_template("t", {"scenes": [{"elements": [element]}]}).id
    movie = {"template": template_id, "variables": {}}
    if refused:
        with pytest.raises(UnresolvedConnection, match=r"^template\.scenes\[0\]\.elements\[0\]: .*movie_file"):
            hook.resolve_connections(movie)
    else:
        assert hook.resolve_connections(movie) == movie


def test_a_saved_template_is_not_read_without_need(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, sandbox)
    movie = {"template": "x" * 20}
    assert JSON2VideoHook().resolve_connections(movie) == movie
    given = {"elements": [IMAGE | {"connection": "mine"}]}
    (payer,) = JSON2VideoHook().resolution(movie, {"replicate": "j2v:raw"}, template=given).payers
    assert payer.why == "named in the template"
    assert sandbox.journal.requests["template"] == 0


# Who pays, without sending anything.


def test_an_explanation_says_element_by_element_who_pays(hook: JSON2VideoHook, sandbox: Sandbox) -> None:
    movie = {
        "elements": [VOICE, IMAGE | {"model": "nano-banana-2"}, IMAGE | {"model": "unheard-of"}],
        "exports": [{"destinations": [{"id": "airflow:nowhere"}, {"type": "webhook", "endpoint": "https://h/x"}]}],
    }
    explained = hook.explain_connections(json.dumps(movie))
    assert [(p.path, p.paid_by, p.why) for p in explained.payers] == [
        ("movie.elements[0]", "connection", "provider map"),
        ("movie.elements[1]", "managed", "provider not in the map"),
    ]
    assert [d.path for d in explained.destinations] == ["movie.exports[0].destinations[1]"]
    assert len(explained.problems) == 2
    assert json.loads(json.dumps(explained.to_dict()))["elements"][1]["credits"] == 40
    assert sandbox.journal.paid == 0


def test_an_explanation_of_a_template_reads_it_without_a_map_too(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, sandbox)
    hook = JSON2VideoHook()
    template_id = hook.create_template("t", {"elements": [IMAGE]}).id
    (payer,) = hook.explain_connections({"template": template_id}).payers
    assert (payer.path, payer.why, payer.credits) == ("template.elements[0]", "no map", 20)
