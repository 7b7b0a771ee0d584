"""Where values can stand in a body: every property a contract names, and every place where it names nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assay.declare.contract import Contract, Direction, SchemaRef, compositions, pointers
from assay.declare.contract.compositions import below, parts
from assay.declare.contract.documents import HOPS, Documents

Path = tuple[str, ...]
"""Names from the top of a body; ``*`` stands for any array item or any name in a mapping."""
ANY = "*"
LEVELS = 3
"""How many times a schema that contains itself is unfolded."""
MOST = 5_000
"""How many properties are unfolded; beyond, recursion is cut where it is met."""
FREE_DEPTH = 16
"""How deep a value may nest where a contract says nothing about it."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property and the object it belongs to.

    Attributes:
        place: the pointer of its schema, as :class:`~assay.declare.contract.SchemaRef`.
        owners: pointers of every schema through which it is part of its object.
        cut: the schema contains itself and was not unfolded further here.
    """

    path: Path
    place: SchemaRef
    owners: tuple[str, ...]
    cut: bool


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
    end = target(contract.documents, ref)
    return contract.documents.once(("properties", end, direction), lambda: _unfolded(contract, end, direction))


def _unfolded(contract: Contract, ref: SchemaRef, direction: Direction) -> tuple[Property, ...]:
    found: dict[Path, Property] = {}
    waiting: list[tuple[Path, SchemaRef, int]] = [((), ref, 0)]
    while waiting:
        prefix, at, level = waiting.pop(0)
        for item in _walk(contract, at, direction):
            path = prefix + item.path
            unfold = item.cut and level < LEVELS and len(found) < MOST
            if unfold:
                waiting.append((path, item.place, level + 1))
            if path not in found or not item.cut:
                found[path] = Property(path, item.place, item.owners, item.cut and not unfold)
    return tuple(found.values())


def _walk(contract: Contract, ref: SchemaRef, direction: Direction) -> tuple[Property, ...]:
    end = target(contract.documents, ref)
    return contract.documents.once(
        ("walk", end, direction),
        lambda: tuple(
            Property(f.path, _place(contract, f.owner, f.name), f.owners, f.recursive)
            for f in contract.fields(end, direction=direction)
        ),
    )


def _place(contract: Contract, owner: str, name: str) -> SchemaRef:
    file, _, fragment = owner.partition("#")
    return SchemaRef(file or contract.documents.root, pointers.join("#" + fragment, "properties", name))


def known(contract: Contract, ref: SchemaRef, direction: Direction) -> tuple[Path, ...] | None:
    """Every path at which a value of the schema at ``ref`` may hold something; None when it may hold anything.

    Where the contract says nothing about a part of the value, paths of stars stand for whatever is there, as deep as
    :data:`FREE_DEPTH`.
    """
    end = target(contract.documents, ref)

    def compute() -> tuple[Path, ...] | None:
        documents = contract.documents
        top = list(_unnamed(documents, end))
        if () in top:
            return None
        found: dict[Path, None] = {}
        for prefix, at in ((), end), *((p.path, p.place) for p in properties(contract, end, direction)):
            found[prefix] = None
            for place in _unnamed(documents, at):
                stars = FREE_DEPTH if place[-1:] != (ANY,) else FREE_DEPTH - 1
                free = place == () or place[-1] == _FREE
                base = prefix + (place[:-1] if free and place else place)
                found[base] = None
                if free:
                    found.update((base + (ANY,) * n, None) for n in range(1, stars + 1))
        found.pop((), None)
        return tuple(found)

    return documents_once(contract, ("known", end, direction), compute)


def documents_once[T](contract: Contract, key: object, compute: object) -> T:
    raise AssertionError
