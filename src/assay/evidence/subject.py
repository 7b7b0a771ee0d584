"""What is verified: the files as they were read, and what the steps hand on to each other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from assay.domain import AssayError
from assay.evidence import cosigned, scan
from assay.evidence.checkpoint import Checkpoint, parse
from assay.evidence.cosigned import Cosigned
from assay.evidence.diagnose import Problem, Seen
from assay.evidence.files import LogFiles
from assay.evidence.findings import Findings
from assay.evidence.keys import Epoch
from assay.evidence.log import Seal
from assay.evidence.record import BlobRef, Record
from assay.evidence.tree import CompactRange

ALL_UP_TO = 10_000
"""Logs of so many records have every signature and attachment verified; longer ones a sample, unless ``full``."""
SAMPLE = 1_000

TITLES = (
    "format",
    "keys and epochs",
    "signatures",
    "canonical form",
    "tree",
    "consistency",
    "runs",
    "attachments",
    "freshness",
    "declaration and configuration",
    "witnesses",
)

Tick = Callable[[str, int, int], None]
"""Told what is going on, how far, of how much."""


def quiet(what: str, done: int, of: int) -> None:
    """Says nothing."""
    del what, done, of


@dataclass(slots=True)
class Subject:
    """What the steps hand on to each other.

    ``seals`` and ``trusted``: line number, seal and checkpoint; trusted ones are signed. ``noted``: the file
    ``checkpoint``. ``kept``: the verifier's own. ``cosigned``: what witnesses signed, by ``witnessed.json``.
    ``manifest``: an exported folder's. ``head``: the largest trusted one. ``roots``: root and bytes at each size that
    matters. ``covered``: how many records are those that a trusted checkpoint was signed for.
    """

    files: LogFiles
    now: datetime
    full: bool
    tick: Tick
    found: Findings = field(default_factory=Findings)
    lines: int = 0
    torn: int = 0
    parts: list[scan.Span] = field(default_factory=list)
    seals: list[tuple[int, Seal, Checkpoint]] = field(default_factory=list)
    noted: Checkpoint | None = None
    head: Checkpoint | None = None
    trusted: list[tuple[int, Seal, Checkpoint]] = field(default_factory=list)
    kept: Checkpoint | None = None
    cosigned: tuple[Cosigned, ...] = ()
    manifest: bytes | None = None
    epochs: tuple[Epoch, ...] = ()
    covered: int = 0
    uncovered: list[Seen] = field(default_factory=list)
    roots: dict[int, tuple[bytes, int]] = field(default_factory=lambda: {0: (CompactRange().root(), 0)})
    odd: list[tuple[int, int]] = field(default_factory=list)
    special: list[tuple[int, Record, bytes]] = field(default_factory=list)
    runs: dict[str, scan.RunPart] = field(default_factory=dict)
    blobs: list[tuple[int, str, str, BlobRef]] = field(default_factory=list)
    expired: int = 0
    first_expired: tuple[int, str] = (-1, "")
    checked: dict[str, tuple[int, int]] = field(default_factory=dict)

    def entry(self, step: int, problem: Problem, index: int, sentence: str) -> None:
        """Notes a finding about a record."""
        self.found.add(step, problem, f"record {index}", sentence, index=index)

    def close(self, number: int, sentence: str, *, checked: bool = True) -> None:
        """Ends a step."""
        self.found.close(number, TITLES[number - 1], sentence, checked=checked)


def note(data: bytes) -> Checkpoint | None:
    """A checkpoint, None where there is none."""
    try:
        return parse(data.decode())
    except (AssayError, UnicodeDecodeError):
        return None


def read_heads(files: LogFiles) -> tuple[bytes | None, bytes | None]:
    """The last checkpoint and all of them, of the same moment: somebody may be writing. None for what is not there."""
    for _ in range(5):
        noted, seals = _content(files.checkpoint), _content(files.seals)
        if _content(files.checkpoint) == noted:
            break
    return noted, seals


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def read_seals(s: Subject, data: bytes) -> None:
    """All checkpoints that were signed, not verified yet."""
    lines = data.split(b"\n")
    if lines.pop():
        s.found.add(1, Problem.UNSEALED, "seals.jsonl", "The last line is torn: a seal was interrupted.")
    for number, line in enumerate(lines, 1):
        try:
            seal = msgspec.json.decode(line, type=Seal)
            checkpoint = parse(seal.checkpoint)
            good = CompactRange(checkpoint.size, map(bytes.fromhex, seal.nodes)).root() == checkpoint.root
        except (AssayError, msgspec.MsgspecError, ValueError, RecursionError):
            good = False
        if good:
            s.seals.append((number, seal, checkpoint))
        else:
            s.found.add(1, Problem.MODIFIED, f"seals.jsonl:{number}", "This line is not a seal as it was written.")


def read_cosigned(s: Subject) -> None:
    """What witnesses signed, not verified yet."""
    data = _content(s.files.witnessed)
    try:
        s.cosigned = cosigned.decode(data) if data is not None else ()
    except AssayError:
        s.found.add(1, Problem.MODIFIED, "witnessed.json", "The list of what witnesses signed cannot be read.")


def read_manifest(s: Subject) -> str:
    """An exported folder lists its files. Who signed the list is looked at in step 3."""
    s.manifest = _content(s.files.root / "manifest.json")
    if s.manifest is None:
        if (s.files.root / "manifest.sig").is_file():
            s.found.add(1, Problem.MISSING, "manifest.json", "The manifest is gone, and its signature is there.")
        return ""
    try:
        listed = msgspec.json.decode(s.manifest.decode(), type=_Manifest).files
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        s.found.add(1, Problem.MODIFIED, "manifest.json", "The manifest cannot be read.")
        return ""
    for name, entry in sorted(listed.items()):
        file = s.files.root / name
        if "\0" in name or ".." in Path(name).parts or Path(name).is_absolute():
            s.found.add(1, Problem.MODIFIED, "manifest.json", "The manifest names a file outside of the folder.")
        elif not file.is_file():
            s.found.add(1, Problem.MISSING, name, "A file that the manifest lists is gone.")
        else:
            with file.open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != entry.sha256:
                    s.found.add(1, Problem.MODIFIED, name, "The file is not the one that the manifest lists.")
    return f"; {len(listed):,} files against the manifest"


class _File(msgspec.Struct):
    sha256: str


class _Manifest(msgspec.Struct):
    files: dict[str, _File]


def read_records(s: Subject) -> None:
    """One pass over everything: tree, places, runs, attachments."""
    heads = [*(seal[2] for seal in s.seals), *(c.checkpoint for c in s.cosigned), s.noted, s.kept]
    roots = scan.Roots(c.size for c in heads if c)
    for part in scan.read_all(s.files.records, s.now, lambda done, of: s.tick("tree", done, of)):
        roots.add(part)
        s.lines += part.count
        s.torn += part.torn
        s.parts.append(scan.Span(part.start, part.end, part.first, part.count, part.lengths))
        s.odd += part.odd
        for index, line in part.special:
            record = scan.special(line)
            if record is None:
                s.odd.append((index, -1))
            else:
                s.special.append((index, record, line))
        for run, content in part.runs.items():
            s.runs.setdefault(run, scan.RunPart()).add(content)
        s.blobs += part.blobs
        if part.expired and not s.expired:
            s.first_expired = part.first_expired
        s.expired += part.expired
    roots.end()
    s.roots = roots.at
