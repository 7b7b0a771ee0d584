"""Certificates for development that real TLS stacks accept, and that are clearly not for production."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.domain import AssayError, UsageError
from assay.identity.pki import (
    DEVELOPMENT_MARK,
    check_pair,
    ensure_ca,
    ensure_server_certificate,
    inspect_certificate,
    issue_client_certificate,
)


def now() -> datetime:
    return datetime.now(UTC)


def at(moment: datetime):
    return lambda: moment


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> tuple[dict, dict | None]:
    """One real handshake over a socket pair: what the client sees of the server, and the server of the client."""
    left, right = socket.socketpair()
    left.settimeout(10)
    right.settimeout(10)
    seen: dict[str, object] = {}

    def serve() -> None:
        try:
            with server.wrap_socket(left, server_side=True) as connection:
                seen["peer"] = connection.getpeercert()
                connection.sendall(b"ok")
        except OSError as error:
            seen["error"] = error
            left.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(right, server_hostname=name) as connection:
            peer = connection.getpeercert()
            if connection.recv(2) != b"ok":
                raise ssl.SSLError("refused by the server")
    finally:
        right.close()
        thread.join()
    return peer, seen.get("peer")


def server_context(pair, *, mutual: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pair.authority)
    return context


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_client_that_trusts_the_authority_reaches_the_gateway_by_every_local_name(tmp_path: Path, name: str) -> None:
    pair = ensure_server_certificate(tmp_path)
    peer, _ = handshake(server_context(pair), ssl.create_default_context(cafile=str(pair.authority)), name)
    assert ("DNS", "localhost") in peer["subjectAltName"]


def test_a_client_without_the_authority_refuses_the_gateway(tmp_path: Path) -> None:
    pair = ensure_server_certificate(tmp_path)
    with pytest.raises(ssl.SSLError):
        handshake(server_context(pair), ssl.create_default_context(), "localhost")


def test_mutual_tls_tells_the_server_which_consumer_calls(tmp_path: Path) -> None:
    server = ensure_server_certificate(tmp_path)
    consumer = issue_client_certificate(tmp_path, "back-office.internal")
    client = ssl.create_default_context(cafile=str(server.authority))
    client.load_cert_chain(consumer.certificate, consumer.key)
    _, peer = handshake(server_context(server, mutual=True), client, "localhost")
    assert peer is not None
    assert peer["subjectAltName"] == (("DNS", "back-office.internal"),)


def test_mutual_tls_refuses_a_client_of_another_authority_and_one_without_certificate(tmp_path: Path) -> None:
    server = ensure_server_certificate(tmp_path / "one")
    stranger = issue_client_certificate(tmp_path / "two", "back-office.internal")
    with_stranger = ssl.create_default_context(cafile=str(server.authority))
    with_stranger.load_cert_chain(stranger.certificate, stranger.key)
    without = ssl.create_default_context(cafile=str(server.authority))
    for client in (with_stranger, without):
        with pytest.raises(OSError):
            handshake(server_context(server, mutual=True), client, "localhost")


def test_a_client_certificate_cannot_pose_as_a_server(tmp_path: Path) -> None:
    impostor = issue_client_certificate(tmp_path, "localhost")
    with pytest.raises(ssl.SSLError):
        handshake(server_context(impostor), ssl.create_default_context(cafile=str(impostor.authority)), "localhost")


def test_everything_says_that_it_is_for_development_and_is_private(tmp_path: Path) -> None:
    directory = tmp_path / "pki"
    pair = ensure_server_certificate(directory)
    ca = inspect_certificate(pair.authority)
    assert DEVELOPMENT_MARK in ca.subject
    assert ca.authority and ca.self_signed and ca.development
    assert ca.key_type == "EC P-256"
    leaf = inspect_certificate(pair.certificate)
    assert leaf.development and not leaf.authority and not leaf.self_signed
    assert leaf.names == ("localhost", "127.0.0.1", "::1")
    assert 89 < leaf.days_left(now()) <= 90
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for file in directory.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_the_profile_follows_rfc_5280(tmp_path: Path) -> None:
    pair = ensure_server_certificate(tmp_path)
    ca = x509.load_pem_x509_certificate(pair.authority.read_bytes())
    leaf = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    basic = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical and basic.value.ca and basic.value.path_length == 0
    assert ca.extensions.get_extension_for_class(x509.NameConstraints).critical
    assert ca.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert not leaf.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    identifier = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert identifier == ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert leaf.serial_number != ca.serial_number and leaf.serial_number.bit_length() > 64


def test_a_second_start_changes_no_file(tmp_path: Path) -> None:
    def start() -> None:
        ensure_server_certificate(tmp_path)
        issue_client_certificate(tmp_path, "app.internal")

    start()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    start()
    assert before == {file.name: file.read_bytes() for file in tmp_path.iterdir()}


def test_a_certificate_is_renewed_before_its_last_thirty_days(tmp_path: Path) -> None:
    first = ensure_server_certificate(tmp_path, clock=at(now()))
    later = ensure_server_certificate(tmp_path, clock=at(now() + timedelta(days=59)))
    assert later.facts.serial == first.facts.serial
    renewed = ensure_server_certificate(tmp_path, clock=at(now() + timedelta(days=61)))
    assert renewed.facts.serial != first.facts.serial
    assert renewed.facts.days_left(now() + timedelta(days=61)) > 89


def test_a_certificate_is_made_anew_when_the_names_change(tmp_path: Path) -> None:
    first = ensure_server_certificate(tmp_path)
    second = ensure_server_certificate(tmp_path, ["api.test", "127.0.0.1"])
    assert second.facts.names == ("api.test", "127.0.0.1")
    assert first.facts.serial != second.facts.serial


def test_an_authority_near_its_end_is_moved_aside_not_lost(tmp_path: Path) -> None:
    first = ensure_ca(tmp_path)
    second = ensure_server_certificate(tmp_path, clock=at(now() + timedelta(days=5 * 365 - 10)))
    assert inspect_certificate(second.authority).serial != first.facts.serial
    assert [inspect_certificate(f).serial for f in tmp_path.glob("ca-until-*.crt")] == [first.facts.serial]


def test_a_half_written_pair_heals_itself(tmp_path: Path) -> None:
    one = ensure_server_certificate(tmp_path)
    other = ensure_server_certificate(tmp_path, name="other")
    one.key.write_bytes(other.key.read_bytes())
    healed = ensure_server_certificate(tmp_path)
    check_pair(healed.certificate, healed.key, now=now())


@pytest.mark.parametrize(
    "name", ["www.example.com", "8.8.8.8", "example.org", "localhost.evil.com", "*.com", "internalx"]
)
def test_the_authority_signs_for_no_public_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="may not sign"):
        ensure_server_certificate(tmp_path, [name])


def test_the_constraint_is_in_the_certificate_so_a_stolen_key_cannot_speak_for_a_public_host(tmp_path: Path) -> None:
    ca = ensure_ca(tmp_path)
    issuer = x509.load_pem_x509_certificate(ca.certificate.read_bytes())
    stolen = serialization.load_pem_private_key(ca.key.read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(minutes=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("www.example.com")]), critical=True)
        .sign(stolen, issuer.signature_hash_algorithm)
    )
    certificate, private = tmp_path / "forged.crt", tmp_path / "forged.key"
    certificate.write_bytes(forged.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(context, ssl.create_default_context(cafile=str(ca.certificate)), "www.example.com")


def test_a_team_can_add_its_own_development_suffix(tmp_path: Path) -> None:
    ensure_ca(tmp_path, suffixes=["dev.northwind.example"])
    assert ensure_server_certificate(tmp_path, ["api.dev.northwind.example"]).facts.dns_names


@pytest.mark.parametrize(
    "name", ["", "a b.test", "-a.test", "x" * 64 + ".test", "é.test", "a..test", "https://", "a\0.test"]
)
def test_what_is_no_name_is_refused_in_words(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        ensure_server_certificate(tmp_path, [name])


def test_spiffe_names_identify_clients_and_two_names_never_share_a_file(tmp_path: Path) -> None:
    one = issue_client_certificate(tmp_path, "spiffe://test/app-one")
    two = issue_client_certificate(tmp_path, "spiffe://test/app/one")
    assert one.facts.uris == ("spiffe://test/app-one",)
    assert one.certificate != two.certificate
    with pytest.raises(UsageError):
        issue_client_certificate(tmp_path, "127.0.0.1")


class TestCheckingRealCertificates:
    def test_a_good_pair_passes(self, tmp_path: Path) -> None:
        pair = ensure_server_certificate(tmp_path)
        assert check_pair(pair.certificate, pair.key, now=now()).serial == pair.facts.serial

    def test_expired_and_not_yet_valid_are_told_apart(self, tmp_path: Path) -> None:
        pair = ensure_server_certificate(tmp_path)
        with pytest.raises(AssayError, match="expired at"):
            check_pair(pair.certificate, pair.key, now=now() + timedelta(days=91))
        with pytest.raises(AssayError, match="not valid before"):
            check_pair(pair.certificate, pair.key, now=now() - timedelta(days=1))

    def test_a_key_of_another_certificate_is_found(self, tmp_path: Path) -> None:
        pair = ensure_server_certificate(tmp_path)
        other = issue_client_certificate(tmp_path, "app.test")
        with pytest.raises(AssayError, match="does not belong"):
            check_pair(pair.certificate, other.key, now=now())

    def test_a_key_that_others_can_read_is_refused_with_the_command_that_mends_it(self, tmp_path: Path) -> None:
        pair = ensure_server_certificate(tmp_path)
        pair.key.chmod(0o640)
        with pytest.raises(AssayError, match="0640") as caught:
            check_pair(pair.certificate, pair.key, now=now())
        assert caught.value.fix == f"chmod 600 {pair.key}"

    def test_missing_der_and_protected_files_are_named(self, tmp_path: Path) -> None:
        pair = ensure_server_certificate(tmp_path)
        with pytest.raises(AssayError, match="does not exist"):
            inspect_certificate(tmp_path / "absent.crt")
        with pytest.raises(AssayError, match="not a regular file"):
            inspect_certificate(tmp_path)
        der = tmp_path / "cert.der"
        certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
        der.write_bytes(certificate.public_bytes(serialization.Encoding.DER))
        with pytest.raises(AssayError, match="no PEM certificate"):
            inspect_certificate(der)
        private = serialization.load_pem_private_key(pair.key.read_bytes(), None)
        pair.key.write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"passphrase"),
            )
        )
        with pytest.raises(AssayError, match="passphrase"):
            check_pair(pair.certificate, pair.key, now=now())

    def test_a_damaged_authority_is_never_overwritten(self, tmp_path: Path) -> None:
        pair = ensure_server_certificate(tmp_path)
        pair.authority.write_bytes(b"garbage")
        with pytest.raises(AssayError):
            ensure_server_certificate(tmp_path)
        assert pair.authority.read_bytes() == b"garbage"
        pair.authority.unlink()
        with pytest.raises(AssayError, match="incomplete"):
            ensure_ca(tmp_path)

    @settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(data=st.data())
    def test_no_bytes_leak_a_foreign_exception(self, tmp_path: Path, data: st.DataObject) -> None:
        pair = ensure_server_certificate(tmp_path)
        good = x509.load_pem_x509_certificate(pair.certificate.read_bytes()).public_bytes(serialization.Encoding.DER)
        broken = bytearray(good)
        for _ in range(data.draw(st.integers(1, 4))):
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
        armour = data.draw(st.sampled_from(["CERTIFICATE", "EC PRIVATE KEY", "PRIVATE KEY"]))
        file = tmp_path / "broken.pem"
        file.write_bytes(_pem(bytes(broken), armour) + data.draw(st.binary(max_size=40)))
        file.chmod(0o600)
        for read in (lambda: inspect_certificate(file), lambda: check_pair(pair.certificate, file, now=now())):
            try:
                read()
            except AssayError as error:
                assert error.sentence and error.location


def _pem(der: bytes, armour: str) -> bytes:
    import base64
    import textwrap

    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN {armour}-----\n{body}\n-----END {armour}-----\n".encode()
