"""Which consumers each API admits, by the layer of the API that they act for."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls.base import Site
from assay.controls.layered_architecture.layers import admitted
from assay.controls.observe import mode
from assay.declare.declaration import Declaration
from assay.gateway import ir

_CONTROL = "layered_architecture"


def enforce(declaration: Declaration, site: Site) -> Iterator[ir.AnyPiece]:
    """An admission for every served API that not everybody may call because of layers."""
    for api_id, who in admitted(declaration).items():
        if who.only is None and not who.never:
            continue
        yield ir.Admission(
            control=_CONTROL,
            source=str(declaration.locate("apis", api_id, "layer")),
            mode=mode(declaration.model.apis[api_id], _CONTROL),
            api=api_id,
            name="layers",
            only=who.only,
            never=who.never,
            anonymous=who.anonymous,
        )
