"""Where something was said: a place in a file of the declaration or of a contract."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A position in a source file. ``line`` and ``column`` count from 1, as editors do."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def below(self, folder: str) -> Location:
        """The same place, its file named from a folder on if it lies in it, so that it is called alike anywhere."""
        if not folder or not self.file.startswith(f"{folder.rstrip('/')}/"):
            return self
        return Location(self.file.removeprefix(f"{folder.rstrip('/')}/"), self.line, self.column)
