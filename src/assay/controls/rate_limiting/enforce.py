"""How much each caller, each consumer and each client address may ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from assay.controls._lib.subjects import served_apis
from assay.controls.base import Site
from assay.controls.observe import mode
from assay.declare.declaration import Declaration
from assay.declare.model import Api
from assay.declare.quantities import RateValue
from assay.declare.selectors import selected
from assay.gateway import ir

_CONTROL = "rate_limiting"
WRITES = ("POST", "PUT", "PATCH", "DELETE")
OBSERVED = "-observed"
"""Ends the name of the half of a limit that only watches, where an API observes some of its operations."""


def enforce(declaration: Declaration, site: Site) -> Iterator[ir.AnyPiece]:
    """The limits of every API, then those of every consumer, which count its calls to all APIs together.

    Where only some operations are observed, a limit is written twice: their calls are counted apart and never refused.
    A consumer's limit is observed only when every API is.
    """
    served = tuple(served_apis(declaration))
    for api_id, api in served:
        yield from _of_api(declaration, api_id, api)
    watched = bool(served) and all(mode(api, _CONTROL) is ir.Mode.OBSERVE for _, api in served)
    for name, consumer in declaration.model.consumers.items():
        if consumer.limit:
            yield ir.Limit(
                control=_CONTROL,
                source=str(declaration.locate("consumers", name, "limit")),
                mode=ir.Mode.OBSERVE if watched else ir.Mode.ENFORCE,
                api="",
                name=f"consumer-{name}",
                per="consumer",
                requests=consumer.limit.requests,
                seconds=consumer.limit.seconds,
                consumer=name,
            )


def _of_api(declaration: Declaration, api_id: str, api: Api) -> Iterator[ir.Limit]:
    limits = api.limits
    operations = tuple(o.id for o in declaration.operations(api_id))
    watched = frozenset(_watched(api, operations))
    writing = frozenset(o.id for o in declaration.operations(api_id) if o.method in WRITES)

    def limit(
        name: str, rate: RateValue, per: Literal["caller", "network"], chosen: Iterable[str] | None, *at: str
    ) -> Iterator[ir.Limit]:
        """The limit; in two halves where it covers operations of both modes. No ``chosen``: all operations."""
        covered = operations if chosen is None else tuple(chosen)
        if name == "write":
            covered = tuple(o for o in covered if o in writing)
        halves = {
            ir.Mode.ENFORCE: tuple(o for o in covered if o not in watched),
            ir.Mode.OBSERVE: tuple(o for o in covered if o in watched),
        }
        whole = mode(api, _CONTROL) is ir.Mode.OBSERVE
        if whole or not halves[ir.Mode.OBSERVE] or not halves[ir.Mode.ENFORCE]:
            only = ir.Mode.OBSERVE if whole or halves[ir.Mode.OBSERVE] else ir.Mode.ENFORCE
            halves = {only: () if chosen is None else covered}
        for counted, members in halves.items():
            yield ir.Limit(
                control=_CONTROL,
                source=str(declaration.locate("apis", api_id, "limits", *at)),
                mode=counted,
                api=api_id,
                name=name + OBSERVED if len(halves) == 2 and counted is ir.Mode.OBSERVE else name,
                per=per,
                requests=rate.requests,
                seconds=rate.seconds,
                operations=members,
                methods=WRITES if name == "write" else (),
            )

    if limits.default:
        yield from limit("default", limits.default, "caller", None, "default")
    if limits.write:
        yield from limit("write", limits.write, "caller", None, "write")
    if limits.network:
        yield from limit("network", limits.network, "network", None, "network")
    for selector, rate in limits.operations.items():
        chosen = selected((selector,), operations)
        if chosen:
            yield from limit(f"operation-{selector}", rate, "caller", chosen, "operations", selector)


def _watched(api: Api, operations: tuple[str, ...]) -> tuple[str, ...]:
    """The operations that are observed by name."""
    names = [name for entry in api.observe if entry.control == _CONTROL for name in entry.operations]
    return selected(names, operations)
