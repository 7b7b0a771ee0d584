"""Attempts with input that should come to nothing: who makes them, how they are sent, and who met them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from assay.controls._lib.answers import by_hand, callers, doubtful, works
from assay.prove.case import Call, Draft, Identity, Lab, NotReached, Seen, Thing
from assay.prove.surface import Persona, Surface, Target

_EARLIER = ("authentication", "authorisation", "rate_limiting", "network_ranges", "transport_encryption")
"""Controls that stand before the ones that judge input; when they refuse, input was never looked at."""
BUSY = frozenset({502, 503, 504})
"""What is said for a service that cannot answer now (RFC 9110 section 15.6): no word about the input."""
_A_MOMENT = 0.5
_SAFE = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Ready:
    """Somebody who can call a target, with a request that works. ``who`` None: anybody can."""

    target: Target
    persona: Persona | None
    who: Identity | None
    draft: Draft
    thing: Thing | None = None

    def call(self, lab: Lab, draft: Draft, purpose: str, headers: Sequence[tuple[str, str]] = ()) -> Call:
        """A request of this caller."""
        return lab.request(self.target, draft, self.who, purpose=purpose, headers=headers)


@dataclass(frozen=True, slots=True)
class Met:
    """How an attempt ended.

    Attributes:
        policy: the gateway's policy that refused it; empty: it reached the service.
    """

    seen: Seen
    policy: str = ""

    @property
    def stopped(self) -> bool:
        """Whether somebody refused it as wrong."""
        return bool(self.policy) or 400 <= self.seen.status < 500

    @property
    def crashed(self) -> bool:
        """Whether the service fell over it."""
        return not self.policy and self.seen.status >= 500

    @property
    def by(self) -> str:
        """Who refused."""
        return f"the gateway (`{self.policy}`)" if self.policy else f"the service ({self.seen.status})"


def tester(surface: Surface, target: Target) -> Persona | None:
    """Who tries inputs on a target: somebody who may call it, by preference on any object and with a token (of which
    there can be many, so that limits per caller stay out of the way). None: nobody with a name."""
    found = [p for p in callers(surface, target) if "certificate" not in p.ways or p.ways == ("certificate",)]
    found = found or list(callers(surface, target))
    return min(found, key=lambda p: _worse(surface, target, p), default=None)


def _worse(surface: Surface, target: Target, persona: Persona) -> tuple[bool, bool, bool, bool, bool, float, int, str]:
    given = surface.declaration.model.prove.identities.get(persona.name)
    named = {p.name for p in target.operation.parameters if p.location == "path"}
    lacking = not (given and named & set(given.owns))
    unsure = not surface.fronted and not persona.given
    consumer = surface.declaration.model.consumers.get(persona.consumer or "")
    room = consumer.limit.per_second if consumer and consumer.limit else float("inf")
    many = bool({"token", "session"} & set(persona.ways))
    lost = doubtful(surface, target, persona)
    return (
        lost,
        lacking,
        unsure,
        not many,
        bool(surface.owns(target, persona)),
        -room,
        len(persona.ways),
        persona.name,
    )


def weakest(surface: Surface, target: Target) -> Persona | None:
    """Who may do least among those who may call a target, by preference with a token."""

    def may(persona: Persona) -> tuple[bool, int, str]:
        able = sum(bool(surface.allows(t, persona)) for t in surface.targets)
        return (not {"token", "session"} & set(persona.ways), able, persona.name)

    return min(callers(surface, target), key=may, default=None)


_ENDING = frozenset(
    [
        "logout",
        "signout",
        "logoff",
        "password",
        "passwords",
        "passwd",
        "reset",
        "revoke",
        "disable",
        "deactivate",
        "terminate",
        "roles",
        "unregister",
    ]
)
_SIGNING = frozenset(["login", "signin", "authenticate", "logon", "token", "tokens"])
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def words_of(target: Target) -> frozenset[str]:
    """The words of an operation's id and path, in lower case, parameters left out."""
    text = f"{target.id} {re.sub(r'{[^}]*}', ' ', target.operation.path)}"
    return frozenset(w.lower() for w in _WORD.findall(text))


def signs_in(target: Target) -> bool:
    """Whether an operation signs somebody in: too many tries lock the testers themselves out."""
    return target.operation.method.upper() == "POST" and bool(words_of(target) & _SIGNING)


def spoils(target: Target) -> bool:
    """Whether a valid request ends somebody's session or account, so that nobody can be tested as them any more."""
    return target.writes and bool(words_of(target) & _ENDING)


