"""Tokens and keys that only the issuer itself can give."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from assay.declare.model import ProveIdentity
from assay.domain import IncompleteError, Secret
from assay.identity import http
from assay.identity.files import read_public
from assay.identity.issuer.tokens import fetch_token
from assay.identity.jwks import discover
from assay.prove.case import NotReached
from assay.prove.identities.sources import Sources
from assay.prove.identities.tokens import Mint, peek
from assay.prove.surface import Persona, Surface


def client_of(surface: Surface, persona: Persona) -> str:
    """The OAuth client that a persona's tokens are asked for by.

    Raises:
        NotReached: its consumer has none.
    """
    consumer = surface.declaration.model.consumers.get(persona.consumer or "")
    if consumer is None or consumer.authenticate.oauth2 is None:
        raise NotReached(f"`{persona.name}` has no OAuth client, so no token can be had for it")
    return consumer.authenticate.oauth2.client


class Fetcher:
    """Asks an issuer. Every method raises AssayError when it refuses or cannot be reached."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def token(
        self, persona: Persona, given: ProveIdentity | None, scopes: Sequence[str] | None, mint: Mint | None
    ) -> tuple[str, float]:
        """A token and when it ends (seconds since the epoch; 0: the issuer does not say).

        By the password grant for an identity with ``user``, else by client credentials.

        Raises:
            NotReached: there is no issuer, or no secret to ask it with.
        """
        client = client_of(self._sources.surface, persona)
        url, reach, secret = self._sources.issuer_url, self._sources.reach, self.secret(client)
        passwords: Mapping[str, Secret] = {}
        if mint:
            url = mint.config.issuer_url
            secret = mint.credentials.clients.get(client)
            passwords = mint.credentials.users
            if mint.config.unix_socket:
                reach = http.Reach(uds=mint.config.unix_socket)
        if not url:
            raise NotReached("no token issuer is declared for this environment")
        user = given.user if given else None
        password = passwords.get(user) if user else None
        if given and given.password:
            password = self._sources.resolve(given.password.secret)
        if secret is None and not user:
            raise NotReached(
                f"the secret of the client `{client}` is not known, so no token can be asked for: give it as a"
                f" `client_secret` of `{persona.consumer}` under `prove.identities`, or a token by --identity"
                f" {persona.name}-token=bearer:env:…"
            )
        if user and password is None:
            raise NotReached(f"the password of `{user}` is not known: name it under `prove.identities`")
        now = self._sources.clock()
        issued = await asyncio.to_thread(
            lambda: fetch_token(
                url,
                client,
                # Public clients have no secret (RFC 6749 section 2.1).
                secret or Secret(""),
                grant="password" if user else "client_credentials",
                username=user,
                password=password,
                scopes=tuple(scopes or ()),
                reach=reach,
            )
        )
        token = issued.access_token.reveal()
        read = peek(token)
        ends = read[1].get("exp") if read else None
        if isinstance(ends, int | float):
            return token, float(ends)
        return token, now + issued.expires_in if issued.expires_in else 0.0

    def secret(self, client: str) -> Secret | None:
        """The secret of an OAuth client, if it was given; looked up when it is needed. Raises AssayError."""
        known = self._sources.clients.get(client)
        if known is not None:
            return known
        consumers = self._sources.surface.declaration.model.consumers
        for identity in self._sources.given.values():
            consumer = consumers.get(identity.consumer or "")
            oauth2 = consumer.authenticate.oauth2 if consumer else None
            if identity.client_secret is not None and oauth2 is not None and oauth2.client == client:
                return self._sources.resolve(identity.client_secret.secret)
        return None

    async def issuer_keys(self) -> Mapping[str, Any]:
        """The issuer's key set, as it publishes it: where that is declared, else where it says itself."""
        reach, url, declared = self._sources.reach, self._sources.issuer_url, self._sources.issuer_jwks
        if declared and "://" not in declared:
            return await asyncio.to_thread(lambda: _read(Path(declared), reach.max_bytes))
        if declared:
            return await asyncio.to_thread(
                lambda: http.get(declared, reach, what="key set").json_object("key set", declared)
            )
        provider = await asyncio.to_thread(lambda: discover(url, reach=reach))
        return await asyncio.to_thread(
            lambda: http.get(provider.jwks_uri, reach, what="key set").json_object("key set", provider.jwks_uri)
        )


def _read(path: Path, most: int) -> Mapping[str, Any]:
    """A key set in a file (RFC 7517 section 5). Raises AssayError."""
    try:
        found = msgspec.json.decode(read_public(path, limit=most, what="key set"))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise IncompleteError(f"the key set `{path.name}` is no JSON: {error}", fix="write it again") from error
    if not isinstance(found, dict):
        raise IncompleteError(f"the key set `{path.name}` is no JSON object", fix="write it again")
    return found
