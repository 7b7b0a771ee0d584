"""A store passes only when everything that is needed for its encryption is really there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from assay.controls.base import Context
from assay.controls.encryption_at_rest.design import design
from assay.declare.declaration import Declaration
from assay.domain import Outcome

CONTRACT = """\
openapi: 3.1.0
info: {title: t, version: "1"}
components: {schemas: {C: {type: object, properties: {iban: {type: string}, id: {type: string}}}}}
paths:
  /c:
    post:
      operationId: create
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/C'}}}}
      responses: {"201": {description: ok}}
"""
DECLARATION = """\
assay: 1
organisation: {name: x}
environments: {e: {tier: non-production}}
data:
  c: {from: "shop.yaml#/components/schemas/C", fields: {iban: {category: user.financial%(field)s}, id: {level: public}}}
systems: {s: {kind: database, environment: e, owner: x, holds: [c]%(rest)s}}
apis: {a: {owner: x, exposure: internal, environment: e, contract: shop.yaml, upstream: "http://h"%(api)s}}
"""
GATEWAY = ", at_rest: {encryption: aes-256-gcm, by: gateway, keys: k}"
BACKED = ", backed_by: [s]"


def _outcome(
    declared: Callable[..., Declaration], *, field: str = "", rest: str = GATEWAY, api: str = BACKED
) -> Outcome:
    declaration = declared(DECLARATION % {"field": field, "rest": rest, "api": api}, CONTRACT)
    verdicts = design(Context(declaration, date(2026, 7, 1), frozenset()))
    return next(v.outcome for v in verdicts if v.subject == "systems.s")


def test_a_store_that_the_gateway_encrypts_for_passes(declared: Callable[..., Declaration]) -> None:
    assert _outcome(declared) is Outcome.PASS


@pytest.mark.parametrize(
    "change",
    [
        {"rest": ""},
        {"rest": ", at_rest: {encryption: unknown, by: store}"},
        {"rest": ", at_rest: {encryption: none, by: gateway, keys: k}"},
        {"rest": ", at_rest: {encryption: none, by: store}"},
        {"rest": ", at_rest: {encryption: aes-256-gcm, by: disk}"},
        {"rest": ", at_rest: {encryption: aes-256-gcm, by: gateway}"},
        {"api": ""},
        {"api": BACKED + ", product: {lifecycle: retired}"},
        {"api": BACKED + ", observe: [encryption_at_rest]"},
        {"api": BACKED + ", observe: [{control: encryption_at_rest, operations: [create]}]"},
        {"field": ", encrypt: false"},
    ],
    ids=[
        "nothing said", "unknown", "none by gateway", "none by store", "disk", "no keyset", "no API", "retired API",
        "observed", "one operation observed", "field excluded",
    ],
)  # fmt: skip
def test_a_store_with_anything_missing_does_not(declared: Callable[..., Declaration], change: dict[str, str]) -> None:
    assert _outcome(declared, **change) in (Outcome.FAIL, Outcome.INCONCLUSIVE)


def test_a_store_whose_field_nobody_sees_is_not_known(declared: Callable[..., Declaration]) -> None:
    declaration = DECLARATION.replace('from: "shop.yaml#/components/schemas/C", ', "")
    found = declared(declaration % {"field": "", "rest": GATEWAY, "api": BACKED}, CONTRACT)
    verdicts = design(Context(found, date(2026, 7, 1), frozenset()))
    assert next(v.outcome for v in verdicts if v.subject == "systems.s") is Outcome.INCONCLUSIVE
