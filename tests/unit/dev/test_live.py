"""The questions of live readiness: complete, in a sensible order, and told as they are in the documentation."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest

from airflow_provider_j2v.sandbox import Variants
from dev.live.__main__ import KEY, main
from dev.live.movies import ORDERS
from dev.live.page import PAGE, page
from dev.live.questions import Question
from dev.live.table import CONTRACT_CREDITS, CREDITS, FIRST, LAST, QUESTIONS, cost, in_order
from dev.live.visit import shown
from tests.contract.test_live import PLAYED

PACKAGE = Path(__file__).parents[3] / "airflow_provider_j2v"
#: A switch for tests, what is among the questions beyond a client, and what has a test of its own.
NOT_PLAYED = {"never_finish", "timeout_status", "pending_move_loses", "bill_assets_of_failed_renders"}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.id)
def test_every_question_says_what_the_package_takes_for_true_and_where(question: Question) -> None:
    assert question.where
    for place in question.where:
        path, _, text = place.partition(": ")
        assert text in (PACKAGE / path).read_text("utf-8"), f"{path} does not hold {text!r} any more"
    assert bool(question.look) == bool(question.fits) != bool(question.otherwise)
    assert not set(question.fits) & set(question.copes)


def test_no_question_and_no_movie_is_there_twice_or_in_vain() -> None:
    ids = [question.id for question in QUESTIONS]
    assert len(ids) == len(set(ids))
    assert {name for question in QUESTIONS for name in question.needs} == set(ORDERS)


def test_every_way_in_which_sources_disagree_is_asked_about() -> None:
    played = {name for _, variants, *_ in PLAYED for name in variants}
    assert {field.name for field in fields(Variants)} - played == NOT_PLAYED


def test_the_tag_is_asked_about_first_and_the_dear_questions_last() -> None:
    order = [question for question in in_order() if question.id not in LAST]
    assert tuple(question.id for question in order[:2]) == FIRST
    bills = [cost(order[:n]) for n in range(2, len(order) + 1)]
    steps = [after - before for before, after in pairwise(bills)]
    paid = [step for step in steps if step]
    assert paid == sorted(paid)
    assert not any(steps[: steps.index(paid[0])])


def test_what_is_spent_unless_more_is_allowed_lets_all_but_the_dearest_question_be_put() -> None:
    *others, dearest = sorted(in_order(), key=lambda question: cost([question]))
    assert cost(others) + CONTRACT_CREDITS <= CREDITS < cost([*others, dearest])


def test_the_page_is_what_the_questions_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `python -m dev.live page`"


def test_without_a_key_it_says_what_was_never_verified_and_does_not_pass(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(KEY, raising=False)
    assert main([]) == 2
    told = capsys.readouterr().out
    assert "Never verified against the real service" in told
    assert all(question.asks in told for question in QUESTIONS)


def test_a_report_shows_neither_secrets_nor_addresses() -> None:
    seen = {"url": "https://assets.example/clients/c1/a.mp4?x=1", "list": ['{"u":"https://a.example/b/c"} k3y-of-mine']}
    assert shown(seen, ("k3y-of-mine",)) == {
        "url": "https://assets.example/…",
        "list": ['{"u":"https://a.example/…"} ***'],
    }
    assert len(shown("x" * 5000)) < 400
