"""The listener: TLS, the HTTP rules that every request must obey, and the chain of filters."""

from __future__ import annotations

from assay.gateway import ir
from assay.gateway.envoy.access_log import access_log
from assay.gateway.envoy.filters import CHAIN, View
from assay.gateway.envoy.hygiene import early, underscores
from assay.gateway.envoy.replies import replies
from assay.gateway.envoy.types import Json, seconds, typed
from assay.gateway.runtime import Folders

NAME = "assay"
ROUTES = "assay.routes"

_SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
)


def _transport(tls: ir.Tls, folders: Folders) -> Json:
    certificate, key = folders.file(tls.certificate), folders.file(tls.private_key)
    common: Json = {
        "tls_params": {
            "tls_minimum_protocol_version": f"TLSv{tls.minimum.replace('.', '_')}",
            "tls_maximum_protocol_version": "TLSv1_3",
            "cipher_suites": list(_SUITES),
            "ecdh_curves": ["X25519", "P-256"],
        },
        "tls_certificates": [{"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}}],
        "alpn_protocols": ["h2", "http/1.1"],
    }
    if tls.client_ca:
        common["validation_context"] = {"trusted_ca": {"filename": folders.file(tls.client_ca)}}
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": typed(
            "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            common_tls_context=common,
            require_client_certificate=False,
            disable_stateless_session_resumption=False,
        ),
    }


def _chain(view: View) -> list[Json]:
    filters = []
    for item in CHAIN:
        configuration = item.listener(view)
        if configuration is None:
            continue
        entry: Json = {"name": item.name, "typed_config": configuration}
        if item.off_by_default:
            entry["disabled"] = True
        filters.append(entry)
    return filters


def _manager(view: View) -> Json:
    listener = view.policy.listener
    source = {
        "path_config_source": {
            "path": f"{view.runtime.configuration}/rds.json",
            "watched_directory": {"path": view.runtime.configuration},
        },
        "resource_api_version": "V3",
    }
    return typed(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=NAME,
        codec_type="AUTO",
        rds={"route_config_name": ROUTES, "config_source": source},
        http_filters=_chain(view),
        access_log=access_log(view),
        local_reply_config=replies(),
        early_header_mutation_extensions=early(view),
        use_remote_address=True,
        xff_num_trusted_hops=listener.trusted_hops,
        skip_xff_append=False,
        generate_request_id=True,
        preserve_external_request_id=True,
        always_set_request_id_in_response=True,
        forward_client_cert_details="SANITIZE",
        server_header_transformation="PASS_THROUGH",
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action="REJECT_REQUEST",
        strip_any_host_port=True,
        max_request_headers_kb=max(1, listener.header_bytes // 1024),
        common_http_protocol_options={
            "idle_timeout": "60s",
            "max_headers_count": listener.headers,
            "headers_with_underscores_action": underscores(view),
            "max_requests_per_connection": 100_000,
        },
        http_protocol_options={"allow_chunked_length": False, "accept_http_10": False},
        http2_protocol_options={
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65536,
            "initial_connection_window_size": 1048576,
        },
        stream_idle_timeout="30s",
        request_timeout="30s",
        request_headers_timeout="10s",
        stream_error_on_invalid_http_message=False,
        delayed_close_timeout="1s",
        drain_timeout=seconds(5),
    )


def listener(view: View) -> Json:
    """The one listener."""
    declared = view.policy.listener
    chain: Json = {
        "filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": _manager(view)},
        ],
        "transport_socket_connect_timeout": "5s",
    }
    if declared.tls:
        chain["transport_socket"] = _transport(declared.tls, view.runtime.folders)
    files = view.runtime.certificates
    renewed: Json = {"metadata": {"filter_metadata": {NAME: {"certificates": files}}}} if files else {}
    return typed(
        "envoy.config.listener.v3.Listener",
        name=NAME,
        address={"socket_address": {"address": declared.address, "port_value": declared.port}},
        filter_chains=[chain],
        per_connection_buffer_limit_bytes=1048576,
        **renewed,
    )
