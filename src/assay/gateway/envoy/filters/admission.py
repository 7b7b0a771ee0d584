"""Which consumers an API admits at all: those of a layer that may call it, and of its own environment.

Before access rules, because a role may be had by callers of any layer; who a caller is, is known from its credentials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.consumer_networks import anyhow
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.principals import all_of, any_of, has_certificate, has_key, has_token, negate
from assay.gateway.envoy.types import Json, http_filter

NAME = "assay.admission"


def _these(view: View, consumers: Iterable[str]) -> Json:
    """Any of these consumers, by whichever of its credentials; nobody, where none can be recognised."""
    wanted = set(consumers)
    return any_of(anyhow(caller, view) for caller in view.policy.callers if caller.consumer in wanted)


def _somebody(view: View) -> Json:
    """Whoever has proven anything."""
    return any_of([*(has_token(issuer) for issuer in view.policy.issuers), has_key(), has_certificate()])


def _policies(view: View, pieces: Iterable[ir.Admission]) -> Iterator[tuple[str, Json]]:
    for piece in pieces:
        label = f"{piece.control}/{piece.api}/{piece.name}"
        if piece.only is not None:
            others = negate(_these(view, piece.only))
            refused = all_of([others, _somebody(view)]) if piece.anonymous else others
            yield label, {"permissions": [{"any": True}], "principals": [refused]}
        if piece.never:
            principals = [_these(view, piece.never)]
            yield f"{label}/barred", {"permissions": [{"any": True}], "principals": principals}


def _listener(view: View) -> Json | None:
    return http_filter("rbac.v3.RBAC") if view.policy.admissions else None


def _route(view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    pieces = view.admissions.get(operation.route.api, ())
    fields: Json = {"rules_stat_prefix": "admission_", "shadow_rules_stat_prefix": "admission_"}
    for mode, key in ((ir.Mode.ENFORCE, "rules"), (ir.Mode.OBSERVE, "shadow_rules")):
        policies = dict(_policies(view, (p for p in pieces if p.mode is mode)))
        if policies:
            fields[key] = {"action": "DENY", "policies": policies}
    return http_filter("rbac.v3.RBACPerRoute", rbac=fields) if len(fields) > 2 else None


FILTER = Filter(NAME, Slot.ADMISSION, _listener, route=_route)
