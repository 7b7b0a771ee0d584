"""How long applied versions are kept: long enough to go back to, not for ever, since each is as large as the gateway.

What goes is policy and configuration. Who applied a version, when, and who approved what it loosened, stays.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from assay.domain import AssayError
from assay.gateway import state
from assay.gateway.layout import Paths
from assay.identity.files import ensure_private_directory, read_private, write_private

KEPT = 50
"""How many versions stay whole, counted from the newest."""
_NOTE_LIMIT = 1 << 20


def prune(paths: Paths, *, keep: int = KEPT) -> tuple[int, ...]:
    """Forgets old versions, and returns their numbers.

    The newest ``keep`` stay, the one that is live, and each that a rollback among these went back to. A version goes in
    one step, after its note is safe in ``versions/notes/NNNN.json``. The caller holds the lock.

    Raises:
        AssayError: the note of what is live cannot be read; then nothing is forgotten.
    """
    stored = state.numbers(paths)
    kept = set(stored[-max(keep, 1) :])
    applied = state.read_applied(paths)
    if applied is not None:
        kept.add(applied.number)
    kept |= {restored for number in kept & set(stored) if (restored := _restores(paths, number)) is not None}
    return tuple(number for number in stored if number not in kept and _forget(paths, number))


def _restores(paths: Paths, number: int) -> int | None:
    try:
        return state.load_meta(paths, number).restores
    except AssayError:
        return None


def _forget(paths: Paths, number: int) -> bool:
    """Whether it went; a version whose note cannot be kept stays as it is."""
    directory = paths.versions / f"{number:04}"
    leaving = paths.versions / f".{number:04}.{secrets.token_hex(4)}"
    try:
        _keep_note(directory / "meta.json", state.forgotten(paths) / directory.name)
        directory.rename(leaving)
    except (AssayError, OSError):
        return False
    shutil.rmtree(leaving, ignore_errors=True)
    return True


def _keep_note(meta: Path, target: Path) -> None:
    ensure_private_directory(target.parent)
    data = read_private(meta, limit=_NOTE_LIMIT, what="state file")
    write_private(target.with_name(target.name + ".json"), data)


__all__ = ["KEPT", "prune"]
