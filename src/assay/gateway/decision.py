"""Reads a line of the access log: was the call let through, and which policy decided?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["allowed", "refused", "failed"]

_MATCHED = re.compile(r"rbac_access_denied_matched_policy\[(.*)\]")
# What Envoy calls its own refusals (%RESPONSE_CODE_DETAILS%), by prefix, and the policy that each stands for.
_REFUSALS: tuple[tuple[str, str], ...] = (
    ("jwt_authn_access_denied{Jwt_is_missing}", "authentication/no-accepted-credential"),
    ("jwt_authn_access_denied", "authentication/token"),
    ("request_rate_limited", "rate_limiting/limit"),
    ("local_rate_limited", "rate_limiting/limit"),
    ("request_payload_too_large", "input_validation/body-size"),
    ("request_headers_too_large", "input_validation/header-size"),
    ("http1.too_many_headers", "input_validation/header-count"),
    ("http2.too_many_headers", "input_validation/header-count"),
    ("path_normalization_failed", "api_gateway/path"),
    ("ext_authz_error", "input_validation/inspector-unavailable"),
    ("ext_proc_error", "data_exposure/processor-unavailable"),
)


OWN_ERROR = "api_gateway/own-error"
"""The policy of a call that the gateway itself failed at, before the upstream was asked."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How a call ended at the gateway.

    Attributes:
        outcome: let through to the upstream, refused by a policy, or failed for another reason (``policy`` says which).
        policy: the access rule that allowed it, or the policy that refused it.
        observed: policies that only observe and would have refused it.
    """

    outcome: Outcome
    policy: str
    observed: tuple[str, ...] = ()


def decide(line: Mapping[str, Any]) -> Decision:
    """The decision that a line of the log records. Total: any mapping gives an answer."""
    observed = tuple(_observed(line))
    details = str(line.get("details", ""))
    # An upstream's error page that was replaced leaves no details, but the upstream was reached.
    if details.startswith("via_upstream") or (not details and "upstream_milliseconds" in line):
        return Decision("allowed", str(line.get("access_policy") or line.get("access_shadow_policy") or ""), observed)
    # So it is with the page for an inspector that did not answer; then the flag alone says so (UAEX: refused by an
    # external service, of which nothing is known to have decided anything).
    if not details and "UAEX" in str(line.get("flags", "")).split(",") and not line.get("inspector_decision"):
        return Decision("refused", "input_validation/inspector-unavailable", observed)
    status = line.get("status")
    if not details and line.get("flags") == "-" and isinstance(status, int) and status >= 500:
        # Nobody was asked and nothing refused: a part of the gateway itself went missing on the way.
        return Decision("failed", OWN_ERROR, observed)
    matched = _MATCHED.match(details)
    if matched:
        named = matched[1] if matched[1] != "none" else "authorisation/no-rule-allows"
        return Decision("refused", named, observed)
    if details.startswith("ext_authz_denied"):
        return Decision("refused", str(line.get("inspector_policy") or "input_validation/inspector"), observed)
    if details.startswith("direct_response"):
        return Decision("refused", str(line.get("operation", "")).replace("assay/", "api_gateway/"), observed)
    for prefix, policy in _REFUSALS:
        if details.startswith(prefix):
            return Decision("refused", policy, observed)
    if line.get("processor_decision") == "refuse":
        return Decision("refused", str(line.get("processor_policy") or "data_exposure"), observed)
    if details.startswith(("http1.", "http2.", "low_version", "missing_host", "invalid_", "path_")):
        return Decision("refused", "api_gateway/malformed", observed)
    return Decision("failed", details or "unknown", observed)


def _observed(line: Mapping[str, Any]) -> Iterable[str]:
    if line.get("networks_shadow_result") == "denied":
        yield str(line.get("networks_shadow_policy") or "network_ranges")
    if line.get("authentication_shadow_result") == "denied":
        yield str(line.get("authentication_shadow_policy") or "authentication")
    if line.get("admission_shadow_result") == "denied":
        yield str(line.get("admission_shadow_policy") or "layered_architecture")
    if line.get("access_shadow_result") == "denied":
        yield "authorisation/no-rule-allows"
    if line.get("observed_limit"):
        yield str(line["observed_limit"])
    if line.get("inspector_decision") == "observe":
        yield str(line.get("inspector_policy") or "input_validation")
    if line.get("processor_missed") == "1":
        yield "data_exposure/processor-unavailable"
    if line.get("processor_decision") == "observe":
        yield str(line.get("processor_policy") or "data_exposure")
