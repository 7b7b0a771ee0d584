"""What callers did reach, by the access logs of a project's gateways, beside what they are granted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from assay.app.data_view import Told, View, choose
from assay.app.observed import LIMIT, tail
from assay.app.project import Project
from assay.declare.model import Level
from assay.gateway.layout import Paths
from assay.sensitivity import Observed, observed_reach, read_calls
from assay.sensitivity.blend import Blend, blend
from assay.sensitivity.levels import rank
from assay.sensitivity.principals import Principal, PrincipalReach

LOGGED = frozenset({"consumer", "anonymous"})
"""Kinds of principals that an access log can tell of."""


@dataclass(frozen=True, slots=True)
class Span:
    """What was read of the logs.

    Attributes:
        since, until: when the first and the last call in it began (UTC); None: no line says.
        calls: calls that were let through to a service.
        unread: lines that are no JSON object.
        unknown: ``API/OPERATION`` of calls that the declaration does not know (any more).
        complete: False when a log is too long to be read whole, so that earlier calls are not counted.
    """

    since: datetime | None
    until: datetime | None
    calls: int = 0
    unread: int = 0
    unknown: tuple[str, ...] = ()
    complete: bool = True

    @property
    def text(self) -> str:
        """``1,204 calls, 2026-11-20 10:00 to 2026-11-22 10:00 UTC``."""
        counted = "1 call" if self.calls == 1 else f"{self.calls:,} calls"
        if self.since is None or self.until is None:
            return counted
        return f"{counted}, {self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC"

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
            "calls": self.calls,
            "unread": self.unread,
            "unknown": list(self.unknown),
            "complete": self.complete,
        }


@dataclass(frozen=True, slots=True)
class Compared:
    """A caller of APIs: what its grants let it put together, and what its calls did.

    Attributes:
        granted, observed: everything that can be, and was, put together, the most sensitive first; empty: no data.
        calls: its calls that were let through.
        answering: ``API/OPERATION`` of each operation that is granted and answers data.
        unused: those of them that were not called.
        beyond: operations that answer data and were called although none of its declared roles is granted them.
    """

    principal: Principal
    granted: tuple[Blend, ...]
    observed: tuple[Blend, ...]
    calls: int
    answering: tuple[str, ...]
    unused: tuple[str, ...]
    beyond: tuple[str, ...]

    @property
    def said(self) -> str:
        """How the two differ, in words; empty when they do not."""
        granted, seen = most(self.granted), most(self.observed)
        if not self.calls:
            return "made no call that was let through"
        if not seen:
            return f"reached no data, although granted {granted}" if granted else "reached no data"
        if not granted:
            return f"observed {seen}, although granted no data"
        if rank(seen) > rank(granted):
            return f"observed {seen}, although granted {granted} only"
        return f"granted {granted}, observed {seen}" if rank(seen) < rank(granted) else ""

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        p = self.principal
        return {
            "principal": {"kind": p.kind, "id": p.id, "clearance": p.clearance},
            "calls": self.calls,
            "granted": _levels(self.granted),
            "observed": _levels(self.observed),
            "said": self.said,
            "unused": list(self.unused),
            "beyond": list(self.beyond),
            "blends": [Told(b, ()).as_json() for b in self.observed],
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the logs show. ``span`` None: there is no log, or no line in it, so nothing is known of anybody."""

    span: Span | None
    principals: tuple[Compared, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {
            **(self.span or Span(None, None)).as_json(),
            "principals": [one.as_json() for one in self.principals],
        }


def most(blends: Iterable[Blend], *, verified: bool = False) -> Level | None:
    """The highest level among blends, claimed or verified; None where there is none."""
    return max(((b.verified if verified else b.claimed).level for b in blends), key=rank, default=None)


def _levels(blends: tuple[Blend, ...]) -> dict[str, object] | None:
    return {"claimed": most(blends), "verified": most(blends, verified=True)} if blends else None


def logs_of(project: Project) -> tuple[Path, ...]:
    """The access logs of the gateways that serve a project: the shared one's and each environment's own, or that of the
    one gateway whose part it is (:func:`assay.app.project.in_environment`)."""
    own = project.declaration.model.environments.items() if project.whole is None else ()
    shared = project.state
    states = [shared, *(shared.with_name(f"{shared.name}-{name}") for name, e in own if e.gateway is not None)]
    return tuple(Paths(state, state / "run").access_log for state in states)


def compare(project: Project, seen: View, principal: str | None = None, *, limit: int = LIMIT) -> Comparison:
    """Holds what callers did reach against what they are granted, those who went beyond their grants first.

    Args:
        principal: only this one, as :func:`assay.app.data_view.blends` takes it.
        limit: how many bytes of each log's end are read at most.

    Raises:
        UsageError: there is no principal of that name.
    """
    read, whole = [], True
    for log in logs_of(project):
        lines, complete = tail(log, limit)
        read += lines
        whole = whole and complete
    chosen = {r.principal.name for r in choose(seen.reached, principal)} if principal is not None else None
    found = read_calls(seen.declaration, (line.decode("utf-8", "replace") for line in read))
    since, until = _between(read)
    if since is None:
        return Comparison(None)
    calls = sum(n for made in found.calls.values() for n in made.values())
    unknown = tuple(sorted("/".join(one) for one in found.unknown))
    compared = [one for one in _compared(seen, found) if chosen is None or one.principal.name in chosen]
    compared.sort(key=lambda one: (not one.beyond, -rank(most(one.observed) or "public"), one.principal))
    return Comparison(Span(since, until, calls, found.unread, unknown, whole), tuple(compared))


def _compared(seen: View, found: Observed) -> Iterator[Compared]:
    granted = {r.principal: r for r in seen.reached if r.principal.kind in LOGGED}
    observed = {r.principal: r for r in observed_reach(seen.declaration, seen.closure, found.calls)}
    for principal in dict.fromkeys((*granted, *observed)):
        may, did = granted.get(principal), observed.get(principal)
        answering, called = _operations(may), _operations(did)
        yield Compared(
            principal,
            blend(may, seen.closure.rules) if may else (),
            blend(did, seen.closure.rules) if did else (),
            sum(found.calls.get(principal.id, {}).values()),
            tuple(answering),
            tuple(o for o in answering if o not in called),
            tuple(o for o in called if o not in answering),
        )


def _operations(reached: PrincipalReach | None) -> Mapping[str, None]:
    """The operations through which somebody reaches data, sorted."""
    grants = (g for one in reached.objects for g in one.grants if g.operation) if reached else ()
    return dict.fromkeys(sorted("/".join(g.operation) for g in grants))


class _Line(msgspec.Struct):
    time: str = ""


def _between(lines: Sequence[bytes]) -> tuple[datetime | None, datetime | None]:
    """When the first and the last call of a log began, by the lines that say so."""
    decoder = msgspec.json.Decoder(_Line)
    times = []
    for line in lines:
        try:
            moment = datetime.fromisoformat(decoder.decode(line).time)
            times.append(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))
        except (msgspec.DecodeError, ValueError, OverflowError, RecursionError):
            continue
    return min(times, default=None), max(times, default=None)
