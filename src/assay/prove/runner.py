"""Runs cases: families in order, within bounds, failures repeated, nothing lost. The result is a plain value."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from assay.domain import AssayError, Outcome
from assay.prove.bench import Bench, Settings
from assay.prove.bounds import BoundsReached
from assay.prove.case import Case, Family, Judged, NotReached
from assay.prove.concluding import not_repeated, unreached
from assay.prove.disturbance import away, disturbed, missing, unheard
from assay.prove.events import CaseFinished, CaseStarted, CleanedUp, FamilyStarted, Finished, Planned, Stopped
from assay.prove.lab import EngineLab
from assay.prove.patience import WornOut
from assay.prove.plan import summarise
from assay.prove.recording import concluded, decisions_of, skipped
from assay.prove.result import Proof, RunResult
from assay.prove.scope import check_tier
from assay.prove.slots import Slot
from assay.prove.tidying import clean_up, tidy

_GONE = "interrupted"
_SILENT = 3
_LAST_TRY = 11
"""Number of the first attempt of a case's last try: attempts have ids of their own."""
_Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One run of a case, and what it came to."""

    judged: Judged
    lab: EngineLab
    worn: bool = False
    silent: bool = False
    """Whether some request was not answered, or only for want of somebody who could, or all of it took too long."""


@dataclass
class _Run:
    """What a run has found so far."""

    bench: Bench
    proofs: dict[str, Proof] = field(default_factory=dict)
    falsified: dict[_Key, str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    """Ids of cases that came to no conclusion, and of which some request was not answered by whom it was for."""
    disturbed: list[Case] = field(default_factory=list)
    left: tuple[str, ...] = ()
    """What could not be removed."""
    told: bool = False


async def prove(cases: Sequence[Case], settings: Settings) -> RunResult:
    """Runs the cases and cleans up.

    Being cancelled ends the run early and in order: what runs is ended, what was made is removed, and the result
    lists what was not tested. A second cancellation ends it at once.

    Raises:
        UsageError: the target is in production and nobody said that it may be tested, or is out of scope.
    """
    surface = settings.surface
    check_tier(surface.declaration, (t.api for t in surface.targets), authorised=settings.authorised)
    started = settings.clock()
    bench = Bench(settings)
    settings.scope.check(bench.target)
    settings.emit(Planned(settings.run, summarise(cases, settings.limits)))
    run = _Run(bench)
    try:
        await _families(run, cases)
    except asyncio.CancelledError:
        bench.stop.request(_GONE)
        if (task := asyncio.current_task()) is not None:
            task.uncancel()
    finally:
        run.left += await clean_up(bench)
        await bench.close()
    settings.emit(CleanedUp(run.left))
    result = _result(run, cases, started)
    settings.emit(Finished(result))
    return result


async def _families(run: _Run, cases: Sequence[Case]) -> None:
    settings = run.bench.settings
    for family in Family:
        members = [case for case in cases if case.family is family]
        if not members:
            continue
        settings.emit(FamilyStarted(family, len(members)))
        if family is Family.DRAINING:
            # Whoever may delete things may have no calls left afterwards.
            run.left += await tidy(run.bench)
        await _reset(run.bench)
        await _at_once(_group(run, group) for group in _groups(members))
        await _once_more(run)


async def _at_once(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Runs everything at the same time, as far as there are places; ends it all when cancelled."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _once_more(run: _Run) -> None:
    """Cases that a silent or slow network kept from a verdict have another try, one by one: a target that one case
    brought to a halt had nothing to say to the others. Three in a row that meet the same silence end this."""
    waiting, run.disturbed = run.disturbed, []
    silent = 0
    for case in waiting:
        if silent < _SILENT:
            await _group(run, [case], last=True)
            silent = silent + 1 if case.id in run.silent else 0
        else:
            run.bench.settings.emit(CaseFinished(run.proofs[case.id], run.bench.budget.requests))


async def _reset(bench: Bench) -> None:
    """Identities and objects are made anew. Where that fails, the run ends: later cases would meet worn-out ones."""
    bench.successes.clear()
    try:
        await bench.settings.cast.reset()
        await bench.settings.objects.reset()
    except Exception as error:  # noqa: BLE001 - what was found out until here must not be lost
        bench.stop.request(f"identities could not be made anew: {error}")


def _groups(cases: Iterable[Case]) -> list[list[Case]]:
    """Cases that must not run at the same time, together: those of one test on one subject by one identity, of which
    the rest is skipped once one has failed; and all that wear out one identity. The longest waits come first."""
    found: dict[tuple[str, ...], list[Case]] = {}
    for case in cases:
        key = (case.identity,) if case.family >= Family.EXHAUSTION else _key(case)
        found.setdefault(key, []).append(case)
    return sorted(found.values(), key=lambda group: -sum(case.seconds for case in group))


def _key(case: Case) -> _Key:
    return (case.test.control, case.test.id, case.subject, case.identity)


async def _group(run: _Run, cases: Sequence[Case], *, last: bool = False) -> None:
    """Cases one after the other. ``last``: whatever comes of them now is final."""
    for case in cases:
        slot = Slot(run.bench.slots)
        await slot.take()
        started = run.bench.settings.clock()
        try:
            proof = await _case(run, case, slot, first=_LAST_TRY if last else 1)
        except Exception as error:  # noqa: BLE001 - what goes wrong around a case must not lose it, nor the others
            judged = Judged(Outcome.ERROR, f"it could not be concluded ({type(error).__name__}: {str(error)[:200]})")
            proof = skipped(run.bench, case, judged, started)
        finally:
            slot.leave()
        run.proofs[case.id] = proof
        if proof.verdict.outcome is Outcome.FAIL:
            run.falsified[_key(case)] = case.id
        if not last and case.id in run.silent:
            run.disturbed.append(case)
        else:
            run.bench.settings.emit(CaseFinished(proof, run.bench.budget.requests))


async def _case(run: _Run, case: Case, slot: Slot, *, first: int) -> Proof:
    bench = run.bench
    run.silent.discard(case.id)
    started = bench.settings.clock()
    if (reason := bench.budget.used_up) and not run.told:
        run.told = True
        bench.settings.emit(Stopped(reason))
    early = _without_running(run, case)
    if early is not None:
        return skipped(bench, case, early, started)
    began = asyncio.get_running_loop().time()
    attempts = [await _attempt(bench, case, slot, number=first)]
    if attempts[0].worn:
        attempts.append(await _attempt(bench, case, slot, number=first + 1, fresh=True))
    shown, judged, repeated = attempts[-1], attempts[-1].judged, 1
    if judged.outcome is Outcome.FAIL:
        attempts.append(await _attempt(bench, case, slot, number=first + len(attempts), fresh=True))
        repeated = 2
        if attempts[-1].judged.outcome is Outcome.FAIL:
            shown, judged = attempts[-1], attempts[-1].judged
        else:
            judged = not_repeated(judged, attempts[-1].judged)
    if judged.outcome is Outcome.INCONCLUSIVE and any(attempt.silent for attempt in attempts):
        run.silent.add(case.id)
    slot.leave()  # the log is waited for in nobody's way
    seconds = asyncio.get_running_loop().time() - began
    decisions = await decisions_of(bench, shown.lab, judged.decisive)
    lacking = missing(decisions.values())
    if lacking:
        judged = disturbed(judged, f"a part of the gateway did not answer it (`{lacking}`)")
    if lacking and judged.outcome is Outcome.INCONCLUSIVE:
        run.silent.add(case.id)
    return await concluded(
        bench, case, shown.lab, judged, decisions, started=started, seconds=seconds, repeated=repeated
    )


def _without_running(run: _Run, case: Case) -> Judged | None:
    surface = run.bench.settings.surface
    if run.bench.budget.used_up:
        return Judged(Outcome.SKIPPED, f"not tested: {run.bench.budget.used_up}")
    if _key(case) in run.falsified:
        return Judged(Outcome.SKIPPED, f"not tested again: `{run.falsified[_key(case)]}` has failed already")
    if case.needs_gateway and (surface.via == "direct" or not surface.fronted):
        return Judged(Outcome.NOT_APPLICABLE, "there is no gateway of ours in front")
    return None


async def _attempt(bench: Bench, case: Case, slot: Slot, *, number: int, fresh: bool = False) -> _Attempt:
    """One run of a case. Whatever happens in it, there is a conclusion; only cancellation passes through."""
    bench.settings.emit(CaseStarted(case, number))
    limit = bench.settings.limits.case_seconds + case.seconds
    deadline = asyncio.timeout(limit)
    lab = EngineLab(bench, case, attempt=number, fresh=fresh, slot=slot, deadline=deadline)
    late = False
    try:
        async with deadline:
            await lab.prepare()
            judged = await case.run(lab)
    except BoundsReached as reached:
        judged = Judged(Outcome.SKIPPED, f"not tested: {reached}")
    except WornOut as worn:
        judged = Judged(Outcome.INCONCLUSIVE, f"the rate limit of {worn} was used up")
    except NotReached as reached:
        judged = Judged(Outcome.INCONCLUSIVE, str(reached) or "what was to be tested was not reached")
    except TimeoutError:
        late = True
        judged = Judged(Outcome.INCONCLUSIVE, f"it took longer than {limit:g} s, and was ended")
    except AssayError as error:
        judged = Judged(Outcome.ERROR, f"it could not be tested: {error.sentence}")
    except Exception as error:  # noqa: BLE001 - a mistake in one case must neither pass nor end the run
        judged = Judged(Outcome.ERROR, f"the case itself went wrong ({type(error).__name__}: {str(error)[:200]})")
    if lab.cut and judged.outcome is not Outcome.SKIPPED:
        judged = _cut(judged, lab.cut)
    if await away(bench.target, lab.sent):
        judged = disturbed(judged, f"nobody took connections at {bench.target} meanwhile")
        return _Attempt(judged, lab, worn=lab.worn, silent=True)
    return _Attempt(judged, lab, worn=lab.worn, silent=late or unheard(lab.sent))


def _cut(judged: Judged, why: str) -> Judged:
    """What a case says that swallowed the end of the bounds is worth nothing; a failure is not hidden, though."""
    if judged.outcome is Outcome.FAIL:
        return Judged(Outcome.INCONCLUSIVE, f"{judged.sentence.rstrip('.')}; but {why} meanwhile", judged.decisive)
    return Judged(Outcome.SKIPPED, f"not tested to the end: {why}")


def _result(run: _Run, cases: Sequence[Case], started: datetime) -> RunResult:
    bench, settings = run.bench, run.bench.settings
    now = settings.clock()
    why = bench.budget.used_up
    for case in cases:
        if case.id not in run.proofs:
            judged = Judged(Outcome.SKIPPED, f"not tested: {why or _GONE}")
            run.proofs[case.id] = skipped(bench, case, judged, now)
    proofs = tuple(run.proofs[case.id] for case in cases)
    cut = any(p.verdict.outcome is Outcome.SKIPPED and p.verdict.sentence.startswith("not tested:") for p in proofs)
    return RunResult(
        id=settings.run,
        seed=settings.seed,
        started=started,
        finished=now,
        target=settings.target,
        via=settings.surface.via,
        declaration_digest=settings.surface.declaration.digest,
        configuration_digest=settings.configuration_digest,
        planned=len(cases),
        requests=bench.budget.requests,
        writes=bench.budget.writes,
        proofs=proofs,
        unreached=unreached(proofs),
        stopped=(why or _GONE) if cut else "",
        authorised=settings.authorised,
        left=run.left,
    )
