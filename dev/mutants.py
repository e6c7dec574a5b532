"""Take one safeguard of the protocol away at a time, and see that some test notices."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ["tests/unit/renders/test_submit.py", "tests/unit/renders/test_histories.py"]
SUBMIT = "airflow_provider_j2v/renders/submit.py"
LOOKUP = "airflow_provider_j2v/renders/lookup.py"


@dataclass(frozen=True)
class Mutant:
    """One safeguard removed: ``old`` becomes ``new`` in ``file``."""

    name: str
    file: str
    old: str
    new: str


MUTANTS = (
    Mutant("no intent is written", SUBMIT, "            self.ledger.write(intent)\n", ""),
    Mutant("no lease is checked", SUBMIT, "if self.clock() - intent.at > LEASE:", "if False:"),
    Mutant("no lookup", SUBMIT, "found = list(find(self.client, wanted, since, self.clock()))", "found = []"),
    Mutant("no wait for the list", SUBMIT, "if not found and wait > 0:", "if False:"),
    Mutant(
        "a failed lookup counts as not found",
        SUBMIT,
        "        except LookupFailed as e:\n",
        "        except LookupFailed as e:\n            return []\n",
    ),
    Mutant(
        "a clear does not look at the input",
        SUBMIT,
        "changed = entry.fingerprint != order.fingerprint",
        "changed = False",
    ),
    Mutant(
        "errors are not sorted: all are refusals",
        SUBMIT,
        "raise SubmitAmbiguous(_maybe(e)) from e\n    except Unreachable",
        "raise\n    except Unreachable",
    ),
    Mutant(
        "a broken connection counts as unsent",
        SUBMIT,
        "        if not e.sent:\n            raise\n",
        "        raise\n",
    ),
    Mutant("a clear is not seen", SUBMIT, "cleared = order.max_tries != entry.max_tries or (", "cleared = False and ("),
    Mutant(
        "the wait for the list forgets the lease",
        SUBMIT,
        "certain_at = last_post + LEASE + timedelta",
        "certain_at = last_post + timedelta",
    ),
    Mutant(
        "a clear that re-attached stays a clear",
        SUBMIT,
        "            self._write(entry, max_tries=order.max_tries, retries=order.retries)\n",
        "",
    ),
    Mutant(
        "a refused repeat forgets the unanswered POST",
        SUBMIT,
        "        if earlier is None:\n            self._write(intent",
        "        if True:\n            self._write(intent",
    ),
    Mutant("no lookup by identity", SUBMIT, " if order.first_try else self._by_identity(order)", ""),
    Mutant(
        "the project is not recorded",
        SUBMIT,
        '_write(entry, state="submitted", project=project, submitted_at=submitted_at)',
        "_write(entry)",
    ),
    Mutant("a row without data counts as judged", LOOKUP, "    if judged.certain:\n", "    if True:\n"),
    Mutant("only the first page is read", LOOKUP, "        token = page.more\n", "        token = None\n"),
)


def survives(mutant: Mutant) -> bool:
    """Whether all tests pass without that safeguard."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        home = Path(folder)
        for part in ("airflow_provider_j2v", "tests", "pyproject.toml"):
            source = ROOT / part
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, home / part)
        file = home / mutant.file
        text = file.read_text("utf-8")
        if mutant.old not in text:
            raise SystemExit(f"{mutant.name}: {mutant.file} does not hold {mutant.old!r} any more")
        file.write_text(text.replace(mutant.old, mutant.new), "utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TESTS]
        env = os.environ | {"PYTHONPATH": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
        result = subprocess.run(command, cwd=home, env=env, capture_output=True, text=True, check=False)
        if result.returncode not in (0, 1):
            raise SystemExit(f"{mutant.name}: the tests did not run\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
        return result.returncode == 0


def main() -> int:
    """Print each mutant's fate; fail when one survives."""
    alive = 0
    for mutant in MUTANTS:
        survived = survives(mutant)
        alive += survived
        print(f"{'SURVIVED' if survived else 'killed':<10}{mutant.name}", flush=True)
    print(f"\n{len(MUTANTS) - alive} of {len(MUTANTS)} killed")
    return int(alive > 0)


if __name__ == "__main__":
    sys.exit(main())
