"""Objectives as OSCAL's controls: those of the catalogue, and those that the organisation wrote for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from assay.assurance.objectives import ALL, Deciding, Standing
from assay.declare.quantities import Duration
from assay.frameworks.judging import Share
from assay.report.dossier import age
from assay.report.oscal.material import CatalogueItem, Material
from assay.report.oscal.words import token

OWN = "declared"
"""The group of objectives that are in no catalogue."""


@dataclass(frozen=True, slots=True)
class Aim:
    """One objective under its id as a control.

    Attributes:
        control: the id in OSCAL. item: what the catalogue says; standing: what was promised and found.
    """

    id: str
    control: str
    item: CatalogueItem | None = None
    standing: Standing | None = None

    @property
    def objective(self) -> str:
        """The id of the part that is assessed, as NIST's catalogs form it."""
        return f"{self.control}_obj"

    @property
    def statement_part(self) -> str:
        """The id of the part that says what must hold."""
        return f"{self.control}_smt"

    @property
    def coverage(self) -> str:
        """The parameter: how much of it must be shown."""
        return f"{self.control}_prm_coverage"

    @property
    def evidence(self) -> str:
        """The parameter: how old evidence may be."""
        return f"{self.control}_prm_evidence-age"

    @property
    def group(self) -> str:
        """The catalogue's domain, or :data:`OWN`."""
        return self.item.domain if self.item else OWN

    @property
    def statement(self) -> str:
        """What must hold. The catalogue's own words stay the catalogue's, whatever a declaration says under its id."""
        if self.item:
            return self.item.statement
        return self.standing.objective.statement if self.standing else self.id

    @property
    def default_coverage(self) -> str:
        """What the catalogue asks for, or what was promised where there is no catalogue."""
        if self.item:
            return self.item.target or "100%"
        return self.standing.objective.target.coverage if self.standing else "100%"


@dataclass(frozen=True)
class Aims:
    """All objectives of a report, in the catalogue's order, then the organisation's own in theirs."""

    material: Material

    @cached_property
    def all(self) -> tuple[Aim, ...]:
        """Each once."""
        standings = {s.id: s for s in standings_of(self.material)}
        known = {item.id: _control(item.id) for item in self.material.catalogue}
        taken = frozenset(known.values())
        of_catalogue = [Aim(i.id, known[i.id], i, standings.get(i.id)) for i in self.material.catalogue]
        own = [Aim(s.id, _own(s.id, taken), None, s) for s in standings.values() if s.id not in known]
        return (*of_catalogue, *own)

    @cached_property
    def promised(self) -> tuple[tuple[Aim, Standing], ...]:
        """Those that have a standing, with it: what is assessed."""
        return tuple((a, a.standing) for a in self.all if a.standing is not None)

    def share(self, aim: Aim) -> Share | None:
        """How much of what an objective speaks about was shown to hold, where that was counted."""
        return self._shares.get(aim.id)

    @cached_property
    def _shares(self) -> Mapping[str, Share]:
        return {j.standing.id: j.share for j in self.material.dossier.judgement.objectives}

    def deciding(self, standing: Standing) -> Deciding:
        """Which tests decide a promised objective."""
        return self.material.deciding.get(standing.id, ALL)


def standings_of(material: Material) -> tuple[Standing, ...]:
    """The objectives in force: those that a profile brings in too, where the dossier has judged them."""
    judged = material.dossier.judgement.objectives
    return tuple(j.standing for j in judged) if judged else material.dossier.standings


def duration(seconds: Duration | float) -> str:
    """A span for people, such as ``24 h`` or ``7 days``."""
    return age(float(seconds))


def _control(id_: str) -> str:
    return token(id_.lower())


def _own(id_: str, taken: frozenset[str]) -> str:
    control = token(id_)
    return token(f"own {control}") if control in taken else control
