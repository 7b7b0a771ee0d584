"""The public keys of an issuer (JWKS, RFC 7517): read, checked, stripped to what verification needs, put in order."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from assay.domain import AssayError, Location, UsageError, did_you_mean
from assay.identity import http
from assay.identity.files import read_public
from assay.identity.http import Reach

ASYMMETRIC_ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""Signature algorithms whose verification key is public (RFC 7518 section 3.1, RFC 8037)."""
DEFAULT_ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256", "ES384", "EdDSA"})
MINIMUM_RSA_BITS: Final = 2048  # RFC 7518 section 3.3
MAXIMUM_RSA_BITS: Final = 8192  # a longer modulus only makes each verification slow
_MAXIMUM_KEYS = 100
_PUBLIC_MEMBERS: Mapping[str, tuple[str, ...]] = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CURVE_ALGORITHM: Mapping[str, str] = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
_MALFORMED = (JoseError, ValueError, KeyError, TypeError, AttributeError, OverflowError, AssertionError)


@dataclass(frozen=True, slots=True)
class Jwks:
    """A normalised key set.

    Attributes:
        document: ``{"keys": [...]}``, public members only, each key with its ``alg`` pinned, sorted by ``kid``.
        ignored: a sentence for each key that was left out, and why.
    """

    document: dict[str, list[dict[str, str]]]
    ignored: tuple[str, ...] = ()

    def text(self) -> str:
        """The document as canonical JSON: equal key sets give equal bytes, and so equal digests."""
        return msgspec.json.encode(self.document, order="sorted").decode()


@dataclass(frozen=True, slots=True)
class Provider:
    """What discovery tells about an issuer. The endpoints are empty where the issuer names none."""

    issuer: str
    jwks_uri: str
    token_endpoint: str = ""
    introspection_endpoint: str = ""
    development: bool = False


def read_jwks(
    source: str,
    *,
    base: Path,
    algorithms: Iterable[str] = DEFAULT_ALGORITHMS,
    reach: Reach | None = None,
    location: Location | None = None,
) -> Jwks:
    """The key set at ``source``: an https URL (http for this machine), or a file path relative to ``base``.

    Raises :class:`AssayError` when it cannot be read or is not fit for use; see :func:`normalise`.
    """
    reach = reach or Reach()
    if "://" in source:
        content = http.get(source, reach, what="key set", location=location).body
    else:
        content = read_public(base / source, limit=reach.max_bytes, what="key set")
        location = location or Location(str(base / source))
    return normalise(content, where=source, algorithms=algorithms, location=location)


def discover(issuer: str, *, reach: Reach | None = None, location: Location | None = None) -> Provider:
    """Ask ``issuer`` where its keys are (OpenID Connect Discovery 1.0, section 4).

    The issuer that the document names must be ``issuer`` exactly (section 4.3), else one issuer could pose as another.
    Raises :class:`AssayError`.
    """
    url = issuer.removesuffix("/") + "/.well-known/openid-configuration"
    reach = reach or Reach()
    reply = http.get(url, reach, what="discovery document", location=location)
    document = http.json_object(reply.body, "discovery document", url, location)
    named = document.get("issuer")
    if named != issuer:
        shown = f"`{named[:200]}`" if isinstance(named, str) else "none"
        raise AssayError(
            f"The issuer `{issuer}` names itself {shown}; tokens would carry that name and be refused.",
            fix="declare the issuer exactly as it names itself, to the last slash",
            location=location,
        )
    found: dict[str, str] = {}
    for member in ("jwks_uri", "token_endpoint", "introspection_endpoint"):
        value = document.get(member, "")
        if not isinstance(value, str):
            raise AssayError(f"`{member}` of the issuer `{issuer}` is not text.", location=location)
        if value:
            http.check_url(value, uds=reach.uds, location=location)
        found[member] = value
    if not found["jwks_uri"]:
        raise AssayError(
            f"The issuer `{issuer}` does not say where its keys are (`jwks_uri`).",
            fix="declare the address of its key set",
            location=location,
        )
    return Provider(issuer=issuer, development=document.get("assay_development_issuer") is True, **found)


def read_issuer_keys(
    issuer: str,
    *,
    algorithms: Iterable[str] = DEFAULT_ALGORITHMS,
    reach: Reach | None = None,
    location: Location | None = None,
) -> Jwks:
    """The key set of ``issuer``, found by discovery. Raises :class:`AssayError`."""
    provider = discover(issuer, reach=reach, location=location)
    return read_jwks(provider.jwks_uri, base=Path(), algorithms=algorithms, reach=reach, location=location)


