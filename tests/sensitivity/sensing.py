"""Declarations for tests of sensitivity."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from assay.declare.declaration import Declaration
from assay.declare.loader import load
from assay.declare.model import Model
from assay.declare.places import Places

WORKED = """\
assay: 1
organisation: {name: Northwind, subjects: 1200000}
environments: {production: {tier: production}}
systems:
  warehouse: {kind: database, environment: production, owner: analytics, holds: [profile, order]}
data:
  profile:
    level: internal
    fields:
      token: {links: customer, level: internal}
      birth_year: {level: internal, identifies: quasi, bits: 6.321928}
      postcode: {level: internal, identifies: quasi, bits: 10.965784}
      sex: {level: internal, identifies: quasi, bits: 1}
      segment: {level: internal}
  order:
    level: confidential
    fields:
      token: {links: customer, level: internal}
      product_code: {level: confidential, infers: user.health_and_medical}
      ts: {level: internal}
  customer: {fields: {customerId: {level: internal}}}
accounts:
  bi: {platform: sql, system: warehouse, environment: production, owner: analytics, clearance: confidential}
"""


def read(directory: Path, text: str, **files: str) -> Declaration:
    """A declaration from text, with files beside it."""
    for name, content in files.items():
        (directory / f"{name}.yaml").write_text(content)
    path = directory / "assay.yaml"
    path.write_text(text)
    return load(path, environ={})


def of(model: Model) -> Declaration:
    """A declaration of a model without contracts, for property tests."""
    return Declaration(Path(), model, MappingProxyType({}), Places(), {}, "")
