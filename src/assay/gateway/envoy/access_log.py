"""One JSON line per call: who, what, how it ended, and which policy decided.

Query strings, bodies and credentials are never written: they carry personal data and secrets.
"""

from __future__ import annotations

from assay.gateway import ir
from assay.gateway.envoy.filters import processing
from assay.gateway.envoy.filters.base import View
from assay.gateway.envoy.types import (
    ANSWER_NAMESPACE,
    JWT_NAMESPACE,
    JWT_PAYLOAD,
    KEY_NAMESPACE,
    OBSERVED_NAMESPACE,
    RBAC_NAMESPACE,
    Json,
    typed,
)

_NOTHING = "%VIRTUAL_CLUSTER_NAME%"
"""An operator that never yields anything, since there are no virtual clusters; the cheapest to find empty."""


def _dynamic(namespace: str, *path: str) -> str:
    """A value of dynamic metadata, as a string (what has structure: as JSON text); empty when there is none.

    With a second operator, which yields nothing, Envoy reads the value in place; a field of one operator alone
    makes it copy all metadata of the call for every field, which took more time than all filters together.
    """
    return f"%DYNAMIC_METADATA({':'.join((namespace, *path))})%{_NOTHING}"


def _whole(namespace: str, *path: str) -> str:
    """A value of dynamic metadata as it is; left out when there is none. Dear: see above."""
    return f"%DYNAMIC_METADATA({':'.join((namespace, *path))})%"


def _claims(view: View) -> dict[str, str]:
    """Who the token is about. Issuers that name their claims alike (nearly all do) share the fields."""
    if not view.policy.issuers:
        return {}
    names = view.policy.issuers[0].claims
    return {
        "client": _dynamic(JWT_NAMESPACE, JWT_PAYLOAD, *names.client),
        "subject": _dynamic(JWT_NAMESPACE, JWT_PAYLOAD, *names.subject),
        "token_id": _dynamic(JWT_NAMESPACE, JWT_PAYLOAD, "jti"),
        "token_failure": _dynamic(JWT_NAMESPACE, "failure", "message"),
    }


def _beside(view: View) -> dict[str, str]:
    """What keys, inspector and processor say, as far as this gateway has them."""
    found: dict[str, str] = {}
    if view.key_headers:
        found["key"] = _dynamic(KEY_NAMESPACE, "key")
        found["key_consumer"] = _dynamic(KEY_NAMESPACE, "consumer")
    introspects = any(i.introspection for i in view.policy.issuers)
    if introspects:
        found["opaque_client"] = _dynamic(ANSWER_NAMESPACE, "x-assay-client")
        found["opaque_subject"] = _dynamic(ANSWER_NAMESPACE, "x-assay-subject")
    if introspects or any(o.inspection for o in view.policy.operations):
        found["inspector_decision"] = _dynamic(ANSWER_NAMESPACE, "x-assay-decision")
        found["inspector_policy"] = _dynamic(ANSWER_NAMESPACE, "x-assay-policy")
    if any(o.encryption or o.masking for o in view.policy.operations):
        found["masked"] = _dynamic("assay.processor", "masked")
        found["processor_decision"] = _dynamic("assay.processor", "decision")
        found["processor_policy"] = _dynamic("assay.processor", "policy")
    return found


def _observed(view: View) -> dict[str, str]:
    """What would have been refused, where anything observes."""
    observing = {type(p) for p in view.policy.pieces if p.mode is ir.Mode.OBSERVE}
    stages = {
        "networks": ir.NetworkRule,
        "authentication": ir.Authentication,
        "admission": ir.Admission,
        "access": ir.AccessRule,
    }
    found = {
        f"{stage}_shadow_{name}": _dynamic(RBAC_NAMESPACE, f"{stage}_shadow_{key}")
        for stage, kind in stages.items()
        if kind in observing
        for name, key in (("policy", "effective_policy_id"), ("result", "engine_result"))
    }
    if ir.Limit in observing:
        found["observed_limit"] = _whole(OBSERVED_NAMESPACE, "limit")
    if any(processing.only_observed(o) for o in view.policy.operations):
        found["processor_missed"] = f"%FILTER_STATE({processing.NAME}:FIELD:failed_open)%"
    return found


def fields(view: View) -> dict[str, str]:
    """The line's fields and where Envoy takes each from. Fields that this policy can never fill are left out."""
    decided = {
        f"{stage}_policy": _dynamic(RBAC_NAMESPACE, f"{stage}_enforced_effective_policy_id")
        for stage in ("networks", "authentication", "consumer_networks", "access")
    }
    return {
        "time": "%START_TIME(%Y-%m-%dT%H:%M:%S.%6fZ)%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "trace": "%REQ(TRACEPARENT)%",
        "stream": "%STREAM_ID%",
        "operation": "%ROUTE_NAME%",
        "method": "%REQ(:METHOD)%",
        "path": "%PATH(NQ:ORIG_OR_PATH)%",
        "protocol": "%PROTOCOL%",
        "status": "%RESPONSE_CODE%",
        "grpc_status": "%GRPC_STATUS%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "flags": "%RESPONSE_FLAGS%",
        "address": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "peer": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%",
        "tls": "%DOWNSTREAM_TLS_VERSION%",
        "cipher": "%DOWNSTREAM_TLS_CIPHER%",
        "certificate": "%DOWNSTREAM_PEER_DNS_SAN%",
        **_claims(view),
        **decided,
        **_beside(view),
        **_observed(view),
        "received": "%BYTES_RECEIVED%",
        "sent": "%BYTES_SENT%",
        "milliseconds": "%DURATION%",
        "upstream": "%UPSTREAM_CLUSTER_RAW%",
        "upstream_milliseconds": "%RESPONSE_DURATION%",
        "configuration": f"%METADATA(VIRTUAL_HOST:assay:configuration)%{_NOTHING}",
    }


def access_log(view: View) -> list[Json]:
    """The log as Envoy writes it: a file, flushed by Envoy's timer, since the remote sink loses lines silently."""
    return [
        {
            "name": "envoy.access_loggers.file",
            "typed_config": typed(
                "envoy.extensions.access_loggers.file.v3.FileAccessLog",
                path=view.runtime.access_log,
                log_format={"json_format": fields(view), "omit_empty_values": True},
            ),
        }
    ]
