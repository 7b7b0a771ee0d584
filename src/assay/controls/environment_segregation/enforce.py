"""Who is kept out of an API because it belongs to another environment, where one gateway serves both."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.subjects import served_apis
from assay.controls.base import Site
from assay.controls.environment_segregation.crossing import strangers
from assay.controls.observe import mode
from assay.declare.declaration import Declaration
from assay.gateway import ir

_CONTROL = "environment_segregation"


def enforce(declaration: Declaration, site: Site) -> Iterator[ir.AnyPiece]:
    """An admission for every served API whose gateway knows keys or certificates of other environments."""
    found = strangers(declaration)
    for api_id, api in served_apis(declaration):
        if never := found[api.environment]:
            yield ir.Admission(
                control=_CONTROL,
                source=str(declaration.locate("apis", api_id, "environment")),
                mode=mode(api, _CONTROL),
                api=api_id,
                name="environment",
                never=never,
            )
