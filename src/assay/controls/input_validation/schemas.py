"""The schemas of an API's requests: converted once, each shared definition in one library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from assay.declare.contract import Contract, SchemaRef
from assay.declare.contract import schemas as _schemas
from assay.declare.contract.conversion import Role, Variant
from assay.domain import DeclarationError

Json = dict[str, object] | bool
REFUSE_ALL = False
"""The schema that nothing satisfies: what a schema without meaning is replaced with."""
_ENCODER = msgspec.json.Encoder()


@dataclass
class Schemas:
    """The request schemas of one contract in one strictness, and what they need of each other.

    Attributes:
        definitions: every definition used so far, by the name that ``#/$defs/NAME`` refers to.
    """

    contract: Contract
    closed: bool
    definitions: dict[str, Json] = field(default_factory=dict)
    _library: _schemas.Library = field(init=False)
    _made: dict[SchemaRef, Json | None] = field(default_factory=dict)
    _texts: dict[SchemaRef, str] = field(default_factory=dict)
    _sound: dict[Variant, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._library = _schemas.library(self.contract.documents, "request", self.closed)

    def schema(self, ref: SchemaRef) -> Json | None:
        """The schema at ``ref``; references in it lead into :attr:`definitions`. None when it has no meaning."""
        if ref not in self._made:
            self._made[ref] = self._make(Variant(ref, Role.VALUE))
        return self._made[ref]

    def text(self, ref: SchemaRef) -> str:
        """The schema as JSON text. One without meaning refuses everything."""
        if ref not in self._texts:
            made = self.schema(ref)
            self._texts[ref] = _ENCODER.encode(REFUSE_ALL if made is None else made).decode()
        return self._texts[ref]

    def library(self) -> str:
        """All definitions used so far as one JSON object, in the order of their names."""
        return _ENCODER.encode({name: self.definitions[name] for name in sorted(self.definitions)}).decode()

    def _make(self, top: Variant) -> Json | None:
        try:
            converted = self._library.convert(top)
            if top in converted.in_place:
                self._library.closure(top)
        except DeclarationError:
            return None
        return converted.schema if all(self._take(needed) for needed in converted.needs) else None

    def _take(self, variant: Variant) -> bool:
        """Adds a definition and all that it needs; whether all of them have a meaning."""
        if variant not in self._sound:
            try:
                closure = (variant, *self._library.closure(variant))
            except DeclarationError:
                self._sound[variant] = False
                return False
            for member in closure:
                self._sound[member] = True
                self.definitions[self._library.name(member)] = self._library.convert(member).schema
        return self._sound[variant]


def schemas(contract: Contract, *, closed: bool) -> Schemas:
    """The request schemas of a contract, remembered with it."""
    return contract.documents.once(("request schemas", closed), lambda: Schemas(contract, closed))


def plain_reference(schema: object) -> str | None:
    """The name of the definition that a schema refers to, if it does nothing else."""
    if isinstance(schema, dict) and len(schema) == 1 and isinstance(schema.get("$ref"), str):
        return str(schema["$ref"]).removeprefix("#/$defs/")
    return None


def references(schema: object) -> list[str]:
    """The names of the definitions that a schema refers to directly, in its order."""
    found: dict[str, None] = {}
    waiting = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            refers = item.get("$ref")
            if isinstance(refers, str):
                found[refers.removeprefix("#/$defs/")] = None
            waiting.extend(v for v in item.values() if isinstance(v, dict | list))
        elif isinstance(item, list):
            waiting.extend(v for v in item if isinstance(v, dict | list))
    return list(found)


def resolve(schema: object, definitions: Mapping[str, Json]) -> tuple[object, tuple[str, ...]]:
    """The schema behind a chain of plain references, and the names on the way."""
    names: list[str] = []
    while (name := plain_reference(schema)) is not None:
        if name in names or name not in definitions:
            return {}, tuple(names)
        names.append(name)
        schema = definitions[name]
    return schema, tuple(names)
