"""Which controls only watch, as declared under ``apis.*.observe``."""

from __future__ import annotations

from assay.declare.model import Api
from assay.declare.selectors import selects


def observes(api: Api, control: str, operation: str | None = None) -> bool:
    """Whether ``control`` only watches on ``operation`` of ``api``; with no operation, on the API as a whole."""
    return any(
        "*" in entry.operations or (operation is not None and any(selects(o, operation) for o in entry.operations))
        for entry in api.observe
        if entry.control == control
    )
