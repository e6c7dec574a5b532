"""One throw-away Airflow home per test process, and the sandbox that contract and integration tests share."""

from __future__ import annotations

import atexit
import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from airflow_provider_j2v.sandbox import Sandbox

HERE = Path(__file__).parent

# A run that is red today was not green yesterday by luck; HYPOTHESIS_PROFILE=default searches anew.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def _isolate_airflow() -> None:
    """Airflow reads its environment when it is imported, so this runs before any test module can do that."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    home = Path(tempfile.mkdtemp(prefix=f"airflow-test-{os.getpid()}-{worker}-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    wanted = ("JSON2VIDEO_API_KEY", "JSON2VIDEO_HOST")  # the contract tests' service
    stray = [n for n in os.environ if n.startswith(("AIRFLOW_", "JSON2VIDEO_")) and n not in wanted]
    for name in stray:
        del os.environ[name]
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
            [_bundle("dags", HERE / "integration" / "dags"), _bundle("examples", HERE.parent / "example_dags")]
        ),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "NO_PROXY": "127.0.0.1,localhost",
    }


def _bundle(name: str, path: Path) -> dict[str, Any]:
    return {
        "name": name,
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(path)},
    }


_isolate_airflow()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test's folder is its layer, and its marker."""
    for item in items:
        layer = item.path.relative_to(HERE).parts[0]
        if layer in ("unit", "contract", "integration", "system"):
            item.add_marker(layer)


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[Sandbox]:
    """One sandbox for the whole session; it answers with a canned movie instead of drawing one."""
    from airflow_provider_j2v.sandbox import Sandbox

    with Sandbox(port=0, speed=100, key="sandbox", render="off") as server:
        yield server


@pytest.fixture
def sandbox(sandbox_server: Sandbox) -> Sandbox:
    """The session's sandbox, without what the test before did to it: faults, journal, catalog, variants, debts, …"""
    from airflow_provider_j2v.sandbox import Account, Variants

    sandbox_server.faults.clear()
    sandbox_server.journal.reset()
    sandbox_server.templates.reset()
    sandbox_server.media.clear()
    sandbox_server.catalog.reset()
    _copy_fields(Variants(), sandbox_server.variants)
    (account,) = sandbox_server.accounts
    _copy_fields(Account(key=account.key, client=account.client), account)
    return sandbox_server


def _copy_fields(source: Any, target: Any) -> None:
    for field in dataclasses.fields(source):
        setattr(target, field.name, getattr(source, field.name))
