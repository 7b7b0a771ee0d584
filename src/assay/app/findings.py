"""Findings of other tools in a project: brought in, kept beside the declaration, and listed where they belong."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from assay.app.project import Project
from assay.declare.patch import apply_edits
from assay.domain import AssayError, Edit, IncompleteError, UsageError, did_you_mean
from assay.importing.findings import Found, ImportedFinding, Landing, Routes, read_findings
from assay.importing.findings.declared import Landed, NamedFile, landed, named_files
from assay.importing.findings.kept import render
from assay.importing.findings.reading import Format

FOLDER = "findings"


@dataclass(frozen=True, slots=True)
class Brought:
    """What an import did.

    Attributes:
        file: where the findings are kept, relative to the declaration.
        api: the API they are to be declared at; empty when none of them belongs to one.
        entry: what is to be written under ``pen_test: {findings: […]}`` of that API.
        declared: whether it stands there now.
    """

    file: str
    sha256: str
    found: Found
    landed: tuple[tuple[ImportedFinding, Landing], ...]
    api: str
    entry: dict[str, str]
    declared: bool


def bring(
    project: Project,
    report: Path,
    today: date,
    *,
    format: Format | None = None,
    api: str | None = None,
    declare: bool = False,
) -> Brought:
    """Reads a report and keeps what is in it as ``findings/NAME.json`` beside the declaration, without secrets.

    It counts as reported today; correct the entry where that is not so.

    Raises:
        UsageError: the report cannot be read, the API does not exist, or other findings have that name already.
        IncompleteError: the disk refused.
    """
    known_api(project, api)
    data = _read(report)
    found = read_findings(data, report.name, format)
    text = render(found.findings, file=report.name, sha256=hashlib.sha256(data).hexdigest())
    routes = Routes(project.declaration)
    places = tuple((f, routes.land(f, declared_at=api or "")) for f in found.findings)
    counted = Counter(landing.api for _, landing in places if landing.api)
    most = api or (counted.most_common(1)[0][0] if counted else "")
    if declare:
        _declarable(project, most)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", report.stem).strip("-.") or "report"
    name = f"{FOLDER}/{stem}.json"
    _keep(project.declaration.root / name, text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    entry = {"file": name, "format": "assay", "sha256": digest, "reported": today.isoformat()}
    declared = any(
        f.file == name and f.sha256 == digest
        for a in project.declaration.model.apis.values()
        if a.pen_test
        for f in a.pen_test.findings
    )
    if declare and not declared:
        _declare(project, most, entry)
        declared = True
    return Brought(name, digest, found, places, most, entry, declared)


def known_api(project: Project, api: str | None) -> None:
    """Returns when the API is declared, or none is named.

    Raises:
        UsageError: there is no such API; the fix names the closest match.
    """
    apis = project.declaration.model.apis
    if api is not None and api not in apis:
        raise UsageError(f"there is no API `{api}`", fix=did_you_mean(api, apis, what="API"))


def _read(report: Path) -> bytes:
    try:
        return report.read_bytes()
    except OSError as error:
        raise UsageError(f"`{report}` cannot be read: {error.strerror}", fix="correct the path") from None


def _keep(path: Path, text: str) -> None:
    """Writes a file once. The same text again is no harm; another one would take findings away unseen."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            if path.read_text(encoding="utf-8") != text:
                raise UsageError(
                    f"`{path.name}` holds other findings already",
                    fix="give the report another name, or remove that file",
                )
            return
        path.write_text(text, encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"`{path.name}` is something else already", fix="give the report another name") from None
    except OSError as error:
        raise IncompleteError(
            f"{path} cannot be written: {error.strerror}", fix="free the disk or the folder"
        ) from error


def _declarable(project: Project, api: str) -> None:
    if not api:
        raise UsageError("no finding belongs to an API", fix="name the API they are to be declared at: --api API")
    if project.declaration.model.apis[api].pen_test is None:
        raise UsageError(
            f"API `{api}` has no `pen_test:`, so there is nothing to declare them under",
            fix="write `pen_test: {last: DAY, by: third-party}` for it first",
            location=project.declaration.places.key("apis", api),
        )


def _declare(project: Project, api: str, entry: dict[str, str]) -> None:
    declaration = project.declaration
    place = declaration.places.at("apis", api, "pen_test")
    test = declaration.model.apis[api].pen_test
    if not place.file_path or test is None:
        raise AssayError("the declaration cannot be changed there", fix="write the entry by hand")
    file, path = place.value.file, (*place.file_path, "findings")
    edit = Edit(file, (*path, len(test.findings)), entry) if test.findings else Edit(file, path, [entry])
    changed = apply_edits(declaration.sources, [edit])
    for name, text in changed.items():
        if text != declaration.sources[name]:
            project.rewrite(name, text)


def written(entry: dict[str, str]) -> str:
    """The entry as a line of YAML, to be copied."""
    pairs = ", ".join(f"{k}: {json.dumps(v) if re.search(r'[^A-Za-z0-9_./-]', v) else v}" for k, v in entry.items())
    return "{" + pairs + "}"


@dataclass(frozen=True, slots=True)
class Listing:
    """Every finding that the declaration names, the gravest first, and the files that could not be read."""

    findings: tuple[Landed, ...]
    unread: tuple[NamedFile, ...]


def listing(project: Project, api: str | None = None) -> Listing:
    """What is declared under ``pen_test: {findings: […]}``, of one API or of all.

    Raises:
        UsageError: there is no such API.
    """
    known_api(project, api)
    files = list(named_files(project.declaration))
    found = [e for e in landed(project.declaration, files) if api is None or api in (e.landing.api, e.file.api)]
    found.sort(key=lambda e: (-e.finding.severity.rank, e.landing.api, e.landing.operation, e.finding.key))
    unread = tuple(f for f in files if f.found is None and api in (None, f.api))
    return Listing(tuple(found), unread)


def state(project: Project, each: Landed) -> str:
    """``fixed``: seen to be mended by a declared retest; ``open``: everything else."""
    test = project.declaration.model.apis[each.file.api].pen_test
    retested = test is not None and test.retest is not None and test.retest >= test.last
    return "fixed" if each.said_fixed and retested else "open"
