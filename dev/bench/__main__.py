"""``python -m dev.bench imports``, ``lint``, ``simulation``, ``waiting``, ``triggerer`` and ``upload``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from airflow_provider_j2v.api.media import MAX_SIZE
from dev.bench import imports, lint, simulation, triggerer, upload, waiting


def main() -> int:
    """Run one of the measurements; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dev.bench", description="Measurements.")
    commands = parser.add_subparsers(dest="command", required=True)
    importing = commands.add_parser("imports", help="what importing the provider costs a DAG file")
    importing.add_argument("runs", type=int, nargs="?", default=7)
    looking = commands.add_parser("lint", help="what lint and estimate of a movie with 1,000 scenes cost")
    looking.add_argument("runs", type=int, nargs="?", default=15)
    imagining = commands.add_parser("simulation", help="what waiting for up to 100,000 renders costs in requests")
    imagining.add_argument("largest", type=int, nargs="?", default=100_000, help="renders (default: %(default)s)")
    wait = commands.add_parser("waiting", help="what waiting for renders costs, beside other providers' triggers")
    wait.add_argument("--small", action="store_true", help="50 renders, one run, about a minute; writes no page")
    wait.add_argument("--runs", type=int, default=3, help="of each measurement (default: %(default)s)")
    wait.add_argument("--only", default="", metavar="TEXT", help="only scenarios with this in their title; no page")
    wait.add_argument("--contestants", nargs="+", choices=waiting.NAMES, help="only these; writes no page")
    wait.add_argument("--output", type=Path, help="the page to write (default: docs/waiting-figures.md if complete)")
    real = commands.add_parser("triggerer", help="what many deferred renders cost a real triggerer, several minutes")
    real.add_argument("--renders", type=int, default=500, help="deferred at once (default: %(default)s)")
    real.add_argument("--seconds", type=float, default=60, help="that are measured (default: %(default)s)")
    sending = commands.add_parser("upload", help="how much memory the upload of a large file takes")
    sending.add_argument("size", type=int, nargs="?", default=MAX_SIZE, help="bytes (default: %(default)s)")
    options = parser.parse_args()
    if options.command == "imports":
        return imports.main(options.runs)
    if options.command == "lint":
        return lint.main(options.runs)
    if options.command == "simulation":
        return simulation.main(options.largest)
    if options.command == "triggerer":
        return triggerer.main(options.renders, options.seconds)
    if options.command == "upload":
        return upload.main(options.size)
    return waiting.main(
        small=options.small,
        runs=options.runs,
        only=options.only,
        contestants=options.contestants,
        output=options.output,
    )


if __name__ == "__main__":
    sys.exit(main())
