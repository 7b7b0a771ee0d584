"""The keysets that a project's protected fields are encrypted under: which there are, and how old their keys are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from assay.domain import IncompleteError, UsageError, did_you_mean
from assay.identity.files import read_private

_ENDING = ".aead.json"
_LOOKUP_ENDING = ".daead.json"


@dataclass(frozen=True, slots=True)
class Listed:
    """A keyset as the disk shows it, without any key.

    Attributes:
        keys: how many AES-256-GCM keys it holds; the newest one encrypts, all of them decrypt.
        lookup_keys: how many AES-SIV keys for lookup fields it holds.
        changed: when its newest AES-256-GCM key was made (UTC).
    """

    name: str
    keys: int
    lookup_keys: int
    changed: datetime

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {
            "name": self.name,
            "keys": self.keys,
            "lookup_keys": self.lookup_keys,
            "changed": self.changed.isoformat(),
        }


class _Info(msgspec.Struct):
    keyInfo: list[msgspec.Raw] = []


class _Sealed(msgspec.Struct):
    """The part of an encrypted Tink keyset that is in clear: which keys it holds, not what they are."""

    keysetInfo: _Info


def names(directory: Path) -> tuple[str, ...]:
    """Names of the keysets in a directory, in alphabetical order; none when there is no such directory."""
    return tuple(sorted(p.name.removesuffix(_ENDING) for p in directory.glob(f"*{_ENDING}")))


def known(directory: Path, name: str) -> str:
    """The name, if there is such a keyset.

    Raises:
        UsageError: there is none; the fix names the closest match, or says how one comes to be.
    """
    found = names(directory)
    if name in found:
        return name
    fix = (
        did_you_mean(name, found, what="keyset")
        if found
        else "`assay up` makes the keysets that the declaration asks for"
    )
    raise UsageError(f"there is no keyset `{name}`", fix=fix)


def listed(directory: Path) -> tuple[Listed, ...]:
    """Every keyset in a directory.

    Raises:
        AssayError: a file is readable by others, or damaged.
    """
    return tuple(_listed(directory, name) for name in names(directory))


def _listed(directory: Path, name: str) -> Listed:
    file = directory / f"{name}{_ENDING}"
    changed = datetime.fromtimestamp(file.stat().st_mtime, UTC).replace(microsecond=0)
    return Listed(name, _count(file), _count(directory / f"{name}{_LOOKUP_ENDING}"), changed)


def _count(file: Path) -> int:
    try:
        return len(msgspec.json.decode(read_private(file, what="keyset"), type=_Sealed).keysetInfo.keyInfo)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IncompleteError(
            f"the keyset `{file}` cannot be read", fix="restore it, together with `kek` beside it, from one backup"
        ) from error


__all__ = ["Listed", "known", "listed", "names"]
