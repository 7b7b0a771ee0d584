"""Writes down who calls, once it is proven: the key of rate limits, and what the upstream may rely on."""

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

NAME = "assay.caller"
_CERTIFICATE = "%DOWNSTREAM_PEER_DNS_SAN%"


def _metadata(namespace: str, *path: str) -> str:
    return f"%DYNAMIC_METADATA({':'.join((namespace, *path))})%"


def _marks(view: View, operation: OperationPolicy) -> tuple[str, str]:
    """Format strings of the consumer's mark and of the subject, for the credentials this operation accepts."""
    alternatives = operation.authentication.alternatives if operation.authentication else ()
    proofs = {p.kind: p for a in alternatives for p in a}
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


def _listener(_view: View) -> Json | None:
    return http_filter("header_mutation.v3.HeaderMutation")


def _route(view: View, operation: OperationPolicy, _queried: bool) -> Json | None:
    consumer, subject = _marks(view, operation)
    mutations = []
    if consumer:
        mutations = [
            overwrite(CONSUMER_HEADER, consumer),
            overwrite(SUBJECT_HEADER, subject or "-"),
            overwrite(CALLER_HEADER, f"{consumer};{subject}"),
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
        marks.append("certificate=" + re.escape(certificate))
    return "(.*;)?(" + "|".join(marks) + ")(;.*)?"
