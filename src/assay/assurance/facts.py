"""What is known about the running system at one moment, from whatever source it came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from assay.domain import Outcome, Severity
from assay.prove.result import Proof, RunResult, Unchosen


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
    """What a run measured or meant to measure, in its order; then what it was told to leave out, as skipped."""
    return (*(_one(run, proof) for proof in run.proofs), *(_left_out(run, each) for each in run.unchosen))


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


def _left_out(run: RunResult, each: Unchosen) -> Measured:
    return Measured(
        each.case,
        each.control,
        each.check,
        each.subject,
        each.identity,
        Outcome.SKIPPED,
        each.severity,
        "not tested: the run was of a part that it is not in",
        run.started,
        run.configuration_digest,
    )


def latest(runs: Iterable[RunResult], live: str = "") -> Mapping[str, Measured]:
    """The newest outcome of every case over several runs through the gateway, by case id.

    A later run that covers less takes nothing away: what it did not get to keeps its older outcome, and its age.

    Args:
        live: the digest of the configuration that is applied. What was measured on it comes before what is newer on
            another one; and what a run on it did not get to was not measured on it.
    """
    found: dict[str, Measured] = {}
    for run in sorted(runs, key=lambda r: (r.configuration_digest == live, r.started)):
        if run.via != "gateway":
            continue
        for fact in measured(run):
            before = found.get(fact.key)
            elsewhere = before is not None and fact.configuration == live != before.configuration
            if fact.outcome is not Outcome.SKIPPED or before is None or elsewhere:
                found[fact.key] = fact
    return found
