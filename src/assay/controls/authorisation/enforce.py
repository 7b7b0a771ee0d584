"""The access rules, one for each operation they cover."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.subjects import served_apis
from assay.controls.authorisation.owns import comparable, parse
from assay.controls.base import Site
from assay.controls.observe import mode
from assay.declare.declaration import Declaration
from assay.declare.model import Access, Api
from assay.declare.rules import rules_by_operation
from assay.domain import AssayError
from assay.gateway import ir

_CONTROL = "authorisation"


def enforce(declaration: Declaration, site: Site) -> Iterator[ir.AnyPiece]:
    """Every access rule on every operation it covers. An operation that no rule covers gets none: nobody may call it.

    A rule whose ownership cannot be understood, or compared on an operation, is left out there rather than weakened.
    """
    for api_id, api in served_apis(declaration):
        operations = declaration.operations(api_id)
        rules = rules_by_operation(api, operations)
        ownerships = {index: _ownerships(declaration, api_id, index, rule) for index, rule in enumerate(api.access)}
        whole = mode(api, _CONTROL)
        for operation in operations:
            for index, rule in rules[operation.id]:
                owns = ownerships[index]
                if owns is None or not all(comparable(operation, o.parameter) for o in owns):
                    continue
                yield ir.AccessRule(
                    control=_CONTROL,
                    source=str(declaration.locate("apis", api_id, "access", index)),
                    mode=mode(api, _CONTROL, operation.id) if api.observe else whole,
                    api=api_id,
                    operation=operation.id,
                    name=rule_name(api_id, api, index),
                    roles=rule.roles,
                    scopes=rule.scopes,
                    owns=owns,
                )


def rule_name(api_id: str, api: Api, index: int) -> str:
    """What the log calls an access rule: API, position and roles, such as ``shop/0-customer``."""
    rule = api.access[index]
    return f"{api_id}/{index}-{'+'.join(rule.roles) or 'anonymous'}"


def _ownerships(declaration: Declaration, api_id: str, index: int, rule: Access) -> tuple[ir.Ownership, ...] | None:
    at = declaration.locate("apis", api_id, "access", index, "owns")
    try:
        return tuple(parse(text, at) for text in rule.owns)
    except AssayError:
        return None
