"""Tests of design: is everything known about each API that callers, owners and auditors need to know?"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.judging import judge as _judge
from assay.controls._lib.subjects import api_subject, operation_subject
from assay.controls.api_inventory.facts import completeness
from assay.controls.api_inventory.lifecycle import lifecycle, use
from assay.controls.api_inventory.orphans import orphans
from assay.controls.api_inventory.plans import by_role, plans
from assay.controls.api_inventory.versions import versions
from assay.controls.base import Context
from assay.declare.declaration import Declaration
from assay.declare.model import Api
from assay.declare.selectors import selected
from assay.domain import Verdict

_CONTROL = "api_inventory"


def design(context: Context) -> Iterator[Verdict]:
    """Judges every API as an entry of the inventory, then the contracts that are no entry at all."""
    declaration = context.declaration
    used, consumers = use(declaration), by_role(declaration)
    for api_id, api in declaration.model.apis.items():
        yield from lifecycle(context, api_id, api, used)
        if api.product.lifecycle == "retired":
            continue
        yield _facts(declaration, api_id)
        yield from versions(declaration, api_id, api)
        yield from plans(declaration, api_id, api, consumers)
        yield from _deprecated_operations(declaration, api_id, api)
    yield from orphans(declaration)


def _facts(declaration: Declaration, api_id: str) -> Verdict:
    judge, check, subject = _judge(_CONTROL), "api-facts-missing", api_subject(api_id)
    at = declaration.places.key("apis", api_id)
    found = completeness(declaration, api_id)
    total = len(found.present) + len(found.missing)
    score = f"{len(found.present)} of {total} facts about API `{api_id}` are declared ({found.share:.0%})"
    if not found.missing:
        return judge.passed(check, subject, at, score)
    shown = ", ".join(f"`{m}`" for m in found.missing)
    return judge.failed(check, subject, at, f"{score}: {shown} {'is' if len(found.missing) == 1 else 'are'} missing")


def _deprecated_operations(declaration: Declaration, api_id: str, api: Api) -> Iterator[Verdict]:
    judge, check = _judge(_CONTROL), "deprecated-operation-granted"
    old = {o.id: o for o in declaration.operations(api_id) if o.deprecated}
    if not old:
        sentence = f"the contract of API `{api_id}` marks no operation as deprecated"
        yield judge.passed(check, api_subject(api_id), declaration.locate("apis", api_id, "contract"), sentence)
        return
    granted: dict[str, int] = {}
    for index, rule in enumerate(api.access):
        for name in selected(rule.operations, old):
            granted.setdefault(name, index)
    contract = declaration.contracts[api_id]
    for operation_id, operation in old.items():
        subject = operation_subject(api_id, operation_id)
        if operation_id in granted:
            at = declaration.locate("apis", api_id, "access", granted[operation_id], "operations")
            sentence = f"operation `{operation_id}` of API `{api_id}` is deprecated by its contract, and still granted"
            yield judge.failed(check, subject, at, sentence, related=(contract.locate(operation.pointer),))
        else:
            sentence = f"operation `{operation_id}` of API `{api_id}` is deprecated, and no rule grants it"
            yield judge.passed(check, subject, contract.locate(operation.pointer), sentence)
