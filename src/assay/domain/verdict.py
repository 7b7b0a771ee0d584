"""The outcome of one check on one subject, and the words it is told with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from assay.domain.location import Location


class Outcome(StrEnum):
    """What a check found. Something that could not run is ``inconclusive`` or ``skipped``, never ``pass``."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"
    SKIPPED = "skipped"
    ERROR = "error"


class _Ordered(StrEnum):
    """A scale whose members compare by position, not by spelling."""

    @property
    def rank(self) -> int:
        return list(type(self)).index(self)


class Severity(_Ordered):
    """How much harm the bad pattern can do, from least to most."""

    NOTE = "note"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Confidence(_Ordered):
    """How sure the check is that the pattern is really there, from least to most."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Category(StrEnum):
    """The five families of control objectives."""

    CONFIDENTIALITY = "confidentiality"
    INTEGRITY = "integrity"
    AUTHENTICATION_AUTHORISATION = "authentication-authorisation"
    AVAILABILITY = "availability"
    NON_REPUDIATION = "non-repudiation"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to a YAML declaration: set (or, with ``remove``, delete) the value at ``path`` in ``file``.

    ``path`` is the route of keys and list indices from the top of the file. Comments around it are kept.
    """

    file: str
    path: tuple[str | int, ...]
    value: object = None
    remove: bool = False


@dataclass(frozen=True, slots=True)
class Fix:
    """How to mend a finding. ``safe`` edits cannot change what a correct declaration means; ``--fix`` applies those."""

    sentence: str
    edits: tuple[Edit, ...] = ()
    safe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One check on one subject.

    Attributes:
        control: id of the control (its folder's name), or ``declaration`` / ``contract`` for reading errors.
        check: id of the bad pattern looked for, such as ``operation-without-owner-rule``.
        subject: route into the declaration, such as ``apis.customer-data.operations.getCustomer``.
        sentence: what was found, in one sentence, for a person.
        reason: why it matters (for findings).
    """

    control: str
    check: str
    subject: str
    outcome: Outcome
    sentence: str
    severity: Severity = Severity.MEDIUM
    confidence: Confidence = Confidence.HIGH
    location: Location
    reason: str = ""
    fix: Fix | None = None
    related: tuple[Location, ...] = field(default=())
    excepted_by: str | None = None

    @property
    def is_finding(self) -> bool:
        """Whether somebody must act: a failure, or something that had to be shown and could not be."""
        return self.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.ERROR) and self.excepted_by is None

    def as_json(self) -> dict[str, object]:
        """The published shape of a verdict (version 1)."""
        return {
            "control": self.control,
            "check": self.check,
            "subject": self.subject,
            "outcome": str(self.outcome),
            "sentence": self.sentence,
            "severity": str(self.severity),
            "confidence": str(self.confidence),
            "location": {
                "file": self.location.file,
                "line": self.location.line,
                "column": self.location.column,
            },
            "reason": self.reason,
            "fix": self.fix.sentence if self.fix else None,
            "fix_is_safe": bool(self.fix and self.fix.safe),
            "excepted_by": self.excepted_by,
        }


def worst(verdicts: Iterable[Verdict]) -> Severity | None:
    """The highest severity among the findings, or None when there are none."""
    return max((v.severity for v in verdicts if v.is_finding), key=lambda s: s.rank, default=None)
