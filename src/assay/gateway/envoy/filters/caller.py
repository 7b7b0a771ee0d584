"""Writes down who calls, once it is proven: the key of rate limits, and what the upstream may rely on.

The key of rate limits must be the same wherever somebody calls and whatever they present besides: else each mixture of
credentials, and each operation that accepts another set of them, would come with a fresh allowance. So it is one
identity (the token's, else the key's consumer, else the certificate's name) and says nothing of the others.
"""

from __future__ import annotations

from assay.gateway.assemble import OperationPolicy
from assay.gateway.envoy.filters.base import Filter, View
from assay.gateway.envoy.filters.operation import overwrite
from assay.gateway.envoy.filters.slots import Slot
from assay.gateway.envoy.types import (
    ANSWER_NAMESPACE,
    CALLER_HEADER,
    CERTIFICATE_HEADER,
    CONSUMER_HEADER,
    JWT_NAMESPACE,
    JWT_PAYLOAD,
    KEY_NAMESPACE,
    SUBJECT_HEADER,
    Json,
    http_filter,
)
from assay.gateway.ir import Proof

NAME = "assay.caller"
_CERTIFICATE = "%DOWNSTREAM_PEER_DNS_SAN%"


def _metadata(namespace: str, *path: str) -> str:
    return f"%DYNAMIC_METADATA({':'.join((namespace, *path))})%"


def _alternatives(operation: OperationPolicy) -> tuple[tuple[Proof, ...], ...]:
    return operation.authentication.alternatives if operation.authentication else ()


def _marks(view: View, operation: OperationPolicy) -> tuple[str, str]:
    """Format strings of the consumer's mark and of the subject, for the credentials this operation accepts."""
    proofs = {p.kind: p for a in _alternatives(operation) for p in a}
    consumer, subject = [], []
    token = proofs.get("token")
    issuer = view.issuers.get(token.issuer or "") if token else None
    if issuer:
        consumer.append("client=" + _metadata(JWT_NAMESPACE, JWT_PAYLOAD, *issuer.claims.client))
        subject.append(_metadata(JWT_NAMESPACE, JWT_PAYLOAD, *issuer.claims.subject))
        if issuer.introspection:
            consumer.append("opaque=" + _metadata(ANSWER_NAMESPACE, "x-assay-client"))
            subject.append(_metadata(ANSWER_NAMESPACE, "x-assay-subject"))
    if "key" in proofs:
        consumer.append("key=" + _metadata(KEY_NAMESPACE, "consumer"))
        subject.append(_metadata(KEY_NAMESPACE, "key"))
    if "certificate" in proofs:
        consumer.append("certificate=" + _CERTIFICATE)
    return ";".join(consumer), ";".join(subject)


def _identities(view: View, operation: OperationPolicy) -> list[str]:
    """Format strings of the identities this operation accepts, the one that counts first.

    No text stands between their parts: Envoy leaves out a header without a value, so a caller that has proven nothing
    leaves none behind. The issuer's name keeps a token's client and subject apart, and issuers from each other.
    """
    kinds = {p.kind: p for alternative in _alternatives(operation) for p in alternative}
    found = []
    token = kinds.get("token")
    issuer = view.issuers.get(token.issuer or "") if token else None
    if issuer:
        parts = (issuer.claims.client, ("iss",), issuer.claims.subject)
        found.append("".join(_metadata(JWT_NAMESPACE, JWT_PAYLOAD, *path) for path in parts))
        if issuer.introspection:
            names = ("client", "issuer", "subject")
            found.append("".join(_metadata(ANSWER_NAMESPACE, f"x-assay-{name}") for name in names))
    if "key" in kinds:
        found.append(_metadata(KEY_NAMESPACE, "consumer"))
    if "certificate" in kinds:
        found.append(_CERTIFICATE)
    return found


def _if_absent(name: str, value: str) -> Json:
    return {"append": {"header": {"key": name, "value": value}, "append_action": "ADD_IF_ABSENT"}}


def _listener(_view: View) -> Json | None:
    return http_filter("header_mutation.v3.HeaderMutation")


def _route(view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    consumer, subject = _marks(view, operation)
    mutations = []
    if consumer:
        mutations = [
            overwrite(CONSUMER_HEADER, consumer),
            overwrite(SUBJECT_HEADER, subject or "-"),
            *(_if_absent(CALLER_HEADER, identity) for identity in _identities(view, operation)),
        ]
        if "certificate=" in consumer:
            mutations.append(overwrite(CERTIFICATE_HEADER, _CERTIFICATE))
    return http_filter("header_mutation.v3.HeaderMutationPerRoute", mutations={"request_mutations": mutations})


FILTER = Filter(NAME, Slot.CALLER, _listener, route=_route)


def consumer_pattern(client: str | None, opaque: bool, key: str | None, certificate: str | None) -> str:
    """RE2 expression that finds a consumer in the mark this filter writes."""
    import re

    marks = []
    if client:
        marks.append(("opaque=" if opaque else "client=") + re.escape(client))
    if key:
        marks.append("key=" + re.escape(key))
    if certificate:
        # A certificate may carry several names; Envoy writes them with commas between.
        marks.append("certificate=([^;]*,)?" + re.escape(certificate) + "(,[^;]*)?")
    return "(.*;)?(" + "|".join(marks) + ")(;.*)?"
