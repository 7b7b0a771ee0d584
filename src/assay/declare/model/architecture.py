"""The architecture: which layers there are, and which calls between APIs and systems may and may not be."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from assay.declare.model.values import Id, Mapped

Layer = Literal["experience", "process", "system", "engagement", "innovation", "record"]
"""Layers, outermost first, in either of two namings; the third and the sixth are both what stands on records."""

LAYERS: tuple[Layer, ...] = ("experience", "process", "system")
"""The layers where none are declared."""

_NEEDED = {
    "layers": (),
    "forbidden": ("from", "to"),
    "independence": ("members",),
    "protected": ("members", "callers"),
}


def position_name(layer: Layer) -> Layer:
    """The layer's name in the naming experience, process, system."""
    renamed: dict[Layer, Layer] = {"engagement": "experience", "innovation": "process", "record": "system"}
    return renamed.get(layer, layer)


class AllowedEdge(Mapped):
    """A call that a contract would not allow, and that is accepted all the same."""

    from_: str = Field(alias="from", description="Who calls: a consumer, an API, a system, or `anonymous`.")
    to: str = Field(description="What is called: an API or a system.")
    reason: str = Field(min_length=1, description="Why this call is accepted.")


class LayerContract(Mapped):
    """What calls there may be. Members are ids; `apis.ID`, `systems.ID`, `consumers.ID` where an id is in several."""

    kind: Literal["layers", "forbidden", "independence", "protected"] = Field(
        description="`layers`: calls go inwards, one layer at a time; `forbidden`: nothing of `from` reaches anything"
        " of `to`, however indirectly; `independence`: no member reaches another; `protected`: only `callers` call"
        " `members`."
    )
    from_: tuple[str, ...] = Field((), alias="from", description="For `forbidden`: where chains begin.")
    to: tuple[str, ...] = Field((), description="For `forbidden`: where no chain may end.")
    members: tuple[str, ...] = Field((), description="For `independence` and `protected`.")
    callers: tuple[str, ...] = Field((), description="For `protected`: who may call the members.")
    allow: tuple[AllowedEdge, ...] = Field((), description="Calls that are accepted although they break the contract.")

    @model_validator(mode="after")
    def _complete(self) -> LayerContract:
        written = {
            name
            for name, value in (
                ("from", self.from_),
                ("to", self.to),
                ("members", self.members),
                ("callers", self.callers),
            )
            if value
        }
        needed = set(_NEEDED[self.kind])
        if missing := sorted(needed - written - {"callers"}):
            raise ValueError(f"a contract of kind `{self.kind}` names {' and '.join(f'`{m}`' for m in missing)}")
        if extra := sorted(written - needed):
            raise ValueError(f"a contract of kind `{self.kind}` has no {' or '.join(f'`{e}`' for e in extra)}")
        if self.kind == "independence" and len(set(self.members)) < 2:
            raise ValueError("a contract of kind `independence` names two `members` at least")
        return self


class Architecture(Mapped):
    """The layers of the organisation's APIs, and contracts about who may reach what."""

    layers: tuple[Layer, ...] = Field(
        (),
        description="Outermost first; default: experience, process, system. The naming engagement, innovation, record"
        " means the same three.",
    )
    contracts: dict[Id, LayerContract] = Field(
        {},
        description="Who may reach what. Without one of kind `layers`, that contract holds as soon as an API has a"
        " layer.",
    )

    @model_validator(mode="after")
    def _distinct(self) -> Architecture:
        names = [position_name(layer) for layer in self.layers]
        if len(set(names)) != len(names):
            raise ValueError("two of the `layers` are the same one, by its two names")
        return self
