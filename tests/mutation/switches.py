"""The switches: for each control, ways to turn it off, and what must then be found, and where."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.mutation.laboratory import Compiled, Declared

from assay.domain import Severity

Where = Literal["declaration", "contract", "gateway"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One way to turn a control off.

    Attributes:
        where: what is weakened: the applied declaration, the applied contract, or Envoy's own configuration.
        words: what is done, for a person.
        flips: checks of which at least one verdict each must turn from pass to fail.
        names: what a failed verdict must name as the culprit (a regular expression).
        beside: another control whose verdicts must stay as they were.
        least: how grave the gravest of the verdicts must be at least.
    """

    control: str
    where: Where
    words: str
    flips: tuple[str, ...]
    names: str
    declared: Declared | None = None
    compiled: Compiled | None = None
    beside: str = ""
    least: Severity = Severity.MEDIUM

    @property
    def id(self) -> str:
        """For the test's name."""
        return f"{self.control}: {self.words}"


def text(file: str, *changes: tuple[str, str]) -> Declared:
    """Replaces words in one file of the declaration; each must be there."""

    def change(folder: Path) -> None:
        path = folder / file
        found = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in found, f"{file} does not hold {old!r}"
            found = found.replace(old, new)
        path.write_text(found, encoding="utf-8")

    return change


def pattern(file: str, old: str, new: str) -> Declared:
    """As :func:`text`, by a regular expression."""

    def change(folder: Path) -> None:
        path = folder / file
        found, count = re.subn(old, new, path.read_text(encoding="utf-8"))
        assert count, f"{file} does not hold {old!r}"
        path.write_text(found, encoding="utf-8")

    return change


def observing(control: str) -> Declared:
    """A control only watches."""
    return text("assay.yaml", ("    limits:\n", f"    observe: [{control}]\n    limits:\n"))


# Envoy's own configuration ------------------------------------------------------------------------------------------


