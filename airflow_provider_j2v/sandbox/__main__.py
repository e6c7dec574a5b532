"""``python -m airflow_provider_j2v.sandbox``: try a DAG without spending a credit."""

from __future__ import annotations

import argparse
import json
import logging
import math
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from airflow_provider_j2v.sandbox import Sandbox, Variants


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until interrupted; 2 when it cannot start."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    try:
        sandbox = Sandbox(
            port=options.port,
            host=options.host,
            speed=options.speed,
            key=options.key,
            credits=options.credits,
            render=options.render,
            variants=_variants(options.variant),
        )
        sandbox.start()
    except ModuleNotFoundError as error:
        print(f"The sandbox needs {error.name}: pip install 'airflow-provider-j2v[sandbox]'", file=sys.stderr)
        return 2
    except (RuntimeError, ValueError, OSError) as error:
        print(f"The sandbox cannot start: {error}", file=sys.stderr)
        return 2
    try:
        print(greeting(sandbox, options.key), flush=True)
        _until_interrupted()
    finally:
        sandbox.stop()
    return 0


def greeting(sandbox: Sandbox, key: str) -> str:
    """What a person needs to point Airflow here."""
    connection: dict[str, Any] = {"conn_type": "json2video", "host": sandbox.url, "password": key}
    note = "# on loopback the connection needs no extra"
    if not sandbox.on_loopback:
        seen = sandbox.url.replace("//127.0.0.1:", "//host.docker.internal:")
        connection |= {
            "host": seen,
            "extra": {"allow_http": True, "catalog_url": f"{seen}/data/ai/models.json"},
        }
        note = "# for Airflow in a container; elsewhere put this machine's address in both places"
    return "\n".join(
        [
            f"JSON2Video sandbox  {sandbox.url}  (key: {key})",
            f"Dashboard           {sandbox.url}/",
            note,
            f"AIRFLOW_CONN_JSON2VIDEO_DEFAULT={shlex.quote(json.dumps(connection))}",
        ]
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_j2v.sandbox", description=__doc__)
    parser.add_argument("--port", type=port, default=8765, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="what to listen on (default: %(default)s)")
    parser.add_argument(
        "--speed", type=positive_number, default=1.0, help="of the service's clock (default: %(default)s)"
    )
    parser.add_argument("--key", type=key, default="sandbox", help="the API key (default: %(default)s)")
    parser.add_argument("--credits", type=count, default=12_000, help="of the account (default: %(default)s)")
    parser.add_argument("--render", choices=["full", "off"], default="full", help="off: one small canned video")
    parser.add_argument(
        "--variant",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="where sources conflict; repeatable",
    )
    return parser


def port(text: str) -> int:
    """A TCP port; these names are what argparse shows."""
    if not 0 <= (port := int(text)) <= 65535:
        raise ValueError(text)
    return port


def positive_number(text: str) -> float:
    """A finite number above 0."""
    if not 0 < (number := float(text)) < math.inf:
        raise ValueError(text)
    return number


def count(text: str) -> int:
    """0 or more."""
    if (number := int(text)) < 0:
        raise ValueError(text)
    return number


def key(text: str) -> str:
    """Not empty: no client sends an empty key."""
    if not text.strip():
        raise ValueError(text)
    return text


def _variants(settings: Sequence[str]) -> Variants:
    from airflow_provider_j2v.sandbox.control import set_variants

    variants = Variants()
    for setting in settings:
        name, _, value = setting.partition("=")
        set_variants(variants, {name: _value(value)})
    return variants


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _until_interrupted() -> None:
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    over.wait()


if __name__ == "__main__":
    sys.exit(main())
