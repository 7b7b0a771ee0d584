"""What a request schema leaves open: strings without a length, lists without an end, objects that accept anything."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from assay.controls.input_validation.schemas import Json, plain_reference, resolve
from assay.controls.input_validation.text import is_free, is_long
from assay.declare.contract.keywords import WIDTHS
from assay.declare.shapes import ANY, Path

MOST = 2_000
"""How many places of one schema are looked at. Beyond, the whole value counts as free text."""
LISTED = 100
"""How many open places are listed by kind. A value with more free text than that counts as free text as a whole."""
COMBINATIONS = 100
"""How many combinations of alternatives at one place are looked at. Beyond, it counts as free text as a whole."""
_BRANCHES = ("anyOf", "oneOf")
_CONDITIONS = frozenset({"then", "else", "dependentSchemas"})
_TELLING = frozenset(
    {"type", "enum", "const", "properties", "patternProperties", "additionalProperties", "items", "prefixItems"}
    | {"pattern", "format", "minLength", "maxLength", "minimum", "maximum", "required", "minItems", "maxItems", "not"}
)


@dataclass(slots=True)
class Openness:
    """Paths of what is open, by kind, each once; ``seen`` holds the kinds that occur at all.

    Attributes:
        texts: where free text may stand. The empty path means anywhere.
        uploads: those of them that stand for bytes (``format: binary``), which are no text in a form.
        complete: whether everything was looked at and is listed.
    """

    strings: dict[Path, None] = field(default_factory=dict)
    arrays: dict[Path, None] = field(default_factory=dict)
    numbers: dict[Path, None] = field(default_factory=dict)
    objects: dict[Path, None] = field(default_factory=dict)
    texts: dict[Path, None] = field(default_factory=dict)
    uploads: dict[Path, None] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    complete: bool = True

    def include(self, path: Path, other: Openness) -> None:
        """Adds what is open in a value that stands at ``path``."""
        for kind in _LISTS:
            into, found = getattr(self, kind), getattr(other, kind)
            into.update((path + p, None) for p in found)
        self.seen |= other.seen
        self.complete &= other.complete

    def bound(self) -> None:
        """Shortens the lists that are too long, and says so."""
        if len(self.texts) > LISTED:
            self.texts, self.complete = {(): None}, False
        for kind in ("strings", "arrays", "numbers", "objects"):
            found = getattr(self, kind)
            if len(found) > LISTED:
                self.complete = False
                setattr(self, kind, dict.fromkeys(tuple(found)[:LISTED]))


_LISTS = ("strings", "arrays", "numbers", "objects", "texts", "uploads")


@dataclass(frozen=True, slots=True)
class _Place:
    """A value: where it stands, the schemas that all apply to it, and the definitions on the way to it.

    ``refers`` names the definition that it is an instance of, where that says everything about it.
    """

    path: Path
    parts: tuple[Mapping[str, object], ...]
    above: frozenset[str]
    refers: str | None = None


def analyse(schema: Json, definitions: Mapping[str, Json], known: Mapping[str, Openness]) -> Openness:
    """What a value of ``schema`` may hold that nothing bounds.

    Args:
        definitions: what references lead to.
        known: the same about definitions that were analysed before. A property that is one of the others contains
            the schema itself, and may hold free text anywhere.
    """
    found = Openness()
    waiting = deque(_places((), [schema], frozenset(), definitions))
    looked = 0
    while waiting:
        place = waiting.popleft()
        looked += 1
        if looked > MOST:
            found.texts, found.complete = {(): None}, False
            break
        waiting.extend(_look(place, definitions, known, found))
    found.bound()
    return found


def _places(
    path: Path, schemas: list[object], above: frozenset[str], definitions: Mapping[str, Json], combined: int = 1
) -> Iterator[_Place]:
    """The value at ``path`` under all of ``schemas``: one place for each alternative that they leave."""
    if path and len(schemas) == 1 and (refers := plain_reference(schemas[0])):
        yield _Place(path, (), above, refers)
        return
    parts: list[Mapping[str, object]] = []
    groups: list[list[object]] = []
    names: set[str] = set()
    waiting = list(schemas)
    while waiting:
        raw, passed = resolve(waiting.pop(), definitions)
        if names.issuperset(passed) and passed:
            continue
        names.update(passed)
        if not isinstance(raw, dict):
            continue
        parts.append(raw)
        if "$ref" in raw:
            waiting.append({"$ref": raw["$ref"]})
        allof = raw.get("allOf")
        waiting.extend(allof if isinstance(allof, list) else ())
        groups.extend(g for k in _BRANCHES if isinstance(g := raw.get(k), list) and g)
    combined *= len(groups[0]) if groups else 1
    if names & above or combined > COMBINATIONS:
        yield _Place(path, (_CUT,), above)
        return
    if not groups:
        yield _Place(path, tuple(parts), above | names)
        return
    for branch in groups[0]:
        inner = [{k: v for k, v in p.items() if k not in ("anyOf", "oneOf", "allOf", "$ref")} for p in parts]
        yield from _places(path, [*inner, branch, *({"anyOf": g} for g in groups[1:])], above, definitions, combined)


_CUT: Mapping[str, object] = {"type": "cut"}
"""Stands for what is not looked into: a definition that contains itself, or too many alternatives."""


def _look(
    place: _Place, definitions: Mapping[str, Json], known: Mapping[str, Openness], found: Openness
) -> Iterator[_Place]:
    path, parts = place.path, place.parts
    if place.refers is not None:
        if place.refers in known:
            found.include(path, known[place.refers])
        else:
            found.texts[path] = None
        return
    if _CUT in parts:
        found.texts[path] = None
        return
    if any("enum" in p or "const" in p for p in parts):
        return
    kinds = _kinds(parts)
    if kinds is None and not any(_TELLING & p.keys() for p in parts):
        found.seen.add("objects")
        found.objects[path] = found.texts[path] = None
        return
    if kinds is None:
        kinds = frozenset(_implied(parts))
    if "string" in kinds:
        found.seen.add("strings")
        if is_long(parts):
            found.strings[path] = None
        if is_free(parts):
            found.texts[path] = None
            if kinds == {"string"} and any(p.get("format") == "binary" for p in parts):
                found.uploads[path] = None
    if kinds & {"number", "integer"}:
        found.seen.add("numbers")
        if not _between(parts):
            found.numbers[path] = None
    if "array" in kinds:
        yield from _array(place, definitions, found)
    if "object" in kinds:
        yield from _object(place, definitions, found)


def _kinds(parts: tuple[Mapping[str, object], ...]) -> frozenset[str] | None:
    """The types that all parts allow; None when none says."""
    kinds: frozenset[str] | None = None
    for part in parts:
        stated = part.get("type")
        if stated is not None:
            names = frozenset([stated] if isinstance(stated, str) else (s for s in _list(stated) if isinstance(s, str)))
            if "number" in names:
                names |= {"integer"}
            kinds = names if kinds is None else kinds & names
    return kinds


def _implied(parts: tuple[Mapping[str, object], ...]) -> Iterator[str]:
    """Types that keywords speak about, where no type is stated. Strings are always possible then."""
    yield "string"
    keywords = {k for p in parts for k in p}
    if keywords & {"properties", "patternProperties", "additionalProperties", "required"}:
        yield "object"
    if keywords & {"items", "prefixItems", "minItems", "maxItems"}:
        yield "array"
    if keywords & {"minimum", "maximum"}:
        yield "number"


def _between(parts: tuple[Mapping[str, object], ...]) -> bool:
    """Whether both ends are chosen. A width (`int64`) is enforced, and yet says nothing of what the service expects."""
    widths = [bound for p in parts for bound in WIDTHS.get(str(p.get("format")), ())]
    keywords = {k for p in parts for k, v in p.items() if not (k in ("minimum", "maximum") and v in widths)}
    return bool(keywords & {"minimum", "exclusiveMinimum"}) and bool(keywords & {"maximum", "exclusiveMaximum"})


def _array(place: _Place, definitions: Mapping[str, Json], found: Openness) -> Iterator[_Place]:
    found.seen.add("arrays")
    if not any("maxItems" in p for p in place.parts):
        found.arrays[place.path] = None
    below = (*place.path, ANY)
    items = [p["items"] for p in place.parts if "items" in p]
    fixed = [s for p in place.parts for s in _list(p.get("prefixItems"))]
    yield from _places(below, items or [{}], place.above, definitions)
    for schema in fixed:
        yield from _places(below, [schema], place.above, definitions)


def _object(place: _Place, definitions: Mapping[str, Json], found: Openness) -> Iterator[_Place]:
    """Members that are named, and members that are not.

    Where a member's name is the caller's choice, or depends on conditions, the whole object may hold free text.
    """
    found.seen.add("objects")
    named: dict[str, list[object]] = {}
    others: list[object] = []
    closed = False
    for part in place.parts:
        properties, patterns = part.get("properties"), part.get("patternProperties")
        for name, schema in (properties if isinstance(properties, dict) else {}).items():
            named.setdefault(name, []).append(schema)
        others.extend(patterns.values() if isinstance(patterns, dict) else ())
        for keyword in ("additionalProperties", "unevaluatedProperties"):
            rest = part.get(keyword)
            closed |= rest is False or isinstance(rest, dict)
            if rest is True or rest == {}:
                found.objects[place.path] = None
            elif isinstance(rest, dict):
                others.append(rest)
    if not named and not others and not closed:
        found.objects[place.path] = None
    if others or not closed or place.path in found.objects or any(_CONDITIONS & p.keys() for p in place.parts):
        found.texts[place.path] = None
    for name, schemas in named.items():
        if False not in schemas:
            yield from _places((*place.path, name), schemas, place.above, definitions)
    for schema in others:
        yield from _places((*place.path, ANY), [schema], place.above, definitions)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
