"""What exists already, read, audited and drafted into a declaration of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.controls.api_gateway.foreign import judged
from assay.domain import Location, UsageError, Verdict
from assay.importing.gateways.audit import Audit, audit
from assay.importing.gateways.draft import draft
from assay.importing.gateways.platforms import read_gateway


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
