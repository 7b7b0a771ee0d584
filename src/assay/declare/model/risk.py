"""What the organisation decides and knows about its risks: treatment, its own estimates, incidents, losses."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from assay.declare.model.values import Day, Mapped

_SCENARIO = re.compile(r"[a-z][a-z0-9-]*@[A-Za-z][A-Za-z0-9_.\-\[\]]*")


def _scenario(value: str) -> str:
    if not _SCENARIO.fullmatch(value):
        raise ValueError("a scenario is THREAT@SUBJECT, such as broken-object-authorisation@apis.customer-data")
    return value


def _one(value: Any) -> Any:
    """A bare number is an estimate without more words."""
    return {"value": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


ScenarioId = Annotated[
    str, AfterValidator(_scenario), WithJsonSchema({"type": "string", "pattern": f"^{_SCENARIO.pattern}$"})
]


class Estimate(Mapped):
    """What somebody estimates instead of what is computed. It stands beside the computed value, never in its place."""

    value: float = Field(
        ge=0, le=9, description="On the scale of the factors: below 3 is low, below 6 medium, from there high."
    )
    reason: str | None = Field(None, min_length=8, description="Why it is not what is computed.")
    approved_by: str | None = Field(None, min_length=1, description="Who approved it; needed to estimate lower.")
    expires: Day | None = Field(
        None, description="Through which day it holds; needed to estimate lower. Afterwards what is computed counts."
    )


Estimated = Annotated[Estimate, BeforeValidator(_one, json_schema_input_type=float | Estimate)]


class FactorEstimates(Mapped):
    """Factors of OWASP Risk Rating that somebody knows better than the declaration lets conclude."""

    skill: Estimated | None = Field(None, description="How little skill an attacker needs.")
    motive: Estimated | None = Field(None, description="How much there is to gain.")
    opportunity: Estimated | None = Field(None, description="How little access and means an attacker needs.")
    size: Estimated | None = Field(None, description="How many could be attackers.")
    ease_of_discovery: Estimated | None = Field(None, description="How easy the weakness is to find.")
    ease_of_exploit: Estimated | None = Field(None, description="How easy the weakness is to use.")
    awareness: Estimated | None = Field(None, description="How well known the weakness is.")
    intrusion_detection: Estimated | None = Field(None, description="How likely its use stays unnoticed.")
    loss_of_confidentiality: Estimated | None = Field(None, description="How much is disclosed, how sensitive it is.")
    loss_of_integrity: Estimated | None = Field(None, description="How much is damaged, and how badly.")
    loss_of_availability: Estimated | None = Field(None, description="How much stands still, and how vital it is.")
    loss_of_accountability: Estimated | None = Field(None, description="How hard it is to tell who did it.")
    financial_damage: Estimated | None = Field(None, description="What it costs, against what the year earns.")
    reputation_damage: Estimated | None = Field(None, description="How much trust it costs.")
    non_compliance: Estimated | None = Field(None, description="How grave the breach of duties is.")
    privacy_violation: Estimated | None = Field(None, description="How many people are concerned.")

    def given(self) -> dict[str, Estimate]:
        """Those that are estimated, by name."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}


class Risk(Mapped):
    """What is decided about one scenario of the register."""

    owner: str | None = Field(None, min_length=1, description="Who answers for it.")
    treatment: Literal["reduce", "accept", "avoid", "share"] | None = Field(
        None, description="`reduce` it by controls, `accept` it, `avoid` what causes it, or `share` it with others."
    )
    due: Day | None = Field(None, description="By when the treatment is done, or looked at again.")
    reason: str | None = Field(None, min_length=8, description="Why it is treated so; needed for `accept`.")
    likelihood: Estimated | None = Field(None, description="The likelihood that remains, as somebody estimates it.")
    impact: Estimated | None = Field(None, description="The impact that remains, as somebody estimates it.")
    factors: FactorEstimates = Field(FactorEstimates(), description="Factors that somebody knows better.")

    @model_validator(mode="after")
    def _accepted_for_a_reason(self) -> Risk:
        if self.treatment == "accept" and self.reason is None:
            raise ValueError("who accepts a risk says why: give it a `reason`")
        return self


class PastIncident(Mapped):
    """Something that happened. For 90 days it raises the likelihood of the same threat."""

    date: Day = Field(description="When it began, or was noticed.")
    threat: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] = Field(
        description="Which threat it was, such as `broken-object-authorisation`."
    )
    on: str | None = Field(
        None, description="Where, such as `apis.customer-data`; without it, it counts wherever the threat may strike."
    )
    what: str = Field(min_length=8, description="What happened, in a sentence.")
    records: int | None = Field(None, ge=0, description="How many records were concerned.")
    closed: Day | None = Field(None, description="When its cause was mended.")

    @model_validator(mode="after")
    def _in_order(self) -> PastIncident:
        if self.closed is not None and self.closed < self.date:
            raise ValueError("an incident is not `closed` before its `date`")
        return self


def _range(value: tuple[float, float]) -> tuple[float, float]:
    if not 0 < value[0] <= value[1]:
        raise ValueError("a range is [low, high], both above 0, the lower one first")
    return value


Amount = Annotated[float, Field(gt=0, le=1e15)]
Range = Annotated[
    tuple[Amount, Amount],
    AfterValidator(_range),
    WithJsonSchema({"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}, "minItems": 2, "maxItems": 2}),
]


class Losses(Mapped):
    """What the worst of incidents would cost, for the view in money."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = Field(description="ISO 4217, such as EUR.")
    per_incident: Range | None = Field(
        None, description="What one costs whatever its size: [low, high], of which 90 in 100 lie between."
    )
    per_record: Range | None = Field(
        None, description="What it costs for each person concerned: [low, high], of which 90 in 100 lie between."
    )
    frequency: Range = Field(
        (0.01, 10),
        description="How often a year at likelihood 0 and at likelihood 1; between them on a logarithmic scale.",
    )

    @model_validator(mode="after")
    def _of_something(self) -> Losses:
        if self.per_incident is None and self.per_record is None:
            raise ValueError("say what is lost `per_incident`, `per_record`, or both")
        return self
