"""What an operation's responses carry, all of them taken together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from assay.declare.contract import Contract, Operation, Response
from assay.declare.media import essence, may_be_json
from assay.declare.model import Level
from assay.declare.shapes import Path, known
from assay.sensitivity.bodies import Labelled, Labels
from assay.sensitivity.levels import rank

CONFIDENTIAL = rank("confidential")
_PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Carried:
    """Classified data in the JSON responses of an operation.

    Attributes:
        fields: properties that are fields at or above confidential, each once.
        hidden: paths below which there is more of it, too deep to be named.
        known: every path at which the contract lets a response hold something; None when it may hold anything.
    """

    fields: tuple[Labelled, ...]
    hidden: tuple[tuple[Path, Level], ...]
    known: tuple[Path, ...] | None

    @property
    def masked(self) -> bool:
        """Whether there is anything to mask."""
        return bool(self.fields or self.hidden)


NOTHING = Carried((), (), None)


class Responses:
    """What the operations of one API carry; operations with the same schemas share the answer."""

    def __init__(self, contract: Contract, labels: Labels) -> None:
        self._contract, self._labels = contract, labels
        self._carried: dict[tuple[object, ...], Carried] = {}

    def carried(self, operation: Operation) -> Carried:
        """What the JSON responses of an operation carry."""
        if not self._labels.data:
            return NOTHING
        responses = [r for r in operation.responses if may_be_json(r.media_type)]
        key = tuple((r.schema, is_success(operation, r)) for r in responses)
        if key not in self._carried:
            self._carried[key] = self._union(operation, responses)
        return self._carried[key]

    def _union(self, operation: Operation, responses: Iterable[Response]) -> Carried:
        fields: dict[tuple[Path, str], Labelled] = {}
        hidden: dict[Path, Level] = {}
        for response in responses:
            view = self._labels.of(response.schema, "response")
            for item in view.labelled:
                if rank(item.label.level) >= CONFIDENTIAL:
                    fields.setdefault((item.path, item.label.name), item)
            for path, level in view.hidden:
                if rank(level) >= CONFIDENTIAL and rank(level) >= rank(hidden.get(path, "public")):
                    hidden[path] = level
        if not fields and not hidden:
            return NOTHING
        return Carried(tuple(fields.values()), tuple(hidden.items()), self._known(operation, responses))

    def _known(self, operation: Operation, responses: Iterable[Response]) -> tuple[Path, ...] | None:
        found: dict[Path, None] = {}
        for response in responses:
            if essence(response.media_type or "") == _PROBLEM and not is_success(operation, response):
                continue  # its members are let through in errors anyway, and must not be in other answers
            named = known(self._contract, response.schema, "response") if response.schema else None
            if named is None and is_success(operation, response):
                return None
            found.update(dict.fromkeys(named or ()))
        return tuple(found)


def is_success(operation: Operation, response: Response) -> bool:
    """Whether a response answers a call that worked: ``default`` does where no success is declared besides."""
    if response.status == "default":
        return not any(r.status[0] in "23" for r in operation.responses if r.status != "default")
    return response.status[0] in "23"
