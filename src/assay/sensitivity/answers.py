"""Which fields of which data sets the answers of operations carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from assay.declare.contract import Operation
from assay.declare.declaration import Declaration
from assay.declare.media import may_be_json
from assay.sensitivity.attributes import Attributes
from assay.sensitivity.bodies import labels
from assay.sensitivity.pieces import FieldName, Piece, Pieces, merge

Carried = tuple[tuple[FieldName, bool], ...]
"""Fields of an answer, each with whether it stands in bodies that the gateway can look into (JSON)."""


class Answers:
    """The fields in the answers of every operation. Operations with the same schemas share their answer."""

    def __init__(self, declaration: Declaration, known: Attributes) -> None:
        self._declaration, self._known = declaration, known
        self._fields: dict[tuple[object, ...], Carried] = {}

    def fields(self, api: str, operation: Operation) -> Carried:
        """The fields that the answers of an operation carry, in any of its responses, sorted."""
        bodies = {(r.schema, may_be_json(r.media_type)) for r in operation.responses if r.schema is not None}
        if not bodies:
            return ()
        contract = self._declaration.model.apis[api].contract
        key = (contract, frozenset(bodies))
        if key not in self._fields:
            found: dict[FieldName, bool] = {}
            of = labels(self._declaration, api)
            for schema, is_json in bodies:
                for item in of.of(schema, "response").labelled:
                    if not item.absent:
                        name = (item.label.data, item.label.key)
                        found[name] = found.get(name, False) or is_json
            self._fields[key] = tuple(sorted(found.items()))
        return self._fields[key]

    def data(self, api: str) -> tuple[str, ...]:
        """The data sets that appear in an API's contract."""
        return labels(self._declaration, api).data

    def pieces(
        self, fields: Carried, systems: Iterable[str], stored: Mapping[tuple[str, str], Pieces]
    ) -> dict[str, Piece]:
        """What fields give away, as the systems behind hold them."""
        systems = tuple(systems)
        found: dict[str, Piece] = {}
        for (data, key), _ in fields:
            for piece in self.standing((data, key), systems, stored):
                known = found.get(piece.attribute)
                found[piece.attribute] = piece if known is None else merge(known, piece)
        return found

    def standing(
        self, name: FieldName, systems: Iterable[str], stored: Mapping[tuple[str, str], Pieces]
    ) -> Iterable[Piece]:
        """One field, as it is declared and as the systems behind hold it."""
        declared = self._known.by_field[name]
        yield declared
        for system in systems:
            held = stored.get((system, name[0]), {}).get(declared.attribute)
            if held is not None:
                yield held
