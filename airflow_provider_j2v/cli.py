"""``airflow-j2v``: movies checked and priced on the command line, with no Airflow, no key and no network.

Exit status: 0 when all is well, 1 when something was found (an error, a budget exceeded, a connection that does not
resolve), 2 when the command itself cannot be carried out, 141 when whoever reads the output stops reading.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape as plain
from rich.table import Table

from airflow_provider_j2v.catalog.models import CATEGORIES, Catalog
from airflow_provider_j2v.exceptions import BudgetExceeded, ConfigurationError, JSON2VideoError, MovieError
from airflow_provider_j2v.movies.connections import RAW, explain
from airflow_provider_j2v.movies.credits import between, check_budget, estimate
from airflow_provider_j2v.movies.document import compose, read_movie
from airflow_provider_j2v.movies.lint import Finding, lint

_COLOURS = {"error": "bold red", "warning": "yellow"}
#: Width of tables that no terminal shows (characters): nothing is cut or wrapped.
_WIDE = 10_000
#: ``nightly.variables.json`` beside ``nightly.json`` holds the values of its placeholders.
_VARIABLES = ".variables.json"
#: What a shell says of a command whose reader has gone: 128 and the number of SIGPIPE.
_NOBODY_READS = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status.

    :param arguments: those of the command line by default.
    """
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a character gets its number
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at its end
        return _NOBODY_READS
    except RecursionError:
        print("airflow-j2v: something in these files is nested too deep.", file=sys.stderr)
        return 2
    except (JSON2VideoError, OSError) as e:
        print(f"airflow-j2v: {_said(e)}", file=sys.stderr)
        return 1 if isinstance(e, MovieError) else 2


def _lint(options: argparse.Namespace) -> int:
    """Every finding in every file."""
    catalog = _catalog(options)
    template = _movie(options.template) if options.template else None
    variables = _variables(options.variables)
    movies = dict.fromkeys(_movie_of(path) for path in options.movies)
    findings = {path: _findings(path, variables, catalog, template) for path in movies}
    errors = sum(f.severity == "error" for found in findings.values() for f in found)
    warnings = sum(map(len, findings.values())) - errors
    if options.json:
        _print_json({path: [asdict(finding) for finding in found] for path, found in findings.items()})
    else:
        lines = [
            f"{plain(path)}: [{_COLOURS[f.severity]}]{f.severity}[/] [bold]{plain(f.path)}[/] {plain(f.message)}"
            f"{plain(f'; {f.hint}') if f.hint else ''} [dim]\\[{f.rule}][/]"
            for path, found in findings.items()
            for f in found
        ]
        count = f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')} in {_counted(len(findings), 'file')}."
        _print("\n".join([*lines, count]))
    return int(bool(errors or (warnings and options.strict)))


def _findings(
    path: str, variables: Mapping[str, Any], catalog: Catalog, template: Mapping[str, Any] | None
) -> list[Finding]:
    try:
        movie = _movie(path, variables)
    except (MovieError, ConfigurationError) as e:
        return [Finding("error", "not-a-movie", "movie", f"cannot be read: {_said(e)}", "")]
    return lint(movie, catalog=catalog, template=template)


def _estimate(options: argparse.Namespace) -> int:
    """What a movie will cost."""
    catalog = _catalog(options)
    movie = _movie(options.movie, _variables(options.variables))
    template = _movie(options.template) if options.template else None
    payers = explain(movie, providers=_providers(options.map), catalog=catalog, template=template).payers
    expected = estimate(
        movie, catalog=catalog, payers=payers, template=template, expected_duration=options.expected_duration
    )
    problem = None
    try:
        check_budget(expected, max_credits=options.max_credits)
    except BudgetExceeded as e:
        problem = _said(e)
    if options.json:
        _print_json(expected.to_dict())
    else:
        table = _table("What", "Where", "Credits", "Note")
        for part in expected.parts:
            table.add_row(*map(plain, (part.what, part.path, between(part.low, part.high), part.note)))
        table.add_row("[bold]In all[/]", "", f"[bold]{between(expected.low, expected.high)}[/]", "")
        _print(table)
        for unknown in expected.unknown:
            _print(f"[yellow]not known[/] {plain(unknown.path)}: {plain(unknown.why)}")
    if problem:
        print(f"airflow-j2v: {problem}", file=sys.stderr)
    return int(problem is not None)


def _models(options: argparse.Namespace) -> int:
    """The AI models."""
    catalog = _catalog(options)
    names: dict[str, list[str]] = {}
    for alias, name in catalog.aliases.items():
        names.setdefault(name, []).append(alias)
    models = [
        model
        for model in catalog.models.values()
        if (not options.featured or model.featured) and options.category in (None, model.category)
    ]
    if options.json:
        _print_json([model.to_dict() | {"aliases": names.get(model.name, [])} for model in models])
        return 0
    table = _table("Model", "Category", "Credits", "Providers", "Aliases", "Featured")
    for model in models:
        price = "unknown" if model.credits is None else f"{model.credits:g} / {model.unit or 'unknown unit'}"
        if model.unread:
            price += f" ({model.unread})"
        row = (
            model.name,
            model.category or "",
            price,
            ", ".join(model.providers),
            ", ".join(names.get(model.name, [])),
        )
        table.add_row(*map(plain, row), "yes" if model.featured else "")
    _print(table)
    return 0