def normalise(
    content: bytes,
    *,
    where: str,
    algorithms: Iterable[str] = DEFAULT_ALGORITHMS,
    location: Location | None = None,
) -> Jwks:
    """Check the JWKS in ``content`` and reduce it to what a verifier needs.

    - A private or symmetric key is an error: it has leaked, and whoever read the set can forge tokens.
    - A key is pinned to one asymmetric algorithm: the ``alg`` it states, else the one of its curve, else RS256 for RSA
      (RFC 8725 section 3.1: the verifier chooses the algorithm, not the token).
    - Keys for encryption, of unknown types (RFC 7517 section 5) or of algorithms outside ``algorithms`` are left out,
      and said. RSA keys outside 2048 to 8192 bits and damaged keys are errors.

    Raises :class:`AssayError` also when no key is left, and :class:`UsageError` for an algorithm that is not
    asymmetric. ``where`` is the source that errors name.
    """
    allowed = frozenset(algorithms)
    for name in sorted(allowed - ASYMMETRIC_ALGORITHMS):
        raise UsageError(
            f"Tokens cannot be accepted with the algorithm `{name[:40]}`.",
            fix=did_you_mean(name, ASYMMETRIC_ALGORITHMS, what="algorithm"),
            location=location,
        )
    keys = http.json_object(content, "key set", where, location).get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise AssayError(
            f"The key set from `{where}` has no list of `keys`.", fix="check the address", location=location
        )
    if len(keys) > _MAXIMUM_KEYS:
        raise AssayError(f"The key set from `{where}` has more than {_MAXIMUM_KEYS} keys.", location=location)
    kept: dict[tuple[str, str, str], dict[str, str]] = {}
    ignored: list[str] = []
    for number, key in enumerate(keys, start=1):
        reading = _Reading(key, f"Key {number} of `{where}`", allowed, location)
        reason = reading.reason_to_ignore()
        if reason:
            ignored.append(f"{reading.name} is left out: {reason}.")
            continue
        public, thumbprint = reading.public()
        kept[public.get("kid", ""), thumbprint, public["alg"]] = public
    if not kept:
        raise AssayError(
            f"The key set from `{where}` has no key that can verify tokens." + "".join(f" {s}" for s in ignored),
            fix="check the address and the allowed algorithms",
            location=location,
        )
    return Jwks({"keys": [kept[order] for order in sorted(kept)]}, tuple(ignored))


class _Reading:
    """One key while it is judged."""

    def __init__(self, key: dict[str, object], name: str, allowed: frozenset[str], location: Location | None) -> None:
        self._key = key
        self.name = name
        self._allowed = allowed
        self._location = location

    def reason_to_ignore(self) -> str:
        kty = self._key.get("kty")
        if kty == "oct" or _PRIVATE_MEMBERS & self._key.keys():
            raise self._error(
                "is a secret key; whoever can read this set can forge tokens",
                "publish public keys only, and replace this key at the issuer",
            )
        if not isinstance(kty, str) or kty not in _PUBLIC_MEMBERS:
            return "its type is not known"
        if self._key.get("use", "sig") != "sig":
            return "it is not for signatures"
        operations = self._key.get("key_ops", ["verify"])
        if not isinstance(operations, list) or "verify" not in operations:
            return "it is not for verification"
        algorithm = self._algorithm()
        if algorithm not in self._allowed:
            return f"its algorithm ({algorithm[:20]}) is not allowed"
        return ""

    def public(self) -> tuple[dict[str, str], str]:
        """The public members, checked to be a sound key, and the thumbprint (RFC 7638)."""
        kty = str(self._key["kty"])
        public = {"kty": kty, "alg": self._algorithm(), "use": "sig"}
        for member in _PUBLIC_MEMBERS[kty]:
            value = self._key.get(member)
            if not isinstance(value, str) or not value.isascii():
                raise self._error(f"has no `{member}`")
            public[member] = value
        kid = self._key.get("kid")
        if kid is not None:
            if not isinstance(kid, str) or not 0 < len(kid) <= 256 or not kid.isprintable():
                raise self._error("has a `kid` that is not 1 to 256 printable characters")
            public["kid"] = kid
        material = {name: public[name] for name in ("kty", *_PUBLIC_MEMBERS[kty])}
        try:
            if kty == "RSA":  # before the number is used: a weak or endless one is not worth the arithmetic
                self._check_rsa_size(public["n"])
            key = JWKRegistry.import_key(dict(material))
            thumbprint = key.thumbprint()
        except _MALFORMED as error:
            raise self._error("is damaged") from error
        self._check_fit(key, public["alg"])
        return public, thumbprint

    def _algorithm(self) -> str:
        stated = self._key.get("alg")
        if stated is not None:
            if not isinstance(stated, str):
                raise self._error("has an `alg` that is not text")
            # RFC 9864 names the curve; for Ed25519 it is the algorithm that RFC 8037 called EdDSA.
            return "EdDSA" if stated == "Ed25519" else stated
        if self._key.get("kty") != "RSA":
            return _CURVE_ALGORITHM.get(str(self._key.get("crv")), "none for this curve")
        for_rsa = sorted(a for a in self._allowed if a[:2] in ("RS", "PS"))
        if "RS256" in for_rsa or not for_rsa:
            return "RS256"  # the default of OpenID Connect Core 1.0, section 2
        if len(for_rsa) == 1:
            return for_rsa[0]
        raise self._error("does not say its algorithm, and several would do", "allow one RSA algorithm only")

    def _check_rsa_size(self, modulus: str) -> None:
        bits = int.from_bytes(base64.urlsafe_b64decode(modulus + "=" * (-len(modulus) % 4))).bit_length()
        if not MINIMUM_RSA_BITS <= bits <= MAXIMUM_RSA_BITS:
            raise self._error(f"has {bits} bits; RSA needs {MINIMUM_RSA_BITS} to {MAXIMUM_RSA_BITS}")

    def _check_fit(self, key: object, algorithm: str) -> None:
        match key:
            case RSAKey():
                fits = algorithm[:2] in ("RS", "PS")
            case ECKey() | OKPKey():
                fits = _CURVE_ALGORITHM.get(key.curve_name) == algorithm
            case _:
                fits = False
        if not fits:
            raise self._error(f"cannot be used with the algorithm {algorithm}")

    def _error(self, what: str, fix: str = "correct the key set at the issuer") -> AssayError:
        return AssayError(f"{self.name} {what}.", fix=fix, location=self._location)
