"""Before a render is paid for: its mistakes, what it costs, and whether that is allowed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_j2v.exceptions import RenderTimeout
from airflow_provider_j2v.hooks import templates
from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator
from airflow_provider_j2v.sandbox import Sandbox
from tests.unit.context import HAS_STORE, a_context, connect

MOVIE = {"resolution": "sd", "scenes": [{"duration": 20}]}
WRONG = {
    "resolution": "sd",
    "scenes": [{"duration": 2, "elements": [{"type": "video"}, {"type": "text", "txet": "a"}]}],
}
IMAGES = {
    "resolution": "sd",
    "scenes": [{"duration": 5, "elements": [{"type": "image", "model": "flux-pro", "prompt": "a lake"}]}],
}
HELLO = "hello000000000000000"


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A service of its own, whose balance nobody else changes."""
    templates._cache.clear()
    with Sandbox(render="off", speed=100) as sandbox:
        connect(monkeypatch, sandbox)
        yield sandbox


def operator(**kwargs: Any) -> JSON2VideoRenderMovieOperator:
    return JSON2VideoRenderMovieOperator(task_id="render", **{"poll_interval": 0.05} | kwargs)


def refused(sandbox: Sandbox, **kwargs: Any) -> str:
    with pytest.raises(AirflowFailException) as e:
        operator(**kwargs).execute(a_context())
    assert sandbox.journal.requests["submit"] == 0
    assert str(e.value).endswith("Nothing was sent.")
    return str(e.value)


def test_every_mistake_is_told_at_once_before_the_post(connected: Sandbox) -> None:
    message = refused(connected, movie=WRONG)
    assert "movie.scenes[0].elements[0].src" in message
    assert "movie.scenes[0].elements[1].text" in message


