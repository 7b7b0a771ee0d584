"""Who may call what, on which objects: deny by default, each access rule a named policy.

The name of the rule that let a call pass stands in the access log, so that every line is evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from assay.gateway import ir
from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy import cel
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.principals import ANYBODY, all_of, any_of, is_caller, scopes_granted
from assay.gateway.envoy.types import JWT_NAMESPACE, JWT_PAYLOAD, Json, http_filter

NAME = "assay.access"
Alternatives = tuple[tuple[ir.Proof, ...], ...]
_NOBODY: Json = {"action": "ALLOW", "policies": {}}


def _principal(view: View, operation: OperationPolicy, rule: ir.AccessRule) -> Json:
    """Any accepted way for any consumer in the rule's roles to prove itself."""
    alternatives = operation.authentication.alternatives if operation.authentication else ()
    asked = alternatives, rule.roles, rule.scopes, bool(rule.owns)
    return view.once((NAME, *asked), lambda: _anybody(view, *asked))


def _anybody(
    view: View, alternatives: Alternatives, wanted: tuple[str, ...], scopes: tuple[str, ...], owns: bool
) -> Json:
    ways = []
    for alternative in alternatives:
        if (owns or scopes) and not any(p.kind == "token" for p in alternative):
            continue  # ownership and scopes are claims, so they need a token
        demands = [
            scopes_granted((*proof.scopes, *scopes), view.issuers[proof.issuer])
            for proof in alternative
            if proof.kind == "token" and proof.issuer in view.issuers
        ]
        people = []
        for caller in view.policy.callers:
            roles = sorted(set(caller.roles) & set(wanted))
            if not roles or (owns and caller.opaque):
                continue
            parts = [is_caller(caller, proof, view.issuers, roles) for proof in alternative]
            if parts and None not in parts:
                people.append(all_of(p for p in parts if p))
        if people:
            ways.append(all_of([any_of(people), *demands]))
    return any_of(ways)


def _segment(template: str, parameter: str) -> tuple[int, str, str]:
    """Which segment of the path (counted after splitting at ``/``) holds the parameter, and the text around it."""
    marker = "{" + parameter + "}"
    for number, segment in enumerate(template.split("/")):
        if marker in segment:
            before, _, after = segment.partition(marker)
            if re.search(r"[{}]", before + after):
                break
            return number, before, after
    raise LookupError(parameter)


def owned(route: ir.Route, owns: Iterable[ir.Ownership]) -> Json:
    """The path's object ids equal the token's claims, exactly: no decoding, no patterns, nothing to inject into."""
    tree = cel.Tree()
    terms = []
    for ownership in owns:
        number, before, after = _segment(route.public_base + route.template, ownership.parameter)
        path = tree.select(tree.identifier("request"), "url_path")
        segment = tree.index(tree.call("split", tree.text("/"), target=path), tree.number(number))
        claim = tree.select(tree.identifier("metadata"), "filter_metadata")
        for key in (JWT_NAMESPACE, JWT_PAYLOAD, *ownership.claim):
            claim = tree.index(claim, tree.text(key))
        if before:
            claim = tree.call("_+_", tree.text(before), claim)
        if after:
            claim = tree.call("_+_", claim, tree.text(after))
        terms.append(tree.equal(segment, claim))
    return tree.every(*terms)


def _policy(view: View, operation: OperationPolicy, rule: ir.AccessRule) -> Json:
    anonymous = not rule.roles
    principal = ANYBODY if anonymous else _principal(view, operation, rule)
    policy: Json = {"permissions": [{"any": True}], "principals": [principal]}
    if rule.owns:
        policy["condition"] = owned(operation.route, rule.owns)
        policy["cel_config"] = cel.STRING_FUNCTIONS
    return policy


def _listener(view: View) -> Json | None:
    return http_filter("rbac.v3.RBAC", rules=_NOBODY)


def _route(view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    rules: Json = {"action": "ALLOW", "policies": {r.name: _policy(view, operation, r) for r in operation.access}}
    observed = bool(operation.access) and all(r.mode is ir.Mode.OBSERVE for r in operation.access)
    rbac: Json = {
        "shadow_rules" if observed else "rules": rules,
        "rules_stat_prefix": "access_",
        "shadow_rules_stat_prefix": "access_",
    }
    return http_filter("rbac.v3.RBACPerRoute", rbac=rbac)


FILTER = Filter(NAME, Slot.AUTHORISATION, _listener, route=_route, off_by_default=False)
