"""The catalogue of control objectives."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class CatalogueObjective:
    """One measurable objective and its proposed mappings to frameworks (ids only)."""

    id: str
    fields: dict[str, str]

    def as_markdown(self) -> str:
        """For `assay explain`."""
        rows = "\n".join(f"- **{k.replace('_', ' ')}**: {v}" for k, v in self.fields.items() if v)
        return f"## {self.id}\n\n{rows}\n\nMappings are proposed, none is reviewed.\n"


@cache
def objectives() -> tuple[CatalogueObjective, ...]:
    """The catalogue, in its order."""
    text = (resources.files("assay.data") / "api_control_objectives.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    key = (rows.fieldnames or ["id"])[0]
    return tuple(CatalogueObjective(row[key], {k: v for k, v in row.items() if k != key}) for row in rows)
