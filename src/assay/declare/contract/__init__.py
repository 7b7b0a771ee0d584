"""API contracts (OpenAPI 3.0, OpenAPI 3.1, Swagger 2.0), read into one shape."""

from assay.declare.contract.documents import SchemaRef
from assay.declare.contract.fields import FieldPath
from assay.declare.contract.limits import ReadLimits
from assay.declare.contract.model import (
    Body,
    Contract,
    Direction,
    Operation,
    Parameter,
    ParameterLocation,
    Requirement,
    Response,
    SchemeKind,
    SecurityScheme,
    Style,
)
from assay.declare.contract.paths import ambiguous, match_key, match_order, path_regex, placeholders
from assay.declare.contract.reader import parse_contract, read_contract

__all__ = [
    "Body",
    "Contract",
    "Direction",
    "FieldPath",
    "Operation",
    "Parameter",
    "ParameterLocation",
    "ReadLimits",
    "Requirement",
    "Response",
    "SchemaRef",
    "SchemeKind",
    "SecurityScheme",
    "Style",
    "ambiguous",
    "match_key",
    "match_order",
    "parse_contract",
    "path_regex",
    "placeholders",
    "read_contract",
]
