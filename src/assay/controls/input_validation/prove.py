"""What is sent to show that input is checked: what the contract excludes, injections, and honest texts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from assay.controls._lib.attempts import reachable, signs_in
from assay.controls.input_validation.proofs import (
    ambiguous,
    contract,
    evaluated,
    files,
    honest,
    outbound,
    queries,
    sizes,
)
from assay.prove.case import Case
from assay.prove.surface import Surface, Target

_FAMILIES = (contract, honest, queries, evaluated, outbound, files, ambiguous, sizes)


def prove(surface: Surface) -> Iterator[Case]:
    """The cases of every operation that somebody known may call, as the caller with the most room.

    Operations that delete are left out: to see an input taken, an object would be lost each time.
    """
    targets = tuple(t for t in surface.targets if reachable(surface, t) and t.operation.method.upper() != "DELETE")
    for target in targets:
        # Of an operation that signs in, only what few tries show: each counts towards a lock.
        for family in (queries,) if signs_in(target) else _FAMILIES:
            yield from family.plan(surface, target)
    targets = tuple(t for t in targets if not signs_in(t))
    for _, group in groupby(targets, key=_api):
        yield from sizes.plan_api(surface, tuple(group))


def _api(target: Target) -> str:
    return target.api
