"""What the engine asks of its neighbours: identities, objects, stores. Protocols only; the engine is built on these.

None of them is given the transport. Whatever must be sent is sent through the ``send`` that comes with a call, so that
it is counted against the run's bounds, kept inside its scope and recorded with the case that needed it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from assay.prove.case import Call, Draft, Identity, Seen, Thing

if TYPE_CHECKING:
    import random

    from assay.declare.model import MessageRecipe
    from assay.privilege.rights import Rights
    from assay.prove.surface import Persona, Target

Send = Callable[[Call], Awaitable[Seen]]
"""Sends one request of the case that asks; raises :class:`~assay.prove.case.NotReached` when the bounds are used up."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """PEM files, the key readable by this user alone."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Presented:
    """How an identity proves itself on a request.

    Attributes:
        headers: credential headers, cookies included, with their real values.
        certificate: what it shows in the TLS handshake; None: nothing.
    """

    headers: tuple[tuple[str, str], ...] = ()
    certificate: ClientCertificate | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """Whether a needle is in a store, and how that was found out (``SQLite file, its -wal and -journal``)."""

    found: bool
    how: str


class Cast(Protocol):
    """Everybody who can call."""

    async def act(
        self, persona: Persona, *, fresh: bool = False, scopes: Sequence[str] | None = None, send: Send | None = None
    ) -> Identity:
        """An identity of this kind; the same one until :meth:`reset` unless ``fresh``.

        Args:
            persona: whose kind.
            fresh: one made for the caller alone (``disposable``), which shares no limit with others.
            scopes: its token has only these.
            send: for sign-in requests to the target and for seeing whether a new credential works; None: neither can
                be done.

        Raises:
            NotReached: there is none and none can be made, with what was missing.
        """

    def present(self, identity: Identity) -> Presented:
        """How this identity, which :meth:`act` gave, proves itself now."""

    async def renew(self, identity: Identity, *, send: Send | None = None) -> bool:
        """A new credential for the same identity, when its own is no longer taken. False: there is no way."""

    def retire(self, identity: Identity) -> None:
        """Its rate limit is worn out: it works on for whoever has it, and the next :meth:`act` gives another shared
        one. Nothing happens when there is only this one."""

    async def credential(self, identity: Identity) -> str:
        """See ``Lab.credential``. Raises NotReached."""

    async def mint(
        self,
        identity: Identity,
        *,
        claims: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
        header: Mapping[str, Any] | None = None,
        key: Any = None,
    ) -> str:
        """See ``Lab.mint``. Raises NotReached."""

    async def issuer_keys(self) -> Mapping[str, Any]:
        """See ``Lab.issuer_keys``. Raises NotReached."""

    async def certificate(self, name: str) -> ClientCertificate:
        """For handshakes: ``unknown-authority``, ``wrong-subject`` or the name of an identity that has one.

        Raises:
            NotReached: there is none of that name and none can be made.
        """

    def secrets(self) -> frozenset[str]:
        """Every secret ever handed out, minted or made in this run: what must be redacted wherever it appears."""

    async def reset(self) -> None:
        """Forgets shared identities, so that the next :meth:`act` makes new ones. Called between families."""

    async def close(self) -> None:
        """Revokes and removes what was made for the run. Called once, also after an interruption."""


class Objects(Protocol):
    """Real objects and valid requests."""

    async def owned(
        self,
        target: Target,
        persona: Persona,
        send: Send,
        *,
        other_than: Sequence[Identity] = (),
        fresh: bool = False,
        nonce: str = "",
        random: random.Random,
    ) -> Thing:
        """See ``Lab.owned``. ``nonce`` is planted where the object has room for it. Raises NotReached."""

    def lacks(self, target: Target) -> bool:
        """Whether a request of this target must name another object beside its path, of which none is known yet."""

    async def refer(self, target: Target, persona: Persona, send: Send, *, random: random.Random) -> None:
        """Looks up what a request of this persona must name beside its path, if that is not known.

        Raises:
            NotReached: nobody can be acted as.
        """

    def draft(self, target: Target, thing: Thing | None, *, plant: str = "", random: random.Random) -> Draft:
        """See ``Lab.draft``. Raises NotReached."""

    def encode(
        self,
        target: Target,
        draft: Draft,
        who: Identity | None,
        *,
        purpose: str,
        headers: Sequence[tuple[str, str]] = (),
        source: str | None = None,
    ) -> Call:
        """See ``Lab.request``: parameters by style, body by media type; ``Call.api`` is the target's.

        Raises:
            NotReached: the draft cannot be written as a request.
        """

    def retire(self, identity: Identity) -> None:
        """The next :meth:`owned` gives no shared object of this owner (see ``Cast.retire``)."""

    async def reset(self) -> None:
        """Forgets shared objects (not what must be cleaned up). Called between families, after ``Cast.reset``."""

    def noticed(self, call: Call, seen: Seen, api: str) -> None:
        """Remembers what a case's own call has made, as the answer says, for :meth:`clean_up`."""

    @property
    def pending(self) -> int:
        """How many things are to be deleted at the end, as far as is known."""

    async def clean_up(self, send: Send) -> tuple[str, ...]:
        """Deletes what the run made, where a declared operation does that, by whoever made it where they may.

        Returns what had to stay, in sentences.
        """


class Granted(Protocol):
    """Where accounts get their rights."""

    async def rights(self, account: str) -> Rights:
        """See ``Lab.rights``. Raises NotReached."""


class Stores(Protocol):
    """The disks behind the APIs."""

    async def holds(self, needle: bytes, system: str | None) -> Looked:
        """See ``Lab.stored``. Raises NotReached."""

    async def identifying(self, system: str, fields: Collection[str], at_most: int) -> tuple[bytes, ...]:
        """See ``Lab.identifying``. Raises NotReached."""


class Confided(Protocol):
    """Secrets of senders, and mail of test users."""

    def mac(self, recipe: MessageRecipe, content: bytes) -> bytes:
        """See ``Lab.mac``. Raises NotReached."""

    async def code(self, address: str, *, within: float) -> str:
        """See ``Lab.code_sent_to``. Raises NotReached."""

    def secrets(self) -> frozenset[str]:
        """What was used so far and must be redacted wherever it appears."""
