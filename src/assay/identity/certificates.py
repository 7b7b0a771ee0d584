"""Reading certificates and private keys: what a PEM file says, and whether a pair can be used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

from assay.domain import AssayError, Location
from assay.identity.files import read_private, read_public

DEVELOPMENT_MARK = "Assay development CA — not for production"
_LIMIT = 1 << 20
# Everything that `cryptography` raises on bytes that are PEM but not a sound certificate or key.
_MALFORMED = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """What a certificate says about itself. Times are UTC; ``not_after`` is the last moment of validity."""

    path: str
    subject: str
    issuer: str
    serial: int
    not_before: datetime
    not_after: datetime
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    uris: tuple[str, ...]
    key_type: str
    self_signed: bool
    authority: bool
    development: bool
    fingerprint_sha256: str
    chain_length: int

    @property
    def names(self) -> tuple[str, ...]:
        """Every subject alternative name a peer may be checked against."""
        return (*self.dns_names, *self.ip_addresses, *self.uris)

    def days_left(self, now: datetime) -> float:
        """Days until ``not_after``; negative when it has passed."""
        return (self.not_after - now).total_seconds() / 86_400


def inspect_certificate(path: Path) -> CertificateFacts:
    """The facts of the first certificate in a PEM file. Raises :class:`AssayError` if it cannot be read."""
    chain = load_certificates(path)
    return facts_of(chain[0], path, chain_length=len(chain))


def check_pair(certificate: Path, key: Path, *, now: datetime) -> CertificateFacts:
    """Whether a server or client can use this certificate with this private key at ``now``.

    Raises :class:`AssayError` naming the file when one is unreadable, not PEM, protected by a passphrase, when the key
    can be read by other users or belongs to another certificate, or when the certificate is expired or not yet valid.
    """
    chain = load_certificates(certificate)
    facts = facts_of(chain[0], certificate, chain_length=len(chain))
    private = load_private_key(key)
    if _public_bytes(private.public_key(), key) != _public_bytes(_public_key(chain[0], certificate), certificate):
        raise AssayError(
            f"The private key `{key}` does not belong to the certificate `{certificate}`.",
            fix="give the key that the certificate was requested with, and put the server's certificate first",
            location=Location(str(key)),
        )
    check_period(facts, now)
    return facts


def check_period(facts: CertificateFacts, now: datetime) -> None:
    """Raise :class:`AssayError` when ``now`` lies outside the period of validity."""
    where = Location(facts.path)
    if now < facts.not_before:
        raise AssayError(
            f"The certificate `{facts.path}` is not valid before {facts.not_before:%Y-%m-%d %H:%M} UTC"
            f" and it is {now:%Y-%m-%d %H:%M} UTC.",
            fix="correct this machine's clock, or wait until the certificate becomes valid",
            location=where,
        )
    if now > facts.not_after:
        raise AssayError(
            f"The certificate `{facts.path}` expired at {facts.not_after:%Y-%m-%d %H:%M} UTC.",
            fix="renew the certificate and give the new file",
            location=where,
        )


def facts_of(certificate: x509.Certificate, path: Path, *, chain_length: int = 1) -> CertificateFacts:
    """The facts of a parsed certificate; ``path`` is the file that errors name."""
    try:
        names = _alternative_names(certificate)
        return CertificateFacts(
            path=str(path),
            subject=certificate.subject.rfc4514_string(),
            issuer=certificate.issuer.rfc4514_string(),
            serial=certificate.serial_number,
            not_before=certificate.not_valid_before_utc.astimezone(UTC),
            not_after=certificate.not_valid_after_utc.astimezone(UTC),
            dns_names=tuple(names.get_values_for_type(x509.DNSName)) if names else (),
            ip_addresses=tuple(str(a) for a in names.get_values_for_type(x509.IPAddress)) if names else (),
            uris=tuple(names.get_values_for_type(x509.UniformResourceIdentifier)) if names else (),
            key_type=key_type(certificate.public_key()),
            self_signed=_is_self_signed(certificate),
            authority=_is_authority(certificate),
            development=DEVELOPMENT_MARK in _common_names(certificate.issuer),
            fingerprint_sha256=certificate.fingerprint(hashes.SHA256()).hex(),
            chain_length=chain_length,
        )
    except _MALFORMED as error:
        raise _malformed(path, "certificate", error) from error


def load_certificates(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file, in order. Raises :class:`AssayError`."""
    content = read_public(path, limit=_LIMIT, what="certificate")
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise AssayError(
            f"The file `{path}` holds no PEM certificate (no `-----BEGIN CERTIFICATE-----`).",
            fix="convert it: openssl x509 -inform der -in FILE -out FILE.pem",
            location=Location(str(path)),
        )
    try:
        return x509.load_pem_x509_certificates(content)
    except _MALFORMED as error:
        raise _malformed(path, "certificate", error) from error


def load_private_key(path: Path) -> PrivateKeyTypes:
    """The private key of a PEM file that only its owner may read. Raises :class:`AssayError`."""
    content = read_private(path, limit=_LIMIT, what="private key")
    if b"PRIVATE KEY-----" not in content:
        raise AssayError(
            f"The file `{path}` holds no PEM private key.",
            fix="convert it: openssl pkey -inform der -in FILE -out FILE.pem",
            location=Location(str(path)),
        )
    if b"BEGIN ENCRYPTED PRIVATE KEY" in content or b"Proc-Type: 4,ENCRYPTED" in content:
        raise AssayError(
            f"The private key `{path}` is protected by a passphrase, which a server cannot type.",
            fix="store it without one in a file of mode 0600: openssl pkey -in FILE -out NEWFILE",
            location=Location(str(path)),
        )
    try:
        return serialization.load_pem_private_key(content, password=None)
    except _MALFORMED as error:
        raise _malformed(path, "private key", error) from error


def key_type(key: PublicKeyTypes) -> str:
    """A public key in the words people use: ``EC P-256``, ``RSA 2048``, ``Ed25519``."""
    match key:
        case ec.EllipticCurvePublicKey():
            return f"EC {_CURVES.get(key.curve.name, key.curve.name)}"
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size}"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case ed448.Ed448PublicKey():
            return "Ed448"
        case dsa.DSAPublicKey():
            return f"DSA {key.key_size}"
        case _:
            return type(key).__name__.removesuffix("PublicKey")


_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _is_self_signed(certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(certificate)
    except (*_MALFORMED, InvalidSignature):
        return False
    return True


def _common_names(name: x509.Name) -> set[str]:
    return {str(attribute.value) for attribute in name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)}


def _public_key(certificate: x509.Certificate, path: Path) -> PublicKeyTypes:
    try:
        return certificate.public_key()
    except _MALFORMED as error:
        raise _malformed(path, "certificate", error) from error


def _public_bytes(key: PublicKeyTypes, path: Path) -> bytes:
    try:
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    except _MALFORMED as error:
        raise _malformed(path, "key", error) from error


def _malformed(path: Path, what: str, error: Exception) -> AssayError:
    # A parser's own words can be long or quote the file; the kind of error is enough, and holds no secret.
    return AssayError(
        f"The {what} in `{path}` is damaged or of a kind that is not supported ({type(error).__name__}).",
        fix="export it again as PEM, with an EC or RSA key",
        location=Location(str(path)),
    )
