"""What the live policy makes of a service that misbehaves: answers that a case plays in the service's place."""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.answers import callers
from assay.controls._lib.attempts import Ready, spoils
from assay.declare.selectors import selects
from assay.prove.case import Lab, NotReached
from assay.prove.played import Behind, Played
from assay.prove.surface import Surface, Target


def mirrored(surface: Surface) -> bool:
    """Whether there is a gateway of ours, whose policy can be put in front of another service."""
    return surface.fronted and surface.via == "gateway"


def readers(surface: Surface) -> Iterator[Target]:
    """One operation of each API that somebody may read: by preference without a limit or an object of its own."""
    for api in dict.fromkeys(t.api for t in surface.targets):
        found = [
            t
            for t in surface.targets
            if t.api == api
            and t.operation.method.upper() == "GET"
            and not spoils(t)
            and (callers(surface, t) or surface.is_open(t))
        ]
        limited = surface.declaration.model.apis[api].limits.operations
        chosen = min(
            found,
            key=lambda t: (t.operation.path.count("{"), any(selects(s, t.id) for s in limited), t.id),
            default=None,
        )
        if chosen is not None:
            yield chosen


async def played(lab: Lab, able: Ready, answer: Played, purpose: str) -> Behind:
    """What the caller gets when the service answers so.

    Raises:
        NotReached: the service was never asked.
    """
    found = await lab.behind(able.call(lab, able.draft, purpose), answer)
    if not found.asked and not found.seen.status:
        raise NotReached(f"the mirror of the gateway gave no answer: {found.seen.error or 'the connection ended'}")
    if not found.asked:
        by = f"`{found.decision.policy}`" if found.decision and found.decision.policy else "the gateway itself"
        raise NotReached(f"{by} answered {found.seen.status}, before the service was asked")
    return found


async def ordinary(lab: Lab, able: Ready, answer: Played | None = None) -> Behind:
    """The positive control: an answer as it should be reaches the caller, so the way there and back is open.

    Raises:
        NotReached: it does not.
    """
    found = await played(lab, able, answer or Played(), "an ordinary answer")
    if not found.seen.ok or found.seen.error:
        raise NotReached(f"even an ordinary answer of the service reaches the caller as {found.seen.status}")
    return found
