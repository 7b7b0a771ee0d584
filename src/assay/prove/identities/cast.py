"""Everybody who can call: one cast for a run, made of :class:`~assay.prove.identities.sources.Sources`."""

from __future__ import annotations

import asyncio
import secrets as randomness
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from joserfc.jwk import Key

from assay.domain import AssayError
from assay.identity.issuer.tokens import Claims
from assay.prove.case import Identity, NotReached
from assay.prove.identities import certificates, keys
from assay.prove.identities.fetching import Fetcher, client_of
from assay.prove.identities.held import Held
from assay.prove.identities.login import sign_in, signed_in, static_header
from assay.prove.identities.sources import Sources
from assay.prove.identities.tokens import Mint, altered, load_mint, not_reached, peek, told_key
from assay.prove.identities.trying import key_headers, taken_up
from assay.prove.seams import ClientCertificate, Presented, Send
from assay.prove.surface import Persona

_USES = 8
"""How many callers share one minted identity before the next is made, so that its limits are not used up by many."""
_AHEAD = 30.0
"""Seconds before its end at which a token is replaced."""


class Cast:
    """See :class:`assay.prove.seams.Cast`; and :meth:`owner`, for what objects need beyond it."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._mint: Mint | None = None
        self._held: dict[str, Held] = {}
        self._shared: dict[tuple[str, tuple[str, ...] | None], Held] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._keys: dict[str, tuple[str, str]] = {}
        self._certificates: dict[str, ClientCertificate] = {}
        self._left: list[Path] = []
        self._secrets: set[str] = set()
        self._key_told: Key | None = None
        self._count = 0
        self._loading = asyncio.Lock()

    # Who ------------------------------------------------------------------------------------------------------------

    async def act(
        self, persona: Persona, *, fresh: bool = False, scopes: Sequence[str] | None = None, send: Send | None = None
    ) -> Identity:
        """See the protocol.

        A minted token has a subject that nobody else has, so its limits are its own; keys, certificates and given
        identities cannot be multiplied, so for them ``fresh`` gives one that is not ``disposable``.
        """
        wanted = tuple(sorted(scopes)) if scopes is not None else None
        if fresh:
            return (await self._make(persona, wanted, {}, send, disposable=True)).identity
        async with self._locks.setdefault(persona.name, asyncio.Lock()):
            held = self._shared.get((persona.name, wanted))
            if held is None or (held.minted is not None and not persona.given and held.uses >= _USES):
                held = self._shared[persona.name, wanted] = await self._make(persona, wanted, {}, send)
            recipe = held.given.login if held.given else None
            if recipe and recipe.renew and self._sources.clock() - held.made >= recipe.renew:
                await self.renew(held.identity, send=send)
            held.uses += 1
            return held.identity

    async def owner(
        self,
        persona: Persona,
        claims: Mapping[tuple[str, ...], str],
        *,
        disposable: bool = False,
        send: Send | None = None,
    ) -> Identity:
        """An identity of this kind whose token has these claims (by their path), such as ``{("sub",): "c-1001"}``.

        Raises:
            NotReached: its tokens are not ours to make.
        """
        if claims and not await self.mints(persona):
            raise NotReached(
                f"a token of `{persona.name}` with "
                + " and ".join(f"`{'.'.join(path)}` = `{value}`" for path, value in claims.items())
                + " is needed, and its issuer's key is not ours: name somebody who has it under `prove.identities`"
            )
        return (await self._make(persona, None, claims, send, disposable=disposable)).identity

    async def mints(self, persona: Persona) -> bool:
        """Whether tokens of this kind, with whatever claims, are ours to make."""
        if persona.given or "token" not in persona.ways or not self._sources.development:
            return False
        return not (await self._load()).opaque(client_of(self._sources.surface, persona))

    def claims(self, identity: Identity) -> Mapping[str, Any]:
        """The claims of its token, as far as they can be read; empty: none can."""
        return _readable(self._of(identity))

    # How it proves itself --------------------------------------------------------------------------------------------

    def present(self, identity: Identity) -> Presented:
        """See the protocol. A token of ours that is about to end is signed again on the way."""
        held = self._of(identity)
        if held.minted is not None and held.ends - self._sources.clock() < _AHEAD:
            self._sign(held)
        return held.presented()

    async def renew(self, identity: Identity, *, send: Send | None = None) -> bool:
        """See the protocol. Raises nothing: what cannot be renewed stays as it is."""
        held = self._of(identity)
        try:
            if held.minted is not None:
                self._sign(held)
                return True
            if held.given and held.given.login:
                await self._log_in(held, send)
                return True
            if held.token and not (held.given and held.given.bearer):
                await self._fetch(held)
                return True
        except (NotReached, AssayError):
            return False
        return False

    def retire(self, identity: Identity) -> None:
        """See the protocol."""
        for key, held in list(self._shared.items()):
            if held.identity.name == identity.name and held.minted is not None and not held.persona.given:
                del self._shared[key]

    async def credential(self, identity: Identity) -> str:
        """See the protocol."""
        held = self._of(identity)
        self.present(identity)
        if not (held.token or held.secret):
            raise NotReached(f"`{identity.name}` has no token or key that could be altered")
        return held.token or held.secret

    async def mint(
        self,
        identity: Identity,
        *,
        claims: Mapping[str, Any] | None = None,
        without: Sequence[str] = (),
        header: Mapping[str, Any] | None = None,
        key: Any = None,
    ) -> str:
        """See the protocol."""
        held = self._of(identity)
        self.present(identity)
        if not held.token:
            raise NotReached(f"`{identity.name}` has no token")
        own = told = None
        if key is None and self._sources.development:
            own = (await self._load()).key(self._sources.clock())
        elif key is None and self._sources.issuer_key:
            told = self._told()
        made = altered(held.token, claims=claims, without=without, header=header, key=key, own=own, told=told)
        self._secrets.add(made)
        return made

    def _told(self) -> Key:
        """The key that the declaration tells for tests. Raises NotReached."""
        if self._key_told is None:
            try:
                secret = self._sources.resolve(self._sources.issuer_key)
            except AssayError as error:
                raise not_reached(error) from error
            self._secrets.add(secret.reveal())
            self._key_told = told_key(secret)
        return self._key_told

    async def issuer_keys(self) -> Mapping[str, Any]:
        """See the protocol."""
        if self._sources.development:
            return (await self._load()).published(self._sources.clock())
        if not (self._sources.issuer_url or self._sources.issuer_jwks):
            raise NotReached("no token issuer is declared for this environment")
        try:
            return await Fetcher(self._sources).issuer_keys()
        except AssayError as error:
            raise not_reached(error) from error

    async def certificate(self, name: str) -> ClientCertificate:
        """See the protocol."""
        pki, directory = self._sources.pki, self._sources.directory
        known = self._certificates.get(name)
        if known:
            return known
        held = self._held.get(name)
        if held and held.certificate:
            return held.certificate
        try:
            if name == certificates.UNKNOWN_AUTHORITY:
                san = next(iter(self._names()), certificates.STRANGER)
                made = await asyncio.to_thread(certificates.unknown_authority, directory, san)
                self._left.append(directory / certificates.UNKNOWN_AUTHORITY)
            elif name == certificates.WRONG_SUBJECT and pki:
                made = await asyncio.to_thread(certificates.wrong_subject, pki, directory)
                self._left += [made.certificate, made.key]
            elif name == certificates.WRONG_SUBJECT:
                raise NotReached("the authority of client certificates is not ours, so none for a stranger can be made")
            else:
                raise NotReached(f"`{name}` has no client certificate")
        except AssayError as error:
            raise not_reached(error) from error
        self._certificates[name] = made
        return made

    def secrets(self) -> frozenset[str]:
        """See the protocol."""
        return frozenset(self._secrets)

    # The course of a run ---------------------------------------------------------------------------------------------

    async def reset(self) -> None:
        """See the protocol. Keys and certificates stay: they are the consumer's, and no second one would differ."""
        self._shared.clear()

    async def close(self) -> None:
        """See the protocol. Raises AssayError when a key could not be revoked, after everything else is removed."""
        left, self._left = self._left, []
        for path in left:
            await asyncio.to_thread(_remove, path)
        identifiers = frozenset(identifier for _, identifier in self._keys.values())
        self._keys.clear()
        if identifiers and self._sources.keys_file:
            await asyncio.to_thread(keys.revoke, self._sources.keys_file, identifiers, self._sources.clock())

    # Making ----------------------------------------------------------------------------------------------------------

    async def _make(
        self,
        persona: Persona,
        scopes: tuple[str, ...] | None,
        claims: Mapping[tuple[str, ...], str],
        send: Send | None,
        *,
        disposable: bool = False,
    ) -> Held:
        self._count += 1
        identity = Identity(f"{persona.name}#{self._count}", persona.name, persona.roles, tenant=persona.tenant)
        held = Held(identity, persona, scopes, made=self._sources.clock(), given=self._sources.given.get(persona.name))
        try:
            if persona.given:
                await self._by_hand(held, send)
            else:
                if "token" in persona.ways:
                    await self._token(held, claims)
                if "certificate" in persona.ways:
                    held.certificate = await self._own_certificate(persona)
                if "key" in persona.ways:
                    await self._key(held, send)
        except AssayError as error:
            raise not_reached(error) from error
        body = _readable(held)
        subject = body.get("sub") or (held.given.subject if held.given else None)
        tenant = body.get("tenant") or persona.tenant
        held.identity = replace(
            held.identity,
            subject=str(subject) if subject is not None else None,
            tenant=str(tenant) if tenant is not None else None,
            disposable=disposable and held.minted is not None and not persona.given,
        )
        self._held[held.identity.name] = held
        return held

    async def _token(self, held: Held, claims: Mapping[tuple[str, ...], str]) -> None:
        client = client_of(self._sources.surface, held.persona)
        if not self._sources.development:
            await self._fetch(held)
            return
        mint = await self._load()
        if mint.opaque(client):
            await self._fetch(held)
            return
        others: dict[tuple[str, ...], str] = {("sub",): f"prove-{randomness.token_hex(6)}", **claims}
        if held.persona.tenant is not None:
            others.setdefault(("tenant",), held.persona.tenant)
        held.minted = mint.claims(client, now=self._sources.clock(), scopes=held.scopes, others=others)
        self._sign(held)

    async def _by_hand(self, held: Held, send: Send | None) -> None:
        given = held.given
        if given is None:
            raise NotReached(f"nobody says how `{held.persona.name}` proves who they are")
        if held.scopes is not None and not given.user:
            raise NotReached(
                f"what `{held.persona.name}` may do is in a credential that was given: it has no other scopes"
            )
        if given.login:
            await self._log_in(held, send)
            return
        static = static_header(given, self._sources.resolve)
        if static:
            (name, value), hidden = static
            self._secrets |= hidden
            if given.bearer:
                held.token = value.removeprefix("Bearer ")
            else:
                held.headers, held.secret = ((name, value),), value if given.header else ""
            return
        mint = await self._load() if self._sources.development else None
        client = client_of(self._sources.surface, held.persona)
        if mint and not mint.opaque(client) and given.user in mint.config.users:
            # The issuer's own claims for this user; that its password works is no concern of these tests.
            held.minted = mint.claims(client, now=self._sources.clock(), scopes=held.scopes, username=given.user)
            self._sign(held)
        else:
            await self._fetch(held)

    async def _log_in(self, held: Held, send: Send | None) -> None:
        recipe = held.given.login if held.given else None
        if recipe is None or send is None:
            raise NotReached(f"`{held.persona.name}` signs in at the target, which cannot be reached at this point")
        call, hidden = sign_in(held.persona.name, recipe, self._sources.resolve)
        self._secrets |= hidden
        header, secret = signed_in(held.persona.name, recipe, await send(call))
        self._secrets.add(secret)
        held.headers, held.made = (header,), self._sources.clock()
        held.token, held.secret = "", secret
        if header[0] == "authorization" and header[1].startswith("Bearer "):
            held.token, held.headers, held.secret = secret, (), ""

    async def _fetch(self, held: Held) -> None:
        mint = await self._load() if self._sources.development else None
        fetcher = Fetcher(self._sources)
        known = fetcher.secret(client_of(self._sources.surface, held.persona)) if mint is None else None
        self._secrets |= {known.reveal()} if known is not None else set()
        token, ends = await fetcher.token(held.persona, held.given, held.scopes, mint)
        held.token, held.ends = token, ends
        self._secrets.add(token)

    async def _key(self, held: Held, send: Send | None) -> None:
        consumer, path = held.persona.consumer or "", self._sources.keys_file
        if path is None:
            raise NotReached(f"the gateway's API keys are not ours, so none can be issued for `{consumer}`")
        names = key_headers(self._sources.surface)
        async with self._locks.setdefault(f"key of {consumer}", asyncio.Lock()):
            issued = consumer not in self._keys
            if issued:
                secret, identifier = await asyncio.to_thread(keys.issue, path, consumer, self._sources.clock())
                self._keys[consumer] = (secret.reveal(), identifier)
                self._secrets.add(secret.reveal())
            held.secret = self._keys[consumer][0]
            held.headers = tuple((name, held.secret) for name in names)
            if issued:
                # A key that the gateway has not taken up yet would look like one that it refuses.
                self._held[held.identity.name] = held
                await taken_up(self._sources.surface, held.persona, held.identity, send)

    async def _own_certificate(self, persona: Persona) -> ClientCertificate:
        consumer = self._sources.surface.declaration.model.consumers.get(persona.consumer or "")
        mtls = consumer.authenticate.mtls if consumer else None
        if mtls is None or self._sources.pki is None:
            raise NotReached(f"the authority of client certificates is not ours, so `{persona.name}` has none")
        async with self._locks.setdefault("certificates", asyncio.Lock()):
            if mtls.san not in self._certificates:
                pair, new = await asyncio.to_thread(certificates.issue, self._sources.pki, mtls.san)
                self._certificates[mtls.san] = pair
                self._left += new
        return self._certificates[mtls.san]

    def _sign(self, held: Held) -> None:
        mint, now = self._mint, self._sources.clock()
        if mint is None or held.minted is None:
            raise NotReached("the issuer's key is not ours")
        life = int(mint.config.lifetime_seconds)
        times: Claims = {"iat": int(now), "nbf": int(now), "exp": int(now) + life, "jti": randomness.token_urlsafe(16)}
        held.minted = held.minted | times
        held.token, held.ends = mint.sign(held.minted, now), now + life
        self._secrets.add(held.token)

    async def _load(self) -> Mint:
        async with self._loading:
            if self._mint is None:
                if self._sources.development is None:
                    raise NotReached("the issuer's key is not ours")
                try:
                    self._mint = await asyncio.to_thread(load_mint, self._sources.development)
                except AssayError as error:
                    raise not_reached(error) from error
        return self._mint

    def _of(self, identity: Identity) -> Held:
        held = self._held.get(identity.name)
        if held is None:
            raise NotReached(f"`{identity.name}` is nobody of this run")
        return held

    def _names(self) -> list[str]:
        consumers = self._sources.surface.declaration.model.consumers.values()
        return [c.authenticate.mtls.san for c in consumers if c.authenticate.mtls]


def _readable(held: Held) -> Mapping[str, Any]:
    read = peek(held.token)
    return read[1] if read else {}


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
