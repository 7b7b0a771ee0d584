"""The frameworks that objectives are mapped to, as sources of controls in OSCAL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from assay.frameworks.published import Framework, frameworks
from assay.report.oscal.words import Json, full, line, named, token

_CONTENT = "https://raw.githubusercontent.com/usnistgov/oscal-content/main/nist.gov"
_PUBLISHED: Mapping[str, str] = {
    "nist-800-53": f"{_CONTENT}/SP800-53/rev5/json/NIST_SP-800-53_rev5_catalog.json",
    "csf": f"{_CONTENT}/CSF/v2.0/json/NIST_CSF_v2.0_catalog.json",
}
"""OSCAL catalogs that publishers keep."""
_PREFIX: Mapping[str, str] = {"pci-dss": "req-", "gdpr": "art-"}
"""Stands before ids that would be no token, such as ``6.3.2``."""


@dataclass(frozen=True, slots=True)
class Source:
    """A framework as a source of controls."""

    framework: Framework

    @property
    def key(self) -> str:
        """What mappings call it."""
        return self.framework.column

    @property
    def uuid(self) -> str:
        """The name of its resource in every document."""
        return named("framework", self.framework.id)

    def control(self, id_: str) -> str:
        """An id of it as OSCAL can write it."""
        return token(id_ if id_[:1].isalpha() else f"{_PREFIX.get(self.framework.id, '_')}{id_}")

    def title(self, id_: str) -> str:
        """What an item of it is called, where that may be carried."""
        item = self.framework.items.get(id_)
        return item.title if item else ""

    def resource(self) -> Json:
        """It as a resource of the back matter. Nothing of its text is in here."""
        published = _PUBLISHED.get(self.framework.id)
        return full(
            uuid=self.uuid,
            title=line(self.framework.title),
            citation={"text": line(self.framework.title)},
            rlinks=[{"href": published, "media-type": "application/oscal+json"}] if published else [],
        )


@cache
def sources() -> tuple[Source, ...]:
    """Every framework, in the order of the catalogue's columns."""
    return tuple(Source(f) for f in frameworks())
