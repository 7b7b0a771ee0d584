"""From an attempt to what is kept of it: exchanges without secrets, the gateway's decisions, a proof."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from assay.gateway.decision import Decision, decide
from assay.prove.bench import Bench
from assay.prove.case import Case, Judged
from assay.prove.concluding import Culprit, culprit, verdict
from assay.prove.courier import Sent, exchange
from assay.prove.lab import EngineLab
from assay.prove.result import Exchange, Proof

_FIRST, _LAST = 30, 100
"""How many exchanges of a case are kept, from its beginning and its end."""


async def decisions_of(bench: Bench, lab: EngineLab, decisive: int | None) -> dict[int, Decision]:
    """The gateway's decisions by exchange. One line is waited for; the log is written in order, so the others are
    there by then."""
    if bench.log is None:
        return {}
    logged = [s for s in lab.sent if s.logged and s.correlation and (s.answer.status or not s.answer.error)]
    awaited = next((sent for sent in logged if sent.number == decisive), logged[-1] if logged else None)
    if awaited is not None:
        await bench.log.line(awaited.correlation, within=bench.settings.limits.log_seconds)
    found = {sent.number: bench.log.known(sent.correlation) for sent in logged}
    return {number: decide(line) for number, line in found.items() if line is not None}


async def concluded(
    bench: Bench,
    case: Case,
    lab: EngineLab,
    judged: Judged,
    decisions: Mapping[int, Decision],
    *,
    started: datetime,
    seconds: float,
    repeated: int,
) -> Proof:
    """The proof of a case that ran: its verdict, who decided, and what is kept of its exchanges."""
    exchanges = await _kept(bench, lab, decisions, judged.decisive)
    decisive = next((e for e in exchanges if e.number == judged.decisive), None)
    direct = bench.settings.surface.via == "direct"
    if len(exchanges) < len(lab.sent):
        lab.facts["exchanges"] = len(lab.sent)
    found = culprit(judged, decisive, decisions.get(judged.decisive or 0), direct=direct)
    return _proof(
        bench,
        case,
        judged,
        found,
        exchanges=exchanges,
        decisive=decisive,
        facts=lab.facts,
        started=started,
        seconds=seconds,
        repeated=repeated,
    )


def skipped(bench: Bench, case: Case, judged: Judged, started: datetime) -> Proof:
    """A proof of a case that was not run, with the reason."""
    return _proof(bench, case, judged, Culprit(), started=started, repeated=0)


def _proof(
    bench: Bench,
    case: Case,
    judged: Judged,
    found: Culprit,
    *,
    exchanges: tuple[Exchange, ...] = (),
    decisive: Exchange | None = None,
    facts: dict[str, object] | None = None,
    started: datetime,
    seconds: float = 0.0,
    repeated: int = 1,
) -> Proof:
    safe = Judged(
        judged.outcome,
        bench.redaction.text(judged.sentence),
        judged.decisive,
        {**(facts or {}), **judged.facts},
        judged.severity,
    )
    return Proof(
        case=case.id,
        test=case.test,
        verdict=verdict(case, safe, found),
        api=case.api,
        operation=case.operation,
        identity=case.identity,
        via=bench.settings.surface.via,
        refused_by=found.refused_by,
        let_through_by=found.let_through_by,
        reproduce=(decisive.reproduce or None) if decisive else None,
        facts=safe.facts,
        exchanges=exchanges,
        started=started,
        seconds=seconds,
        repeated=repeated,
    )


async def _kept(
    bench: Bench, lab: EngineLab, decisions: Mapping[int, Decision], decisive: int | None
) -> tuple[Exchange, ...]:
    """The exchanges as they may be kept. Other cases measure time meanwhile, so this lets them go first."""
    found = []
    for sent in _telling(lab.sent, decisive):
        found.append(exchange(sent, bench, decisions.get(sent.number)))
        await asyncio.sleep(0)
    return tuple(found)


def _telling(sent: Sequence[Sent], decisive: int | None) -> list[Sent]:
    """What is kept of many exchanges: the first, the last, and the one that shows it. Hundreds of calls that use up a
    limit are all alike; how many they were is in the facts."""
    if len(sent) <= _FIRST + _LAST:
        return list(sent)
    middle = [one for one in sent[_FIRST:-_LAST] if one.number == decisive]
    return [*sent[:_FIRST], *middle, *sent[-_LAST:]]
