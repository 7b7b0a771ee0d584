"""From proofs to labels: the transformations of flows that were seen to work on payloads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from assay.domain import Outcome
from assay.prove.result import Proof
from assay.sensitivity.closure import VerifiedTransform

CONTROL, CHECK = "data_classification", "transform-not-applied"


def verified_transforms(proofs: Iterable[Proof], *, now: datetime, age: timedelta) -> tuple[VerifiedTransform, ...]:
    """The transformations that the newest proof of each case shows, if it passed and is not older than ``age``.

    A proof that is dated after ``now`` shows nothing yet.

    What was declared when it was seen goes along, so that a transformation that says something else today is not taken
    for verified.
    """
    newest: dict[str, Proof] = {}
    for proof in proofs:
        if proof.started > now:
            continue
        if (proof.test.control, proof.test.id) == (CONTROL, CHECK) and proof.verdict.outcome is not Outcome.SKIPPED:
            known = newest.get(proof.case)
            if known is None or known.started < proof.started:
                newest[proof.case] = proof
    found: dict[tuple[str, str], VerifiedTransform] = {}
    doubtful: set[tuple[str, str]] = set()
    for proof in newest.values():
        if proof.verdict.outcome is not Outcome.PASS or now - proof.started > age:
            continue
        flow = proof.facts.get("flow")
        for entry in proof.facts.get("transforms") or ():
            if not isinstance(entry, Mapping) or not isinstance(flow, str):
                continue
            field, text = str(entry.get("field")), str(entry.get("text"))
            if entry.get("verified") is True:
                evidence = proof.evidence[0] if proof.evidence else ""
                found[flow, field] = VerifiedTransform(flow, field, text, evidence)
            else:
                doubtful.add((flow, field))  # one name may stand for fields of several data sets: all must be seen
    return tuple(v for name, v in found.items() if name not in doubtful)
