"""People with keys, and decisions that they signed, for the tests of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from assay.decisions import Decisions, judge
from assay.decisions.files import Kept, render
from assay.declare.model import Exception_, Person
from assay.domain import AssayError
from assay.evidence.decided import TIME, Stated, fingerprint, signed_bytes

TODAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALICE, CISO, MALLORY = (Ed25519PrivateKey.from_private_bytes(seed * 32) for seed in (b"a", b"c", b"m"))


def line(key: Ed25519PrivateKey) -> str:
    """The public half, as a file of OpenSSH has it."""
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() + " somebody@example.com"


def person(*keys: object, name: str = "Somebody") -> Person:
    return Person.model_validate({"name": name, "keys": list(keys)})


PEOPLE: dict[str, Person] = {"alice": person(line(ALICE)), "ciso": person(line(CISO))}


def stated(kind: str, subject: str, digest: str, who: str, at: datetime = NOON, **more: str) -> Stated:
    words = {"organisation": "Shop", "reason": "agreed", **more}
    return Stated(kind=kind, subject=subject, digest=digest, person=who, time=at.strftime(TIME), **words)


def file(said: Stated, key: Ed25519PrivateKey) -> bytes:
    """The file that somebody with this key makes of a statement, true or not."""
    return render(Kept(said, fingerprint(key.public_key().public_bytes_raw()), key.sign(signed_bytes(said))))


def judged(*files: bytes | AssayError, people: Mapping[str, Person] = PEOPLE, today: date = TODAY) -> Decisions:
    return judge({f"{n}.json": data for n, data in enumerate(files)}, people, "Shop", today)


def exception(**more: Any) -> Exception_:
    said = {
        "id": "crm",
        "control": "transport_encryption",
        "on": "apis.shop",
        "reason": "agreed in the meeting",
        "owner": "integration",
        "approved_by": "ciso",
        "expires": "2027-01-31",
        **more,
    }
    return Exception_.model_validate(said)


def later(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)
