"""What each caller sees of responses, and what nobody sees of the service's errors."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.subjects import served_apis
from assay.controls.base import Site
from assay.controls.data_exposure.responses import Carried, Responses
from assay.controls.observe import mode
from assay.declare.declaration import Declaration
from assay.declare.model import Api
from assay.declare.rules import rules_by_operation
from assay.gateway import ir
from assay.sensitivity.bodies import Labelled, labels
from assay.sensitivity.levels import rank
from assay.sensitivity.reveals import DEFAULT, Reveals, owners

_CONTROL = "data_exposure"
TOO_DEEP = "(deeper)"
"""The name of what lies below a schema that contains itself, deeper than fields are named."""


def enforce(declaration: Declaration, site: Site) -> Iterator[ir.AnyPiece]:
    """Generic errors for every API, and masks for every operation whose responses carry confidential data.

    A masked response is closed where the contract describes it: what it does not name is dropped, so that a property
    that a service stored without being asked to never comes out.
    """
    for api_id, api in served_apis(declaration):
        whole = mode(api, _CONTROL)
        yield ir.ErrorMasking(
            control=_CONTROL, source=str(declaration.places.key("apis", api_id)), mode=whole, api=api_id
        )
        yield from _masks(declaration, api_id, api, whole)


def _masks(declaration: Declaration, api_id: str, api: Api, whole: ir.Mode) -> Iterator[ir.Masking]:
    contract = declaration.contracts[api_id]
    known_labels = labels(declaration, api_id)
    if not known_labels.data:
        return
    responses, reveals = Responses(contract, known_labels), Reveals(api)
    rules = rules_by_operation(api, contract.operations)
    written = declaration.places.written("apis", api_id, "reveal")
    source = str(declaration.places.key(*(("apis", api_id, "reveal") if written else ("apis", api_id))))
    fields: dict[tuple[int, tuple[str, ...]], tuple[ir.MaskedField, ...]] = {}
    for operation in contract.operations:
        carried = responses.carried(operation)
        if not carried.masked:
            continue
        own = owners(declaration, api, operation.id, rules[operation.id])
        key = (id(carried), own)
        if key not in fields:
            fields[key] = _fields(carried, reveals, own)
        closed = api.strict.body and carried.known is not None
        yield ir.Masking(
            control=_CONTROL,
            source=source,
            mode=mode(api, _CONTROL, operation.id) if api.observe else whole,
            api=api_id,
            operation=operation.id,
            fields=fields[key],
            closed=closed,
            known=(carried.known or ()) if closed else (),
        )


def _fields(carried: Carried, reveals: Reveals, own: tuple[str, ...]) -> tuple[ir.MaskedField, ...]:
    named = tuple(_field(item, reveals, own) for item in carried.fields)
    deeper = tuple(
        ir.MaskedField(path=path, name=TOO_DEEP, category="", level=rank(level), default=DEFAULT)
        for path, level in carried.hidden
    )
    return named + deeper


def _field(item: Labelled, reveals: Reveals, own: tuple[str, ...]) -> ir.MaskedField:
    """The mask of a field. One that is never answered (``writeOnly``) is dropped, whatever is revealed."""
    forms = dict.fromkeys(own, "clear") | reveals.forms(item.label.category)
    return ir.MaskedField(
        path=item.path,
        name=item.label.name,
        category=item.label.category,
        level=rank(item.label.level),
        default="drop" if item.absent else DEFAULT,
        forms=() if item.absent else tuple(sorted(forms.items())),
    )
