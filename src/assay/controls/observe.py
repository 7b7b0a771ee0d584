"""Whether a control enforces or only observes on an operation, as declared under ``apis.*.observe``."""

from __future__ import annotations

from assay.declare.model import Api
from assay.declare.selectors import selects
from assay.gateway.ir import Mode


def mode(api: Api, control: str, operation: str | None = None) -> Mode:
    """The mode of ``control`` on ``operation`` of ``api``; with no operation, on the API as a whole."""
    for entry in api.observe:
        if entry.control != control:
            continue
        if "*" in entry.operations or (operation is not None and any(selects(o, operation) for o in entry.operations)):
            return Mode.OBSERVE
    return Mode.ENFORCE
