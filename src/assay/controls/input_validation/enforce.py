"""What the gateway checks of every request before a service sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from assay.controls._lib.subjects import served_apis
from assay.controls.base import Site
from assay.controls.input_validation.openness import openness
from assay.controls.input_validation.schemas import Schemas
from assay.controls.observe import mode
from assay.declare.contract import Body, Contract, Operation, Parameter, SchemaRef
from assay.declare.contract.media import unvalidated
from assay.declare.declaration import Declaration
from assay.declare.media import essence
from assay.declare.model import Api
from assay.gateway import ir
from assay.sensitivity.bodies import Labels, labels

_CONTROL = "input_validation"
_UPLOADING = ("multipart/form-data", "application/octet-stream")
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
ANYTHING = ir.BodyRule(media_type="*/*")
"""What an operation accepts that declares no body, where undeclared bodies are let through."""
KEY_HEADER = "x-api-key"
"""Where API keys are expected when the contract does not say."""


def enforce(declaration: Declaration, site: Site) -> Iterator[ir.AnyPiece]:
    """A size limit and an inspection for every operation, and one library of schemas for every API.

    An operation that observes has the same size limit for any body, since more than that is never read. An inspection
    is left out only where no request could need it.
    """
    for api_id, api in served_apis(declaration):
        writer = _Writer(declaration, api_id, api)
        for operation in declaration.operations(api_id):
            yield from writer.operation(operation)
        # After the operations, which say what goes into it.
        yield ir.SchemaLibrary(control=_CONTROL, source=writer.source, api=api_id, definitions=writer.schemas.library())


@dataclass
class _Writer:
    """Writes the pieces of one API; what operations share is made once."""

    declaration: Declaration
    api_id: str
    api: Api
    source: str = field(init=False)
    schemas: Schemas = field(init=False)
    _contract: Contract = field(init=False)
    _labels: Labels = field(init=False)
    _said: bool = field(init=False)
    _whole: ir.Mode = field(init=False)
    _crs: str | None = field(init=False)
    _parameters: dict[tuple[str, str, bool, SchemaRef], ir.ParameterRule] = field(default_factory=dict)
    _bodies: dict[tuple[str, SchemaRef | None], ir.BodyRule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.source = str(self.declaration.locate("apis", self.api_id, "contract"))
        self._contract = self.declaration.contracts[self.api_id]
        # A library of its own, so that it holds what this API needs and no more.
        self.schemas = Schemas(self._contract, self.api.strict.body)
        self._labels = labels(self.declaration, self.api_id)
        sets = (self.declaration.model.data[name] for name in self._labels.data)
        self._said = any(declared.free_text for data in sets for declared in data.fields.values())
        self._whole = mode(self.api, _CONTROL)
        crs = self.declaration.model.gateway.crs
        self._crs = crs or None

    def operation(self, operation: Operation) -> Iterator[ir.SizeLimit | ir.Inspection]:
        """The pieces of one operation."""
        watched = mode(self.api, _CONTROL, operation.id) if self.api.observe else self._whole
        strict = self.api.strict
        bodies = tuple(self._body(b) for b in operation.body)
        if not bodies and not strict.body and operation.method not in _BODILESS:
            bodies = (ANYTHING,)
        size = self.api.limits.body if bodies or watched is ir.Mode.OBSERVE else 0
        yield ir.SizeLimit(
            control=_CONTROL, source=self.source, api=self.api_id, operation=operation.id, body_bytes=size
        )
        parameters = tuple(self._parameter(p) for p in operation.parameters if p.location != "path")
        parameters += self._passed_on(operation, {p.name for p in parameters})
        # A write that declares no body is asked about too: only the inspector sees that there is none.
        writes = operation.method not in _BODILESS
        asked = bool(bodies or writes or strict.headers or self._crs) or any(
            p.required or p.location != "query" for p in parameters
        )
        if not asked and not parameters and not strict.query and not strict.injection:
            return
        yield ir.Inspection(
            control=_CONTROL,
            source=self.source,
            mode=watched,
            api=self.api_id,
            operation=operation.id,
            parameters=parameters,
            bodies=bodies,
            body_required=operation.body_required,
            body_bytes=size,
            closed_query=strict.query,
            closed_headers=strict.headers,
            injection=strict.injection,
            crs=self._crs,
            query_only=not asked,
            key_header=self._key_header(operation) if strict.headers else None,
        )

    def _parameter(self, parameter: Parameter) -> ir.ParameterRule:
        key = (parameter.location, parameter.name, parameter.required, parameter.schema)
        if key not in self._parameters:
            self._parameters[key] = ir.ParameterRule(
                name=parameter.name,
                location=parameter.location,
                schema=self.schemas.text(parameter.schema),
                required=parameter.required,
                style=parameter.style,
                explode=parameter.explode,
                media_type=parameter.media_type,
                allow_empty=parameter.allow_empty,
                free_text=bool(openness(self.schemas, parameter.schema).texts),
            )
        return self._parameters[key]

    def _passed_on(self, operation: Operation, named: set[str]) -> tuple[ir.ParameterRule, ...]:
        """Keys in the query that the service asks for, where the gateway asks for a credential of its own instead."""
        if self.api.security != "any" or not self._contract.unprovable(operation.security):
            return ()
        schemes = [self._contract.security_schemes[r.scheme] for one in operation.security for r in one]
        names = dict.fromkeys(s.parameter_name for s in schemes if s.kind == "apiKey" and s.location == "query")
        return tuple(
            ir.ParameterRule(name=name, location="query", schema='{"type":"string"}')
            for name in names
            if name and name not in named
        )

    def _body(self, body: Body) -> ir.BodyRule:
        key = (body.media_type, body.schema)
        if key not in self._bodies:
            self._bodies[key] = self._rule(body)
        return self._bodies[key]

    def _rule(self, body: Body) -> ir.BodyRule:
        if body.schema is None or unvalidated(body.media_type):
            return ir.BodyRule(media_type=body.media_type)
        found = openness(self.schemas, body.schema)
        uploads = found.uploads if essence(body.media_type) in _UPLOADING else ()
        # Bytes of an upload are no text. Where anything may be sent beside them, only what is named is searched.
        texts = {path: None for path in found.texts if path not in uploads and (path or not uploads)}
        if self._said:
            for item in self._labels.of(body.schema, "request").labelled:
                if item.label.field.free_text:
                    texts[item.path] = None
        paths = ((),) if () in texts else tuple(texts)
        return ir.BodyRule(media_type=body.media_type, schema=self.schemas.text(body.schema), free_text=paths)

    def _key_header(self, operation: Operation) -> str:
        """The header that carries an API key: it is no parameter, but not undeclared either."""
        for alternative in operation.security:
            for requirement in alternative:
                scheme = self._contract.security_schemes.get(requirement.scheme)
                if scheme and scheme.kind == "apiKey" and scheme.location == "header" and scheme.parameter_name:
                    return scheme.parameter_name.lower()
        return KEY_HEADER
