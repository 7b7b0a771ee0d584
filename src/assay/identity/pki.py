"""A certificate authority for development: TLS and mTLS on a laptop with real certificates, marked as such.

Layout of a directory (0700, every file 0600)::

    ca.crt ca.key                    the authority, P-256, five years, may sign end entities only (pathlen 0)
    server.crt server.key            the gateway's certificate, 90 days, renewed when fewer than 30 are left
    client-NAME.crt client-NAME.key  one per consumer that authenticates by mutual TLS

The profile follows RFC 5280. The authority is name-constrained to names that exist on development machines only, so
that a leaked key cannot speak for a public host, even on a machine that trusts it.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from assay.domain import AssayError, Location, UsageError
from assay.identity.certificates import (
    DEVELOPMENT_MARK,
    CertificateFacts,
    check_pair,
    facts_of,
    inspect_certificate,
    load_certificates,
    load_private_key,
)
from assay.identity.files import ensure_private_directory, locked, present, write_private

__all__ = [
    "LOCAL_NAMES",
    "CertificateFacts",
    "CertificatePair",
    "check_pair",
    "ensure_ca",
    "ensure_server_certificate",
    "inspect_certificate",
    "issue_client_certificate",
]

Clock = Callable[[], datetime]

CA_LIFETIME = timedelta(days=5 * 365)
LEAF_LIFETIME = timedelta(days=90)
RENEW_BEFORE = timedelta(days=30)
# Clocks of containers and laptops differ by minutes; a certificate must work at once on all of them.
BACKDATE = timedelta(minutes=5)
LOCAL_NAMES: tuple[str, ...] = ("localhost", "127.0.0.1", "::1")

# Names that no public DNS answers: RFC 6761 (localhost, test, example, invalid), RFC 6762 (local), RFC 8375
# (home.arpa), and `internal`, which ICANN reserved for private use in 2024.
CONSTRAINED_TO: tuple[str, ...] = ("localhost", "test", "example", "invalid", "local", "internal", "home.arpa")

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.ASCII)


@dataclass(frozen=True, slots=True)
class CertificatePair:
    """Where a certificate, its key and the authority that vouches for it lie."""

    certificate: Path
    key: Path
    authority: Path
    facts: CertificateFacts


def utc_now() -> datetime:
    """The clock of the machine, in UTC."""
    return datetime.now(UTC)


def ensure_ca(directory: Path, clock: Clock = utc_now, *, suffixes: Sequence[str] = ()) -> CertificatePair:
    """The development authority of ``directory``, made at first use.

    An authority that would expire before a leaf it signs today is moved aside (``ca-until-DATE.*``) and replaced. One
    that is damaged is an error, never overwritten. ``suffixes`` adds DNS suffixes that a new authority may sign for.
    """
    ensure_private_directory(directory)
    with locked(directory / "ca.key"):
        return _ensure_ca(directory, clock(), tuple(suffixes))


def ensure_server_certificate(
    directory: Path,
    names: Sequence[str] = LOCAL_NAMES,
    clock: Clock = utc_now,
    *,
    name: str = "server",
) -> CertificatePair:
    """A certificate for TLS servers with exactly these DNS names and IP addresses, renewed when due.

    Made anew when it is missing, has fewer than 30 days left, has other names or was signed by another authority.
    ``name`` is the stem of the file. Raises :class:`AssayError` for a name that the authority may not sign.
    """
    return _ensure_leaf(directory, name, _subject_names(names), ExtendedKeyUsageOID.SERVER_AUTH, clock)


def issue_client_certificate(directory: Path, san: str, clock: Clock = utc_now) -> CertificatePair:
    """A certificate for a TLS client named ``san``: a DNS name (``back-office.internal``) or a URI (``spiffe://…``).

    Returns the one issued before while it has 30 days left. Files are ``client-SAN.crt`` and ``client-SAN.key``.
    """
    names = _subject_names([san])
    if isinstance(names[0], x509.IPAddress):
        raise UsageError(f"`{san}` is an address, not the name of a client.", fix="use a name such as `app.internal`")
    slug = re.sub(r"[^a-z0-9.-]+", "-", san.lower()).strip("-.")[:60]
    if slug != san.lower():  # two names must never share a file
        slug = f"{slug}-{hashlib.sha256(san.encode()).hexdigest()[:8]}"
    return _ensure_leaf(directory, f"client-{slug}", names, ExtendedKeyUsageOID.CLIENT_AUTH, clock)


def _ensure_ca(directory: Path, now: datetime, suffixes: tuple[str, ...]) -> CertificatePair:
    certificate, key = directory / "ca.crt", directory / "ca.key"
    if present(certificate) or present(key):
        for path in (certificate, key):
            if not present(path):
                raise AssayError(
                    f"The development authority is incomplete: `{path}` is missing.",
                    fix=f"put it back, or remove ca.crt and ca.key from {directory} to start a new authority",
                    location=Location(str(path)),
                )
        facts = inspect_certificate(certificate)
        if now + LEAF_LIFETIME < facts.not_after:
            facts = check_pair(certificate, key, now=now)
            if not (facts.authority and facts.self_signed and facts.development):
                raise AssayError(
                    f"`{certificate}` is not a development authority that Assay made.",
                    fix="give real certificates by file, and use another directory for development",
                    location=Location(str(certificate)),
                )
            return CertificatePair(certificate, key, certificate, facts)
        for path in (key, certificate):
            path.replace(path.with_stem(f"ca-until-{facts.not_after:%Y%m%d}"))
    private = ec.generate_private_key(ec.SECP256R1())
    signed = _sign_authority(private, now, suffixes)
    write_private(key, _pem(private))
    write_private(certificate, signed.public_bytes(serialization.Encoding.PEM))
    return CertificatePair(certificate, key, certificate, facts_of(signed, certificate))


def _sign_authority(private: ec.EllipticCurvePrivateKey, now: datetime, suffixes: tuple[str, ...]) -> x509.Certificate:
    serial = x509.random_serial_number()
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Assay development"),
            # Tells the authorities of two projects apart in a trust store.
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"{serial:x}"[-12:]),
            x509.NameAttribute(NameOID.COMMON_NAME, DEVELOPMENT_MARK),
        ]
    )
    public = private.public_key()
    # DNS only. With an IP constraint, Envoy 1.40 (BoringSSL) refuses every leaf that has an address among its names:
    # "unsupported name constraint type". Which addresses are signed for is decided in _check_constraints.
    permitted = [x509.DNSName(_dns_name(suffix)) for suffix in (*CONSTRAINED_TO, *suffixes)]
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(private, hashes.SHA256())
    )


def _ensure_leaf(
    directory: Path,
    stem: str,
    names: tuple[x509.GeneralName, ...],
    purpose: x509.ObjectIdentifier,
    clock: Clock,
) -> CertificatePair:
    ensure_private_directory(directory)
    certificate, key = directory / f"{stem}.crt", directory / f"{stem}.key"
    with locked(directory / "ca.key"):
        now = clock()
        authority = _ensure_ca(directory, now, ())
        issuer = load_certificates(authority.certificate)[0]
        if present(certificate) and present(key):
            current = load_certificates(certificate)[0]
            facts = facts_of(current, certificate)
            due = facts.not_after - now < RENEW_BEFORE or now < facts.not_before
            # A crash between the two writes below leaves a pair that does not match; it is made anew like an old one.
            paired = load_private_key(key).public_key() == current.public_key()
            if paired and not due and _signed_by(current, issuer) and _names_of(current) == frozenset(names):
                return CertificatePair(certificate, key, authority.certificate, facts)
        _check_constraints(names, issuer, authority.certificate)
        signer = load_private_key(authority.key)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise AssayError(f"`{authority.key}` is not an EC key.", location=Location(str(authority.key)))
        private = ec.generate_private_key(ec.SECP256R1())
        signed = _sign_leaf(private, names, purpose, issuer, signer, now)
        write_private(key, _pem(private))
        write_private(certificate, signed.public_bytes(serialization.Encoding.PEM))
        return CertificatePair(certificate, key, authority.certificate, facts_of(signed, certificate))


def _sign_leaf(
    private: ec.EllipticCurvePrivateKey,
    names: tuple[x509.GeneralName, ...],
    purpose: x509.ObjectIdentifier,
    issuer: x509.Certificate,
    signer: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    public = private.public_key()
    common = str(names[0].value)
    subject = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Assay development — not for production")]
    if len(common) <= 64:  # the upper bound of a common name, RFC 5280 appendix A.1
        subject.append(x509.NameAttribute(NameOID.COMMON_NAME, common))
    key_identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(issuer.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + LEAF_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_identifier), critical=False)
        .sign(signer, hashes.SHA256())
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _subject_names(names: Sequence[str]) -> tuple[x509.GeneralName, ...]:
    """Parse names into subject alternative names, duplicates removed, order kept."""
    found: dict[x509.GeneralName, None] = {}
    for name in names:
        if "://" in name:
            found[_uri_name(name)] = None
            continue
        try:
            found[x509.IPAddress(ipaddress.ip_address(name))] = None
        except ValueError:
            found[x509.DNSName(_dns_name(name, wildcard=True))] = None
    if not found:
        raise UsageError("A certificate needs at least one name.", fix="give a DNS name or an IP address")
    return tuple(found)


def _uri_name(name: str) -> x509.UniformResourceIdentifier:
    try:
        parts = urlsplit(name)
        sound = name.isascii() and name.isprintable() and " " not in name and bool(parts.hostname) and len(name) <= 2048
        sound = sound and not (parts.username or parts.password)
    except ValueError:
        sound = False
    if not sound:
        raise UsageError(f"`{name!r}` is not a URI that can name a client.", fix="write it as spiffe://domain/path")
    return x509.UniformResourceIdentifier(name)


def _dns_name(name: str, *, wildcard: bool = False) -> str:
    plain = name.lower()
    body = plain[2:] if wildcard and plain.startswith("*.") else plain
    if len(plain) > 253 or not all(_LABEL.fullmatch(label) for label in body.split(".")):
        raise UsageError(
            f"{name!r} is not a DNS name.", fix="use letters, digits, hyphens and dots; write other scripts as xn--…"
        )
    return plain


def _check_constraints(names: tuple[x509.GeneralName, ...], issuer: x509.Certificate, path: Path) -> None:
    suffixes = _permitted_suffixes(issuer, path)
    for name in names:
        match name:
            case x509.DNSName(value=dns):
                bare = dns.removeprefix("*.")
                allowed = any(bare == suffix or bare.endswith(f".{suffix}") for suffix in suffixes)
            case x509.IPAddress(value=address):
                allowed = isinstance(address, ipaddress.IPv4Address | ipaddress.IPv6Address) and (
                    address.is_private or address.is_loopback or address.is_link_local
                )
            case _:
                allowed = True  # URIs name clients inside one trust domain; no public authority vouches for them
        if not allowed:
            raise UsageError(
                f"The development authority may not sign for `{name.value}`.",
                fix="use a name under " + ", ".join(f"`.{s}`" for s in suffixes) + ", a private address,"
                " or give a real certificate by file",
                location=Location(str(path)),
            )


def _permitted_suffixes(issuer: x509.Certificate, path: Path) -> tuple[str, ...]:
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.NameConstraints).value
    except (x509.ExtensionNotFound, ValueError) as error:
        raise AssayError(
            f"The authority `{path}` has no name constraints, so it is not one that Assay made.",
            fix="remove ca.crt and ca.key to start a new development authority",
            location=Location(str(path)),
        ) from error
    return tuple(n.value for n in constraints.permitted_subtrees or () if isinstance(n, x509.DNSName))


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _names_of(certificate: x509.Certificate) -> frozenset[x509.GeneralName]:
    try:
        return frozenset(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return frozenset()


def _pem(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
