"""Puts together what OSCAL documents are made of: a dossier, the catalogue, the controls, and what people decided."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from assay.app.coverage import reviewed_at
from assay.app.deciding import revoked
from assay.app.maturity import interviews
from assay.app.project import Project
from assay.controls.base import Control
from assay.controls.registry import controls
from assay.decisions.exceptions import consents
from assay.frameworks.catalogue import Entry, catalogue
from assay.frameworks.coverage import is_reviewed
from assay.frameworks.crosswalk import Link, crosswalk
from assay.frameworks.judging import in_force
from assay.frameworks.offered import offered
from assay.report.dossier import Dossier
from assay.report.oscal.material import Accepted, CatalogueItem, ControlFace, Material, Pack, RiskNote
from assay.risk.register import Row


def material(project: Project, made: Dossier, *, pack: Pack | None = None) -> Material:
    """Everything that OSCAL documents of a project say; ``pack``: where its evidence lies beside them."""
    model = project.declaration.model
    found = controls()
    return Material(
        dossier=made,
        catalogue=catalogue_items(),
        faces=tuple(map(face, found)),
        apis={name: api.title or name for name, api in model.apis.items()},
        deciding={c.id: c.deciding for c in in_force(project.declaration, offered(found))},
        accepted=_accepted(project, made.now),
        risks=tuple(map(_risk, made.judgement.register.rows)) if made.judgement.register else (),
        interviews=interviews(project, made.now),
        reviewed=_reviewed(project, made.now),
        declaration=_file(project),
        root=str(project.declaration.root),
        pack=pack,
    )


def catalogue_items() -> tuple[CatalogueItem, ...]:
    """The catalogue with what each objective is mapped to."""
    mapped: dict[str, list[Link]] = {}
    for link in crosswalk():
        mapped.setdefault(link.objective, []).append(link)
    return tuple(_item(entry, mapped.get(entry.id, [])) for entry in catalogue())


def _item(entry: Entry, links: list[Link]) -> CatalogueItem:
    by_framework: dict[str, tuple[str, ...]] = {}
    for link in links:
        by_framework[link.framework] = (*by_framework.get(link.framework, ()), link.item)
    return CatalogueItem(
        entry.id,
        entry.domain,
        entry.statement,
        entry.metric,
        entry.wanted,
        entry.design,
        entry.operation,
        by_framework,
    )


def face(control: Control) -> ControlFace:
    """A control in the words of its folder."""
    about = control.about
    return ControlFace(
        control.id,
        about.title,
        about.argument,
        about.objectives,
        {name: check.title for name, check in about.checks.items()},
        {name: proof.title for name, proof in about.proofs.items()},
        control.enforce is not None,
    )


def _reviewed(project: Project, at: datetime) -> frozenset[tuple[str, str, str]]:
    """The mappings that a person signed for, as they are now."""
    reviews = reviewed_at(project, at)
    return frozenset((k.objective, k.framework, k.item) for k in crosswalk() if is_reviewed(k, reviews))


def _risk(row: Row) -> RiskNote:
    decided = row.decided
    return RiskNote(row.assessment, str(row.rating), row.owner, decided.treatment or "", decided.due, row.above)


def _accepted(project: Project, at: datetime) -> tuple[Accepted, ...]:
    """The exceptions that hold on this day, by the key that verdicts name. Whether one covers anything is for the
    verdicts to say."""
    agreed, gone = consents(project.everything, at.date()), revoked(project, at)
    return tuple(
        Accepted(
            f"exceptions.{index}",
            entry.control,
            entry.on,
            entry.reason,
            entry.owner,
            entry.approved_by,
            entry.expires,
            entry.check,
            entry.compensating,
        )
        for index, entry in enumerate(project.everything.model.exceptions)
        if agreed[index].holds and at.date() <= entry.expires and f"exceptions.{index}" not in gone
    )


def _file(project: Project) -> str:
    return Path(project.declaration.locate().file).name


def packed(folder: Path, *, beside: str) -> Pack:
    """An exported folder of evidence, as documents that lie ``beside`` it name it."""
    proofs = folder / "proofs"
    single = frozenset(p.name.removesuffix(".tlog-proof") for p in proofs.iterdir()) if proofs.is_dir() else frozenset()
    return Pack(beside, single)
