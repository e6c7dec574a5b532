"""What is true of the installed package; run by the Python of the environment it was installed into."""

from __future__ import annotations

import importlib
import json
import sys
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any


def main() -> int:
    """Fail unless Airflow accepts the provider info, and all that it names exists."""
    import airflow
    import jsonschema  # type: ignore[import-untyped]  # comes with Airflow

    import airflow_provider_j2v

    home = Path(airflow_provider_j2v.__file__).parent
    assert sys.prefix in str(home), f"{home} is not of this environment"
    assert version("airflow-provider-j2v") == airflow_provider_j2v.__version__
    assert (home / "py.typed").is_file()
    entries = entry_points(group="apache_airflow_provider")
    (entry,) = (entry for entry in entries if entry.value.startswith("airflow_provider_j2v."))
    info: dict[str, Any] = entry.load()()
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text("utf-8"))
    jsonschema.validate(info, schema)
    paths = [*_class_paths(info)]
    for path in paths:
        module, _, name = path.rpartition(".")
        assert hasattr(importlib.import_module(module), name), path
    modules = [name for kind in _LISTS for listed in info.get(kind, []) for name in listed["python-modules"]]
    for name in modules:
        importlib.import_module(name)
    print(f"Airflow {version('apache-airflow')} accepts it: {len(paths)} classes and {len(modules)} modules are there")
    return 0


_LISTS = ("hooks", "operators", "sensors", "triggers", "bundles")


def _class_paths(info: dict[str, Any]) -> list[str]:
    return [
        *(connection["hook-class-name"] for connection in info["connection-types"]),
        *(decorator["class-name"] for decorator in info.get("task-decorators", [])),
        *info["extra-links"],
    ]


if __name__ == "__main__":
    sys.exit(main())
