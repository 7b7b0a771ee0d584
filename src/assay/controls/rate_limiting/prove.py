"""What is called, and how often, to show that limits bite where they say, for whom they say, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.controls._lib.attempts import name_of, reachable, tester
from assay.controls._lib.proving import test_of
from assay.controls.rate_limiting.proofs import races, replay, undeclared
from assay.controls.rate_limiting.proofs.bounds import Bound, bounds, budget, in_order, many
from assay.controls.rate_limiting.proofs.exact import exact
from assay.controls.rate_limiting.proofs.shared import crowd_of, crowded, escaping
from assay.domain import Outcome
from assay.prove.case import Case, Family, Judged, Lab, Run
from assay.prove.surface import Surface, Target

_CONTROL = "rate_limiting"


def prove(surface: Surface) -> Iterator[Case]:
    """Each declared limit once, the lowest one for ways around it, and operations that promise to happen once."""
    declared = tuple(bounds(surface)) if surface.declared_access else ()
    most = budget(surface)
    tried, left = in_order(declared, most)
    for bound in tried:
        writes = bound.most if bound.target.writes and not surface.fronted else 0
        yield _case(bound, "limit-not-kept", exact(bound), requests=2 * bound.most + 9, writes=2 * writes, seconds=2.0)
    for bound in left:
        yield _case(bound, "limit-not-kept", _left(bound, most), requests=0)
    alone = [b for b in tried if b.per == "caller" and b.persona is not None and many(b.persona)]
    if alone:
        lowest = min(alone, key=lambda b: (b.rate.requests, b.subject))
        yield _case(lowest, "limit-escaped", escaping(lowest), requests=lowest.most + 40)
        quiet = [b for b in alone if surface.fronted or not b.target.writes]
        if quiet:
            lowest = min(quiet, key=lambda b: ("certificate" in (b.persona.ways if b.persona else ()), b.rate.requests))
            yield _case(lowest, "limit-forgotten", crowded(lowest), requests=lowest.most + crowd_of(surface) + 10)
    yield from _unbounded(surface)
    for target in surface.targets:
        if replay.key_of(target.operation) and target.writes and reachable(surface, target):
            run = replay.replayed(surface, target)
            requests = 4 + replay.AT_ONCE
            yield _on(surface, target, "replay-has-effect", run, Family.OWN_WRITE, requests, writes=requests)
    for target, tally, persona in races.plan(surface):
        run, most = races.raced(surface, target, tally, persona), races.REQUESTS
        # After the cases that write: what they do in the same caller's name would move the same figure.
        raced = _on(surface, target, "race-has-effect", run, Family.EXHAUSTION, most, writes=most)
        yield replace(raced, identity=persona.name)


def _unbounded(surface: Surface) -> Iterator[Case]:
    """One case for every API that declares no limit for a caller."""
    for api_id in dict.fromkeys(t.api for t in surface.targets):
        limits = surface.declaration.model.apis[api_id].limits
        if surface.declared_access and (limits.default or limits.network):
            continue
        reading = [t for t in surface.targets if t.api == api_id and not t.writes and reachable(surface, t)]
        target = min(reading, key=lambda t: ("{" in t.operation.path, t.id), default=None)
        if target is not None:
            run = undeclared.observed(surface, target)
            yield _on(surface, target, "no-limit-observed", run, Family.EXHAUSTION, undeclared.TRIED + 2)


def _left(bound: Bound, most: int) -> Run:
    async def run(lab: Lab) -> Judged:
        sentence = f"{bound.words} was not tried: with it, limits would take more than {most} requests in one run"
        return Judged(Outcome.SKIPPED, sentence)

    return run


def _case(bound: Bound, check: str, run: Run, *, requests: int, writes: int = 0, seconds: float = 0.0) -> Case:
    return Case(
        test=test_of(_CONTROL, check),
        subject=bound.subject,
        at=bound.at,
        api=bound.target.api,
        operation=bound.target.id,
        identity=name_of(bound.persona),
        variant=bound.subject.rpartition(".limits.")[2],
        family=Family.DRAINING if bound.per == "consumer" else Family.EXHAUSTION,
        requests=requests,
        writes=writes,
        seconds=seconds,
        run=run,
    )


def _on(
    surface: Surface, target: Target, check: str, run: Run, family: Family, requests: int, *, writes: int = 0
) -> Case:
    return Case(
        test=test_of(_CONTROL, check),
        subject=target.subject,
        at=target.at,
        api=target.api,
        operation=target.id,
        identity=name_of(tester(surface, target)),
        family=family,
        requests=requests,
        writes=writes,
        run=run,
    )
