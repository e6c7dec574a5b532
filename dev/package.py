"""``make package``: builds wheel and sdist, looks into them, and tries the wheel in a clean environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from airflow_provider_j2v import __version__
from airflow_provider_j2v.get_provider_info import get_provider_info

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
NAME = "airflow_provider_j2v"
#: Bytes. A picture or a video that got in by mistake is larger than the room left.
MAX_WHEEL = 600_000
MAX_SDIST = 4_000_000
#: The only video that ships: 5 KB that stand for every movie where the sandbox draws none.
VIDEOS = {f"{NAME}/sandbox/canned.mp4"}
NEEDS_EXTRA = "pip install 'airflow-provider-j2v[sandbox]'"


class Wrong(Exception):
    """The package is not as it should be."""


def build() -> tuple[Path, Path]:
    """The wheel, made from the sdist, and the sdist."""
    shutil.rmtree(DIST, ignore_errors=True)
    run([sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT)])
    (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    return wheel, sdist


def shipped(folder: Path) -> set[str]:
    """What the package consists of: every file in its folder but what Python and the file system leave there."""
    files = (path for path in (folder / NAME).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)) for path in files if not {"__pycache__", ".DS_Store"} & {*path.parts}}


def wheel_problems(names: Iterable[str], wanted: set[str]) -> list[str]:
    """What is missing in a wheel, and what should not be in it."""
    there = {name for name in names if f"{NAME}-{__version__}.dist-info" != name.partition("/")[0]}
    strange = there - wanted
    videos = {name for name in there if name.endswith((".mp4", ".webm", ".gif"))} - VIDEOS
    return [
        *(f"{name} is missing" for name in sorted(wanted - there)),
        *(f"{name} does not belong into it" for name in sorted(strange | videos)),
    ]


def sdist_problems(names: Iterable[str], wanted: set[str]) -> list[str]:
    """What is missing in an sdist: it must do to build the wheel and to run the tests."""
    there = {name.partition("/")[2] for name in names}
    needed = {*wanted, "pyproject.toml", "README.md", "LICENSE", "Makefile", "tests/conftest.py", "dev/package.py"}
    return [f"{name} is missing" for name in sorted(needed - there)]


def look_into(wheel: Path, sdist: Path) -> None:
    """Check names, contents and sizes.

    :raises Wrong: with all that is wrong.
    """
    wanted = shipped(ROOT)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    with tarfile.open(sdist) as sources:
        members = [member.name for member in sources if member.isfile()]
    problems = wheel_problems(names, wanted) + sdist_problems(members, wanted)
    if f"-{__version__}-" not in wheel.name or f"-{__version__}." not in sdist.name:
        problems.append(f"{wheel.name}, {sdist.name}: not version {__version__}")
    for file, count, limit in ((wheel, len(names), MAX_WHEEL), (sdist, len(members), MAX_SDIST)):
        size = file.stat().st_size
        print(f"{file.name}: {size:,} bytes, {count} files")
        if size > limit:
            problems.append(f"{file.name} has {size:,} bytes, more than {limit:,}")
    if problems:
        raise Wrong("\n  ".join(["the packages are not as they should be:", *problems]))


def install(wheel: Path, folder: Path) -> Path:
    """A clean environment with the wheel and what it depends on; its folder of commands."""
    constraints = ["-c", str(ROOT / "dev" / "constraints.txt")]
    commands = folder / "bin"
    if uv := shutil.which("uv"):
        run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        run([uv, "pip", "install", "--quiet", "--python", str(commands / "python"), *constraints, str(wheel)])
    else:
        run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(commands / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, *constraints, str(wheel)])
    return commands


def try_out(commands: Path, home: Path) -> None:
    """What a stranger would do first, without the extra of the sandbox and away from the sources.

    :raises Wrong: something of it does not work.
    """
    info = get_provider_info()
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "AIRFLOW_HOME": str(home)}
    python, airflow = str(commands / "python"), str(commands / "airflow")
    print(run([python, "-I", str(ROOT / "dev" / "installed.py")], cwd=home, env=env).strip())
    connections = [connection["connection-type"] for connection in info["connection-types"]]
    for what, wanted in {
        "list": [info["package-name"], __version__],
        "hooks": [*connections, *(connection["hook-class-name"] for connection in info["connection-types"])],
        "links": info["extra-links"],
        "triggers": [name for listed in info["triggers"] for name in listed["python-modules"]],
        "behaviours": connections,
    }.items():
        told = json.dumps(json.loads(run([airflow, "providers", what, "-o", "json"], cwd=home, env=env)))
        if missing := [name for name in wanted if f'"{name}"' not in told]:
            raise Wrong(f"airflow providers {what} does not show {', '.join(missing)}")
        print(f"airflow providers {what} shows {', '.join(wanted)}")
    run([str(commands / "airflow-j2v"), "--help"], cwd=home, env=env)
    sandbox = [python, "-m", f"{NAME}.sandbox"]
    run([*sandbox, "--help"], cwd=home, env=env)
    told = run([*sandbox, "--port", "0"], cwd=home, env=env, status=2)
    if NEEDS_EXTRA not in told:
        raise Wrong(f"without its extra the sandbox does not say how to get it:\n{told}")
    print(f"without its extra the sandbox says: {told.strip()}")


def check_types(commands: Path, home: Path) -> None:
    """mypy --strict of a user's DAG against the installed wheel, which has to say that it is typed."""
    for name in ("example.py", "mypy.ini"):
        shutil.copy(ROOT / "tests" / "typed" / name, home)
    mypy = [sys.executable, "-m", "mypy", "--python-executable", str(commands / "python")]
    print(run([*mypy, "--config-file", "mypy.ini", "example.py"], cwd=home).strip())


def run(
    command: Sequence[str],
    *,
    cwd: Path = ROOT,
    env: dict[str, str] | None = None,
    status: int = 0,
) -> str:
    """Run a command and return what it printed, errors only where it is to fail.

    :param status: what it has to exit with.
    :raises Wrong: it exits with something else.
    """
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode != status:
        raise Wrong(f"{' '.join(command)} exits with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stderr if status else done.stdout


def main() -> int:
    """Build, look, install, try; the exit status."""
    try:
        wheel, sdist = build()
        run([sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist)])
        look_into(wheel, sdist)
        with tempfile.TemporaryDirectory(prefix="package-") as folder:
            home = Path(folder) / "home"
            home.mkdir()
            commands = install(wheel, Path(folder) / "venv")
            try_out(commands, home)
            check_types(commands, home)
    except Wrong as e:
        print(e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
