"""Every objective in force with its standing: the declaration's own, and those that a profile brings in.

Pure: declaration, verdicts, facts and the moment are given; what controls offer is given too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from assay.assurance.facts import Measured
from assay.assurance.objectives import (
    ALL,
    Applied,
    Deciding,
    Standing,
    Status,
    in_scope,
    of_this_configuration,
    standing,
)
from assay.declare.declaration import Declaration
from assay.declare.model import Objective
from assay.domain import Outcome, Verdict
from assay.frameworks.catalogue import Entry, catalogue, in_profile
from assay.frameworks.offered import Offered


@dataclass(frozen=True, slots=True)
class Chosen:
    """An objective in force.

    Attributes:
        own: whether its words are the declaration's; ``entry``: that of the catalogue with this id, if there is one.
        vouches: whether it says at least what that entry says, so that what the entry is mapped to is shown by it.
    """

    id: str
    objective: Objective
    own: bool
    entry: Entry | None = None
    deciding: Deciding = ALL
    vouches: bool = True


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the things that an objective speaks about were shown to hold.

    Attributes:
        due: things that had to be shown, such as operations; ``held``: those of which every proof held.
        target: the share that must hold, per cent.
        counts: what the things are, where the catalogue says so.
    """

    due: int
    held: int
    target: float
    counts: str = ""

    @property
    def value(self) -> float | None:
        """Per cent; None before anything was due."""
        return 100 * self.held / self.due if self.due else None

    @property
    def reached(self) -> bool | None:
        """Whether the share is at its target; None before anything was due. Says nothing about age or configuration."""
        return None if self.value is None else self.value >= self.target

    def as_json(self) -> dict[str, Any]:
        """The published shape."""
        value = None if self.value is None else round(self.value, 2)
        return {"due": self.due, "held": self.held, "value": value, "target": self.target, "counts": self.counts}


@dataclass(frozen=True, slots=True)
class Judged:
    """An objective in force, how it stands, and the share that was measured."""

    chosen: Chosen
    standing: Standing
    share: Share

    @property
    def assessed(self) -> bool:
        """Whether anything about it was concluded, by design or in operation."""
        conclusive = (Outcome.PASS, Outcome.FAIL)
        return self.standing.design.outcome in conclusive or self.standing.operating.outcome in conclusive

    @property
    def metric(self) -> str:
        """How it is measured, in words."""
        entry = self.chosen.entry
        return entry.metric if entry and not self.chosen.own else "subjects of which every proof held / due"

    def as_json(self) -> dict[str, Any]:
        """The published shape (version 1): that of the standing, with where it is from and the metric."""
        entry = self.chosen.entry
        return {
            **self.standing.as_json(),
            "origin": "own" if self.chosen.own else "catalogue",
            "profile": entry.profile if entry and not self.chosen.own else None,
            "metric": self.metric,
            "share": self.share.as_json(),
        }


def in_force(declaration: Declaration, offers: Mapping[str, Offered], profile: str | None = None) -> tuple[Chosen, ...]:
    """The declaration's own objectives, in its order, then those of the profile that it does not override.

    Args:
        profile: instead of the one that is declared.

    Raises:
        UsageError: there is no such profile.
    """
    own = declaration.model.objectives
    known = {e.id: e for e in catalogue()}
    chosen = [_own(name, objective, known.get(name), offers) for name, objective in own.items()]
    brought = in_profile(profile or declaration.model.profile)
    chosen += [Chosen(e.id, e.objective(offers), False, e, e.deciding(offers)) for e in brought if e.id not in own]
    return tuple(chosen)


def _own(name: str, objective: Objective, entry: Entry | None, offers: Mapping[str, Offered]) -> Chosen:
    """An objective of the declaration. In the place of one of the catalogue it stands for the same items only when it
    leaves nothing out and asks for no less."""
    wanted = entry.objective(offers) if entry else None
    vouches = (
        wanted is not None
        and bool(wanted.controls)
        and set(wanted.controls) <= set(objective.controls)
        and not any((objective.scope.apis, objective.scope.operations))
        and objective.target.evidence_age <= wanted.target.evidence_age
        and _share_of(objective) >= _share_of(wanted)
    )
    return Chosen(name, objective, own=True, entry=entry, vouches=vouches)


def _share_of(objective: Objective) -> float:
    return float(objective.target.coverage.rstrip("%"))


def judged(
    chosen: Iterable[Chosen],
    design: Sequence[Verdict],
    facts: Mapping[str, Measured],
    applied: Applied,
    *,
    now: datetime,
) -> tuple[Judged, ...]:
    """Each objective with its standing at the moment ``now``. The same inputs give the same result, in any order of
    verdicts and facts."""
    verdicts, measured = _ByTest(design), _ByTest(facts.values())
    return tuple(_one(each, verdicts.of(each), measured.of(each), applied, now) for each in chosen)


T = TypeVar("T", Verdict, Measured)


class _ByTest(Generic[T]):
    """Verdicts or facts by the test that they are of, so that fifty objectives do not each look through all of them."""

    def __init__(self, several: Iterable[T]) -> None:
        self._found: dict[str, dict[str, list[T]]] = {}
        for each in several:
            self._found.setdefault(each.control, {}).setdefault(each.check, []).append(each)

    def of(self, chosen: Chosen) -> list[T]:
        """Those that say anything about an objective."""
        objective, deciding = chosen.objective, chosen.deciding
        return [
            each
            for control in dict.fromkeys(objective.controls)
            for test, several in self._found.get(control, {}).items()
            if deciding.speaks(control, test)
            for each in several
            if in_scope(objective, each.subject)
        ]


def _one(
    chosen: Chosen, design: Sequence[Verdict], facts: Sequence[Measured], applied: Applied, now: datetime
) -> Judged:
    objective, deciding = chosen.objective, chosen.deciding
    stands = standing(chosen.id, objective, design, facts, applied, now=now, deciding=deciding)
    if not objective.controls and chosen.entry:
        stands = replace(stands, reason=chosen.entry.unserved)
    counts = chosen.entry.counts if chosen.entry and not chosen.own else ""
    share = _share(of_this_configuration(facts, applied), _share_of(objective), counts)
    if not chosen.own and stands.status is Status.EFFECTIVE and share.reached is False:
        # Enough proofs were concluded, but those that were not are spread over too many subjects.
        told = f"it is applied; {share.held} of {share.due} {counts} were shown, {share.target:g} % are wanted"
        stands = replace(stands, status=Status.APPLIED, reason=told)
    return Judged(chosen, stands, share)


def _share(facts: Iterable[Measured], target: float, counts: str) -> Share:
    """By subject: one holds when every proof about it that was due held. What an exception covers was not due."""
    held: dict[str, bool] = {}
    tried = False
    for fact in facts:
        if fact.outcome is Outcome.NOT_APPLICABLE or fact.excepted_by:
            continue
        tried = tried or fact.outcome is not Outcome.SKIPPED
        held[fact.subject] = held.get(fact.subject, True) and fact.outcome is Outcome.PASS
    return Share(len(held), sum(held.values()), target, counts) if tried else Share(0, 0, target, counts)
