"""Controls that only observe: calls pass, the log says what would have happened to them, and status counts it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from assay.gateway.decision import Decision, decide

pytestmark = pytest.mark.integration
RECORD = {
    "name": "Grace Observed",
    "email": "grace@example.test",
    "phone": "+353 1 555 0103",
    "date_of_birth": "1990-01-02",
    "postcode": "D02",
    "iban": "IE29AIBK93115200000077",
    "national_id": "285057800608441",
    "notes": "x",
}


@pytest.fixture
def call(observing_world):
    """Sends a request, and returns the status with what the log says about it."""
    token = observing_world.token("agent-desk")

    def send(method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> tuple[int, Decision]:
        wanted = {"authorization": f"Bearer {token}"} if headers is None else headers
        with observing_world.client() as client:
            answer = client.request(method, path, headers=wanted, **options)
        request_id = answer.headers["x-request-id"]
        line = observing_world.until(
            lambda: next((found for found in observing_world.log() if found["request_id"] == request_id), None)
        )
        return answer.status_code, decide(line)

    return send


def test_plan_and_status_name_what_only_observes(observing_world) -> None:
    for command in ("plan", "status"):
        said = observing_world.assay(command)
        for control in ("rate_limiting", "input_validation", "authorisation"):
            assert f"observing only {control} on " in said, command


def test_a_body_that_breaks_the_contract_passes_and_is_noted(call) -> None:
    status, decision = call("POST", "/customers", json={**RECORD, "is_admin": True})
    assert status == 201
    assert decision.outcome == "allowed"
    assert decision.observed == ("input_validation/body-schema",)


def test_an_injection_passes_and_is_noted(call) -> None:
    status, decision = call("GET", "/customers", params={"search": "zz' OR 1=1 --"})
    assert status == 200
    assert decision.outcome == "allowed"
    assert any(policy.startswith("input_validation/injection") for policy in decision.observed)


def test_a_call_for_somebody_elses_record_passes_and_is_noted(observing_world, call) -> None:
    bob = {"authorization": f"Bearer {observing_world.token('mobile-app', '--user', 'bob')}"}
    status, decision = call("GET", "/customers/c-1001", headers=bob)
    assert status not in (401, 403, 429)
    assert decision.outcome == "allowed"
    assert decision.observed == ("authorisation/no-rule-allows",)


def test_an_ordinary_call_is_not_noted(call) -> None:
    status, decision = call("GET", "/health", headers={})
    assert (status, decision.outcome, decision.observed) == (200, "allowed", ())


def test_what_is_enforced_beside_it_still_refuses(call) -> None:
    status, decision = call("GET", "/customers", headers={})
    assert (status, decision.outcome) == (401, "refused")


def test_calls_beyond_a_limit_pass_and_are_counted_by_policy(observing_world) -> None:
    headers = {"authorization": f"Bearer {observing_world.token('mobile-app', '--user', 'bob')}"}
    with observing_world.client() as client:
        statuses = Counter(client.get("/customers/c-1002", headers=headers).status_code for _ in range(120))
    assert 429 not in statuses

    def counted() -> Any:
        found = observing_world.status()["observed"]
        logged = Counter(policy for line in observing_world.log() for policy in decide(line).observed)
        enough = found["policies"].get("rate_limiting", 0) >= 10
        return found if enough and found["policies"] == dict(logged) else None  # lines come a moment after the calls

    observed = observing_world.until(counted)
    assert observed["complete"] is True
    said = observing_world.assay("status")
    assert "would have been refused since the start" in said
    assert f"{observed['policies']['rate_limiting']} × rate_limiting" in said


def test_enforcing_is_a_tightening_and_takes_effect(observing_world, call) -> None:
    file = observing_world.directory / "assay.yaml"
    before = file.read_text()
    file.write_text(before.replace("observe: [rate_limiting, input_validation, authorisation]", "observe: []"))
    try:
        plan = json.loads(observing_world.assay("plan", "--format", "json"))
        assert plan["counts"]["tightening"] > 0 and plan["counts"]["loosening"] == 0
        assert plan["observing"] == []
        observing_world.assay("apply")
        status, decision = call("POST", "/customers", json={**RECORD, "is_admin": True})
        assert status in (400, 422)
        assert (decision.outcome, decision.policy) == ("refused", "input_validation/body-schema")
    finally:
        file.write_text(before)
        observing_world.assay("apply")
