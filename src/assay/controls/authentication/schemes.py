"""From the security requirements of a contract to the proofs that the gateway accepts.

OpenAPI's ``security`` is an OR of ANDs. Each alternative becomes a set of proofs; one that the gateway cannot verify
safely is dropped as a whole, with the reason, so that what is left never asks for less than the contract does. Where
nothing is left and ``security: any`` is declared, the gateway asks for a credential of its own; the service may go on
asking for what the contract names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from assay.declare.contract import Contract, Operation, Requirement, SecurityScheme
from assay.declare.declaration import Declaration
from assay.declare.model import Api, Consumer
from assay.declare.rules import Numbered
from assay.gateway.ir import Proof

Reason = Literal[
    "basic-authentication", "key-in-url", "key-in-cookie", "unsupported-scheme", "environment-without-issuer"
]
"""Why an alternative was dropped; also the id of the check that reports it."""
DEFAULT_KEY_HEADER = "x-api-key"
"""Where API keys are expected when the contract does not say."""
Alternatives = tuple[tuple[Proof, ...], ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """An alternative that the gateway does not accept, and the scheme that is to blame."""

    scheme: SecurityScheme | None
    reason: Reason
    sentence: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an operation accepts.

    Attributes:
        alternatives: sets of proofs, any of which will do; an empty set is an anonymous call. None at all: nobody.
        dropped: the contract's alternatives that are not accepted.
        silent: the contract says nothing about security here.
        refused_anonymous: an access rule allows anonymous calls, but the contract does not.
        roles_ignored: the contract lists roles or scopes with a scheme whose credentials carry none.
    """

    alternatives: Alternatives
    dropped: tuple[Dropped, ...] = ()
    silent: bool = False
    refused_anonymous: bool = False
    roles_ignored: tuple[Requirement, ...] = ()

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of credential that are of use here."""
        return frozenset(proof.kind for alternative in self.alternatives for proof in alternative)


@dataclass(frozen=True)
class Resolver:
    """Resolves the requirements of one API. What depends on the API alone is computed once."""

    declaration: Declaration
    api: Api
    contract: Contract

    @cached_property
    def any_credential(self) -> Alternatives:
        """An alternative for each kind of credential that some consumer has, for ``security: any``."""
        ways = [c.authenticate for c in self.declaration.model.consumers.values()]
        found: list[tuple[Proof, ...]] = []
        if self.declaration.issuer(self.api) and any(w.oauth2 for w in ways):
            found.append((Proof("token", issuer=self.api.environment),))
        if any(w.api_key for w in ways):
            found.append((Proof("key", header=DEFAULT_KEY_HEADER),))
        if any(w.mtls for w in ways):
            found.append((Proof("certificate"),))
        return tuple(found)

    @cached_property
    def _resolved(self) -> dict[tuple[tuple[Requirement, ...], ...], Accepted]:
        return {}

    def accepted(self, operation: Operation, rules: Sequence[Numbered]) -> Accepted:
        """What ``operation`` accepts, given the access rules that cover it."""
        known = self._resolved.get(operation.security)
        if known is None:
            known = self._resolved[operation.security] = self._credentials(operation.security)
        anonymous = any(rule.anonymous for _, rule in rules)
        alternatives = known.alternatives
        if anonymous and self._open(operation):
            return Accepted((*alternatives, ()), known.dropped, known.silent, False, known.roles_ignored)
        return Accepted(alternatives, known.dropped, known.silent, anonymous, known.roles_ignored)

    def _open(self, operation: Operation) -> bool:
        """Whether the contract lets anonymous calls through: it says so, or says nothing and may be overruled."""
        return () in operation.security or (not operation.security and self.api.security == "any")

    def _credentials(self, security: tuple[tuple[Requirement, ...], ...]) -> Accepted:
        demanded = [alternative for alternative in security if alternative]
        if not demanded:
            found = self.any_credential if self.api.security == "any" else ()
            return Accepted(found, silent=not security)
        alternatives: dict[tuple[Proof, ...], None] = {}
        dropped: list[Dropped] = []
        ignored: list[Requirement] = []
        for alternative in demanded:
            result = self._alternative(alternative)
            if isinstance(result, Dropped):
                dropped.append(result)
                continue
            alternatives[result] = None
            ignored.extend(r for r in alternative if r.scopes and not self._carries_scopes(r))
        if self.api.security == "any" and self.contract.unprovable(security):
            return Accepted(self.any_credential, tuple(dropped))
        return Accepted(tuple(alternatives), tuple(dropped), roles_ignored=tuple(dict.fromkeys(ignored)))

    def _carries_scopes(self, requirement: Requirement) -> bool:
        scheme = self.contract.security_schemes.get(requirement.scheme)
        return scheme is not None and scheme.kind in ("oauth2", "openIdConnect")

    def _alternative(self, requirements: tuple[Requirement, ...]) -> tuple[Proof, ...] | Dropped:
        scopes: set[str] = set()
        headers: set[str] = set()
        token = certificate = False
        for requirement in requirements:
            scheme = self.contract.security_schemes.get(requirement.scheme)
            problem = self._problem(requirement, scheme)
            if problem or scheme is None:
                return problem or Dropped(None, "unsupported-scheme", f"scheme `{requirement.scheme}` is not declared")
            if scheme.kind == "apiKey":
                headers.add((scheme.parameter_name or "").lower())
            elif scheme.kind == "mutualTLS":
                certificate = True
            else:
                token = True
                if scheme.kind != "http-bearer":
                    scopes.update(requirement.scopes)
        if len(headers) > 1:
            both = " and ".join(sorted(headers))
            sentence = f"two API keys in one call ({both}) would have to belong to each other, which nothing declares"
            return Dropped(scheme, "unsupported-scheme", sentence)
        proofs = [Proof("token", issuer=self.api.environment, scopes=tuple(sorted(scopes)))] if token else []
        proofs += [Proof("key", header=header) for header in headers]
        return (*proofs, Proof("certificate")) if certificate else tuple(proofs)

    def _problem(self, requirement: Requirement, scheme: SecurityScheme | None) -> Dropped | None:
        if scheme is None:
            return None
        name = f"scheme `{requirement.scheme}`"
        if scheme.kind == "http-basic":
            return Dropped(scheme, "basic-authentication", f"{name} sends a password with every call")
        if scheme.kind == "apiKey" and scheme.location == "query":
            return Dropped(scheme, "key-in-url", f"{name} puts the key into the query, `{scheme.parameter_name}`")
        if scheme.kind == "apiKey" and scheme.location == "cookie":
            return Dropped(scheme, "key-in-cookie", f"{name} puts the key into the cookie `{scheme.parameter_name}`")
        if scheme.kind == "apiKey" and not scheme.parameter_name:
            return Dropped(scheme, "unsupported-scheme", f"{name} does not say which header holds the key")
        if scheme.kind == "http-other":
            return Dropped(scheme, "unsupported-scheme", f"{name} is an HTTP scheme that the gateway does not speak")
        if scheme.kind in ("oauth2", "openIdConnect", "http-bearer") and not self.declaration.issuer(self.api):
            sentence = f"{name} needs a token issuer, and environment `{self.api.environment}` has none"
            return Dropped(scheme, "environment-without-issuer", sentence)
        return None


def home(declaration: Declaration, consumer: Consumer) -> str | None:
    """The environment whose tokens a consumer uses: the one written, else the only one with an issuer, else None."""
    if consumer.environment:
        return consumer.environment
    candidates = [name for name, e in declaration.model.environments.items() if e.issuer]
    lived_in = {a.environment for a in declaration.model.apis.values() if a.product.lifecycle != "retired"}
    serving = [name for name in candidates if name in lived_in]
    return serving[0] if len(serving) == 1 else candidates[0] if len(candidates) == 1 else None
