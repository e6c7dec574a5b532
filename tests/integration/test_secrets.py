"""Passwords and keys go to the service, and nowhere else: not with every log at DEBUG, not when all goes wrong."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_j2v.exceptions import JSON2VideoError
from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator
from airflow_provider_j2v.sandbox import Sandbox, misbehaviour
from airflow_provider_j2v.sandbox.exchange import Answer, Exchange
from tests.unit.context import HAS_STORE, Store, a_context

KEY = "k3y-that-nobody-shall-see"
#: Each of its parts is telling, and JSON, Python and URLs spell it differently.
PASSWORD = 'zqpart1"zqpart2\\zqpart3/zqpart4'
TELLING = ("k3y-that", "zqpart")
SFTP = {"conn_type": "sftp", "host": "sftp.example.com", "login": "me", "password": PASSWORD}

Run = Callable[..., dict[str, Any]]


@dataclass
class Listen:
    """A fault that writes down what arrives, and answers with it, or lets it pass."""

    heard: list[bytes] = field(default_factory=list)
    status: int | None = None
    quoted: str = "raw"

    async def play(self, exchange: Exchange) -> bool:
        headers = b"\n".join(b": ".join(pair) for pair in exchange._scope["headers"])
        body = exchange._body or b""
        self.heard.append(headers + b"\n\n" + body)
        if self.status is None:
            return False
        answer = text = (body + headers).decode()
        if self.quoted == "message":
            answer = json.dumps({"success": False, "message": f"Cannot use {PASSWORD}, with {KEY}, of {text}"})
        await exchange.answer(Answer(self.status, {"content-type": "application/json"}, answer.encode()))
        return True


@pytest.fixture
def confidants(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox whose key is a secret, and the Airflow connections of an environment."""
    with Sandbox(port=0, speed=100, key=KEY, render="off") as server:
        connections = {
            "json2video_default": {"conn_type": "json2video", "host": server.url, "password": KEY},
            "my_sftp": SFTP | {"extra": {"json2video_inline": True}},
            "elevenlabs": {"conn_type": "json2video_connection", "login": "my-eleven"},
            "replicate": {"conn_type": "json2video_connection", "login": "my-replicate"},
        }
        for conn_id, connection in connections.items():
            monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))
        monkeypatch.setitem(misbehaviour.KINDS, "listen", Listen)
        yield server


RENDER_ERROR = {
    "success": True,
    "movie": {
        "status": "error",
        "project": "p",
        "message": f"Scene #1, element #1: no upload to sftp://me:{'zqpart1zqpart2'}@h of {json.dumps(SFTP)}",
        "json": json.dumps(SFTP),
    },
}
ECHO = {"on": "submit", "kind": "listen"}
NO_LIST = {
    "on": "list",
    "kind": "status",
    "status": 400,
    "body": {"message": f"The key {KEY} may not list {json.dumps(SFTP)}"},
}
WAYS: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "well": ("success", []),
    "a refusal that quotes all": ("failed", [ECHO | {"status": 400, "quoted": "message"}]),
    "an error page that quotes all": ("failed", [ECHO | {"status": 500}, NO_LIST]),
    "an answer that is an echo": ("failed", [ECHO | {"status": 200}, NO_LIST]),
    "a failed render that quotes all": (
        "failed",
        [{"on": "get", "kind": "status", "status": 200, "body": RENDER_ERROR}],
    ),
}


@pytest.mark.parametrize(("state", "faults"), WAYS.values(), ids=WAYS)
def test_a_run_leaves_no_secret_behind(
    run_dag: Run,
    confidants: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    state: str,
    faults: list[dict[str, Any]],
) -> None:
    heard: list[bytes] = []
    confidants.faults.add("submit", "listen", heard=heard, times=None)
    for fault in faults:
        confidants.faults.add(times=None, **fault)
    caplog.set_level(logging.DEBUG)
    run = run_dag("confidential")
    assert run["state"] == state
    printed = "".join(capfd.readouterr())
    logged = "\n".join(f"{r.name} {r.getMessage()} {r.args} {r.exc_text}" for r in caplog.records)

    # It did travel, and all was looked at.
    (post, *_) = heard
    assert json.loads(post.partition(b"\n\n")[2])["exports"][0]["destinations"][0] == {
        "type": "sftp",
        "host": "sftp.example.com",
        "port": 22,
        "username": "me",
        "password": PASSWORD,
        "file": "a.mp4",
    }
    assert KEY.encode() in post
    assert "httpcore" in logged
    assert "my_sftp" in (kept := everything_kept())
    for told in TELLING:
        assert told not in logged
        assert told not in printed
        assert told not in kept
        assert told not in json.dumps(run["xcoms"][("render", -1)])


def everything_kept() -> str:
    """Airflow's home: its log files, and every row of its database."""
    home = Path(os.environ["AIRFLOW_HOME"])
    kept = [path.read_text("utf-8", "replace") for path in home.rglob("*") if path.is_file() and path.suffix != ".db"]
    with closing(connect(home / "airflow.db")) as database:
        kept.extend(database.iterdump())
    return "\n".join(kept)


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize(("state", "faults"), WAYS.values(), ids=WAYS)
def test_what_a_task_raises_pushes_defers_and_writes_down_holds_no_secret(
    confidants: Sandbox, caplog: pytest.LogCaptureFixture, state: str, faults: list[dict[str, Any]], deferrable: bool
) -> None:
    for fault in faults:
        confidants.faults.add(times=None, **fault)
    caplog.set_level(logging.DEBUG)
    task = JSON2VideoRenderMovieOperator(
        task_id="render",
        movie={"resolution": "sd", "scenes": [{"duration": 1, "elements": [{"type": "text", "text": "x"}]}]},
        exports=[{"destinations": [{"id": "airflow:my_sftp"}]}],
        poll_interval=0.05,
        deferrable=deferrable,
    )
    store = Store()
    context = a_context(store=store)
    left: list[Any] = []
    try:
        left.append(task.execute(context))
    except TaskDeferred as deferred:
        left += [deferred.trigger.serialize(), deferred.kwargs, repr(deferred)]
    except (AirflowFailException, JSON2VideoError) as e:
        error: BaseException | None = e
        while error is not None:
            left += [repr(error), str(error), vars(error)]
            error = error.__cause__ or error.__context__
    left += [context["ti"].xcoms, store.values, {name: getattr(task, name) for name in task.template_fields}]
    assert bool(store.values) == HAS_STORE
    shown = repr(left) + "\n".join(f"{r.getMessage()} {r.args}" for r in caplog.records)
    for told in TELLING:
        assert told not in shown
