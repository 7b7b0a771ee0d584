"""Input that two readers understand differently: a key twice, a parameter twice, a line break in a value.

Sent twice, an id is judged by effect and by content: the caller's own and somebody else's, which alone is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from assay.controls._lib.answers import real_object
from assay.controls._lib.attempts import Met, Ready, attempt, known_good, ready, tester, weakest
from assay.controls._lib.exposed import folded
from assay.controls._lib.inputs import Place, admits, changed, put, speaks_json, value_of
from assay.controls.input_validation.proofs.planned import case, guarded, inputs, texts
from assay.prove.case import Call, Case, Family, Identity, Judged, Lab, NotReached, Seen, Thing, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_ID = re.compile(r"(?:_?id|Id|ID)$")
_HEADER = "x-assay-line"


def plan(surface: Surface, target: Target) -> Iterator[Case]:
    """Keys twice for JSON bodies; ids twice where an object of that kind can be read; a line break for each query."""
    places = inputs(surface, target)
    if any(p.kind == "body" for p in places):
        yield case(surface, target, "duplicate-input-accepted", _twice(surface, target), requests=3)
    for place, reader in _ids(surface, target):
        run = _two_owners(surface, target, place, reader)
        variant = "own-and-foreign"
        yield case(
            surface, target, "duplicate-input-accepted", run, requests=10, family=Family.CROSS_WRITE, variant=variant
        )
        break
    if any(p.kind in ("query", "path") for p in texts(surface, target)) and not target.writes:
        yield case(surface, target, "line-break-in-header", _line_break(surface, target), requests=2)


def _ids(surface: Surface, target: Target) -> Iterator[tuple[Place, Target | None]]:
    """Places that name an object, with the operation that reads it; None: it names the caller."""
    if tester(surface, target) is None or (guarded(surface) and surface.api(target).strict.body):
        return  # a key twice is refused there whatever it holds, which the first case shows
    for place in texts(surface, target):
        if place.kind == "body" and len(place.path) == 1 and _ID.search(place.name):
            reader = _reader(surface, target, place)
            if reader is not None:
                yield place, reader
        elif place.kind == "query" and folded(place.name) in (
            "customer",
            "customerid",
            "user",
            "userid",
            "owner",
            "account",
        ):
            yield place, None


def _reader(surface: Surface, target: Target, place: Place) -> Target | None:
    for other in surface.targets:
        if other.api != target.api or other.operation.method.upper() != "GET":
            continue
        parameters = [p.name for p in other.operation.parameters if p.location == "path"]
        if len(parameters) == 1 and folded(parameters[0]) == folded(place.name) and other.operation.path.endswith("}"):
            return other
    return None


def _twice(surface: Surface, target: Target) -> Any:
    persona = tester(surface, target)
    places = [p for p in inputs(surface, target) if p.kind == "body" and len(p.path) == 1]

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona, own=target.writes)
        if not speaks_json(able.draft):
            return unclear("the contract's example of this body is no JSON object")
        place = next((p for p in places if value_of(able.draft, p) is not None and _bad(p, able) is not None), None)
        if place is None:
            return held("the contract takes any value for every member, so none of two can be the wrong one")
        seen = await known_good(lab, able)
        bad = _bad(place, able)
        call = replace(_raw(lab, able, place, [value_of(able.draft, place), bad]), purpose=f"{place.words} twice")
        met = await attempt(lab, call)
        if met.stopped:
            return held(f"a body with {place.words} twice was refused by {met.by}", met.seen)
        if met.crashed:
            return broken(f"the service answers {met.seen.status} to a body with {place.words} twice", met.seen)
        if _holds(met.seen, bad) and not _holds(seen, bad):
            return broken(f"of two values for {place.words}, the one that the contract excludes was used", met.seen)
        return held(f"of two values for {place.words}, none that the contract excludes was used", met.seen)

    return run


def _holds(seen: Seen, value: Any) -> bool:
    """Whether an answer holds a value, however it is spaced."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.replace(" ", "") in seen.text.replace(" ", "")


def _bad(place: Place, able: Ready) -> Any:
    """A value that the contract excludes at a place; None: there is none that was thought of."""
    return next((v for v in ("<assay>", -987654321, {"assay": 1}) if admits(place, v, able.draft.body) is False), None)


def _raw(lab: Lab, able: Ready, place: Place, values: list[Any]) -> Call:
    """The body with one member several times, in this order."""
    rest = {k: v for k, v in able.draft.body.items() if k != place.name}
    several = ",".join(f"{json.dumps(place.name)}:{json.dumps(v)}" for v in values)
    body = "{" + several + "".join(f",{json.dumps(k)}:{json.dumps(v)}" for k, v in rest.items()) + "}"
    return replace(able.call(lab, able.draft, ""), body=body.encode(), content_type="application/json")


