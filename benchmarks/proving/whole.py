"""A full proof of the generated API behind the real gateway: how many requests, how many seconds, spent on what."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gateway.processes import Crew, free_port, wait_for
from benchmarks.proving import generated

from assay.app.aiming import at_project
from assay.app.project import Project, open_project
from assay.app.proving import Choice, kept, proven
from assay.app.stack import prepare_project, settings
from assay.domain import Outcome
from assay.gateway.ports import free_ports
from assay.gateway.supervisor.run import run
from assay.prove.bounds import Limits
from assay.prove.result import RunResult

AIM_SECONDS, AIM_REQUESTS = 30.0, 2_000
LIMITS = Limits(requests=20_000, per_second=2_000, seconds=300.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What a full proof took.

    Attributes:
        seconds: of the run, from planning to cleaning up; ``keeping`` is what writing the evidence took beside it.
        outcomes: cases by outcome.
        by_test: requests by control and test, the most expensive first.
        wrong: what failed although nothing is wrong with the API.
    """

    operations: int
    identities: int
    cases: int
    requests: int
    seconds: float
    keeping: float
    outcomes: Mapping[str, int]
    by_test: Mapping[str, int]
    wrong: tuple[str, ...] = ()
    open: tuple[str, ...] = ()


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[Project]:
    """The generated API behind the gateway, everything on free ports; ended at the end."""
    upstream = free_port()
    generated.write(directory, port=free_ports(2), upstream=upstream)
    with Crew(directory) as crew:
        service = crew.start("service", [sys.executable, "-m", "benchmarks.proving.service", str(upstream)], core=None)
        wait_for(upstream, service)
        project = open_project(directory)
        prepared = await asyncio.to_thread(prepare_project, project)
        stop, ready = asyncio.Event(), asyncio.Event()
        work = asyncio.create_task(run(settings(prepared, emit=lambda _: None, ready=lambda _: ready.set()), stop))
        waiting = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
            yield project
        finally:
            stop.set()
            waiting.cancel()
            await work


def measure() -> Whole:
    """One full proof, with its evidence.

    Raises:
        AssayError: the gateway did not start.
    """
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name:
        directory = Path(name)
        directory.chmod(0o700)
        return asyncio.run(_measured(directory))


async def _measured(directory: Path) -> Whole:
    async with serving(directory) as project:
        aim = at_project(project, environ=os.environ)
        started = time.perf_counter()
        result = await proven(aim, Choice(), LIMITS)
        seconds = time.perf_counter() - started
        started = time.perf_counter()
        await asyncio.to_thread(kept, aim, result)
        keeping = time.perf_counter() - started
        return summed(result, len(aim.surface.targets), len(aim.surface.personas), seconds, keeping)


def summed(result: RunResult, operations: int, identities: int, seconds: float, keeping: float) -> Whole:
    """A run in figures."""
    spent: Counter[str] = Counter()
    for proof in result.proofs:
        spent[f"{proof.test.control}/{proof.test.id}"] += proof.requests

    def told(outcome: Outcome) -> tuple[str, ...]:
        return tuple(f"{p.case}: {p.verdict.sentence}" for p in result.proofs if p.verdict.outcome is outcome)

    return Whole(
        operations=operations,
        identities=identities,
        cases=result.planned,
        requests=result.requests,
        seconds=seconds,
        keeping=keeping,
        outcomes=dict(Counter(str(p.verdict.outcome) for p in result.proofs)),
        by_test=dict(spent.most_common()),
        wrong=told(Outcome.FAIL) + told(Outcome.ERROR),
        open=told(Outcome.INCONCLUSIVE),
    )
