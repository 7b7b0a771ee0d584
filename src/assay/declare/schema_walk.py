"""The properties that a schema declares itself, without walking everything it leads to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from assay.declare.contract import SchemaRef
from assay.declare.contract.documents import Documents


@dataclass(frozen=True, slots=True)
class Property:
    """One property: the schema object that lists it, where its own schema is written, and that schema."""

    name: str
    owner: SchemaRef
    at: SchemaRef
    schema: Mapping[str, object]
    required: bool


def end_of(documents: Documents, ref: SchemaRef) -> tuple[SchemaRef, object] | None:
    """The schema at the end of the chain of references at ``ref``, and its place."""
    if (ref.file, ref.pointer) in documents.overlay:
        return ref, documents.overlay[ref.file, ref.pointer]
    found = documents.find(ref.file, ref.pointer)
    found = documents.end(found) if found else None
    return (SchemaRef(found.file, found.pointer), found.value) if found else None


def properties(documents: Documents, ref: SchemaRef) -> Iterator[Property]:
    """Properties of the schema at ``ref`` and of the schemas it is composed of (allOf, anyOf, oneOf, array items)."""
    waiting = [ref]
    seen: set[SchemaRef] = set()
    while waiting:
        here = end_of(documents, waiting.pop(0))
        if here is None or here[0] in seen:
            continue
        at, schema = here
        if not isinstance(schema, dict):
            continue
        seen.add(at)
        required = schema.get("required")
        declared = schema.get("properties")
        for name, inner in declared.items() if isinstance(declared, dict) else ():
            place = SchemaRef(at.file, f"{at.pointer}/properties/{escape(str(name))}")
            needed = isinstance(required, list) and name in required
            yield Property(str(name), at, place, inner if isinstance(inner, dict) else {}, needed)
        for word in ("allOf", "anyOf", "oneOf"):
            branches = schema.get(word)
            count = len(branches) if isinstance(branches, list) else 0
            waiting += [SchemaRef(at.file, f"{at.pointer}/{word}/{i}") for i in range(count)]
        if isinstance(schema.get("items"), dict):
            waiting.append(SchemaRef(at.file, f"{at.pointer}/items"))


def escape(step: str) -> str:
    """A step of a JSON Pointer (RFC 6901 § 3)."""
    return step.replace("~", "~0").replace("/", "~1")
