"""Between Envoy's protocol buffers and the processor's own words (ext_proc v3)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from envoy.config.core.v3 import base_pb2
from envoy.extensions.filters.http.ext_proc.v3 import processing_mode_pb2
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from envoy.type.v3 import http_status_pb2
from google.protobuf import struct_pb2

from assay.gateway.processor.callers import Introspected, Proofs
from assay.gateway.processor.exchange import HEADERS_READ, BodyMode, Modes, Step
from assay.gateway.processor.problems import MEDIA_TYPE

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

_CONTINUE = {
    "request_headers": ext_proc.ProcessingResponse(request_headers=ext_proc.HeadersResponse()),
    "request_body": ext_proc.ProcessingResponse(request_body=ext_proc.BodyResponse()),
    "response_headers": ext_proc.ProcessingResponse(response_headers=ext_proc.HeadersResponse()),
    "response_body": ext_proc.ProcessingResponse(response_body=ext_proc.BodyResponse()),
    "request_trailers": ext_proc.ProcessingResponse(request_trailers=ext_proc.TrailersResponse()),
    "response_trailers": ext_proc.ProcessingResponse(response_trailers=ext_proc.TrailersResponse()),
}


def headers_of(message: Any) -> dict[str, str]:
    """The headers we read from an ``HttpHeaders``; repeated ones joined as RFC 9110 §5.3 says."""
    found: dict[str, str] = {}
    for header in message.headers.headers:
        name = header.key
        if name in _WANTED:
            value = header.raw_value.decode("utf-8", "replace") if header.raw_value else header.value
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def operation_of(request: Any) -> str:
    """The name of the matched route, or an empty string when Envoy did not send it."""
    if FILTER not in request.attributes:
        return ""
    fields = request.attributes[FILTER].fields
    return str(fields[ROUTE_NAME].string_value) if ROUTE_NAME in fields else ""


def proofs_of(request: Any, headers: Mapping[str, str], claims: frozenset[str]) -> Proofs:
    """What Envoy verified about a request. ``claims`` are the token's outermost claims that anybody will read.

    The certificate's name comes from the ``assay`` metadata, else from a header that Envoy must overwrite or remove on
    every request.
    """
    metadata = request.metadata_context.filter_metadata
    assay = metadata[ASSAY_METADATA].fields if ASSAY_METADATA in metadata else {}
    return Proofs(
        token=_token(metadata, claims),
        introspected=_introspected(metadata),
        key_consumer=_string(assay, "consumer"),
        certificate=_string(assay, "certificate") or headers.get(CERTIFICATE_HEADER),
    )


def response_of(kind: str, step: Step) -> Any:
    """The answer to a message of ``kind`` (the name of the request's ``oneof`` field)."""
    if step.body is None and step.refusal is None and step.report is None and not _has_path(step):
        return _constant(kind, step)
    return _build(kind, step)


@functools.lru_cache(maxsize=1024)
def _constant(kind: str, step: Step) -> Any:
    """The same few steps come again and again: what operations ask of Envoy for the callers they have."""
    return _build(kind, step)


def _has_path(step: Step) -> bool:
    return bool(step.set_headers) and step.set_headers[0][0] == ":path"


def _build(kind: str, step: Step) -> Any:
    if step.refusal is not None:
        response = ext_proc.ProcessingResponse(immediate_response=_immediate(step))
    elif step.set_headers or step.remove_headers or step.body is not None:
        response = ext_proc.ProcessingResponse()
        _fill(getattr(response, kind).response, step)
    elif step.modes is None and step.report is None:
        return _CONTINUE[kind]
    else:
        response = ext_proc.ProcessingResponse()
        response.CopyFrom(_CONTINUE[kind])
    if step.modes is not None:
        response.mode_override.CopyFrom(_modes(step.modes))
    if step.report is not None:
        response.dynamic_metadata.fields[METADATA].struct_value.CopyFrom(_struct(_frozen(step.report)))
    return response


def _fill(common: Any, step: Step) -> None:
    if step.replace:
        common.status = _REPLACE
    if step.body is not None:
        common.body_mutation.body = step.body
    for name, value in step.set_headers:
        common.header_mutation.set_headers.append(_header(name, value))
    common.header_mutation.remove_headers.extend(step.remove_headers)


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


def _modes(modes: Modes) -> Any:
    return _Mode(
        request_body_mode=_BODY_MODES[modes.request_body],
        response_header_mode=_Mode.SEND if modes.response_headers else _Mode.SKIP,
        response_body_mode=_BODY_MODES[modes.response_body],
        request_trailer_mode=_Mode.SKIP,
        response_trailer_mode=_Mode.SKIP,
    )


Frozen = tuple[tuple[str, str | tuple[tuple[str, int], ...]], ...]


def _frozen(report: Mapping[str, object]) -> Frozen:
    return tuple(
        (name, tuple(value.items()) if isinstance(value, Mapping) else str(value)) for name, value in report.items()
    )


@functools.lru_cache(maxsize=1024)
def _struct(report: Frozen) -> Any:
    """The report as a ``Struct``. Single records of an operation all have the same one."""
    struct = struct_pb2.Struct()
    for name, value in report:
        if isinstance(value, str):
            struct.fields[name].string_value = value
        else:
            inner = struct.fields[name].struct_value.fields
            for key, count in value:
                inner[key].number_value = count
    return struct


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
