"""What a person signed: a small statement in canonical JSON, in a DSSE envelope, under a key of their own.

The statement says that a person decided something (``kind``) about ``subject``, whose content has this ``digest``. The
same statement lies in a file beside the declaration and in a record of the log; here is what both have in common.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from assay.domain import AssayError
from assay.evidence.canonical import canonical, is_canonical
from assay.evidence.checkpoint import verifies
from assay.evidence.envelope import pae
from assay.evidence.record import Kind, Record

PAYLOAD_TYPE = "urn:assay:decision:v1"
"""A type of its own, so that no signature of a decision is taken for one of something else."""

KINDS = ("exception-request", "exception-approval", "mapping-review", "policy-approval", "withdrawal")
"""What can be decided. ``withdrawal`` takes back every earlier decision on its subject."""

TIME = "%Y-%m-%dT%H:%M:%SZ"
_BLOB = (11).to_bytes(4, "big") + b"ssh-ed25519" + (32).to_bytes(4, "big")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_LONGEST = 2000


class Stated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision as it is signed.

    Attributes:
        kind: one of :data:`KINDS`. subject: what it is about, such as ``exceptions.crm-owner``.
        digest: SHA-256 of the content that was decided on, in hexadecimal.
        organisation: whose declaration it is for; the same words elsewhere are not decided by it.
        person: who, by the id under ``people``. reason: why. time: when, in UTC, to the second (RFC 3339).
    """

    kind: str
    subject: str
    digest: str
    organisation: str
    person: str
    reason: str
    time: str

    @property
    def at(self) -> datetime:
        """When it was signed, by the signer's word."""
        return datetime.strptime(self.time, TIME).replace(tzinfo=UTC)

    @property
    def payload(self) -> bytes:
        """The bytes that are signed, before the pre-authentication encoding."""
        return canonical(msgspec.to_builtins(self))


def fault(stated: Stated) -> str:
    """What is wrong with the form of a statement; empty when nothing is."""
    if stated.kind not in KINDS:
        return f"`{stated.kind[:40]}` is no kind of decision"
    if not _DIGEST.fullmatch(stated.digest):
        return "its digest is not 64 hexadecimal digits"
    if not stated.subject or not stated.person or len(stated.subject) > _LONGEST or len(stated.reason) > _LONGEST:
        return "it lacks a subject or a person, or is too long"
    try:
        if not _TIME.fullmatch(stated.time):
            raise ValueError
        _ = stated.at
    except ValueError:
        return "its time is not written as 2026-11-22T12:00:00Z"
    return ""


def fingerprint(public: bytes) -> str:
    """The name of an Ed25519 key as ``ssh-keygen -l`` prints it: ``SHA256:`` and unpadded base64."""
    return f"SHA256:{base64.b64encode(hashlib.sha256(_BLOB + public).digest()).decode().rstrip('=')}"


def signed_bytes(stated: Stated) -> bytes:
    """What the signature covers: the pre-authentication encoding of the payload."""
    return pae(stated.payload, PAYLOAD_TYPE)


def envelope(stated: Stated, keyid: str, signature: bytes) -> dict[str, Any]:
    """The decision as a DSSE envelope for any tool that reads these."""
    return {
        "payload": base64.b64encode(stated.payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": keyid, "sig": base64.b64encode(signature).decode()}],
    }


def record_of(stated: Stated, public: bytes, signature: bytes, *, sentence: str, declaration: str) -> Record:
    """The record that keeps a decision in the log: the envelope, and the public key that it was signed with."""
    return Record(
        kind=Kind.DECISION,
        subject=stated.subject,
        identity=stated.person,
        sentence=sentence,
        declaration=declaration,
        details={
            "envelope": envelope(stated, fingerprint(public), signature),
            "key": base64.b64encode(public).decode(),
        },
    )


def opened(record: Record) -> tuple[Stated, bytes, bytes]:
    """Statement, public key and signature of a decision's record, the signature verified.

    Whether the key is that person's is not said by the log; the declaration says whose keys are whose.

    Raises:
        AssayError: it is no decision in its one form, or the key in it did not sign it.
    """
    details = record.details
    try:
        if set(details) != {"envelope", "key"} or set(details["envelope"]) != {"payload", "payloadType", "signatures"}:
            raise ValueError
        inner = details["envelope"]
        (one,) = inner["signatures"]
        if set(one) != {"keyid", "sig"} or inner["payloadType"] != PAYLOAD_TYPE:
            raise ValueError
        public, payload, signature = _b64(details["key"]), _b64(inner["payload"]), _b64(one["sig"])
        if len(public) != 32 or len(signature) != 64 or not is_canonical(payload):
            raise ValueError
        stated = msgspec.json.decode(payload, type=Stated)
    except (msgspec.MsgspecError, TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise AssayError("it holds no decision as one is written") from error
    wrong = fault(stated)
    if wrong:
        raise AssayError(f"it holds no decision as one is written: {wrong}")
    if (record.subject, record.identity) != (stated.subject, stated.person) or one["keyid"] != fingerprint(public):
        raise AssayError("the record and the decision in it name different things")
    if not verifies(public, signature, pae(payload, PAYLOAD_TYPE)):
        raise AssayError("the person's key did not sign the decision in it")
    return stated, public, signature


def _b64(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError
    try:
        data = base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError from error
    if base64.b64encode(data).decode() != text:
        raise ValueError
    return data
