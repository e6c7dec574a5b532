"""``make live``: the contract suite and the open questions, asked of the real service.

Exit status 0: nothing has to be changed. 1: something has to be, a contract test failed, something could not be
deleted, or it was stopped. 2: nothing was asked, for want of a key or of consent; not 0, as whoever asked for a
verification has none.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.exceptions import JSON2VideoError
from dev.live.asking import contract_suite, run
from dev.live.movies import ORDERS
from dev.live.page import PAGE, page
from dev.live.questions import Finding, Question
from dev.live.report import Report
from dev.live.table import CHAPTERS, CREDITS, QUESTIONS, in_order
from dev.live.visit import Visit

KEY, HOST = "JSON2VIDEO_API_KEY", "JSON2VIDEO_HOST"


def never_verified() -> str:
    """What is known of nobody's own experience, for those without a key."""
    lines = [f"{KEY} is not set, so nothing was asked. Never verified against the real service:"]
    for chapter in CHAPTERS:
        lines += ["", (chapter.__doc__ or "").strip(), *(f"  - {q.asks}" for q in chapter.QUESTIONS)]
    lines += ["", f"The same with what is taken for true: docs/{PAGE.name}."]
    return "\n".join(lines)


def consent(visit: Visit, questions: Sequence[Question]) -> bool:
    """Say what will be spent, and ask."""
    left = visit.balance()
    balance = "does not say how many credits are left" if left is None else f"says that {left:,.0f} credits are left"
    movies = len({name for question in questions for name in question.needs})
    print(f"The service at {visit.account.base_url} {balance}.")
    print(f"{len(questions)} questions will be put, with up to {movies} tiny movies.")
    print(f"AT MOST {visit.limit:g} CREDITS will be spent; what would go beyond is left out. What is made is deleted")
    print("at the end. Let nothing else use the account meanwhile: what a movie costs is read off the balance.")
    try:
        return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print("nobody there to ask: say --yes", file=sys.stderr)
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit status is explained above."""
    parser = argparse.ArgumentParser(prog="python -m dev.live", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["ask", "page"], default="ask", help="page: write docs/verified.md")
    parser.add_argument("--credits", type=float, default=CREDITS, help="to spend at most (default: %(default)s)")
    parser.add_argument("--yes", action="store_true", help="spend them without asking")
    parser.add_argument(
        "--only", nargs="+", metavar="ID", choices=[q.id for q in in_order()], help="these questions alone"
    )
    parser.add_argument("--output", type=Path, default=Path("live-report"), help="folder (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.what == "page":
        PAGE.write_text(page(), "utf-8")
        return 0
    if not os.environ.get(KEY):
        print(never_verified())
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that a plain `kill` also cleans up
    try:
        account = Account.build(host=os.environ.get(HOST), schema=None, port=None, key=os.environ[KEY], extra={})
        with Visit(account, ORDERS, options.credits) as visit:
            return ask(visit, options)
    except JSON2VideoError as e:
        print(f"Nothing can be asked: {e}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nNothing was asked.")
    return 2


def ask(visit: Visit, options: argparse.Namespace) -> int:
    """Ask for consent, then the service; write the report."""
    questions = [q for q in in_order() if not options.only or q.id in options.only]
    if not (options.yes or consent(visit, questions)):
        print("Nothing was asked.")
        return 2
    visit.balance()
    report = Report(visit.account.base_url, visit.began.isoformat(timespec="seconds"), visit.limit)
    stopped = False
    try:
        run(visit, report, questions, None if options.only else contract_suite)
    except KeyboardInterrupt:
        stopped = True
        print("Stopped.")
    beyond = (question for question in QUESTIONS if not question.look and not options.only)
    report.findings += [Finding(q, f"no client can tell alone; it takes {q.otherwise}", "not settled") for q in beyond]
    paths = report.write(options.output)
    counts = Counter(finding.verdict for finding in report.findings)
    print("", *(f"{count:4} {verdict}" for verdict, count in counts.items()), sep="\n")
    print(f"At most {report.spent:g} credits were spent; the balance fell by {report.fallen:g}.")
    print(f"{paths[0]} and {paths[1].name} tell what was found.")
    return 0 if report.good and not stopped else 1


if __name__ == "__main__":
    sys.exit(main())
