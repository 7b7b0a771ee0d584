"""Everything a report is made of. One dossier, one report: the same dossier gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from assay.assurance.objectives import Standing
from assay.assurance.trend import Trend
from assay.domain import Verdict
from assay.prove.result import Proof, RunResult
from assay.report.judgement import Judgement
from assay.report.organisation import Organisation


@dataclass(frozen=True, slots=True)
class ControlNote:
    """A control in the words of its folder."""

    id: str
    title: str
    argument: str
    threats: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    tests: Mapping[str, str] = field(default_factory=dict)
    """What each test states, by id: tests of design and proofs."""


@dataclass(frozen=True, slots=True)
class EvidenceNote:
    """The log that holds the evidence, as it was when the report was written.

    ``witnessed`` names who cosigned; empty: nobody did. ``problems`` are what verification found.
    """

    directory: str
    records: int = 0
    checkpoint: str = ""
    keys: tuple[str, ...] = ()
    verified: bool | None = None
    problems: tuple[str, ...] = ()
    witnessed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """The facts of one report.

    Attributes:
        now: when the statuses were judged; nothing else in a report depends on the clock.
        live, wanted: digests of the configuration that runs and of the one the declaration compiles to.
        proofs: the newest proof of every case, from ``run`` and the runs before it.
        run: the newest run through the gateway, if there was one; ``direct``: the newest at the services themselves.
        compared: when the run that the trend compares with began.
        organisation_note: the data, the accounts and the layers behind the APIs.
        judgement: objectives, frameworks, risks, exceptions and maturity, as far as they were asked for.
        root: the folder of the declaration, as locations begin with it: pages leave it out.
    """

    organisation: str
    title: str
    now: datetime
    tool: str
    declaration_digest: str
    live: str
    wanted: str
    standings: tuple[Standing, ...]
    controls: tuple[ControlNote, ...]
    design: tuple[Verdict, ...]
    proofs: tuple[Proof, ...] = ()
    run: RunResult | None = None
    direct: RunResult | None = None
    trend: Trend | None = None
    compared: datetime | None = None
    evidence: EvidenceNote | None = None
    organisation_note: Organisation | None = None
    judgement: Judgement = field(default_factory=Judgement)
    root: str = ""

    @property
    def findings(self) -> tuple[Proof, ...]:
        """Proofs that need somebody, most severe first."""
        found = [p for p in self.proofs if p.verdict.is_finding]
        return tuple(sorted(found, key=_urgency))

    def of_control(self, control: str) -> tuple[tuple[Verdict, ...], tuple[Proof, ...]]:
        """Design verdicts and proofs of one control."""
        design = tuple(v for v in self.design if v.control == control)
        return design, tuple(p for p in self.proofs if p.verdict.control == control)


def _urgency(proof: Proof) -> tuple[int, int, str]:
    return (proof.verdict.outcome != "fail", -proof.verdict.severity.rank, proof.case)


def age(seconds: float | None) -> str:
    """A duration for people: ``3 min``, ``5 h``, ``12 days``."""
    if seconds is None:
        return "–"
    span = timedelta(seconds=max(0.0, seconds))
    if span < timedelta(minutes=1):
        return "less than a minute"
    for unit, size, plural in (("day", 86400, "days"), ("h", 3600, "h"), ("min", 60, "min")):
        count = int(span.total_seconds() // size)
        if count >= (2 if unit != "min" else 1):
            return f"{count} {plural}"
    return "1 h"
