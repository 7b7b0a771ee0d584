"""The access log: one line per call, refused ones included."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls.base import Site
from assay.declare.declaration import Declaration
from assay.gateway import ir

FLUSH_MILLISECONDS = 100
"""The longest time that a line may be lost when the gateway is killed."""


def enforce(declaration: Declaration, site: Site) -> Iterator[ir.AnyPiece]:
    """The one log of the gateway. It cannot be switched off, and there is nothing about it to observe."""
    yield ir.AccessLog(
        control="activity_logging",
        source=str(declaration.places.key("gateway")),
        flush_milliseconds=FLUSH_MILLISECONDS,
    )
