"""What is asked for to show that labels say what payloads hold, and that masking and tokenising remove values."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.attempts import reachable, signs_in
from assay.controls.data_classification.proofs import flows, masks, samples
from assay.prove.case import Case
from assay.prove.surface import Surface


def prove(surface: Surface) -> Iterator[Case]:
    """The cases of a declaration that says what data there is; without that, nothing is promised."""
    if not surface.declaration.model.data:
        return
    targets = tuple(t for t in surface.targets if reachable(surface, t) and not signs_in(t))
    for family in (samples, masks, flows):
        yield from family.plan(surface, targets)
