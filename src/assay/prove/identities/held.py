"""What a cast keeps about one identity: the credentials that never leave the engine."""

from __future__ import annotations

from dataclasses import dataclass

from assay.declare.model import ProveIdentity
from assay.identity.issuer.tokens import Claims
from assay.prove.case import Identity
from assay.prove.seams import ClientCertificate, Presented
from assay.prove.surface import Persona

Header = tuple[str, str]


@dataclass(slots=True)
class Held:
    """One identity with its credentials.

    Attributes:
        scopes: what its token was asked for; None: all that its client has.
        token: its bearer token; empty: it has none.
        minted: the claims of a token that we signed ourselves, so that it can be signed again; None: it was fetched.
        ends: when the token ends, in seconds since the epoch; 0: unknown, or there is none.
        headers: credentials in headers of their own (key, cookie, password).
        secret: the part of ``headers`` that can be shown and altered; empty: none.
        given: how it was given by hand, if it was.
        made: when it got its credential.
        uses: how often it was handed out.
    """

    identity: Identity
    persona: Persona
    scopes: tuple[str, ...] | None = None
    token: str = ""
    minted: Claims | None = None
    ends: float = 0.0
    headers: tuple[Header, ...] = ()
    secret: str = ""
    certificate: ClientCertificate | None = None
    given: ProveIdentity | None = None
    made: float = 0.0
    uses: int = 0

    def presented(self) -> Presented:
        """Everything it shows."""
        token = (("authorization", f"Bearer {self.token}"),) if self.token else ()
        return Presented((*token, *self.headers), self.certificate)
