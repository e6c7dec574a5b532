"""What Airflow sees of the package, and what importing it costs."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import airflow_provider_j2v
from airflow_provider_j2v.get_provider_info import get_provider_info
from airflow_provider_j2v.operators.destination import PACKAGES
from dev.bench.imports import MODULES
from dev.package import NAME, ROOT, sdist_problems, shipped, wheel_problems

#: What a DAG file must not load: models to define, clients to build, servers to run.
HEAVY = ("api.answers", "api.client", "movies", "catalog", "renders", "sandbox")


def test_the_provider_info_is_valid_by_airflow_s_own_schema() -> None:
    import airflow

    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_airflow_finds_the_provider() -> None:
    (entry,) = [e for e in entry_points(group="apache_airflow_provider") if "airflow_provider_j2v" in e.value]
    assert entry.load() is get_provider_info


def _at(path: str) -> Any:
    module, name = path.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)


def test_every_class_path_in_the_provider_info_exists() -> None:
    info = get_provider_info()
    paths = [*info["extra-links"], *(c["hook-class-name"] for c in info["connection-types"])]
    assert all(callable(_at(decorator["class-name"])) for decorator in info["task-decorators"])
    for path in paths:
        assert isinstance(_at(path), type)
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


def test_a_dag_file_loads_no_models_of_airflow_s_own() -> None:
    names = ", ".join(MODULES)
    modules = loaded_by(
        f"import airflow.sdk; old = set(sys.modules); import {names}; [sys.modules.pop(m) for m in old]"
    )
    assert "airflow_provider_j2v.operators.movie" in modules
    assert not {m for m in modules if m.startswith(("airflow.models", "airflow.utils.db", "sqlalchemy"))}


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


# What is built; `make package` builds it and looks into the real thing.


def test_the_package_ships_its_data_with_its_code() -> None:
    data = {"py.typed", "catalog/snapshot.json", "sandbox/canned.mp4", "sandbox/dashboard.html"}
    assert {f"{NAME}/{name}" for name in data} <= shipped(ROOT)
    assert not [name for name in shipped(ROOT) if name.endswith((".pyc", ".md"))]


DIST_INFO = {f"{NAME}-{airflow_provider_j2v.__version__}.dist-info/{name}" for name in ("METADATA", "licenses/LICENSE")}


@pytest.mark.parametrize(
    ("strange", "lost", "problem"),
    [
        ("tests/conftest.py", None, "tests/conftest.py does not belong into it"),
        ("dev/demo.py", None, "dev/demo.py does not belong into it"),
        (f"{NAME}/demo.mp4", None, f"{NAME}/demo.mp4 does not belong into it"),
        (f"{NAME}-0.0.1.dist-info/METADATA", None, f"{NAME}-0.0.1.dist-info/METADATA does not belong into it"),
        (None, f"{NAME}/py.typed", f"{NAME}/py.typed is missing"),
        (None, f"{NAME}/sandbox/canned.mp4", f"{NAME}/sandbox/canned.mp4 is missing"),
    ],
)
def test_a_wheel_with_too_much_or_too_little_is_noticed(strange: str | None, lost: str | None, problem: str) -> None:
    wanted = shipped(ROOT)
    assert wheel_problems(wanted | DIST_INFO, wanted) == []
    assert wheel_problems((wanted | DIST_INFO | {strange or ""}) - {lost, ""}, wanted) == [problem]


def test_a_video_is_no_part_of_the_package_even_in_its_folder() -> None:
    wanted = shipped(ROOT) | {f"{NAME}/demo.mp4"}
    assert wheel_problems(wanted, wanted) == [f"{NAME}/demo.mp4 does not belong into it"]


def test_an_sdist_has_what_building_and_testing_take() -> None:
    names = shipped(ROOT) | {"pyproject.toml", "README.md", "LICENSE", "Makefile", "tests/conftest.py"}
    problems = sdist_problems({f"{NAME}-1/{name}" for name in names}, shipped(ROOT))
    assert problems == ["dev/package.py is missing"]


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_version_stands_in_one_place() -> None:
    assert PROJECT["dynamic"] == ["version"]
    version = airflow_provider_j2v.__version__
    holders = [path for path in (ROOT / NAME).rglob("*.py") if version in path.read_text("utf-8")]
    assert holders == [ROOT / NAME / "__init__.py"]


def test_the_extras_for_buckets_bring_what_errors_ask_for() -> None:
    extras = PROJECT["optional-dependencies"]
    for extra, scheme in (("s3", "s3"), ("gcs", "gs")):
        (wanted,) = extras[extra]
        assert wanted.partition(">=")[0] == PACKAGES[scheme]
