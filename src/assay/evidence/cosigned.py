"""What witnesses signed of a log, kept beside it: ``witnessed.json``.

The file ``checkpoint`` is written anew with every seal, so a cosignature in it would be gone after seconds. Here each
witness has the last checkpoint that it cosigned, and its verifier key. That key is what the log's operator says it is:
whoever relies on a witness compares it with the one that the witness told them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from assay.domain import AssayError, IncompleteError, Location
from assay.evidence.checkpoint import COSIGNATURE, Checkpoint, decode_key, encode_key, parse, witnessed_by
from assay.identity.files import locked, present, read_public, write_private

_LONGEST = 4 << 20


class Cosigned(NamedTuple):
    """A witness's name and key, and the last checkpoint that it cosigned."""

    name: str
    public: bytes
    checkpoint: Checkpoint


class Attested(NamedTuple):
    """That a witness whose key is known cosigned: who, when (seconds since 1970), and the first how many records."""

    name: str
    at: int
    size: int

    @property
    def when(self) -> str:
        """The time for people. A witness may have written any number."""
        try:
            return f"{datetime.fromtimestamp(self.at, UTC):%Y-%m-%d %H:%M} UTC"
        except (OverflowError, OSError, ValueError):
            return f"second {self.at}"


class _One(msgspec.Struct):
    key: str
    checkpoint: str


class _All(msgspec.Struct):
    version: int
    witnesses: list[_One]


def decode(data: bytes) -> tuple[Cosigned, ...]:
    """The content of a ``witnessed.json``; nothing in it is verified.

    Raises:
        AssayError: it is none.
    """
    try:
        listed = msgspec.json.decode(data.decode(), type=_All).witnesses
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise AssayError("the list of what witnesses signed cannot be read") from error
    return tuple(_one(each) for each in listed)


def _one(listed: _One) -> Cosigned:
    name, kind, public = decode_key(listed.key)
    if kind != COSIGNATURE:
        raise AssayError("a key in the list of what witnesses signed is no witness's")
    return Cosigned(name, public, parse(listed.checkpoint))


def encode(cosigned: Iterable[Cosigned]) -> bytes:
    """The file's content."""
    shown = [
        {"key": encode_key(each.name, each.public, COSIGNATURE), "checkpoint": each.checkpoint.text}
        for each in sorted(cosigned, key=lambda c: (c.name, c.public))
    ]
    return msgspec.json.format(msgspec.json.encode({"version": 1, "witnesses": shown}), indent=2) + b"\n"


def read(path: Path) -> tuple[Cosigned, ...]:
    """What witnesses signed, as kept at ``path``; empty where there is no such file.

    Raises:
        IncompleteError: the file is damaged.
    """
    if not present(path):
        return ()
    try:
        return decode(read_public(path, limit=_LONGEST, what="list of what witnesses signed"))
    except AssayError as error:
        raise IncompleteError(
            f"`{path}` cannot be read: {error.sentence}.",
            fix="remove it, and have the witnesses sign again",
            location=Location(str(path)),
        ) from error


def keep(path: Path, cosigned: Cosigned) -> None:
    """Keeps what a witness cosigned in place of what it cosigned before.

    Raises:
        AssayError: the cosignature is not its own, or the disk refuses.
    """
    if not witnessed_by(cosigned.checkpoint, {cosigned.name: cosigned.public}):
        raise AssayError(
            f"The checkpoint carries no cosignature of `{cosigned.name}`.",
            fix="take the file that the witness wrote, and the key that it told you",
        )
    with locked(path):
        others = (c for c in read(path) if (c.name, c.public) != (cosigned.name, cosigned.public))
        write_private(path, encode([*others, cosigned]))


def with_cosignatures(checkpoint: Checkpoint, cosigned: Iterable[Cosigned]) -> Checkpoint:
    """The checkpoint with the cosignatures that witnesses gave for this very one."""
    more = [
        signature
        for each in cosigned
        if each.checkpoint.body == checkpoint.body
        for signature in each.checkpoint.signatures
        if signature.name == each.name and signature not in checkpoint.signatures
    ]
    return replace(checkpoint, signatures=(*checkpoint.signatures, *more))
