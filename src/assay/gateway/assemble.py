"""Fits the pieces together: from what the controls asked, one policy per operation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from assay.domain import IncompleteError
from assay.gateway import ir

P = TypeVar("P", bound=ir.Piece)


@dataclass(frozen=True, slots=True)
class OperationPolicy:
    """Everything that applies to one operation."""

    route: ir.Route
    upstream: ir.Upstream
    authentication: ir.Authentication | None
    access: tuple[ir.AccessRule, ...]
    size: ir.SizeLimit | None
    inspection: ir.Inspection | None
    encryption: tuple[ir.FieldEncryption, ...]
    masking: ir.Masking | None

    @property
    def id(self) -> str:
        """``API/OPERATION``: the route's name in the gateway and in every log line."""
        return f"{self.route.api}/{self.route.operation}"


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole gateway. ``pieces`` is everything, sorted; the other members are views of it."""

    pieces: tuple[ir.AnyPiece, ...]
    listener: ir.Listener
    operations: tuple[OperationPolicy, ...]
    upstreams: tuple[ir.Upstream, ...]
    issuers: tuple[ir.TokenIssuer, ...]
    callers: tuple[ir.Caller, ...]
    limits: tuple[ir.Limit, ...]
    networks: tuple[ir.NetworkRule, ...]
    admissions: tuple[ir.Admission, ...]
    libraries: tuple[ir.SchemaLibrary, ...]
    errors: tuple[ir.ErrorMasking, ...]
    headers: tuple[ir.ResponseHeaders, ...]
    lifecycles: Mapping[str, ir.Lifecycle]
    retired: tuple[ir.Retired, ...]
    log: ir.AccessLog

    @property
    def digest(self) -> str:
        """SHA-256 of the policy, in hexadecimal; independent of where it was written."""
        return hashlib.sha256(_ENCODER.encode([msgspec.structs.replace(p, source="") for p in self.pieces])).hexdigest()


_ENCODER = msgspec.json.Encoder(order="sorted")
_DECODER = msgspec.json.Decoder(tuple[ir.AnyPiece, ...])


def encode(policy: Policy) -> bytes:
    """The policy's pieces as canonical JSON, to store beside the configuration it was compiled to."""
    return _ENCODER.encode(policy.pieces)


def decode(data: bytes) -> Policy:
    """Reads back what :func:`encode` wrote.

    Raises:
        IncompleteError: the bytes are not a stored policy.
    """
    try:
        return assemble(_DECODER.decode(data))
    except msgspec.MsgspecError as error:
        raise IncompleteError(
            f"the stored policy cannot be read: {error}", fix="apply again; the running gateway is not affected"
        ) from error


def identity(piece: ir.AnyPiece) -> tuple[str, ...]:
    """What makes a piece the same piece in two policies: its kind and whatever names it."""
    names = ("api", "operation", "name", "issuer", "consumer", "keyset")
    skip = ("issuer",) if isinstance(piece, ir.Caller) else ()
    parts = (getattr(piece, n, None) for n in names if n not in skip)
    return (type(piece).__name__, *(p or "" for p in parts))


def assemble(pieces: Iterable[ir.AnyPiece]) -> Policy:
    """One policy from the controls' pieces.

    Raises:
        IncompleteError: pieces contradict each other or one that everything needs is missing.
    """
    by_identity: dict[tuple[str, ...], ir.AnyPiece] = {}
    for piece in pieces:
        key = identity(piece)
        if key in by_identity:
            raise IncompleteError(
                f"two controls describe {' '.join(k for k in key if k)}",
                fix="this is a defect of Assay: please report it",
            )
        by_identity[key] = piece
    ordered = tuple(by_identity[k] for k in sorted(by_identity))

    def every(kind: type[P]) -> tuple[P, ...]:
        return tuple(p for p in ordered if isinstance(p, kind))

    upstreams = {u.api: u for u in every(ir.Upstream)}
    grouped: dict[tuple[type[ir.Piece], str, str], list[ir.AnyPiece]] = {}
    for piece in ordered:
        operation = getattr(piece, "operation", None)
        if isinstance(operation, str):
            grouped.setdefault((type(piece), piece.api, operation), []).append(piece)  # type: ignore[union-attr]

    def of(kind: type[P], route: ir.Route) -> tuple[P, ...]:
        return tuple(grouped.get((kind, route.api, route.operation), ()))  # type: ignore[arg-type]

    def one(kind: type[P], route: ir.Route) -> P | None:
        return next(iter(of(kind, route)), None)

    operations = []
    for route in sorted(every(ir.Route), key=lambda r: (r.order, r.api, r.template, r.method)):
        if route.api not in upstreams:
            raise IncompleteError(
                f"API {route.api} has routes but no upstream", fix="this is a defect of Assay: please report it"
            )
        operations.append(
            OperationPolicy(
                route=route,
                upstream=upstreams[route.api],
                authentication=one(ir.Authentication, route),
                access=of(ir.AccessRule, route),
                size=one(ir.SizeLimit, route),
                inspection=one(ir.Inspection, route),
                encryption=of(ir.FieldEncryption, route),
                masking=one(ir.Masking, route),
            )
        )
    listeners, logs = every(ir.Listener), every(ir.AccessLog)
    if len(listeners) != 1 or len(logs) != 1:
        raise IncompleteError(
            "a gateway has exactly one listener and one access log", fix="this is a defect of Assay: please report it"
        )
    return Policy(
        pieces=ordered,
        listener=listeners[0],
        operations=tuple(operations),
        upstreams=tuple(upstreams.values()),
        issuers=every(ir.TokenIssuer),
        callers=every(ir.Caller),
        limits=every(ir.Limit),
        networks=every(ir.NetworkRule),
        admissions=every(ir.Admission),
        libraries=every(ir.SchemaLibrary),
        errors=every(ir.ErrorMasking),
        headers=every(ir.ResponseHeaders),
        lifecycles={p.api: p for p in every(ir.Lifecycle)},
        retired=every(ir.Retired),
        log=logs[0],
    )
