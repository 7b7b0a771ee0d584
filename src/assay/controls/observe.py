"""Whether a control enforces or only observes on an operation, as declared under ``apis.*.observe``."""

from __future__ import annotations

from assay.declare.model import Api
from assay.declare.observe import observes
from assay.gateway.ir import Mode


def mode(api: Api, control: str, operation: str | None = None) -> Mode:
    """The mode of ``control`` on ``operation`` of ``api``; with no operation, on the API as a whole."""
    return Mode.OBSERVE if observes(api, control, operation) else Mode.ENFORCE
