"""Who the caller is, from what Envoy has verified. Nothing here trusts what a client says about itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assay.gateway import ir

Claims = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller as masking sees it. Nobody known has no role and clearance 0."""

    roles: frozenset[str] = frozenset()
    clearance: int = 0


NOBODY = Identity()


@dataclass(frozen=True, slots=True)
class Introspected:
    """What an issuer said of an opaque token (RFC 7662)."""

    client: str
    roles: tuple[str, ...] = ()
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Proofs:
    """Everything that Envoy verified about one request.

    ``token`` are the claims of a verified JWT, ``key_consumer`` the consumer whose API key was presented,
    ``certificate`` the name in a verified client certificate, or several with commas between.
    """

    token: Claims | None = None
    introspected: Introspected | None = None
    key_consumer: str | None = None
    certificate: str | None = None


class Directory:
    """The declared callers, by the ways of recognising them."""

    def __init__(self, callers: Iterable[ir.Caller], issuers: Iterable[tuple[str, str, ir.ClaimNames]]) -> None:
        """``issuers`` are (id, ``iss`` URL, claim names)."""
        declared = tuple(callers)
        self._issuers = {url: (name, claims) for name, url, claims in issuers}
        self._claims = dict(self._issuers.values())
        self._clients = {(c.issuer, c.client): c for c in declared if c.client is not None and not c.opaque}
        self._opaque = {(c.issuer, c.client): c for c in declared if c.client is not None and c.opaque}
        self._keys = {c.consumer: c for c in declared if c.api_key}
        self._certificates = {c.certificate_name: c for c in declared if c.certificate_name is not None}
        paths = [p for claims in self._claims.values() for p in (claims.client, claims.roles) if p]
        self.claim_roots = frozenset({"iss", *(path[0] for path in paths)})
        """The outermost claims that :meth:`identify` reads."""

    def identify(self, proofs: Proofs) -> Identity:
        """The caller's roles and clearance.

        Roles are the consumer's, narrowed to those in its token where tokens carry roles. Where several proofs name
        several consumers, only what all of them have counts. A token of a client that is not declared makes the
        caller unknown; so does an API key's unknown consumer. A certificate that names nobody declared adds nothing
        and takes nothing away, since connections may carry one for other reasons.
        """
        found: list[Identity] = []
        if proofs.token is not None:
            found.append(self._by_token(proofs.token))
        if proofs.introspected is not None:
            found.append(self._by_introspection(proofs.introspected))
        if proofs.key_consumer is not None:
            found.append(_identity(self._keys.get(proofs.key_consumer)))
        if proofs.certificate is not None:
            declared = (self._certificates.get(name) for name in proofs.certificate.split(","))
            found += [_identity(caller) for caller in declared if caller is not None]
        if not found:
            return NOBODY
        return Identity(frozenset.intersection(*(i.roles for i in found)), min(i.clearance for i in found))

    def _by_token(self, token: Claims) -> Identity:
        issuer = token.get("iss")
        if not isinstance(issuer, str) or issuer not in self._issuers:
            return NOBODY
        name, claims = self._issuers[issuer]
        client = _claim(token, claims.client)
        if not isinstance(client, str):
            return NOBODY
        held = None if claims.roles is None else _words(_claim(token, claims.roles))
        return _identity(self._clients.get((name, client)), held)

    def _by_introspection(self, said: Introspected) -> Identity:
        if said.issuer is not None:
            candidates = [self._opaque.get((said.issuer, said.client))]
        else:
            candidates = [c for (_, client), c in self._opaque.items() if client == said.client]
        if len(candidates) != 1 or candidates[0] is None:
            return NOBODY
        caller = candidates[0]
        claims = self._claims.get(caller.issuer or "")
        narrowed = claims is None or claims.roles is not None
        return _identity(caller, frozenset(said.roles) if narrowed else None)


def _identity(caller: ir.Caller | None, held: frozenset[str] | None = None) -> Identity:
    if caller is None:
        return NOBODY
    roles = frozenset(caller.roles)
    return Identity(roles if held is None else roles & held, caller.clearance)


def _claim(token: Claims, path: tuple[str, ...]) -> object:
    value: object = token
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _words(value: object) -> frozenset[str]:
    """Roles are an array of strings, or one string with spaces between them: exactly what Envoy takes for roles.

    Read more liberally, `x,admin agent` would let a caller in as agent and show it what admins see.
    """
    if isinstance(value, str):
        return frozenset(word for word in value.split(" ") if word)
    if isinstance(value, (list, tuple)):
        return frozenset(item for item in value if isinstance(item, str))
    return frozenset()
