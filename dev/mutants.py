"""Take one safeguard of the protocol away at a time, and see that some test notices."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ["tests/unit/renders/test_submit.py", "tests/unit/renders/test_histories.py"]
SUBMIT = "airflow_provider_j2v/renders/submit.py"
LOOKUP = "airflow_provider_j2v/renders/lookup.py"
BATCH_TESTS = ["tests/unit/renders/test_batch.py"]
SPENDING = "airflow_provider_j2v/renders/spending.py"
BATCH = "airflow_provider_j2v/renders/batch.py"
INHERITANCE = "airflow_provider_j2v/renders/inheritance.py"


@dataclass(frozen=True)
class Mutant:
    """One safeguard removed: ``old`` becomes ``new`` in ``file``, and one of ``tests`` must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: Sequence[str] = tuple(TESTS)


MUTANTS: tuple[Mutant, ...] = (
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

# The same safeguards where many rows are paid for at once: (name, file, old, new).
_BATCH = (
    (
        "rows: no intents are written",
        SPENDING,
        "        self.book.write()\n        self.last_post = now\n",
        "        self.last_post = now\n",
    ),
    ("rows: no lease is checked", SPENDING, "if self.clock() - now > LEASE:", "if False:"),
    ("rows: no wait for the list", SPENDING, "elif now >= certain_at(self.client, entry.at or now):", "elif True:"),
    (
        "rows: a failed lookup counts as not found",
        SPENDING,
        "    except LookupFailed as e:\n",
        "    except LookupFailed as e:\n        return []\n",
    ),
    (
        "rows: an unanswered POST counts as not taken",
        SPENDING,
        "self.book.put(i, entry.changed(unanswered=entry.unanswered + 1))",
        "self.book.put(i, before[i])",
    ),
    (
        "rows: a refused repeat forgets the unanswered POST",
        SPENDING,
        'if before.state == "intent":  # an',
        "if False:  # an",
    ),
    (
        "rows: projects are not recorded",
        SPENDING,
        "            again, pause = self._sort(before, answers, unsent)\n            self._record()\n",
        "            again, pause = self._sort(before, answers, unsent)\n",
    ),
    ("rows: a try that stood still goes on", SPENDING, "self.clock() - self.last_post > FROZEN", "False"),
    ("rows: a clear is not seen", BATCH, "elif order.max_tries != head.max_tries or (", "elif False and ("),
    (
        "rows: a retry reads the items again",
        BATCH,
        "            self._retry(Book.of(self._documents, head))",
        "            self._take_over(Book.of(self._documents, head))",
    ),
    ("rows: no wait when the record is lost", BATCH, "if wait > 0 and not", "if False and not"),
    (
        "rows: a clear does not find out about unanswered POSTs",
        BATCH,
        "for i in self._spend_from(old).settle_all():",
        'for i in old.which("intent"):',
    ),
    ("rows: a clear does not look at the input", INHERITANCE, "entry.fingerprint == self._wanted[i]", "True"),
    ("rows: a try that may not pay forgets so", BATCH, "MovieError(refused) if refused else None", "None"),
    ("rows: an error is not final", INHERITANCE, 'or (movie.status == "error" and own)', ""),
)
MUTANTS += tuple(Mutant(*fields, tests=BATCH_TESTS) for fields in _BATCH)


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
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *mutant.tests]
        env = os.environ | {"PYTHONPATH": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
        result = subprocess.run(command, cwd=home, env=env, capture_output=True, text=True, check=False)
        if result.returncode not in (0, 1):
            raise SystemExit(f"{mutant.name}: the tests did not run\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
        return result.returncode == 0


def main() -> int:
    """Print each mutant's fate; fail when one survives."""
    alive = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # the work is done in processes of their own
        for mutant, survived in zip(MUTANTS, pool.map(survives, MUTANTS), strict=True):
            alive += survived
            print(f"{'SURVIVED' if survived else 'killed':<10}{mutant.name}", flush=True)
    print(f"\n{len(MUTANTS) - alive} of {len(MUTANTS)} killed")
    return int(alive > 0)


if __name__ == "__main__":
    sys.exit(main())
