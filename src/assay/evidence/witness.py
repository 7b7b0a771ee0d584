"""A witness: somebody other than the log's operator, who remembers what was signed and cosigns what continues it.

The rules are those of C2SP tlog-witness: a checkpoint is cosigned only if the log's own key signed it, and only if it
continues the last one that this witness cosigned; what was cosigned is remembered before the cosignature is given
away. So the operator cannot show one history to the witness and another one to you.

A witness reads the log itself, or gets a request: the consistency proof and the checkpoint, as text, by any way.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assay.domain import AssayError, Exit, IncompleteError, Location, UsageError
from assay.evidence import keys, scan
from assay.evidence.checkpoint import (
    COSIGNATURE,
    Checkpoint,
    check_name,
    cosign,
    encode_key,
    key_hash,
    parse,
    signed_by,
    witnessed_by,
)
from assay.evidence.cosigned import Attested
from assay.evidence.diagnose import Problem
from assay.evidence.files import LogFiles
from assay.evidence.keys import Epoch
from assay.evidence.reading import Reading
from assay.evidence.tree import SIZE, Levels, consistent, leaf_hash
from assay.identity.files import locked, present, read_private, read_public, write_private

_PREFIX = "PRIVATE+KEY"
_LONGEST = 64 << 20
_MOST_HASHES = 63


class Refused(AssayError):
    """The witness does not sign: the log does not continue what it signed before, or is not the log it knows."""

    exit = Exit.FINDINGS

    def __init__(self, problem: Problem, sentence: str, *, fix: str = "") -> None:
        super().__init__(
            sentence, fix=fix or "do not rely on this log; keep both checkpoints: together they are the evidence"
        )
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness's name and private key."""

    name: str
    key: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        """The 32 bytes of its public key."""
        return self.key.public_key().public_bytes_raw()

    @property
    def verifier(self) -> str:
        """What it tells everybody who relies on it: ``name+hint+base64(4, key)`` (C2SP signed-note)."""
        return encode_key(self.name, self.public, COSIGNATURE)

    @classmethod
    def create(cls, path: Path, name: str) -> Witness:
        """Makes a witness, with its key in a file of mode 0600 that must not exist yet. Raises :class:`AssayError`."""
        check_name(name)
        if present(path):
            raise UsageError(f"`{path}` is there already.", fix="name another file; a witness keeps its key")
        made = cls(name, Ed25519PrivateKey.generate())
        seed = base64.b64encode(bytes([COSIGNATURE]) + made.key.private_bytes_raw()).decode()
        hint = key_hash(name, made.public, COSIGNATURE).hex()
        write_private(path, f"{_PREFIX}+{name}+{hint}+{seed}\n".encode())
        return made

    @classmethod
    def load(cls, path: Path) -> Witness:
        """The witness whose key is in a file. Raises :class:`AssayError`: it is none, or others may read it."""
        text = read_private(path, what="witness's key").decode("ascii", "replace").strip()
        name, hint, encoded = (*text.removeprefix(f"{_PREFIX}+").split("+", 2), "", "")[:3]
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if text.startswith(f"{_PREFIX}+") and len(raw) == 33 and raw[0] == COSIGNATURE:
            found = cls(name, Ed25519PrivateKey.from_private_bytes(raw[1:]))
            if key_hash(name, found.public, COSIGNATURE).hex() == hint:
                return found
        raise IncompleteError(
            f"`{path}` is no key of a witness.",
            fix="make one with `assay witness init`, or bring it back from a backup",
            location=Location(str(path)),
        )


class _Known(msgspec.Struct, frozen=True):
    fingerprint: str
    checkpoint: str
    refused: str = ""


class _Memory(msgspec.Struct, frozen=True):
    version: int
    logs: dict[str, _Known]


@dataclass(frozen=True, slots=True)
class Request:
    """What a witness is asked (C2SP tlog-witness, ``add-checkpoint``): from where on, the proof, and the checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint

    @property
    def text(self) -> str:
        """The request's body."""
        hashes = "".join(f"{base64.b64encode(node).decode()}\n" for node in self.proof)
        return f"old {self.old}\n{hashes}\n{self.checkpoint.text}"


