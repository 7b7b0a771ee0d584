"""Signing keys, one for each epoch: the new one is vouched for by the old one, and then the old one is erased.

Whoever takes today's key can sign today; what was signed under earlier epochs cannot be forged any more. The private
key and the keys of runs lie in a private directory apart from the evidence. The public keys lie in the evidence, each
with the record that introduces it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assay.domain import AssayError, IncompleteError, Location
from assay.evidence import envelope
from assay.evidence.checkpoint import verifies
from assay.evidence.record import Kind, Record, decode
from assay.identity.files import ensure_private_directory, present, read_private, write_private

ALGORITHM = "ed25519"
_SEED = 32
_RUN_KEY = 32
_MOST_EPOCHS = 10_000


@dataclass(frozen=True, slots=True)
class Epoch:
    """A public key and since when it signs: ``start`` is the index of the first entry that it may sign."""

    number: int
    keyid: str
    public: bytes
    start: int
    line: bytes
    """The entry that introduces it."""


def key_id(public: bytes) -> str:
    """How entries name a key: the first 16 hexadecimal digits of SHA-256 over its 32 bytes."""
    return hashlib.sha256(public).hexdigest()[:16]


def fingerprint(public: bytes) -> str:
    """How people compare a key: all 64 hexadecimal digits of SHA-256 over its 32 bytes."""
    return hashlib.sha256(public).hexdigest()


def key_record(number: int, public: bytes, *, origin: str) -> Record:
    """The record that introduces the key of an epoch; signed by the key before it, the first one by itself."""
    return Record(
        kind=Kind.KEY,
        subject=f"evidence-log.{origin}.keys.{number}",
        sentence=f"Key {key_id(public)} signs from here on." if number > 1 else "This log begins with this key.",
        details={
            "algorithm": ALGORITHM,
            "epoch": number,
            "keyid": key_id(public),
            "public": base64.b64encode(public).decode(),
        },
    )


def chain(lines: Iterable[bytes]) -> tuple[Epoch, ...]:
    """The epochs that a sequence of introductions vouches for, up to the first that nobody vouches for."""
    epochs: list[Epoch] = []
    for line in lines:
        epoch = _epoch(line, epochs[-1] if epochs else None)
        if epoch is None or len(epochs) >= _MOST_EPOCHS:
            break
        epochs.append(epoch)
    return tuple(epochs)


def _epoch(line: bytes, before: Epoch | None) -> Epoch | None:
    try:
        entry = envelope.parse(line)
        record = decode(entry.payload)
        public = base64.b64decode(str(record.details.get("public", "")), validate=True)
    except (AssayError, ValueError):
        return None
    number = 1 if before is None else before.number + 1
    start = 0 if before is None else record.seq + 1
    signer = before.public if before else public
    good = (
        record.kind is Kind.KEY
        and record.details.get("epoch") == number
        and record.details.get("algorithm") == ALGORITHM
        and len(public) == 32
        and entry.keyid == key_id(signer)
        and (record.seq == 0 if before is None else record.seq > before.start - 1)
        and verifies(signer, entry.signature, envelope.pae(entry.payload))
    )
    return Epoch(number, key_id(public), public, start, line) if good else None


def able(epochs: tuple[Epoch, ...], size: int) -> tuple[Epoch, ...]:
    """The epochs whose keys may sign a checkpoint of this size. The last of an epoch may still have the old key's."""
    return tuple(
        e for n, e in enumerate(epochs) if e.start <= size and (n + 1 == len(epochs) or size <= epochs[n + 1].start)
    )


class _Published(msgspec.Struct, frozen=True):
    introduced: str


class _PublishedKeys(msgspec.Struct, frozen=True):
    version: int
    origin: str
    keys: list[_Published]


def publish(epochs: Iterable[Epoch], *, origin: str) -> bytes:
    """The public keys as ``keys.json``: each with the entry that introduces it, which is what vouches for it."""
    shown = [
        {
            "algorithm": ALGORITHM,
            "epoch": epoch.number,
            "fingerprint": fingerprint(epoch.public),
            "introduced": epoch.line.decode(),
            "keyid": epoch.keyid,
            "public": base64.b64encode(epoch.public).decode(),
        }
        for epoch in epochs
    ]
    document = {"version": 1, "origin": origin, "keys": shown}
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def published(data: bytes) -> tuple[Epoch, ...]:
    """The epochs in a ``keys.json``, as far as each is vouched for. Damage yields fewer of them, never an error."""
    try:
        found = msgspec.json.decode(data.decode(), type=_PublishedKeys)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError):
        return ()
    return chain(key.introduced.encode("utf-8", "surrogatepass") for key in found.keys)


