"""What cases of this control have in common: how they are written, and what is declared about fields and callers."""

from __future__ import annotations

from assay.controls._lib.answers import callers
from assay.controls._lib.proving import test_of
from assay.controls.data_exposure.responses import is_success
from assay.declare.media import may_be_json
from assay.declare.shapes import ANY, Path
from assay.domain import Location
from assay.prove.case import Case, Family, Run
from assay.prove.surface import Persona, Surface, Target
from assay.sensitivity.bodies import Labelled, labels
from assay.sensitivity.forms import form_seen
from assay.sensitivity.levels import rank
from assay.sensitivity.reveals import Reveals, owners

CONTROL = "data_classification"
_HIGHEST = rank("special")


def case(
    target: Target,
    check: str,
    run: Run,
    identity: str,
    *,
    requests: int,
    writes: int = 0,
    variant: str = "",
    subject: str = "",
    at: Location | None = None,
    seconds: float = 0.0,
) -> Case:
    """A case that is shown on one operation. ``subject``, ``at``: what it speaks about, if that is something else."""
    return Case(
        test=test_of(CONTROL, check),
        subject=subject or target.subject,
        at=at or target.at,
        api=target.api,
        operation=target.id,
        identity=identity,
        variant=variant,
        family=Family.OWN_WRITE if writes else Family.READ,
        requests=requests,
        writes=writes,
        seconds=seconds,
        run=run,
    )


def answered(surface: Surface, target: Target) -> dict[Path, Labelled]:
    """The labelled properties in the successful JSON answers of an operation."""
    known = labels(surface.declaration, target.api)
    found: dict[Path, Labelled] = {}
    for response in target.operation.responses:
        if response.schema is not None and is_success(target.operation, response) and may_be_json(response.media_type):
            found.update((item.path, item) for item in known.of(response.schema, "response").labelled)
    return found


def sent(surface: Surface, target: Target) -> dict[Path, Labelled]:
    """The labelled properties in the JSON body that an operation takes."""
    known = labels(surface.declaration, target.api)
    found: dict[Path, Labelled] = {}
    for body in target.operation.body:
        if body.schema is not None and may_be_json(body.media_type) and "patch" not in body.media_type:
            found.update((item.path, item) for item in known.of(body.schema, "request").labelled if not item.absent)
    return found


def form(surface: Surface, target: Target, item: Labelled, persona: Persona) -> str:
    """The form in which a persona is to see a field in an answer of a target."""
    api = surface.api(target)
    owning = owners(surface.declaration, api, target.id, target.rules)
    # A clearance belongs to a consumer; of others nothing is declared but their roles.
    clearance = _HIGHEST if persona.consumer is None else rank(persona.clearance)  # type: ignore[arg-type]
    return form_seen(item.label.field, Reveals(api), persona.roles, clearance, owning)


def clearest(surface: Surface, target: Target, items: tuple[Labelled, ...]) -> Persona | None:
    """Who is shown most of some fields in clear, of those who may call; by preference on any object."""

    def order(persona: Persona) -> tuple[int, bool, int, str]:
        shown = sum(form(surface, target, item, persona) == "clear" for item in items)
        return -shown, bool(surface.owns(target, persona)), len(persona.ways), persona.name

    return min(callers(surface, target), key=order, default=None)


def fits(path: Path, named: Path) -> bool:
    """Whether a place in an answer is one that the contract names; ``*`` in the contract stands for any step."""
    return len(path) == len(named) and all(n in (ANY, p) for p, n in zip(path, named, strict=True))


def dotted(path: Path) -> str:
    """A place in words."""
    return ".".join(path)
