"""What tasks log, raise, push, defer and keep: no secret in it, and no line that the service forged.

For a single render and its secrets see ``test_secrets.py``; here are batches, triggers, and hostile words.
"""

from __future__ import annotations

import base64
import json
import logging
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred
from airflow.triggers.base import BaseTrigger

from airflow_provider_j2v.exceptions import JSON2VideoError
from airflow_provider_j2v.get_provider_info import get_provider_info
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator, JSON2VideoRenderMoviesOperator
from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.triggers import movie as triggers
from tests.unit.context import Store, a_context, connect
from tests.unit.security.test_answers import EVIL

KEY = "k3y-that-nobody-shall-see"
PASSWORD = 'zqpart1"zqpart2\\zqpart3/zqpart4'
TELLING = ("k3y-that", "zqpart")
SFTP = {
    "conn_type": "sftp",
    "host": "sftp.example.com",
    "login": "me",
    "password": PASSWORD,
    "extra": {"json2video_inline": True},
}
MOVIE = {"resolution": "sd", "scenes": [{"duration": 1, "elements": [{"type": "text", "text": "x"}]}]}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox(port=0, speed=200, key=KEY, render="off") as server:
        connect(monkeypatch, server, password=KEY)
        monkeypatch.setenv("AIRFLOW_CONN_MY_SFTP", json.dumps(SFTP))
        yield server


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged here; not by the sandbox, which is the service's side."""
    service = ("uvicorn", "airflow_provider_j2v.sandbox")
    return [record.getMessage() for record in caplog.records if not record.name.startswith(service)]


def raised(error: BaseException) -> Iterator[BaseException]:
    """An error and those it came from, as far as Airflow shows them."""
    shown: BaseException | None = error
    while shown is not None:
        yield shown
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)


def unpacked(store: Store) -> str:
    """The documents of a batch, which are compressed."""
    values = [json.loads(text) for text in store.values.values()]
    packed = [zlib.decompress(base64.b64decode(value)).decode() for value in values if isinstance(value, str)]
    return "\n".join([*store.values.values(), *packed])


