"""One record alone: verified by the proof that it is under a signed checkpoint, and by its own signature."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.domain import AssayError, UsageError
from assay.evidence import envelope, keys
from assay.evidence.checkpoint import parse_proof, signed_by, verifies
from assay.evidence.diagnose import Problem
from assay.evidence.findings import Finding
from assay.evidence.record import Record, decode
from assay.evidence.tree import leaf_hash
from assay.identity.files import present, read_public

_LONGEST = 8 << 20


@dataclass(frozen=True, slots=True)
class ProofVerification:
    """What was found, and the record if it could be read. ``size`` is that of the checkpoint."""

    findings: tuple[Finding, ...]
    record: Record | None
    size: int

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        record = self.record
        return {
            "version": 1,
            "ok": self.ok,
            "record": {
                "id": record.id,
                "index": record.seq,
                "origin": record.origin,
                "kind": str(record.kind),
                "subject": record.subject,
                "outcome": str(record.outcome) if record.outcome else None,
                "sentence": record.sentence,
                "time": record.time.isoformat() if record.time else None,
            }
            if record
            else None,
            "findings": [f.as_json() for f in self.findings],
        }


def verify_file(path: Path, *, keys_file: Path | None = None, fingerprint: str = "") -> ProofVerification:
    """Verifies a ``.tlog-proof`` file of an exported folder, with the folder's ``keys.json`` unless told otherwise.

    Raises:
        UsageError: there are no keys to verify with.
        AssayError: a file cannot be read.
    """
    beside = keys_file or path.resolve().parent.parent / "keys.json"
    if not present(beside):
        raise UsageError(
            f"There are no keys to verify `{path}` with.", fix="keep the file in its folder, beside keys.json"
        )
    text = read_public(path, limit=_LONGEST, what="proof").decode("utf-8", "replace")
    return verify_proof(text, read_public(beside, limit=_LONGEST, what="list of keys"), fingerprint=fingerprint)


def verify_proof(text: str, published: bytes, *, fingerprint: str = "") -> ProofVerification:
    """Verifies a proof that carries its record; ``published`` is a ``keys.json``. Never raises for any content."""
    try:
        proof = parse_proof(text)
        entry = envelope.parse(proof.extra)
        record = decode(entry.payload)
    except AssayError as error:
        return ProofVerification((_finding(Problem.MODIFIED, f"It cannot be read: {error.sentence}."),), None, 0)
    epochs = keys.published(published)
    public = {e.keyid: e.public for e in epochs}
    origin = keys.origin(epochs[0]) if epochs else ""
    first = keys.fingerprint(epochs[0].public) if epochs else ""
    found: list[Finding] = []
    if not epochs or (fingerprint and (len(fingerprint) < 16 or not first.startswith(fingerprint.lower()))):
        found.append(_finding(Problem.UNKNOWN_KEY, "The keys are not those of the log you named, or cannot be read."))
    try:
        if proof.checkpoint.origin != origin or not signed_by(proof.checkpoint, public):
            found.append(_finding(Problem.UNKNOWN_KEY, "The checkpoint is signed by no key of this log."))
    except AssayError as error:
        found.append(_finding(Problem.BAD_SIGNATURE, f"The checkpoint cannot be trusted: {error.sentence}."))
    if not proof.covers(leaf_hash(proof.extra)):
        found.append(_finding(Problem.MODIFIED, "The record is not under the checkpoint at the place it says."))
    if entry.keyid not in public:
        found.append(_finding(Problem.UNKNOWN_KEY, "The record is signed by no key of this log."))
    elif not verifies(public[entry.keyid], entry.signature, envelope.pae(entry.payload)):
        found.append(_finding(Problem.BAD_SIGNATURE, "The record's signature is wrong."))
    if record.seq != proof.index or record.origin != origin:
        found.append(_finding(Problem.REORDERED, "The record was signed for another place or another log."))
    return ProofVerification(tuple(found), record, proof.checkpoint.size)


def _finding(problem: Problem, sentence: str) -> Finding:
    return Finding(problem, "proof", sentence, step=0)
