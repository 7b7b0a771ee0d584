"""Files that hold secrets: private from the first byte, replaced whole or not at all, locked while they change."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from assay.domain import AssayError, Location

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
_LOOSE = stat.S_IRWXG | stat.S_IRWXO
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def ensure_private_directory(path: Path) -> Path:
    """Create ``path`` with mode 0700 if it is missing, and refuse one in which others could replace files.

    A directory that others may only list is accepted: the files in it are 0600 themselves.
    """
    try:
        path.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        mode = path.stat().st_mode
    except OSError as error:
        raise AssayError(
            f"The directory `{path}` cannot be created: {_reason(error)}.",
            fix="choose a directory that you may write to",
            location=Location(str(path)),
        ) from error
    if mode & _WRITABLE_BY_OTHERS:
        raise AssayError(
            f"The directory `{path}` can be written by other users, who could replace the keys in it.",
            fix=f"chmod 700 {path}",
            location=Location(str(path)),
        )
    return path


def present(path: Path) -> bool:
    """Whether there is anything at ``path``, a dangling link included. Raises :class:`AssayError` if unknowable."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise AssayError(
            f"The path `{path}` cannot be examined: {_reason(error)}.",
            fix="let the user that runs Assay read its directory",
            location=Location(str(path)),
        ) from error
    return True


def write_private(path: Path, content: bytes) -> None:
    """Replace ``path`` with ``content`` atomically: a reader sees the old file or the new one, also after a power cut.

    The file has mode 0600 from its creation. Raises :class:`AssayError` when the disk refuses; the old file is then
    untouched.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_directory(path.parent)
    except OSError as error:
        raise AssayError(
            f"The file `{path}` cannot be written: {_reason(error)}.",
            fix="free some space, or make the directory writable for the user that runs Assay",
            location=Location(str(path)),
        ) from error


def read_private(path: Path, *, limit: int = 1 << 20, what: str = "file") -> bytes:
    """Read at most ``limit`` bytes of a regular file that only its owner may read or write.

    ``what`` names the file's role in the sentence of an error. The permissions are those of the opened file, so that
    it cannot be swapped between the check and the read. Raises :class:`AssayError`.
    """
    return _read(path, limit=limit, what=what, private=True)


def read_public(path: Path, *, limit: int = 1 << 20, what: str = "file") -> bytes:
    """Like :func:`read_private` for a file that everybody may read, such as a certificate."""
    return _read(path, limit=limit, what=what, private=False)


@contextlib.contextmanager
def locked(path: Path, *, timeout: float = 10.0, poll: float = 0.02, shared: bool = False) -> Iterator[None]:
    """Hold a lock beside ``path`` (``.NAME.lock``), waiting up to ``timeout`` seconds for it.

    It is exclusive, or ``shared`` with others who ask for no more.

    The lock is advisory (flock) and belongs to the open file, so it ends with the process that held it. The lock file
    stays: removing it would let two processes hold two different locks.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
    except OSError as error:
        raise AssayError(
            f"The lock file `{lock}` cannot be opened: {_reason(error)}.",
            fix="make the directory writable for the user that runs Assay",
            location=Location(str(lock)),
        ) from error
    try:
        _acquire(descriptor, path, timeout, poll, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, timeout: float, poll: float, kind: int) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise AssayError(f"The file `{path}` cannot be locked: {_reason(error)}.") from error
        else:
            return
        if time.monotonic() >= deadline:
            raise AssayError(
                f"Another process has been changing `{path}` for more than {timeout:g} seconds.",
                fix="wait for it to end, then try again",
                location=Location(str(path)),
            )
        time.sleep(poll)


def _read(path: Path, *, limit: int, what: str, private: bool) -> bytes:
    where = Location(str(path))
    try:
        # O_NONBLOCK: a named pipe in place of the file must not hang the reader.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise AssayError(
            f"The {what} `{path}` does not exist.", fix="correct the path, or create the file", location=where
        ) from error
    except (OSError, ValueError) as error:
        raise AssayError(
            f"The {what} `{path}` cannot be read: {_reason(error)}.",
            fix="let the user that runs Assay read it",
            location=where,
        ) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise AssayError(f"The {what} `{path}` is not a regular file.", fix="name a file", location=where)
        if private and status.st_mode & _LOOSE:
            raise AssayError(
                f"The {what} `{path}` can be read or changed by other users (mode {stat.S_IMODE(status.st_mode):04o}).",
                fix=f"chmod 600 {path}",
                location=where,
            )
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise AssayError(f"The {what} `{path}` cannot be read: {_reason(error)}.", location=where) from error
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise AssayError(
            f"The {what} `{path}` is larger than {limit:,} bytes.", fix="name the right file", location=where
        )
    return content


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
