"""Objectives that nothing could ever show to hold: what is in the way, and how to make them measurable.

Only what can be decided is said. Whether a statement means what its controls measure is for people to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assay.declare.declaration import Declaration
from assay.declare.model import Api, Objective
from assay.declare.selectors import selects
from assay.domain import listed
from assay.frameworks.offered import Offered

_BETWEEN_RUNS = 60
"""Seconds: schedulers count in minutes, so nothing is repeated sooner."""

Route = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """One reason why an objective cannot be measured.

    Attributes:
        check: the bad pattern's id.
        sentence: what is in the way; begins with what the objective does, and leaves its name to the caller.
        suggestion: how to make it measurable.
        word: the route below the objective at which it was said.
    """

    check: str
    sentence: str
    suggestion: str
    word: Route = ()


def unmeasurable(objective: Objective, declaration: Declaration, offers: Mapping[str, Offered]) -> tuple[Gap, ...]:
    """Everything that keeps an objective of this declaration from ever being shown to hold; empty when nothing does."""
    chosen = [offers[c] for c in objective.controls if c in offers]
    apis = _apis(objective, declaration)
    operations = _operations(objective, declaration, apis)
    found = (
        _without_proof(objective, chosen, offers),
        _of_nothing(objective, chosen, apis, operations),
        _only_observed(chosen, declaration, operations),
        _always_stale(objective, declaration),
        _asks_for_nothing(objective),
    )
    return tuple(gap for gap in found if gap is not None)


def _apis(objective: Objective, declaration: Declaration) -> dict[str, Api]:
    wanted = objective.scope.apis
    return {name: api for name, api in declaration.model.apis.items() if not wanted or name in wanted}


def _operations(objective: Objective, declaration: Declaration, apis: Mapping[str, Api]) -> dict[str, list[str]]:
    patterns = objective.scope.operations
    return {
        name: [o.id for o in declaration.operations(name) if not patterns or any(selects(p, o.id) for p in patterns)]
        for name in apis
        if name in declaration.contracts
    }


def _without_proof(objective: Objective, chosen: list[Offered], offers: Mapping[str, Offered]) -> Gap | None:
    if any(o.proofs for o in chosen):
        return None
    able = [o.control for o in offers.values() if o.proofs and o.control not in objective.controls]
    named = listed(objective.controls)
    sentence = (
        f"no proof belongs to {named}, so nothing on the running system can show it"
        if named
        else ("no control decides it, so nothing can show it")
    )
    return Gap(
        "objective-without-proof", sentence, f"add a control that has proofs, such as {listed(able)}", ("controls",)
    )


def _of_nothing(
    objective: Objective,
    chosen: list[Offered],
    apis: Mapping[str, Api],
    operations: Mapping[str, list[str]],
) -> Gap | None:
    # What is enforced at the gateway shows itself on operations; the other controls look at stores and accounts too.
    if any(operations.values()) or not chosen or not all(o.enforced for o in chosen):
        return None
    if not apis:
        return Gap(
            "objective-without-subject",
            "it speaks about no API, and its controls protect nothing else",
            "declare the API that it is about, or take the objective away",
        )
    return Gap(
        "objective-without-subject",
        f"{listed(apis)} {'offers' if len(apis) == 1 else 'offer'} no operation",
        "complete the contract, or widen the scope",
        ("scope", "apis") if objective.scope.apis else (),
    )


def _only_observed(chosen: list[Offered], declaration: Declaration, operations: Mapping[str, list[str]]) -> Gap | None:
    watching = [o.control for o in chosen if o.enforced and _observed_everywhere(o.control, declaration, operations)]
    if not watching:
        return None
    verb = "is" if len(watching) == 1 else "are"
    apis = listed(name for name, chosen_operations in operations.items() if chosen_operations)
    return Gap(
        "objective-only-observed",
        f"{listed(watching)} {verb} only observed on everything in its scope, so there is no refusal to show",
        f"take {listed(watching)} out of `observe:` of {apis}, or narrow the scope to what is enforced",
        ("controls",),
    )


def _observed_everywhere(control: str, declaration: Declaration, operations: Mapping[str, list[str]]) -> bool:
    counted = 0
    for name, ids in operations.items():
        patterns = [p for o in declaration.model.apis[name].observe if o.control == control for p in o.operations]
        counted += len(ids)
        if any(not any(selects(p, operation) for p in patterns) for operation in ids):
            return False
    return counted > 0


def _always_stale(objective: Objective, declaration: Declaration) -> Gap | None:
    run = declaration.model.prove.bounds.seconds
    if objective.target.evidence_age > run + _BETWEEN_RUNS:
        return None
    return Gap(
        "objective-always-stale",
        f"its evidence may be {objective.target.evidence_age} s old, and one run may take {run} s:"
        " it would expire before the next run is over",
        f"let evidence count for longer than {run + _BETWEEN_RUNS} s, such as `evidence_age: 24h`,"
        " or shorten `prove.bounds.seconds`",
        ("target", "evidence_age"),
    )


def _asks_for_nothing(objective: Objective) -> Gap | None:
    if float(objective.target.coverage.rstrip("%")) > 0:
        return None
    return Gap(
        "objective-asks-for-nothing",
        "its target is 0%, which is met whatever is measured",
        "write the share that must be shown, such as `coverage: 100%`",
        ("target", "coverage"),
    )
