"""References that lead nowhere, and whether anything that is enforced depends on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.declare.contract import pointers
from assay.declare.contract.documents import Documents, Resolved
from assay.declare.contract.loading import Refusal
from assay.declare.contract.problems import Problem
from assay.declare.contract.vocabulary import words
from assay.domain import Severity

_NAMES = words(
    "properties patternProperties definitions $defs dependentSchemas dependencies schemas responses parameters "
    "requestBodies headers securitySchemes securityDefinitions pathItems paths callbacks webhooks links "
    "content encoding"
)
"""Keys whose members are named by the author, so that a member ``default`` is a name there and not a keyword."""

_DATA = frozenset(("example", "examples", "default", "enum", "const", "links", "callbacks"))
"""Keys below which nothing is enforced: data, and what is said to be ignored."""


def check(documents: Documents, refused: Mapping[str, Refusal]) -> tuple[list[Problem], list[Problem]]:
    """References that cannot be followed: those that an operation depends on, and the harmless others.

    The common case, in which every reference leads somewhere, looks only at the distinct references of each document.
    """
    if all(_sound(documents, name, ref) for name, doc in documents.parsed().items() for ref in doc.references):
        return [], []
    needed = [
        _problem(documents, refused, at, reference)
        for at, reference in _reachable(documents)
        if _leads_nowhere(documents, at, reference)
    ]
    seen = {(p.file, p.pointer) for p in needed}
    others = [
        _problem(documents, refused, Resolved(name, pointer, None), reference)
        for name, doc in documents.parsed().items()
        for pointer, reference in _references("#", doc.value, {})
        if (name, pointer) not in seen and _leads_nowhere(documents, Resolved(name, pointer, None), reference)
    ]
    return needed, others


def _sound(documents: Documents, name: str, reference: str) -> bool:
    found = documents.follow(name, "#", reference)
    return found is not None and documents.end(found) is not None


def _leads_nowhere(documents: Documents, at: Resolved, reference: str) -> bool:
    found = documents.follow(at.file, at.pointer, reference)
    return found is None or documents.end(found) is None


def _reachable(documents: Documents) -> Iterator[tuple[Resolved, str]]:
    """Every reference that an operation depends on, with where it is written."""
    start = documents.find(documents.root, "#/paths")
    waiting = [start] if start else []
    done: dict[tuple[str, str], None] = {}
    walked: dict[int, object] = {}
    while waiting:
        place = waiting.pop()
        if (place.file, place.pointer) in done:
            continue
        done[(place.file, place.pointer)] = None
        kind = "paths" if place.pointer == "#/paths" else ""
        for pointer, reference in _references(place.pointer, place.value, walked, kind):
            yield Resolved(place.file, pointer, None), reference
            found = documents.follow(place.file, pointer, reference)
            if found is not None:
                waiting.append(found)


def _references(pointer: str, root: object, walked: dict[int, object], key: str = "") -> Iterator[tuple[str, str]]:
    """Pointers of the mappings that are references, below and including ``root``, leaving data out.

    ``walked`` remembers mappings by identity across calls, so that overlapping calls cost nothing.
    """
    stack: list[tuple[str, object, bool]] = [(pointer, root, key in _NAMES)]
    while stack:
        here, value, named = stack.pop()
        if isinstance(value, list):
            stack.extend((pointers.join(here, str(i)), item, False) for i, item in enumerate(value))
        elif isinstance(value, dict):
            if id(value) in walked:
                continue
            walked[id(value)] = value
            if not named and isinstance(value.get("$ref"), str):
                yield here, value["$ref"]
            for name, below in value.items():
                if not isinstance(below, dict | list):
                    continue
                if not named and (name in _DATA or name.startswith("x-")):
                    continue
                stack.append((pointers.join(here, name), below, not named and name in _NAMES))


def _problem(documents: Documents, refused: Mapping[str, Refusal], at: Resolved, reference: str) -> Problem:
    file, _ = pointers.split_reference(reference)
    name = pointers.sibling(at.file, file) if file else at.file
    check, sentence, fix = "dangling-reference", f"`{reference}` leads to nothing", "correct the reference"
    if file and pointers.is_remote(file):
        check = "remote-reference"
        sentence = f"`{reference}` is on another host, and contracts are read without the network"
        fix = "save the document beside the contract and refer to it by a relative path"
    elif name in refused:
        refusal = refused[name]
        check = refusal.check if refusal.check != "contract-unreadable" else "dangling-reference"
        where = f" (line {refusal.line}, column {refusal.column})" if refusal.line > 1 or refusal.column > 1 else ""
        sentence, fix = f"`{reference}` cannot be followed: {refusal.sentence}{where}", refusal.fix
    else:
        found = documents.follow(at.file, at.pointer, reference)
        if found is not None:
            check, sentence = "circular-reference", f"`{reference}` leads only to further references, in a circle"
            fix = "let one of them be a definition"
    return Problem(check, at.file, at.pointer, sentence, Severity.HIGH, fix)
