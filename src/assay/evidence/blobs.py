"""Attachments: encrypted under a key of their run, bound to the log by salted commitments only.

Each run has one file. An attachment in it is a 12-byte nonce and AES-256-GCM over a 32-byte salt and the content. The
log holds SHA-256 of salt and content. Without the run's key the salt is gone too, so that nobody can guess what the
content was from the log: erasing the key shreds every attachment of the run, and the log stays whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from assay.domain import AssayError, IncompleteError, Location
from assay.evidence.record import BlobRef
from assay.identity.files import PRIVATE_FILE, ensure_private_directory

_SALT = 32
_NONCE = 12
_LARGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class Blob:
    """An attachment to be stored: its content must be redacted already."""

    name: str
    media: str
    content: bytes


class BlobState(StrEnum):
    """What became of an attachment."""

    OPENED = "opened"
    """It was decrypted and fits its commitment."""
    SEALED = "sealed"
    """The encrypted bytes are those that were stored; the key is not here, so nobody looked inside."""
    MODIFIED = "modified"
    MISSING = "missing"


class BlobStore:
    """The attachments of a log: ``DIRECTORY/RUN.blobs``. Written by one process, synced when the log is sealed."""

    def __init__(self, directory: Path, *, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._directory = directory
        self._entropy = entropy
        self._open: dict[str, int] = {}

    def put(self, run: str, key: bytes, blob: Blob) -> BlobRef:
        """Appends an attachment to its run's file.

        Raises:
            AssayError: it is larger than 64 MiB.
            IncompleteError: the disk refuses; the file is as it was.
        """
        if len(blob.content) > _LARGEST:
            raise AssayError(f"an attachment of {len(blob.content):,} bytes is too large; {_LARGEST:,} is the most")
        salt, nonce = self._entropy(_SALT), self._entropy(_NONCE)
        sealed = nonce + AESGCM(key).encrypt(nonce, salt + blob.content, run.encode())
        return BlobRef(
            name=blob.name,
            media=blob.media,
            commitment=hashlib.sha256(salt + blob.content).hexdigest(),
            sealed=hashlib.sha256(sealed).hexdigest(),
            at=self._append(run, sealed),
            size=len(sealed),
        )

    def sync(self) -> None:
        """Brings everything to the disk. Raises :class:`IncompleteError`."""
        try:
            for descriptor in self._open.values():
                os.fsync(descriptor)
            self.close()
        except OSError as error:
            raise _refused(self._directory, error) from error

    def close(self) -> None:
        """Closes the files."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def _append(self, run: str, data: bytes) -> int:
        path = blob_file(self._directory, run)
        try:
            descriptor = self._open.get(run)
            if descriptor is None:
                ensure_private_directory(self._directory)
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
                descriptor = self._open[run] = os.open(path, flags, PRIVATE_FILE)
            start = os.fstat(descriptor).st_size
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
            except OSError:
                os.ftruncate(descriptor, start)
                raise
        except OSError as error:
            raise _refused(path, error) from error
        return start


def blob_file(directory: Path, run: str) -> Path:
    """The file of a run's attachments. Raises :class:`AssayError` for what is no run's id."""
    if not run.isalnum() or not run.isascii() or len(run) > 64:
        raise AssayError(f"`{run}` is not the id of a run")
    return directory / f"{run}.blobs"


def read_sealed(directory: Path, run: str, ref: BlobRef) -> bytes | None:
    """The encrypted bytes of an attachment, None when the file is not there or ends before. Raises domain errors."""
    path = blob_file(directory, run)
    if not 0 < ref.size <= _LARGEST + 1024 or not 0 <= ref.at < 1 << 62:
        return None
    try:
        with path.open("rb") as file:
            file.seek(ref.at)
            data = file.read(ref.size)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    except OSError as error:
        raise IncompleteError(f"The file `{path}` cannot be read: {error.strerror}.") from error
    return data if len(data) == ref.size else None


def unseal(run: str, key: bytes, ref: BlobRef, sealed: bytes) -> tuple[bytes, bytes] | None:
    """The salt and the content of an attachment, None when they are not what the log is committed to."""
    try:
        opened = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], run.encode())
    except (InvalidTag, ValueError):
        return None
    if len(opened) < _SALT or hashlib.sha256(opened).hexdigest() != ref.commitment:
        return None
    return opened[:_SALT], opened[_SALT:]


def examine(directory: Path, run: str, ref: BlobRef, key: bytes | None) -> BlobState:
    """What became of an attachment. Raises :class:`IncompleteError` if the disk refuses."""
    sealed = read_sealed(directory, run, ref)
    if sealed is None:
        return BlobState.MISSING
    if hashlib.sha256(sealed).hexdigest() != ref.sealed:
        return BlobState.MODIFIED
    if key is None:
        return BlobState.SEALED
    return BlobState.OPENED if unseal(run, key, ref, sealed) else BlobState.MODIFIED


def _refused(path: Path, error: OSError) -> IncompleteError:
    return IncompleteError(
        f"Evidence cannot be kept in `{path}`: {error.strerror}.",
        fix="free some space, or make the directory writable for the user that runs Assay",
        location=Location(str(path)),
    )
