"""DSSE: what is signed, and the line that keeps it (Dead Simple Signing Envelope, protocol version 1).

An entry of the log is one line of canonical JSON, ``{"keyid": …, "sig": …, "statement": {…}}``: a DSSE envelope whose
payload lies open, so that a person can read the file. The signed payload is the bytes of ``statement`` as they stand.
"""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assay.domain import IncompleteError
from assay.evidence.canonical import canonical

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MANIFEST_TYPE = "application/vnd.assay.manifest+json"
"""Another type, so that no signature of a record can be taken for one of a manifest."""
_LINE = re.compile(rb'\{"keyid":"([0-9a-f]{16})","sig":"([A-Za-z0-9+/]{86}==)","statement":(\{.*\})\}', re.DOTALL)


class Entry(NamedTuple):
    """An entry taken apart: the id of the key, the signature's 64 bytes, and the payload."""

    keyid: str
    signature: bytes
    payload: bytes

    @property
    def line(self) -> bytes:
        """The entry as it stands in the log, without the newline: what the tree hashes."""
        signature = base64.b64encode(self.signature)
        return b'{"keyid":"%b","sig":"%b","statement":%b}' % (self.keyid.encode(), signature, self.payload)

    @property
    def envelope(self) -> bytes:
        """The entry as a DSSE envelope for any tool that reads these, in canonical JSON."""
        return canonical(
            {
                "payload": base64.b64encode(self.payload).decode(),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"keyid": self.keyid, "sig": base64.b64encode(self.signature).decode()}],
            }
        )


def pae(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """The pre-authentication encoding: the bytes that a DSSE signature covers."""
    return b"DSSEv1 %d %b %d %b" % (len(payload_type), payload_type.encode(), len(payload), payload)


class _Detached(msgspec.Struct):
    keyid: str
    payload_type: str = msgspec.field(name="payloadType")
    sig: str


def detach(payload: bytes, key: Ed25519PrivateKey, keyid: str) -> bytes:
    """The signature of a manifest as a file beside it: a DSSE envelope without the payload."""
    signature = base64.b64encode(key.sign(pae(payload, MANIFEST_TYPE))).decode()
    return canonical({"keyid": keyid, "payloadType": MANIFEST_TYPE, "sig": signature}) + b"\n"


def detached(data: bytes) -> tuple[str, bytes]:
    """The key's id and the signature in a file that :func:`detach` made; neither is verified.

    Raises:
        IncompleteError: it is none.
    """
    try:
        found = msgspec.json.decode(data.decode(), type=_Detached)
        if found.payload_type != MANIFEST_TYPE:
            raise ValueError
        return found.keyid, base64.b64decode(found.sig.encode(), validate=True)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise IncompleteError("this is no signature of a manifest") from error


def seal(payload: bytes, key: Ed25519PrivateKey, keyid: str) -> Entry:
    """The payload, signed."""
    return Entry(keyid, key.sign(pae(payload)), payload)


def parse(line: bytes) -> Entry:
    """Takes a line of the log apart. Whether the signature is good is another question.

    Raises:
        IncompleteError: it is no such line.
    """
    found = _LINE.fullmatch(line)
    if not found:
        raise IncompleteError("a line of the log is not a signed statement")
    keyid, signature, payload = found.groups()
    raw = base64.b64decode(signature)
    if base64.b64encode(raw) != signature:
        raise IncompleteError("a signature is not in canonical base64")
    return Entry(keyid.decode(), raw, payload)
