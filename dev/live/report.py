"""What was found against what the package takes for true, as Markdown for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from airflow_provider_j2v import __version__
from dev.live.questions import Finding, Verdict

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
MUST_CHANGE: Verdict = "THE PACKAGE MUST CHANGE"


@dataclass
class Report:
    """One run.

    :param service: its address.
    :param began: ISO time.
    :param limit: credits that were allowed.
    :param spent: credits spent at most, by what was asked for.
    :param fallen: credits by which the balance fell.
    :param contract: ``{passed, failed, skipped, failures}`` of the contract suite, or None when it was not run.
    :param left: what could not be deleted.
    """

    service: str
    began: str
    limit: float
    spent: float = 0.0
    fallen: float = 0.0
    contract: dict[str, Any] | None = None
    findings: list[Finding] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """True when nothing has to be changed, mended or deleted."""
        failed = self.contract is not None and (self.contract["failed"] or not self.contract["passed"])
        return not failed and not self.left and not any(f.verdict == MUST_CHANGE for f in self.findings)

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write ``report.md`` and ``report.json`` into the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = folder / "report.md", folder / "report.json"
        paths[0].write_text("\n".join(self._lines()) + "\n", "utf-8")
        paths[1].write_text(json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n", "utf-8")
        return paths

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON."""
        return {
            "package": __version__,
            "service": self.service,
            "began": self.began,
            "credits": {"allowed": self.limit, "spent at most": self.spent, "off the balance": self.fallen},
            "contract": self.contract,
            "findings": [
                {
                    "id": f.question.id,
                    "asks": f.question.asks,
                    "answer": f.answer,
                    "verdict": f.verdict,
                    "takes": f.question.takes,
                    "where": list(f.question.where),
                    "rests_on": f.question.rests_on,
                    "seen": f.seen,
                }
                for f in self.findings
            ],
            "not deleted": self.left,
        }

    def _lines(self) -> Iterator[str]:
        yield f"# What {self.service} answered"
        yield ""
        yield f"airflow-provider-j2v {__version__}, begun {self.began}. Of {self.limit:g} credits that were allowed, at"
        yield f"most {self.spent:g} were spent; the balance fell by {self.fallen:g}."
        yield ""
        if self.contract is not None:
            counts = ", ".join(f"{self.contract[name]} {name}" for name in ("passed", "failed", "skipped"))
            yield f"Contract suite: {counts}."
            yield from (f"- failed: `{name}`" for name in self.contract["failures"])
            yield ""
        if self.left:
            yield "**Not deleted**, please do it by hand:"
            yield from (f"- {_plain(what)}" for what in self.left)
            yield ""
        for verdict in (MUST_CHANGE, *(v for v in VERDICTS if v != MUST_CHANGE)):
            yield from self._chapter(verdict, [f for f in self.findings if f.verdict == verdict])

    def _chapter(self, verdict: Verdict, findings: Sequence[Finding]) -> Iterator[str]:
        if not findings:
            return
        yield f"## {verdict[:1].upper()}{verdict[1:]} ({len(findings)})"
        yield ""
        for finding in findings:
            question = finding.question
            yield f"### {question.asks} `{question.id}`"
            yield ""
            yield f"- **Answer:** {_plain(finding.answer)}"
            yield f"- Taken for true: {question.takes} ({question.rests_on})"
            yield f"- Rests on it: {'; '.join(f'`{place}`' for place in question.where)}"
            if finding.seen is not None:
                yield f"- Seen: `{_plain(json.dumps(finding.seen, ensure_ascii=False))}`"
            yield ""


def _plain(text: str) -> str:
    """Text from outside on one line of Markdown, where it can begin nothing."""
    return " ".join(text.replace("`", "'").replace("<", "‹").replace("|", "¦").split())
