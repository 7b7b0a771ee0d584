"""A project's objectives at one moment, and what they show of published frameworks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assay.app.addresses import Clock
from assay.app.addresses import now as system_clock
from assay.app.deciding import Decided, decide
from assay.app.keeping import RUNS, kept_runs
from assay.app.objectives import judge
from assay.app.project import Project
from assay.app.reporting import applied, design_at, facts_at
from assay.decisions import read
from assay.frameworks.coverage import Coverage, Reviews, coverage
from assay.frameworks.crosswalk import Link, crosswalk, of_objective
from assay.frameworks.judging import Judged
from assay.frameworks.published import Framework, frameworks
from assay.frameworks.reviewing import MAPPING_REVIEW, reviews


def objectives_at(project: Project, at: datetime, profile: str | None = None) -> tuple[Judged, ...]:
    """Every objective in force with its standing at that moment; ``profile``: instead of the one that is declared.

    What is applied is what is applied today; evidence of later than ``at`` does not count.

    Raises:
        UsageError: there is no such profile.
        AssayError: the declaration does not compile, or the log is damaged beyond reading.
    """
    state = applied(project)
    design, facts = design_at(project, at), facts_at(project, at, state)
    return judge(project.declaration, design, facts, state, now=at, profile=profile)


def later_runs(project: Project, at: datetime) -> int:
    """How many kept runs through the gateway are dated after ``at``, and so do not count: a clock may be wrong."""
    return sum(run.via == "gateway" and run.started > at for run in kept_runs(project, limit=RUNS))


def reviewed_at(project: Project, at: datetime) -> Reviews:
    """The mappings that a person had signed for by then, in the words that they have now."""
    return reviews(read(project.everything, at.date()), crosswalk(), at)


def matrix(project: Project, into: Framework, standings: tuple[Judged, ...], at: datetime) -> Coverage:
    """One framework, item by item, with these standings."""
    return coverage(into, crosswalk(), standings, reviewed_at(project, at))


def matrices(project: Project, standings: tuple[Judged, ...], at: datetime) -> tuple[Coverage, ...]:
    """Every framework, in the order of the catalogue's columns."""
    reviewed = reviewed_at(project, at)
    return tuple(coverage(into, crosswalk(), standings, reviewed) for into in frameworks())


@dataclass(frozen=True, slots=True)
class Pending:
    """The mappings of one objective that a review is about, and those of them that were reviewed already."""

    links: tuple[Link, ...]
    done: tuple[Link, ...]

    @property
    def open(self) -> tuple[Link, ...]:
        """Those to decide on."""
        return tuple(link for link in self.links if link not in self.done)


def pending(project: Project, objective: str, within: str | None, at: datetime) -> Pending:
    """What a review of an objective's mappings is about.

    Raises:
        UsageError: there is no such objective or framework, or no mapping between them.
    """
    links = of_objective(objective, within)
    known = reviewed_at(project, at)
    return Pending(links, tuple(link for link in links if link.digest in known.get(link.subject, ())))


def review(
    project: Project,
    link: Link,
    key: Ed25519PrivateKey,
    *,
    person: str,
    reason: str,
    at: datetime,
    clock: Clock = system_clock,
) -> Decided:
    """Signs that an objective does stand for an item, over exactly the words that both have now.

    Raises:
        AssayError: as :func:`assay.app.deciding.decide`.
    """
    return decide(
        project,
        key,
        kind=MAPPING_REVIEW,
        subject=link.subject,
        digest=link.digest,
        person=person,
        reason=reason,
        at=at,
        clock=clock,
    )
