"""What the probes of this control share: how a case is written, and which inputs are worth a probe."""

from __future__ import annotations

from collections.abc import Sequence

from assay.controls._lib.attempts import Met, name_of, tester
from assay.controls._lib.inputs import Place, places
from assay.controls._lib.proving import test_of
from assay.prove.case import Case, Family, Run
from assay.prove.surface import Persona, Surface, Target

CONTROL = "input_validation"


def case(
    surface: Surface,
    target: Target,
    check: str,
    run: Run,
    *,
    requests: int,
    family: Family | None = None,
    variant: str = "",
    seconds: float = 0.0,
    persona: Persona | None = None,
) -> Case:
    """A case on one operation, by default made by its tester. Requests to a writing operation count as writes."""
    return Case(
        test=test_of(CONTROL, check),
        subject=target.subject,
        at=target.at,
        api=target.api,
        operation=target.id,
        identity=name_of(persona or tester(surface, target)),
        variant=variant,
        family=family or (Family.OWN_WRITE if target.writes else Family.READ),
        requests=requests,
        writes=requests if target.writes else 0,
        seconds=seconds,
        run=run,
    )


def closed(surface: Surface, target: Target) -> bool:
    """Whether properties that the contract does not name are promised to be refused."""
    return surface.fronted and surface.api(target).strict.body


def guarded(surface: Surface) -> bool:
    """Whether calls go through our gateway, which holds the contract (``contract-not-enforced`` shows that it does):
    what the contract excludes at a place needs no further probe there."""
    return surface.fronted and surface.via == "gateway"


def inputs(surface: Surface, target: Target) -> tuple[Place, ...]:
    """Every place of a target."""
    return places(surface.contract(target), target, closed=closed(surface, target))


def texts(surface: Surface, target: Target) -> tuple[Place, ...]:
    """The places of a target where text may stand."""
    return tuple(p for p in inputs(surface, target) if p.is_text)


def summary(met: Sequence[Met]) -> str:
    """Who met the attempts, in words: ``4 refused by the gateway (`…`), 2 taken by the service as ordinary input``."""
    counts: dict[str, int] = {}
    for one in met:
        words = f"refused by {one.by}" if one.stopped else "taken by the service as ordinary input"
        counts[words] = counts.get(words, 0) + 1
    return ", ".join(f"{n} {words}" for words, n in counts.items())


def last(met: Sequence[Met]) -> Met | None:
    """The attempt to show: one that was refused by the gateway where there is one."""
    return next((m for m in met if m.policy), met[-1] if met else None)
