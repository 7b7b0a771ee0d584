"""What is kept of a verdict, a configuration, a run, a key, an erasure, a decision: one record, one in-toto Statement.

A record is given to :class:`assay.evidence.ledger.Ledger`, which stamps it: ``id``, ``seq``, ``time``, ``origin``,
``run`` and ``blobs`` are the ledger's to fill. On disk a record is the predicate of an in-toto Statement of version 1,
in canonical JSON (RFC 8785), so that the same record is always the same bytes.

Identifiers are ULIDs: 48 bits of milliseconds and 80 random bits in Crockford's base 32, sorted by time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from assay.domain import AssayError, IncompleteError, Outcome
from assay.evidence.canonical import canonical

STATEMENT = "https://in-toto.io/Statement/v1"
"""The type of the outer object (in-toto attestation framework, Statement v1)."""
PREDICATE = "urn:assay:evidence:v1"
"""The type of what is inside."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CONFIGURATION = re.compile(r"[0-9a-f]{8,128}")
_LONGEST = 1 << 20


class Kind(StrEnum):
    """What a record speaks about."""

    VERDICT = "verdict"
    CONFIGURATION = "configuration"
    RUN = "run"
    KEY = "key"
    ERASURE = "erasure"
    DECISION = "decision"


class Method(StrEnum):
    """How something was found out (the assessment methods of NIST SP 800-53A)."""

    EXAMINE = "examine"
    INTERVIEW = "interview"
    TEST = "test"


class BlobRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An attachment, without any of its content.

    Attributes:
        name: what it is, such as ``exchange``. media: its media type.
        commitment: SHA-256 of a secret 32-byte salt and the content, in hexadecimal.
        sealed: SHA-256 of the encrypted bytes as they are stored.
        at, size: where these lie in the run's file, in bytes.
    """

    name: str
    media: str
    commitment: str
    sealed: str
    at: int
    size: int


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One piece of evidence.

    Attributes:
        kind: what it speaks about.
        subject: route into the declaration, such as ``apis.customer-data.operations.getCustomer``.
        control, check, check_version: which check of which control looked.
        method: how. collector: which tool, with its version. identity: as whom, by the declared name.
        outcome: the verdict's outcome. sentence: what was found, for a person.
        population, sample: of how many things, how many were looked at.
        declaration: SHA-256 of the declaration (64 hexadecimal digits). configuration: digest of what was applied.
        expires: when this stops to say anything about the system as it is.
        details: whatever else is needed to judge or repeat it; JSON values only.
        id, seq, time, origin, run, blobs: filled by the ledger (``run`` may be given). ``seq`` is the index in the log.
    """

    kind: Kind
    subject: str
    control: str = ""
    check: str = ""
    check_version: str = ""
    method: Method | None = None
    collector: str = ""
    identity: str = ""
    outcome: Outcome | None = None
    sentence: str = ""
    population: int | None = None
    sample: int | None = None
    declaration: str = ""
    configuration: str = ""
    expires: datetime | None = None
    details: dict[str, Any] = {}
    id: str = ""
    seq: int = -1
    time: datetime | None = None
    origin: str = ""
    run: str = ""
    blobs: tuple[BlobRef, ...] = ()


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The in-toto Statement around a record."""

    type_: str = msgspec.field(name="_type")
    predicate: Record
    predicate_type: str = msgspec.field(name="predicateType")
    subject: list[dict[str, Any]]


_STATEMENT = msgspec.json.Decoder(Statement)


def ulid(at: datetime, entropy: bytes) -> str:
    """An identifier of 26 characters from a time and 10 random bytes."""
    value = int(at.timestamp() * 1000) << 80 | int.from_bytes(entropy[:10], "big")
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def subject_digest(record: Record) -> str:
    """What the in-toto subject is pinned to: the declaration if it is known, else SHA-256 of the subject's name."""
    return record.declaration or hashlib.sha256(record.subject.encode()).hexdigest()


def encode(record: Record) -> bytes:
    """The Statement of a stamped record, in canonical JSON: the payload that is signed.

    Raises:
        AssayError: the record is not complete, or holds something that canonical JSON has no form for.
    """
    _check(record)
    predicate = msgspec.to_builtins(record)
    if record.details:
        # to_builtins would turn what JSON lacks into something else; canonical() refuses it instead.
        predicate["details"] = record.details
    payload = canonical(
        {
            "_type": STATEMENT,
            "predicate": predicate,
            "predicateType": PREDICATE,
            "subject": [{"digest": {"sha256": subject_digest(record)}, "name": record.subject}],
        }
    )
    if len(payload) > _LONGEST:
        raise AssayError(
            f"a record of {len(payload):,} bytes is too long; {_LONGEST:,} is the most",
            fix="put what is long into a blob",
        )
    return payload


def decode(payload: bytes) -> Record:
    """The record in a Statement. Its signature and its place in the log are other questions.

    Raises:
        IncompleteError: it is no Statement of ours.
    """
    try:
        statement = _STATEMENT.decode(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise IncompleteError(f"this is no record of evidence: {error}") from error
    record = statement.predicate
    if statement.type_ != STATEMENT or statement.predicate_type != PREDICATE or not statement.subject:
        raise IncompleteError("this is no record of evidence: its type is another")
    expected = {"digest": {"sha256": subject_digest(record)}, "name": record.subject}
    if statement.subject != [expected]:
        raise IncompleteError("the record and the Statement around it name different subjects")
    return record


def utc(moment: datetime) -> datetime:
    """The moment in UTC. Raises :class:`AssayError` for a time without a zone."""
    if moment.tzinfo is None:
        raise AssayError("a time without a time zone cannot be evidence", fix="pass datetime.now(UTC)")
    return moment.astimezone(UTC)


def _check(record: Record) -> None:
    if not record.subject or not record.id or record.seq < 0 or record.time is None or not record.origin:
        raise AssayError("a record needs a subject, and what the ledger stamps on it")
    if record.declaration and not _DIGEST.fullmatch(record.declaration):
        raise AssayError("the digest of a declaration is 64 hexadecimal digits")
    if record.configuration and not _CONFIGURATION.fullmatch(record.configuration):
        raise AssayError("the digest of a configuration is 8 to 128 hexadecimal digits")
    if record.kind is Kind.DECISION and record.run:
        raise AssayError("a decision belongs to no run")
    if record.kind is Kind.VERDICT and (record.outcome is None or not record.control or not record.check):
        raise AssayError("a verdict needs a control, a check and an outcome")
    utc(record.time)
    if record.expires is not None:
        utc(record.expires)
    if not isinstance(record.details, Mapping):
        raise AssayError("the details of a record are a JSON object")
