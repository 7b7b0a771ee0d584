"""The gateway's certificate is read for real: in date, paired with its key, issued for the names that are served."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from assay.controls.base import Context, Site
from assay.controls.transport_encryption.design import design
from assay.controls.transport_encryption.enforce import enforce
from assay.declare.declaration import Declaration
from assay.domain import Verdict
from assay.gateway import ir
from assay.identity.pki import ensure_server_certificate

TODAY = date(2026, 7, 1)
SITE = Site("server.crt", "server.key", "ca.crt", "http://127.0.0.1:9400")
TEXT = """\
assay: 1
organisation: {{name: Shop}}
gateway: {{tls: {{files: {{certificate: pki/server.crt, key: pki/server.key}}, client_ca: pki/ca.crt}}}}
environments: {{e: {{tier: {tier}}}}}
apis:
  shop:
    owner: s
    exposure: public
    environment: e
    contract: shop.yaml
    upstream: http://127.0.0.1:1
    hosts: [{hosts}]
"""
Declared = Callable[..., Declaration]


def _made(tmp_path: Path, days_ago: float) -> None:
    then = datetime(2026, 7, 1, tzinfo=UTC) - timedelta(days=days_ago)
    ensure_server_certificate(tmp_path / "pki", ["api.example", "*.shop.test"], clock=lambda: then)


def _verdicts(declared: Declared, tier: str = "non-production", hosts: str = "api.example") -> dict[str, Verdict]:
    declaration = declared(TEXT.format(tier=tier, hosts=hosts))
    return {v.check: v for v in design(Context(declaration, TODAY, frozenset()))}


@pytest.mark.parametrize(
    ("days_ago", "usable", "lasting"),
    [
        (1, "pass", "pass"),
        (-0.75, "pass", "pass"),
        (70, "pass", "fail"),
        (89.25, "pass", "fail"),
        (89.75, "pass", "fail"),
        (91.5, "fail", None),
        (-2, "fail", None),
    ],
    ids=["fresh", "of this evening", "soon to expire", "ends tonight", "ended at six", "expired", "not yet valid"],
)
def test_a_certificate_is_judged_by_its_period(
    tmp_path: Path, declared: Declared, days_ago: float, usable: str, lasting: str | None
) -> None:
    _made(tmp_path, days_ago)
    found = _verdicts(declared)
    assert found["certificate-unusable"].outcome == usable
    assert (found["certificate-near-expiry"].outcome if "certificate-near-expiry" in found else None) == lasting


@pytest.mark.parametrize(
    ("hosts", "outcome"),
    [
        ("api.example", "pass"),
        ("API.Example", "pass"),
        ("a.shop.test", "pass"),
        ("'*.shop.test'", "pass"),
        ("shop.test", "fail"),
        ("a.b.shop.test", "fail"),
        ("api.example, other.example", "fail"),
        ("'*'", "not_applicable"),
    ],
)
def test_a_certificate_names_the_hosts_that_are_served(
    tmp_path: Path, declared: Declared, hosts: str, outcome: str
) -> None:
    _made(tmp_path, 1)
    assert _verdicts(declared, hosts=hosts)["certificate-for-another-name"].outcome == outcome


def test_a_development_certificate_does_not_pass_in_production_because_it_is_given_as_a_file(
    tmp_path: Path, declared: Declared
) -> None:
    _made(tmp_path, 1)
    assert _verdicts(declared, "production")["development-certificate-in-production"].outcome == "fail"
    assert _verdicts(declared)["development-certificate-in-production"].outcome == "pass"


def test_a_key_of_another_certificate_and_a_key_for_all_to_read_are_refused(tmp_path: Path, declared: Declared) -> None:
    _made(tmp_path, 1)
    key = tmp_path / "pki" / "server.key"
    key.chmod(0o644)
    assert _verdicts(declared)["certificate-unusable"].outcome == "fail"
    key.write_bytes((tmp_path / "pki" / "ca.key").read_bytes())
    key.chmod(0o600)
    found = _verdicts(declared)["certificate-unusable"]
    assert found.outcome == "fail"
    assert str(tmp_path) not in found.sentence


def test_the_listener_gets_paths_as_declared_and_the_development_certificate_by_default(
    tmp_path: Path, declared: Declared
) -> None:
    _made(tmp_path, 1)
    (listener,) = enforce(declared(TEXT.format(tier="production", hosts="api.example")), SITE)
    assert isinstance(listener, ir.Listener) and listener.tls
    assert listener.tls.certificate == "pki/server.crt"
    assert listener.tls.client_ca == "pki/ca.crt"
    plain = TEXT.replace("gateway:", "# gateway:").format(tier="production", hosts="api.example")
    (listener,) = enforce(declared(plain), SITE)
    assert isinstance(listener, ir.Listener)
    assert listener.tls == ir.Tls("server.crt", "server.key", hsts_seconds=31_536_000)
