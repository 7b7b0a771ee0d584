"""The bundle in use, replaced when its file changes: compiled completely before it is taken, kept when that fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from assay.domain import AssayError
from assay.gateway.inspector.bundle import Compiled, decode

MAX_BUNDLE_BYTES: Final = 512 * 1024 * 1024
Signature = tuple[int, int, int]


@dataclass(slots=True)
class Holder:
    """The compiled bundle of a file.

    Attributes:
        path: the file; writers replace it atomically.
        compiler: makes a :class:`Compiled` of the file's content.
        current: what is in use; None until a bundle could be compiled.
        error: why the latest content was not taken, or empty.
        reloads: how many bundles have been taken.
    """

    path: Path
    compiler: Callable[[bytes], Compiled]
    current: Compiled | None = None
    error: str = ""
    reloads: int = 0
    _seen: Signature | None = None

    def changed(self) -> bool:
        """Whether the file is not the one that was looked at last. One ``stat``."""
        return self._signature() != self._seen

    def _signature(self) -> Signature | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_ino, status.st_size)

    def reload(self) -> bool:
        """Reads and compiles the file; whether it is now in use. On failure the old bundle stays; ``error`` says why.

        May run in another thread than the one that serves: the swap is one assignment.
        """
        # Taken before reading: a file that is replaced meanwhile is seen as changed and read again.
        self._seen = self._signature()
        try:
            compiled = self.compiler(_read(self.path))
        except AssayError as error:
            self.error = error.diagnosis()
            return False
        except Exception as error:  # noqa: BLE001 (whatever a bundle does to the compiler, the old one stays)
            self.error = f"The bundle cannot be compiled: {type(error).__name__}."
            return False
        self.current, self.error = compiled, ""
        self.reloads += 1
        return True


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > MAX_BUNDLE_BYTES:
                raise AssayError(f"The inspector's bundle `{path}` is too large.", fix="split the declaration")
            return file.read()
    except OSError as error:
        raise AssayError(
            f"The inspector's bundle `{path}` cannot be read: {error.strerror}.", fix="apply the declaration again"
        ) from error


def compiler(make: Callable[..., Compiled], name: str) -> Callable[[bytes], Compiled]:
    """A function from a file's bytes to what ``make`` compiles of the bundle in them."""
    return lambda data: make(decode(data, name=name))
