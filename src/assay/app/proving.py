"""A whole proof: cases planned from the controls' claims, run against the target, excepted, kept as evidence."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from assay.app.addresses import now
from assay.app.aiming import Aim
from assay.app.governing import governing
from assay.app.keeping import keep_run
from assay.app.neighbours import neighbour
from assay.app.reporting import excepted
from assay.controls.registry import check_design, controls, plan_cases
from assay.domain import IncompleteError, Verdict
from assay.prove.bench import Settings
from assay.prove.bounds import Limits
from assay.prove.case import Case
from assay.prove.confided import Confided
from assay.prove.events import Emit, Event
from assay.prove.granted import Granted
from assay.prove.identities.cast import Cast
from assay.prove.objects.owned import Objects
from assay.prove.plan import Plan, select, summarise
from assay.prove.result import RunResult, Unchosen
from assay.prove.runner import prove
from assay.prove.scope import origin_of, scope_of
from assay.prove.stores import Stores

_CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which cases, and how they run. Empty selectors choose everything."""

    controls: Collection[str] = ()
    operations: Collection[str] = ()
    identities: Collection[str] = ()
    cases: Collection[str] = ()
    reading_only: bool = False
    seed: int = 0
    stop_file: Path | None = None
    authorised: bool = False


def _quiet(_: Event) -> None:
    """Nobody listens."""


def cases_of(aim: Aim, choice: Choice) -> tuple[Case, ...]:
    """The cases that a run would try.

    Raises:
        UsageError: a selector matches no case; the fix names what was probably meant.
    """
    cases = plan_cases(aim.surface)
    if choice.reading_only:
        cases = tuple(c for c in cases if not c.writes)
    return select(
        cases,
        controls=choice.controls,
        operations=choice.operations,
        identities=choice.identities,
        ids=choice.cases,
    )


def plan_of(aim: Aim, choice: Choice, limits: Limits) -> Plan:
    """What a run would do. Sends nothing."""
    return summarise(cases_of(aim, choice), limits)


async def proven(aim: Aim, choice: Choice, limits: Limits, *, emit: Emit = _quiet) -> RunResult:
    """Runs the cases. Exceptions of the declaration lie over the result; nothing is kept yet.

    Raises:
        AssayError: the target may not be tested, or cannot be.
    """
    cases = cases_of(aim, choice)
    await _answers(aim)
    with run_directory() as directory:
        sources, declared = aim.sources(directory), aim.project.declaration
        cast = Cast(sources)
        settings = Settings(
            surface=aim.surface,
            target=aim.target,
            scope=scope_of(aim.surface, target=aim.target, also=aim.also),
            cast=cast,
            objects=Objects(aim.surface, cast, owns={name: who.owns for name, who in sources.given.items()}),
            stores=Stores(aim.project.declaration, resolve=sources.resolve),
            granted=Granted(aim.project.declaration, resolve=sources.resolve),
            run=f"{now():%Y%m%dT%H%M%S%f}",
            clock=now,
            limits=limits,
            seed=choice.seed,
            emit=emit,
            authority=aim.authority,
            access_log=aim.access_log,
            stop_file=choice.stop_file,
            authorised=choice.authorised,
            configuration_digest=aim.configuration,
            mirroring=aim.mirroring(directory),
            neighbour=lambda name: neighbour(aim, name, directory),
            governed=governing(aim, directory),
            confided=Confided(sources.resolve, declared.model.prove.inbox, declared.root),
        )
        result = await prove(cases, settings)
    laid = excepted(aim.project, result.proofs, result.finished)
    return replace(result, proofs=laid, unchosen=_unchosen(aim, cases))


def _unchosen(aim: Aim, chosen: Sequence[Case]) -> tuple[Unchosen, ...]:
    """What the claims call for and this run did not try, so that a part is never taken for the whole."""
    tried = {case.id for case in chosen}
    return tuple(
        Unchosen(case.id, case.test.control, case.test.id, case.subject, case.identity, case.test.severity)
        for case in plan_cases(aim.surface)
        if case.id not in tried
    )


async def _answers(aim: Aim) -> None:
    """Whether anybody is there, before hundreds of cases find out one by one.

    Raises:
        IncompleteError: nobody takes a connection.
    """
    origin = origin_of(aim.target)
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(origin.host, origin.port)
    except OSError as error:
        start = "start it: `assay up`" if aim.surface.via == "gateway" else "start it, or give another address"
        raise IncompleteError(
            f"nothing answers at {origin}: {os.strerror(error.errno) if error.errno else 'no connection'}", fix=start
        ) from error
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def kept(aim: Aim, result: RunResult) -> RunResult:
    """Writes the run into the evidence log of the project. Returns it with the ids of its evidence.

    Raises:
        AssayError: the log or the disk refuse.
    """
    ages = {c.id: c.about.evidence_age for c in controls()}
    return keep_run(aim.project, result, designed(aim, result.finished), ages)


def designed(aim: Aim, at: datetime) -> Sequence[Verdict]:
    """The tests of design at the time of the run; none for an API of which nothing but the contract is known."""
    if not aim.surface.declared_access:
        return ()
    return check_design(aim.project.everything, at.astimezone(UTC).date())


@contextmanager
def run_directory() -> Iterator[Path]:
    """A directory of the run's own, for nobody else's eyes; removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="assay-prove-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
