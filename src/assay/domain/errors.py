"""Errors a person can act on. Everything that Assay raises on purpose derives from :class:`AssayError`."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from assay.domain.location import Location
from assay.domain.verdict import Verdict


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    NOTHING_SELECTED = 4
    CHANGES = 5


class AssayError(Exception):
    """Something went wrong that a person can mend.

    Args:
        sentence: what is wrong.
        fix: what to do about it; shown on a line of its own.
        location: where it was said, if it was said in a file.
    """

    exit: Exit = Exit.INCOMPLETE

    def __init__(self, sentence: str, *, fix: str = "", location: Location | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fix = fix
        self.location = location

    def diagnosis(self) -> str:
        """The error as a person reads it: where, what, and how to mend it."""
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.sentence}" + (f"\n  fix: {self.fix}" if self.fix else "")


class UsageError(AssayError):
    """A command was called with something that cannot take effect."""

    exit = Exit.USAGE


class DeclarationError(AssayError):
    """The declaration or a contract cannot be read; carries every diagnostic found, not only the first."""

    exit = Exit.USAGE

    def __init__(self, verdicts: Iterable[Verdict]) -> None:
        self.verdicts = tuple(verdicts)
        first = self.verdicts[0]
        more = len(self.verdicts) - 1
        super().__init__(
            first.sentence + (f" (and {more} more)" if more else ""),
            fix=first.fix.sentence if first.fix else "",
            location=first.location,
        )


class IncompleteError(AssayError):
    """Work could not be completed, so nothing is claimed."""
