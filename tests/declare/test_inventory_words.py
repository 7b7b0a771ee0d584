"""The words of inventory and testing: what they refer to must exist, with the closest match where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.declare.loader import load
from assay.domain import DeclarationError

CONTRACT = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
paths: {/orders: {get: {operationId: listOrders, responses: {"200": {description: ok}}}}}
"""
HEAD = """\
assay: 1
organisation: {name: Shop}
environments: {test: {tier: non-production}}
apis:
  shop:
    owner: shop
    exposure: internal
    environment: test
    contract: shop.yaml
    upstream: http://10.0.0.1:8000
    product:
      {version: "1", deprecated: 2026-01-31, replaced_by: REPLACED, plans: {small: {limit: 5/minute}}, terms: t.md}
    pen_test: {last: 2026-01-31, by: internal, scope: [SCOPE], retest: 2026-02-28, findings: [{file: f.json}]}
security_testing: {pen_test_age: 1y, retest_age: 30d, pipeline: [ci.yml]}
consumers: {acme: {kind: partner, authenticate: {api_key: {}}, roles: [x], plan: PLAN}}
"""


def written(folder: Path, replaced: str = "shop", scope: str = "list*", plan: str = "small") -> Path:
    (folder / "shop.yaml").write_text(CONTRACT)
    text = HEAD.replace("REPLACED", replaced).replace("SCOPE", scope).replace("PLAN", plan)
    (folder / "assay.yaml").write_text(text)
    return folder


def test_what_exists_is_read(tmp_path: Path) -> None:
    model = load(written(tmp_path), environ={}).model
    product = model.apis["shop"].product
    assert (product.replaced_by, str(product.plans["small"].limit), product.terms) == ("shop", "5/minute", "t.md")
    assert model.security_testing.pen_test_age == 365 * 86400
    assert model.consumers["acme"].plan == "small"


@pytest.mark.parametrize(
    ("wrong", "fix"),
    [({"replaced": "shp"}, "`shop`"), ({"scope": "listOrder"}, "`listOrders`"), ({"plan": "smal"}, "`small`")],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_does_not_exist_is_named_with_the_closest_match(tmp_path: Path, wrong: dict[str, str], fix: str) -> None:
    with pytest.raises(DeclarationError) as error:
        load(written(tmp_path, **wrong), environ={})
    (verdict,) = error.value.verdicts
    assert verdict.fix is not None and fix in verdict.fix.sentence
    assert verdict.location.line > 1
