"""``python -m dev.bench imports`` and ``python -m dev.bench waiting``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dev.bench import imports, waiting


def main() -> int:
    """Run one of the measurements; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dev.bench", description="Measurements.")
    commands = parser.add_subparsers(dest="command", required=True)
    importing = commands.add_parser("imports", help="what importing the provider costs a DAG file")
    importing.add_argument("runs", type=int, nargs="?", default=7)
    wait = commands.add_parser("waiting", help="what waiting for renders costs, beside other providers' triggers")
    wait.add_argument("--small", action="store_true", help="50 renders, one run, about a minute; writes no page")
    wait.add_argument("--runs", type=int, default=3, help="of each measurement (default: %(default)s)")
    wait.add_argument("--only", default="", metavar="TEXT", help="only scenarios with this in their title; no page")
    wait.add_argument("--contestants", nargs="+", choices=waiting.NAMES, help="only these; writes no page")
    wait.add_argument("--output", type=Path, help="the page to write (default: docs/waiting-figures.md if complete)")
    options = parser.parse_args()
    if options.command == "imports":
        return imports.main(options.runs)
    return waiting.main(
        small=options.small,
        runs=options.runs,
        only=options.only,
        contestants=options.contestants,
        output=options.output,
    )


if __name__ == "__main__":
    sys.exit(main())
