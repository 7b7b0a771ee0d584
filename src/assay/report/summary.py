"""Counting verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from assay.domain import Outcome, Severity, Verdict


@dataclass(frozen=True, slots=True)
class Summary:
    """How many verdicts of each outcome, and how many findings of each severity."""

    outcomes: dict[str, int]
    severities: dict[str, int]
    excepted: int
    findings: int

    def sentence(self) -> str:
        """The counts, most severe first."""
        passed = self.outcomes.get(Outcome.PASS, 0)
        if not self.findings:
            return f"no findings; {_passed(passed)}" + self._excepted()
        parts = [f"{self.severities[s]} {s}" for s in reversed(Severity) if self.severities.get(s)]
        noun = "finding" if self.findings == 1 else "findings"
        return f"{self.findings} {noun} ({', '.join(parts)}); {_passed(passed)}" + self._excepted()

    def _excepted(self) -> str:
        return f"; {self.excepted} accepted by exception" if self.excepted else ""

    def as_json(self) -> dict[str, object]:
        """The published shape."""
        return {
            "outcomes": self.outcomes,
            "severities": self.severities,
            "findings": self.findings,
            "excepted": self.excepted,
        }


def _passed(count: int) -> str:
    return "1 check passed" if count == 1 else f"{count} checks passed"


def summarise(verdicts: Iterable[Verdict]) -> Summary:
    """Counts the verdicts."""
    verdicts = tuple(verdicts)
    findings = [v for v in verdicts if v.is_finding]
    return Summary(
        outcomes=dict(Counter(str(v.outcome) for v in verdicts)),
        severities=dict(Counter(str(v.severity) for v in findings)),
        excepted=sum(1 for v in verdicts if v.excepted_by),
        findings=len(findings),
    )


def by_urgency(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Most severe and most certain first; then by place."""
    return sorted(verdicts, key=lambda v: (-v.severity.rank, -v.confidence.rank, v.location, v.check))
