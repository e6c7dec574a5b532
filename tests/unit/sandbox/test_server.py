"""Starting, stopping and the command line."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.sandbox.__main__ import main

HEAVY = ("fastapi", "uvicorn", "pydantic", "av", "PIL", "airflow")


def loaded_after(code: str) -> set[str]:
    """Which heavy modules a fresh interpreter has loaded after some code."""
    script = f"import sys\n{code}\nprint(*[name for name in {HEAVY} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_the_import_is_cheap():
    assert loaded_after("import airflow_provider_j2v.sandbox") == set()


def test_without_drawing_neither_encoder_nor_imaging_nor_airflow_is_loaded():
    code = "from airflow_provider_j2v.sandbox import Sandbox\nwith Sandbox(render='off'): pass"

    assert loaded_after(code).isdisjoint({"av", "PIL", "airflow"})


def test_the_address_has_no_trailing_slash_and_answers_at_once():
    with Sandbox(render="off") as sandbox:
        assert sandbox.url.startswith("http://127.0.0.1:")
        assert not sandbox.url.endswith("/")
        assert httpx.get(f"{sandbox.url}/sandbox/health").json() == {"status": "ok"}


def test_after_the_end_the_port_is_free_and_the_files_are_gone():
    with Sandbox(render="off") as sandbox:
        folder = Path(sandbox._folder.name)
        port = int(sandbox.url.rpartition(":")[2])
        assert folder.is_dir()

    assert not folder.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_an_answer_does_not_wait_for_the_network_stack():
    """With delayed acknowledgements and without TCP_NODELAY a hundred answers take over four seconds."""
    with Sandbox(render="off") as sandbox, httpx.Client() as client:
        elapsed = sum(client.get(f"{sandbox.url}/data/ai/models.json").elapsed.total_seconds() for _ in range(100))

    assert elapsed < 3


@pytest.fixture
def process():
    started = []

    def start(*arguments):
        command = [sys.executable, "-m", "airflow_provider_j2v.sandbox", "--port", "0", *arguments]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(running)
        return running

    yield start
    for running in started:
        running.kill()
        running.communicate()


def greeting(running):
    return "".join(running.stdout.readline() for _ in range(4))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_a_connection_to_copy_serves_and_ends_on_a_signal(process, number):
    running = process("--key", "it's a key", "--credits", "7", "--render", "off", "--variant", "quota_shape=full")
    printed = greeting(running)
    (assignment,) = shlex.split(printed.splitlines()[-1])
    name, _, value = assignment.partition("=")
    connection = json.loads(value)

    assert name == "AIRFLOW_CONN_JSON2VIDEO_DEFAULT"
    assert connection == {"conn_type": "json2video", "host": connection["host"], "password": "it's a key"}
    answer = httpx.get(connection["host"] + "/v2/movies", headers={"x-api-key": "it's a key"}).json()
    assert answer["remaining_quota"] == {"movies": 0, "drafts": 0, "time": 7}

    running.send_signal(number)
    _, errors = running.communicate(timeout=10)
    assert (running.returncode, errors) == (0, "")


def test_another_host_than_loopback_is_warned_about(process):
    running = process("--host", "0.0.0.0", "--render", "off")
    printed = greeting(running)
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=10)

    assert errors.startswith("WARNING: the sandbox listens on 0.0.0.0, so other machines can reach it")
    assert '"allow_http": true' in printed


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--variant", "nonsense=1"], "unknown variant nonsense"),
        (["--variant", "list_order=random"], "list_order: Input should be 'newest' or 'oldest'"),
        (["--host", "203.0.113.1"], "assign requested address"),
    ],
)
def test_what_cannot_start_says_why(capsys, arguments, reason):
    assert main(["--port", "0", "--render", "off", *arguments]) == 2
    assert reason in capsys.readouterr().err


def test_missing_packages_are_named_with_the_extra_that_brings_them(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "av", None)

    assert main(["--port", "0"]) == 2
    assert "pip install 'airflow-provider-j2v[sandbox]'" in capsys.readouterr().err


def test_a_clock_that_would_run_backwards_is_refused():
    with pytest.raises(ValueError, match="negative"):
        Sandbox(render="off", speed=-1)
