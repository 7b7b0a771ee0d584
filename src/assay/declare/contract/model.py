"""The one shape that OpenAPI 3.0, OpenAPI 3.1 and Swagger 2.0 contracts are read into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from assay.declare.contract import fields as _fields
from assay.declare.contract import schemas as _schemas
from assay.declare.contract.documents import Documents, SchemaRef
from assay.declare.contract.fields import FieldPath
from assay.declare.contract.problems import Problem, as_verdicts
from assay.domain import Location, Verdict

Direction = Literal["request", "response"]
ParameterLocation = Literal["path", "query", "header", "cookie"]
Style = Literal["form", "simple", "label", "matrix", "spaceDelimited", "pipeDelimited", "deepObject", "tabDelimited"]
"""OpenAPI's styles, and ``tabDelimited`` for Swagger's ``tsv``, which OpenAPI 3 dropped."""
SchemeKind = Literal["oauth2", "openIdConnect", "http-bearer", "http-basic", "http-other", "apiKey", "mutualTLS"]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One scheme that must be satisfied, with the scopes (or, from 3.1, roles) it must carry."""

    scheme: str
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """A way of proving who calls. ``location`` and ``parameter_name`` are those of an API key."""

    name: str
    kind: SchemeKind
    pointer: str
    location: Literal["header", "query", "cookie"] | None = None
    parameter_name: str | None = None
    scopes: Mapping[str, str] = field(default_factory=dict)
    open_id_connect_url: str | None = None
    token_url: str | None = None
    bearer_format: str | None = None

    @property
    def provable(self) -> bool:
        """Whether a gateway can check such a credential by itself: not a password that only the service knows, not an
        HTTP scheme of its own, and not a key where URLs and browsers leak it (in the query or a cookie)."""
        if self.kind == "apiKey":
            return self.location == "header" and bool(self.parameter_name)
        return self.kind not in ("http-basic", "http-other")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter outside the body. ``media_type`` is set when its value is itself a document (``content``)."""

    name: str
    location: ParameterLocation
    required: bool
    style: Style
    explode: bool
    schema: SchemaRef
    pointer: str
    allow_reserved: bool = False
    allow_empty: bool = False
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A request body in one media type (lower case). ``encoding`` is OpenAPI's, by property of a form."""

    media_type: str
    schema: SchemaRef | None
    pointer: str
    encoding: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """A response with one status (``200``, ``4XX``, ``default``) in one media type; None: no body is declared."""

    status: str
    media_type: str | None
    schema: SchemaRef | None
    headers: tuple[str, ...]
    pointer: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path.

    Attributes:
        id: the contract's ``operationId``, or one made from method and path; unique within the contract.
        declared_id: whether the contract itself gave that id.
        path: the template, without the base path.
        security: OR of ANDs. An empty inner tuple allows anonymous calls; an empty outer one means that the contract
            says nothing about security.
    """

    id: str
    declared_id: bool
    method: str
    path: str
    pointer: str
    summary: str = ""
    deprecated: bool = False
    tags: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: tuple[Body, ...] = ()
    body_required: bool = False
    responses: tuple[Response, ...] = ()
    security: tuple[tuple[Requirement, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract, read completely: nothing it answers later touches the disk or the network.

    Attributes:
        file: how the contract is named to people.
        version: ``2.0``, ``3.0.x`` or ``3.1.x``.
        base_path: path of the first server (or ``basePath``), without a trailing slash; empty if there is none.
        servers: URLs, with variables replaced by their defaults.
    """

    file: str
    version: str
    title: str
    base_path: str
    servers: tuple[str, ...]
    operations: tuple[Operation, ...]
    security_schemes: Mapping[str, SecurityScheme]
    documents: Documents = field(repr=False, compare=False)
    problems: tuple[Problem, ...] = field(default=(), repr=False, compare=False)

    @property
    def notes(self) -> tuple[Verdict, ...]:
        """What did not prevent reading but cannot be enforced, or was read leniently.

        Computed on first use: it walks every schema that an operation uses and finds lines and columns.
        """
        return self.documents.once("notes", self._notes)

    def _notes(self) -> tuple[Verdict, ...]:
        bodies = [b.schema for o in self.operations for b in o.body]
        answers = [r.schema for o in self.operations for r in o.responses]
        parameters = [p.schema for o in self.operations for p in o.parameters]
        refs = [ref for ref in (*parameters, *bodies, *answers) if ref is not None]
        return as_verdicts((*self.problems, *_schemas.lint(self.documents, refs)), self.documents)

    def unprovable(self, security: tuple[tuple[Requirement, ...], ...]) -> bool:
        """Whether requirements demand credentials, and none of them is of a kind that a gateway can check."""
        demanded = [requirement for alternative in security for requirement in alternative]
        schemes = [self.security_schemes.get(requirement.scheme) for requirement in demanded]
        return bool(demanded) and all(scheme is not None and not scheme.provable for scheme in schemes)

    def locate(self, pointer: str) -> Location:
        """Where ``#/json/pointer`` (or ``file.yaml#/json/pointer``) is written: its key, or the list item itself.

        A pointer to nothing gives the nearest thing around it that exists. Never raises.
        """
        file, pointer = self._split(pointer)
        return self.documents.locate(file, pointer)

    def resolve(self, pointer: str) -> object:
        """The raw value at a pointer after following ``$ref`` chains. Do not change it.

        Raises:
            DeclarationError: there is no such value (``dangling-reference``).
        """
        file, pointer = self._split(pointer)
        return self.documents.resolve(file, pointer).value

    def json_schema(self, ref: SchemaRef, *, direction: Direction, closed: bool) -> dict[str, object]:
        """A self-contained JSON Schema (draft 2020-12) for the schema at ``ref``.

        Args:
            direction: ``request`` forbids ``readOnly`` properties, ``response`` forbids ``writeOnly`` ones
                (OpenAPI 3.0.3 § 4.7.24.2).
            closed: objects that declare properties and say nothing about others refuse the others. Compositions are
                closed as a whole, not branch by branch; alternatives of ``oneOf`` that an undeclared property made
                indistinguishable are told apart by it.

        Raises:
            DeclarationError: the schema is defined in terms of itself at the same place (``circular-schema``).
        """
        return _schemas.json_schema(self.documents, ref, direction=direction, closed=closed)

    def fields(
        self, ref: SchemaRef, *, direction: Direction, nested: bool = True, longest: int = _fields.LONGEST
    ) -> tuple[FieldPath, ...]:
        """Every property reachable in a value of the schema at ``ref``, breadth first.

        Read-only and write-only properties are listed in both directions, since a service may send what it should
        not; ``direction`` decides only whether they are required. A property below which the walk stopped (the schema
        recurs, or there are more than ``longest`` properties) has ``recursive=True``. Without ``nested``, only
        properties of the value itself, or of the items of lists and mappings that it is, are listed, and none is
        marked.
        """
        return _fields.walk(self.documents, ref, direction=direction, nested=nested, longest=longest)

    def _split(self, pointer: str) -> tuple[str, str]:
        file, _, fragment = pointer.partition("#")
        return file or self.file, "#" + fragment
