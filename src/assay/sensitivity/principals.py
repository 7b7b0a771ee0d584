"""Who reaches data, what they reach, and by which grants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from assay.declare.model import Level
from assay.sensitivity.pieces import Pieces, linking

Kind = Literal["account", "consumer", "role", "anonymous", "system", "log"]


@dataclass(frozen=True, slots=True, order=True)
class Principal:
    """Somebody, or something, that data can be reached by.

    Attributes:
        kind: ``system`` stands for whoever runs it and all that runs in it; ``log`` for its readers.
        clearance: the highest level of data meant for it; None when nobody said.
        path: where it is declared; empty for what is not declared by itself.
    """

    kind: Kind
    id: str
    clearance: Level | None = field(default=None, compare=False)
    path: tuple[str | int, ...] = field(default=(), compare=False)

    @property
    def name(self) -> str:
        """``consumer partner-acme``, for sentences and tables."""
        return "anybody" if self.kind == "anonymous" else f"{self.kind} {self.id}"


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One thing that lets a principal reach an object.

    Attributes:
        path: where it is declared (``apis.X.access.0``, ``systems.Y.holds``).
        text: in words, such as `operation getCustomer of API customer-data`.
        operation: the API and the operation, where it is one.
    """

    path: tuple[str | int, ...]
    text: str
    operation: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reached:
    """A data set that a principal can reach in one place.

    Attributes:
        place: ``systems.X``, ``apis.X``, ``flows.X`` or ``log``.
        claimed, verified: what it sees there; verified counts only what was verified on payloads.
        forms: by field, the form in which an API shows it; empty for systems, where nothing is masked.
    """

    data: str
    place: str
    claimed: Pieces
    verified: Pieces
    grants: tuple[Grant, ...]
    forms: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def keys(self) -> frozenset[str]:
        """Everything by which its records can be joined with others."""
        return linking(self.claimed)

    @cached_property
    def certain_keys(self) -> frozenset[str]:
        """The same, where a token that was not verified joins like what it was made of."""
        return self.keys if self.verified is self.claimed else linking(self.verified)


@dataclass(frozen=True, slots=True)
class PrincipalReach:
    """Everything that one principal can reach (or, ``observed``, did reach)."""

    principal: Principal
    objects: tuple[Reached, ...]
    observed: bool = False
