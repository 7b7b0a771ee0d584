"""A property that a declaration leaves to some roles is set by nobody else, though the contract names it (BOPLA).

Judged by what is read back, beside an object that was written without it and one whose writer may set it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from assay.controls._lib.answers import callers
from assay.controls._lib.attempts import Ready, attempt, ready, weakest
from assay.controls._lib.inputs import Place, json_body, made, places, put, speaks_json, take
from assay.controls._lib.readback import params_of, reader_of
from assay.controls.data_exposure.proofs.planned import case
from assay.declare.shapes import ANY, Path
from assay.prove.case import Case, Draft, Identity, Judged, Lab, NotReached, Run, Seen, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target
from assay.sensitivity.bodies import labels

_DRAWS = 40
REQUESTS = 12


@dataclass(frozen=True, slots=True)
class Reserved:
    """A property of a body that only callers with one of these roles may set.

    Attributes:
        reader: the operation that shows what was written.
        persona: somebody who may write, and may not set it.
        entitled: somebody who may set it; None: nobody is known.
    """

    target: Target
    reader: Target
    place: Place
    roles: tuple[str, ...]
    persona: Persona
    entitled: Persona | None


def plan(surface: Surface, targets: tuple[Target, ...]) -> Iterator[Case]:
    """A case for each such property of each operation that somebody else may call, and whose effect can be read."""
    for target in targets:
        for found in reserved(surface, target):
            name = ".".join(found.place.path)
            run, identity = _run(surface, found), found.persona.name
            yield case(target, "reserved-property-set", run, identity, requests=REQUESTS, variant=name)


def reserved(surface: Surface, target: Target) -> Iterator[Reserved]:
    """The reserved properties of a target's JSON body."""
    body, reader = json_body(target), reader_of(surface, target)
    if body is None or reader is None or not target.writes or target.operation.method.upper() == "DELETE":
        return
    view = labels(surface.declaration, target.api).of(body.schema, "request")
    limited = [i for i in view.labelled if i.label.field.set_by and not i.absent and ANY not in i.path]
    named = {p.path: p for p in places(surface.contract(target), target) if p.kind == "body"} if limited else {}
    for item in limited:
        roles, place = item.label.field.set_by, named.get(item.path)
        others = [p for p in callers(surface, target) if not set(p.roles) & set(roles)]
        if place is None or not others:
            continue
        least = weakest(surface, target)
        persona = least if least in others else others[0]
        may = (p for p in callers(surface, target) if set(p.roles) & set(roles))
        if persona is not None:
            yield Reserved(target, reader, place, roles, persona, next(may, None))


def _run(surface: Surface, found: Reserved) -> Run:
    words, who = found.place.words, f"`{found.persona.name}`"

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, found.target, found.persona, own=True)
        if not speaks_json(able.draft):
            return unclear("the contract's example of this body is no JSON object")
        plain = await _sent(lab, able, replace(able.draft, body=_without(able.draft.body, found.place.path)), "without")
        if not plain.ok:
            raise NotReached(f"without {words}, {who} is answered {plain.status} too")
        before, known = await _shown(lab, found, able, able.who, plain)
        if not known:
            return unclear(f"what was written is not read back with {words}, so no effect would be seen", plain)
        value = _value(lab, found.place, before)
        if value is None:
            return unclear(f"no other value for {words} could be made by the contract", plain)
        may = await _entitled(lab, found, value)
        draft = replace(able.draft, body=put(able.draft.body, found.place.path, value))
        met = await attempt(lab, able.call(lab, draft, f"with {words}"))
        if met.crashed:
            return unclear(f"the service fails ({met.seen.status}) over {words}", met.seen)
        if met.stopped:
            if met.policy or met.seen.status in (401, 403) or may:
                return held(f"{who} is refused with {met.seen.status} when it sets {words}", met.seen)
            return unclear(
                f"{who} is refused with {met.seen.status} when it sets {words}, but nobody could be seen to set it, so"
                " it may be for the value",
                met.seen,
            )
        after, known = await _shown(lab, found, able, able.who, met.seen)
        if not known:
            return unclear(f"{words} was taken, and is not shown afterwards", met.seen)
        if after == value:
            if not surface.adds(found.target):
                back = replace(able.draft, body=put(able.draft.body, found.place.path, before))
                await _sent(lab, able, back, "as it was")
            roles = " or ".join(f"`{role}`" for role in found.roles)
            return broken(f"{who} set {words}, which only {roles} may", met.seen)
        if may:
            return held(f"{words} has no effect when {who} sets it", met.seen)
        return unclear(f"{words} has no effect when {who} sets it; nobody could be seen to set it at all", met.seen)

    return run


async def _entitled(lab: Lab, found: Reserved, value: Any) -> bool:
    """The positive control: somebody who may set the property does, and it is read back."""
    if found.entitled is None:
        return False
    try:
        able = await ready(lab, found.target, found.entitled, own=True)
        draft = replace(able.draft, body=put(able.draft.body, found.place.path, value))
        seen = await _sent(lab, able, draft, "somebody who may set it")
        return seen.ok and (await _shown(lab, found, able, able.who, seen))[0] == value
    except NotReached:
        return False


async def _shown(lab: Lab, found: Reserved, able: Ready, who: Identity | None, seen: Seen) -> tuple[Any, bool]:
    """What the property is now, and whether that could be seen: in what is read back, and nowhere else."""
    params = params_of(found.reader, able.draft, seen)
    if params is None:
        return None, False
    back = await lab.call(lab.request(found.reader, Draft(params), who, purpose="read back"))
    body = back.json() if back.ok else None
    held_in = take(body, found.place.path[:-1]) if found.place.path[:-1] else body
    if not isinstance(held_in, dict) or found.place.name not in held_in:
        return None, False
    return held_in[found.place.name], True


async def _sent(lab: Lab, able: Ready, draft: Draft, purpose: str) -> Seen:
    return await lab.call(able.call(lab, draft, purpose))


def _value(lab: Lab, place: Place, before: Any) -> Any:
    """A value by the contract that is not there already; None: none was found."""
    for _ in range(_DRAWS):
        value = made(place, lab.random)
        if value is not None and value != before and value not in (0, "", False):
            return value
    return None


def _without(body: Any, path: Path) -> Any:
    """A body without the property at a path."""
    if not isinstance(body, dict) or path[0] not in body:
        return body
    if len(path) == 1:
        return {k: v for k, v in body.items() if k != path[0]}
    return {**body, path[0]: _without(body[path[0]], path[1:])}
