"""What a control offers. Engines work on these faces and know no control by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from typing import Any, Literal

from assay.declare.declaration import Declaration
from assay.declare.packaged import plain_yaml
from assay.domain import Confidence, Edit, Fix, Location, Outcome, Severity, Verdict
from assay.gateway import ir
from assay.prove.case import Case, Test
from assay.prove.surface import Surface


@dataclass(frozen=True, slots=True)
class Site:
    """Facts of the machine the gateway runs on that controls need to write pieces.

    Attributes:
        certificate, private_key: PEM paths used when the declaration names no certificate of its own; here and below as
            policies name files (:data:`assay.gateway.ir.STATE`).
        client_ca: PEM path of the authority for client certificates when the declaration names none.
        development_issuer: URL of the development issuer.
        introspection: client and secret reference with which the inspector asks the development issuer about tokens.
    """

    certificate: str
    private_key: str
    client_ca: str
    development_issuer: str
    introspection: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Check:
    """One test of design: the bad pattern it looks for, and what a person needs to know about it.

    ``id`` names the bad pattern; ``title`` states the good one. ``run`` yields a verdict per subject, passes included.
    """

    id: str
    title: str
    severity: Severity
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class Context:
    """What a test of design may look at beside the declaration."""

    declaration: Declaration
    today: date
    all_controls: frozenset[str]


RELIABILITY = 0.95
"""How far a proof can be trusted where ``control.yaml`` says nothing else: it tries what its author thought of."""


@dataclass(frozen=True, slots=True)
class Meets:
    """What a control does against one threat.

    Attributes:
        kind: ``preventive``: it comes true less often; ``limiting``: it does less harm.
        capability: the share that it takes away when it works (.95 decisive, .40 partial, .25 limiting).
        proofs: those of its proofs that show whether it works against this threat.
        exploits: those of them whose failure is the threat come true.
        checks: its tests of design about this threat; where one fails, nothing is claimed.
        reliability: how far these proofs can be trusted, 0 to 1.
    """

    kind: Literal["preventive", "limiting"]
    capability: float
    argument: str
    proofs: tuple[str, ...]
    exploits: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    reliability: float = RELIABILITY


@dataclass(frozen=True, slots=True)
class About:
    """The contents of ``control.yaml``: what the control is for, in the words of every report.

    ``failure_domain_id`` is a short name of the failure domain: controls with the same one fail together. ``meets`` is
    by the id of a threat; where it is empty, ``meets_nothing`` says why.
    """

    id: str
    title: str
    objectives: tuple[str, ...]
    threats: tuple[str, ...]
    kind: Literal["preventive", "limiting", "detective"]
    capability: float
    argument: str
    failure_domain: str
    evidence_age: str
    checks: Mapping[str, Check]
    proofs: Mapping[str, Test]
    references: tuple[str, ...]
    failure_domain_id: str = ""
    meets: Mapping[str, Meets] = field(default_factory=dict)
    meets_nothing: str = ""


Design = Callable[[Context], Iterable[Verdict]]
Enforce = Callable[[Declaration, Site], Iterable[ir.AnyPiece]]
Prove = Callable[[Surface], Iterable[Case]]


@dataclass(frozen=True, slots=True)
class Control:
    """One security mechanism with its faces. A face that makes no sense is None, and ``control.yaml`` says why."""

    about: About
    design: Design | None
    enforce: Enforce | None
    prove: Prove | None

    @property
    def id(self) -> str:
        """The folder's name; the control's id everywhere."""
        return self.about.id

    @property
    def guide(self) -> str:
        """The text of ``guide.md``."""
        return (resources.files("assay.controls") / self.id / "guide.md").read_text(encoding="utf-8")


def about(control: str) -> About:
    """Reads ``control.yaml`` of a control folder."""
    text = (resources.files("assay.controls") / control / "control.yaml").read_text(encoding="utf-8")
    raw: dict[str, Any] = plain_yaml(text)
    checks = {
        key: Check(id=key, title=c["title"], severity=Severity(c["severity"]), why=c["why"], fix=c["fix"])
        for key, c in (raw.get("checks") or {}).items()
    }
    proofs = {
        key: Test(
            control=raw["id"],
            id=key,
            title=p["title"],
            severity=Severity(p["severity"]),
            why=p["why"],
            fix=p["fix"],
            rows=tuple(p.get("rows") or ()),
        )
        for key, p in (raw.get("proofs") or {}).items()
    }
    return About(
        id=raw["id"],
        title=raw["title"],
        objectives=tuple(raw["objectives"]),
        threats=tuple(raw["threats"]),
        kind=raw["kind"],
        capability=float(raw["capability"]),
        argument=raw["argument"],
        failure_domain=raw["failure_domain"],
        evidence_age=raw["evidence_age"],
        checks=checks,
        proofs=proofs,
        references=tuple(raw.get("references") or ()),
        failure_domain_id=raw.get("failure_domain_id") or raw["id"],
        meets={threat: _meets(entry) for threat, entry in (raw.get("meets") or {}).items()},
        meets_nothing=raw.get("meets_nothing") or "",
    )


def _meets(raw: Mapping[str, Any]) -> Meets:
    proofs, exploits = tuple(raw["proofs"]), raw.get("exploits") or ()
    return Meets(
        kind=raw["kind"],
        capability=float(raw["capability"]),
        argument=raw["argument"],
        proofs=proofs,
        exploits=proofs if exploits == "all" else tuple(exploits),
        checks=tuple(raw.get("checks") or ()),
        reliability=float(raw.get("reliability", RELIABILITY)),
    )


@dataclass(frozen=True, slots=True)
class Judge:
    """Writes verdicts of one control, so that no design face repeats severities, reasons or the control's id."""

    about: About

    def passed(self, check: str, subject: str, at: Location, sentence: str) -> Verdict:
        """The good pattern is there."""
        return self._verdict(check, subject, at, sentence, Outcome.PASS)

    def failed(
        self,
        check: str,
        subject: str,
        at: Location,
        sentence: str,
        *,
        fix: str = "",
        edits: tuple[Edit, ...] = (),
        safe: bool = False,
        severity: Severity | None = None,
        confidence: Confidence = Confidence.HIGH,
        related: tuple[Location, ...] = (),
    ) -> Verdict:
        """The bad pattern is there. ``fix`` defaults to the check's own; ``safe`` edits may be applied by ``--fix``."""
        known = self.about.checks[check]
        return self._verdict(
            check,
            subject,
            at,
            sentence,
            Outcome.FAIL,
            fix=Fix(fix or known.fix, edits, safe),
            severity=severity or known.severity,
            confidence=confidence,
            related=related,
        )

    def unclear(self, check: str, subject: str, at: Location, sentence: str, *, fix: str = "") -> Verdict:
        """The check could not see what it needed to see."""
        known = self.about.checks[check]
        return self._verdict(check, subject, at, sentence, Outcome.INCONCLUSIVE, fix=Fix(fix or known.fix))

    def not_applicable(self, check: str, subject: str, at: Location, sentence: str) -> Verdict:
        """There is nothing here that the check speaks about."""
        return self._verdict(check, subject, at, sentence, Outcome.NOT_APPLICABLE)

    def _verdict(
        self,
        check: str,
        subject: str,
        at: Location,
        sentence: str,
        outcome: Outcome,
        *,
        fix: Fix | None = None,
        severity: Severity | None = None,
        confidence: Confidence = Confidence.HIGH,
        related: tuple[Location, ...] = (),
    ) -> Verdict:
        known = self.about.checks[check]
        return Verdict(
            control=self.about.id,
            check=check,
            subject=subject,
            outcome=outcome,
            sentence=sentence,
            severity=severity or known.severity,
            confidence=confidence,
            location=at,
            reason=known.why if outcome is not Outcome.PASS else "",
            fix=fix,
            related=related,
        )
