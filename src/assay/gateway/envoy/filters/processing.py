"""Field encryption and masking: bodies that must be rewritten go through the processor, closed when it is away.

Where both only observe, calls pass without it too: somebody who watches must not be able to stop them. What was stored
encrypted before then comes out as it is stored.
"""

from __future__ import annotations

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import (
    ANSWER_NAMESPACE,
    CERTIFICATE_HEADER,
    JWT_NAMESPACE,
    KEY_NAMESPACE,
    PROCESSOR_CLUSTER,
    Json,
    http_filter,
)

NAME = "envoy.filters.http.ext_proc"
HEADERS_SENT = frozenset(
    {":path", ":method", ":status", "content-type", "content-encoding", "content-length", CERTIFICATE_HEADER}
)
"""All that the processor reads, and so all that it is sent; a test holds this against the processor."""


def _needs(operation: OperationPolicy) -> bool:
    return bool(operation.encryption or operation.masking)


def only_observed(operation: OperationPolicy) -> bool:
    """Whether the processor has something to look at in this operation, and nothing to enforce."""
    pieces = [*operation.encryption, *([operation.masking] if operation.masking else [])]
    return bool(pieces) and all(piece.mode is ir.Mode.OBSERVE for piece in pieces)


def _listener(view: View) -> Json | None:
    if not any(_needs(o) for o in view.policy.operations):
        return None
    return http_filter(
        "ext_proc.v3.ExternalProcessor",
        grpc_service={"envoy_grpc": {"cluster_name": PROCESSOR_CLUSTER}, "timeout": "5s"},
        failure_mode_allow=False,
        # As with the inspector: what could not be checked is 503. Envoy would say 500, as if the service had failed.
        status_on_error={"code": "ServiceUnavailable"},
        # The processor asks for more, request by request, when it has something to do for this caller.
        processing_mode={"response_header_mode": "SKIP"},
        request_attributes=["xds.route_name"],
        allow_mode_override=True,
        message_timeout="5s",
        forward_rules={"allowed_headers": {"patterns": [{"exact": name} for name in sorted(HEADERS_SENT)]}},
        metadata_options={
            "forwarding_namespaces": {"untyped": [JWT_NAMESPACE, KEY_NAMESPACE, ANSWER_NAMESPACE]},
            "receiving_namespaces": {"untyped": ["assay.processor"]},
        },
    )


def _route(_view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    if not _needs(operation):
        return None
    overrides = {"failure_mode_allow": True} if only_observed(operation) else {}
    return http_filter("ext_proc.v3.ExtProcPerRoute", overrides=overrides)


FILTER = Filter(NAME, Slot.PROCESSING, _listener, route=_route)
