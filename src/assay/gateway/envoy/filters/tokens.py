"""Signed tokens (RFC 7519): signature, issuer, audience, times and lifetime. What they may do is decided later."""

from __future__ import annotations

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters import keys
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import JWT_PAYLOAD, Json, http_filter, seconds

NAME = "envoy.filters.http.jwt_authn"


def _provider(issuer: ir.TokenIssuer, jwks: str) -> Json:
    provider: Json = {
        "issuer": issuer.url,
        "local_jwks": {"inline_string": jwks},
        "payload_in_metadata": JWT_PAYLOAD,
        "failed_status_in_metadata": "failure",
        "require_expiration": True,
        "max_lifetime": seconds(issuer.max_lifetime_seconds),
        "clock_skew_seconds": issuer.clock_skew_seconds,
        "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
        "jwt_cache_config": {"jwt_cache_size": 1000},
    }
    if issuer.audiences:
        provider["audiences"] = list(issuer.audiences)
    return provider


def _keys(view: View, issuer: str) -> str:
    """The issuer's key set, empty when it has none (Envoy takes no set without keys)."""
    found = view.runtime.jwks.get(issuer, "")
    return found if '"kty"' in found else ""


def needed(view: View, operation: OperationPolicy) -> str | None:
    """Name of the requirement of an operation, or None when it accepts no token.

    A tolerant requirement lets a failed token through without its claims, so that the authentication filter decides:
    to observe only, or because a token that is no JWT may still be confirmed by introspection. Without keys of its
    issuer no token can be verified: then none is looked at, none leaves claims behind, and all are refused there.
    """
    authentication = operation.authentication
    if authentication is None:
        return None
    issuers = sorted({p.issuer or "" for a in authentication.alternatives for p in a if p.kind == "token"})
    if not issuers:
        return None
    issuer = issuers[0]
    if issuer not in view.issuers or not _keys(view, issuer):
        return None
    if authentication.mode is ir.Mode.OBSERVE or view.issuers[issuer].introspection:
        return f"tolerant/{issuer}"
    always = all(any(p.kind == "token" for p in a) for a in authentication.alternatives)
    return f"required/{issuer}" if always else f"optional/{issuer}"


def proven(view: View, operation: OperationPolicy) -> bool:
    """Whether whoever gets past this filter has a signed, verified token, and needs to have nothing else."""
    if not (needed(view, operation) or "").startswith("required/"):
        return False
    alternatives = operation.authentication.alternatives if operation.authentication else ()
    return any(len(a) == 1 for a in alternatives)


def _requirement(kind: str, issuer: str) -> Json:
    provider: Json = {"provider_name": issuer}
    if kind == "required":
        return provider
    otherwise: Json = {"allow_missing": {}} if kind == "optional" else {"allow_missing_or_failed": {}}
    return {"requires_any": {"requirements": [provider, otherwise]}}


def _listener(view: View) -> Json | None:
    issuers = view.policy.issuers
    if not issuers:
        return None
    each = (o for operation in view.policy.operations for o in (operation, keys.without(operation)))
    names = sorted({n for o in each if (n := needed(view, o))})
    return http_filter(
        "jwt_authn.v3.JwtAuthentication",
        providers={i.issuer: _provider(i, jwks) for i in issuers if (jwks := _keys(view, i.issuer))},
        requirement_map={n: _requirement(*n.split("/", 1)) for n in names},
    )


def _route(view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    name = needed(view, operation)
    if name is None:
        return None
    return http_filter("jwt_authn.v3.PerRouteConfig", requirement_name=name)


FILTER = Filter(NAME, Slot.TOKEN, _listener, route=_route)
