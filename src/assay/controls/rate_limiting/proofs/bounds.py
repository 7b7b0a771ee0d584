"""Which declared limits can be reached, by whom, on which operation, and in which order they are tried."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from assay.controls._lib.answers import callers
from assay.controls._lib.attempts import signs_in, spoils
from assay.controls.rate_limiting.enforce import WRITES
from assay.declare.quantities import RateValue
from assay.declare.selectors import selects
from assay.domain import Location
from assay.prove.surface import Persona, Surface, Target

BUDGET = 1_000
"""Requests that one run spends on limits at least. Those that need more are listed as not tried."""
_SHARE = 0.4
"""How much of a run's requests may go to limits where our gateway keeps them."""
_SPENDING_SECONDS = 10
"""Longest time that using up a limit is expected to take; what comes back meanwhile takes more calls."""
Per = Literal["caller", "consumer", "network"]


@dataclass(frozen=True, slots=True)
class Bound:
    """A declared limit, and how it is reached. ``persona`` None: by nobody in particular.

    Attributes:
        people: how many callers it takes, because each of them meets a lower limit of its own before.
    """

    name: str
    words: str
    rate: RateValue
    per: Per
    target: Target
    persona: Persona | None
    subject: str
    at: Location
    people: int = 1

    @property
    def most(self) -> int:
        """Calls after which a limit that is kept has refused, whatever came back meanwhile (10 % and a few)."""
        return self.rate.requests + max(3, self.rate.requests // 10) + 2


def bounds(surface: Surface) -> Iterator[Bound]:
    """Every declared limit that somebody known can reach."""
    model = surface.declaration.model
    for api_id in dict.fromkeys(t.api for t in surface.targets):
        # How often one may try to sign in is for authentication to test, which knows how not to lock itself out.
        targets = [t for t in surface.targets if t.api == api_id and not spoils(t) and not signs_in(t)]
        limits = model.apis[api_id].limits
        if limits.default:
            yield from _reached(surface, "default", limits.default, targets, api_id)
        if limits.write:
            writing = [t for t in targets if t.operation.method.upper() in WRITES]
            yield from _reached(surface, "write", limits.write, writing, api_id)
        for selector, rate in limits.operations.items():
            chosen = [t for t in targets if selects(selector, t.id)]
            yield from _reached(surface, f"operations.{selector}", rate, chosen, api_id)
        if limits.network and surface.fronted:
            yield from _network(surface, limits.network, targets, api_id)
    if surface.fronted:
        for name, consumer in model.consumers.items():
            if consumer.limit:
                yield from _consumer(surface, name, consumer.limit)


def budget(surface: Surface) -> int:
    """How many requests a run spends on limits: a share of what it may send, where a gateway of ours keeps them."""
    if not (surface.fronted and surface.via == "gateway"):
        return BUDGET
    return max(BUDGET, int(surface.declaration.model.prove.bounds.requests * _SHARE))


def applying(surface: Surface, target: Target) -> tuple[RateValue, ...]:
    """The limits that one caller meets on a target."""
    limits = surface.api(target).limits
    found = [limits.default] if limits.default else []
    if limits.write and target.operation.method.upper() in WRITES:
        found.append(limits.write)
    found += [rate for selector, rate in limits.operations.items() if selects(selector, target.id)]
    return tuple(found)


def in_order(found: Iterable[Bound], most: int = BUDGET) -> tuple[tuple[Bound, ...], tuple[Bound, ...]]:
    """(those that are tried, those that would take too many requests): limits per address first, which stand against
    guessing, then the lowest."""
    tried: list[Bound] = []
    left: list[Bound] = []
    spent = 0
    for bound in sorted(found, key=lambda b: (b.per != "network", b.rate.requests, b.subject)):
        if spent + bound.rate.requests <= most:
            spent += bound.rate.requests
            tried.append(bound)
        else:
            left.append(bound)
    return tuple(tried), tuple(left)


def many(persona: Persona) -> bool:
    """Whether another caller of this kind can be made."""
    return bool({"token", "session"} & set(persona.ways))


def _reached(surface: Surface, name: str, rate: RateValue, targets: Iterable[Target], api_id: str) -> Iterator[Bound]:
    found: list[tuple[tuple[bool, ...], Target, Persona]] = []
    for target in targets:
        if any(_lower(other, rate) for other in applying(surface, target)) or target.operation.method == "DELETE":
            continue
        for persona in callers(surface, target):
            if surface.fronted and _narrow(surface, persona, rate):
                continue
            held = (bool(surface.owns(target, persona)), "{" in target.operation.path)
            found.append(((not many(persona), *held, target.writes), target, persona))
    if not found:
        return
    _, target, persona = min(found, key=lambda f: (f[0], f[1].id, f[2].name))
    route = ("apis", api_id, "limits", *name.split(".", 1))
    yield Bound(
        name=name,
        words=f"`{name}` ({rate} for each caller)",
        rate=rate,
        per="caller",
        target=target,
        persona=persona,
        subject=".".join(route) if "." not in name else f"apis.{api_id}.limits.{name}",
        at=surface.declaration.locate(*route),
    )


def _lower(other: RateValue, rate: RateValue) -> bool:
    """Whether a caller is stopped by the other limit before this one."""
    return other.requests < rate.requests


def _narrow(surface: Surface, persona: Persona, rate: RateValue) -> bool:
    consumer = surface.declaration.model.consumers.get(persona.consumer or "")
    return bool(consumer and consumer.limit and consumer.limit.requests < rate.requests)


def _network(surface: Surface, rate: RateValue, targets: list[Target], api_id: str) -> Iterator[Bound]:
    closed = [t for t in targets if surface.is_open(t) is False and not t.writes and "{" not in t.operation.path]
    if not closed:
        return
    yield Bound(
        name="network",
        words=f"`network` ({rate} for each address)",
        rate=rate,
        per="network",
        target=closed[0],
        persona=None,
        subject=f"apis.{api_id}.limits.network",
        at=surface.declaration.locate("apis", api_id, "limits", "network"),
    )


def _consumer(surface: Surface, name: str, rate: RateValue) -> Iterator[Bound]:
    own = [p for p in surface.personas if p.consumer == name]
    # Those of whom there can be many first, and handshakes with certificates last: it takes hundreds of calls.
    for persona in sorted(own, key=lambda p: (not many(p), "certificate" in p.ways, len(p.ways))):
        # Nobody knows who calls an operation that is open to everybody, so nothing there counts for a consumer.
        closed = (t for t in surface.targets if not t.writes and surface.is_open(t) is False)
        for target in sorted(closed, key=lambda t: t.operation.path.count("{")):
            if spoils(target) or not surface.allows(target, persona):
                continue
            lowest = min((r.requests for r in applying(surface, target)), default=rate.requests)
            calls = rate.requests * 1.1 + 5 + rate.per_second * _SPENDING_SECONDS
            people = math.ceil(calls / max(1, lowest - 2)) if lowest < rate.requests else 1
            if people == 1 or (many(persona) and people <= 40):
                yield Bound(
                    name="limit",
                    words=f"the limit of consumer `{name}` ({rate})",
                    rate=rate,
                    per="consumer",
                    target=target,
                    persona=persona,
                    subject=f"consumers.{name}.limit",
                    at=surface.declaration.locate("consumers", name, "limit"),
                    people=people,
                )
                return
