"""What an answer means: let through or refused, by whom, and whether it carries what the rightful caller got.

A status alone is no verdict. An answer is read together with the gateway's log, and compared with the answer to a
caller for whom the same request works.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from assay.gateway.decision import Decision
from assay.prove.case import Call, Identity, Lab, NotReached, Seen, Thing
from assay.prove.surface import Persona, Surface, Target

REFUSALS = frozenset({401, 403, 404, 405})
"""Statuses that turn a caller down; 404 hides what is there, which is as good (RFC 9110 §15.5.5)."""
_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and what the gateway's log says about it (None where there is no log to read)."""

    seen: Seen
    decision: Decision | None

    @property
    def at_gateway(self) -> bool:
        """Whether the gateway itself turned it down, so that the service never saw it."""
        return self.decision is not None and self.decision.outcome == "refused"

    @property
    def policy(self) -> str:
        """The gateway's policy that refused, or nothing."""
        return self.decision.policy if self.decision is not None and self.at_gateway else ""

    @property
    def refused(self) -> bool:
        """Whether the caller was turned down, by the gateway or by the service."""
        return not self.seen.ok and (self.at_gateway or self.seen.status in REFUSALS)

    @property
    def by(self) -> str:
        """Who refused, in words."""
        return f"policy `{self.policy}`" if self.at_gateway else "the service"

    def observes(self, control: str) -> str:
        """The policy of ``control`` that would have refused and only observes, or nothing."""
        found = self.decision.observed if self.decision else ()
        return next((p for p in found if p == control or p.startswith(f"{control}/")), "")

    def require_an_answer(self) -> None:
        """Says that nothing was reached, when there is no answer, a limit refused, or the gateway itself failed.

        Raises:
            NotReached: with what stood in the way.
        """
        if self.seen.status == 0:
            raise NotReached(f"there was no answer: {self.seen.error or 'the connection ended'}")
        if self.seen.status == 429 or self.policy.startswith("rate_limiting"):
            raise NotReached("a rate limit refused before the control under test was reached")
        if self.policy.endswith("-unavailable"):
            raise NotReached(f"a part of the gateway did not answer: {self.policy}")
        if self.decision is not None and self.decision.outcome == "failed":
            raise NotReached(f"the gateway could not answer: {self.decision.policy}")


async def ask(lab: Lab, call: Call) -> Answer:
    """Sends a call, and reads who decided about it.

    Raises:
        NotReached: as :meth:`Answer.require_an_answer`.
    """
    seen = await lab.call(call)
    answer = Answer(seen, await lab.decision(seen) if seen.status else None)
    answer.require_an_answer()
    return answer


async def works(lab: Lab, call: Call) -> Seen:
    """The positive control: a call that must succeed before a refusal of another one means anything.

    Raises:
        NotReached: it did not succeed, with who refused.
    """
    seen = await lab.call(call)
    if seen.ok:
        return seen
    decision = await lab.decision(seen) if seen.status else None
    answer = Answer(seen, decision)
    if not seen.status:
        raise NotReached(f"the positive control ({call.purpose}) got no answer: {seen.error or 'the connection ended'}")
    raise NotReached(f"the positive control ({call.purpose}) was answered {seen.status} by {answer.by}")


def leaves(value: Any) -> Iterator[str]:
    """Every text and number in a JSON value that is long enough to mean something."""
    stack = [value]
    while stack:
        found = stack.pop()
        if isinstance(found, dict):
            stack.extend(found.values())
        elif isinstance(found, list):
            stack.extend(found)
        elif isinstance(found, str | int | float) and not isinstance(found, bool) and len(str(found)) >= _SHORTEST:
            yield str(found)


def facts(value: Any) -> Iterator[tuple[str, str]]:
    """The same as :func:`leaves`, each with the name it stands under, so that equal words elsewhere do not count."""
    stack = [("", value)]
    while stack:
        name, found = stack.pop()
        if isinstance(found, dict):
            stack.extend((str(k), v) for k, v in found.items())
        elif isinstance(found, list):
            stack.extend((name, v) for v in found)
        else:
            for text in leaves(found):
                yield name, text


def every(value: Any) -> Iterator[tuple[str, str]]:
    """Every text and whole number in a JSON value, however short, with the name that it stands under."""
    stack = [("", value)]
    while stack:
        name, found = stack.pop()
        if isinstance(found, dict):
            stack.extend((str(k), v) for k, v in found.items())
        elif isinstance(found, list):
            stack.extend((name, v) for v in found)
        elif isinstance(found, str | int) and not isinstance(found, bool):
            yield name, str(found)


def carries(seen: Seen, good: Seen, thing: Thing | None = None) -> bool:
    """Whether an answer holds what the rightful caller got.

    A planted nonce decides where there is one. Otherwise at least half of the values of the good answer must be there;
    times and request ids differ between any two answers, so all of them are not asked for.
    """
    if not seen.ok:
        return False
    if thing is not None and thing.nonce and thing.nonce in good.text:
        return thing.nonce in seen.text
    wanted = set(facts(good.json()))
    if wanted:
        return len(wanted & set(facts(seen.json()))) * 2 >= len(wanted)
    if isinstance(good.json(), dict | list):
        # The rightful caller had nothing to see. Whoever sees something then sees more than that.
        return any(True for _ in leaves(seen.json()))
    return bool(good.body) and seen.body == good.body


def callers(surface: Surface, target: Target) -> tuple[Persona, ...]:
    """Who may be expected to succeed: those the rules allow, else (without rules) those with what the contract asks.

    Those who can surely be acted as come first.
    """
    if surface.declared_access:
        people = surface.permitted(target)
    else:
        people = tuple(p for p in surface.personas if surface.proves(target, p))
    return tuple(sorted(people, key=lambda p: doubtful(surface, target, p)))


def doubtful(surface: Surface, target: Target, persona: Persona) -> bool:
    """Whether a caller's token must be had from an issuer that may not give one: its client's secret may be unknown."""
    issuer = surface.declaration.issuer(surface.api(target))
    if persona.given or "token" not in persona.ways or (issuer is not None and issuer.development):
        return False
    told = (i for i in surface.declaration.model.prove.identities.values() if i.client_secret is not None)
    return all(i.consumer != persona.consumer for i in told)


def marker(lab: Lab) -> str:
    """What an attacker writes: of the same form as the nonce that owners plant, and never equal to it."""
    return lab.nonce[::-1]


def by_hand(target: Target) -> bool:
    """Whether its path holds a parameter that must be filled with a real value."""
    return "{" in target.operation.path


async def real_object(
    lab: Lab, target: Target, persona: Persona, *, fresh: bool = False
) -> tuple[Thing | None, Identity]:
    """A real object for the target and its owner; for a path without parameters, just somebody.

    Raises:
        NotReached: there is none.
    """
    if not by_hand(target):
        return None, await lab.act(persona, fresh=fresh)
    thing = await lab.owned(target, persona, fresh=fresh)
    return thing, thing.owner