def request(directory: Path, old: int) -> Request:
    """What to ask a witness that cosigned the first ``old`` records last; 0 for one that never did.

    Raises:
        UsageError: the log has fewer records than that.
        IncompleteError: it cannot be read, or lacks records.
    """
    files = LogFiles(directory)
    head = _head(files)
    if old > head.size:
        raise UsageError(
            f"The log has {head.size:,} records, not {old:,}.", fix="ask the witness how many it signed last"
        )
    leaves = [leaf_hash(line) for _, line in Reading(directory).lines()][: head.size]
    if len(leaves) < head.size:
        raise IncompleteError(f"The log has {len(leaves):,} of {head.size:,} records.", fix="run `assay verify`")
    return Request(old, tuple(Levels(leaves).consistency(old, head.size)) if leaves else (), head)


def parse_request(text: str) -> Request:
    """Reads a request, or a checkpoint alone, which is the request of a log that was never witnessed.

    Raises:
        AssayError: it is neither.
    """
    if not text.startswith("old "):
        return Request(0, (), parse(text))
    head, blank, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    digits = first[4:]
    if not blank or not digits.isascii() or not digits.isdecimal() or len(digits) > 16 or str(int(digits)) != digits:
        raise AssayError("this is no request to a witness: it does not say from how many records on")
    if len(lines) > _MOST_HASHES:
        raise AssayError(f"this is no request to a witness: it has more than {_MOST_HASHES} hashes")
    try:
        proof = tuple(base64.b64decode(line.encode(), validate=True) for line in lines)
    except (binascii.Error, ValueError) as error:
        raise AssayError("this is no request to a witness: a hash in it is not in base64") from error
    if any(len(node) != SIZE for node in proof):
        raise AssayError("this is no request to a witness: a hash in it is not 32 bytes")
    return Request(int(digits), proof, parse(note))


def cosign_log(directory: Path, witness: Witness, memory: Path, *, at: datetime, fingerprint: str = "") -> Checkpoint:
    """Cosigns the last checkpoint of a log that the witness can read: every record is hashed again.

    ``memory`` is the witness's own file. ``fingerprint`` is the log's first key, needed (all of it or a beginning of
    16 digits) only to be sure whose log it is the first time; it is remembered.

    Raises:
        Refused: the log was rolled back or forked, is another one, or does not hold what it signed.
        AssayError: it cannot be read, or the witness's memory is damaged.
    """
    files = LogFiles(directory)
    head = _head(files)

    def roots(sizes: tuple[int, ...]) -> dict[int, bytes]:
        wanted = scan.Roots(sizes)
        try:
            for part in scan.read_all(files.records, at, lambda done, of: None):
                wanted.add(part)
        except OSError as error:
            raise IncompleteError(
                f"`{files.records}` cannot be read: {error.strerror}.", location=Location(str(files.records))
            ) from error
        wanted.end()
        return {size: root for size, (root, _) in wanted.at.items()}

    def continues(last: Checkpoint | None) -> None:
        found = roots((head.size, last.size) if last else (head.size,))
        if found.get(head.size) != head.root:
            raise Refused(
                Problem.MODIFIED,
                f"The log's {head.size:,} records are not those that its checkpoint was signed for.",
                fix="run `assay verify` to see what happened to them",
            )
        if last and found.get(last.size) != last.root:
            raise _forked(last)

    listed = read_public(files.keys, limit=_LONGEST, what="list of keys")
    return _cosign(head, listed, witness, memory, at, fingerprint, continues)


def cosign_request(
    asked: Request, listed: bytes, witness: Witness, memory: Path, *, at: datetime, fingerprint: str = ""
) -> Checkpoint:
    """Cosigns a checkpoint by its consistency proof alone; ``listed`` is the log's ``keys.json``.

    Raises:
        Refused, AssayError: as :func:`cosign_log`.
    """
    head = asked.checkpoint

    def continues(last: Checkpoint | None) -> None:
        old = last.size if last else 0
        if asked.old != old:
            raise Refused(
                Problem.GAP,
                f"The request begins at record {asked.old:,}; this witness cosigned {old:,} of this log last.",
                fix=f"ask again from there: `assay witness request --old {old}`",
            )
        if not last and asked.proof:
            raise UsageError("There is nothing that a first request could continue.", fix="ask without hashes")
        if last and not consistent(last.size, last.root, head.size, head.root, asked.proof):
            raise _forked(last)

    return _cosign(head, listed, witness, memory, at, fingerprint, continues)


