"""Proof of the gateway: only what contracts name is reached, only through it, and by one reading of each request."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls.api_gateway.proofs.bypass import bypass
from assay.controls.api_gateway.proofs.inventory import inventory
from assay.controls.api_gateway.proofs.tricks import tricks
from assay.controls.api_gateway.proofs.upstream import upstream
from assay.controls.api_gateway.proofs.verbs import verbs
from assay.prove.case import Case
from assay.prove.surface import Surface


def prove(surface: Surface) -> Iterator[Case]:
    """Undeclared methods, path tricks, undeclared endpoints, ways around it, a service that fails."""
    yield from verbs(surface)
    yield from tricks(surface)
    yield from inventory(surface)
    yield from bypass(surface)
    yield from upstream(surface)
