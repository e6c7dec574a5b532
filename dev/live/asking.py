"""Putting the questions, and running the contract suite, within what may be spent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from airflow_provider_j2v.exceptions import JSON2VideoError
from dev.live.chapters.refusals import RENDER_KEY
from dev.live.questions import Finding, Question, Unsettled, judge
from dev.live.report import Report
from dev.live.table import CONTRACT_CREDITS
from dev.live.visit import TooDear, Visit, shown

ROOT = Path(__file__).resolve().parents[2]
CONTRACT_TIMEOUT = 1800.0


def put(visit: Visit, questions: Sequence[Question]) -> Iterator[Finding]:
    """Put the questions, each whatever became of the one before."""
    secrets = tuple(filter(None, (visit.account.key, os.environ.get(RENDER_KEY))))
    for question in questions:
        assert question.look
        seen: Any = None
        try:
            answer, seen = question.look(visit)
            verdict = judge(question, answer)
        except (Unsettled, TooDear, JSON2VideoError) as e:
            answer, verdict = str(e), "not settled"
        except Exception as e:  # an answer of a shape that nobody thought of, which must not end the visit
            answer, verdict = f"{type(e).__name__}: {e}", "not settled"
        yield Finding(question, shown(answer, secrets), verdict, shown(seen, secrets))


def contract_suite() -> dict[str, Any]:
    """Run the contract tests against the same service; they read the same variables of the environment."""
    with tempfile.TemporaryDirectory(prefix="live-") as folder:
        path = Path(folder) / "junit.xml"
        options = ["-q", "-p", "no:cacheprovider", f"--junitxml={path}"]
        command = [sys.executable, "-m", "pytest", *options, "tests/contract"]
        # In a session of its own: a Ctrl-C comes once, from here, and it deletes what it made.
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True) as suite:
            try:
                suite.wait(CONTRACT_TIMEOUT)
            except BaseException as e:
                suite.send_signal(signal.SIGINT)
                suite.wait(CONTRACT_TIMEOUT)
                if not isinstance(e, subprocess.TimeoutExpired):
                    raise
        cases = list(ET.parse(path).iter("testcase")) if path.exists() else []
    fates = {f"{case.get('classname')}.{case.get('name')}": _fate(case) for case in cases}
    if suite.returncode not in (0, 1):  # pytest's own: interrupted, or it could not begin
        fates["the suite itself"] = "failed"
    counts = Counter(fates.values())
    return {
        **{fate: counts[fate] for fate in ("passed", "failed", "skipped")},
        "failures": [name for name, fate in fates.items() if fate == "failed"],
    }


def _fate(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def run(
    visit: Visit, report: Report, questions: Sequence[Question], contract: Callable[[], dict[str, Any]] | None
) -> None:
    """Ask everything, into the report; what was made is deleted whatever happens."""
    try:
        if contract and visit.limit < CONTRACT_CREDITS:
            print("The contract suite is left out: it may cost a credit.")
        elif contract:
            print("The contract suite, a minute or some ...", flush=True)
            visit.reserve(CONTRACT_CREDITS)
            report.contract = contract()
            print(*(f"  {name}: {report.contract[name]}" for name in ("passed", "failed", "skipped")), sep="\n")
        for finding in put(visit, questions):
            report.findings.append(finding)
            print(f"{finding.verdict:<40}{finding.question.id}: {finding.answer}", flush=True)
    finally:
        print("Deleting what was made ...")
        report.left = visit.clean_up()
        report.spent, report.fallen = visit.spent, visit.fallen
