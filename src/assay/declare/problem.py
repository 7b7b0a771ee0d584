"""A problem found while reading, as a verdict."""

from __future__ import annotations

from assay.domain import Fix, Location, Outcome, Severity, Verdict


def problem(
    check: str,
    subject: str,
    sentence: str,
    location: Location,
    fix: str = "",
    *,
    related: tuple[Location, ...] = (),
    severity: Severity = Severity.HIGH,
    reason: str = "",
) -> Verdict:
    """A failed verdict of the control ``declaration``; ``fix`` is a sentence, empty when there is nothing to advise."""
    return Verdict(
        control="declaration",
        check=check,
        subject=subject,
        outcome=Outcome.FAIL,
        sentence=sentence,
        severity=severity,
        location=location,
        fix=Fix(fix) if fix else None,
        related=related,
        reason=reason,
    )
