"""The part of a policy that the processor needs, as one JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from assay.domain import IncompleteError
from assay.gateway import ir
from assay.gateway.assemble import Policy
from assay.gateway.processor.encryption import Plaintext
from assay.gateway.processor.masking import uses_keyset

VERSION = 2
MASKING_KEYSET = "masking"
"""The keyset of the masking forms ``token``, ``hash`` and ``encrypt``."""


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is done to one operation's bodies."""

    api: str
    encryption: tuple[ir.FieldEncryption, ...] = ()
    masking: ir.Masking | None = None


class Issuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An issuer of tokens: its id, its ``iss``, and where its tokens say what."""

    issuer: str
    url: str
    claims: ir.ClaimNames = ir.ClaimNames()


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Everything the processor knows about policy. ``operations`` are keyed by ``API/OPERATION``, the route's name.

    ``body_bytes`` bounds what is parsed; Envoy's own buffer limit should be lower or equal.
    """

    version: int
    digest: str
    operations: dict[str, Operation] = {}
    callers: tuple[ir.Caller, ...] = ()
    issuers: tuple[Issuer, ...] = ()
    errors: tuple[ir.ErrorMasking, ...] = ()
    plaintext: Plaintext = "pass"
    body_bytes: int = 8 * 1024 * 1024


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A bundle as it is stored: the paths that a contract names for a body stand there once.

    Thousands of operations may answer with the same few schemas; written for each, their paths took gigabytes.
    ``known`` says which of ``paths`` an operation has.
    """

    bundle: Bundle
    paths: tuple[tuple[tuple[str, ...], ...], ...] = ()
    known: dict[str, Annotated[int, msgspec.Meta(ge=0)]] = {}


_ENCODER = msgspec.json.Encoder(order="sorted")
_DECODER = msgspec.json.Decoder(_File)


def _with_known(bundle: Bundle, known: Mapping[str, tuple[tuple[str, ...], ...]]) -> Bundle:
    """The bundle with other known paths for some of its operations."""
    operations = dict(bundle.operations)
    for name, paths in known.items():
        operation = operations[name]
        if operation.masking is not None:
            masking = msgspec.structs.replace(operation.masking, known=paths)
            operations[name] = msgspec.structs.replace(operation, masking=masking)
    return msgspec.structs.replace(bundle, operations=operations)


def build(policy: Policy, *, plaintext: Plaintext = "pass", generic_errors: bool = False) -> Bundle:
    """The bundle of ``policy``; every operation is in it, so that an unknown one is recognised as a mistake.

    ``generic_errors`` makes the processor replace error bodies too. Envoy does that by itself, and a cleared caller's
    response then need not come here at all.
    """
    return Bundle(
        version=VERSION,
        digest=policy.digest,
        operations={
            operation.id: Operation(operation.route.api, operation.encryption, operation.masking)
            for operation in policy.operations
        },
        callers=policy.callers,
        issuers=tuple(Issuer(i.issuer, i.url, i.claims) for i in policy.issuers),
        errors=policy.errors if generic_errors else (),
        plaintext=plaintext,
    )


def needed(bundle: Bundle, operation: str) -> bool:
    """Whether a call of ``operation`` can need the processor at all, whoever calls."""
    found = bundle.operations.get(operation)
    return found is not None and bool(
        found.encryption or found.masking is not None or any(e.api == found.api for e in bundle.errors)
    )


def keyset_names(bundle: Bundle) -> frozenset[str]:
    """The keysets that must exist before this bundle can be enforced."""
    names = {piece.keyset for operation in bundle.operations.values() for piece in operation.encryption}
    if any(o.masking is not None and uses_keyset(o.masking) for o in bundle.operations.values()):
        names.add(MASKING_KEYSET)
    return frozenset(names)


def encode(bundle: Bundle) -> bytes:
    """The bundle as canonical JSON."""
    paths: dict[tuple[tuple[str, ...], ...], int] = {}
    known = {
        name: paths.setdefault(operation.masking.known, len(paths))
        for name, operation in bundle.operations.items()
        if operation.masking is not None and operation.masking.known
    }
    return _ENCODER.encode(_File(_with_known(bundle, dict.fromkeys(known, ())), tuple(paths), known))


def decode(data: bytes) -> Bundle:
    """Read what :func:`encode` wrote.

    Raises:
        IncompleteError: the bytes are no bundle of this version.
    """
    fix = "apply again; the processor keeps the policy it has"
    try:
        stored = _DECODER.decode(data)
        bundle = _with_known(stored.bundle, {name: stored.paths[at] for name, at in stored.known.items()})
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, LookupError) as error:
        raise IncompleteError(f"The processor's bundle cannot be read: {error}.", fix=fix) from error
    if bundle.version != VERSION:
        raise IncompleteError(
            f"The processor's bundle has version {bundle.version}; this release reads version {VERSION}.", fix=fix
        )
    return bundle
