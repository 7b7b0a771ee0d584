"""A case: one attack (or one legitimate call) with its judgement, written by a control and run by the engine.

Cases do no I/O of their own. They are given a :class:`Lab`, ask it for real objects and identities, send requests
through it, and return what they conclude. A case that cannot reach what it wants to test raises :class:`NotReached`,
which becomes an ``inconclusive`` verdict with the reason: nothing that was not seen can pass.

Whoever writes a proof finds everything for it here; the values themselves are in :mod:`assay.prove.messages` and
:mod:`assay.prove.judgement`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol

from assay.domain import Location
from assay.prove.judgement import Judged, NotReached, Test, beside_the_point, broken, held, unclear
from assay.prove.messages import Call, Canary, Draft, Identity, Offer, RawSeen, Seen, Shaken, Thing

if TYPE_CHECKING:
    import random

    from assay.declare.model import MessageRecipe
    from assay.gateway.decision import Decision
    from assay.privilege.rights import Rights
    from assay.prove.foreign import Abroad
    from assay.prove.governed import Governed
    from assay.prove.played import Behind, Played
    from assay.prove.surface import Persona, Surface, Target

__all__ = [
    "Call",
    "Canary",
    "Case",
    "Draft",
    "Family",
    "Identity",
    "Judged",
    "Lab",
    "NotReached",
    "Offer",
    "RawSeen",
    "Run",
    "Seen",
    "Shaken",
    "Test",
    "Thing",
    "beside_the_point",
    "broken",
    "held",
    "unclear",
]


class Family(IntEnum):
    """In which order cases run: what disturbs others comes later. Between families, identities are made anew."""

    READ = 1
    OWN_WRITE = 2
    CROSS_WRITE = 3
    EXHAUSTION = 4
    DRAINING = 5
    """Uses up what all callers of a consumer share, so that none of them gets far for a while."""


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

    def mac(self, recipe: MessageRecipe, content: bytes) -> bytes:
        """The authentication code (HMAC) that a declared sender puts under this content.

        Raises:
            NotReached: the sender's secret cannot be had.
        """

    async def code_sent_to(self, address: str, *, within: float = 10.0) -> str:
        """The newest one-time code that was sent to this address of a test user.

        Raises:
            NotReached: no inbox is declared, or none arrived in time.
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

    def governed(self) -> Governed:
        """The gateway's own files, versions and records.

        Raises:
            NotReached: there is no gateway of ours.
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
