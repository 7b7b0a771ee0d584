"""A declaration on disk, with the directory where its gateway keeps its state."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from assay.controls import CONTROL_IDS
from assay.declare import load
from assay.declare.declaration import Declaration
from assay.domain import AssayError, IncompleteError, Verdict

STATE = ".assay"


@dataclass(frozen=True, slots=True)
class Project:
    """A declaration and where its state lives (``state`` need not exist yet)."""

    declaration: Declaration
    state: Path

    def file(self, name: str) -> Path:
        """The path of a file that a location names."""
        path = Path(name)
        return path if path.is_absolute() or path.exists() else self.declaration.root / path

    def sources_for(self, verdicts: Iterable[Verdict]) -> Mapping[str, str]:
        """Texts of the files that the verdicts speak about, to show excerpts from. What cannot be read is left out."""
        texts = dict(self.declaration.sources)
        for name in {v.location.file for v in verdicts} - texts.keys():
            try:
                texts[name] = self.file(name).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
        return texts

    def rewrite(self, name: str, text: str) -> None:
        """Replaces a declaration file in one step, keeping its permissions.

        Raises:
            IncompleteError: the disk refused; the old file is untouched.
        """
        target = self.file(name)
        try:
            with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False) as new:
                new.write(text)
                new.flush()
                os.fsync(new.fileno())
            Path(new.name).chmod(target.stat().st_mode & 0o777)
            Path(new.name).replace(target)
        except OSError as error:
            raise IncompleteError(
                f"{name} cannot be written: {error.strerror}", fix="free the disk or the file"
            ) from error


def open_project(path: Path, *, environ: Mapping[str, str] | None = None) -> Project:
    """Reads the declaration at ``path``.

    Raises:
        DeclarationError: it cannot be read, with everything that is wrong.
    """
    declaration = load(path, environ=os.environ if environ is None else environ, controls=frozenset(CONTROL_IDS))
    override = os.environ.get("ASSAY_STATE")
    return Project(declaration, Path(override) if override else declaration.root / STATE)


__all__ = ["AssayError", "Project", "open_project"]
