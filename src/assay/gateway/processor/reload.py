"""Keeps the compiled policy current: a new bundle or a rotated keyset is compiled whole before it is used."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from assay.domain import AssayError
from assay.gateway import keysets
from assay.gateway.processor import bundle as bundles
from assay.gateway.processor.engine import Engine, compile_engine
from assay.identity.files import read_public, write_private

BUNDLE_LIMIT = 256 * 1024 * 1024

Stamp = tuple[tuple[str, int, int], ...]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What the status file says. Times are Unix seconds; ``error`` is the last failure to reload, while it lasts."""

    pid: int
    digest: str
    started: float
    loaded: float
    operations: int
    error: str | None = None


class Reloader:
    """Holds the current :class:`Engine` and replaces it when its files change.

    Args:
        bundle: the bundle's file.
        keys: the directory of keysets.
        status: where to write :class:`Status` (mode 0600), if anywhere.
        clock: Unix seconds.

    Raises:
        AssayError: the first bundle or its keys cannot be loaded; there is no policy to fall back on.
    """

    def __init__(
        self, bundle: Path, keys: Path, *, status: Path | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._bundle, self._keys, self._status, self._clock = bundle, keys, status, clock
        self._started = clock()
        self._watched: tuple[Path, ...] = (bundle,)
        self._stamp: Stamp = ()
        self._lock = threading.Lock()
        self.error: str | None = None
        self.engine = self._load()
        self._loaded = self._started
        self._tell()

    def refresh(self, *, force: bool = False) -> bool:
        """Load again if a file changed (or ``force``); true when the engine was replaced.

        A failure keeps the policy in use and is told in the status file, once per change. May be called from any
        thread; readers of :attr:`engine` see the old one or the new one.
        """
        with self._lock:
            return self._refresh(force)

    def _refresh(self, force: bool) -> bool:
        if not force and self._stamp_of(self._watched) == self._stamp:
            return False
        try:
            self.engine = self._load()
        except AssayError as error:
            self._fail(error.sentence)
            return False
        except Exception as error:  # noqa: BLE001  # a defect in compiling must not end a server that has a policy
            self._fail(f"The bundle could not be compiled ({type(error).__name__}).")
            return False
        self.error = None
        self._loaded = self._clock()
        self._retell()
        return True

    def _load(self) -> Engine:
        watched: tuple[Path, ...] = (self._bundle,)
        stamp = self._stamp_of(watched)
        try:
            bundle = bundles.decode(read_public(self._bundle, limit=BUNDLE_LIMIT, what="bundle"))
            names = sorted(bundles.keyset_names(bundle))
            watched = (self._bundle, *dict.fromkeys(p for name in names for p in keysets.files(self._keys, name)))
            # Taken before reading: a file that changes meanwhile is then loaded once more, not missed.
            stamp = self._stamp_of(watched)
            loaded: Mapping[str, keysets.Keyset] = {name: keysets.load(self._keys, name) for name in names}
            return compile_engine(bundle, loaded)
        finally:
            self._watched, self._stamp = watched, stamp

    @staticmethod
    def _stamp_of(paths: tuple[Path, ...]) -> Stamp:
        found = []
        for path in paths:
            try:
                status = path.stat()
            except OSError:
                found.append((str(path), 0, 0))
            else:
                found.append((str(path), status.st_mtime_ns, status.st_ino))
        return tuple(found)

    def _fail(self, sentence: str) -> None:
        self.error = sentence
        self._retell()

    def _retell(self) -> None:
        """A full disk must not end a server that has a policy; whoever waits for the new digest sees the old one."""
        with contextlib.suppress(AssayError):
            self._tell()

    def _tell(self) -> None:
        if self._status is None:
            return
        status = Status(
            pid=os.getpid(),
            digest=self.engine.digest,
            started=self._started,
            loaded=self._loaded,
            operations=len(self.engine.operations),
            error=self.error,
        )
        write_private(self._status, msgspec.json.encode(status))
