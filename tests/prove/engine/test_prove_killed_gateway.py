"""A gateway that loses a part in the middle of a run: no verdict is won or lost by it, and the reason is said.

The example is safe, so any failure would be a false one; and nothing that was refused by nobody may have passed.
"""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, field

import pytest

from assay.app.aiming import at_project
from assay.app.proving import Choice, proven
from assay.demo.stage import Stage, staged
from assay.domain import Outcome
from assay.gateway.supervisor.events import Event, PartReady
from assay.gateway.supervisor.parts import ENVOY, INSPECTOR
from assay.prove.bounds import Limits
from assay.prove.events import CaseFinished
from assay.prove.events import Event as Told
from assay.prove.result import Proof, RunResult

LIMITS = Limits(requests=3000, per_second=600, seconds=180.0, wait=1.0, log_seconds=1.0)
CHOICE = Choice(
    controls=("authentication", "authorisation", "input_validation", "transport_encryption"),
    operations=("customer-data.updateCustomer", "customer-data.getCustomer"),
)


@dataclass
class Killer:
    """Kills a part of the gateway when a run has finished so many cases, and each time that it is back, ``times``."""

    part: str
    after: int
    times: int
    pids: dict[str, int] = field(default_factory=dict)
    killed: int = 0
    finished: int = 0

    def started(self, event: Event) -> None:
        if isinstance(event, PartReady):
            self.pids[event.part] = event.pid
            if event.part == self.part and self.killed and self.killed < self.times:
                asyncio.get_running_loop().call_later(0.2, self.kill)

    def told(self, event: Told) -> None:
        if isinstance(event, CaseFinished):
            self.finished += 1
            if self.finished == self.after:
                self.kill()

    def kill(self) -> None:
        self.killed += 1
        os.kill(self.pids[self.part], signal.SIGKILL)


async def run(stage: Stage, killer: Killer) -> RunResult:
    aim = at_project(stage.project, environ=stage.environ)
    return await proven(aim, CHOICE, LIMITS, emit=killer.told)


def play(*killers: Killer) -> list[RunResult]:
    async def go() -> list[RunResult]:
        known: list[Killer] = list(killers)

        def started(event: Event) -> None:
            for killer in known:
                killer.started(event)

        async with staged("sqlite", emit=started) as stage:
            return [await run(stage, killer) for killer in known]

    return asyncio.run(go())


def wrong(result: RunResult) -> list[str]:
    """Proofs that the loss of a part has decided."""
    return [f"{p.case}: {p.verdict.sentence}" for p in result.proofs if p.verdict.outcome is Outcome.FAIL or _won(p)]


def _won(proof: Proof) -> bool:
    if proof.verdict.outcome is not Outcome.PASS:
        return False
    unavailable = any(e.policy.endswith("-unavailable") for e in proof.exchanges)
    return unavailable or any(e.error == "the connection was refused" for e in proof.exchanges)


@pytest.mark.integration
def test_a_part_that_is_killed_decides_no_verdict() -> None:
    coming_back = [Killer(ENVOY, after=10, times=1)]
    gone = [Killer(INSPECTOR, after=6, times=1000), Killer(ENVOY, after=6, times=1000)]
    results = dict(zip(("Envoy", "no inspector", "no Envoy"), play(*coming_back, *gone), strict=True))
    for name, result in results.items():
        outcomes = [str(p.verdict.outcome) for p in result.proofs]
        assert wrong(result) == [], name
        assert len(result.proofs) == result.planned, "every case is accounted for"
        assert "error" not in outcomes and result.stopped == "", (name, outcomes)
    # How many of the cases meet a gateway again depends on how fast this machine starts one; that some passed does not.
    assert sum(p.verdict.outcome is Outcome.PASS for p in results["Envoy"].proofs) >= coming_back[0].after / 2
    assert any("-unavailable" in s for s in sentences(results["no inspector"])), sentences(results["no inspector"])
    assert any("the connection was refused" in s for s in sentences(results["no Envoy"])), results["no Envoy"].proofs
    assert all(killer.killed for killer in (*coming_back, *gone))


def sentences(result: RunResult) -> set[str]:
    """Why things were left open."""
    return {p.verdict.sentence for p in result.proofs if p.verdict.outcome is Outcome.INCONCLUSIVE}
