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
    uploads,
)
from assay.controls.input_validation.proofs.siblings import ALONE, lots
from assay.prove.case import Case
from assay.prove.surface import Surface, Target

_DIVIDED = (contract, honest, queries, evaluated, sizes)
"""Families of which siblings each take a part."""
_WHOLE = (outbound, files, uploads, ambiguous)


def prove(surface: Surface) -> Iterator[Case]:
    """The cases of every operation that somebody known may call, as the caller with the most room.

    Operations that delete are left out: to see an input taken, an object would be lost each time.
    """
    targets = tuple(t for t in surface.targets if reachable(surface, t) and t.operation.method.upper() != "DELETE")
    parts = lots(surface, targets)
    for target in targets:
        lot = parts.get((target.api, target.id), ALONE)
        # Of an operation that signs in, only what few tries show: each counts towards a lock.
        for divided in (queries,) if signs_in(target) else _DIVIDED:
            yield from divided.plan(surface, target, lot)
        for family in () if signs_in(target) else _WHOLE:
            yield from family.plan(surface, target)
    targets = tuple(t for t in targets if not signs_in(t))
    for _, group in groupby(targets, key=_api):
        yield from sizes.plan_api(surface, tuple(group))


def _api(target: Target) -> str:
    return target.api
