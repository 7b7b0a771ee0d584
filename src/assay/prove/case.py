"""A case: one attack (or one legitimate call) with its judgement, written by a control and run by the engine.

Cases do no I/O of their own. They are given a :class:`Lab`, ask it for real objects and identities, send requests
through it, and return what they conclude. A case that cannot reach what it wants to test raises :class:`NotReached`,
which becomes an ``inconclusive`` verdict with the reason: nothing that was not seen can pass.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol

from assay.domain import Location, Outcome, Severity

if TYPE_CHECKING:
    import random

    from assay.gateway.decision import Decision
    from assay.privilege.rights import Rights
    from assay.prove.foreign import Abroad
    from assay.prove.played import Behind, Played
    from assay.prove.surface import Persona, Surface, Target


class NotReached(Exception):
    """The logic under test was not reached. The text says what was missing, for a person."""


class Family(IntEnum):
    """In which order cases run: what disturbs others comes later. Between families, identities are made anew."""

    READ = 1
    OWN_WRITE = 2
    CROSS_WRITE = 3
    EXHAUSTION = 4
    DRAINING = 5
    """Uses up what all callers of a consumer share, so that none of them gets far for a while."""


@dataclass(frozen=True, slots=True)
class Test:
    """What a case tests: the ``proofs`` entry of a ``control.yaml``.

    ``id`` names the bad pattern; ``title`` states the good one. ``rows`` are the rows of the probe catalogue it covers.
    """

    control: str
    id: str
    title: str
    severity: Severity
    why: str
    fix: str
    rows: tuple[str, ...] = ()

    __test__ = False  # not a test of pytest


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


@dataclass(frozen=True, slots=True)
class Judged:
    """What a case concludes.

    Attributes:
        decisive: number of the exchange that shows it; the report prints how to send it again.
        facts: figures for machines (``{"declared": 10, "passed": 10}``); they go into the evidence.
    """

    outcome: Outcome
    sentence: str
    decisive: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity | None = None


def held(sentence: str, by: Seen | RawSeen | Shaken | None = None, **facts: Any) -> Judged:
    """The control did what it claims, and it was seen to."""
    return Judged(Outcome.PASS, sentence, by.number if by else None, facts)


def broken(
    sentence: str, by: Seen | RawSeen | Shaken | None = None, *, severity: Severity | None = None, **facts: Any
) -> Judged:
    """The control did not do what it claims. The engine runs the case again before it reports this."""
    return Judged(Outcome.FAIL, sentence, by.number if by else None, facts, severity)


def unclear(sentence: str, by: Seen | RawSeen | Shaken | None = None, **facts: Any) -> Judged:
    """What was seen proves neither the one nor the other."""
    return Judged(Outcome.INCONCLUSIVE, sentence, by.number if by else None, facts)


def beside_the_point(sentence: str) -> Judged:
    """There is nothing here that the test speaks about, as was only seen while it ran."""
    return Judged(Outcome.NOT_APPLICABLE, sentence)


class Lab(Protocol):
    """Everything a case may touch. One lab for each case; exchanges are numbered in the order they are sent."""

    @property
    def surface(self) -> Surface:
        """What is tested, and what is claimed about it."""

    @property
    def random(self) -> random.Random:
        """Deterministic by the run's seed and the case's id."""

    @property
    def nonce(self) -> str:
        """A marker of this case in this run: 16 letters and digits that occur nowhere else."""

    # Who -----------------------------------------------------------------------------------------------------------

    async def act(self, persona: Persona, *, fresh: bool = False, scopes: Sequence[str] | None = None) -> Identity:
        """An identity of this kind; ``fresh``: one made for this case alone. ``scopes``: a token with only these.

        Raises:
            NotReached: there is none and none can be made.
        """

    async def credential(self, who: Identity) -> str:
        """The token or key of an identity, to be altered. It is redacted wherever it appears later.

        Raises:
            NotReached: it has none that could be shown (a certificate, a session).
        """

    async def mint(
        self,
        who: Identity,
        *,
        claims: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
        header: Mapping[str, Any] | None = None,
        key: Any = None,
    ) -> str:
        """The identity's own token with other claims or header fields, signed by the issuer's own key, or by ``key``
        (a joserfc key; the header's ``alg`` is then the caller's to set).

        Raises:
            NotReached: the issuer's key is not ours, and no ``key`` is given; or the token is no JWT.
        """

    async def issuer_keys(self) -> Mapping[str, Any]:
        """The issuer's published key set (JWKS).

        Raises:
            NotReached: there is none.
        """

    # What ----------------------------------------------------------------------------------------------------------

    async def owned(
        self, target: Target, persona: Persona, *, other_than: Sequence[Identity] = (), fresh: bool = False
    ) -> Thing:
        """A real object that ``target`` addresses and an identity of ``persona`` owns; ``fresh``: made for this case.

        Raises:
            NotReached: there is none, with what was tried.
        """

    def draft(self, target: Target, thing: Thing | None = None, *, plant: str = "") -> Draft:
        """A valid request by the contract, for this object; ``plant`` is put into a free text property of the body.

        Raises:
            NotReached: a parameter has no value that is known to be real, or no valid value can be made.
        """

    def request(
        self,
        target: Target,
        draft: Draft,
        who: Identity | None,
        *,
        purpose: str,
        headers: Sequence[tuple[str, str]] = (),
        source: str | None = None,
    ) -> Call:
        """The draft as a call, encoded as the contract says."""

    # Doing ---------------------------------------------------------------------------------------------------------

    async def call(self, call: Call) -> Seen:
        """Sends one request. A target that hangs, resets or lies gives a Seen with ``error``, not an exception.

        Raises:
            NotReached: the run's bounds are used up, or the address is outside what was declared.
        """

    async def together(self, calls: Sequence[Call]) -> tuple[Seen, ...]:
        """Sends requests at the same time, each on a connection of its own."""

    async def raw(self, data: bytes, *, tls: bool = True, purpose: str = "") -> RawSeen:
        """Sends bytes on a connection of their own and reads what comes back (bounded in bytes and time)."""

    async def handshake(self, offer: Offer) -> Shaken:
        """Tries a TLS handshake, and ends the connection."""

    async def behind(self, call: Call, played: Played) -> Behind:
        """Sends one request through the live policy to a service of the run's own, which answers as it is told.

        Raises:
            NotReached: there is no gateway of ours, or its configuration cannot be run a second time.
        """

    def used(self, consumer: str, requests: int, seconds: int) -> tuple[float, float]:
        """The fewest and the most calls that this run has taken out of a consumer's limit and that are not back yet."""

    async def wait(self, seconds: float) -> None:
        """Lets time pass.

        Raises:
            NotReached: longer than this run may wait.
        """

    async def once(self, what: str, ask: Callable[[], Awaitable[Seen]]) -> Seen:
        """A success that other cases of this family may go by as well: what ``ask`` brought the first that asked.

        For positive controls alone, where nothing that cases do in between changes the answer. The exchange is in the
        evidence of the case that sent it, so it is never the decisive one of another. A case that runs again asks for
        itself, and so does everybody after some seconds.

        Raises:
            NotReached: as ``ask`` does; the next one asks again.
        """

    # Seeing --------------------------------------------------------------------------------------------------------

    async def decision(self, seen: Seen) -> Decision | None:
        """What the gateway's log says about an exchange: outcome and deciding policy. None: there is no log to read,
        or it has no line for the exchange within a few seconds (a finding for ``activity_logging``)."""

    async def log_line(self, seen: Seen) -> Mapping[str, Any] | None:
        """The gateway's log line about an exchange, or None."""

    async def log_holds(self, text: str) -> bool:
        """Whether the gateway's log of this run holds this text anywhere.

        Raises:
            NotReached: there is no log to read.
        """

    async def listen(self, *, redirect_to: str | None = None) -> Canary:
        """A URL of this run's own listener on loopback."""

    async def heard(self, canary: Canary, *, within: float = 1.0) -> bool:
        """Whether somebody fetched it. Waits no longer than ``within`` seconds."""

    async def rights(self, account: str) -> Rights:
        """What a declared account may really do, read from the system that grants it.

        Raises:
            NotReached: they cannot be read, with what would be needed.
        """

    async def stored(self, needle: bytes, *, system: str | None = None) -> bool:
        """Whether the store behind the API holds these bytes on its disk (write-ahead logs included).

        Raises:
            NotReached: no store is declared that can be read, with what would be needed.
        """

    async def abroad(self, environment: str) -> Abroad:
        """Another environment of the declaration, at its own gateway, to get credentials that are foreign here.

        Raises:
            NotReached: it has no gateway that was ever started, or it is production and nobody said that it may be
                called.
        """

    async def identifying(self, system: str, fields: Collection[str], *, at_most: int) -> tuple[bytes, ...]:
        """A few values that a store really holds in fields of these names. They are somebody's: to be compared, and
        never to be put into a sentence, a fact or a request.

        Raises:
            NotReached: the store cannot be read, or holds no such field.
        """

    def now(self) -> float:
        """The clock, in seconds since the epoch."""


Run = Callable[[Lab], Awaitable[Judged]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to try, planned before anything is sent.

    Attributes:
        subject: route into the declaration.
        at: where in the declaration or contract this was asked for.
        api, operation: what is called; empty for a whole API or the gateway.
        identity: name of the persona whose rights are tested; ``anonymous`` for nobody.
        variant: tells apart cases of one test on one subject and identity.
        requests, writes: the most it sends, and how many of those may change something.
        seconds: how long it may take beside its requests (waiting for a window, for instance).
        needs_gateway: makes sense only in front of our own gateway (its log, its limits).
        run: does it.
    """

    test: Test
    subject: str
    at: Location
    api: str
    operation: str = ""
    identity: str = "anonymous"
    variant: str = ""
    family: Family = Family.READ
    requests: int = 4
    writes: int = 0
    seconds: float = 0.0
    needs_gateway: bool = False
    run: Run = field(compare=False, repr=False)

    @property
    def id(self) -> str:
        """Unique within a run, the same in every run: what ``--replay`` takes."""
        where = f"{self.api}.{self.operation}" if self.operation else self.api or "gateway"
        parts = (self.test.control, self.test.id, where, self.identity, self.variant)
        return "/".join(p for p in parts if p)
