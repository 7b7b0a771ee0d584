"""Where values can stand in a body: every property a contract names, and every place where it names nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from assay.declare.contract import Contract, Direction, FieldPath, SchemaRef, compositions, pointers
from assay.declare.contract.compositions import below, parts
from assay.declare.contract.documents import HOPS, Documents

Path = tuple[str, ...]
"""Names from the top of a body; ``*`` stands for any array item or any name in a mapping."""
ANY = "*"
_DIFFERENCES = ("readOnly", "writeOnly", "\\u", "\\x")
"""What a text must hold for schemas to differ by direction: the keywords, or escapes that could spell them."""
LEVELS = 3
"""How many times a schema that contains itself is unfolded."""
MOST = 500
"""With more properties than that, nothing is unfolded: recursion is cut where it is met."""
LONGEST = 1_000
"""How many properties of one body are listed; what lies below the last ones is cut, and judged as one. Contracts whose
schemas all contain each other have millions of paths, and naming each would take minutes and gigabytes."""
FREE_DEPTH = 16
"""How deep a value may nest where a contract says nothing about it."""


_SCALARS = ("string", "integer", "number", "boolean", "null")
_ARRAY = frozenset({"items", "prefixItems"})
_NAMING = frozenset({"properties", "patternProperties", "additionalProperties", "unevaluatedProperties"})
_OBJECT = _NAMING | {"required", "propertyNames", "minProperties", "maxProperties"}
_TELLING = _ARRAY | _OBJECT | {"enum", "const", "format", "pattern", "minimum", "maximum", "minLength", "maxLength"}
"""Keywords from which the kind of a value follows, where no ``type`` says it."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property and the object it belongs to.

    Attributes:
        place: the pointer of its schema, as :class:`~assay.declare.contract.SchemaRef`.
        owners: pointers of every schema through which it is part of its object.
        cut: the schema contains itself and was not unfolded further here.
        absent: it, or what it is part of, may not appear in this direction (``readOnly``, ``writeOnly``).
    """

    path: Path
    place: SchemaRef
    owners: tuple[str, ...]
    cut: bool
    absent: bool = False


def target(documents: Documents, ref: SchemaRef) -> SchemaRef:
    """The schema that a chain of plain references ends at; ``ref`` itself where it says something of its own."""
    for _ in range(HOPS):
        raw = documents.schema(ref)
        refers = compositions.reference(raw) if isinstance(raw, dict) else None
        if refers is None or not isinstance(raw, dict):
            return ref
        if documents.siblings_apply and compositions.constraining_siblings(raw):
            return ref
        following = documents.next_schema(ref, refers)
        if following is None:
            return ref
        ref = following
    return ref


def properties(contract: Contract, ref: SchemaRef, direction: Direction) -> tuple[Property, ...]:
    """Every property of a value of the schema at ``ref``, schemas that contain themselves unfolded a few times.

    Remembered by the contract, so that several controls may ask.
    """
    end, way = target(contract.documents, ref), telling(contract, direction)
    return contract.documents.once(("properties", end, way), lambda: _unfolded(contract, end, way))


def telling(contract: Contract, direction: Direction) -> Direction:
    """The direction to ask for: always the same one where no schema of the contract makes a difference between them."""
    documents = contract.documents
    differs = documents.once(
        "directions differ",
        lambda: any(word in p.text for p in documents.parsed().values() for word in _DIFFERENCES),
    )
    return direction if differs else "response"


def _unfolded(contract: Contract, ref: SchemaRef, direction: Direction) -> tuple[Property, ...]:
    found: dict[Path, Property] = {}
    waiting: deque[tuple[Path, SchemaRef, int]] = deque([((), ref, 0)])
    while waiting:
        prefix, at, level = waiting.popleft()
        if prefix:
            if len(found) >= MOST:
                break  # what still waits stays cut
            found[prefix] = replace(found[prefix], cut=False)
        for item in _walk(contract, at, direction):
            path = prefix + item.path
            if item.cut and level < LEVELS:
                waiting.append((path, item.place, level + 1))
            if path not in found or not item.cut:
                absent = item.absent or any(found[path[:n]].absent for n in range(1, len(path)) if path[:n] in found)
                found[path] = Property(path, item.place, item.owners, item.cut, absent)
    return tuple(found.values())


def own(contract: Contract, ref: SchemaRef, direction: Direction) -> tuple[Property, ...]:
    """The properties of a value itself, or of the items of the list or mapping that it is; nothing below them."""
    end, way = target(contract.documents, ref), telling(contract, direction)
    return contract.documents.once(
        ("own", end, way),
        lambda: tuple(_property(contract, f, way) for f in contract.fields(end, direction=way, nested=False)),
    )


def _walk(contract: Contract, ref: SchemaRef, direction: Direction) -> tuple[Property, ...]:
    end = target(contract.documents, ref)

    def walked() -> tuple[Property, ...]:
        found = contract.fields(end, direction=direction, longest=LONGEST)
        return tuple(_property(contract, f, direction) for f in found)

    return contract.documents.once(("walk", end, direction), walked)


def _property(contract: Contract, found: FieldPath, direction: Direction) -> Property:
    return Property(
        path=found.path,
        place=_place(contract, found.owner, found.name),
        owners=found.owners,
        cut=found.recursive,
        absent=found.read_only if direction == "request" else found.write_only,
    )


def _place(contract: Contract, owner: str, name: str) -> SchemaRef:
    file, _, fragment = owner.partition("#")
    return SchemaRef(file or contract.documents.root, pointers.join("#" + fragment, "properties", name))


def known(contract: Contract, ref: SchemaRef, direction: Direction) -> tuple[Path, ...] | None:
    """Every path at which a value of the schema at ``ref`` may hold something; None when it may hold anything.

    Where the contract says nothing about a part of the value, paths of stars stand for whatever is there, as deep as
    :data:`FREE_DEPTH`.
    """
    end, way = target(contract.documents, ref), telling(contract, direction)
    return contract.documents.once(("known", end, way), lambda: _known(contract, end, way))


def _known(contract: Contract, ref: SchemaRef, direction: Direction) -> tuple[Path, ...] | None:
    if ((), True) in _unnamed(contract.documents, ref):
        return None
    found: dict[Path, None] = {}
    named = (p for p in properties(contract, ref, direction) if not p.absent)
    for prefix, at in (((), ref), *((p.path, p.place) for p in named)):
        found[prefix] = None
        for below_it, free in _unnamed(contract.documents, at):
            base = prefix + below_it
            found[base] = None
            if free:
                found.update((base + (ANY,) * n, None) for n in range(1, FREE_DEPTH + 1))
    del found[()]
    return tuple(found)


def _unnamed(documents: Documents, at: SchemaRef, depth: int = 6) -> list[tuple[Path, bool]]:
    """Places below a value that no property names: (path, whether anything may stand there)."""
    raw = documents.schema(at)
    if depth == 0 or (isinstance(raw, dict) and raw.get("type") in _SCALARS and "$ref" not in raw):
        return []
    whole = [p for p in parts(documents, at, raw) if compositions.effective(documents, p.raw)]
    kinds = {k for p in whole for k in _types(p.raw.get("type"))}
    keywords = {k for p in whole for k in p.raw}
    if not kinds and not keywords & _TELLING:
        return [((), True)]
    found: list[tuple[Path, bool]] = []
    if "array" in kinds or (not kinds and keywords & _ARRAY):
        found += _below(documents, list(_items(whole)), depth)
    if "object" in kinds or (not kinds and keywords & _OBJECT):
        found += _below(documents, _others(whole), depth)
    return found


def _below(documents: Documents, places: list[SchemaRef] | None, depth: int) -> Iterator[tuple[Path, bool]]:
    """What lies behind ``*``: values of the schemas at ``places``, or anything when there is none."""
    if places is None:
        return
    if not places:
        yield (ANY,), True
    for place in places:
        yield (ANY,), False
        yield from (((ANY, *path), free) for path, free in _unnamed(documents, place, depth - 1))


def _items(whole: list[compositions.Part]) -> Iterator[SchemaRef]:
    for part in whole:
        if isinstance(part.raw.get("items"), dict):
            yield below(part.at, "items")
        for keyword in ("prefixItems", "items"):
            several = part.raw.get(keyword)
            if isinstance(several, list):
                yield from (below(part.at, keyword, str(i)) for i in range(len(several)))


def _others(whole: list[compositions.Part]) -> list[SchemaRef] | None:
    """Schemas of members that are not named; an empty list for anything at all, None when there are no others."""
    found: list[SchemaRef] = []
    spoken = False
    for part in whole:
        spoken |= bool(_NAMING & part.raw.keys())
        for keyword in ("additionalProperties", "unevaluatedProperties"):
            if part.raw.get(keyword) is True:
                return []
            if isinstance(part.raw.get(keyword), dict):
                found.append(below(part.at, keyword))
        patterns = part.raw.get("patternProperties")
        if isinstance(patterns, dict):
            found.extend(below(part.at, "patternProperties", name) for name in patterns)
    return found if found or not spoken else None


def _types(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []
