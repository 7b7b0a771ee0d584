"""A line of the access log tells which policy decided, whatever happened to the call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.gateway.decision import Decision, decide

ALLOWED = {"details": "via_upstream", "access_policy": "shop/1-agent"}


@pytest.mark.parametrize(
    ("line", "decision"),
    [
        (ALLOWED, Decision("allowed", "shop/1-agent")),
        ({**ALLOWED, "details": "", "upstream_milliseconds": 3}, Decision("allowed", "shop/1-agent")),
        (
            {"details": "rbac_access_denied_matched_policy[network_ranges/gateway/bad/denied]"},
            Decision("refused", "network_ranges/gateway/bad/denied"),
        ),
        (
            {"details": "rbac_access_denied_matched_policy[none]"},
            Decision("refused", "authorisation/no-rule-allows"),
        ),
        ({"details": "jwt_authn_access_denied{Jwt_is_expired}"}, Decision("refused", "authentication/token")),
        (
            {"details": "jwt_authn_access_denied{Jwt_is_missing}"},
            Decision("refused", "authentication/no-accepted-credential"),
        ),
        ({"details": "request_rate_limited"}, Decision("refused", "rate_limiting/limit")),
        (
            {"details": "ext_authz_denied", "inspector_policy": "input_validation/body-schema"},
            Decision("refused", "input_validation/body-schema"),
        ),
        ({"details": "ext_authz_error"}, Decision("refused", "input_validation/inspector-unavailable")),
        (
            {"details": "direct_response", "operation": "assay/not-in-contract"},
            Decision("refused", "api_gateway/not-in-contract"),
        ),
        (
            {"details": "upstream_reset_before_response_started"},
            Decision("failed", "upstream_reset_before_response_started"),
        ),
        ({"details": "", "flags": "UAEX"}, Decision("refused", "input_validation/inspector-unavailable")),
        ({"details": "", "flags": "-", "status": 500}, Decision("failed", "api_gateway/own-error")),
        ({"flags": "-", "status": 500, "upstream_milliseconds": 3}, Decision("allowed", "")),
        ({"details": "", "flags": "UC", "status": 503}, Decision("failed", "unknown")),
        ({}, Decision("failed", "unknown")),
    ],
)
def test_a_line_names_the_policy_that_decided(line: dict[str, object], decision: Decision) -> None:
    assert decide(line) == decision


def test_what_only_observes_is_told_beside_what_decided() -> None:
    line = {
        **ALLOWED,
        "authentication_shadow_result": "denied",
        "authentication_shadow_policy": "authentication/no-accepted-credential",
        "access_shadow_result": "denied",
        "observed_limit": "rate_limiting",
        "inspector_decision": "observe",
        "inspector_policy": "input_validation/body-schema",
    }
    assert decide(line).observed == (
        "authentication/no-accepted-credential",
        "authorisation/no-rule-allows",
        "rate_limiting",
        "input_validation/body-schema",
    )


@given(
    st.dictionaries(
        st.text(max_size=30), st.none() | st.text(max_size=40) | st.integers() | st.lists(st.text()), max_size=8
    )
)
def test_any_line_gets_an_answer(line: dict[str, object]) -> None:
    assert decide(line).outcome in ("allowed", "refused", "failed")
