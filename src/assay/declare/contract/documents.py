"""The documents of one contract, and the way from one to another along ``$ref``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar, cast

from assay.declare.contract import pointers
from assay.declare.contract.json_places import JsonPlaces
from assay.declare.contract.parsing import Parsed
from assay.declare.contract.yaml_places import YamlPlaces
from assay.domain import DeclarationError, Fix, Location, Outcome, Severity, Verdict

HOPS = 100
"""How many references may follow each other before the chain counts as a circle."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SchemaRef:
    """Where a schema is written. ``pointer`` starts with ``#``."""

    file: str
    pointer: str

    def __str__(self) -> str:
        return self.file + self.pointer


class Resolved(NamedTuple):
    """A value and where it is written, after following references."""

    file: str
    pointer: str
    value: object

    @property
    def ref(self) -> SchemaRef:
        return SchemaRef(self.file, self.pointer)


@dataclass(slots=True)
class _Identities:
    """Names that schemas give themselves (JSON Schema 2020-12 § 8.2): by URI, and by file and anchor."""

    ids: dict[str, tuple[str, str]] = field(default_factory=dict)
    anchors: dict[tuple[str, str], str] = field(default_factory=dict)


class Documents:
    """The parsed documents of one contract. Values are shared, so nobody may change them.

    ``overlay`` holds schemas that OpenAPI spells out in another form (Swagger's form parameters): a schema at a
    pointer there stands before whatever the document has at that pointer.
    """

    __slots__ = ("_cache", "_once", "_parsed", "_places", "overlay", "root", "siblings_apply")

    def __init__(self, root: str) -> None:
        self.root = root
        self.siblings_apply = False
        self.overlay: dict[tuple[str, str], object] = {}
        self._parsed: dict[str, Parsed] = {}
        self._places: dict[str, JsonPlaces | YamlPlaces] = {}
        self._cache: dict[tuple[str, str], Resolved | None] = {}
        self._once: dict[object, object] = {}

    def add(self, name: str, parsed: Parsed) -> None:
        """Add a document under the name that locations show."""
        self._parsed[name] = parsed

    def __contains__(self, name: object) -> bool:
        return name in self._parsed

    def parsed(self) -> Mapping[str, Parsed]:
        """Every document by name."""
        return self._parsed

    def once(self, key: object, compute: Callable[[], T]) -> T:
        """What ``compute`` gives, computed the first time only."""
        if key not in self._once:
            self._once[key] = compute()
        return cast(T, self._once[key])

    def locate(self, file: str, pointer: str) -> Location:
        """Where a pointer's key (or list item) is written, or the nearest thing around it. Never raises."""
        parsed = self._parsed.get(file)
        if parsed is None:
            return Location(file)
        if file not in self._places:
            self._places[file] = JsonPlaces(parsed.text) if parsed.is_json else YamlPlaces(parsed.text)
        line, column = self._places[file].find(pointers.steps(pointer))
        return Location(file, line, column)

    def find(self, file: str, pointer: str) -> Resolved | None:
        """The value at a pointer (references are followed on the way, not at its end), or None."""
        key = (file, pointer)
        if key not in self._cache:
            self._cache[key] = self._find(file, pointer, HOPS)
        return self._cache[key]

    def follow(self, file: str, pointer: str, reference: str) -> Resolved | None:
        """What a reference written at a pointer leads to, one step, or None if it leads nowhere."""
        return self._follow(file, pointer, reference, HOPS)

    def end(self, start: Resolved) -> Resolved | None:
        """The end of a chain of references that starts at a value; None if it breaks off or goes round in a circle."""
        current: Resolved | None = start
        for _ in range(HOPS):
            if current is None or not isinstance(current.value, dict):
                return current
            reference = current.value.get("$ref")
            if not isinstance(reference, str):
                return current
            current = self.follow(current.file, current.pointer, reference)
        return None

    def resolve(self, file: str, pointer: str) -> Resolved:
        """The value at a pointer after following ``$ref`` chains.

        Raises:
            DeclarationError: there is no such value (``dangling-reference``).
        """
        start = self.find(file, pointer)
        found = self.end(start) if start else None
        if found is None:
            raise self.error("dangling-reference", file, pointer, f"`{file}{pointer}` leads to nothing")
        return found

    def schema(self, ref: SchemaRef) -> object:
        """The schema written at ``ref``, which may itself be a reference; None if nothing is."""
        key = (ref.file, ref.pointer)
        if key in self.overlay:
            return self.overlay[key]
        found = self.find(*key)
        return found.value if found else None

    def next_schema(self, at: SchemaRef, reference: str) -> SchemaRef | None:
        """Where a schema's reference leads, or None."""
        file, fragment = pointers.split_reference(reference)
        named = (pointers.sibling(at.file, file) if file else at.file, "#" + fragment)
        if named in self.overlay:
            return SchemaRef(*named)
        found = self.follow(at.file, at.pointer, reference)
        return found.ref if found else None

    def error(self, check: str, file: str, pointer: str, sentence: str, *, fix: str = "") -> DeclarationError:
        """A single problem at a pointer, as an error."""
        return DeclarationError(
            [
                Verdict(
                    control="contract",
                    check=check,
                    subject=f"{file}{pointer}",
                    outcome=Outcome.FAIL,
                    sentence=sentence,
                    severity=Severity.HIGH,
                    location=self.locate(file, pointer),
                    fix=Fix(fix) if fix else None,
                )
            ]
        )

    def _follow(self, file: str, pointer: str, reference: str, hops: int) -> Resolved | None:
        other, fragment = pointers.split_reference(reference)
        base = "#"
        if other:
            named = pointers.sibling(file, other)
            if not pointers.is_remote(other) and named in self._parsed:
                file = named
            elif other in self._identities().ids:
                file, base = self._identities().ids[other]
            else:
                return None
        if fragment and not fragment.startswith("/"):
            anchor = self._identities().anchors.get((file, fragment))
            return self._find(file, anchor, hops) if anchor is not None else None
        found = self._cached(file, base + fragment, hops)
        if found is None and not other:
            for near, inside in sorted(self._identities().ids.values(), key=lambda i: len(i[1]), reverse=True):
                if near == file and (pointer + "/").startswith(inside + "/"):
                    return self._find(file, inside + fragment, hops)
        return found

    def _cached(self, file: str, pointer: str, hops: int) -> Resolved | None:
        if hops == HOPS:
            return self.find(file, pointer)
        return self._find(file, pointer, hops)

    def _find(self, file: str, pointer: str, hops: int) -> Resolved | None:
        parsed = self._parsed.get(file)
        if parsed is None:
            return None
        value = parsed.value
        here = "#"
        for step in pointers.steps(pointer):
            while True:
                below = _member(value, step)
                if below is not None:
                    break
                if hops <= 0 or not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
                    return None
                hops -= 1
                jump = self._follow(file, here, value["$ref"], hops)
                if jump is None:
                    return None
                file, here, value = jump
            here = pointers.join(here, step)
            value = below[0]
        return Resolved(file, here, value)

    def _identities(self) -> _Identities:
        """Looked for only when a reference is not a plain pointer: most contracts never need them."""
        return self.once("identities", self._find_identities)

    def _find_identities(self) -> _Identities:
        found = _Identities()
        for name, parsed in self._parsed.items():
            if not any(word in parsed.text for word in ("$id", "$anchor", "$dynamicAnchor")):
                continue
            for pointer, container in mappings(parsed.value):
                identity = container.get("$id")
                if isinstance(identity, str) and identity.rstrip("#"):
                    found.ids.setdefault(identity.rstrip("#"), (name, pointer))
                for word in ("$anchor", "$dynamicAnchor"):
                    anchor = container.get(word)
                    if isinstance(anchor, str):
                        found.anchors.setdefault((name, anchor), pointer)
        return found


def mappings(root: object) -> Iterator[tuple[str, dict[str, object]]]:
    """Every mapping of a document with its pointer, in document order."""
    stack: list[tuple[str, object]] = [("#", root)]
    while stack:
        pointer, value = stack.pop()
        if isinstance(value, dict):
            yield pointer, value
            items: list[tuple[str, object]] = list(value.items())
        elif isinstance(value, list):
            items = [(str(i), item) for i, item in enumerate(value)]
        else:
            continue
        stack.extend((pointers.join(pointer, k), v) for k, v in reversed(items) if isinstance(v, dict | list))


def _member(value: object, step: str) -> tuple[object] | None:
    if isinstance(value, dict):
        return (value[step],) if step in value else None
    if isinstance(value, list) and step.isascii() and step.isdigit() and len(step) < 10 and int(step) < len(value):
        return (value[int(step)],)
    return None
