"""The files of findings that a declaration names, read and laid on its operations, each finding once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.declare.declaration import Declaration
from assay.declare.model import FindingsFile
from assay.domain import AssayError, Location
from assay.importing.findings.finding import ImportedFinding
from assay.importing.findings.reading import Found, read_findings
from assay.importing.findings.routes import Landing, Routes


@dataclass(frozen=True, slots=True)
class NamedFile:
    """One entry under ``pen_test.findings`` of an API.

    Attributes:
        found: what is in it; None when it cannot be read, and ``problem`` says why.
        changed: its digest is not the declared one.
    """

    api: str
    index: int
    entry: FindingsFile
    at: Location
    found: Found | None
    problem: str = ""
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Landed:
    """A finding where it belongs, and whether somebody says that it is mended."""

    file: NamedFile
    finding: ImportedFinding
    landing: Landing

    @property
    def said_fixed(self) -> bool:
        """Whether the declaration lists it under ``fixed``."""
        return self.finding.key in self.file.entry.fixed or self.finding.id in self.file.entry.fixed


def digest_of_file(path: Path) -> str | None:
    """SHA-256 of a file in hexadecimal; None when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()


def named_files(declaration: Declaration) -> Iterator[NamedFile]:
    """Every file that a declaration names, read. Files that cannot be read are told, never left out."""
    for api_id, api in declaration.model.apis.items():
        for index, entry in enumerate(api.pen_test.findings if api.pen_test else ()):
            at = declaration.locate("apis", api_id, "pen_test", "findings", index, "file")
            yield _named(declaration.root, api_id, index, entry, at)


def _named(root: Path, api: str, index: int, entry: FindingsFile, at: Location) -> NamedFile:
    try:
        data = (root / entry.file).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "the path is none"
        return NamedFile(api, index, entry, at, None, f"`{entry.file}` cannot be read: {why}")
    digest = hashlib.sha256(data).hexdigest()
    changed = entry.sha256 is not None and digest != entry.sha256.lower()
    try:
        return NamedFile(api, index, entry, at, read_findings(data, entry.file, entry.format), changed=changed)
    except AssayError as error:
        return NamedFile(api, index, entry, at, None, error.sentence, changed)


def landed(declaration: Declaration, files: Sequence[NamedFile]) -> tuple[Landed, ...]:
    """Every finding of the files, once: of what two files report alike, the one that was mended last is told."""
    if not any(file.found and file.found.findings for file in files):
        return ()
    routes = Routes(declaration)
    found: dict[tuple[str, str, str], Landed] = {}
    for file in files:
        for finding in file.found.findings if file.found else ():
            landing = routes.land(finding, declared_at=file.api)
            key = (finding.key, landing.api, landing.operation)
            known = found.get(key)
            if known is None or (not known.said_fixed and Landed(file, finding, landing).said_fixed):
                found[key] = Landed(file, finding, landing)
    return tuple(found.values())
