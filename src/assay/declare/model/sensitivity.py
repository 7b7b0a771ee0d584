"""What data is used for, and what becomes of data that is brought together."""

from __future__ import annotations

from pydantic import Field

from assay.declare.model.values import Day, Level, Mapped


class Purpose(Mapped):
    """Something that data is used for."""

    statement: str | None = Field(None, description="The purpose in words, as the record of processing shows it.")
    compatible_with: tuple[str, ...] = Field(
        (),
        description="Purposes whose data may be used for this one too (GDPR Art. 6(4)).",
    )


class Compilation(Mapped):
    """An owner's rule: together, some data says more than each part alone."""

    when: tuple[str, ...] = Field(
        min_length=1, description="What must come together: data sets, fields (`DATA.FIELD`) or categories."
    )
    becomes: Level = Field(description="The level of whatever holds all of it, at least.")
    association: str = Field(min_length=3, description="What the combination gives away.")
    approved_by: str | None = Field(None, description="Who decided so.")
    expires: Day | None = Field(None, description="When it has to be looked at again; the level holds until then.")
