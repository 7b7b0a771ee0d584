"""Between Envoy's protocol buffers and the processor's own words (ext_proc v3)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from envoy.config.core.v3 import base_pb2
from envoy.extensions.filters.http.ext_proc.v3 import processing_mode_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from envoy.type.v3 import http_status_pb2

from assay.gateway.processor.callers import Introspected, Proofs
from assay.gateway.processor.exchange import HEADERS_READ, BodyMode, Modes, Step
from assay.gateway.processor.problems import MEDIA_TYPE
from assay.gateway.processor.protobuf import MalformedError, field, opened, unopened, whole

METADATA = "assay.processor"
"""Dynamic metadata that the processor writes; Envoy must list it in ``metadata_options.receiving_namespaces``."""

FILTER = "envoy.filters.http.ext_proc"
ROUTE_NAME = "xds.route_name"
"""The request attribute that names the operation. Clients cannot set it, unlike a header."""

JWT_METADATA = ("envoy.filters.http.jwt_authn", "jwt")
INTROSPECTION_METADATA = "envoy.filters.http.ext_authz"
ASSAY_METADATA = "assay"
CERTIFICATE_HEADER = "x-assay-certificate-name"
FORWARDED_NAMESPACES = (JWT_METADATA[0], INTROSPECTION_METADATA, ASSAY_METADATA)
"""What Envoy must list in ``metadata_options.forwarding_namespaces``."""

FORWARD_RULES = {
    "allowed_headers": {"patterns": [{"exact": name} for name in sorted(HEADERS_READ | {CERTIFICATE_HEADER})]}
}
"""For Envoy's ``forward_rules``: the headers that are read here, so that no others are sent."""

_WANTED = HEADERS_READ | {CERTIFICATE_HEADER}
_Mode = processing_mode_pb2.ProcessingMode
_BODY_MODES: dict[BodyMode, int] = {
    "none": _Mode.NONE,
    "buffered": _Mode.BUFFERED,
    "partial": _Mode.BUFFERED_PARTIAL,
}
_OVERWRITE = base_pb2.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
_REPLACE = ext_proc.CommonResponse.CONTINUE_AND_REPLACE


def _numbers(message: Any) -> dict[str, int]:
    return {one.name: one.number for one in message.DESCRIPTOR.fields}


_ATTRIBUTES: Final = _numbers(ext_proc.ProcessingRequest)["attributes"]
_ANSWERED: Final = _numbers(ext_proc.ProcessingResponse)
_COMMON: Final = _numbers(ext_proc.BodyResponse)["response"]
"""The same number in ``HeadersResponse``."""
_BODY_MUTATION: Final = _numbers(ext_proc.CommonResponse)["body_mutation"]
_NEW_BODY: Final = _numbers(ext_proc.BodyMutation)["body"]
_REPLACED: Final = ext_proc.CommonResponse(status=_REPLACE).SerializeToString()
_Asked: Final = unopened(ext_proc.ProcessingRequest)


class Asked(NamedTuple):
    """One ``ProcessingRequest``: its kind (the name of its ``oneof`` field) and the bytes of its parts.

    ``attributes`` are those of a request; they come with its headers.
    """

    kind: str
    content: bytes
    metadata: bytes
    attributes: tuple[bytes, ...]


def asked_of(message: bytes) -> Asked:
    """The parts of a ``ProcessingRequest``; none of them is read yet.

    Raises:
        MalformedError: it is none, or has not exactly one content.
    """
    request = whole(_Asked, message)
    kind = request.WhichOneof("request")
    if kind is None:
        raise MalformedError("A message has no content that is known.")
    attributes = tuple(request.attributes) if kind == "request_headers" else ()
    return Asked(kind, getattr(request, kind), request.metadata_context, attributes)


def headers_of(content: bytes) -> tuple[dict[str, str], bool]:
    """The headers we read from an ``HttpHeaders``, and whether nothing follows them.

    Repeated ones are joined as RFC 9110 §5.3 says.

    Raises:
        MalformedError: it is none.
    """
    message: Any = opened(ext_proc.HttpHeaders, content)
    found: dict[str, str] = {}
    for header in message.headers.headers:
        name = header.key
        if name in _WANTED:
            raw = header.raw_value
            value = raw.decode("utf-8", "replace") if raw else header.value
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found, message.end_of_stream


def body_of(content: bytes) -> bytes:
    """The bytes of an ``HttpBody``.

    Raises:
        MalformedError: it is none.
    """
    message: Any = opened(ext_proc.HttpBody, content)
    return bytes(message.body)


@functools.lru_cache(maxsize=4096)
def operation_of(attributes: tuple[bytes, ...]) -> str:
    """The name of the matched route, or an empty string when Envoy did not send it.

    Remembered, since there are as many as routes: nothing of a request is in it.
    """
    serialised = b"".join(field(_ATTRIBUTES, one) for one in attributes)
    found: Any = ext_proc.ProcessingRequest.FromString(serialised).attributes
    if FILTER not in found:
        return ""
    fields = found[FILTER].fields
    return str(fields[ROUTE_NAME].string_value) if ROUTE_NAME in fields else ""


