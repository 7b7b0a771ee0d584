"""The folder that a stranger verifies: everything needed, nothing secret, and the program to do it with."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import msgspec

from assay.domain import AssayError, IncompleteError, Location, UsageError
from assay.evidence import cosigned, envelope
from assay.evidence.blobs import read_sealed, unseal
from assay.evidence.checkpoint import Checkpoint, Proof, parse
from assay.evidence.files import LogFiles
from assay.evidence.keys import KeyDirectory
from assay.evidence.reading import Reading
from assay.evidence.record import BlobRef, Kind, decode
from assay.evidence.tree import Levels, leaf_hash

Sign = Callable[[bytes], bytes]
"""The signature of a manifest, as the file beside it."""
PROOFS_AT_MOST = 5_000
"""Records that get an envelope and a proof of their own, when nobody says which runs; the newest ones."""

_README = """Evidence of `{origin}`, {size:,} records, written {at}.

    python3 verify.py .                       the whole folder (needs the package `cryptography`)
    python3 verify.py . --since CHECKPOINT    also: nothing that you saw earlier was taken back
    python3 verify.py proofs/ID.tlog-proof    one record alone, with keys.json beside this file

records.jsonl   every record of the log: a signed in-toto Statement a line
seals.jsonl     every signed checkpoint, oldest first        checkpoint    the last of them: keep a copy
keys.json       the public keys. Compare the first fingerprint with one you got another way: {fingerprint}
envelopes/      {proofs:,} records as DSSE envelopes, for other tools
proofs/         the same records with their proofs (C2SP tlog-proof), each to be verified alone
opened/         attachments in clear, redacted, with their salts in opened.json
witnessed.json  what witnesses cosigned, if there are any: compare their keys with those they told you
manifest.json   SHA-256 of every file here                   manifest.sig  its signature by the log's key
verify.py       the program; read it, or take your own copy from the distribution
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the folder, records in the log, proofs, attachments opened, and bytes."""

    directory: Path
    records: int
    proofs: int
    attachments: int
    bytes: int


def export(
    source: Path,
    directory: Path,
    keys: KeyDirectory,
    *,
    sign: Sign,
    at: datetime,
    runs: Iterable[str] | None = None,
    attachments: bool = True,
) -> Exported:
    """Writes the folder. ``directory`` must not exist, or be empty. ``sign`` signs its manifest.

    All records are in it, since the log is one tree; ``runs`` chooses whose records also get an envelope and a proof of
    their own, and whose attachments are opened. By default these are the newest 5,000 records.

    Raises:
        UsageError: the directory is in use. IncompleteError: the disk refuses, or the log is damaged.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise UsageError(f"`{directory}` is not empty", fix="name a directory that does not exist yet")
        return _export(
            LogFiles(source), LogFiles(directory), keys, sign, at, None if runs is None else set(runs), attachments
        )
    except OSError as error:
        raise IncompleteError(
            f"The evidence cannot be written to `{directory}`: {error.strerror or error}.",
            fix="free some space, or name another directory",
            location=Location(str(directory)),
        ) from error


def _export(
    source: LogFiles,
    target: LogFiles,
    keys: KeyDirectory,
    sign: Sign,
    at: datetime,
    runs: set[str] | None,
    attachments: bool,
) -> Exported:
    witnessed = cosigned.read(source.witnessed)
    head = cosigned.with_cosignatures(parse(source.checkpoint.read_text(encoding="utf-8")), witnessed)
    hashes: list[bytes] = []
    with target.records.open("wb") as written:
        for index, line in Reading(source.root).lines():
            if index >= head.size:
                break
            written.write(line + b"\n")
            hashes.append(leaf_hash(line))
    if len(hashes) != head.size:
        raise IncompleteError(f"The log has {len(hashes):,} of {head.size:,} records.", fix="run `assay verify`")
    for path, copy in ((source.seals, target.seals), (source.keys, target.keys)):
        shutil.copyfile(path, copy)
    target.checkpoint.write_text(head.text, encoding="utf-8")
    if witnessed:
        target.witnessed.write_bytes(cosigned.encode(witnessed))
    proofs, openings = _single(source, target, keys, head, hashes, runs, attachments)
    program = files("assay.evidence.standalone").joinpath("verify.py").read_bytes()
    (target.root / "verify.py").write_bytes(program)
    (target.root / "README.txt").write_text(_readme(target, head, at, proofs), encoding="utf-8")
    return Exported(target.root, head.size, proofs, openings, _manifest(target.root, head, sign, at))


def _single(
    source: LogFiles,
    target: LogFiles,
    keys: KeyDirectory,
    head: Checkpoint,
    hashes: list[bytes],
    runs: set[str] | None,
    attachments: bool,
) -> tuple[int, int]:
    """Envelopes, proofs and opened attachments of the chosen records; how many of each."""
    tree = Levels(hashes)
    for name in ("envelopes", "proofs"):
        (target.root / name).mkdir()
    proofs, openings = 0, {}
    for index, line in Reading(target.root).lines():
        if runs is None and index < head.size - PROOFS_AT_MOST:
            continue
        entry = envelope.parse(line)
        record = decode(entry.payload)
        if (runs is not None and record.run not in runs) or not record.id.isalnum():
            continue
        proofs += 1
        (target.root / "envelopes" / f"{record.id}.dsse.json").write_bytes(entry.envelope + b"\n")
        if record.kind in (Kind.VERDICT, Kind.CONFIGURATION):
            proof = Proof(index, tuple(tree.inclusion(index)), head, line)
            (target.root / "proofs" / f"{record.id}.tlog-proof").write_text(proof.text, encoding="utf-8")
        if attachments and record.blobs:
            for ref, salt, content in _opened(source, keys, record.run, record.blobs):
                (target.root / "opened").mkdir(exist_ok=True)
                (target.root / "opened" / ref.commitment).write_bytes(content)
                openings[ref.commitment] = {"media": ref.media, "name": ref.name, "of": record.id, "salt": salt.hex()}
    (target.root / "opened.json").write_bytes(msgspec.json.format(msgspec.json.encode(openings, order="sorted")))
    if source.blobs.is_dir():
        shutil.copytree(source.blobs, target.blobs)
    return proofs, len(openings)


def _opened(
    source: LogFiles, keys: KeyDirectory, run: str, refs: Iterable[BlobRef]
) -> Iterator[tuple[BlobRef, bytes, bytes]]:
    try:
        key = keys.run_key(run)
    except AssayError:
        key = None
    for ref in refs:
        sealed = read_sealed(source.blobs, run, ref) if key else None
        opened = unseal(run, key, ref, sealed) if key and sealed else None
        if opened:
            yield ref, *opened


def _readme(target: LogFiles, head: Checkpoint, at: datetime, proofs: int) -> str:
    first = msgspec.json.decode(target.keys.read_bytes())["keys"][0]["fingerprint"]
    return _README.format(
        origin=head.origin, size=head.size, at=f"{at:%Y-%m-%d %H:%M} UTC", fingerprint=first, proofs=proofs
    )


def _manifest(root: Path, head: Checkpoint, sign: Sign, at: datetime) -> int:
    listed, total = {}, 0
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = path.stat().st_size
        listed[path.relative_to(root).as_posix()] = {"bytes": size, "sha256": digest}
        total += size
    document = {
        "version": 1,
        "origin": head.origin,
        "records": head.size,
        "written": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "files": listed,
    }
    manifest = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
    (root / "manifest.json").write_bytes(manifest)
    (root / "manifest.sig").write_bytes(sign(manifest))
    return total
