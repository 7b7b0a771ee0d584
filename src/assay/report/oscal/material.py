"""What OSCAL documents are made of: a dossier, and what the dossier does not hold. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from assay.assurance.objectives import Deciding
from assay.report.dossier import Dossier
from assay.risk.words import Assessment


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """An objective of the catalogue.

    Attributes:
        design, operation: how it is tested, by design and in operation.
        mapped: ids in frameworks, by the framework's column in :mod:`assay.frameworks.published`.
    """

    id: str
    domain: str
    statement: str
    metric: str = ""
    target: str = ""
    design: str = ""
    operation: str = ""
    mapped: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ControlFace:
    """A security control: the objectives that it serves, and its tests by id with what each states."""

    id: str
    title: str
    argument: str = ""
    objectives: tuple[str, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    proofs: Mapping[str, str] = field(default_factory=dict)
    enforced: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """An exception, under the key that verdicts name in ``excepted_by``."""

    key: str
    control: str
    on: str
    reason: str
    owner: str
    approved_by: str
    expires: date
    check: str | None = None
    compensating: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RiskNote:
    """An assessed scenario, and what the register says about it.

    Attributes:
        rating: what remains, with estimates laid over it; empty: the register says nothing.
        above: whether that is above the appetite.
    """

    assessment: Assessment
    rating: str = ""
    owner: str = ""
    treatment: str = ""
    due: date | None = None
    above: bool | None = None


@dataclass(frozen=True, slots=True)
class Interview:
    """What a person answered when asked, and when."""

    id: str
    question: str
    answer: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Pack:
    """Where the evidence lies, relative to the documents: the folder, and which records have a proof of their own."""

    folder: str
    single: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything.

    Attributes:
        catalogue: the objectives of the catalogue, in its order.
        faces: the controls that exist, in their order.
        apis: titles of the declared APIs, by id.
        reviewed: mappings that were reviewed: (objective, framework, id in the framework).
        deciding: which tests decide an objective, by its id; one that is not named: every test of its controls.
        declaration: the file that the system is declared in; root: its folder, as locations begin with it. Places are
            told below it, so that no document says where a machine keeps its files.
        pack: None: the evidence is not handed over with the documents.
    """

    dossier: Dossier
    catalogue: tuple[CatalogueItem, ...] = ()
    faces: tuple[ControlFace, ...] = ()
    apis: Mapping[str, str] = field(default_factory=dict)
    deciding: Mapping[str, Deciding] = field(default_factory=dict)
    accepted: tuple[Accepted, ...] = ()
    risks: tuple[RiskNote, ...] = ()
    interviews: tuple[Interview, ...] = ()
    reviewed: frozenset[tuple[str, str, str]] = frozenset()
    declaration: str = "assay.yaml"
    root: str = ""
    pack: Pack | None = None
