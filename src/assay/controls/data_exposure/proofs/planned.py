"""How a case of this control is written."""

from __future__ import annotations

from assay.controls._lib.proving import test_of
from assay.prove.case import Case, Family, Run
from assay.prove.surface import Target

CONTROL = "data_exposure"


def case(
    target: Target, check: str, run: Run, identity: str, *, requests: int, variant: str = "", harmless: bool = False
) -> Case:
    """A case on one operation. ``harmless``: its requests change nothing, whatever their method."""
    writes = target.writes and not harmless
    return Case(
        test=test_of(CONTROL, check),
        subject=target.subject,
        at=target.at,
        api=target.api,
        operation=target.id,
        identity=identity,
        variant=variant,
        family=Family.OWN_WRITE if writes else Family.READ,
        requests=requests,
        writes=requests if writes else 0,
        run=run,
    )
