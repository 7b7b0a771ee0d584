"""What runs, and whether it is what was applied: asked of Envoy itself, not taken from notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from assay.domain import AssayError, IncompleteError
from assay.gateway import state
from assay.gateway.apply.admin import Admin
from assay.gateway.apply.readback import digest, read_back
from assay.gateway.compare import observing
from assay.gateway.plan import Observing
from assay.gateway.state import Applied, Paths
from assay.gateway.supervisor.processes import is_same
from assay.gateway.supervisor.running import read_note, supervised


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One process. ``uptime_s`` is None while there is no process."""

    name: str
    state: str
    pid: int
    uptime_s: float | None
    restarts: int
    last_exit: str

    @property
    def ready(self) -> bool:
        """Whether it does its work."""
        return self.state == "ready"

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {
            "name": self.name,
            "state": self.state,
            "ready": self.ready,
            "pid": self.pid or None,
            "uptime_s": None if self.uptime_s is None else round(self.uptime_s, 1),
            "restarts": self.restarts,
            "last_exit": self.last_exit,
        }


@dataclass(frozen=True, slots=True)
class Status:
    """The gateway as it is.

    Attributes:
        running: whether a supervisor runs.
        confirmed: whether Envoy runs, at this moment, what it was seen to run when the policy was applied. None when it
            cannot be asked.
        rejected: how many updates Envoy has refused since it started; None when it cannot be asked.
        would_refuse: by counter of Envoy, how many calls a policy that only observes would have refused.
        problems: sentences about what is not as it should be.
    """

    running: bool
    pid: int = 0
    since: datetime | None = None
    address: str = ""
    parts: tuple[PartStatus, ...] = ()
    applied: Applied | None = None
    confirmed: bool | None = None
    rejected: int | None = None
    observing: tuple[Observing, ...] = ()
    would_refuse: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether everything runs, and what runs is what was applied."""
        return self.running and bool(self.parts) and not self.problems

    def as_json(self) -> dict[str, object]:
        """The published shape of ``assay status --format json`` (version 1)."""
        applied = self.applied
        return {
            "version": 1,
            "running": self.running,
            "healthy": self.healthy,
            "pid": self.pid or None,
            "since": self.since.isoformat() if self.since else None,
            "address": self.address or None,
            "parts": [p.as_json() for p in self.parts],
            "applied": None
            if applied is None
            else {
                "number": applied.number,
                "policy": applied.policy,
                "configuration": applied.configuration,
                "at": applied.at.isoformat(),
                "confirmed_at": applied.confirmed.isoformat() if applied.confirmed else None,
            },
            "confirmed": self.confirmed,
            "rejected_updates": self.rejected,
            "observing": [o.as_json() for o in self.observing],
            "would_refuse": dict(self.would_refuse),
            "problems": list(self.problems),
        }


@dataclass(frozen=True, slots=True)
class _Live:
    confirmed: bool | None = None
    rejected: int | None = None
    would_refuse: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


async def status(paths: Paths, *, now: datetime) -> Status:
    """Looks at everything. Nothing is changed, and damage is told among the problems rather than raised.

    Args:
        paths: the state directory.
        now: the time (UTC).
    """
    problems: list[str] = []
    applied, watched = _applied(paths, problems)
    alive = supervised(paths)
    if not alive:
        return Status(running=False, applied=applied, observing=watched, problems=tuple(problems))
    noted = read_note(paths)
    parts = tuple(
        PartStatus(
            p.name,
            p.state if not p.pid or is_same(p.pid, p.created) else "gone",
            p.pid,
            (now - p.since).total_seconds() if p.pid and p.since else None,
            p.restarts,
            p.last_exit,
        )
        for p in (noted.parts if noted else ())
    )
    problems += [f"{p.name} is {p.state}" + (f": {p.last_exit}" if p.last_exit else "") for p in parts if not p.ready]
    live = await _ask(Admin(paths.admin_socket), applied)
    return Status(
        running=True,
        pid=noted.pid if noted else 0,
        since=noted.since if noted else None,
        address=noted.address if noted else "",
        parts=parts,
        applied=applied,
        confirmed=live.confirmed,
        rejected=live.rejected,
        observing=watched,
        would_refuse=live.would_refuse,
        problems=(*problems, *live.problems),
    )


def _applied(paths: Paths, problems: list[str]) -> tuple[Applied | None, tuple[Observing, ...]]:
    try:
        applied = state.read_applied(paths)
        policy = state.load(paths, applied.number).policy if applied else None
    except AssayError as error:
        problems.append(error.sentence)
        return None, ()
    if applied:
        problems.extend(state.meddled(paths, applied))
    return applied, observing(policy) if policy else ()


async def _ask(admin: Admin, applied: Applied | None) -> _Live:
    try:
        subscriptions = await admin.subscriptions()
        shown = digest(await read_back(admin))
        counters = await admin.stats(r"(shadow_denied|\.enabled_not_enforced)$")
    except IncompleteError as error:
        return _Live(problems=(error.sentence,))
    confirmed = applied is not None and applied.confirmed is not None and shown == applied.readback
    problems = () if confirmed else ("Envoy does not run what was applied and confirmed",)
    return _Live(confirmed, subscriptions.rejected, {k: v for k, v in counters.items() if v}, problems)