def proofs_of(verified: Any, headers: Mapping[str, str], claims: frozenset[str]) -> Proofs:
    """What Envoy verified about a request: ``verified`` is its ``Metadata``, ``claims`` are the token's outermost
    claims that anybody will read.

    The certificate's name comes from the ``assay`` metadata, else from a header that Envoy must overwrite or remove on
    every request.
    """
    metadata = verified.filter_metadata
    assay = metadata[ASSAY_METADATA].fields if ASSAY_METADATA in metadata else {}
    return Proofs(
        token=_token(metadata, claims),
        introspected=_introspected(metadata),
        key_consumer=_string(assay, "consumer"),
        certificate=_string(assay, "certificate") or headers.get(CERTIFICATE_HEADER),
    )


def response_of(kind: str, step: Step) -> bytes:
    """The ``ProcessingResponse`` to a message of ``kind``."""
    if step.refusal is not None:
        answer = ext_proc.ProcessingResponse(immediate_response=_immediate(step))
        return bytes(answer.SerializeToString()) + _reported(step)
    if step.body is None and step.report is None and not _has_path(step):
        return _constant(kind, step)
    return _written(kind, step)


@functools.lru_cache(maxsize=1024)
def _constant(kind: str, step: Step) -> bytes:
    """The same few steps come again and again: what operations ask of Envoy for the callers they have."""
    return _written(kind, step)


def _written(kind: str, step: Step) -> bytes:
    """Serialised messages that stand one after the other are one message with the fields of all."""
    common = _REPLACED if step.replace else b""
    if step.set_headers or step.remove_headers:
        mutation = _mutation.__wrapped__ if _has_path(step) else _mutation
        common += mutation(step.set_headers, step.remove_headers)
    if step.body is not None:
        common += field(_BODY_MUTATION, field(_NEW_BODY, step.body))
    answer = field(_ANSWERED[kind], field(_COMMON, common) if common else b"")
    if step.modes is not None:
        answer += _modes(step.modes)
    return answer + _reported(step)


def _has_path(step: Step) -> bool:
    return bool(step.set_headers) and step.set_headers[0][0] == ":path"


@functools.lru_cache(maxsize=1024)
def _mutation(set_headers: tuple[tuple[str, str], ...], remove_headers: tuple[str, ...]) -> bytes:
    common = ext_proc.CommonResponse()
    for name, value in set_headers:
        common.header_mutation.set_headers.append(_header(name, value))
    common.header_mutation.remove_headers.extend(remove_headers)
    return bytes(common.SerializeToString())


def _immediate(step: Step) -> Any:
    refusal = step.refusal
    assert refusal is not None  # noqa: S101  # the caller has just looked
    immediate = ext_proc.ImmediateResponse(
        status=http_status_pb2.HttpStatus(code=refusal.status), body=refusal.body(), details=refusal.policy
    )
    immediate.headers.set_headers.append(_header("content-type", MEDIA_TYPE))
    return immediate


def _header(name: str, value: str) -> Any:
    return base_pb2.HeaderValueOption(
        header=base_pb2.HeaderValue(key=name, raw_value=value.encode()), append_action=_OVERWRITE
    )


@functools.lru_cache(maxsize=64)
def _modes(modes: Modes) -> bytes:
    mode = _Mode(
        request_body_mode=_BODY_MODES[modes.request_body],
        response_header_mode=_Mode.SEND if modes.response_headers else _Mode.SKIP,
        response_body_mode=_BODY_MODES[modes.response_body],
        request_trailer_mode=_Mode.SKIP,
        response_trailer_mode=_Mode.SKIP,
    )
    return bytes(ext_proc.ProcessingResponse(mode_override=mode).SerializeToString())


Frozen = tuple[tuple[str, str | tuple[tuple[str, int], ...]], ...]


def _reported(step: Step) -> bytes:
    if step.report is None:
        return b""
    return _metadata(
        tuple(
            [
                (name, tuple(value.items()) if isinstance(value, dict) else str(value))
                for name, value in step.report.items()
            ]
        )
    )


@functools.lru_cache(maxsize=1024)
def _metadata(report: Frozen) -> bytes:
    """The report as dynamic metadata. Single records of an operation all have the same one."""
    response = ext_proc.ProcessingResponse()
    struct = response.dynamic_metadata.fields[METADATA].struct_value
    for name, value in report:
        if isinstance(value, str):
            struct.fields[name].string_value = value
        else:
            inner = struct.fields[name].struct_value.fields
            for key, count in value:
                inner[key].number_value = count
    return bytes(response.SerializeToString())


def _token(metadata: Any, claims: frozenset[str]) -> dict[str, object] | None:
    namespace, key = JWT_METADATA
    if namespace not in metadata or key not in metadata[namespace].fields:
        return None
    fields = metadata[namespace].fields[key].struct_value.fields
    return {name: _plain(fields[name]) for name in claims if name in fields}


def _introspected(metadata: Any) -> Introspected | None:
    if INTROSPECTION_METADATA not in metadata:
        return None
    fields = metadata[INTROSPECTION_METADATA].fields
    client = _string(fields, "x-assay-client")
    if client is None:
        return None
    roles = tuple(role for role in (_string(fields, "x-assay-roles") or "").split(",") if role)
    return Introspected(client, roles, _string(fields, "x-assay-issuer"))


def _string(fields: Any, name: str) -> str | None:
    return (fields[name].string_value or None) if name in fields else None


def _plain(value: Any) -> object:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return {name: _plain(member) for name, member in value.struct_value.fields.items()}
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)
