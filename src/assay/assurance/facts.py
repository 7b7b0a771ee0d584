"""What is known about the running system at one moment, from whatever source it came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from assay.domain import Outcome, Severity
from assay.prove.result import Proof, RunResult


@dataclass(frozen=True, slots=True)
class Measured:
    """The latest outcome of one test on one subject by one identity.

    ``configuration`` is the digest of the policy that was live when it was measured; ``key`` is the same in every run.
    """

    key: str
    control: str
    check: str
    subject: str
    identity: str
    outcome: Outcome
    severity: Severity
    sentence: str
    at: datetime
    configuration: str
    evidence: tuple[str, ...] = ()
    excepted_by: str | None = None


def measured(run: RunResult) -> tuple[Measured, ...]:
    """What a run measured or meant to measure, in its order."""
    return tuple(_one(run, proof) for proof in run.proofs)


def _one(run: RunResult, proof: Proof) -> Measured:
    verdict = proof.verdict
    return Measured(
        proof.case,
        verdict.control,
        verdict.check,
        verdict.subject,
        proof.identity,
        verdict.outcome,
        verdict.severity,
        verdict.sentence,
        proof.started,
        run.configuration_digest,
        proof.evidence,
        verdict.excepted_by,
    )


def latest(runs: Iterable[RunResult]) -> Mapping[str, Measured]:
    """The newest outcome of every case over several runs through the gateway, by case id.

    A later run that covers less takes nothing away: what it did not get to keeps its older outcome, and its age.
    """
    found: dict[str, Measured] = {}
    for run in sorted(runs, key=lambda r: r.started):
        if run.via != "gateway":
            continue
        for fact in measured(run):
            if fact.outcome is not Outcome.SKIPPED or fact.key not in found:
                found[fact.key] = fact
    return found
