"""Headers that services like to believe and clients like to write: what never passes from outside."""

from __future__ import annotations

import re
from collections.abc import Iterable

from assay.gateway.envoy.filters.base import View
from assay.gateway.envoy.types import Json, string_match, typed

SPOOFABLE = (
    "cf-connecting-ip",
    "forwarded",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded-client-cert",
    "x-forwarded-host",
    "x-forwarded-prefix",
    "x-forwarded-server",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
)
"""Another address, path or method than the real one. They never pass.

Method overrides are silently removed: an upstream that honours them sees the real method only.
"""

UNPROVEN = (
    "client-ip",
    "fastly-client-ip",
    "front-end-https",
    "proxy",
    "proxy-client-ip",
    "remote-user",
    "wl-proxy-client-ip",
    "x-auth-request-email",
    "x-auth-request-groups",
    "x-auth-request-user",
    "x-authenticated-user",
    "x-authenticated-userid",
    "x-azure-clientip",
    "x-forwarded-access-token",
    "x-forwarded-by",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-path",
    "x-forwarded-preferred-username",
    "x-forwarded-scheme",
    "x-forwarded-ssl",
    "x-forwarded-uri",
    "x-forwarded-user",
    "x-host",
    "x-original-forwarded-for",
    "x-original-host",
    "x-originating-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-remote-user",
    "x-scheme",
    "x-url-scheme",
    "x-user",
    "x-user-email",
    "x-user-id",
    "x-user-roles",
    "x-username",
    "x-webauth-user",
)
"""What proxies in front of services say of callers. They pass only where a contract names them as parameters."""

_ADDRESSES = ("x-forwarded-for", "x-forwarded-port")
"""Written by the hops in front of the gateway. Where none is declared, only the client can have written them."""


def declared_headers(view: View) -> frozenset[str]:
    """Every header that some contract names as a parameter, in lower case."""
    return frozenset(
        parameter.name.lower()
        for operation in view.policy.operations
        if operation.inspection
        for parameter in operation.inspection.parameters
        if parameter.location == "header"
    )


def removed(view: View) -> tuple[str, ...]:
    """The names that are removed from every request before anything else looks at it."""
    names = {*SPOOFABLE, *(UNPROVEN if view.policy.listener.trusted_hops else (*UNPROVEN, *_ADDRESSES))}
    kept = (declared_headers(view) - {*SPOOFABLE, *_ADDRESSES}) | {*view.key_headers}
    return tuple(sorted(names - kept))


def underscores(view: View) -> str:
    """Upstreams may read `a_b` as `a-b`; refused, unless a contract's own header is written so."""
    return "ALLOW" if any("_" in name for name in (*view.key_headers, *declared_headers(view))) else "REJECT_REQUEST"


def _expression(names: Iterable[str], prefixes: Iterable[str]) -> str:
    """One expression for all names, so that a request's headers are gone through once; `_` for `-` is the same name."""
    either = [re.escape(name).replace(r"\-", "[-_]") for name in names]
    return "|".join([*either, *(re.escape(prefix).replace(r"\-", "[-_]") + ".*" for prefix in prefixes)])


def early(view: View) -> list[Json]:
    """HttpConnectionManager.early_header_mutation_extensions."""
    expression = _expression(removed(view), ("x-assay-", "x-envoy-"))
    mutation = {"remove_on_match": {"key_matcher": string_match(safe_regex=expression)}}
    return [
        {
            "name": "envoy.http.early_header_mutation.header_mutation",
            "typed_config": typed(
                "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation", mutations=[mutation]
            ),
        }
    ]
