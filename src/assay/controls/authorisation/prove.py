"""Proof of authorisation: every kind of caller on every operation, and every owned object by somebody else."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls.authorisation.proofs.demotion import demotion
from assay.controls.authorisation.proofs.matrix import matrix
from assay.controls.authorisation.proofs.objects import objects
from assay.controls.authorisation.proofs.references import references
from assay.controls.authorisation.proofs.rewritten import rewritten
from assay.controls.authorisation.proofs.scopes import scopes
from assay.controls.authorisation.proofs.tenants import tenants
from assay.prove.case import Case
from assay.prove.surface import Surface


def prove(surface: Surface) -> Iterator[Case]:
    """The matrix of personas and operations, then objects and references to them, and what goes round the matrix.

    That is headers that name a path, other tenants, missing scopes and lost roles.
    """
    yield from matrix(surface)
    yield from objects(surface)
    yield from references(surface)
    yield from rewritten(surface)
    yield from tenants(surface)
    yield from scopes(surface)
    yield from demotion(surface)
