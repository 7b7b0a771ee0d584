"""Making a decision: a statement, signed with the person's own key, ready to be kept as a file and in the log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assay.decisions.files import Kept, render
from assay.decisions.words import FOLDER
from assay.declare.declaration import Declaration
from assay.declare.model.people import public_of
from assay.domain import AssayError, UsageError, did_you_mean
from assay.evidence.decided import TIME, Stated, fault, fingerprint, record_of, signed_bytes
from assay.evidence.record import Record, utc

_DONE = {
    "exception-request": "requested",
    "exception-approval": "approved",
    "mapping-review": "reviewed",
    "policy-approval": "approved",
    "withdrawal": "withdrew",
}


@dataclass(frozen=True, slots=True)
class Signed:
    """A decision that was just signed: ``file`` is its path relative to the declaration, ``data`` what to write there,
    ``record`` what to put into the log."""

    stated: Stated
    file: str
    data: bytes
    record: Record


def sign(
    declaration: Declaration,
    key: Ed25519PrivateKey,
    *,
    kind: str,
    subject: str,
    digest: str,
    person: str,
    reason: str,
    at: datetime,
) -> Signed:
    """Signs a decision as a declared person. Nothing is written.

    Args:
        kind: one of :data:`assay.evidence.decided.KINDS`. digest: SHA-256 of the content decided on, in hexadecimal.
        at: when; kept to the second.

    Raises:
        UsageError: nobody is declared so, the key is none of theirs on that day, or the statement has no good form.
    """
    model = declaration.model
    moment = utc(at).replace(microsecond=0)
    public = key.public_key().public_bytes_raw()
    may_sign(declaration, person, public, moment)
    stated = Stated(
        kind=kind,
        subject=subject,
        digest=digest,
        organisation=model.organisation.name,
        person=person,
        reason=reason.strip(),
        time=moment.strftime(TIME),
    )
    wrong = fault(stated)
    if wrong:
        raise UsageError(f"this cannot be decided: {wrong}")
    try:
        signature = key.sign(signed_bytes(stated))
    except AssayError as error:
        raise UsageError(f"this cannot be signed: {error.sentence}", fix="write it in plain text") from error
    data = render(Kept(stated, fingerprint(public), signature))
    short = hashlib.sha256(stated.payload).hexdigest()[:12]
    sentence = f"{model.people[person].name} {_DONE[kind]} {subject}."
    record = record_of(stated, public, signature, sentence=sentence, declaration=declaration.digest)
    return Signed(stated, f"{FOLDER}/{moment:%Y-%m-%d}-{kind}-{short}.json", data, record)


def may_sign(declaration: Declaration, person: str, public: bytes, at: datetime) -> None:
    """Returns when a key is one with which this person decides at this moment.

    Raises:
        UsageError: nobody is declared so, or the key is none of theirs on that day.
    """
    people = declaration.model.people
    if not people:
        raise UsageError(
            "nobody is declared who could decide",
            fix="declare `people: {ID: {name: NAME, keys: [ssh-ed25519 …]}}`; `ssh-keygen -t ed25519` makes a key",
            location=declaration.locate("assay"),
        )
    if person not in people:
        fix = did_you_mean(person, people, what="person")
        raise UsageError(f"there is no person `{person}`", fix=fix, location=declaration.locate("people"))
    where = declaration.locate("people", person, "keys")
    known = next((k for k in people[person].keys if public_of(k.key) == public), None)
    if known is None:
        raise UsageError(
            f"the key {fingerprint(public)} is none of `{person}`'s",
            fix=f"sign with the key whose public half is declared for `{person}`, or declare this one there",
            location=where,
        )
    if (known.since and at.date() < known.since) or (known.until and at.date() > known.until):
        raise UsageError(
            f"the key {fingerprint(public)} of `{person}` does not decide on {at:%Y-%m-%d}",
            fix="sign with a newer key, or correct `since` and `until`",
            location=where,
        )
