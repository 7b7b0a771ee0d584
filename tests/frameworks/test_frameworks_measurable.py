"""An objective that nothing could ever show is named, with what would make it measurable; nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.declare.declaration import Declaration
from assay.declare.loader import load
from assay.frameworks.measurable import unmeasurable
from assay.frameworks.offered import Offered

CONTRACT = """\
openapi: 3.0.3
info: {title: Shop, version: "1"}
paths:
  /orders:
    get: {operationId: listOrders, responses: {"200": {description: ok}}}
  /orders/{orderId}:
    parameters: [{name: orderId, in: path, required: true, schema: {type: string}}]
    get: {operationId: getOrder, responses: {"200": {description: ok}}}
"""
DECLARED = """\
assay: 1
organisation: {name: Shop}
environments: {test: {tier: non-production}}
apis:
  shop: {owner: us, exposure: public, environment: test, contract: shop.yaml, upstream: "http://127.0.0.1:9"}
"""
OBJECTIVE = """\
objectives:
  ours: {category: integrity, statement: Ours holds., controls: [CONTROLS]REST}
"""


@pytest.fixture
def found(tmp_path: Path, bench):
    """The ids of the gaps of the objective `ours`, and where each word of it stands."""

    def look(controls: str = "authorisation", rest: str = "", *, more: str = "", declared: str = DECLARED, offers=None):
        (tmp_path / "shop.yaml").write_text(CONTRACT)
        text = declared + more + OBJECTIVE.replace("CONTROLS", controls).replace("REST", rest)
        (tmp_path / "assay.yaml").write_text(text)
        declaration: Declaration = load(tmp_path / "assay.yaml", environ={})
        gaps = unmeasurable(declaration.model.objectives["ours"], declaration, offers or bench.offers)
        for gap in gaps:
            assert gap.sentence and gap.suggestion
            assert declaration.locate("objectives", "ours", *gap.word).line == len(text.splitlines())
        return [gap.check for gap in gaps]

    return look


def test_an_objective_that_can_be_measured_is_left_alone(found) -> None:
    assert found() == []
    assert found("transport_encryption, authorisation", ", scope: {apis: [shop], operations: [get*]}") == []
    assert found("least_privilege") == []


def test_a_control_without_proofs_shows_nothing(found, bench) -> None:
    none = {"paper": Offered("paper", frozenset(), frozenset({"signed"}), frozenset(), 86400, enforced=False)}
    assert found("paper", offers={**bench.offers, **none}) == ["objective-without-proof"]
    assert found("paper, authorisation", offers={**bench.offers, **none}) == []


def test_a_scope_of_nothing_has_nothing_to_show(found) -> None:
    nothing = "assay: 1\norganisation: {name: Shop}\n"
    assert found(declared=nothing) == ["objective-without-subject"]
    # Rights of accounts are tested without any API.
    assert found("least_privilege", declared=nothing) == []


@pytest.mark.parametrize(
    ("observe", "gaps"),
    [
        ("[authorisation]", ["objective-only-observed"]),
        ("[{control: authorisation, operations: [getOrder]}]", []),
        ("[{control: authorisation, operations: [getOrder, list*]}]", ["objective-only-observed"]),
        ("[rate_limiting]", []),
    ],
)
def test_what_is_only_observed_refuses_nothing(found, observe: str, gaps: list[str]) -> None:
    declared = DECLARED.replace('9"}', f'9", observe: {observe}}}')
    assert found(declared=declared) == gaps


@pytest.mark.parametrize(("age", "gaps"), [("5m", ["objective-always-stale"]), ("6m", ["objective-always-stale"])])
def test_evidence_that_expires_before_the_next_run_is_over_is_always_stale(found, age: str, gaps: list[str]) -> None:
    assert found(rest=f", target: {{evidence_age: {age}}}") == gaps
    assert found(rest=f", target: {{evidence_age: {age}}}", more="prove: {bounds: {seconds: 30s}}\n") == []


def test_a_target_of_nothing_is_no_target(found) -> None:
    assert found(rest=", target: {coverage: 0%}") == ["objective-asks-for-nothing"]
    assert found(rest=", target: {coverage: 1%}") == []