def origin(epoch: Epoch) -> str:
    """The log that an epoch's key was introduced in."""
    return decode(envelope.parse(epoch.line).payload).origin


class KeyDirectory:
    """The private directory: ``epoch-N.key``, ``head``, and the keys of runs.

    These are ``runs/RUN.open`` while the run goes on, ``RUN.key`` afterwards, ``RUN.shred`` when they are to be erased.
    """

    def __init__(self, directory: Path) -> None:
        """Opens or creates it with mode 0700. Raises :class:`AssayError` if others may write to it."""
        self.path = ensure_private_directory(directory)
        self._runs = ensure_private_directory(directory / "runs")

    @property
    def head(self) -> Path:
        """The last checkpoint that was signed with these keys: a log that is shorter has been rolled back."""
        return self.path / "head"

    def numbers(self) -> tuple[int, ...]:
        """The epochs whose private key is here, oldest first; usually one."""
        names = (p.name.removeprefix("epoch-").removesuffix(".key") for p in self.path.glob("epoch-*.key"))
        return tuple(sorted(int(n) for n in names if n.isdecimal()))

    def create(self, number: int) -> Ed25519PrivateKey:
        """Makes the key of an epoch and keeps it in a file of mode 0600."""
        key = Ed25519PrivateKey.generate()
        write_private(self._epoch(number), key.private_bytes_raw())
        return key

    def load(self, number: int) -> Ed25519PrivateKey:
        """The private key of an epoch.

        Raises:
            AssayError: it is not here, is damaged, or others may read it.
        """
        path = self._epoch(number)
        data = read_private(path, limit=_SEED, what="signing key")
        if len(data) != _SEED:
            raise IncompleteError(
                f"The signing key `{path}` is damaged.", fix="bring it back from a backup", location=Location(str(path))
            )
        return Ed25519PrivateKey.from_private_bytes(data)

    def erase(self, number: int) -> None:
        """Erases the private key of an epoch; no error if it is gone already."""
        _erase(self._epoch(number))

    def create_run(self, run: str, key: bytes) -> None:
        """Keeps the key that a run's blobs are encrypted under, as that of a run that goes on."""
        write_private(self._run(run, "open"), key)

    def close_run(self, run: str) -> None:
        """Notes that a run has ended."""
        self._rename(run, "open", "key")

    def condemn_run(self, run: str) -> None:
        """Notes that the key of a run is to be erased, whatever happens next."""
        self._rename(run, "key", "shred")

    def runs(self, state: str) -> tuple[str, ...]:
        """The runs that are ``open``, ended (``key``), or to be shredded (``shred``)."""
        return tuple(sorted(p.stem for p in self._runs.glob(f"*.{state}")))

    def run_key(self, run: str) -> bytes | None:
        """The key of a run's blobs, None when it is not here: shredded, or on another machine."""
        for state in ("key", "open"):
            path = self._run(run, state)
            if present(path):
                key = read_private(path, limit=_RUN_KEY, what="run key")
                return key if len(key) == _RUN_KEY else None
        return None

    def erase_run(self, run: str) -> None:
        """Erases the key of a run's blobs, which shreds them."""
        for state in ("open", "key", "shred"):
            _erase(self._run(run, state))

    def _rename(self, run: str, before: str, after: str) -> None:
        path = self._run(run, before)
        try:
            if present(path):
                path.rename(self._run(run, after))
        except OSError as error:
            raise IncompleteError(
                f"The key `{path}` cannot be renamed: {error.strerror}.", fix="make its directory writable"
            ) from error

    def _epoch(self, number: int) -> Path:
        return self.path / f"epoch-{number}.key"

    def _run(self, run: str, state: str) -> Path:
        if not run.isalnum() or not run.isascii() or len(run) > 64:
            raise AssayError(f"`{run}` is not the id of a run")
        return self._runs / f"{run}.{state}"


def _erase(path: Path) -> None:
    """Overwrites and removes. Journals and flash may keep older copies: full-disk encryption is what helps there."""
    try:
        with contextlib.suppress(FileNotFoundError):
            with path.open("r+b") as file:
                file.write(b"\0" * os.fstat(file.fileno()).st_size)
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
    except OSError as error:
        raise IncompleteError(
            f"The key `{path}` cannot be erased: {error.strerror}.",
            fix="make its directory writable, then repeat the command",
            location=Location(str(path)),
        ) from error
