"""The hook's calls on templates, and the short memory for those that renders are checked against."""

from __future__ import annotations

import json

import pytest

from airflow_provider_j2v.exceptions import InvalidMovie, NotFound
from airflow_provider_j2v.hooks import templates
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.movies import Movie
from airflow_provider_j2v.sandbox import Account, Sandbox
from tests.unit.context import connect

HELLO = "hello000000000000000"
MOVIE = {"variables": {"name": "Ada"}, "scenes": [{"duration": 2}]}


@pytest.fixture
def hook(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> JSON2VideoHook:
    connect(monkeypatch, sandbox)
    monkeypatch.setattr(templates, "_cache", {})
    return JSON2VideoHook()


def test_the_calls_of_a_template_s_life(hook: JSON2VideoHook) -> None:
    template_id = hook.create_template("Offer", MOVIE, tags="shop, week", prompt="Calm").id
    assert [row.name for row in hook.list_templates("shop")] == ["Offer"]
    hook.update_template(template_id, name="Offer of the week")
    read = hook.get_template(template_id, prompt=True)
    assert (read.name, read.movie, read.tags, read.ai_prompt) == ("Offer of the week", MOVIE, ["shop", "week"], "Calm")
    assert set(hook.template_variables(template_id)["properties"]) == {"name"}
    copy = hook.duplicate_template(template_id, variables={"name": "Grace"})
    assert copy.name == "Offer of the week (custom)"
    assert {row.id for row in hook.template_library(["shop"])} >= {template_id, copy.id, HELLO}
    hook.delete_template(template_id)
    with pytest.raises(NotFound):
        hook.get_template(template_id)


@pytest.mark.parametrize(
    "movie", [MOVIE, json.dumps(MOVIE), Movie.model_validate(MOVIE)], ids=["mapping", "text", "model"]
)
def test_a_movie_is_saved_from_every_form(hook: JSON2VideoHook, movie: object) -> None:
    template_id = hook.create_template("Offer").id
    assert not hook.get_template(template_id).movie
    hook.update_template(template_id, movie=movie)
    assert hook.get_template(template_id).movie == MOVIE


def test_a_movie_json_cannot_say_is_not_sent(hook: JSON2VideoHook, sandbox: Sandbox) -> None:
    with pytest.raises(InvalidMovie, match=r"movie\.scenes\[0\]"):
        hook.create_template("Offer", {"scenes": [{1, 2}]})
    assert sandbox.journal.requests["template-write"] == 0


@pytest.mark.parametrize("name", ["cached_template", "cached_template_variables"])
def test_within_five_minutes_a_process_asks_once(
    hook: JSON2VideoHook, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    now = [1000.0]
    monkeypatch.setattr("airflow_provider_j2v.hooks.templates.time.monotonic", lambda: now[0])
    for _ in range(3):
        assert getattr(JSON2VideoHook(), name)(HELLO) == getattr(hook, name)(HELLO)
    assert sandbox.journal.requests["template"] == 1
    now[0] += templates.FRESH_FOR
    getattr(hook, name)(HELLO)
    assert sandbox.journal.requests["template"] == 2


def test_a_template_and_its_variables_are_kept_apart(hook: JSON2VideoHook) -> None:
    assert hook.cached_template(HELLO).movie
    assert hook.cached_template_variables(HELLO)["properties"]


def test_what_was_changed_or_removed_here_is_read_anew(hook: JSON2VideoHook) -> None:
    template_id = hook.create_template("Offer", MOVIE).id
    assert hook.cached_template(template_id).movie == MOVIE
    assert hook.cached_template_variables(template_id)["properties"]
    hook.update_template(template_id, movie={"scenes": [{"duration": 3}]})
    assert hook.cached_template(template_id).movie == {"scenes": [{"duration": 3}]}
    assert not hook.cached_template_variables(template_id)["properties"]
    hook.delete_template(template_id)
    with pytest.raises(NotFound):
        hook.cached_template(template_id)


def test_a_removal_whose_answer_was_lost_is_one(hook: JSON2VideoHook, sandbox: Sandbox) -> None:
    template_id = hook.create_template("Offer", MOVIE).id
    sandbox.faults.add("template-write", "status", status=503, after=True)
    hook.delete_template(template_id)
    assert sandbox.journal.requests["template-write"] == 3
    assert template_id not in sandbox.templates.all


def test_accounts_do_not_share_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(accounts=[Account(key="mine"), Account(key="other")], render="off") as sandbox:
        connect(monkeypatch, sandbox, password="mine")
        template_id = JSON2VideoHook().create_template("Offer", MOVIE).id
        assert JSON2VideoHook().cached_template(template_id)
        connect(monkeypatch, sandbox, password="other")
        with pytest.raises(NotFound):
            JSON2VideoHook().cached_template(template_id)


def test_a_failed_reading_is_not_kept(hook: JSON2VideoHook, sandbox: Sandbox) -> None:
    sandbox.faults.add("template", "status", status=404, body={"message": "Template x not found"})
    with pytest.raises(NotFound):
        hook.cached_template(HELLO)
    assert hook.cached_template(HELLO).movie
