"""What the gateway says about an API's end, and how it refuses what has ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime

from assay.controls.api_gateway.paths import order, pattern, public_base, usable_base
from assay.controls.base import Site
from assay.declare.declaration import Declaration
from assay.declare.model import Api
from assay.gateway import ir

_CONTROL = "api_inventory"


def enforce(declaration: Declaration, site: Site) -> Iterator[ir.AnyPiece]:
    """Headers for every API that ends, and a refusal (410) for every path of those that have."""
    for api_id, api in declaration.model.apis.items():
        if api.product.lifecycle == "retired":
            yield from _gone(declaration, api_id, api)
        elif headers := announcement(declaration, api_id, api):
            source = str(declaration.locate("apis", api_id, "product"))
            yield ir.Lifecycle(control=_CONTROL, source=source, api=api_id, add=headers)


def announcement(declaration: Declaration, api_id: str, api: Api) -> tuple[tuple[str, str], ...]:
    """The headers of an API's answers about its end, in lower case; none while nothing is declared about it.

    ``deprecation`` is a structured date (RFC 9745 §2.1): the beginning of the day. ``sunset`` is an HTTP date
    (RFC 8594 §3): the end of the last day. ``link`` names the successor (RFC 5829 §3.2), by its path when both APIs
    are served under the same hosts.
    """
    product = api.product
    told: list[tuple[str, str]] = []
    if product.deprecated is not None and product.lifecycle == "deprecated":
        told.append(("deprecation", f"@{int(_midnight(product.deprecated).timestamp())}"))
    if product.sunset is not None:
        told.append(("sunset", format_datetime(_midnight(product.sunset) + timedelta(seconds=86_399), usegmt=True)))
    successor = declaration.model.apis.get(product.replaced_by or "")
    if told and successor is not None and product.replaced_by != api_id and successor.hosts == api.hosts:
        path = public_base(successor, declaration.contracts[product.replaced_by or ""])
        if successor.product.lifecycle != "retired" and usable_base(path):
            told.append(("link", f'<{path or "/"}>; rel="successor-version"'))
    return tuple(told)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _gone(declaration: Declaration, api_id: str, api: Api) -> Iterator[ir.Retired]:
    contract, source = declaration.contracts[api_id], str(declaration.locate("apis", api_id, "product"))
    base = public_base(api, contract)
    if not usable_base(base):
        return
    seen: set[str] = set()
    for operation in contract.operations:
        if operation.path in seen:
            continue
        seen.add(operation.path)
        yield ir.Retired(
            control=_CONTROL,
            source=source,
            api=api_id,
            name=operation.path,
            hosts=api.hosts,
            public_base=base,
            pattern=pattern(base, operation, contract),
            order=order(operation.path),
        )
