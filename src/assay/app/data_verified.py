"""Which declared transformations the kept proofs have seen to work."""

from __future__ import annotations

from datetime import datetime, timedelta

from assay.app.keeping import kept_runs
from assay.app.project import Project
from assay.controls.data_classification.verified import CONTROL, verified_transforms
from assay.controls.registry import control
from assay.declare.quantities import parse_duration
from assay.sensitivity.closure import VerifiedTransform


def kept_transforms(project: Project, now: datetime) -> tuple[VerifiedTransform, ...]:
    """The transformations that the project's own evidence verifies at a moment, none twice.

    Proofs older than the control's evidence age verify nothing any more: the label rises again by itself.

    Raises:
        IncompleteError: the evidence log is damaged.
    """
    age = timedelta(seconds=parse_duration(control(CONTROL).about.evidence_age))
    proofs = [proof for run in kept_runs(project) if run.via == "gateway" for proof in run.proofs]
    return verified_transforms(proofs, now=now, age=age)
