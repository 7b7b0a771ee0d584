"""An operation's inspection, compiled once: everything that can be prepared before a request comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from assay.domain import AssayError
from assay.gateway import ir
from assay.gateway.inspector.body import Body, compile_body
from assay.gateway.inspector.crs import CoreRuleSet
from assay.gateway.inspector.injection import Engine
from assay.gateway.inspector.parameters import Parameter, QueryRules, compile_parameter
from assay.gateway.inspector.schemas import Library

DEEPEST: Final = 200
"""Nesting that a contract may allow at most: beyond it, upstream parsers differ in what they survive."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A compiled :class:`assay.gateway.ir.Inspection`."""

    id: str
    observe: bool
    query: QueryRules
    headers: tuple[Parameter, ...]
    cookies: tuple[Parameter, ...]
    known_headers: frozenset[bytes]
    closed_headers: bool
    bodies: tuple[Body, ...]
    body_required: bool
    body_bytes: int
    max_depth: int
    engine: Engine | None
    core_rule_set: CoreRuleSet | None


def compile_operation(
    inspection: ir.Inspection, library: Library, engine: Engine, core_rule_set: CoreRuleSet | None
) -> Operation:
    """Prepares an operation. Path parameters are left out: the gateway's typed route has matched them already.

    Raises:
        AssayError: a schema cannot be read or compiled, or the core rule set is asked for and was not loaded.
    """
    where = f"{inspection.api}/{inspection.operation}"
    if inspection.crs is not None and core_rule_set is None:
        raise AssayError(
            f"{where} asks for the core rule set, which is not loaded.", fix="name its directory in the declaration"
        )
    compiled = [compile_parameter(p, library, where) for p in inspection.parameters if p.location != "path"]
    depth = max(1, min(inspection.max_depth, DEEPEST))
    headers = tuple(p for p in compiled if p.location == "header")
    known = {h.name.encode() for h in headers}
    if inspection.key_header:
        known.add(inspection.key_header.lower().encode())
    return Operation(
        id=where,
        observe=inspection.mode is ir.Mode.OBSERVE,
        query=QueryRules(
            (p for p in compiled if p.location == "query"), closed=inspection.closed_query, max_depth=depth
        ),
        headers=headers,
        cookies=tuple(p for p in compiled if p.location == "cookie"),
        known_headers=frozenset(known),
        closed_headers=inspection.closed_headers,
        bodies=tuple(sorted((compile_body(b, library, where) for b in inspection.bodies), key=lambda b: b.exactness)),
        body_required=inspection.body_required,
        body_bytes=inspection.body_bytes,
        max_depth=depth,
        engine=engine if inspection.injection else None,
        core_rule_set=core_rule_set if inspection.crs is not None else None,
    )