def manager(files: dict[str, Any]) -> dict[str, Any]:
    """The HTTP connection manager of the gateway's listener."""
    found: dict[str, Any] = files["lds.json"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def logged(files: dict[str, Any]) -> dict[str, Any]:
    """The fields of a line of the access log."""
    found: dict[str, Any] = manager(files)["access_log"][0]["typed_config"]["log_format"]["json_format"]
    return found


def routes(files: dict[str, Any]) -> list[dict[str, Any]]:
    """The routes of the only host."""
    found: list[dict[str, Any]] = files["rds.json"][0]["virtual_hosts"][0]["routes"]
    return found


def _tls(files: dict[str, Any]) -> dict[str, Any]:
    chain = files["lds.json"][0]["filter_chains"][0]
    found: dict[str, Any] = chain["transport_socket"]["typed_config"]["common_tls_context"]["tls_params"]
    return found


def _old_tls(files: dict[str, Any]) -> None:
    parameters = _tls(files)
    parameters["tls_minimum_protocol_version"] = "TLSv1_0"
    parameters["cipher_suites"] = [*parameters["cipher_suites"], "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA"]


def _without_tls(files: dict[str, Any]) -> None:
    del files["lds.json"][0]["filter_chains"][0]["transport_socket"]


def _no_modern_tls(files: dict[str, Any]) -> None:
    _tls(files)["tls_maximum_protocol_version"] = "TLSv1_2"


def _without_headers(files: dict[str, Any]) -> None:
    del files["rds.json"][0]["response_headers_to_add"]


def _providers(node: Any) -> Iterator[dict[str, Any]]:
    """Every token provider of the listener's filters."""
    if isinstance(node, dict):
        if isinstance(node.get("providers"), dict):
            yield from node["providers"].values()
        for value in node.values():
            yield from _providers(value)
    elif isinstance(node, list):
        for value in node:
            yield from _providers(value)


def _any_audience(files: dict[str, Any]) -> None:
    for provider in _providers(files):
        provider.pop("audiences", None)


def _any_time(files: dict[str, Any]) -> None:
    for provider in _providers(files):
        provider["clock_skew_seconds"] = 10 * 86_400


def _open_route(files: dict[str, Any], match: dict[str, Any]) -> dict[str, Any]:
    """The route of the operation that is open to anybody, with another match."""
    health = next(r for r in routes(files) if r["name"].endswith("/health"))
    return {**copy.deepcopy(health), "match": match}


def _forgotten_route(files: dict[str, Any]) -> None:
    routes(files).insert(-1, _open_route(files, {"prefix": "/debug"}))


def _any_method(files: dict[str, Any]) -> None:
    found = [r for r in routes(files) if r["name"].endswith("/getCustomer")]
    for route in found:
        headers = [h for h in route["match"]["headers"] if h["name"] != ":method"]
        route["match"]["headers"] = headers
    kept = [r for r in routes(files) if r not in found]
    # Before the other methods of the path, so that nothing else takes them.
    files["rds.json"][0]["virtual_hosts"][0]["routes"] = [*found, *kept]


def _anonymous_log(files: dict[str, Any]) -> None:
    for name in ("client", "subject", "key", "key_consumer", "certificate"):
        del logged(files)[name]


def _talkative_log(files: dict[str, Any]) -> None:
    logged(files)["sent_with"] = "%REQ(AUTHORIZATION)%%REQ(X-API-KEY)%%REQ(COOKIE)%"


def _silent_log(files: dict[str, Any]) -> None:
    del manager(files)["access_log"]


def _log_without_policy(files: dict[str, Any]) -> None:
    for name in ("details", "access_policy"):
        del logged(files)[name]


_CONTRACT = "openapi/customer-data.yaml"

SWITCHES: tuple[Switch, ...] = (
    Switch(
        control="authentication",
        where="declaration",
        words="only observes",
        declared=observing("authentication"),
        flips=("call-without-credential", "unsigned-token-accepted", "expired-token-accepted"),
        names=r"`authentication/[\w-]+`.*(only observes|refused)",
        beside="transport_encryption",
    ),
    Switch(
        control="authentication",
        where="contract",
        words="one of two credentials is enough",
        declared=text(
            _CONTRACT,
            (
                "        - mutualTLS: []\n          oauth2: [admin]",
                "        - mutualTLS: []\n        - oauth2: [admin]",
            ),
        ),
        flips=("part-of-credentials-accepted",),
        names=r"customer-data/\d-admin",
        beside="network_ranges",
    ),
    Switch(
        control="authentication",
        where="gateway",
        words="tokens for any audience",
        compiled=_any_audience,
        flips=("foreign-token-accepted",),
        names=r"customer-data/\d-\w+",
    ),
    Switch(
        control="authentication",
        where="gateway",
        words="tokens of any time",
        compiled=_any_time,
        flips=("expired-token-accepted",),
        names=r"customer-data/\d-\w+",
    ),
    Switch(
        control="authorisation",
        where="declaration",
        words="only observes",
        declared=observing("authorisation"),
        flips=("function-open-to-other-roles", "foreign-object-read", "foreign-object-changed", "scope-not-enforced"),
        names=r"authorisation/no-rule-allows \(only observes\)",
        beside="network_ranges",
    ),
    Switch(
        control="authorisation",
        where="declaration",
        words="no ownership",
        declared=text("assay.yaml", ('        owns: "path.customerId == token.sub"\n', "")),
        flips=("foreign-object-read", "foreign-object-changed"),
        names=r"customer-data/0-customer",
        beside="authentication",
    ),
    Switch(
        control="authorisation",
        where="declaration",
        words="a role may do more",
        declared=text(
            "assay.yaml",
            (
                "{roles: [agent], operations: [listCustomers,",
                "{roles: [agent], operations: [deleteCustomer, createOrder, listCustomers,",
            ),
        ),
        flips=("function-open-to-other-roles",),
        names=r"customer-data/1-agent",
    ),
    Switch(
        control="network_ranges",
        where="declaration",
        words="the list of refused networks left out",
        declared=text("assay.yaml", ("networks: {deny: [{list: blocklists/known-bad.netset}]}", "")),
        flips=("call-from-refused-network", "forged-address-believed"),
        names=r"a call from 127\.\S+",
    ),
    Switch(
        control="network_ranges",
        where="declaration",
        words="a consumer may call from anywhere",
        declared=pattern("assay.d/consumers.yaml", r"    networks: \{allow: [^}]*\}\n", ""),
        flips=("call-from-refused-network", "forged-address-believed"),
        names=r"customer-data/\d-\w+",
    ),
    Switch(
        control="rate_limiting",
        where="declaration",
        words="only observes",
        declared=observing("rate_limiting"),
        flips=("limit-not-kept",),
        names=r"rate_limiting.* \(only observes\)",
        beside="network_ranges",
    ),
    Switch(
        control="rate_limiting",
        where="declaration",
        words="ten times what is promised",
        declared=text(
            "assay.yaml",
            ("60/minute ", "600/minute "),
            ("write: 10/minute", "write: 100/minute"),
            (": 5/minute", ": 50/minute"),
        ),
        flips=("limit-not-kept",),
        names=r"`(default|write|operations\.exportCustomers)` \(\d+/minute",
    ),
    Switch(
        control="input_validation",
        where="declaration",
        words="only observes",
        declared=observing("input_validation"),
        flips=("contract-not-enforced", "sql-injection"),
        names=r"input_validation/[\w-]+ \(only observes\)",
        beside="authentication",
    ),
    Switch(
        control="input_validation",
        where="contract",
        words="objects take what they do not name, of any length",
        declared=text(
            _CONTRACT,
            ("additionalProperties: false", "additionalProperties: true"),
            ("          minLength: 1\n          maxLength: 120\n          pattern: '^[^<>\\x00-\\x1f]+$'\n", ""),
        ),
        flips=("contract-not-enforced",),
        names=r"customer-data/\d-\w+",
    ),
    Switch(
        control="input_validation",
        where="declaration",
        words="bodies of any size",
        declared=text("assay.yaml", ("body: 64KiB", "body: 16MiB")),
        flips=("body-size-unbounded",),
        names=r"customer-data/\d-\w+|KiB|bytes",
    ),
    Switch(
        control="encryption_at_rest",
        where="declaration",
        words="nothing is encrypted by the gateway",
        declared=text("assay.d/systems.yaml", ("by: gateway, keys: customer-keys", "by: disk")),
        flips=("plaintext-in-store",),
        names=r"`?(email|iban|national_id)`?.*crm",
        beside="network_ranges",
    ),
    Switch(
        control="data_exposure",
        where="declaration",
        words="only observes",
        declared=observing("data_exposure"),
        flips=("field-shown-in-clear",),
        names=r"data_exposure.*only observes",
        beside="authentication",
    ),
    Switch(
        control="data_exposure",
        where="declaration",
        words="everything in clear for agents",
        declared=text(
            "assay.yaml",
            ("classes: [user.name, user.contact, user.content], form: clear", "classes: [user], form: clear"),
            ("      - {roles: [agent], classes: [user.financial], form: last4}\n", ""),
        ),
        flips=("field-shown-in-clear",),
        names=r"customer-data/1-agent",
    ),
    Switch(
        control="transport_encryption",
        where="gateway",
        words="TLS 1.0 and its suites",
        compiled=_old_tls,
        flips=("old-version-accepted",),
        names=r"TLS 1\.[01]",
        beside="network_ranges",
    ),
    Switch(
        control="transport_encryption",
        where="gateway",
        words="no TLS at all",
        compiled=_without_tls,
        flips=("plaintext-answered",),
        names=r"HTTP without TLS is answered",
    ),
    Switch(
        control="transport_encryption",
        where="gateway",
        words="no TLS 1.3",
        compiled=_no_modern_tls,
        flips=("modern-version-refused",),
        names=r"TLS 1\.3",
        least=Severity.LOW,
    ),
    Switch(
        control="api_gateway",
        where="gateway",
        words="a forgotten route to the service",
        compiled=_forgotten_route,
        flips=("undeclared-endpoint-answers",),
        names=r"/debug/config",
        beside="network_ranges",
    ),
    Switch(
        control="api_gateway",
        where="gateway",
        words="a route takes any method",
        compiled=_any_method,
        flips=("undeclared-method-served",),
        names=r"customer-data/\d-\w+|/customers",
    ),
    Switch(
        control="activity_logging",
        where="gateway",
        words="nothing is logged",
        compiled=_silent_log,
        flips=("call-not-logged", "refusal-not-logged"),
        names=r"no line in the log",
    ),
    Switch(
        control="activity_logging",
        where="gateway",
        words="the log does not say who",
        compiled=_anonymous_log,
        flips=("call-not-logged",),
        names=r"log line.*who called",
        beside="network_ranges",
    ),
    Switch(
        control="activity_logging",
        where="gateway",
        words="the log does not say why",
        compiled=_log_without_policy,
        flips=("refusal-not-logged",),
        names=r"policy that refused",
    ),
    Switch(
        control="activity_logging",
        where="gateway",
        words="secrets in the log",
        compiled=_talkative_log,
        flips=("secret-in-log",),
        names=r"credential is in the log",
    ),
    Switch(
        control="data_exposure",
        where="gateway",
        words="security headers left out",
        compiled=_without_headers,
        flips=("response-header-missing",),
        names=r"(?i)nosniff|x-content-type-options|cache-control",
        least=Severity.LOW,
    ),
    Switch(
        control="api_inventory",
        where="declaration",
        words="an end that answers do not tell",
        declared=pattern("assay.yaml", r"      sunset: .*\n", ""),
        flips=("end-not-announced",),
        names=r"`sunset: ",
        least=Severity.LOW,
    ),
    Switch(
        control="security_testing",
        where="declaration",
        words="what testers reported comes back",
        declared=observing("input_validation"),
        flips=("reported-finding-still-works",),
        names=r"still works.*`input_validation/[\w-]+` would have refused",
        beside="transport_encryption",
        least=Severity.HIGH,
    ),
)
"""What is lost with an older TLS that is still good, or with a header, is low in severity by its own control."""
