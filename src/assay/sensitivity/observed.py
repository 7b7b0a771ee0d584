"""Who did reach which data: from the gateway's access log, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from assay.declare.contract import Operation
from assay.declare.declaration import Declaration
from assay.gateway.decision import decide
from assay.sensitivity.callers import Callers
from assay.sensitivity.closure import Closure
from assay.sensitivity.levels import rank
from assay.sensitivity.principals import Principal, PrincipalReach, Reached

Calls = Mapping[str, Mapping[tuple[str, str], int]]
"""By consumer (empty for callers that nobody knows): how often each (API, operation) was called and answered."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What a log shows.

    Attributes:
        calls: calls that were let through to the service, by consumer.
        unread: lines that are no JSON object; they say nothing about anybody.
        unknown: (API, operation) of calls that the declaration does not know (any more).
    """

    calls: Calls
    unread: int
    unknown: frozenset[tuple[str, str]]


def read_calls(declaration: Declaration, lines: Iterable[str]) -> Observed:
    """The answered calls in an access log.

    Refused and failed calls reached no data. A caller is a declared consumer if the log names its client, key or
    certificate; otherwise it is told under an empty name.
    """
    callers = _callers(declaration)
    known = {(api, operation.id) for api, _, operation in declaration.each_operation()}
    calls: dict[str, dict[tuple[str, str], int]] = {}
    unknown: set[tuple[str, str]] = set()
    unread = 0
    for line in lines:
        if not line.strip():
            continue
        entry = _entry(line)
        if entry is None:
            unread += 1
            continue
        if decide(entry).outcome != "allowed":
            continue
        api, _, operation = str(entry.get("operation") or "").partition("/")
        if (api, operation) not in known:
            unknown.add((api, operation))
            continue
        mine = calls.setdefault(callers.of(entry), {})
        mine[api, operation] = mine.get((api, operation), 0) + 1
    return Observed(calls, unread, frozenset(unknown))


def observed_reach(declaration: Declaration, closure: Closure, calls: Calls) -> tuple[PrincipalReach, ...]:
    """What callers did reach: the fields in the answers of the operations that they called, in the forms they see.

    The same shape as :func:`assay.sensitivity.reach.reach` gives for grants, so blends are computed the same way.
    """
    callers = Callers(declaration, closure)
    operations = {(api, operation.id): operation for api, _, operation in declaration.each_operation()}
    found = []
    for name, made in sorted(calls.items()):
        consumer = declaration.model.consumers.get(name)
        roles = consumer.roles if consumer else ()
        clearance = rank(consumer.clearance) if consumer else 0
        by_api: dict[str, list[Operation]] = {}
        for (api, operation), count in sorted(made.items()):
            if count > 0 and (api, operation) in operations:
                by_api.setdefault(api, []).append(operations[api, operation])
        objects = tuple(
            _counted(one, made)
            for api, called in by_api.items()
            if callers.serves(api)
            for one in callers.seen(api, called, roles, clearance)
        )
        principal = (
            Principal("consumer", name, consumer.clearance, ("consumers", name))
            if consumer
            else Principal("anonymous", "", "public")
        )
        found.append(PrincipalReach(principal, objects, observed=True))
    return tuple(found)


def _counted(one: Reached, made: Mapping[tuple[str, str], int]) -> Reached:
    """The same object, with what was called instead of what may be called."""
    grants = tuple(
        replace(grant, text=f"{grant.text}, called {made[grant.operation[0], grant.operation[1]]} times")
        for grant in one.grants
    )
    return replace(one, grants=grants)


def _entry(line: str) -> Mapping[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


@dataclass(frozen=True, slots=True)
class _Callers:
    """Consumers by what the log knows them as."""

    names: frozenset[str]
    clients: Mapping[str, str]
    certificates: Mapping[str, str]

    def of(self, entry: Mapping[str, Any]) -> str:
        """The consumer of a line, by key, token or certificate; empty when none of them is anybody's."""
        if (name := str(entry.get("key_consumer") or "")) in self.names:
            return name
        for word in ("client", "opaque_client"):
            if (client := str(entry.get(word) or "")) in self.clients:
                return self.clients[client]
        sans = str(entry.get("certificate") or "").split(",")
        return next((self.certificates[san] for san in sans if san in self.certificates), "")


def _callers(declaration: Declaration) -> _Callers:
    consumers = declaration.model.consumers
    ways = [(name, consumer.authenticate) for name, consumer in consumers.items()]
    return _Callers(
        frozenset(consumers),
        {way.oauth2.client: name for name, way in ways if way.oauth2},
        {way.mtls.san: name for name, way in ways if way.mtls},
    )
