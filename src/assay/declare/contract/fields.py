"""Every property reachable in a value of a schema."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from assay.declare.contract import compositions
from assay.declare.contract.compositions import Part, below, parts
from assay.declare.contract.documents import Documents, SchemaRef

LONGEST = 20_000
"""How many properties one walk lists; what lies below the last ones is cut and marked."""


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A property reachable in a body.

    Attributes:
        path: names from the top of the body; ``*`` stands for a list's items or for any name in a mapping.
        owner: pointer of the schema object that declares the property, after following references. It starts with the
            file's name unless that is the contract itself.
        owners: pointers of all schemas through which the property is part of its object, ``owner`` among them: what a
            reference named, what ``allOf``, ``anyOf`` and ``oneOf`` included.
        schema: the property's own schema, references followed.
        required: whether an object without it is refused in the direction that was asked for.
        recursive: whether the walk stopped here although there may be more below.
    """

    path: tuple[str, ...]
    name: str
    owner: str
    owners: tuple[str, ...]
    schema: Mapping[str, object]
    required: bool
    read_only: bool
    write_only: bool
    format: str | None
    example: object
    recursive: bool


@dataclass(slots=True)
class _Draft:
    """A property while its places of declaration are being found."""

    path: tuple[str, ...]
    owner: str
    places: list[tuple[SchemaRef, object]]
    owners: dict[str, None] = field(default_factory=dict)
    required: bool = False
    read_only: bool = False
    write_only: bool = False
    recursive: bool = False


@dataclass(frozen=True, slots=True)
class _Visit:
    """A value to look into: its schemas, the schemas already on the way to it, and the property it belongs to."""

    path: tuple[str, ...]
    places: tuple[tuple[SchemaRef, object], ...]
    above: frozenset[SchemaRef]
    draft: _Draft | None


def walk(
    documents: Documents,
    ref: SchemaRef,
    *,
    direction: Literal["request", "response"],
    longest: int = LONGEST,
    nested: bool = True,
) -> tuple[FieldPath, ...]:
    """See :meth:`assay.declare.contract.Contract.fields`.

    Breadth first, so what is cut when there are more than ``longest`` properties is what lies deepest.
    """
    found: list[_Draft] = []
    waiting = deque([_Visit((), ((ref, documents.schema(ref)),), frozenset(), None)])
    while waiting:
        visit = waiting.popleft()
        composition = {p.at: p for at, raw in visit.places for p in parts(documents, at, raw)}
        known = [p for p in composition.values() if compositions.effective(documents, p.raw)]
        if any(p.at in visit.above for p in known) or len(found) >= longest:
            if visit.draft is not None and any(_holds_more(p.raw) for p in known):
                visit.draft.recursive = True
            if len(found) >= longest:
                continue
            known = [p for p in known if p.at not in visit.above]
        above = visit.above | composition.keys()
        drafts = _declared(documents, visit.path, known, composition, direction)
        found.extend(drafts.values())
        if nested:
            waiting.extend(_Visit(d.path, tuple(d.places), above, d) for d in drafts.values())
        inside = tuple(place for p in known for place in _elements(p))
        if inside:
            waiting.append(_Visit((*visit.path, "*"), inside, above, visit.draft))
    return tuple(_finish(documents, draft) for draft in found)


def _declared(
    documents: Documents,
    path: tuple[str, ...],
    known: list[Part],
    composition: Mapping[SchemaRef, Part],
    direction: str,
) -> dict[str, _Draft]:
    drafts: dict[str, _Draft] = {}
    owners = dict.fromkeys(_shown(documents, at) for at in composition)
    required = {n for p in known for n in _names(p.raw.get("required"))}
    for part in known:
        for name, raw in compositions.properties(part.raw).items():
            at = below(part.at, "properties", name)
            draft = drafts.get(name)
            if draft is None:
                draft = drafts[name] = _Draft((*path, name), _shown(documents, part.at), [], owners)
            draft.places.append((at, raw))
            draft.read_only |= compositions.marked(documents, at, raw, "readOnly")
            draft.write_only |= compositions.marked(documents, at, raw, "writeOnly")
    for name, draft in drafts.items():
        absent = draft.read_only if direction == "request" else draft.write_only
        draft.required = name in required and not absent
    return drafts


def _elements(part: Part) -> Iterator[tuple[SchemaRef, object]]:
    """Schemas of list items and of values under names that the schema does not fix."""
    for keyword in (
        "items",
        "additionalItems",
        "contains",
        "additionalProperties",
        "unevaluatedProperties",
        "unevaluatedItems",
    ):
        raw = part.raw.get(keyword)
        if isinstance(raw, dict):
            yield below(part.at, keyword), raw
    for keyword in ("prefixItems", "items"):
        several = part.raw.get(keyword)
        if isinstance(several, list):
            yield from ((below(part.at, keyword, str(i)), raw) for i, raw in enumerate(several))
    patterns = part.raw.get("patternProperties")
    if isinstance(patterns, dict):
        yield from ((below(part.at, "patternProperties", name), raw) for name, raw in patterns.items())


def _holds_more(raw: Mapping[str, object]) -> bool:
    return bool(compositions.properties(raw)) or any(
        keyword in raw for keyword in ("items", "prefixItems", "additionalProperties", "patternProperties")
    )


def _finish(documents: Documents, draft: _Draft) -> FieldPath:
    whole = [p.raw for at, raw in draft.places for p in parts(documents, at, raw, alternatives=False)]
    own = [raw for raw in whole if compositions.effective(documents, raw)] or whole
    schema: Mapping[str, object] = own[0] if own else {}
    formats = (raw["format"] for raw in own if isinstance(raw.get("format"), str))
    return FieldPath(
        path=draft.path,
        name=draft.path[-1],
        owner=draft.owner,
        owners=tuple(draft.owners),
        schema=schema,
        required=draft.required,
        read_only=draft.read_only,
        write_only=draft.write_only,
        format=next((str(f) for f in formats), None),
        example=next((e for raw in whole for e in _examples(raw)), None),
        recursive=draft.recursive,
    )


def _examples(raw: Mapping[str, object]) -> Iterator[object]:
    if "example" in raw:
        yield raw["example"]
    several = raw.get("examples")
    if isinstance(several, list):
        yield from several[:1]
    if "x-example" in raw:
        yield raw["x-example"]


def _names(value: object) -> list[str]:
    return [n for n in value if isinstance(n, str)] if isinstance(value, list) else []


def _shown(documents: Documents, at: SchemaRef) -> str:
    return at.pointer if at.file == documents.root else str(at)
