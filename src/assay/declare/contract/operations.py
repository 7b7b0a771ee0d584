"""Paths and their methods: the same for all three dialects but for what a :class:`Dialect` reads."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from assay.declare.contract import media, paths, pointers
from assay.declare.contract.context import Context, child, children, items
from assay.declare.contract.documents import Resolved, SchemaRef
from assay.declare.contract.model import Body, Operation, Parameter, Response, SecurityScheme
from assay.declare.contract.security import Requirements, read_requirements
from assay.domain import Severity

_STATUS = re.compile(r"[1-5](?:[0-9][0-9]|XX)\Z")
_WORDS = re.compile(r"[A-Za-z0-9]+")
_ITEM_KEYS = frozenset(("summary", "description", "servers", "parameters", "$ref"))


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between OpenAPI 3 and Swagger 2.0."""

    methods: frozenset[str]
    locations: frozenset[str]
    parameter: Callable[[Context, Resolved], Parameter | None]
    bodies: Callable[[Context, Resolved, list[Resolved]], tuple[tuple[Body, ...], bool]]
    responses: Callable[[Context, Resolved, str, Resolved], tuple[Response, ...]]


@dataclass(slots=True)
class Paths:
    """Reads the operations of one contract."""

    context: Context
    dialect: Dialect
    schemes: Mapping[str, SecurityScheme]
    declared_schemes: Mapping[str, object]
    default_security: Requirements
    _parameters: dict[tuple[str, str], Parameter | None] = field(default_factory=dict)

    def read(self, root: Resolved) -> tuple[Operation, ...]:
        """Every operation, in the order of the contract, with unique ids."""
        found: list[tuple[Operation, Resolved]] = []
        declared = self.context.mapping(root, "paths")
        for path, written in children(child(root, "paths"), declared):
            found.extend(self._item(path, written))
        self._ambiguous([o for o, _ in found])
        return self._identified(found)

    def _item(self, path: str, written: Resolved) -> list[tuple[Operation, Resolved]]:
        context = self.context
        if not path.startswith("/"):
            context.error(
                "path-not-absolute", written, f"the path `{path}` does not start with `/`", fix=f"write `/{path}`"
            )
            return []
        if not paths.well_formed(path):
            context.error(
                "malformed-path", written, f"the braces of `{path}` do not fit together", fix="correct the path"
            )
            return []
        if any(sign in path for sign in "?#"):
            context.note(
                "path-with-query",
                written,
                f"`{path}` holds a query or a fragment, which is not part of a path: no request will match it",
                severity=Severity.MEDIUM,
                fix="declare query parameters as parameters",
                group="all",
            )
        item = self._merged(written)
        if item is None:
            return []
        if context.own(item).get("servers"):
            _note_servers(context, item)
        shared = self._listed(item)
        found = []
        for key, node in children(item, context.own(item), skip=lambda key: key in _ITEM_KEYS or key.startswith("x-")):
            if key not in self.dialect.methods:
                context.note(
                    "unknown-method",
                    node,
                    f"`{key[:40]}` is not a method of a path, so it is not served",
                    severity=Severity.MEDIUM,
                    fix="use a method in lower case",
                )
            elif isinstance(node.value, dict):
                found.append((self._operation(path, key, node, shared), node))
            else:
                context.wrong_type(node, "a mapping")
        return found

    def _merged(self, written: Resolved) -> Resolved | None:
        """A path item with its ``$ref`` followed. Members beside the reference win over those it leads to."""
        own = written.value
        if own is None:
            return Resolved(written.file, written.pointer, {})
        end = self.context.object(written)
        if end is None or not isinstance(own, dict) or not isinstance(own.get("$ref"), str):
            return end
        beside = [k for k in own if k in self.dialect.methods or k == "parameters"]
        if beside:
            self.context.error(
                "path-item-beside-reference",
                child(written, beside[0]),
                f"`{beside[0]}` stands beside a `$ref`, and what that means is not defined",
                fix="move it to where the reference leads",
            )
        return end

    def _listed(self, node: Resolved) -> dict[tuple[str, str], Resolved]:
        """The parameter objects of a path item or operation by location and name."""
        found: dict[tuple[str, str], Resolved] = {}
        for written in items(child(node, "parameters"), self.context.sequence(node, "parameters")):
            at = self.context.object(written)
            if at is None:
                continue
            raw = self.context.own(at)
            name, location = raw.get("name"), raw.get("in")
            if not isinstance(name, str) or not name:
                self.context.error("malformed-parameter", at, "the parameter has no `name`", fix="name it")
            elif not isinstance(location, str) or location not in self.dialect.locations:
                self.context.error(
                    "malformed-parameter",
                    at,
                    f"the parameter `{name}` is in `{str(location)[:40]}`",
                    fix=f"`in` is one of {', '.join(sorted(self.dialect.locations))}",
                )
            else:
                key = (location, name.lower() if location == "header" else name)
                if key in found and found[key].value != at.value:
                    self.context.error(
                        "duplicate-parameter",
                        written,
                        f"the {location} parameter `{name}` is declared twice, differently",
                        fix="keep one of the two",
                    )
                found[key] = at
        return found

    def _operation(
        self, path: str, method: str, node: Resolved, shared: Mapping[tuple[str, str], Resolved]
    ) -> Operation:
        context = self.context
        raw = context.own(node)
        listed = {**shared, **self._listed(node)} if raw.get("parameters") is not None else dict(shared)
        outside = [p for p in map(self._parameter, listed.values()) if p is not None]
        parameters = (*outside, *self._undeclared(path, node, outside))
        bodies, required = self.dialect.bodies(context, node, list(listed.values()))
        responses = tuple(self._responses(node))
        self._note_unenforced(node, bodies, responses)
        security = read_requirements(context, node, self.schemes, self.declared_schemes)
        summary, tags, written_id = raw.get("summary"), raw.get("tags"), raw.get("operationId")
        declared = isinstance(written_id, str) and written_id.strip() != ""
        return Operation(
            id=str(written_id) if declared else synthesised_id(method, path),
            declared_id=declared,
            method=method.upper(),
            path=path,
            pointer=context.shown(node),
            summary=summary if isinstance(summary, str) else "",
            deprecated=raw.get("deprecated") is True,
            tags=tuple(t for t in tags if isinstance(t, str)) if isinstance(tags, list) else (),
            parameters=parameters,
            body=bodies,
            body_required=required,
            responses=responses,
            security=self.default_security if security is None else security,
        )

    def _parameter(self, node: Resolved) -> Parameter | None:
        if self.context.own(node).get("in") in ("body", "formData"):
            return None
        key = (node.file, node.pointer)
        if key not in self._parameters:
            self._parameters[key] = self.dialect.parameter(self.context, node)
        return self._parameters[key]

    def _undeclared(self, path: str, node: Resolved, declared: list[Parameter]) -> list[Parameter]:
        """Parameters that only the template names. Anything but a slash passes: the safe reading of saying nothing."""
        named = {p.name for p in declared if p.location == "path"}
        wanted = paths.placeholders(path)
        missing = [n for n in dict.fromkeys(wanted) if n not in named]
        for name in sorted(named.difference(wanted)):
            self.context.note(
                "path-parameter-unused", node, f"the path parameter `{name}` is not in `{path}`", fix="remove it"
            )
        if not missing:
            return []
        ref = SchemaRef(node.file, node.pointer)
        self.context.documents.overlay[(node.file, node.pointer)] = {"type": "string"}
        self.context.note(
            "path-parameter-missing",
            node,
            f"{', '.join(f'`{n}`' for n in missing)} of `{path}` is not declared, so any text without a slash passes",
            severity=Severity.MEDIUM,
            fix="declare it as a parameter with a schema",
        )
        return [Parameter(n, "path", True, "simple", False, ref, self.context.shown(node)) for n in missing]

    def _responses(self, node: Resolved) -> Iterable[Response]:
        declared = self.context.mapping(node, "responses")
        for written, at in children(child(node, "responses"), declared):
            status = written if written == "default" else written.upper()
            if status != "default" and _STATUS.match(status) is None:
                self.context.note(
                    "unknown-status", at, f"`{written[:40]}` is not a status, so no response has it", fix="correct it"
                )
                continue
            yield from self.dialect.responses(self.context, node, status, at)

    def _note_unenforced(self, node: Resolved, bodies: tuple[Body, ...], responses: tuple[Response, ...]) -> None:
        context = self.context
        raw = context.own(node)
        if raw.get("callbacks"):
            context.note(
                "callbacks-ignored", child(node, "callbacks"), "callbacks do not pass the gateway", group="all"
            )
        if raw.get("servers"):
            _note_servers(context, node)
        for body in bodies:
            why = media.unvalidated(body.media_type) if body.schema is not None else None
            if why:
                context.note(
                    "body-not-validated",
                    context.at(body.pointer),
                    why,
                    severity=Severity.MEDIUM,
                    group=f"request {why}",
                )
        for response in responses:
            why = media.unvalidated(response.media_type or "") if response.schema is not None else None
            if why:
                context.note(
                    "response-not-validated",
                    context.at(response.pointer),
                    f"in responses, {why}",
                    group=f"response {why}",
                )

    def _ambiguous(self, operations: list[Operation]) -> None:
        """Templates that differ only in parameter names: an error where they answer the same method."""
        methods: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            methods.setdefault(operation.path, {})[operation.method] = operation
        for same in paths.ambiguous(methods):
            for index, later in enumerate(same[1:], start=1):
                clash = [m for earlier in same[:index] for m in methods[earlier] if m in methods[later]]
                at = Resolved(self.context.documents.root, pointers.join("#/paths", later), None)
                sentence = f"`{same[0]}` and `{later}` differ only in the names of their parameters"
                if clash:
                    self.context.error(
                        "ambiguous-path", at, f"{sentence}, and both have {clash[0]}", fix="keep one of the two"
                    )
                else:
                    self.context.note("ambiguous-path", at, sentence, fix="use the same names, or one path item")

    def _identified(self, found: list[tuple[Operation, Resolved]]) -> tuple[Operation, ...]:
        first: dict[str, Operation] = {}
        for operation, node in found:
            if not operation.declared_id:
                self.context.note(
                    "operation-without-id",
                    node,
                    f"an operation has no `operationId`; it is called `{operation.id}` or the like",
                    fix="give it one, so that its name survives a change of path",
                    group="all",
                )
                continue
            earlier = first.setdefault(operation.id, operation)
            if earlier is not operation:
                self.context.error(
                    "duplicate-operation",
                    child(node, "operationId"),
                    f"`{operation.id}` is the id of {earlier.method} {earlier.path} already",
                    fix="give each operation its own `operationId`",
                )
        taken = dict.fromkeys(first)
        out: list[Operation] = []
        for operation, _ in found:
            if not operation.declared_id and operation.id in taken:
                digest = hashlib.sha256(f"{operation.method} {operation.path}".encode()).hexdigest()[:8]
                operation = _renamed(operation, f"{operation.id}-{digest}")
            taken[operation.id] = None
            out.append(operation)
        return tuple(out)


def synthesised_id(method: str, path: str) -> str:
    """An id for an operation without one: ``getUsersById`` for GET /users/{id}. It depends on nothing else."""
    words = [method.lower()]
    for piece in re.split(r"(\{[^{}]*\})", path):
        prefix = "By" if piece.startswith("{") else ""
        words.extend(prefix + w[:1].upper() + w[1:] for w in _WORDS.findall(piece))
    return "".join(words) if len(words) > 1 else f"{method.lower()}Root"


def _renamed(operation: Operation, name: str) -> Operation:
    values = {slot: getattr(operation, slot) for slot in Operation.__dataclass_fields__}
    return Operation(**{**values, "id": name})


def _note_servers(context: Context, node: Resolved) -> None:
    context.note(
        "operation-servers-ignored",
        child(node, "servers"),
        "servers of a path or an operation are not used: everything goes to the API's upstream",
        severity=Severity.MEDIUM,
        group="all",
    )
