"""What is known about the running system at one moment, from whatever source it came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from assay.domain import Outcome, Severity
from assay.prove.result import Proof, RunResult, Unchosen


@dataclass(frozen=True, slots=True)
class Measured:
    """The latest outcome of one test on one subject by one identity.

    ``configuration`` is the digest of the policy that was live when it was measured; ``key`` is the same in every run.
    ``unsettled``: of a failure that stands: why nothing could be concluded when it was tried again.
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
    unsettled: str = ""

    @property
    def told(self) -> str:
        """What was found; of a failure that was tried again since, that it stands."""
        if not self.unsettled:
            return self.sentence
        return f"{self.sentence} (it stands: tried again since, it could not be concluded: {self.unsettled})"


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


def latest(
    runs: Iterable[RunResult], live: str = "", declared: Callable[[str], bool] = lambda _: True
) -> Mapping[str, Measured]:
    """What stands of every case over several runs through the gateway, by case id.

    That is its newest outcome, with two exceptions. A later run that covers less takes nothing away: what it did not
    get to keeps its older outcome, and its age. And a failure stands until the same was shown to hold on the live
    configuration: that nothing could be concluded since, or that something else was applied, mends nothing.

    Args:
        live: the digest of the configuration that is applied. What was measured on it comes before what is newer on
            another one; and what a run on it did not get to was not measured on it.
        declared: whether a subject is still there. A failure on another configuration about one that is not is over.
    """
    here: dict[str, Measured] = {}
    there: dict[str, Measured] = {}
    settled: dict[str, Measured] = {}
    for run in sorted(runs, key=lambda r: r.started):
        if run.via == "gateway":
            on_live = run.configuration_digest == live
            known = here if on_live else there
            for fact in measured(run):
                known[fact.key] = _newer(known.get(fact.key), fact)
                if on_live and fact.outcome in _SETTLED:
                    settled[fact.key] = _newer(settled.get(fact.key), fact)
    held: dict[tuple[str, str, str], datetime] = {}
    for fact in settled.values():
        if fact.outcome is Outcome.PASS:
            held[_about(fact)] = max(held.get(_about(fact), fact.at), fact.at)
    found = there | here
    for key, before in there.items():
        if before.outcome is Outcome.FAIL:
            now = here.get(key)
            if declared(before.subject) and not _mended(before, settled.get(key, now), held):
                found[key] = _newer(before, now) if now and now.outcome in _OPEN else before
            elif now is None:
                del found[key]
    return found


_SETTLED = frozenset({Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE})
_OPEN = frozenset({Outcome.INCONCLUSIVE, Outcome.ERROR})


def _newer(before: Measured | None, fact: Measured) -> Measured:
    """What stands after one more outcome of a case."""
    if before is None:
        return fact
    if fact.outcome is Outcome.SKIPPED:
        return before
    if before.outcome is Outcome.FAIL and fact.outcome in _OPEN:
        return replace(before, unsettled=fact.sentence)
    return fact


def _about(fact: Measured) -> tuple[str, str, str]:
    return fact.control, fact.check, fact.subject


def _mended(failure: Measured, here: Measured | None, held: Mapping[tuple[str, str, str], datetime]) -> bool:
    """Whether the same was shown to hold on the live configuration, since it failed on another one.

    Where the case is known there, by that case alone; where it is not, by any of its test and subject.
    """
    if here is None:
        since = held.get(_about(failure))
        return since is not None and since > failure.at
    if here.outcome is Outcome.FAIL:
        return True  # which counts by itself
    return here.outcome is Outcome.PASS and here.at > failure.at
