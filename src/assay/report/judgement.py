"""What a report concludes from verdicts: objectives of the catalogue, frameworks, risks, exceptions, maturity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from assay.frameworks.coverage import Coverage
from assay.frameworks.judging import Judged
from assay.maturity.words import Result
from assay.risk.register import Register


@dataclass(frozen=True, slots=True)
class ExceptionNote:
    """An accepted deviation as it stands when the report is written.

    Attributes:
        state: ``active``, ``approved``, ``requested``, ``unsigned``, ``altered since``, ``matches nothing``,
            ``expired`` or ``withdrawn``. signed: whether people must sign for it; else its approval is only claimed.
        requested_by, approved_by: who signed; the approver is the declared one while nobody has.
        days: how many days it still holds; negative once it has expired.
        covers: findings of today that it is about, in sentences.
        missing: what is still missing for it to count; empty: nothing.
    """

    id: str
    control: str
    check: str
    on: str
    reason: str
    owner: str
    requested_by: str
    approved_by: str
    compensating: tuple[str, ...]
    expires: date
    days: int
    state: str
    signed: bool
    covers: tuple[str, ...]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """A file beside the declaration that could not be read, so that its chapter goes without it.

    Attributes:
        file: relative to the declaration. where: with line and column, if these are known.
    """

    file: str
    where: str
    sentence: str
    fix: str = ""

    @property
    def told(self) -> str:
        """Where and what, in one line."""
        return f"{self.where}: {self.sentence}"

    def as_json(self) -> dict[str, str]:
        """``{"file": …, "where": …, "sentence": …, "fix": …}``."""
        return {"file": self.file, "where": self.where, "sentence": self.sentence, "fix": self.fix}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The conclusions of a report. Each part that is empty or None is left out of it.

    Attributes:
        objectives: all that are in force: the declaration's own and those of its profile.
        coverages: frameworks, item by item. register: every risk, the worst first.
        maturity: the survey's result. ``earlier``: overall levels that were kept before, oldest first.
        unread: answers and kept results of the survey that could not be read: it says what is measured without them.
    """

    objectives: tuple[Judged, ...] = ()
    coverages: tuple[Coverage, ...] = ()
    register: Register | None = None
    exceptions: tuple[ExceptionNote, ...] = ()
    maturity: Result | None = None
    earlier: tuple[tuple[date, float], ...] = ()
    unread: tuple[Unread, ...] = ()
