"""How Envoy asks the inspector: external authorisation over HTTP on a Unix socket, closed when there is no answer."""

from __future__ import annotations

from assay.gateway.envoy.types import INSPECTOR_CLUSTER, Json, http_filter

_EVERY_HEADER = {"patterns": [{"safe_regex": {"regex": ".*"}}]}
_MARKS = {"patterns": [{"prefix": "x-assay-"}]}


def ask(prefix: str, *, timeout: str, with_body: int | None = None, add: Json | None = None) -> Json:
    """Configuration of an ext_authz filter that puts the question under ``prefix``."""
    request: Json = {"headers_to_add": [{"key": k, "value": v} for k, v in (add or {}).items()]}
    fields: Json = {
        "http_service": {
            "server_uri": {"uri": "http://inspector", "cluster": INSPECTOR_CLUSTER, "timeout": timeout},
            "path_prefix": prefix,
            "authorization_request": request if add else {},
            "authorization_response": {
                "allowed_client_headers": {
                    "patterns": [{"exact": "content-type"}, {"exact": "www-authenticate"}, {"exact": "retry-after"}]
                },
                "dynamic_metadata_from_headers": _MARKS,
            },
        },
        "allowed_headers": _EVERY_HEADER,
        "failure_mode_allow": False,
        "status_on_error": {"code": "ServiceUnavailable"},
        "encode_raw_headers": True,
    }
    if with_body is not None:
        fields["with_request_body"] = body(with_body)
    return http_filter("ext_authz.v3.ExtAuthz", **fields)


def body(size: int) -> Json:
    """Send the whole body, up to ``size`` bytes; a larger one is answered 413 and never judged in part."""
    return {"max_request_bytes": max(size, 1), "allow_partial_message": False}
