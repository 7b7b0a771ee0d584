"""What Envoy is started with. Everything that may change later is in the files it watches."""

from __future__ import annotations

from assay.gateway.envoy.filters.base import View
from assay.gateway.envoy.listener import NAME
from assay.gateway.envoy.types import Json, typed

_RAPID_RESET = {
    "overload.premature_reset_total_stream_count": 200,
    "overload.premature_reset_min_stream_lifetime_seconds": 1,
    "http.max_requests_per_io_cycle": 10,
}
"""Against HTTP/2 connections that open streams only to reset them (CVE-2023-44487), which no limit on streams meets.

A connection is closed when half of its last 200 streams were reset by the client before they were answered and within
a second; and no more than ten new requests of one connection are looked at before those of others.
"""


def _watched(directory: str, file: str) -> Json:
    return {
        "path_config_source": {"path": f"{directory}/{file}", "watched_directory": {"path": directory}},
        "resource_api_version": "V3",
    }


def bootstrap(view: View) -> Json:
    """The bootstrap: identity, administration on a Unix socket only, watched files, a limit on connections."""
    directory = view.runtime.configuration
    return {
        "node": {"id": "assay-gateway", "cluster": "assay"},
        "admin": {"address": {"pipe": {"path": view.runtime.sockets.admin, "mode": 0o600}}},
        "dynamic_resources": {
            "lds_config": _watched(directory, "lds.json"),
            "cds_config": _watched(directory, "cds.json"),
        },
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": typed(
                        "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                        max_active_downstream_connections=view.policy.listener.max_connections,
                    ),
                }
            ]
        },
        "layered_runtime": {
            "layers": [
                {
                    "name": NAME,
                    "static_layer": {
                        "envoy.reloadable_features.http_reject_path_with_fragment": True,
                        "re2.max_program_size.error_level": 5000,
                        **_RAPID_RESET,
                    },
                }
            ]
        },
    }
