"""The catalogue of control objectives."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

_SAID = (
    ("domain", "about"),
    ("metric", "measured as"),
    ("default target", "target"),
    ("test of design (ToD)", "holds by design when"),
    ("test of operating effectiveness (ToE)", "holds in operation when"),
)
_FRAMEWORKS = (
    ("nist_800_53r5", "NIST SP 800-53 r5"),
    ("nist_800_228_upd1", "NIST SP 800-228"),
    ("owasp_api_2023", "OWASP API Top 10 2023"),
    ("owasp_asvs_5.0.0", "OWASP ASVS 5.0"),
    ("nist_csf_2.0", "NIST CSF 2.0"),
    ("iso27001_2022_annexA", "ISO 27001:2022 Annex A"),
    ("pci_dss_4.0.1", "PCI DSS 4.0.1"),
    ("gdpr", "GDPR article"),
    ("csa_ccm_4", "CSA CCM 4"),
)
_PROPOSED = "These mappings are proposed; none is reviewed."


@dataclass(frozen=True, slots=True)
class CatalogueObjective:
    """One measurable objective and its proposed mappings to frameworks (ids only)."""

    id: str
    fields: dict[str, str]

    def as_markdown(self) -> str:
        """For `assay explain`: what must hold and how it is measured, then what it stands for elsewhere."""
        said = {label: self.fields.get(column, "") for column, label in _SAID}
        elsewhere = {label: self.fields.get(column, "") for column, label in _FRAMEWORKS}
        statement = self.fields.get("objective (own wording, measurable)", "")
        return f"## {self.id}\n\n{statement}\n\n{_list(said)}\n\n### Elsewhere\n\n{_list(elsewhere)}\n\n{_PROPOSED}\n"


def _list(named: dict[str, str]) -> str:
    return "\n".join(f"- **{name}**: {said}" for name, said in named.items() if said)


@cache
def objectives() -> tuple[CatalogueObjective, ...]:
    """The catalogue, in its order."""
    text = (resources.files("assay.data") / "api_control_objectives.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    key = (rows.fieldnames or ["id"])[0]
    return tuple(CatalogueObjective(row[key], {k: v for k, v in row.items() if k != key}) for row in rows)
