"""DSSE: what is signed, and the line that keeps it (Dead Simple Signing Envelope, protocol version 1).

An entry of the log is one line of canonical JSON, ``{"keyid": …, "sig": …, "statement": {…}}``: a DSSE envelope whose
payload lies open, so that a person can read the file. The signed payload is the bytes of ``statement`` as they stand.
"""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assay.domain import IncompleteError
from assay.evidence.canonical import canonical

PAYLOAD_TYPE = "application/vnd.in-toto+json"
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


def pae(payload: bytes) -> bytes:
    """The pre-authentication encoding: the bytes that a DSSE signature covers."""
    return b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


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
