"""What is asked for to show that callers see no more than they may: in answers, errors, pages and headers."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.attempts import reachable, signs_in
from assay.controls.data_exposure.proofs import extra, forms, graphql, misbehaving, posted, reserved, wrapped
from assay.prove.case import Case
from assay.prove.surface import Surface


def prove(surface: Surface) -> Iterator[Case]:
    """The cases of every operation that somebody known may call."""
    targets = tuple(t for t in surface.targets if reachable(surface, t) and not signs_in(t))
    for family in (forms, extra, posted, reserved, wrapped, graphql, misbehaving):
        yield from family.plan(surface, targets)
