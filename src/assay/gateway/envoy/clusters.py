"""Where requests go: the upstreams, and the parts beside Envoy on their Unix sockets."""

from __future__ import annotations

import ipaddress

from assay.gateway import ir
from assay.gateway.envoy.filters.base import View
from assay.gateway.envoy.types import (
    INSPECTOR_CLUSTER,
    PROCESSOR_CLUSTER,
    Json,
    typed,
    upstream_cluster,
)

_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _endpoints(name: str, address: Json) -> Json:
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}


def _protocol(**explicit: Json) -> Json:
    return {
        _OPTIONS: typed(_OPTIONS, explicit_http_config=explicit, common_http_protocol_options={"idle_timeout": "55s"})
    }


def _thresholds(connections: int, requests: int) -> Json:
    return {
        "thresholds": [
            {
                "max_connections": connections,
                "max_pending_requests": requests,
                "max_requests": requests,
                "max_retries": 0,
            }
        ]
    }


def _upstream(upstream: ir.Upstream, view: View) -> Json:
    name = upstream_cluster(upstream.api)
    cluster = typed(
        "envoy.config.cluster.v3.Cluster",
        name=name,
        type="STATIC" if _is_address(upstream.host) else "STRICT_DNS",
        connect_timeout="3s",
        dns_lookup_family="V4_PREFERRED",
        load_assignment=_endpoints(name, {"socket_address": {"address": upstream.host, "port_value": upstream.port}}),
        typed_extension_protocol_options=_protocol(http_protocol_options={}),
        circuit_breakers=_thresholds(1024, 4096),
        per_connection_buffer_limit_bytes=1048576,
    )
    if upstream.tls:
        authority = upstream.tls.ca
        trusted = (
            view.runtime.system_authorities
            if authority == ir.SYSTEM_AUTHORITIES
            else view.runtime.folders.file(authority)
        )
        names = {"san_type": "IP_ADDRESS" if _is_address(upstream.tls.name) else "DNS"}
        cluster["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": typed(
                "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                sni=upstream.tls.name,
                common_tls_context={
                    "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
                    "validation_context": {
                        "trusted_ca": {"filename": trusted},
                        "match_typed_subject_alt_names": [{**names, "matcher": {"exact": upstream.tls.name}}],
                    },
                },
            ),
        }
    return cluster


def _beside(name: str, socket: str, protocol: Json) -> Json:
    return typed(
        "envoy.config.cluster.v3.Cluster",
        name=name,
        type="STATIC",
        connect_timeout="1s",
        load_assignment=_endpoints(name, {"pipe": {"path": socket}}),
        typed_extension_protocol_options=protocol,
        circuit_breakers=_thresholds(1024, 16384),
    )


def clusters(view: View) -> list[Json]:
    """Every cluster."""
    sockets = view.runtime.sockets
    beside = [
        _beside(INSPECTOR_CLUSTER, sockets.inspector, _protocol(http_protocol_options={})),
        _beside(PROCESSOR_CLUSTER, sockets.processor, _protocol(http2_protocol_options={})),
    ]
    return [*(_upstream(u, view) for u in view.policy.upstreams), *beside]
