"""What Airflow sees of the package, and what importing it costs."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import airflow_provider_j2v
from airflow_provider_j2v.get_provider_info import get_provider_info
from dev.bench.imports import MODULES

#: What a DAG file must not load: models to define, clients to build, servers to run.
HEAVY = ("api.answers", "api.client", "movies", "catalog", "renders", "sandbox")


def test_the_provider_info_is_valid_by_airflow_s_own_schema() -> None:
    import airflow

    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_airflow_finds_the_provider() -> None:
    (entry,) = [e for e in entry_points(group="apache_airflow_provider") if "airflow_provider_j2v" in e.value]
    assert entry.load() is get_provider_info


def test_every_class_path_in_the_provider_info_exists() -> None:
    info = get_provider_info()
    paths = [*info["extra-links"], *(c["hook-class-name"] for c in info["connection-types"])]
    for path in paths:
        module, name = path.rsplit(".", 1)
        assert isinstance(getattr(importlib.import_module(module), name), type)
    for kind in ("hooks", "operators", "sensors", "triggers"):
        for module in (m for entry in info[kind] for m in entry["python-modules"]):
            importlib.import_module(module)


def test_every_field_of_the_forms_has_a_label_and_help() -> None:
    for connection in get_provider_info()["connection-types"]:
        assert connection["ui-field-behaviour"]["relabeling"]
        assert connection["ui-field-behaviour"]["placeholders"]
        for field in connection["conn-fields"].values():
            assert field["label"]
            assert field["description"]


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return set(out.split())


def test_a_dag_file_loads_none_of_the_heavy_modules() -> None:
    modules = loaded_by("; ".join(f"import {name}" for name in MODULES))
    assert set(MODULES) <= modules
    heavy = {f"airflow_provider_j2v.{name}" for name in HEAVY}
    assert not {m for m in modules if any(m == h or m.startswith(f"{h}.") for h in heavy)}


@pytest.mark.parametrize("name", ["api.client", "movies.document", "catalog.source", "renders.submit", "sandbox"])
def test_the_lower_layers_load_no_airflow(name: str) -> None:
    modules = loaded_by(f"import airflow_provider_j2v.{name}")
    assert not {m for m in modules if m == "airflow" or m.startswith("airflow.")}


def test_every_module_can_be_imported() -> None:
    names: list[Any] = [m.name for m in pkgutil.walk_packages(airflow_provider_j2v.__path__, "airflow_provider_j2v.")]
    for name in names:
        if not name.endswith("__main__"):
            importlib.import_module(name)
    assert len(names) > 30
