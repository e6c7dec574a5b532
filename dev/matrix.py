"""``make matrix``: the tests on every Airflow and Python that the package promises, and on the lowest of all.

A cell is an environment of its own below ``.matrix``, made when it is missing or what it installs has changed. Unit
and integration tests and the real Airflow of the system tests run in it; what Airflow deprecates is an error (see
``filterwarnings`` in pyproject.toml).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".matrix"
PYTHONS = ("3.11", "3.12", "3.13")
#: A line that is no longer maintained does not run with all that came later, and its first release with even less of
#: it: everything is as of a day when it did, but for what we ask for ourselves.
OURS = "--exclude-newer-package=apache-airflow-providers-common-compat=2100-01-01"
LINES = {
    "3.1": ["--exclude-newer=2026-05-31", OURS],
    "3.2": ["--exclude-newer=2026-05-31", OURS],
    "3.3": ["-c", str(ROOT / "dev" / "constraints.txt")],
}
LOWEST = ["--resolution=lowest-direct", "--exclude-newer=2025-11-30", OURS]
NEEDS = f"{ROOT}[examples,sandbox,test]"
#: Unit tests of what is in the repository but not in the package know one Airflow only.
ALL = ["tests/unit", "tests/integration", "--ignore", "tests/unit/dev"]
#: What touches Airflow most, in a minute or two.
SMALL = ["tests/integration/test_runtime.py"]
SMALL += [f"tests/unit/{part}" for part in ("hooks", "operators", "sensors", "triggers")]


@dataclass(frozen=True)
class Cell:
    """One environment: a line of Airflow on a Python; the lowest versions of all that we ask for, or the newest."""

    line: str
    python: str
    lowest: bool = False

    @property
    def name(self) -> str:
        return "lowest" if self.lowest else f"{self.line}-py{self.python}"

    @property
    def bin(self) -> Path:
        return HOME / self.name / "bin"

    def install(self, uv: str, python: str) -> None:
        """Make the environment, unless it is there already."""
        dated = LOWEST if self.lowest else LINES[self.line]
        asked = ["-e", NEEDS, f"apache-airflow~={self.line}.0", *dated]
        stamp = self.bin.parent / "installed"
        wanted = "\n".join([*asked, (ROOT / "pyproject.toml").read_text("utf-8"), _constraints()])
        if stamp.is_file() and stamp.read_text("utf-8") == wanted:
            return
        _run([uv, "venv", "--quiet", "--clear", "--python", python, str(self.bin.parent)])
        _run([uv, "pip", "install", "--quiet", "--python", str(self.bin / "python"), *asked])
        stamp.write_text(wanted, "utf-8")

    def test(self, *, small: bool) -> None:
        """Run the tests.

        :raises subprocess.CalledProcessError: one is red.
        """
        pytest = [str(self.bin / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        _run([*pytest, "-n", "2", "--dist", "loadfile", *(SMALL if small else ALL)])
        if not small:
            _run([*pytest, "tests/system/test_real_airflow.py"])


CELLS = {
    cell.name: cell
    for cell in (*(Cell(line, python) for line in LINES for python in PYTHONS), Cell("3.1", "3.11", lowest=True))
}


def main() -> int:
    """Test in the cells that are named, or in all; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dev.matrix", description=__doc__)
    parser.add_argument("cells", nargs="*", help=f"of {', '.join(CELLS)}; all of them by default")
    parser.add_argument("--small", action="store_true", help="only what touches Airflow most")
    options = parser.parse_args()
    names = options.cells or list(CELLS)
    if strange := [name for name in names if name not in CELLS]:
        parser.error(f"no cell {', '.join(strange)}: there are {', '.join(CELLS)}")
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if not uv:
        parser.error("uv is missing: the extra 'matrix' has it")
    told = {name: _try(CELLS[name], uv, small=options.small) for name in names}
    print("", *(f"{name:12} {result}" for name, result in told.items()), sep="\n")
    return int(any(result.startswith("RED") for result in told.values()))


def _try(cell: Cell, uv: str, *, small: bool) -> str:
    """What became of one cell."""
    python = interpreter(cell.python)
    if python is None:
        return f"not run: there is no Python {cell.python} on this machine"
    print(f"\n==> {cell.name}", flush=True)
    began = time.monotonic()
    try:
        cell.install(uv, python)
        installed = time.monotonic()
        cell.test(small=small)
    except subprocess.CalledProcessError as e:
        return f"RED after {time.monotonic() - began:.0f} s: {' '.join(e.cmd[-3:])}"
    return f"green in {time.monotonic() - installed:.0f} s, installed in {installed - began:.0f} s"


def interpreter(version: str) -> str | None:
    """A Python of this machine: one on the path that runs (a shim of pyenv may not), or one that pyenv keeps."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    kept = sorted(pyenv.glob(f"versions/{version}.*/bin/python"), reverse=True)
    for python in (shutil.which(f"python{version}"), *map(str, kept)):
        if python and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
            return python
    return None


def _constraints() -> str:
    return (ROOT / "dev" / "constraints.txt").read_text("utf-8")


def _run(command: list[str]) -> None:
    # As pip does: the certificates of the machine, where a company's own may be.
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"UV_SYSTEM_CERTS": "1"})


if __name__ == "__main__":
    sys.exit(main())
