"""How much memory an upload takes: the largest file there may be, by the hook, to a sandbox in another process.

``python -m dev.bench.upload SMALL LARGE`` is the measured process; it takes and prints lines, see ``send``.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from airflow_provider_j2v.api.media import MAX_SIZE
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from dev.airflow_box import INHERITED
from dev.bench.measurement import Memory, Worker

#: The most that memory may grow by, in bytes.
BUDGET = 30_000_000


def main(size: int = MAX_SIZE) -> int:
    """Print by how much the memory grew; fail over the budget."""
    growth, seconds = measure(size)
    print(f"upload of {size:,} bytes: memory grew by {growth:,} bytes, {seconds:.1f} s, budget {BUDGET:,} bytes")
    return int(growth > BUDGET)


def measure(size: int) -> tuple[int, float]:
    """By how many bytes the memory grew, and the seconds it took."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Worker("airflow_provider_j2v.sandbox", "--port", "0", "--render", "off") as sandbox,
    ):
        files = [_sparse(Path(folder, "small.mp4"), 1_000_000), _sparse(Path(folder, "large.mp4"), size)]
        with Worker("dev.bench.upload", *files, env=_environment(sandbox.hear().split()[2], folder)) as sender:
            sender.hear()
            with Memory(sender.process.pid) as memory:
                began = time.monotonic()
                sender.tell()
                sender.hear()
                seconds = time.monotonic() - began
    return memory.growth, seconds


def send(small: str, large: str) -> None:
    """Send the small file, so that everything is loaded, print a line, take one, send the large file, print a line."""
    hook = JSON2VideoHook()
    hook.upload_media(small)
    gc.collect()
    print(flush=True)
    sys.stdin.readline()
    hook.upload_media(large)
    print(flush=True)


def _sparse(path: Path, size: int) -> str:
    with path.open("wb") as file:
        file.truncate(size)
    return str(path)


def _environment(url: str, home: str) -> dict[str, str]:
    address = urlsplit(url)
    connection = {"conn_type": "json2video", "host": address.hostname, "port": address.port, "password": "sandbox"}
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return inherited | {"AIRFLOW_HOME": home, "AIRFLOW_CONN_JSON2VIDEO_DEFAULT": json.dumps(connection)}


if __name__ == "__main__":
    send(*sys.argv[1:])
