"""The file of one decision: the statement open to be read, and the signature beside it, in one form only."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import NamedTuple

import msgspec

from assay.decisions.words import FOLDER
from assay.domain import AssayError
from assay.evidence.decided import PAYLOAD_TYPE, Stated, fault
from assay.identity.files import read_public

_LONGEST = 64 << 10
_MOST = 100_000


class _Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyid: str
    sig: str


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    payload_type: str = msgspec.field(name="payloadType")
    signatures: tuple[_Signature, ...]
    statement: Stated


class Kept(NamedTuple):
    """A decision as its file has it. Neither the signature nor whose key it is has been looked at."""

    stated: Stated
    keyid: str
    signature: bytes


def render(kept: Kept) -> bytes:
    """The file's bytes. The same decision is always the same bytes."""
    document = {
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": kept.keyid, "sig": base64.b64encode(kept.signature).decode()}],
        "statement": msgspec.to_builtins(kept.stated),
    }
    return (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def parse(data: bytes) -> Kept:
    """Takes a file apart. Line ends of another system are accepted, any other difference is not.

    Raises:
        AssayError: it is no decision as :func:`render` writes one.
    """
    data = data.replace(b"\r\n", b"\n")
    try:
        written = msgspec.json.decode(data, type=_Written)
        (one,) = written.signatures
        kept = Kept(written.statement, one.keyid, base64.b64decode(one.sig.encode(), validate=True))
        if written.payload_type != PAYLOAD_TYPE or len(kept.signature) != 64:
            raise ValueError
        wrong = fault(kept.stated)
        if not wrong and render(kept) != data:
            wrong = "it was changed by hand, or written by something else"
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise AssayError("this is no signed decision") from error
    if wrong:
        raise AssayError(f"this is no signed decision: {wrong}")
    return kept


def names(root: Path) -> tuple[str, ...]:
    """The files of decisions beside a declaration, sorted; none where there is no folder of them.

    Raises:
        AssayError: the folder cannot be listed, or holds more than 100,000 files.
    """
    folder = root / FOLDER
    try:
        if not folder.is_dir():
            return ()
        found = sorted(p.name for p in folder.iterdir() if p.suffix == ".json" and not p.name.startswith("."))
    except OSError as error:
        raise AssayError(
            f"the folder `{FOLDER}` cannot be listed: {error.strerror}", fix="let the user that runs Assay read it"
        ) from error
    if len(found) > _MOST:
        raise AssayError(f"`{FOLDER}` holds {len(found):,} files; {_MOST:,} is the most", fix="move old ones elsewhere")
    return tuple(found)


def content(root: Path, name: str) -> bytes:
    """The bytes of one file. Raises :class:`AssayError` when it cannot be read, or is longer than 64 KiB."""
    return read_public(root / FOLDER / name, limit=_LONGEST, what="decision")
