"""What the gateway routes, to which upstream, and which headers its answers carry."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.subjects import served_apis
from assay.controls._lib.urls import Address
from assay.controls.api_gateway.paths import (
    order,
    pattern,
    public_base,
    routable,
    target_of,
    upstream_base,
    usable_base,
)
from assay.controls.base import Site
from assay.declare.declaration import Declaration
from assay.declare.model import Api
from assay.gateway import ir
from assay.sensitivity.levels import highest, rank

REMOVED_HEADERS = (
    "server",
    "via",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-generator",
    "x-powered-by",
    "x-runtime",
)
"""Response headers that tell an attacker what runs behind the gateway (ASVS 5.0 V13.4.6), and by which hosts inside an
answer came (RFC 9110 section 7.6.3)."""
_CONTROL = "api_gateway"


def enforce(declaration: Declaration, site: Site) -> Iterator[ir.AnyPiece]:
    """An upstream, response headers and one route per operation for every API that is served.

    A retired API gets nothing, and neither does one whose upstream or public path cannot be used: it is not reachable,
    and design says why. Routing cannot merely be observed.
    """
    for api_id, api in served_apis(declaration):
        contract = declaration.contracts[api_id]
        target, base = target_of(api, contract), public_base(api, contract)
        if target is None or not usable_base(base):
            continue
        yield _upstream(declaration, api_id, api, target)
        yield _headers(declaration, api_id, api)
        source = str(declaration.locate("apis", api_id, "contract"))
        for operation in contract.operations:
            if not routable(operation.method):
                continue
            yield ir.Route(
                control=_CONTROL,
                source=source,
                api=api_id,
                operation=operation.id,
                method=operation.method,
                hosts=api.hosts,
                public_base=base,
                template=operation.path,
                pattern=pattern(base, operation, contract),
                order=order(operation.path),
                upstream_base=upstream_base(target, contract),
            )


def _upstream(declaration: Declaration, api_id: str, api: Api, target: Address) -> ir.Upstream:
    tls = None
    if target.encrypted:
        ca = api.upstream_tls.ca
        tls = ir.UpstreamTlsPolicy(
            ca=ca or ir.SYSTEM_AUTHORITIES,
            name=api.upstream_tls.name or target.host,
        )
    return ir.Upstream(
        control=_CONTROL,
        source=str(declaration.locate("apis", api_id, "upstream")),
        api=api_id,
        host=target.host,
        port=target.port,
        base_path=upstream_base(target, declaration.contracts[api_id]),
        tls=tls,
    )


def _headers(declaration: Declaration, api_id: str, api: Api) -> ir.ResponseHeaders:
    add = [("x-content-type-options", "nosniff")]
    if answers_are_sensitive(declaration, api):
        add.append(("cache-control", "no-store"))
    return ir.ResponseHeaders(
        control=_CONTROL,
        source=str(declaration.places.key("apis", api_id)),
        api=api_id,
        add=tuple(add),
        remove=REMOVED_HEADERS,
    )


def answers_are_sensitive(declaration: Declaration, api: Api) -> bool:
    """Whether the contract of an API holds schemas of a data set with a field that is confidential or above."""
    return any(
        rank(highest(data)) >= rank("confidential") and any(_same_file(f, api.contract) for f in data.from_)
        for data in declaration.model.data.values()
    )


def _same_file(pointer: str, contract: str) -> bool:
    return pointer.partition("#")[0].removeprefix("./") == contract.removeprefix("./")