def _connections(options: argparse.Namespace) -> int:
    """Who pays for each AI element, and where the file goes."""
    movie = _movie(options.movie, _variables(options.variables))
    template = _movie(options.template) if options.template else None
    found = explain(movie, providers=_providers(options.map), catalog=_catalog(options), template=template)
    if options.json:
        _print_json(found.to_dict())
    else:
        print(found)
    return int(bool(found.problems))


def _movie(path: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The movie of a file, with the variables that lie beside it, and these over them."""
    if path == "-":
        return compose(read_movie(sys.stdin.buffer.read(), "standard input"), variables=variables)
    movie = read_movie(Path(path).read_bytes(), path)
    beside = Path(path).with_suffix(_VARIABLES)
    own = _variables(str(beside)) if beside.is_file() else {}
    return compose(movie, variables={**own, **(variables or {})} or None)


def _movie_of(path: str) -> str:
    """The movie that a file is, or whose variables it holds: pre-commit names either when it has changed."""
    return path.removesuffix(_VARIABLES) + ".json" if path.endswith(_VARIABLES) else path


def _variables(path: str | None) -> dict[str, Any]:
    variables = _json(path) if path else {}
    if not isinstance(variables, dict):
        raise ConfigurationError(f"{path} must hold a JSON object, names and values of variables.")
    return variables


def _catalog(options: argparse.Namespace) -> Catalog:
    from airflow_provider_j2v.catalog.source import snapshot

    return Catalog.parse(_json(options.catalog)) if options.catalog else snapshot().catalog


def _json(path: str) -> Any:
    try:
        return json.loads(Path(path).read_bytes())
    except ValueError as e:
        raise ConfigurationError(f"{path} is not JSON: {e}.") from None
    except RecursionError:
        raise ConfigurationError(f"{path} is nested too deep.") from None


def _providers(pairs: Sequence[str]) -> dict[str, str]:
    """``provider=id`` as a provider map of JSON2Video ids."""
    return {provider: f"{RAW}{target}" for provider, _, target in (pair.partition("=") for pair in pairs)}


def _pair(text: str) -> str:
    provider, _, target = text.partition("=")
    if not provider or not target:
        raise argparse.ArgumentTypeError(f"{text!r} is not provider=id")
    return text


def _said(error: Exception) -> str:
    """The error in words; that nothing was sent goes without saying here."""
    return str(error).removesuffix("Nothing was sent.").rstrip()


def _print_json(document: Any) -> None:
    utf8 = (sys.stdout.encoding or "").lower().replace("_", "-") in ("utf-8", "utf8")
    print(json.dumps(document, indent=2, ensure_ascii=not utf8))


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")  # rather than cut
    return table


def _print(what: Table | str) -> None:
    """In a terminal as it fits there; elsewhere nothing is cut, wrapped or coloured."""
    is_line = isinstance(what, str)
    console = Console(highlight=False, soft_wrap=is_line, width=None if sys.stdout.isatty() else _WIDE)
    with console.capture() as capture:
        console.print(what)
    for line in capture.get().splitlines():
        print(line.rstrip())


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="airflow-j2v",
        description="Check and price JSON2Video movies; nothing is sent. Exit status 1: something was found.",
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print JSON instead of a table")
    shared.add_argument("--catalog", metavar="FILE", help="AI models, as published or from a refresh task's XCom")
    movie = argparse.ArgumentParser(add_help=False)
    movie.add_argument("--variables", metavar="FILE", help="values for its placeholders (a JSON object)")
    movie.add_argument("--template", metavar="FILE", help="the movie of the saved template that it names")
    mapped = argparse.ArgumentParser(add_help=False)
    mapped.add_argument(
        "--map", metavar="PROVIDER=ID", type=_pair, action="append", default=[], help="a JSON2Video Connection to use"
    )
    commands = parser.add_subparsers(metavar="command", required=True)

    command = commands.add_parser("lint", parents=[shared, movie], help="mistakes in movie files")
    command.add_argument("movies", nargs="+", metavar="movie.json", help='files, or "-"')
    command.add_argument("--strict", action="store_true", help="warnings count too")
    command.set_defaults(run=_lint)

    command = commands.add_parser("estimate", parents=[shared, movie, mapped], help="what a movie will cost")
    command.add_argument("movie", metavar="movie.json")
    command.add_argument("--max-credits", type=float, metavar="N", help="exit with 1 when it may cost more")
    command.add_argument("--expected-duration", type=float, metavar="S", help="seconds, where only media decide")
    command.set_defaults(run=_estimate)

    command = commands.add_parser("models", parents=[shared], help="AI models, their prices and providers")
    command.add_argument("--featured", action="store_true", help="only those the service recommends")
    command.add_argument("--category", choices=CATEGORIES)
    command.set_defaults(run=_models)

    command = commands.add_parser("connections", parents=[shared, movie, mapped], help="who pays for what")
    command.add_argument("movie", metavar="movie.json")
    command.set_defaults(run=_connections)
    return parser


if __name__ == "__main__":
    sys.exit(main())
