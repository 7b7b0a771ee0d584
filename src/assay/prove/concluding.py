"""From what a case concluded to a verdict that names who refused, or who let it through."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assay.domain import Fix, Outcome, Verdict
from assay.gateway.decision import Decision
from assay.prove.case import Case, Judged
from assay.prove.result import Exchange, Proof, Unreached

_OPEN = frozenset({Outcome.INCONCLUSIVE, Outcome.SKIPPED, Outcome.ERROR})


@dataclass(frozen=True, slots=True)
class Culprit:
    """Who refused, or who let through."""

    refused_by: str | None = None
    let_through_by: str | None = None
    observing: tuple[str, ...] = ()


def culprit(judged: Judged, exchange: Exchange | None, decision: Decision | None, *, direct: bool) -> Culprit:
    """Who decided the decisive exchange, by the gateway's log; straight at the service, only it can have refused."""
    if exchange is None or exchange.kind != "http":
        return Culprit()
    turned_down = exchange.status >= 400
    if decision is None:
        return Culprit(refused_by="upstream" if direct and turned_down else None)
    if decision.outcome == "refused":
        return Culprit(refused_by=decision.policy)
    if decision.outcome != "allowed":
        return Culprit()
    if judged.outcome is not Outcome.FAIL:
        return Culprit(refused_by="upstream" if turned_down else None)
    by = f"{decision.observed[0]} (only observes)" if decision.observed else decision.policy or None
    return Culprit(
        refused_by="upstream" if turned_down else None, let_through_by=by, observing=tuple(decision.observed)
    )


def verdict(case: Case, judged: Judged, found: Culprit = Culprit()) -> Verdict:
    """The verdict of a case, in the words of its test."""
    test, sentence = case.test, judged.sentence
    if found.observing and judged.outcome is Outcome.FAIL:
        names = ", ".join(f"`{name}`" for name in found.observing)
        sentence = f"{sentence.rstrip('.')}: {names} would have refused it, but only observes"
    failed = judged.outcome is Outcome.FAIL
    return Verdict(
        control=test.control,
        check=test.id,
        subject=case.subject,
        outcome=judged.outcome,
        sentence=sentence,
        severity=judged.severity or test.severity,
        location=case.at,
        reason=test.why if failed else "",
        fix=Fix(test.fix) if failed and test.fix else None,
    )


def not_repeated(first: Judged, second: Judged) -> Judged:
    """A failure that was not seen a second time proves nothing, and is not hidden either."""
    sentence = f"it did not repeat: first, {first.sentence.rstrip('.')}; then, {second.sentence.rstrip('.')}"
    return replace(first, outcome=Outcome.INCONCLUSIVE, sentence=sentence)


def unreached(proofs: Sequence[Proof]) -> tuple[Unreached, ...]:
    """What was not tested, once for each reason."""
    found = {
        Unreached(p.verdict.control, p.verdict.subject, p.identity, p.verdict.sentence): None
        for p in proofs
        if p.verdict.outcome in _OPEN
    }
    return tuple(found)


def correlation(run: str, case: str, attempt: int, number: int) -> str:
    """The request id of one exchange: a UUID (version 4 by its form) that is the same for the same words."""
    digest = hashlib.sha256(f"{run}\n{case}\n{attempt}\n{number}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def nonce(run: str, case: str, attempt: int) -> str:
    """A marker of one attempt at a case: 16 letters and digits, the first a letter."""
    digest = int.from_bytes(hashlib.sha256(f"nonce\n{run}\n{case}\n{attempt}".encode()).digest())
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    letters = [alphabet[digest % 24]]
    digest //= 24
    for _ in range(15):
        letters.append(alphabet[digest % 32])
        digest //= 32
    return "".join(letters)
