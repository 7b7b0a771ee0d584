"""Throws a switch, proves again, and says what became of the verdicts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.mutation.laboratory import Laboratory, failed
from tests.mutation.switches import Switch

from assay.app.proving import Choice
from assay.domain import Outcome, Severity
from assay.prove.result import Proof


@dataclass(frozen=True, slots=True)
class Measured:
    """What a switch did.

    Attributes:
        flipped: cases that passed before and fail now.
        after: all verdicts of the control now.
        beside: outcomes of the other control that changed, by case: (before, now).
    """

    switch: Switch
    flipped: Mapping[str, Proof]
    after: Mapping[str, Proof]
    beside: Mapping[str, tuple[Outcome, Outcome]]

    def checks(self) -> frozenset[str]:
        """The checks of which a verdict flipped."""
        return frozenset(proof.verdict.check for proof in self.flipped.values())

    @property
    def named(self) -> Proof | None:
        """The gravest flipped verdict of a check that had to flip which names the culprit; None: none does."""
        found = [
            p for p in self.flipped.values() if p.verdict.check in self.switch.flips and culprit(p, self.switch.names)
        ]
        return max(found, key=lambda p: p.verdict.severity.rank, default=None)

    @property
    def gravest(self) -> Severity:
        """The highest severity among what flipped."""
        return max((p.verdict.severity for p in self.flipped.values()), key=lambda s: s.rank, default=Severity.NOTE)


def culprit(proof: Proof, names: str) -> str:
    """The words of a verdict that match ``names``: in what let the call through, else in its sentence."""
    for words in (proof.let_through_by or "", proof.verdict.sentence):
        if found := re.search(names, words):
            return found[0]
    return ""


async def measure(lab: Laboratory, switch: Switch, before: Mapping[str, Proof]) -> Measured:
    """Turns a control off in ``lab`` and proves it again; ``before`` holds the verdicts with nothing turned off."""
    await lab.weaken(declared=switch.declared, compiled=switch.compiled)
    controls = [switch.control, *([switch.beside] if switch.beside else [])]
    proofs = await lab.prove(Choice(controls=controls))
    fails = failed(proofs)
    own = {case: p for case, p in proofs.items() if p.verdict.control == switch.control}
    return Measured(
        switch,
        {case: p for case, p in fails.items() if case in own and before[case].verdict.outcome is Outcome.PASS},
        own,
        {
            case: (before[case].verdict.outcome, proof.verdict.outcome)
            for case, proof in proofs.items()
            if case not in own and proof.verdict.outcome is not before[case].verdict.outcome
        },
    )
