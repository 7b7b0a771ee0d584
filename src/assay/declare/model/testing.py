"""How security is tested, for every API alike."""

from __future__ import annotations

from pydantic import Field

from assay.declare.model.values import Mapped
from assay.declare.quantities import Duration


class SecurityTesting(Mapped):
    """How old tests may grow, and where the pipelines are that run them."""

    pen_test_age: Duration = Field(365 * 86400, description="How old a penetration test may be.")
    retest_age: Duration = Field(90 * 86400, description="How long findings may wait to be tested again.")
    pipeline: tuple[str, ...] = Field(
        (), description="Workflow files that must run `assay check` and `assay prove`; relative to the declaration."
    )