def reachable(surface: Surface, target: Target) -> bool:
    """Whether anybody is known who may call it, and will be able to call again afterwards."""
    if spoils(target):
        return False
    return tester(surface, target) is not None or surface.is_open(target) is True


def name_of(persona: Persona | None) -> str:
    """How a case names who it acts as."""
    return persona.name if persona else "anonymous"


async def ready(lab: Lab, target: Target, persona: Persona | None, *, plant: str = "", own: bool = False) -> Ready:
    """Somebody with a real object and a valid request; ``own``: the object is made for this case, if it is changed.

    Raises:
        NotReached: nobody, or no object, or an object that must not be changed.
    """
    thing: Thing | None = None
    who: Identity | None = None
    if by_hand(target):
        if persona is None:
            if not lab.surface.personas:
                raise NotReached("the path needs a real object, and nobody is known who owns one")
            thing = await lab.owned(target, lab.surface.personas[0])
        else:
            thing = await lab.owned(target, persona, fresh=own and not lab.surface.adds(target))
            who = thing.owner
        if target.writes and not thing.made and not lab.surface.allow_writes:
            raise NotReached("the object was not made by this run, and changing others' is not allowed")
    if persona is not None and (who is None or not lab.surface.owns(target, persona)):
        try:
            who = await lab.act(persona, fresh=lab.surface.declared_access)
        except NotReached:
            who = who or await lab.act(persona)
    return Ready(target, persona, who, lab.draft(target, thing, plant=plant), thing)


async def good(lab: Lab, able: Ready) -> Seen:
    """The positive control: the valid request succeeds.

    Raises:
        NotReached: it does not.
    """
    return await works(lab, able.call(lab, able.draft, "a valid request"))


async def known_good(lab: Lab, able: Ready) -> Seen:
    """The positive control where its answer is no part of the verdict: behind our gateway, one for all cases of a
    family that call the same operation as the same kind of caller.

    Raises:
        NotReached: it does not succeed.
    """
    surface, target = lab.surface, able.target
    if not (surface.fronted and surface.via == "gateway"):
        return await good(lab, able)
    who = able.persona.name if able.persona else "anonymous"
    return await lab.once(f"{target.api} {target.id} {who}", lambda: good(lab, able))


async def attempt(lab: Lab, call: Call) -> Met:
    """Sends an attempt, and reads who met it. What a service was too busy for is asked again, if it changes nothing.

    Raises:
        NotReached: there was no answer, or a control refused that does not judge input.
    """
    seen = await lab.call(call)
    if seen.status in BUSY and call.method.upper() in _SAFE:
        await lab.wait(_A_MOMENT)
        seen = await lab.call(call)
    if seen.status == 0:
        raise NotReached(f"there was no answer: {seen.error or 'the connection ended'}")
    if seen.status == 429:
        raise NotReached("a rate limit refused before the input was looked at")
    if seen.status < 400:
        return Met(seen)
    decision = await lab.decision(seen)
    if decision is None:
        if seen.status == 401:
            raise NotReached("the credential was refused before the input was looked at")
        return Met(seen)
    if decision.outcome == "failed" and decision.policy != "unknown":
        raise NotReached(f"the gateway could not answer: {decision.policy}")
    if decision.outcome == "refused":
        if decision.policy.startswith(_EARLIER):
            raise NotReached(f"`{decision.policy}` refused before the input was looked at")
        if decision.policy.endswith("-unavailable"):
            raise NotReached(f"the gateway could not look at the input: {decision.policy}")
        return Met(seen, decision.policy)
    return Met(seen)


def spellings(text: str) -> tuple[str, ...]:
    """The ways in which a value may be written in an answer that repeats it, longest first."""
    escaped = json.dumps(text)[1:-1]
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    html = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    quoted = html.replace('"', "&quot;").replace("'", "&#x27;")
    numbered = html.replace('"', "&#34;").replace("'", "&#39;")
    encoded = base64.b64encode(text.encode()).decode().rstrip("=")
    found = {text, escaped, plain, html, quoted, numbered, quote(text), quote(text, safe=""), quote_plus(text), encoded}
    found |= {f.lower() for f in found} | {f.upper() for f in found} | {text.strip()}
    return tuple(sorted((f for f in found if f), key=len, reverse=True))


def without(text: str, payload: str) -> str:
    """A text without any spelling of a payload."""
    for spelling in spellings(payload):
        text = text.replace(spelling, "")
    return text
