"""Proof of transport encryption: versions, suites, certificate, plaintext and HSTS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.controls.proving.shop import HEAD, Shop, named, run, surface_in
from tests.prove.scripted import NOW, Said, allowed

from assay.controls.transport_encryption.prove import prove
from assay.prove.case import NotReached, Offer, RawSeen, Shaken
from assay.prove.surface import Surface

_KEY = ec.generate_private_key(ec.SECP256R1())
FILES = HEAD.replace("apis:", "gateway: {tls: {files: {certificate: a.pem, key: b.pem}}}\napis:", 1)


def certificate(days: float) -> bytes:
    """A certificate that is valid for so many days more."""
    now, name = datetime.fromtimestamp(NOW, UTC), x509.Name([])
    builder = x509.CertificateBuilder(name, name, _KEY.public_key(), 1, now - timedelta(days=90), now + timedelta(days))
    return builder.sign(_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def server(
    *, least: str = "1.2", most: str = "1.3", weak: str = "", days: float = 300, trusted: bool = True
) -> Callable[[Offer], Shaken]:
    """A server that speaks these versions, and a weak suite if one is named."""

    def shake(offer: Offer) -> Shaken:
        version = min(most, offer.maximum)
        if version < max(least, offer.minimum):
            return Shaken(1, error="protocol version")
        suites = offer.suites or ""
        if offer.maximum == "1.2" and not suites.startswith(("ECDHE", "ALL")) and not (weak and weak in suites):
            return Shaken(2, error="handshake failure")
        if offer.verify and not trusted:
            return Shaken(3, error="unable to get local issuer certificate")
        return Shaken(4, version, "SUITE", certificate(days))

    return shake


def silent(data: bytes, tls: bool) -> RawSeen:
    return RawSeen(1, b"", True, 0.1)


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return surface_in(tmp_path / "shop", via="gateway", fronted=True)


def outcome_of(surface: Surface, test: str, shake: Callable[[Offer], Shaken], variant: str = "") -> str:
    (case,) = named(list(prove(surface)), test, variant=variant)
    return str(run(case, Shop(), surface, shakes=shake, raws=silent).outcome)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
class TestOldVersions:
    def test_that_are_refused_pass(self, surface: Surface, version: str) -> None:
        assert outcome_of(surface, "old-version-accepted", server(), version) == "pass"

    def test_that_are_accepted_are_found(self, surface: Surface, version: str) -> None:
        assert outcome_of(surface, "old-version-accepted", server(least=version), version) == "fail"

    def test_say_nothing_when_no_handshake_succeeds(self, surface: Surface, version: str) -> None:
        dead = server(least="9")
        assert outcome_of(surface, "old-version-accepted", dead, version) == "inconclusive"


def test_where_13_is_the_least_12_is_tried_too(tmp_path: Path) -> None:
    head = HEAD.replace("apis:", "gateway: {tls: {minimum: '1.3'}}\napis:", 1)
    surface = surface_in(tmp_path / "strict", head=head, via="gateway", fronted=True)
    assert outcome_of(surface, "old-version-accepted", server(), "1.2") == "fail"
    assert outcome_of(surface, "old-version-accepted", server(least="1.3"), "1.2") == "pass"
    assert outcome_of(surface, "weak-suite-accepted", server(least="1.3")) == "not_applicable"


@pytest.mark.parametrize(("most", "expected"), [("1.3", "pass"), ("1.2", "fail")])
def test_the_newest_version_must_be_spoken(surface: Surface, most: str, expected: str) -> None:
    assert outcome_of(surface, "modern-version-refused", server(most=most)) == expected


@pytest.mark.parametrize(("weak", "expected"), [("", "pass"), ("kRSA", "fail"), ("3DES", "fail"), ("aNULL", "fail")])
def test_weak_suites_are_found(surface: Surface, weak: str, expected: str) -> None:
    assert outcome_of(surface, "weak-suite-accepted", server(weak=weak)) == expected


def test_suites_that_this_machine_cannot_offer_are_not_counted_as_refused(surface: Surface) -> None:
    def shake(offer: Offer) -> Shaken:
        if not (offer.suites or "").startswith("ECDHE"):
            raise NotReached("no such suite here")
        return server()(offer)

    assert outcome_of(surface, "weak-suite-accepted", shake) == "inconclusive"


@pytest.mark.parametrize(
    ("days", "trusted", "expected"),
    [(300.0, True, "pass"), (5.0, True, "fail"), (-1.0, True, "fail"), (300.0, False, "fail")],
    ids=["good", "expires soon", "expired", "unknown authority"],
)
def test_the_certificate_is_read_and_verified(tmp_path: Path, days: float, trusted: bool, expected: str) -> None:
    surface = surface_in(tmp_path / "own", head=FILES, via="gateway", fronted=True)
    assert outcome_of(surface, "certificate-untrusted", server(days=days, trusted=trusted)) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "pass"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "pass"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "pass"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "fail"),
        (b"HTTP/1.1 301 Moved\r\nlocation: https://shop.example/\r\n\r\n", "fail"),
    ],
    ids=["closed", "alert", "refused", "served", "redirected"],
)
def test_without_tls_there_is_no_answer(surface: Surface, data: bytes, expected: str) -> None:
    (case,) = named(list(prove(surface)), "plaintext-answered")
    judged = run(case, Shop(), surface, shakes=server(), raws=lambda sent, tls: RawSeen(1, data, True, 0.1))
    assert judged.outcome == expected


class TestPlaintext:
    def test_behind_our_gateway_is_a_finding_of_its_own_and_no_other(self, tmp_path: Path) -> None:
        surface = surface_in(tmp_path / "plain", via="direct", fronted=True, tls=False)
        answered = RawSeen(1, b"HTTP/1.1 200 OK\r\n\r\n", True, 0.1)
        outcomes = {
            c.test.id: str(run(c, Shop(), surface, raws=lambda data, tls: answered).outcome) for c in prove(surface)
        }
        assert {test for test, outcome in outcomes.items() if outcome == "fail"} == {"plaintext-answered"}
        assert set(outcomes.values()) == {"fail", "not_applicable"}

    def test_of_a_foreign_api_on_this_machine_harms_nobody(self, tmp_path: Path) -> None:
        surface = surface_in(tmp_path / "own", tls=False, upstreams={"shop": "http://127.0.0.1:9000"})
        (case,) = prove(surface)
        assert run(case, Shop(), surface).outcome == "not_applicable"


@pytest.mark.parametrize(
    ("header", "expected"),
    [("max-age=31536000; includeSubDomains", "pass"), ("max-age=60", "fail"), ("", "fail"), ("max-age=x", "fail")],
)
def test_hsts_lasts_as_long_as_declared(surface: Surface, header: str, expected: str) -> None:
    (case,) = named(list(prove(surface)), "hsts-missing")
    headers = {"strict-transport-security": header} if header else {}

    def answer(asked: object) -> Said:
        return allowed({}, headers=headers)

    assert run(case, Shop(wants=answer), surface, shakes=server()).outcome == expected
