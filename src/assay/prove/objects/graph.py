"""Which operations give the identifiers that others need: a producer/consumer graph over one contract. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from assay.declare.contract import Contract, Operation, Parameter, SchemaRef, compositions, placeholders
from assay.declare.contract.documents import HOPS
from assay.declare.contract.fields import walk
from assay.domain import AssayError
from assay.prove.objects.naming import bare, identifies, looks_like_id, same, words

Steps = tuple[str, ...]
"""Names from the top of a JSON body; ``*`` stands for each item of a list."""
_PLACE = re.compile(r"\{[^{}/]*\}")
_WRAPPED = 3
"""How deep below the top of an answer an identifier is looked for, lists not counted."""
_MOST_FIELDS = 3000


class How(IntEnum):
    """Ways to have an identifier, the best first."""

    LINKED = 0
    CREATED = 1
    CHOSEN = 2
    CREATED_ELSEWHERE = 3
    LISTED = 4
    LISTED_ELSEWHERE = 5


@dataclass(frozen=True, slots=True)
class Source:
    """One way to have a value for a parameter.

    Attributes:
        operation: whose answer (or, for ``CHOSEN``, whose request) it is.
        at: where in the answer's body; empty: in the ``Location`` header, or chosen by the caller.
        score: how sure it is that this is the right property, 0 is best.
    """

    how: How
    operation: str
    at: Steps = ()
    score: int = 0

    @property
    def cost(self) -> tuple[int, int, int]:
        """Orders sources: the way, how sure, how deep."""
        return (self.how, self.score, len(self.at))


@dataclass(frozen=True, slots=True)
class Reference:
    """A query parameter or body property that must be the identifier of a real thing."""

    location: str
    at: Steps
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Graph:
    """The sources of every identifier of a contract.

    Attributes:
        parameters: by operation and path parameter, best first; empty: nothing in the contract gives it.
        references: by operation, required query parameters and body properties that identify other things.
        operations: by id.
    """

    parameters: Mapping[tuple[str, str], tuple[Source, ...]]
    references: Mapping[str, tuple[Reference, ...]]
    operations: Mapping[str, Operation]

    def order(self, operation: str) -> tuple[str, ...]:
        """Operations to call, in order, before ``operation`` can be: for each parameter its best source's needs.

        Circles are cut where they close.
        """
        found: dict[str, None] = {}
        self._visit(operation, frozenset(), found)
        found.pop(operation, None)
        return tuple(found)

    def _visit(self, operation: str, above: frozenset[str], found: dict[str, None]) -> None:
        if operation in above or operation in found:
            return
        known = self.operations[operation]
        for name in placeholders(known.path):
            for source in self.parameters[operation, name]:
                if source.operation not in above and source.operation != operation:
                    self._visit(source.operation, above | {operation}, found)
                    break
        found[operation] = None


def template(path: str) -> str:
    """A path in which all parameters have the same name, so that templates can be compared."""
    return _PLACE.sub("{}", path.rstrip("/")) or "/"


def prefix(path: str, parameter: str) -> str:
    """The path up to and with the segment that holds ``parameter``."""
    kept: list[str] = []
    for segment in path.split("/"):
        kept.append(segment)
        if f"{{{parameter}}}" in segment:
            break
    return "/".join(kept)


def collection(path: str, parameter: str) -> tuple[str, str]:
    """The path of the collection a parameter chooses from, and its last fixed name: ``/customers``, ``customers``."""
    whole = prefix(path, parameter).rpartition("/")[0]
    fixed = [s for s in whole.split("/") if s and "{" not in s]
    return whole, fixed[-1] if fixed else ""


def build(contract: Contract) -> Graph:
    """The graph of a contract. Every operation is looked at for every parameter; schemas are read once."""
    builder = _Builder(contract)
    operations = {o.id: o for o in contract.operations}
    parameters: dict[tuple[str, str], tuple[Source, ...]] = {}
    known: dict[tuple[str, str], tuple[Source, ...]] = {}
    for operation in contract.operations:
        for name in placeholders(operation.path):
            place = (prefix(operation.path, name), name)
            if place not in known:
                known[place] = builder.sources(operation, name)
            parameters[operation.id, name] = tuple(s for s in known[place] if s.operation != operation.id)
    references = {o.id: tuple(builder.references(o)) for o in contract.operations}
    return Graph(parameters, references, operations)


@dataclass(frozen=True, slots=True)
class _Field:
    at: Steps
    name: str
    target: str


class _Builder:
    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._by_template: dict[str, list[Operation]] = {}
        for operation in contract.operations:
            self._by_template.setdefault(template(operation.path), []).append(operation)
        self._answers: dict[SchemaRef, tuple[_Field, ...]] = {}
        self._giving: dict[str, list[tuple[Operation, _Field]]] | None = None
        self._linked: dict[str, list[tuple[Operation, Steps, str]]] | None = None

    def sources(self, operation: Operation, name: str) -> tuple[Source, ...]:
        """Every way to have the path parameter ``name``, best first."""
        whole, kind = collection(operation.path, name)
        found: list[Source] = [
            Source(How.LINKED, giver.id, at)
            for giver, at, parameter in self._links().get(operation.id, ())
            if same(parameter, name)
        ]
        for other in self._by_template.get(template(whole), ()):
            if other.method == "POST":
                found.extend(self._creating(other, name, kind))
            elif other.method == "GET":
                found.extend(self._listing(other, name, kind))
        for other in self._by_template.get(template(prefix(operation.path, name)), ()):
            if other.method == "PUT":
                found.append(Source(How.CHOSEN, other.id))
        mark = self._mark(self._parameter(operation, name))
        found.extend(self._elsewhere(name, kind, mark, {s.operation for s in found}))
        return tuple(sorted(found, key=lambda s: (*s.cost, s.operation)))

    def references(self, operation: Operation) -> Iterator[Reference]:
        """Required inputs outside the path that name another thing, and that something gives."""
        inside = set(placeholders(operation.path))
        for parameter in operation.parameters:
            if parameter.location == "query" and parameter.required and looks_like_id(parameter.name):
                sources = self._elsewhere(parameter.name, "", self._mark(parameter), {operation.id})
                yield Reference("query", (parameter.name,), tuple(sorted(sources, key=lambda s: s.cost)))
        body = next((b for b in operation.body if b.schema is not None), None)
        if body is None or body.schema is None:
            return
        for field in self._fields(body.schema, "request", required=True):
            if looks_like_id(field.name) and not any(same(field.name, n) for n in inside):
                sources = self._elsewhere(field.name, "", field.target, {operation.id})
                if sources:
                    yield Reference("body", field.at, tuple(sorted(sources, key=lambda s: s.cost)))

    def _creating(self, operation: Operation, name: str, kind: str) -> list[Source]:
        fields = [
            (score, field)
            for field in self._answer(operation)
            if "*" not in field.at[:-1] and (score := identifies(field.name, name, kind)) is not None
        ]
        found = [Source(How.CREATED, operation.id, field.at, score) for score, field in fields]
        # Without any property to go by, a created thing's Location still names it (RFC 9110 section 10.2.2).
        return found or [Source(How.CREATED, operation.id, (), 4)]

    def _listing(self, operation: Operation, name: str, kind: str) -> list[Source]:
        found = [
            Source(How.LISTED, operation.id, field.at, score)
            for field in self._answer(operation)
            if (score := identifies(field.name, name, kind)) is not None
        ]
        listed = [s for s in found if "*" in s.at]
        return listed or found or [Source(How.LISTED, operation.id, (), 5)]

    def _elsewhere(self, name: str, kind: str, mark: str, seen: set[str]) -> list[Source]:
        """Operations on other paths whose answers hold the same name, or a value of the same schema."""
        found: dict[str, Source] = {}
        keys = [] if bare(name) else ["".join(words(name))]
        keys += [mark] if mark else []
        for key in keys:
            for operation, field in self._given().get(key, ()):
                if operation.id in seen or operation.method not in ("GET", "POST"):
                    continue
                if any(same(name, needed) for needed in placeholders(operation.path)):
                    continue  # it asks for what it would give
                if operation.method == "POST" and not self._brings(operation, field):
                    continue
                how = How.CREATED_ELSEWHERE if operation.method == "POST" else How.LISTED_ELSEWHERE
                source = Source(how, operation.id, field.at, 0 if key != mark else 1)
                if operation.id not in found or source.cost < found[operation.id].cost:
                    found[operation.id] = source
        # `/orders?customerId=`: a thing's own collection gives it too, as `id`.
        found |= self._own(name, kind, seen, found)
        return list(found.values())

    def _brings(self, operation: Operation, field: _Field) -> bool:
        """Whether a POST makes the thing that the field names: not one that acts on something, searches, or echoes."""
        if "{" in operation.path or "*" in field.at:
            return False
        bodies = (b.schema for b in operation.body if b.schema is not None)
        return not any(same(f.name, field.name) for ref in bodies for f in self._fields(ref, "request"))

    def _own(self, name: str, kind: str, seen: set[str], found: Mapping[str, Source]) -> dict[str, Source]:
        wanted = words(name)
        more: dict[str, Source] = {}
        if kind or len(wanted) < 2:
            return more
        for path, operations in self._by_template.items():
            last = path.rpartition("/")[2]
            if "{" in path or identifies("id", name, last) != 1:
                continue
            for operation in operations:
                if operation.id in seen or operation.id in found or operation.method not in ("GET", "POST"):
                    continue
                chosen = self._creating if operation.method == "POST" else self._listing
                best = min(chosen(operation, name, last), key=lambda s: s.cost)
                more[operation.id] = best
        return more

    def _given(self) -> dict[str, list[tuple[Operation, _Field]]]:
        """Fields of all answers, by flat name and by the named schema of their values."""
        if self._giving is None:
            self._giving = {}
            for operation in self._contract.operations:
                if operation.method not in ("GET", "POST"):
                    continue
                for field in self._answer(operation):
                    self._giving.setdefault("".join(words(field.name)), []).append((operation, field))
                    if field.target:
                        self._giving.setdefault(field.target, []).append((operation, field))
        return self._giving

    def _links(self) -> dict[str, list[tuple[Operation, Steps, str]]]:
        """OpenAPI links (3.1 § 4.8.20) by the operation they lead to: who gives, where, for which parameter."""
        if self._linked is None:
            self._linked = {}
            for operation in self._contract.operations:
                for link in self._raw_links(operation):
                    target, parameters = link.get("operationId"), link.get("parameters")
                    for name, expression in (parameters if isinstance(parameters, dict) else {}).items():
                        at = _body_steps(expression)
                        if isinstance(target, str) and at and isinstance(name, str):
                            entry = (operation, at, name.rpartition(".")[2])
                            self._linked.setdefault(target, []).append(entry)
        return self._linked

    def _raw_links(self, operation: Operation) -> Iterator[Mapping[str, Any]]:
        if self._contract.version.startswith("2"):
            return
        for pointer in dict.fromkeys(r.pointer for r in operation.responses if r.status.startswith("2")):
            base = pointer.partition("/content")[0]
            try:
                raw = self._contract.resolve(base)
                links = raw.get("links") if isinstance(raw, dict) else None
                for name in links if isinstance(links, dict) else ():
                    link = self._contract.resolve(f"{base}/links/{str(name).replace('~', '~0').replace('/', '~1')}")
                    if isinstance(link, dict):
                        yield link
            except AssayError:
                continue

    def _answer(self, operation: Operation) -> tuple[_Field, ...]:
        """Properties of an operation's success answers that may be identifiers."""
        found: dict[Steps, _Field] = {}
        for response in operation.responses:
            if response.schema is not None and response.status[:1] == "2":
                for field in self._fields(response.schema, "response"):
                    found.setdefault(field.at, field)
        return tuple(found.values())

    def _fields(self, ref: SchemaRef, direction: Any, *, required: bool = False) -> tuple[_Field, ...]:
        key = SchemaRef(ref.file, f"{direction}{required}{ref.pointer}")
        if key not in self._answers:
            try:
                listed = walk(self._contract.documents, ref, direction=direction, longest=_MOST_FIELDS)
            except AssayError:
                listed = ()
            self._answers[key] = tuple(
                _Field(f.path, f.name, self._identity(f.schema))
                for f in listed
                if sum(step != "*" for step in f.path) <= _WRAPPED and f.name != "*" and (f.required or not required)
            )
        return self._answers[key]

    def _identity(self, schema: Mapping[str, object]) -> str:
        """The named schema of a property's values, where it is one of its own that looks like an identifier's."""
        return self._named().get(id(schema), "")

    def _named(self) -> dict[int, str]:
        return self._contract.documents.once("identifier schemas", self._read_named)

    def _read_named(self) -> dict[int, str]:
        documents, found = self._contract.documents, {}
        for file in documents.parsed():
            for container in ("#/components/schemas", "#/definitions"):
                place = documents.find(file, container)
                schemas = place.value if place is not None and isinstance(place.value, dict) else {}
                for name, schema in schemas.items():
                    kind = schema.get("type") if isinstance(schema, dict) else None
                    if kind in ("string", "integer") and "enum" not in schema and looks_like_id(str(name)):
                        found[id(schema)] = f"#{file}{container}/{name}"
        return found

    def _mark(self, parameter: Parameter | None) -> str:
        """The named schema of a parameter's values."""
        if parameter is None:
            return ""
        documents, at = self._contract.documents, parameter.schema
        for _ in range(HOPS):
            raw = documents.schema(at)
            if not isinstance(raw, dict):
                return ""
            if id(raw) in self._named():
                return self._named()[id(raw)]
            refers = compositions.reference(raw)
            following = documents.next_schema(at, refers) if refers else None
            if following is None:
                return ""
            at = following
        return ""

    @staticmethod
    def _parameter(operation: Operation, name: str) -> Parameter | None:
        return next((p for p in operation.parameters if p.location == "path" and p.name == name), None)


def _body_steps(expression: object) -> Steps:
    """The steps of a runtime expression into a response's body, such as ``$response.body#/items/0/id``."""
    if not isinstance(expression, str):
        return ()
    head, mark, pointer = expression.strip("{}").partition("#/")
    if head != "$response.body" or not mark:
        return ()
    steps = [s.replace("~1", "/").replace("~0", "~") for s in pointer.split("/")]
    return tuple("*" if s.isdecimal() else s for s in steps)
