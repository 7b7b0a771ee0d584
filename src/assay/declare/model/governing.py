"""How the declaration itself is changed: whose review it needs, and how long exceptions may last."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from assay.declare.model.values import Mapped
from assay.declare.quantities import Duration

Needed = Literal["required", "optional"]


class Governance(Mapped):
    """Rules for changes of the declaration."""

    reviews: Needed = Field(
        "optional",
        description="`required`: each change is seen by two people, shown by signatures of commits and merges.",
    )
    signatures: Needed = Field(
        "optional", description="`required`: each commit is signed by a key of somebody under `people`."
    )
    longest_exception: Duration = Field(365 * 86400, description="How far ahead an exception may end at most.")
