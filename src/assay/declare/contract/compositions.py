"""What a schema is made of at one place of an instance: itself, what it refers to, and its branches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from assay.declare.contract import pointers
from assay.declare.contract.documents import Documents, SchemaRef
from assay.declare.contract.vocabulary import words

BRANCHES = ("allOf", "anyOf", "oneOf")
_CONDITIONS = ("if", "then", "else")
COMPOSING = frozenset((*BRANCHES, *_CONDITIONS, "dependentSchemas", "$ref", "$dynamicRef"))
_SHAPING = words(
    "properties patternProperties additionalProperties unevaluatedProperties anyOf oneOf if then else not enum const "
    "dependentSchemas"
)
_ANNOTATIONS = words(
    "title summary description default example examples deprecated externalDocs xml discriminator "
    "$comment $schema $id $anchor $dynamicAnchor $defs definitions"
)


class Part(NamedTuple):
    """A schema object that applies to the same value as the schema it is part of."""

    at: SchemaRef
    raw: Mapping[str, object]


def reference(raw: Mapping[str, object]) -> str | None:
    """The reference a schema makes; a dynamic one is read as if it were static."""
    for keyword in ("$ref", "$dynamicRef"):
        found = raw.get(keyword)
        if isinstance(found, str):
            return found
    return None


def constraining_siblings(raw: Mapping[str, object]) -> list[str]:
    """What stands beside a reference and would mean something if it applied."""
    return [k for k in raw if k not in ("$ref", "$dynamicRef") and k not in _ANNOTATIONS and not k.startswith("x-")]


def below(at: SchemaRef, *steps: str) -> SchemaRef:
    """The place some steps further down."""
    return SchemaRef(at.file, pointers.join(at.pointer, *steps))


def parts(documents: Documents, at: SchemaRef, raw: object, *, alternatives: bool = True) -> list[Part]:
    """The schema itself and everything that applies to the same value, each once.

    Args:
        alternatives: whether to go into ``anyOf``, ``oneOf``, conditions and dependent schemas; without them, every
            part certainly applies.
    """
    found: dict[SchemaRef, Part] = {}
    waiting: list[tuple[SchemaRef, object]] = [(at, raw)]
    while waiting:
        here, value = waiting.pop()
        if here in found or not isinstance(value, dict):
            continue
        found[here] = Part(here, value)
        waiting.extend(reversed(list(_next(documents, here, value, alternatives))))
    return list(found.values())


def _next(
    documents: Documents, at: SchemaRef, raw: Mapping[str, object], alternatives: bool
) -> Iterator[tuple[SchemaRef, object]]:
    refers = reference(raw)
    if refers is not None:
        target = documents.next_schema(at, refers)
        if target is not None:
            yield target, documents.schema(target)
        if not documents.siblings_apply:
            return
    for keyword in BRANCHES if alternatives else ("allOf",):
        branches = raw.get(keyword)
        if isinstance(branches, list):
            for index, branch in enumerate(branches):
                yield below(at, keyword, str(index)), branch
    if alternatives:
        for keyword in _CONDITIONS:
            if keyword in raw:
                yield below(at, keyword), raw[keyword]
        dependent = raw.get("dependentSchemas")
        if isinstance(dependent, dict):
            for name, schema in dependent.items():
                yield below(at, "dependentSchemas", name), schema


def properties(raw: Mapping[str, object]) -> Mapping[str, object]:
    """The properties a schema object itself declares."""
    declared = raw.get("properties")
    return declared if isinstance(declared, dict) else {}


def effective(documents: Documents, raw: Mapping[str, object]) -> bool:
    """Whether the keywords of a schema object apply, which those beside a reference do only from OpenAPI 3.1."""
    return documents.siblings_apply or reference(raw) is None


def declares(documents: Documents, composition: list[Part]) -> bool:
    """Whether any part names properties."""
    return any(
        effective(documents, p.raw) and (properties(p.raw) or p.raw.get("patternProperties")) for p in composition
    )


def accepts_any_object(documents: Documents, composition: list[Part]) -> bool:
    """Whether objects may hold anything by all parts: none names properties or otherwise restricts them."""
    for part in composition:
        if not effective(documents, part.raw):
            continue
        kind = part.raw.get("type", "object")
        if kind != "object" and not (isinstance(kind, list) and "object" in kind):
            return False
        if any(keyword in _SHAPING and part.raw[keyword] not in ({}, []) for keyword in part.raw):
            return False
    return True


def is_wrapper(raw: Mapping[str, object]) -> bool:
    """Whether a schema only wraps one other (a single ``allOf``, or a reference with siblings) without shaping it."""
    branches = raw.get("allOf")
    single = isinstance(branches, list) and len(branches) == 1
    refers = reference(raw) is not None
    return (single != refers) and (single or "allOf" not in raw) and not any(keyword in _SHAPING for keyword in raw)


def marked(documents: Documents, at: SchemaRef, raw: object, keyword: str) -> bool:
    """Whether a schema, or one it certainly includes, says ``readOnly`` (or ``writeOnly``)."""
    if not isinstance(raw, dict):
        return False
    if raw.get(keyword) is True and effective(documents, raw):
        return True
    if not COMPOSING & raw.keys():
        return False
    return any(
        p.raw.get(keyword) is True and effective(documents, p.raw)
        for p in parts(documents, at, raw, alternatives=False)
    )


def forbidden(documents: Documents, part: Part, direction: str) -> set[str]:
    """Names a part declares that may not appear in this direction."""
    keyword = "readOnly" if direction == "request" else "writeOnly"
    if not effective(documents, part.raw):
        return set()
    return {
        name
        for name, schema in properties(part.raw).items()
        if isinstance(schema, dict) and marked(documents, below(part.at, "properties", name), schema, keyword)
    }


def is_subtype(documents: Documents, at: SchemaRef, raw: Mapping[str, object]) -> bool:
    """Whether a named schema includes, by ``allOf``, a base type that stands for it too."""
    branches = raw.get("allOf")
    if not isinstance(branches, list) or not branches:
        return False
    refers = reference(branches[0]) if isinstance(branches[0], dict) else None
    target = documents.next_schema(below(at, "allOf", "0"), refers) if refers else None
    return target is not None and at in derived(documents, target)


def derived(documents: Documents, base: SchemaRef) -> tuple[SchemaRef, ...]:
    """Named schemas that include ``base`` by ``allOf``, directly: its subtypes where ``base`` has a discriminator."""
    return documents.once("derived", lambda: _derived(documents)).get(base, ())


def _derived(documents: Documents) -> dict[SchemaRef, tuple[SchemaRef, ...]]:
    found: dict[SchemaRef, tuple[SchemaRef, ...]] = {}
    for file in documents.parsed():
        for container in ("#/components/schemas", "#/definitions"):
            named = documents.find(file, container)
            if named is None or not isinstance(named.value, dict):
                continue
            for name, schema in named.value.items():
                at = SchemaRef(file, pointers.join(named.pointer, name))
                branches = schema.get("allOf") if isinstance(schema, dict) else None
                for index, branch in enumerate(branches if isinstance(branches, list) else ()):
                    refers = reference(branch) if isinstance(branch, dict) else None
                    target = documents.next_schema(below(at, "allOf", str(index)), refers) if refers else None
                    if target is not None:
                        found[target] = (*found.get(target, ()), at)
    return found
