"""Headers that name another path: access is decided for the one that was asked for, and another one is served."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.answers import ask, by_hand, callers, carries, doubtful, leaves, works
from assay.controls._lib.proving import test_of
from assay.controls.authorisation.proofs.common import CONTROL
from assay.prove.case import Case, Judged, Lab, NotReached, Run, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

HEADERS = ("x-original-url", "x-rewrite-url", "x-forwarded-uri", "x-original-uri")
"""What some frameworks and proxies take the path from."""


def rewritten(surface: Surface) -> Iterator[Case]:
    """One case for each API: what the fewest may read, asked for on a path that is open to everybody."""
    for api in dict.fromkeys(t.api for t in surface.targets):
        reading = [
            t
            for t in surface.targets
            if t.api == api and t.operation.method.upper() == "GET" and not by_hand(t) and not _asks(t)
        ]
        doors = [t for t in reading if surface.is_open(t)]
        closed = [t for t in reading if surface.is_open(t) is False and callers(surface, t)]
        if not doors or not closed:
            continue
        target = min(closed, key=lambda t: (len(callers(surface, t)), t.operation.path))
        people = callers(surface, target)
        persona = min(people, key=lambda p: (doubtful(surface, target, p), p.name))
        yield Case(
            test=test_of(CONTROL, "path-header-trusted"),
            subject=target.subject,
            at=target.at,
            api=api,
            operation=target.id,
            requests=3 + 2 * len(HEADERS),
            run=_run(target, persona, doors[0]),
        )


def _asks(target: Target) -> bool:
    """Whether a call needs more than the path."""
    return any(p.required and p.location in ("query", "header") for p in target.operation.parameters)


def _run(target: Target, persona: Persona, door: Target) -> Run:
    async def run(lab: Lab) -> Judged:
        who = await lab.act(persona)
        rightful = lab.request(target, lab.draft(target), who, purpose="the rightful caller")
        good = await works(lab, rightful)
        if not any(True for _ in leaves(good.json())):
            raise NotReached("the rightful caller sees nothing by which it could be recognised")
        plain = await works(lab, lab.request(door, lab.draft(door), None, purpose="the open path"))
        if carries(plain, good):
            raise NotReached("what is open to everybody shows the same, so nothing could be told apart")
        path = rightful.target.partition("?")[0]
        seen = plain
        for name in HEADERS:
            what = f"`{name.title()}: {path}` on the open `{door.id}`"
            answer = await ask(lab, lab.request(door, lab.draft(door), None, purpose=what, headers=((name, path),)))
            seen = answer.seen
            if carries(seen, good):
                return broken(f"{what} brings what only `{target.id}` should show, to nobody in particular", seen)
        if seen.status == plain.status or seen.refused:
            return held(f"{len(HEADERS)} headers that name another path bring nothing of `{target.id}`", seen)
        return unclear(f"a header that names another path is answered {seen.status}", seen)

    return run
