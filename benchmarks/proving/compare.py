"""Detection and false alarms on the zoo: the prover beside Schemathesis, the same targets, the same time for each.

The prover is read strictly: a flaw counts when a proof of its control fails on its operation, about one of its rows.
Schemathesis is read generously: a flaw counts when its report has any failure on the flaw's operation that it does not
have on the safe twin; for flaws of no operation in particular, any new failure where no other flaw explains it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.proving import schemathesis
from tests.zoo import proofs
from tests.zoo.flaws import Flaw
from tests.zoo.services import DEFINITIONS, PEOPLE

PROVER, OTHER = "assay prove", f"Schemathesis {schemathesis.VERSION}"
SECONDS = 45
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Score:
    """What one tool found.

    Attributes:
        found: ids of flaws that it detected, and ``missed`` those that it did not.
        alarms: what it reports on safe services.
        requests, seconds: of all its runs.
        targets: how many services it was run on.
    """

    tool: str
    found: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    requests: int = 0
    seconds: float = 0.0
    targets: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both, or the prover alone where the other could not be had (``note`` says why).

    ``needs`` and ``service``: what it takes to see a flaw, and whose it is, by the flaw's id.
    """

    each: int
    scores: tuple[Score, ...]
    needs: dict[str, str] = field(default_factory=dict)
    service: dict[str, str] = field(default_factory=dict)
    note: str = ""


def compare(*, seconds: int = SECONDS, services: Sequence[str] = (), tell: Tell = lambda _: None) -> Comparison:
    """Runs both on every safe service and every group of flaws; ``seconds`` for each tool on each of them."""
    chosen = tuple(services) or tuple(DEFINITIONS)
    ours, theirs, note = Score(PROVER), Score(OTHER), ""
    for service in chosen:
        ours = _proven(ours, service, seconds, tell)
        if note:
            continue
        try:
            theirs = _fuzzed(theirs, service, seconds, tell)
        except schemathesis.Unavailable as reason:
            note = str(reason)
    flaws = [flaw for service in chosen for group in proofs.groups(service) for flaw in group]
    needs, whose = {flaw.id: flaw.needs for flaw in flaws}, {flaw.id: flaw.service for flaw in flaws}
    return Comparison(seconds, (ours,) if note else (ours, theirs), needs, whose, note)


def _proven(score: Score, service: str, seconds: int, tell: Tell) -> Score:
    limits = replace(proofs.LIMITS, seconds=float(seconds))
    tell(f"{PROVER}: {service}, safe")
    result = proofs.attack(service, limits=limits)
    took = (result.finished - result.started).total_seconds()
    score = _added(score, result.requests, took, alarms=proofs.alarms(result))
    for group in proofs.groups(service):
        tell(f"{PROVER}: {service}, {len(group)} flaws")
        result = proofs.attack(service, [flaw.id for flaw in group], limits=limits)
        took = (result.finished - result.started).total_seconds()
        seen = {each.flaw.id: bool(each.by) for each in proofs.detections(group, result)}
        score = _added(score, result.requests, took, seen=seen)
    return score


def _fuzzed(score: Score, service: str, seconds: int, tell: Tell) -> Score:
    tell(f"{OTHER}: {service}, safe")
    safe = _fuzz(service, (), seconds)
    score = _added(score, safe.requests, safe.seconds, alarms=[" ".join(failure) for failure in sorted(safe.failures)])
    for group in proofs.groups(service):
        tell(f"{OTHER}: {service}, {len(group)} flaws")
        flawed = _fuzz(service, group, seconds)
        score = _added(score, flawed.requests, flawed.seconds, seen=credited(service, group, safe, flawed))
    return score


def _fuzz(service: str, flaws: Sequence[Flaw], seconds: int) -> schemathesis.Ran:
    user = PEOPLE[service][0]
    with proofs.serving(service, [flaw.id for flaw in flaws]) as (url, _):
        return schemathesis.run(url, user=user.user, password=user.password, seconds=seconds)


def credited(service: str, group: Sequence[Flaw], safe: schemathesis.Ran, flawed: schemathesis.Ran) -> dict[str, bool]:
    """Which flaws new failures may be due to, in the most generous reading."""
    named = {f"{op.method} {op.path}": op.id for op in DEFINITIONS[service].operations}
    new = {named.get(operation, operation) for _, operation in flawed.failures - safe.failures}
    explained = {operation for flaw in group if flaw.operation for operation in (flaw.operation, *flaw.also)}
    return {
        flaw.id: bool(new & {flaw.operation, *flaw.also}) if flaw.operation else bool(new - explained) for flaw in group
    }


def _added(
    score: Score, requests: int, seconds: float, *, alarms: Sequence[str] = (), seen: dict[str, bool] | None = None
) -> Score:
    seen = seen or {}
    return replace(
        score,
        found=(*score.found, *(flaw for flaw, detected in seen.items() if detected)),
        missed=(*score.missed, *(flaw for flaw, detected in seen.items() if not detected)),
        alarms=(*score.alarms, *alarms),
        requests=score.requests + requests,
        seconds=score.seconds + seconds,
        targets=score.targets + 1,
    )
