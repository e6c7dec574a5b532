"""Live readiness, tried against the sandbox: it sees what is there, spends what it may, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.sandbox import Sandbox
from dev.live.__main__ import HOST, main
from dev.live.__main__ import KEY as KEY_VARIABLE
from dev.live.asking import put, run
from dev.live.chapters.refusals import RENDER_KEY
from dev.live.movies import ORDERS
from dev.live.questions import Finding
from dev.live.report import MUST_CHANGE, Report
from dev.live.table import QUESTIONS, in_order
from dev.live.visit import Visit
from tests.contract.conftest import KEY

AS_TAKEN, COPES, NOT_SETTLED = "as taken", "another way, and the package copes", "not settled"
BY_ID = {question.id: question for question in QUESTIONS}

#: A question, how the sandbox plays the service, the answer, and what it means.
PLAYED: list[tuple[str, dict[str, Any], str, str]] = [
    ("tag", {}, "client-data and json", AS_TAKEN),
    ("tag", {"rows_with_json": False}, "client-data", AS_TAKEN),
    ("tag", {"rows_with_client_data": False}, "json", COPES),
    ("tag", {"rows_with_client_data": False, "rows_with_json": False}, "nowhere", COPES),
    ("tag", {"list_lag": 1000.0}, "not in the list", MUST_CHANGE),
    ("tag-by-template", {"rows_with_client_data": False}, "json", COPES),
    ("list-lag", {"list_lag": 30.0}, "within 60 s", AS_TAKEN),
    ("list-lag", {"list_lag": 90.0}, "later", MUST_CHANGE),
    ("list-order", {"list_order": "oldest"}, "oldest first", AS_TAKEN),
    ("list-pages", {"repeated_token": True}, "the same token again", MUST_CHANGE),
    ("quota", {"quota_shape": "full"}, "time and others", AS_TAKEN),
    ("running", {"progress_field": True}, "progress", COPES),
    ("running", {}, "neither", AS_TAKEN),
    ("sd-size", {"sd_height": 480}, "640x480", COPES),
    ("consumed-credits", {"consumed_credits": "items"}, "items that add up", AS_TAKEN),
    ("bad-key", {"bad_key_status": 401}, "AuthenticationError", AS_TAKEN),
    ("bad-key", {"bad_key_status": 403}, "PermissionDenied", COPES),
    ("unknown-project", {"unknown_project": "404"}, "NotFound", AS_TAKEN),
    ("unknown-project", {"unknown_project": "status-error"}, "NotFound", AS_TAKEN),
    ("unknown-template", {"template_missing_status": 404}, "NotFound", AS_TAKEN),
    ("unknown-template-rendered", {"template_missing_status": 404}, "InvalidRequest", AS_TAKEN),
    ("unknown-media", {"media_missing_status": 404}, "NotFound", AS_TAKEN),
    ("media", {"media_pending": 20.0}, "in time", AS_TAKEN),
    ("broken-json", {"submit_error_shape": "bare"}, "InvalidRequest", AS_TAKEN),
    ("broken-json", {"submit_error_shape": "code"}, "InvalidRequest", AS_TAKEN),
    ("late-errors", {"early_validation": True}, "refused at once", COPES),
    ("failing-element", {}, "named", AS_TAKEN),
    ("empty", {"empty_movie": "error"}, "an error", COPES),
    ("charge-4k", {"multiplier_4k": 4}, "4", AS_TAKEN),
    ("charge-4k", {"multiplier_4k": 9}, "9", MUST_CHANGE),
    ("charge-voice", {"elevenlabs_per_second": 1}, "3", AS_TAKEN),
    ("charge-failed-asset", {}, "0", AS_TAKEN),
    ("template-movie", {"template_movie": "object"}, "an object", COPES),
    ("template-tags", {"template_tag_filter": False}, "ignored", COPES),
    ("template-schema", {"injected_in_schema": True}, "there", COPES),
    ("catalog", {"catalog_shape": "by-category"}, "read whole", AS_TAKEN),
    ("catalog", {"catalog_shape": "other-words"}, "read whole", AS_TAKEN),
    ("gone-file", {"gone_file_status": 403}, "HTTP 403", AS_TAKEN),
    ("file-ranges", {"file_ranges": False}, "begun anew", COPES),
]


@pytest.fixture
def visit(account: Account, sandbox: Sandbox) -> Iterator[Visit]:
    """A visit to the sandbox, whose time it waits in."""
    with Visit(account, ORDERS, 100, clock=sandbox.clock.now, sleep=sandbox.advance) as made:
        yield made


def asked(visit: Visit, *ids: str) -> list[Finding]:
    return list(put(visit, [BY_ID[name] for name in ids]))


@pytest.mark.parametrize(
    ("question", "variants", "answer", "verdict"), PLAYED, ids=[f"{q} {a}, {v}" for q, v, a, _ in PLAYED]
)
def test_the_answer_is_what_the_service_does(visit, sandbox, question, variants, answer, verdict):
    for name, value in variants.items():
        setattr(sandbox.variants, name, value)
    (finding,) = asked(visit, question)
    assert (finding.answer, finding.verdict) == (answer, verdict)


def test_an_image_that_is_paid_for_though_the_movie_failed_is_noticed(account, sandbox):
    sandbox.variants.bill_assets_of_failed_renders = True

    def fail(visit: Visit, project: str) -> None:
        sandbox.movies[project].fate.error = "Scene #1, element #2: Failed to download"

    movie = {"scenes": [{"duration": 1, "elements": [{"type": "image", "model": "seedream-v4", "prompt": "x"}]}]}
    orders = {"failed-asset": replace(ORDERS["failed-asset"], movie=lambda _: movie, meanwhile=fail)}
    with Visit(account, orders, 16, clock=sandbox.clock.now, sleep=sandbox.advance) as visit:
        (finding,) = asked(visit, "charge-failed-asset")
    assert (finding.answer, finding.verdict) == ("15", AS_TAKEN)


def test_a_whole_visit_settles_all_it_can_and_leaves_nothing(visit, sandbox, tmp_path):
    there = set(sandbox.templates.all)
    report = Report("here", "now", visit.limit)
    run(visit, report, in_order(), contract=None)
    assert {f.question.id for f in report.findings if f.verdict == NOT_SETTLED} == {"role"}
    assert report.good
    assert len(sandbox.journal.submissions) == len(ORDERS) - 1  # one is refused
    assert all(movie.deleted for movie in sandbox.movies.values())
    assert set(sandbox.templates.all) == there
    assert not sandbox.media.drive(sandbox.accounts[0]).files
    assert report.fallen == sandbox.journal.paid <= report.spent
    for path in report.write(tmp_path):
        text = path.read_text("utf-8")
        assert KEY not in text
        assert "/clients/" not in text
        assert all(question.asks in text for question in in_order())


@pytest.mark.parametrize("limit", [0, 1, 3, 10])
def test_no_more_is_spent_than_is_allowed(account, sandbox, limit):
    sandbox.variants.multiplier_4k = 4
    with Visit(account, ORDERS, limit, clock=sandbox.clock.now, sleep=sandbox.advance) as visit:
        findings = list(put(visit, in_order()))
    assert sandbox.journal.paid <= visit.spent <= limit
    assert any("left to spend" in f.answer for f in findings)


def test_what_costs_more_than_was_thought_counts_as_it_costs(account, sandbox):
    sandbox.variants.multiplier_4k = 20
    with Visit(account, ORDERS, 25, clock=sandbox.clock.now, sleep=sandbox.advance) as visit:
        _, empty, failed = asked(visit, "charge-4k", "empty", "charge-failed-asset")
    assert sandbox.journal.paid == 25
    assert (empty.answer, failed.verdict) == ("rendered", NOT_SETTLED)


def test_a_submission_whose_answer_was_lost_is_found_and_deleted(visit, sandbox):
    sandbox.faults.add("submit", "reset", after=True)
    first, second = asked(visit, "tag", "charge")
    assert (first.verdict, second.verdict) == (NOT_SETTLED, NOT_SETTLED)
    assert len(sandbox.movies) == 1  # it is not sent again
    assert visit.clean_up() == []
    assert all(movie.deleted for movie in sandbox.movies.values())


def test_a_project_that_is_known_only_later_is_waited_for(visit, sandbox):
    body = {"success": False, "message": "TypeError: Cannot read properties of null (reading 'success')"}
    sandbox.faults.add("get", "status", times=3, status=400, body=json.dumps(body))
    known, charge = asked(visit, "known", "charge")
    assert (known.answer, known.verdict, charge.answer) == ("in time", COPES, "1")


def test_a_bill_that_comes_a_little_late_is_waited_for(account, sandbox):
    (customer,) = sandbox.accounts
    before = customer.credits

    def credit(visit: Visit, project: str) -> None:
        customer.credits += 1

    def sleep(seconds: float) -> None:
        if customer.credits == before:  # it has ended, and is not yet to be seen in the balance
            customer.credits -= 1
        sandbox.advance(seconds)

    orders = {"movie": replace(ORDERS["movie"], meanwhile=credit)}
    with Visit(account, orders, 1, clock=sandbox.clock.now, sleep=sleep) as visit:
        (finding,) = asked(visit, "charge")
    assert finding.answer == "1"


def test_what_could_not_be_deleted_is_told(visit, sandbox):
    sandbox.faults.add("delete", "status", times=9, status=500)
    report = Report("here", "now", visit.limit)
    run(visit, report, [BY_ID["charge"]], contract=None)
    (project,) = sandbox.movies
    assert project in report.left[0]
    assert not report.good


def test_an_interrupted_visit_is_cleaned_up_too(visit, sandbox):
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    visit.sleep = interrupted
    with pytest.raises(KeyboardInterrupt):
        run(visit, Report("here", "now", visit.limit), in_order(), contract=None)
    assert [bool(movie.deleted) for movie in sandbox.movies.values()] == [True]


def test_an_answer_nobody_thought_of_does_not_end_the_visit(visit, sandbox):
    sandbox.faults.add("list", "body", times=9, body='{"movies": "none", "remaining_quota": 7}')
    quota, project = asked(visit, "quota", "unknown-project")
    assert (quota.answer, quota.verdict) == ("no time", COPES)
    assert project.answer == "NotFound"
    (tag,) = asked(visit, "tag")
    assert tag.verdict == NOT_SETTLED
    assert len(sandbox.movies) <= 1


def test_a_rate_limit_is_found_and_otherwise_waited_out(visit, sandbox):
    sandbox.faults.add("list", "status", skip=5, status=429, headers={"Retry-After": "3"})
    (finding,) = asked(visit, "burst")
    assert (finding.answer, finding.seen["after"]) == ("HTTP 429 with Retry-After", 6)
    sandbox.faults.clear()
    sandbox.faults.add("list", "status", status=429)
    (finding,) = asked(visit, "list-reach")
    assert finding.answer == "taken"


def test_a_key_of_a_lower_role_is_tried_when_there_is_one(visit, sandbox, monkeypatch):
    (finding,) = asked(visit, "role")
    assert RENDER_KEY in finding.answer
    sandbox.accounts[0].other_keys["lower-k3y"] = "render"
    monkeypatch.setenv(RENDER_KEY, "lower-k3y")
    (finding,) = asked(visit, "role")
    assert (finding.answer, finding.verdict) == ("PermissionDenied", AS_TAKEN)


def test_a_contract_test_that_fails_is_told(visit):
    suite = {"passed": 3, "failed": 1, "skipped": 0, "failures": ["test_x"]}
    report = Report("here", "now", visit.limit)
    run(visit, report, [], contract=lambda: suite)
    assert (report.good, report.spent) == (False, 1)


def test_for_no_credits_only_what_is_free_is_asked(account, sandbox):
    with Visit(account, ORDERS, 0, clock=sandbox.clock.now, sleep=sandbox.advance) as visit:
        report = Report("here", "now", 0)
        run(visit, report, in_order(), contract=lambda: pytest.fail("it costs a credit"))
    assert not sandbox.movies
    assert sum(f.verdict == AS_TAKEN for f in report.findings) > 10


@pytest.fixture
def command(sandbox, monkeypatch, tmp_path):
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.setenv(HOST, sandbox.url)
    return lambda *arguments: main([*arguments, "--output", str(tmp_path)])


def test_the_command_asks_what_it_is_told_to_and_writes_a_report(command, capsys, tmp_path: Path):
    assert command("--yes", "--only", "quota", "bad-key") == 0
    found = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert {f["id"]: f["verdict"] for f in found["findings"]} == {"quota": AS_TAKEN, "bad-key": AS_TAKEN}
    assert found["credits"] == {"allowed": 25, "spent at most": 0, "off the balance": 0}


def test_a_run_that_was_stopped_does_not_pass_and_tells_what_it_found(command, sandbox, monkeypatch, tmp_path: Path):
    def stop(self: Visit, name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Visit, "render", stop)
    assert command("--yes", "--only", "quota", "charge") == 1
    (found,) = json.loads((tmp_path / "report.json").read_text("utf-8"))["findings"]
    assert found["id"] == "quota"


@pytest.mark.parametrize("words", ["n", "", EOFError])
def test_nothing_is_asked_without_consent(command, sandbox, monkeypatch, capsys, words):
    def answer(prompt: str) -> str:
        if isinstance(words, str):
            return words
        raise words

    monkeypatch.setattr("builtins.input", answer)
    assert command("--credits", "7") == 2
    assert "AT MOST 7 CREDITS" in capsys.readouterr().out
    assert not sandbox.movies


def test_a_wrong_key_is_said_before_anything_is_asked(command, monkeypatch, capsys):
    monkeypatch.setenv(KEY_VARIABLE, "wr0ng-k3y")
    assert command("--yes") == 2
    assert "Invalid API Key" in capsys.readouterr().err
