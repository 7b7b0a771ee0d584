"""Envoy type URLs and the few shapes that many files need.

Configuration is plain JSON: Envoy itself validates it (`--mode validate`) before it is ever used.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_PREFIX = "type.googleapis.com/"
_HTTP = "envoy.extensions.filters.http."


def typed(message: str, /, **fields: Any) -> Json:
    """A message in an ``Any``: its type URL beside its fields."""
    return {"@type": _PREFIX + message, **fields}


def http_filter(message: str, /, **fields: Any) -> Json:
    """A message of one of Envoy's HTTP filters, ``message`` being what follows the common package."""
    return typed(_HTTP + message, **fields)


def filter_off() -> Json:
    """Per-route configuration that leaves a filter of the chain out altogether: not even its object is made."""
    return typed("envoy.config.route.v3.FilterConfig", disabled=True)


def seconds(value: float) -> str:
    """A protobuf duration in JSON."""
    return f"{value:g}s"


def string_match(**kind: Any) -> Json:
    """A StringMatcher: ``exact=``, ``prefix=``, ``contains=`` or ``safe_regex=`` (a bare RE2 text)."""
    if "safe_regex" in kind:
        return {"safe_regex": {"regex": kind["safe_regex"]}}
    return dict(kind)


def header(name: str, *, invert: bool = False, **kind: Any) -> Json:
    """A HeaderMatcher on ``name``."""
    matcher: Json = {"name": name, "string_match": string_match(**kind)}
    if invert:
        matcher["invert_match"] = True
    return matcher


def absent(name: str) -> Json:
    """A HeaderMatcher for requests without ``name``."""
    return {"name": name, "present_match": False}


JWT_NAMESPACE = "envoy.filters.http.jwt_authn"
"""Dynamic metadata namespace of the token filter; the payload is under :data:`JWT_PAYLOAD`."""
JWT_PAYLOAD = "jwt"
KEY_NAMESPACE = "assay"
"""Dynamic metadata namespace of the API-key filter: ``consumer``, ``key``."""
ANSWER_NAMESPACE = "envoy.filters.http.ext_authz"
"""Dynamic metadata namespace that answers of the inspector land in."""
RBAC_NAMESPACE = "envoy.filters.http.rbac"

OPERATION_HEADER = "x-assay-operation"
CALLER_HEADER = "x-assay-caller"
CONSUMER_HEADER = "x-assay-consumer"
SUBJECT_HEADER = "x-assay-subject"
CERTIFICATE_HEADER = "x-assay-certificate-name"
ISSUER_HEADER = "x-assay-issuer"
OBSERVED_LIMIT_HEADER = "x-assay-observed-limit"
OBSERVED_NAMESPACE = "assay.observed"

INSPECTOR_CLUSTER = "assay.inspector"
PROCESSOR_CLUSTER = "assay.processor"


def upstream_cluster(api: str) -> str:
    """Name of the cluster of an API's upstream."""
    return f"upstream/{api}"
