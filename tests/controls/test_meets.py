"""What controls say they do against threats is complete, and names nothing that is not there."""

from __future__ import annotations

import re

import pytest

from assay.app.risk import remedies
from assay.controls.base import about
from assay.controls.registry import controls
from assay.risk.factors import AGENT, BUSINESS, NAMES, TECHNICAL, VULNERABILITY
from assay.risk.places import OPERATIONS
from assay.risk.threats import SCOPES, threats

IDS = [c.id for c in controls()]


@pytest.mark.parametrize("control", IDS)
class TestControl:
    def test_meets_a_threat_or_says_why_it_meets_none(self, control: str) -> None:
        found = about(control)
        assert bool(found.meets) != bool(found.meets_nothing)
        assert not found.meets_nothing or len(found.meets_nothing) > 30

    def test_names_threats_proofs_and_checks_that_exist(self, control: str) -> None:
        found = about(control)
        assert set(found.meets) <= set(threats())
        for threat, meets in found.meets.items():
            assert set(meets.proofs) <= set(found.proofs), threat
            assert set(meets.exploits) <= set(meets.proofs), threat
            assert set(meets.checks) <= set(found.checks), threat
            assert len(set(meets.proofs)) == len(meets.proofs)

    def test_rates_what_it_does_on_the_known_scale_and_gives_the_argument(self, control: str) -> None:
        for threat, meets in about(control).meets.items():
            assert meets.kind in ("preventive", "limiting"), threat
            assert meets.capability in (0.95, 0.40, 0.25), threat
            assert 0 < meets.reliability <= 1
            assert len(meets.argument) > 30 and meets.argument[0].isupper() and meets.argument[-1] == "."
            word = {0.95: "Decisive", 0.40: "Partial"}.get(meets.capability)
            assert word is None or meets.argument.startswith(word), threat
            assert meets.proofs, "without a proof nothing could ever be earned"
            assert not (meets.exploits and meets.kind == "limiting"), "what limits harm does not keep a threat away"

    def test_has_a_failure_domain_with_a_short_name(self, control: str) -> None:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", about(control).failure_domain_id)


def test_every_threat_has_a_remedy_or_says_why_not() -> None:
    met = {r.threat for r in remedies()}
    for id, known in threats().items():
        assert (id in met) != bool(known.without), id


def test_threats_are_complete() -> None:
    assert len(NAMES) == len(set(NAMES)) == 16
    assert (*AGENT, *VULNERABILITY, *TECHNICAL, *BUSINESS) == NAMES
    for id, known in threats().items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", id)
        assert known.threat.scope in SCOPES
        assert known.threat.scope != "operations" or known.where in OPERATIONS
        assert known.threat.title and known.threat.what.endswith(".")
        assert set(known.factors) <= set(NAMES)
        assert all(0 <= value <= 9 and len(because) > 10 for value, because in known.factors.values())
        assert any(r.startswith("CWE-") for r in known.threat.references)
        assert any(r.startswith("CAPEC-") for r in known.threat.references)


def test_the_ten_of_owasp_are_all_among_the_threats() -> None:
    named = {r for known in threats().values() for r in known.threat.references if r.startswith("OWASP")}
    assert named == {f"OWASP API{n}:2023" for n in range(1, 11)}


def test_two_controls_of_one_failure_domain_say_the_same_name() -> None:
    domains = {r.control: r.domain for r in remedies()}
    assert domains["api_gateway"] == domains["rate_limiting"], "both fail with the gateway's process"
    assert domains["authentication"] != domains["authorisation"]
