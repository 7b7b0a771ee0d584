"""What cases send, whom as, and what comes back: plain values, with no engine behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who can call: a persona in flesh and blood. Credentials stay with the engine.

    Attributes:
        name: unique in the run, such as ``mobile-app#2``.
        persona: whose kind it is.
        subject: what its token says as subject; None where there is no token that can be read.
        disposable: made for this case alone, so that it may be worn out.
    """

    name: str
    persona: str
    roles: tuple[str, ...]
    subject: str | None = None
    tenant: str | None = None
    disposable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to be sent.

    Attributes:
        target: path and query exactly as they go over the wire, base path included; never normalised.
        who: whose credentials are attached; None: nobody's.
        headers: sent as they are, after the ones the transport needs; a credential header given here replaces the
            identity's own.
        body: the bytes; ``content_type`` goes with it.
        purpose: what this request is for, in a few words, for the report: ``the owner reads it``.
        source: a loopback address to connect from; None: the engine chooses.
        follow: redirects to the same origin are followed, five at most; others never.
        api: whose address it goes to when calls go straight at upstreams; empty: the API of the case.
        direct: goes straight at the declared upstream of ``api`` although the run goes through the gateway.
    """

    method: str
    target: str
    who: Identity | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    content_type: str | None = None
    purpose: str = ""
    source: str | None = None
    follow: bool = False
    api: str = ""
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back. ``status`` 0: no HTTP answer (``error`` says why). ``number`` is the exchange's, within the case.

    ``headers`` have lower-case names; repeated ones are joined by ``, ``. ``body`` is cut at the engine's bound
    (``truncated``). ``seconds`` is until the last byte.
    """

    number: int
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    correlation: str
    error: str = ""
    truncated: bool = False

    @property
    def ok(self) -> bool:
        """Whether the answer is a success by its status. Never a verdict by itself."""
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether the status says that the request was turned down (4xx)."""
        return 400 <= self.status < 500

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON, or None."""
        import json

        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class RawSeen:
    """What came back for bytes that need not be HTTP. ``closed``: the other side ended the connection."""

    number: int
    data: bytes
    closed: bool
    seconds: float
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a client offers in a TLS handshake. Versions are ``1.0`` … ``1.3``; suites by OpenSSL's names.

    ``certificate``: ``none``, ``unknown-authority``, ``wrong-subject``, or the name of an identity with a certificate.
    """

    minimum: str = "1.2"
    maximum: str = "1.3"
    suites: str | None = None
    certificate: str = "none"
    verify: bool = True
    name: str | None = None
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Shaken:
    """How a handshake ended. ``error`` empty: it succeeded, with this version, suite and server certificate."""

    number: int
    version: str = ""
    suite: str = ""
    certificate: bytes = b""
    error: str = ""

    @property
    def refused(self) -> bool:
        """Whether there is no connection."""
        return bool(self.error)


@dataclass(frozen=True, slots=True)
class Thing:
    """A real object that a target addresses.

    Attributes:
        params: the path parameters by which it is addressed (its parents' included).
        owner: who owns it; the positive control is made with this identity.
        nonce: text that was planted in it when it was made, and that only its readers see; empty: none could be.
        made: whether this run made it, so that it may be changed or deleted.
    """

    params: Mapping[str, str]
    owner: Identity
    nonce: str = ""
    made: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A valid request for a target, before it is sent. ``body`` is a JSON value when ``content_type`` is JSON."""

    params: Mapping[str, str]
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: Any = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Canary:
    """A loopback URL of this run's own listener. Nobody but the system under test can know it."""

    url: str
    nonce: str
