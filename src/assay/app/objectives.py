"""The catalogue of objectives together with the controls that are there: what applies, how it stands, what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

from assay.assurance.facts import Measured
from assay.assurance.objectives import Applied
from assay.controls.registry import controls
from assay.declare.declaration import Declaration
from assay.domain import Verdict
from assay.frameworks.catalogue import catalogue, entry
from assay.frameworks.crosswalk import of_objective
from assay.frameworks.explained import as_markdown
from assay.frameworks.judging import Judged, in_force, judged
from assay.frameworks.offered import Offered, offered


@cache
def offers() -> Mapping[str, Offered]:
    """What every registered control offers to objectives."""
    return offered(controls())


def objective_ids() -> tuple[str, ...]:
    """The catalogue's ids, in its order."""
    return tuple(each.id for each in catalogue())


def explained(name: str) -> str:
    """An objective of the catalogue as Markdown, by its id in any case of letters.

    Raises:
        UsageError: the catalogue has none of this id.
    """
    found = entry(name)
    return as_markdown(found, of_objective(found.id), offers())


def judge(
    declaration: Declaration,
    design: Sequence[Verdict],
    facts: Mapping[str, Measured],
    applied: Applied,
    *,
    now: datetime,
    profile: str | None = None,
) -> tuple[Judged, ...]:
    """Every objective in force, with its standing at ``now``; ``profile``: instead of the one that is declared.

    Raises:
        UsageError: there is no such profile.
    """
    return judged(in_force(declaration, offers(), profile), design, facts, applied, now=now)
