"""What exists already, read, audited and drafted into a declaration of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.controls.api_gateway.foreign import UNREAD, judged
from assay.declare.declaration import Declaration
from assay.domain import Location, UsageError, Verdict
from assay.importing.gateways.audit import Audit, audit
from assay.importing.gateways.draft import draft
from assay.importing.gateways.platforms import read_gateway
from assay.importing.models.drafted import Drafted
from assay.importing.models.fides import from_fides, to_fides
from assay.importing.models.otm import from_otm, to_otm
from assay.importing.source import read_text, structured
from assay.sensitivity.levels import highest

__all__ = ["UNREAD", "Imported", "audit_gateway", "read_model", "write_draft", "write_model"]


@dataclass(frozen=True, slots=True)
class Imported:
    """A foreign gateway: what is where on its routes, and the same as verdicts with places."""

    audit: Audit
    verdicts: tuple[Verdict, ...]


def audit_gateway(files: Sequence[Path], platform: str | None) -> Imported:
    """Reads a gateway's configuration and holds it against what is expected of one.

    Raises:
        UsageError: a file cannot be read, or its platform is not seen.
    """
    foreign, problems = read_gateway(files, platform=platform)
    found = audit(foreign)
    return Imported(found, tuple(judged(f"gateways.{foreign.platform}", found, problems, Location(str(files[0])))))


def write_draft(imported: Imported, files: Sequence[Path], directory: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Writes the declaration of what the gateway does today; what was written, and what could not be said in it.

    Raises:
        UsageError: there is a declaration already, or nothing to declare.
    """
    foreign = imported.audit.foreign
    if not foreign.routes:
        raise UsageError("this configuration passes nothing on, so there is nothing to declare")
    if (directory / "assay.yaml").exists():
        raise UsageError(
            f"`{directory / 'assay.yaml'}` is there already", fix="choose another directory with `--output`"
        )
    made = draft(foreign, title=imported.audit.title, source=", ".join(path.name for path in files))
    config = [os.path.relpath(path.resolve(), directory.resolve()) for path in files]
    named = f"\ngateways:\n  existing: {{platform: {foreign.platform}, config: [{', '.join(map(repr, config))}]}}\n"
    written = []
    for name, text in made.files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + named * (name == "assay.yaml"), encoding="utf-8")
        written.append(path)
    return tuple(written), made.losses


def read_model(kind: str, files: Sequence[Path]) -> Drafted:
    """A declaration drafted from another tool's model: ``otm`` (one file) or ``fides`` (one or many).

    Raises:
        UsageError: a file cannot be read, or is no such model.
    """
    sources = [structured(read_text(path), str(path)) for path in files]
    if kind == "otm":
        if len(sources) != 1:
            raise UsageError("an Open Threat Model is one file", fix="name one")
        return from_otm(sources[0])
    return from_fides(sources)


def write_model(drafted: Drafted, files: Sequence[Path], directory: Path) -> Path:
    """Writes the drafted declaration.

    Raises:
        UsageError: there is one already.
    """
    path = directory / "assay.yaml"
    if path.exists():
        raise UsageError(f"`{path}` is there already", fix="choose another directory with `--output`")
    directory.mkdir(parents=True, exist_ok=True)
    path.write_text(drafted.text(", ".join(f.name for f in files)), encoding="utf-8")
    return path


EXPORTS: Mapping[str, Callable[[Declaration], dict[str, object]]] = {
    "otm": lambda d: to_otm(d, {name: data.level or highest(data) for name, data in d.model.data.items()}),
    "fides": to_fides,
}
"""Models that a declaration can be written as."""
