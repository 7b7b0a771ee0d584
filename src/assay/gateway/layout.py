"""Where a gateway keeps its files: a private directory, and another for sockets when its path is too long for them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assay.domain import IncompleteError
from assay.identity.files import ensure_private_directory, write_private

_SOCKET_LIMIT = 100
"""A Unix socket's path must fit 108 bytes with its terminator (unix(7)); some room is left for longer names."""

_LONGEST_SOCKET = "inspector.sock"


@dataclass(frozen=True, slots=True)
class Paths:
    """Where everything is. ``sockets`` is ``run/`` unless that makes socket paths too long for the kernel."""

    root: Path
    sockets: Path

    @property
    def gateway(self) -> Path:
        """Policies, configuration and which of them is applied."""
        return self.root / "gateway"

    @property
    def live(self) -> Path:
        """The directory Envoy watches."""
        return self.gateway / "live"

    @property
    def bootstrap(self) -> Path:
        """What Envoy is started with."""
        return self.gateway / "bootstrap.json"

    @property
    def versions(self) -> Path:
        """One directory for each version ever applied."""
        return self.gateway / "versions"

    @property
    def applied(self) -> Path:
        """The note of what is live."""
        return self.gateway / "applied.json"

    @property
    def inspector_bundle(self) -> Path:
        """What the inspector reads."""
        return self.root / "inspector" / "bundle.json"

    @property
    def processor_bundle(self) -> Path:
        """What the processor reads."""
        return self.root / "processor" / "bundle.json"

    @property
    def run(self) -> Path:
        """What belongs to a running supervisor."""
        return self.root / "run"

    @property
    def run_state(self) -> Path:
        """Which processes run, since when."""
        return self.run / "state.json"

    @property
    def logs(self) -> Path:
        """Logs of the parts, and the access log."""
        return self.root / "logs"

    @property
    def access_log(self) -> Path:
        """One JSON line per call."""
        return self.logs / "access.jsonl"

    @property
    def keys(self) -> Path:
        """API keys and keysets."""
        return self.root / "keys"

    @property
    def pki(self) -> Path:
        """Development certificates."""
        return self.root / "pki"

    @property
    def issuer(self) -> Path:
        """State of the development issuer."""
        return self.root / "issuer"

    @property
    def admin_socket(self) -> Path:
        """Envoy's administration interface."""
        return self.sockets / "admin.sock"

    @property
    def inspector_socket(self) -> Path:
        """Where the inspector answers."""
        return self.sockets / "inspector.sock"

    @property
    def processor_socket(self) -> Path:
        """Where the processor answers."""
        return self.sockets / "processor.sock"


def prepare(root: Path, *, environ: Mapping[str, str]) -> Paths:
    """Makes the state directory, and says where everything in it is.

    Args:
        root: the state directory; made with mode 0700 when missing.
        environ: the environment; ``XDG_RUNTIME_DIR`` is used for sockets when ``root`` is too deep for them.

    Raises:
        AssayError: a directory cannot be made, or others could write to it.
    """
    root = root.resolve()
    paths = Paths(root, _socket_directory(root, environ))
    fresh = not root.exists()
    directories = (paths.live, paths.versions, paths.inspector_bundle.parent, paths.processor_bundle.parent)
    for directory in (root, paths.gateway, *directories, paths.run, paths.logs, paths.keys, paths.pki, paths.issuer):
        ensure_private_directory(directory)
    if fresh:
        # Private keys lie here: whoever puts the project under version control must not add them unawares.
        write_private(root / ".gitignore", b"*\n")
    if paths.sockets.exists() or paths.sockets.is_symlink():
        _check_owner(paths.sockets)
    return paths


def open_sockets(paths: Paths) -> None:
    """Makes the directory for sockets, for whoever starts the parts; other commands only look at it.

    Raises:
        AssayError: it cannot be made, or is not private to this user.
    """
    ensure_private_directory(paths.sockets)
    _check_owner(paths.sockets)


def close_sockets(paths: Paths) -> None:
    """Removes the directory for sockets when it lies outside the state directory and nothing is left in it."""
    if paths.sockets != paths.run:
        with contextlib.suppress(OSError):
            paths.sockets.rmdir()


def _socket_directory(root: Path, environ: Mapping[str, str]) -> Path:
    run = root / "run"
    if len(os.fsencode(run / _LONGEST_SOCKET)) <= _SOCKET_LIMIT:
        return run
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    for base in (environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir()):
        found = Path(base) / f"assay-{os.getuid()}-{digest}" if base else None
        if found and found.is_absolute() and len(os.fsencode(found / _LONGEST_SOCKET)) <= _SOCKET_LIMIT:
            return found
    raise IncompleteError(
        f"no directory has a path short enough for sockets: `{run}` is too deep",
        fix="move the project to a shorter path, or set XDG_RUNTIME_DIR to one",
    )


def _check_owner(directory: Path) -> None:
    """Sockets in a directory of somebody else could be replaced by them, so the owner is checked and links refused."""
    status = directory.lstat()
    if directory.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise IncompleteError(
            f"the directory for sockets `{directory}` is not private to you",
            fix=f"remove it, or make it yours: chmod 700 {directory}",
        )
