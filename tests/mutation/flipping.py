"""What every test of this folder does: turn something off, and hold the verdicts to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.mutation.laboratory import Declared, Laboratory, failed, laboratory
from tests.mutation.measuring import measure
from tests.mutation.switches import SWITCHES, Switch

from assay.app.proving import Choice
from assay.domain import Outcome
from assay.prove.result import Proof


@dataclass(frozen=True, slots=True)
class Bench:
    """The running example, and what is proven of it while nothing is turned off."""

    lab: Laboratory
    before: Mapping[str, Proof]

    async def check(self, switch: Switch) -> None:
        """Turns one control off. Its verdicts must flip and name the culprit; others must not."""
        found = await measure(self.lab, switch, self.before)
        still = {
            c: str(p.verdict) for c, p in found.after.items() if p.verdict.check in set(switch.flips) - found.checks()
        }
        assert set(switch.flips) <= found.checks(), f"not failing: {still}"
        assert found.named is not None, [p.verdict.sentence for p in found.flipped.values()]
        assert found.gravest.rank >= switch.least.rank
        assert all(p.exchanges and p.repeated > 1 for p in found.flipped.values()), "a failure is seen twice and kept"
        assert not found.beside, "another control is blamed"
        broken = {c: p.verdict.sentence for c, p in found.after.items() if p.verdict.outcome is Outcome.ERROR}
        assert not broken


def switches_of(*controls: str) -> list[Switch]:
    """The switches of these controls."""
    return [switch for switch in SWITCHES if switch.control in controls]


@asynccontextmanager
async def bench(*controls: str, change: Declared | None = None) -> AsyncIterator[Bench]:
    """The example, and the verdicts about these controls and those beside them, none of which fails."""
    wanted = {*controls, *(s.beside for s in switches_of(*controls) if s.beside)}
    async with laboratory(*([change] if change else [])) as lab:
        before = await lab.prove(Choice(controls=sorted(wanted)))
        assert {c: p.verdict.sentence for c, p in failed(before).items()} == {}, "nothing is turned off yet"
        yield Bench(lab, before)