def test_a_file_on_the_own_host_of_a_sandbox_is_no_mistake(
    connected: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    sources = (f"{connected.url}/media/a.png", "http://10.9.8.7/b.png")
    images = [{"type": "image", "src": source, "duration": 2} for source in sources]
    movie = {"resolution": "sd", "scenes": [{"elements": images}]}
    operator(movie=movie, wait_for_completion=False).execute(a_context())
    assert [line for line in caplog.text.splitlines() if "private-url" in line and "elements[1]" not in line] == []
    assert "movie.scenes[0].elements[1].src is on 10.9.8.7" in caplog.text


def test_warn_sends_the_movie_and_logs_its_mistakes(connected: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    operator(movie=WRONG, preflight="warn", wait_for_completion=False).execute(a_context())
    assert "error: movie.scenes[0].elements[0].src" in caplog.text
    assert len(connected.journal.submissions) == 1


def test_warn_tells_errors_first_and_how_many_more(connected: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    many = [{"type": "text", "text": f"{i}", "odd-word": 1} for i in range(25)]
    movie = {"scenes": [{"duration": 2, "elements": [*many, {"type": "video"}]}]}
    operator(movie=movie, preflight="warn", wait_for_completion=False).execute(a_context())
    assert "error: movie.scenes[0].elements[25].src" in caplog.text
    assert "And 6 more findings." in caplog.text


def test_a_task_that_is_only_tested_does_not_look_for_lost_renders(connected: Sandbox) -> None:
    result = operator(movie=MOVIE, wait_for_completion=False).execute(a_context(try_number=0))
    assert result["status"] == "submitted"
    assert connected.journal.requests["list"] == 0


def test_off_looks_for_nothing_and_asks_nothing_more(connected: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    operator(template_id=HELLO, preflight="off", wait_for_completion=False).execute(a_context())
    assert "movie.scenes" not in caplog.text
    assert connected.journal.requests == {"submit": 1}


def test_a_level_that_there_is_not_is_refused(connected: Sandbox) -> None:
    assert 'must be "error", "warn" or "off", not \'loud\'' in refused(connected, movie=MOVIE, preflight="loud")


def test_a_movie_above_the_budget_is_refused_with_the_sum(connected: Sandbox) -> None:
    assert "would cost 20 credits, and max_credits allows 19.5" in refused(connected, movie=MOVIE, max_credits=19.5)


def test_a_movie_at_the_budget_is_rendered(connected: Sandbox) -> None:
    assert operator(movie=MOVIE, max_credits=20, wait_for_completion=False).execute(a_context())["project"]


def test_the_budget_counts_without_lint_too(connected: Sandbox) -> None:
    assert "max_credits allows 10" in refused(connected, movie=IMAGES, max_credits=10, preflight="off")


@pytest.mark.parametrize("level", ["error", "off"])
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("max_credits", "much", "max_credits must be a number of credits, not 'much'"),
        ("max_credits", "None", "max_credits must be a number of credits, not 'None'"),
        ("max_credits", -1, "max_credits must be a number of credits, not -1"),
        ("expected_duration", "", "expected_duration must be a number of seconds, not ''"),
    ],
)
def test_a_number_that_is_none_is_refused(connected: Sandbox, level: str, name: str, value: Any, words: str) -> None:
    assert words in refused(connected, movie=MOVIE, preflight=level, **{name: value})


def test_numbers_may_come_from_jinja(connected: Sandbox) -> None:
    movie = {"scenes": [{"elements": [{"type": "video", "src": "https://example.com/a.mp4"}]}]}
    render = operator(movie=movie, max_credits="{{ most }}", expected_duration="{{ long }}")
    render.render_template_fields(a_context(most=50, long=90.5))
    with pytest.raises(AirflowFailException, match="would cost 90 to 91 credits, and max_credits allows 50"):
        render.execute(a_context())


def test_a_balance_that_is_too_small_is_told_with_the_sum(connected: Sandbox) -> None:
    connected.accounts[0].credits = 12
    message = refused(connected, movie=MOVIE, check_quota=True)
    assert "would cost 20 credits, and the account has 12 left" in message


def test_an_expected_duration_settles_what_media_decide(connected: Sandbox) -> None:
    movie = {"scenes": [{"elements": [{"type": "video", "src": "https://example.com/a.mp4"}]}]}
    message = refused(connected, movie=movie, max_credits=50, expected_duration=90)
    assert "would cost 90 credits" in message


def test_a_template_is_checked_and_priced(connected: Sandbox) -> None:
    assert "would cost 7 credits" in refused(connected, template_id=HELLO, variables={"seconds": 7}, max_credits=5)


def test_a_template_that_is_not_there_is_told_before_the_post(connected: Sandbox) -> None:
    message = refused(connected, template_id="nosuchtemplate000000")
    assert "has no template 'nosuchtemplate000000'" in message


def test_a_template_that_cannot_be_read_is_rendered_unchecked(
    connected: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    connected.faults.add("template", "status", status=403, times=None)
    operator(template_id=HELLO, wait_for_completion=False).execute(a_context())
    assert "neither checked nor priced" in caplog.text
    assert len(connected.journal.submissions) == 1


def test_the_bill_is_known_before_and_after(
    connected: Sandbox, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    result = operator(movie=MOVIE).execute(a_context())
    assert result["credits"]["estimated"] == [20.0, 20.0]
    assert result["credits"]["remaining"] == 12_000 - 20
    assert "Estimate: 20 credits" in caplog.text
    told = capsys.readouterr().out
    assert "Credits: estimated 20; " in told
    assert "11,980 left." in told


def test_the_estimate_survives_a_deferral(connected: Sandbox) -> None:
    with pytest.raises(TaskDeferred) as e:
        operator(movie=MOVIE, deferrable=True).execute(a_context())
    connected.advance(600)
    event = {"project": connected.journal.submissions[0].project, "status": "done", "message": ""}
    result = operator(movie=MOVIE).execute_complete(a_context(), event=event, **(e.value.kwargs or {}))
    assert result["credits"]["estimated"] == [20.0, 20.0]


def test_a_retry_of_a_paid_render_is_not_checked_again(connected: Sandbox) -> None:
    connected.variants.never_finish = True
    context = a_context(max_tries=1)
    with pytest.raises(RenderTimeout):
        operator(movie=MOVIE, timeout=timedelta(seconds=0.2)).execute(context)
    connected.variants.never_finish = False
    connected.advance(600)
    retried = a_context(try_number=2, max_tries=1, store=context.get("task_state_store"))
    result = operator(movie=MOVIE, max_credits=1, connections={"elevenlabs": "gone"}).execute(retried)
    assert len(connected.journal.submissions) == 1
    assert result["status"] == "done"
    if HAS_STORE:
        assert result["credits"]["estimated"] == [20.0, 20.0]


def test_a_dry_run_tells_mistakes_payers_and_price_and_spends_nothing(
    connected: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    operator(movie={**IMAGES, "draft": True}).dry_run()
    told = capsys.readouterr().out
    assert "movie.draft" in told
    assert "image by flux-pro at replicate: managed service, 20 credits per file" in told
    assert "Estimate: 25 credits" in told
    assert connected.journal.requests["submit"] == 0


def test_a_catalog_that_is_given_is_not_fetched(connected: Sandbox) -> None:
    from airflow_provider_j2v.catalog.source import snapshot

    catalog = snapshot().to_dict(0.0)
    operator(movie=IMAGES, catalog=catalog, wait_for_completion=False).execute(a_context())
    assert connected.journal.requests == {"submit": 1}


def test_a_movie_without_ai_needs_no_catalog(connected: Sandbox) -> None:
    operator(movie=MOVIE, wait_for_completion=False).execute(a_context())
    assert connected.journal.requests == {"submit": 1}


def test_an_expected_duration_of_nothing_is_refused(connected: Sandbox) -> None:
    assert "expected_duration must be" in refused(connected, movie=MOVIE, expected_duration=0)
