"""OSCAL: a report in the words of NIST's Open Security Controls Assessment Language, for tools of others.

Six documents, each pointing at the ones before it: catalog, profile, component definition, assessment plan, assessment
results, plan of action and milestones. They are plain JSON, made from values alone: same material, same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from assay.domain import UsageError
from assay.report.oscal import frame
from assay.report.oscal.catalog import catalog
from assay.report.oscal.components import components
from assay.report.oscal.frame import KINDS, NEWEST, VERSIONS, file_name, render
from assay.report.oscal.material import Material
from assay.report.oscal.plan import plan
from assay.report.oscal.poam import poam
from assay.report.oscal.profile import profile
from assay.report.oscal.results import results
from assay.report.oscal.words import Json

_MAKERS: Mapping[str, Callable[[Material, str], Json]] = {
    frame.CATALOG: catalog,
    frame.PROFILE: profile,
    frame.COMPONENTS: components,
    frame.PLAN: plan,
    frame.RESULTS: results,
    frame.POAM: poam,
}


def document(kind: str, material: Material, *, version: str = NEWEST) -> Json:
    """One document; ``kind`` is one of :data:`KINDS`, the name of its root.

    Raises:
        UsageError: there is no such document or version, or a time of the dossier cannot be written in OSCAL.
    """
    if kind not in _MAKERS:
        raise UsageError(f"OSCAL has no `{kind}`", fix=f"choose one of {', '.join(KINDS)}")
    if version not in VERSIONS:
        raise UsageError(f"OSCAL {version} cannot be written", fix=f"choose one of {', '.join(VERSIONS)}")
    return _MAKERS[kind](material, version)


def documents(material: Material, *, version: str = NEWEST) -> dict[str, str]:
    """All documents as text, by file name. They refer to each other by these names."""
    return {file_name(kind): render(document(kind, material, version=version)) for kind in KINDS}


__all__ = ["KINDS", "NEWEST", "VERSIONS", "Material", "document", "documents", "file_name", "render"]
