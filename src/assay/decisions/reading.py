"""The decisions beside a declaration. What verifies them is loaded only where there are any: `check` is not kept."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from assay.decisions.words import FOLDER, Decisions
from assay.declare.declaration import Declaration
from assay.domain import AssayError, Location, Verdict


def read(declaration: Declaration, today: date) -> Decisions:
    """The decisions beside a declaration. Reads ``decisions/*.json`` once for each declaration and day.

    Never raises: what cannot be read is a problem, and does not count.
    """
    return declaration.once(("decisions", today), lambda: _read(declaration, today))


def _read(declaration: Declaration, today: date) -> Decisions:
    if not _there(declaration.root):
        return Decisions()
    from assay.decisions.files import content, names
    from assay.decisions.judging import judge, problem

    files: dict[str, bytes | AssayError] = {}
    unlisted: list[Verdict] = []
    try:
        listed = names(declaration.root)
    except AssayError as error:
        listed = ()
        unlisted.append(problem(FOLDER, _shown(declaration, ""), error.sentence, error.fix))
    for name in listed:
        try:
            files[name] = content(declaration.root, name)
        except AssayError as error:
            files[name] = error
    found = judge(
        files,
        declaration.model.people,
        declaration.model.organisation.name,
        today,
        shown=_shown(declaration, "").file,
    )
    return Decisions(found.counted, (*unlisted, *found.problems), found._by_subject)


def _there(root: Path) -> bool:
    """Whether there is a folder of decisions; where that cannot be known, reading it will say so."""
    try:
        return (root / FOLDER).is_dir()
    except OSError:
        return True


def _shown(declaration: Declaration, name: str) -> Location:
    """Where a file of decisions is, as locations of this declaration name files."""
    beside, _, _ = next(iter(declaration.sources), "").rpartition("/")
    return Location("/".join(filter(None, (beside, FOLDER, name))))
