"""What the tests of design of this control look at, computed once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from assay import domain
from assay.controls._lib.judging import judge
from assay.controls.base import Judge
from assay.declare.declaration import Declaration
from assay.declare.model import Model
from assay.sensitivity import Blend, Closure, PrincipalReach, blend, closure, reach
from assay.sensitivity.closure import Node, moved
from assay.sensitivity.purposes import Compatible, compatible

CONTROL = "data_classification"


@dataclass(frozen=True)
class Facts:
    """A declaration with its labels, and everybody's reach."""

    declaration: Declaration
    today: date

    @property
    def model(self) -> Model:
        """The declaration's values."""
        return self.declaration.model

    @property
    def judge(self) -> Judge:
        """Writes this control's verdicts."""
        return judge(CONTROL)

    @cached_property
    def closed(self) -> Closure:
        """The labels everywhere. Nothing is verified at design time."""
        return closure(self.declaration)

    @cached_property
    def arrivals(self) -> Mapping[str, frozenset[str]]:
        """By system, the data sets that flows bring to it."""
        found: dict[str, set[str]] = {}
        for flow in self.model.flows.values():
            found.setdefault(flow.to, set()).update(flow.into or data for _, data in moved(self.model, flow))
        return {system: frozenset(names) for system, names in found.items()}

    @cached_property
    def into(self) -> Mapping[Node, tuple[str, ...]]:
        """By system and data set, the flows that bring something to it."""
        found: dict[Node, dict[str, None]] = {}
        for name, flow in self.model.flows.items():
            for _, data in moved(self.model, flow):
                found.setdefault((flow.to, flow.into or data), {})[name] = None
        return {node: tuple(names) for node, names in found.items()}

    @cached_property
    def reached(self) -> tuple[PrincipalReach, ...]:
        """Everybody's reach, by grants."""
        return reach(self.declaration, self.closed)

    @cached_property
    def blends(self) -> Mapping[int, tuple[Blend, ...]]:
        """For each member of ``reached``, by its index, what it can put together."""
        return {index: blend(one, self.closed.rules) for index, one in enumerate(self.reached)}

    @cached_property
    def purposes(self) -> Compatible:
        """Which purposes go together."""
        return compatible(self.model)


def listed(names: Iterable[str], most: int = 4) -> str:
    """Names for a sentence, each but once."""
    return domain.listed(dict.fromkeys(names), most)
