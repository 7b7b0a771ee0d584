"""Which declared transformations the kept proofs have seen to work."""

from __future__ import annotations

from assay.app.project import Project
from assay.sensitivity.closure import VerifiedTransform


def kept_transforms(project: Project) -> tuple[VerifiedTransform, ...]:
    """The transformations that the project's evidence verifies, none twice."""
    del project
    return ()
