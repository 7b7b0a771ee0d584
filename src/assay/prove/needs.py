"""What a run would need to test more, in a few sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from assay.domain import Outcome
from assay.prove.result import RunResult
from assay.prove.surface import Surface

_MOST, _LONGEST = 8, 200
_NUMBER = re.compile(r"(?<=\w)#\d+")


def needs(surface: Surface, run: RunResult | None = None) -> tuple[str, ...]:
    """What is missing: identities first, then what the run met. Empty: nothing that would change what is tested."""
    return tuple(_of_surface(surface)) + (tuple(_of_run(run)) if run else ())


def _of_surface(surface: Surface) -> Iterator[str]:
    closed = [t for t in surface.targets if surface.is_open(t) is False]
    people = [p for p in surface.personas if p.people or p.given]
    if closed and not surface.personas:
        yield (
            f"an identity: {len(closed)} of {len(surface.targets)} operations ask for credentials. "
            "Give one: --identity alice=bearer:env:ALICE_TOKEN"
        )
    elif len(people) < 2 and not any(p.people for p in people) and any("{" in t.path for t in surface.targets):
        yield (
            "a second identity of the same kind, so that one can try to reach the other's objects: "
            "--identity bob=bearer:env:BOB_TOKEN"
        )
    roles = {role for p in surface.personas for role in p.roles}
    if not surface.declared_access and surface.personas and len(roles) < 2:
        yield "identities of a low and a high role, named: --identity eve@customer=… --identity adam@admin=…"
    if not surface.declared_access:
        yield "a declaration (`assay init`), which says who may do what, how often, and what must be hidden from whom"
    if surface.via == "direct" and surface.fronted:
        yield "the gateway (`--via gateway`): straight at the service nobody can say which policy refused"


def _of_run(run: RunResult) -> Iterator[str]:
    reasons = Counter(_in_short(u.reason) for u in run.unreached)
    reasons.update(_in_short(p.verdict.sentence) for p in run.proofs if p.verdict.outcome is Outcome.ERROR)
    for reason, count in reasons.most_common(_MOST):
        yield f"{reason} ({count} cases)" if count > 1 else reason
    if len(reasons) > _MOST:
        yield f"… and {len(reasons) - _MOST} more reasons, in `--format json`"


def _in_short(reason: str) -> str:
    """A reason without what differs from case to case: the numbers of identities, and all but the first attempt."""
    first = _NUMBER.sub("", reason).split("; `")[0]
    return first if len(first) <= _LONGEST else first[: _LONGEST - 1].rstrip() + "…"