def _cosign(
    head: Checkpoint,
    listed: bytes,
    witness: Witness,
    memory: Path,
    at: datetime,
    fingerprint: str,
    continues: Callable[[Checkpoint | None], None],
) -> Checkpoint:
    epochs = keys.published(listed)
    _is_its_own(head, epochs, fingerprint)
    first = keys.fingerprint(epochs[0].public)
    # Compared and remembered under one lock: two requests at a time must not each continue the same checkpoint.
    with locked(memory):
        known = _remembered(memory)
        before = known.get(head.origin)
        last = parse(before.checkpoint) if before else None
        try:
            if before and before.fingerprint != first:
                raise Refused(
                    Problem.UNKNOWN_KEY,
                    f"`{head.origin}` begins with another key than the log that this witness knows by that name.",
                )
            if last and head.size < last.size:
                raise Refused(
                    Problem.ROLLED_BACK,
                    f"The log was rolled back: it ends at record {head.size:,}, and {last.size:,} were cosigned "
                    f"{_when(last, witness)}.",
                )
            if last and head.size == last.size and head.root != last.root:
                raise _forked(last)
            continues(last)
        except Refused as refusal:
            if before and refusal.problem is Problem.ROLLED_BACK:
                known[head.origin] = msgspec.structs.replace(before, refused=head.text)
                _remember(memory, known)
            raise
        signed = cosign(head, witness.name, witness.key, at=int(at.astimezone(UTC).timestamp()))
        known[head.origin] = _Known(first, signed.text)
        _remember(memory, known)
    return signed


def _is_its_own(head: Checkpoint, epochs: tuple[Epoch, ...], fingerprint: str) -> None:
    """Refuses a checkpoint that the log's key of the time did not sign."""
    if not epochs:
        raise Refused(
            Problem.UNKNOWN_KEY, "No key of the log introduces itself.", fix="ask for the log's `keys.json`, whole"
        )
    first = keys.fingerprint(epochs[0].public)
    if fingerprint and (len(fingerprint) < 16 or not first.startswith(fingerprint.lower())):
        raise Refused(
            Problem.UNKNOWN_KEY,
            f"The log begins with the key {first[:16]}, not with the one you gave.",
            fix="compare the fingerprint with the log's operator over another way",
        )
    able = {e.keyid: e.public for e in keys.able(epochs, head.size)}
    try:
        good = head.origin == keys.origin(epochs[0]) and bool(signed_by(head, able))
    except AssayError as error:
        raise Refused(Problem.BAD_SIGNATURE, f"The checkpoint cannot be trusted: {error.sentence}.") from error
    if not good:
        raise Refused(
            Problem.UNKNOWN_KEY,
            "The checkpoint is signed by no key that this log had at that size.",
            fix="ask for the log's checkpoint and `keys.json` of the same moment",
        )


def _forked(last: Checkpoint) -> Refused:
    return Refused(
        Problem.ROLLED_BACK,
        f"The log was forked: its first {last.size:,} records are not those that this witness cosigned.",
    )


def _when(last: Checkpoint, witness: Witness) -> str:
    found = witnessed_by(last, {witness.name: witness.public})
    return f"on {Attested(*found[0], last.size).when}" if found else "by another key of this witness"


def _head(files: LogFiles) -> Checkpoint:
    if not present(files.checkpoint):
        raise UsageError(
            f"There is no log in `{files.root}`.", fix="name a directory with `records.jsonl` and `checkpoint` in it"
        )
    try:
        return parse(read_public(files.checkpoint, what="checkpoint").decode("utf-8", "replace"))
    except AssayError as error:
        raise IncompleteError(
            f"`{files.checkpoint}` cannot be read: {error.sentence}.",
            fix="run `assay verify` to see what happened to the log",
            location=Location(str(files.checkpoint)),
        ) from error


def _remembered(memory: Path) -> dict[str, _Known]:
    if not present(memory):
        return {}
    try:
        known = dict(msgspec.json.decode(read_private(memory, what="witness's memory"), type=_Memory).logs)
        for each in known.values():
            parse(each.checkpoint)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise _forgotten(memory) from error
    except AssayError as error:
        if error.location is not None:
            raise
        raise _forgotten(memory) from error
    return known


def _forgotten(memory: Path) -> IncompleteError:
    return IncompleteError(
        f"The witness's memory `{memory}` is damaged.",
        fix="bring it back from a backup; a witness that forgot what it signed begins anew, with a new key",
        location=Location(str(memory)),
    )


def _remember(memory: Path, known: dict[str, _Known]) -> None:
    data = msgspec.json.encode(_Memory(1, dict(sorted(known.items()))))
    write_private(memory, msgspec.json.format(data, indent=2) + b"\n")