def _two_owners(surface: Surface, target: Target, place: Place, reader: Target | None) -> Any:
    persona = weakest(surface, target)
    assert persona is not None  # noqa: S101 - such places are listed for personas only

    async def run(lab: Lab) -> Judged:
        if reader is None:
            return await _by_name(lab, target, place, persona)
        mine, me = await real_object(lab, reader, persona)
        theirs = await _foreign(lab, reader, persona, me)
        return await _by_effect(lab, target, place, reader, (mine, me), theirs)

    return run


async def _foreign(lab: Lab, reader: Target, persona: Persona, me: Identity) -> Thing:
    """An object of somebody else of the same kind."""
    for other in lab.surface.personas:
        if other.name != persona.name and other.roles == persona.roles:
            with suppress(NotReached):
                return await lab.owned(reader, other, other_than=[me])
    return await lab.owned(reader, persona, other_than=[me])


async def _other(lab: Lab, persona: Persona) -> Identity:
    """Somebody else of the same kind."""
    for other in lab.surface.personas:
        if other.name != persona.name and other.roles == persona.roles:
            with suppress(NotReached):
                return await lab.act(other)
    return await lab.act(persona, fresh=True)


async def _by_effect(
    lab: Lab, target: Target, place: Place, reader: Target, mine: tuple[Thing | None, Identity], theirs: Thing
) -> Judged:
    """Whether somebody else's object changes, read by its owner, when its id stands beside an own one."""
    thing, me = mine
    if thing is None:
        raise NotReached("no object of one's own is known")
    own, foreign = next(iter(thing.params.values())), next(iter(theirs.params.values()))
    able = Ready(target, None, me, lab.draft(target))
    if not speaks_json(able.draft):
        raise NotReached("the contract's example of this body is no JSON object")
    able = replace(able, draft=replace(able.draft, body=put(able.draft.body, place.path, own)))
    alone = await attempt(lab, _raw(lab, able, place, [foreign]))
    if not alone.stopped:
        return unclear("somebody else's id alone was not refused, which authorisation judges", alone.seen)

    async def state() -> str:
        seen = await lab.call(
            lab.request(reader, lab.draft(reader, theirs), theirs.owner, purpose="its owner reads it")
        )
        if not seen.ok:
            raise NotReached(f"its owner reads it, and was answered {seen.status}")
        return seen.text

    before = await state()
    for values in ([own, foreign], [foreign, own]):
        met = await attempt(lab, replace(_raw(lab, able, place, values), purpose="an own id and a foreign one"))
        if met.seen.ok and await state() != before and await _still(state, before):
            return broken(f"with {place.words} twice, own and foreign, somebody else's object was changed", met.seen)
    return held(f"with {place.words} twice, own and foreign, somebody else's object stayed as it was", met.seen)


async def _still(state: Callable[[], Awaitable[str]], before: str) -> bool:
    return await state() != before  # twice: not something that changes by itself and back


async def _by_name(lab: Lab, target: Target, place: Place, persona: Persona) -> Judged:
    """Whether somebody else's name beside the own one brings what the other's name alone does not."""
    me = await lab.act(persona)
    other = await _other(lab, persona)
    if not me.subject or not other.subject or me.subject == other.subject:
        raise NotReached("two callers whose names are known are needed")
    able = Ready(target, persona, me, lab.draft(target))

    async def asked(*names: str) -> Met:
        draft = replace(able.draft, query=tuple((n, v) for n, v in able.draft.query if n != place.name))
        pairs = (*draft.query, *((place.name, n) for n in names))
        return await attempt(lab, able.call(lab, replace(draft, query=pairs), f"{place.name} as {len(names)} values"))

    if not (await asked(me.subject)).seen.ok:
        raise NotReached("the caller's own name was not taken")
    alone = await asked(other.subject)
    if not alone.stopped:
        return unclear("somebody else's name alone was not refused, which authorisation judges", alone.seen)
    for names in ((me.subject, other.subject), (other.subject, me.subject)):
        met = await asked(*names)
        if met.seen.ok and other.subject in met.seen.text:
            return broken(f"with {place.words} twice, somebody else's records were answered", met.seen)
    return held(f"with {place.words} twice, no record of somebody else was answered", met.seen)


def _line_break(surface: Surface, target: Target) -> Any:
    persona = tester(surface, target)
    place = next(p for p in texts(surface, target) if p.kind in ("query", "path"))

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona)
        met = await attempt(
            lab,
            able.call(
                lab, changed(able.draft, place, f"a\r\n{_HEADER}: {lab.nonce}"), f"a line break in {place.words}"
            ),
        )
        if _HEADER in met.seen.headers or lab.nonce in str(met.seen.headers.get("set-cookie", "")):
            return broken(f"a line break in {place.words} began a header of the answer", met.seen)
        if met.stopped:
            return held(f"a line break in {place.words} was refused by {met.by}", met.seen)
        return held(f"a line break in {place.words} began no header of the answer", met.seen)

    return run