#: To a request that carries the password, and to a later one, by which it is known by its place alone.
QUOTED = f"No {PASSWORD} with {KEY}, of {json.dumps({'exports': [{'destinations': [SFTP]}]})}"
IN_URL = quote(PASSWORD, safe="")
RECALLED = f"No sftp://me:{IN_URL}@h with {KEY}, of {json.dumps({'exports': [{'destinations': [SFTP]}]})}"
ENDED = {"success": True, "movie": {"status": "error", "project": "p", "message": RECALLED, "json": RECALLED}}
NO_LIST = {"on": "list", "status": 400, "body": {"message": RECALLED}}
FAULTS: dict[str, list[dict[str, Any]]] = {
    "well": [],
    "a refusal that quotes all": [{"on": "submit", "status": 400, "body": {"success": False, "message": QUOTED}}],
    "an error page that quotes all": [{"on": "submit", "status": 500, "body": QUOTED}, NO_LIST],
    "a redirect that quotes all": [
        {"on": "submit", "status": 302, "body": "", "headers": {"Location": f"https://x/?{KEY}"}},
        NO_LIST,
    ],
    "a failed render that quotes all": [{"on": "get", "status": 200, "body": ENDED}, NO_LIST],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
def test_a_batch_leaves_no_secret_in_ledger_manifest_xcom_log_or_error(
    service: Sandbox, caplog: pytest.LogCaptureFixture, tmp_path: Path, faults: list[dict[str, Any]]
) -> None:
    for fault in faults:
        service.faults.add(kind="status", times=None, **fault)
    caplog.set_level(logging.DEBUG)
    manifest = tmp_path / "manifest.jsonl"
    task = JSON2VideoRenderMoviesOperator(
        task_id="render",
        items=[{"slug": "a"}, {"slug": "b"}],
        key="slug",
        movie=MOVIE,
        exports=[{"destinations": [{"id": "airflow:my_sftp"}]}],
        manifest=str(manifest),
        poll_interval=0.05,
        timeout=20,
        deferrable=False,
    )
    store = Store()
    context = a_context(store=store)
    left: list[Any] = []
    try:
        left.append(task.execute(context))
    except (AirflowFailException, JSON2VideoError) as e:
        left += [(repr(error), str(error), vars(error)) for error in raised(e)]
    sent = [json.loads(movie.submitted) for movie in service.movies.values()]
    assert not sent or sent[0]["exports"][0]["destinations"][0]["type"] == "sftp"
    left += [context["ti"].xcoms, {name: getattr(task, name) for name in task.template_fields}]
    kept = manifest.read_text("utf-8") if manifest.exists() else ""
    shown = "\n".join([repr(left), kept, unpacked(store), *logged(caplog)])
    assert "my_sftp" in shown
    for told in TELLING:
        assert told not in shown


def test_the_row_of_no_trigger_holds_more_than_a_conn_id(service: Sandbox) -> None:
    made: list[BaseTrigger] = [
        triggers.JSON2VideoMovieTrigger("json2video_default", "p", 1.0),
        triggers.JSON2VideoMoviesTrigger("json2video_default", ["p"], 1.0),
        triggers.JSON2VideoMovieEventTrigger("json2video_default", client_data={"a": 1}),
    ]
    known = {getattr(triggers, name) for name in triggers.__all__}
    assert {type(trigger) for trigger in made} == known
    assert JSON2VideoHook().account.key == KEY
    for trigger in made:
        shown = repr([trigger.serialize(), trigger, vars(trigger)])
        assert "json2video_default" in shown
        assert service.url not in shown
        assert KEY not in shown


def test_no_object_shows_the_key_when_it_is_printed(service: Sandbox) -> None:
    hook = JSON2VideoHook()
    objects = [hook, hook.account, hook.client, hook.get_quota(), vars(hook)]
    resolution = hook.resolution(MOVIE | {"exports": [{"destinations": [{"id": "airflow:my_sftp"}]}]})
    assert resolution.movie["exports"][0]["destinations"][0]["password"] == PASSWORD
    shown = f"{objects!r} {objects} {resolution!r} {resolution.explanation} {resolution.explanation.to_dict()}"
    for told in TELLING:
        assert told not in shown


def test_the_key_is_a_password_and_no_field_that_forms_show() -> None:
    account, connection = get_provider_info()["connection-types"]
    for kind in (account, connection):
        fields = set(kind.get("conn-fields", {}))
        assert not any(word in field.lower() for field in fields for word in ("key", "secret", "token", "password"))


# Hostile words.


def movie_of(**fields: Any) -> dict[str, Any]:
    movie = {"status": "done", "project": "p", "url": "https://h.example/a.mp4", "duration": 1} | fields
    return {"success": True, "movie": movie, "remaining_quota": {"time": EVIL}}


WORDS: dict[str, dict[str, Any]] = {
    "a refusal": {"on": "submit", "status": 400, "body": {"success": False, "message": EVIL, "code": EVIL}},
    "an error page": {"on": "submit", "status": 500, "body": EVIL},
    "an id": {"on": "submit", "status": 200, "body": {"success": True, "project": EVIL}},
    "a failed render": {"on": "get", "status": 200, "body": movie_of(status="error", message=f"Scene #1: {EVIL}")},
    "an address": {"on": "get", "status": 200, "body": movie_of(url=f"https://h.example/{EVIL}.mp4")},
    "a script": {"on": "get", "status": 200, "body": movie_of(url="javascript:alert(1)")},
    "a status": {"on": "get", "status": 200, "body": movie_of(status=EVIL)},
    "numbers": {"on": "get", "status": 200, "body": movie_of(duration=EVIL, size=EVIL, rendering_time=EVIL)},
    "a bill": {"on": "get", "status": 200, "body": movie_of(consumed_credits=[{"credits": EVIL}])},
    "a poll": {"on": "get", "status": 400, "body": {"message": EVIL}},
}


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_no_word_of_the_service_forges_a_line_or_a_link(
    service: Sandbox, caplog: pytest.LogCaptureFixture, words: dict[str, Any], deferrable: bool
) -> None:
    service.faults.add(kind="status", times=None, **words)
    service.faults.add("list", "status", status=400, body={"message": EVIL}, times=None)
    caplog.set_level(logging.DEBUG)
    task = JSON2VideoRenderMovieOperator(
        task_id="render", movie=MOVIE, preflight="off", poll_interval=0.05, timeout=1.0, deferrable=deferrable
    )
    context = a_context()
    told: list[str] = []
    with suppress(TaskDeferred):
        try:
            told.append(json.dumps(task.execute(context) | {"client_data": None, "credits": None}, ensure_ascii=False))
        except (AirflowFailException, JSON2VideoError) as e:
            told += [str(error) for error in raised(e)]
    links = [value for name, value in context["ti"].xcoms.items() if str(name).startswith("_link")]
    assert all(link == "" or link.startswith(("http://", "https://")) for link in links)
    for text in (*told, *links, *logged(caplog)):
        for line in text.split("\n"):  # of our own making
            assert line.isprintable(), repr(text)
            assert not line.startswith("2026-01-01"), repr(text)
