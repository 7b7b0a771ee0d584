"""Data: kinds of records, what their fields are, and how they go from one system to another."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from assay.declare.model.apis import ReportFile
from assay.declare.model.values import Id, Level, Mapped, OneOrMore, Role
from assay.declare.quantities import Duration

GENERALISED_TO = ("month", "year", "decade")
"""What a date can be generalised to."""


class DataField(Mapped):
    """One field of a data set, and how sensitive it is."""

    category: str | None = Field(None, description="A fideslang data category, such as user.contact.email.")
    level: Level | None = None
    identifies: Literal["direct", "quasi"] | None = None
    bits: float | None = Field(None, ge=0, le=64)
    links: Id | None = None
    infers: str | None = Field(
        None,
        description="A data category that can be concluded from the values, such as user.health_and_medical from"
        " product codes.",
    )
    encrypt: bool | None = Field(
        None, description="Encrypt this field in the gateway; default: level restricted and up."
    )
    lookup: bool = Field(False, description="Encrypt deterministically, so that exact search still works.")
    free_text: bool = False
    set_by: tuple[Role, ...] = Field(
        (), description="Only callers with one of these roles may set it; empty: whoever may write the record."
    )
    guessed: Literal["low", "medium", "high"] | None = Field(
        None,
        description="This classification is a guess, held with this confidence; remove the key once it is confirmed.",
    )


class Join(Mapped):
    """Data sets whose records are brought together in one."""

    of: tuple[Id, ...] = Field(min_length=2, description="The data sets that are joined.")
    kind: Literal["inner", "outer"] = Field(
        "inner", description="`inner` keeps the people found in all of them, `outer` the people found in any."
    )


class Processing(Mapped):
    """What is done with people by means of this data; criteria of WP248 that no model can compute."""

    evaluation: bool | None = Field(None, description="People are evaluated or scored, profiled or predicted.")
    automated_decisions: bool | None = Field(
        None, description="Decisions with legal or similarly significant effect are made automatically."
    )
    monitoring: bool | None = Field(None, description="People are monitored systematically.")
    innovative: bool | None = Field(None, description="New technology is used, or known technology in a new way.")
    prevents_right: bool | None = Field(
        None, description="It decides whether people can exercise a right, or use a service or contract."
    )
    vulnerable: bool | None = Field(
        None, description="The people cannot easily consent or object: children, employees, patients."
    )


class Data(Mapped):
    """A data set: a kind of record about somebody or something."""

    subjects: str | None = Field(None, description="Whom the records are about, such as customers.")
    count: int | None = Field(
        None, ge=0, description="How many people the records are about; default: `organisation.subjects`."
    )
    records: int | None = Field(None, ge=0, description="How many records there are.")
    points: int | None = Field(
        None, ge=0, description="How many places (positions, IP addresses) with their time are kept for one person."
    )
    level: Level | None = Field(
        None, description="The level of the whole, as its owner sees it; default: the highest of its fields."
    )
    from_: OneOrMore = Field(
        (), alias="from", description="Schemas of contracts this data appears as: FILE#/json/pointer."
    )
    join: Join | None = Field(None, description="The data sets that this one is made of.")
    purpose: tuple[str, ...] = ()
    legal_basis: (
        Literal["consent", "contract", "legal-obligation", "vital-interests", "public-task", "legitimate-interests"]
        | None
    ) = None
    condition: (
        Literal[
            "explicit-consent",
            "employment-law",
            "vital-interests",
            "non-profit-body",
            "made-public",
            "legal-claims",
            "substantial-public-interest",
            "health-care",
            "public-health",
            "archiving-research",
            "official-authority",
        ]
        | None
    ) = Field(
        None,
        description="Why special categories may be processed: (a) to (j) of GDPR Art. 9(2) in their order;"
        " `official-authority` for criminal records (Art. 10).",
    )
    retention: Duration | None = None
    processing: Processing | None = Field(None, description="What is done with people by means of this data.")
    dpia: ReportFile | None = Field(None, description="The data protection impact assessment (GDPR Art. 35).")
    fields: dict[str, DataField] = {}


class Generalise(Mapped):
    """How coarse values become, in one of three ways."""

    to: Annotated[int, Field(ge=1, le=64)] | Literal["month", "year", "decade"] | None = Field(
        None, description="So many leading characters stay; or, of a date, its month, year or decade."
    )
    cells: int | None = Field(
        None, ge=1, description="How many different, about equally frequent values are left, if that is known."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Generalise:
        if self.to is None and self.cells is None:
            raise ValueError("say what it is generalised `to`, or how many `cells` are left")
        return self


def _generalise(value: Any) -> Any:
    return {"to": value} if isinstance(value, int | str) and not isinstance(value, bool) else value


class Aggregate(Mapped):
    """Values of several people as one."""

    cells: int = Field(ge=1, description="The fewest people that stand behind one value.")


class TransformOf(Mapped):
    """A transformation with an argument; exactly one."""

    generalise: Annotated[
        Generalise | None,
        BeforeValidator(
            _generalise, json_schema_input_type=Generalise | int | Literal["month", "year", "decade"] | None
        ),
    ] = Field(None, description="Leading characters that stay, or the part of a date; `{to: …, cells: …}` says more.")
    tokenise: Literal["per-recipient", "deterministic"] | None = Field(
        None, description="Replaced by a random token of this recipient, or by the same token everywhere."
    )
    aggregate: Aggregate | None = Field(None, description="Counted or averaged over several people.")

    @model_validator(mode="after")
    def _one(self) -> TransformOf:
        if sum(v is not None for v in (self.generalise, self.tokenise, self.aggregate)) != 1:
            raise ValueError("a transformation is one of `generalise`, `tokenise`, `aggregate`")
        return self


Transform = Literal["drop", "last4", "hash", "hmac", "encrypt"] | TransformOf


class Flow(Mapped):
    """Data that goes from one system to another."""

    from_: Id = Field(alias="from")
    to: Id
    account: Id | None = None
    data: tuple[Id, ...] = ()
    into: Id | None = Field(
        None, description="The data set that it becomes there; default: what it is, with every field declared for that."
    )
    transforms: dict[str, Transform] = Field(
        {}, description="What happens to a field on its way. Fields that are not named arrive as they are."
    )
    purpose: str | None = None
