"""Marked values are written through the API and looked for in the store's own bytes.

A value that is not found proves nothing by itself: it may never have been stored, or the wrong place may have been
searched. So each must be read back through the API by somebody who is cleared for it, and a value of a field that is
not encrypted, written in the same request, must be found in the store.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from assay.controls._lib.answers import callers, works
from assay.controls._lib.attempts import Ready, name_of, ready
from assay.controls._lib.inputs import Place, changed, made, places, speaks_json, value_of
from assay.controls._lib.proving import test_of
from assay.controls._lib.readback import params_of, reader_of
from assay.controls.encryption_at_rest.canary import canary
from assay.controls.encryption_at_rest.protected import Flows, fields_of, stores
from assay.declare.contract import Parameter
from assay.prove.case import Case, Draft, Family, Judged, Lab, NotReached, Run, Seen, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target
from assay.sensitivity.bodies import FieldLabel, labels
from assay.sensitivity.levels import rank
from assay.sensitivity.reveals import Reveals

_CONTROL = "encryption_at_rest"
_PAUSES = (0.0, 0.3, 1.0)


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: the protected values by field, a value that may be found, and the answer."""

    able: Ready
    draft: Draft
    seen: Seen
    values: dict[str, tuple[Place, str]]
    control: str


def prove(surface: Surface) -> Iterator[Case]:
    """One case for every operation that writes protected fields, and one for every parameter that looks one up."""
    declaration = surface.declaration
    for api_id in dict.fromkeys(t.api for t in surface.targets):
        api = declaration.model.apis[api_id]
        targets = [t for t in surface.targets if t.api == api_id]
        seen: set[str] = set()
        for name, system in stores(declaration, api):
            fields = tuple(f for f in fields_of(declaration, system) if f.name not in seen)
            seen.update(f.name for f in fields)
            flows = Flows(labels(declaration, api_id), fields)
            if fields and flows.labels.data:
                yield from _cases(surface, targets, name, flows)


def _cases(surface: Surface, targets: list[Target], system: str, flows: Flows) -> Iterator[Case]:
    creating: tuple[Target, Persona, dict[tuple[str, ...], FieldLabel]] | None = None
    for target in targets:
        flow = flows.of(target.operation)
        persona = cleared(surface, target, tuple(i.label for i in flow.request))
        if not flow.request or not target.writes or persona is None:
            continue
        inside = {item.path: item.label for item in flow.request}
        if creating is None and "{" not in target.operation.path:
            creating = (target, persona, inside)
        run = _stored(surface, target, persona, inside, system)
        yield _case(target, persona, "plaintext-in-store", run, requests=4, writes=1, variant=system)
    if creating is None:
        return
    for target in targets:
        for parameter, label in flows.of(target.operation).lookups:
            run = _found(surface, creating, target, parameter, label)
            persona = creating[1]
            if surface.allows(target, persona):
                variant = f"{system}.{parameter.name}"
                yield _case(target, persona, "lookup-lost", run, requests=3, writes=1, variant=variant)


def cleared(surface: Surface, target: Target, fields: tuple[FieldLabel, ...]) -> Persona | None:
    """Somebody who may call a target, and sees most of the fields in clear; by preference on any object."""

    def order(persona: Persona) -> tuple[int, bool, int, str]:
        shown = sum(in_clear(surface, target, persona, f) for f in fields)
        return (-shown, bool(surface.owns(target, persona)), len(persona.ways), persona.name)

    return min(callers(surface, target), key=order, default=None)


def in_clear(surface: Surface, target: Target, persona: Persona, label: FieldLabel) -> bool:
    """Whether a persona is shown a field of somebody's record in clear, by what is declared."""
    if rank(label.level) > rank(persona.clearance):  # type: ignore[arg-type]
        return False
    if surface.owns(target, persona):
        return True
    forms = Reveals(surface.api(target)).forms(label.category)
    return any(forms.get(role) == "clear" for role in persona.roles)


def _case(target: Target, persona: Persona, check: str, run: Run, *, requests: int, writes: int, variant: str) -> Case:
    return Case(
        test=test_of(_CONTROL, check),
        subject=target.subject,
        at=target.at,
        api=target.api,
        operation=target.id,
        identity=name_of(persona),
        variant=variant,
        family=Family.OWN_WRITE,
        requests=requests,
        writes=writes,
        run=run,
    )


async def _write(lab: Lab, target: Target, persona: Persona, inside: dict[tuple[str, ...], FieldLabel]) -> Written:
    """Writes marked values of protected fields, and a marked value of a field that is stored as it is.

    Raises:
        NotReached: none of the fields takes a value that could be looked for, or the request was not taken.
    """
    able = await ready(lab, target, persona, own=True)
    draft = able.draft
    if not speaks_json(draft):
        raise NotReached("the contract's example of this body is no JSON object")
    found = {p.path: p for p in places(lab.surface.contract(target), target) if p.kind == "body"}
    values: dict[str, tuple[Place, str]] = {}
    # By the nonce, which no other run has: the same value written by an earlier run would be found in the store.
    chance = random.Random(lab.nonce)  # noqa: S311 - a marker, not a secret
    for path, label in inside.items():
        place = found.get(path)
        if place is None:
            continue
        text = canary(place, value_of(draft, place) or made(place, lab.random), draft.body, chance)
        if text is not None:
            draft = changed(draft, place, text)
            values[label.name] = (place, text)
    if not values:
        raise NotReached("no protected field of this operation takes a text that could be looked for")
    control = ""
    for path, place in found.items():
        if path not in inside and place.is_text and len(path) == 1 and "format" not in place.schema and not control:
            text = canary(place, value_of(draft, place) or made(place, lab.random), draft.body, chance)
            if text is not None:
                draft, control = changed(draft, place, text), text
    seen = await works(lab, able.call(lab, draft, "marked values are written"))
    return Written(able, draft, seen, values, control)


def _stored(
    surface: Surface, target: Target, persona: Persona, inside: dict[tuple[str, ...], FieldLabel], system: str
) -> Run:
    async def run(lab: Lab) -> Judged:
        written = await _write(lab, target, persona, inside)
        searched = bool(written.control) and await _holds(lab, written.control, system, patient=True)
        plain = [name for name, (_, text) in written.values.items() if await _holds(lab, text, system)]
        facts: dict[str, Any] = {"system": system, "fields": sorted(written.values), "plaintext": plain}
        if plain:
            return broken(f"{_and(plain)} of `{system}` lie in the store as they were written", written.seen, **facts)
        if not written.control:
            words = "no field of this request is stored as it is, so nothing shows that the right place was searched"
            return unclear(words, written.seen, **facts)
        if not searched:
            words = f"a value that is not encrypted was not found in `{system}` either: the wrong place was searched"
            return unclear(words, written.seen, **facts)
        shown = await _read_back(lab, surface, target, written)
        lost = [name for name in written.values if name not in shown]
        if not shown:
            return unclear("no marked value was read back, so none may have been stored at all", written.seen, **facts)
        words = f"the store holds {_and(sorted(shown))} in no readable form, and the API gives them back"
        if lost:
            return unclear(f"{words}; {_and(lost)} could not be read back by `{persona.name}`", written.seen, **facts)
        return held(words, written.seen, **facts)

    return run


def _and(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


async def _holds(lab: Lab, text: str, system: str, *, patient: bool = False) -> bool:
    """Whether the store holds a text; ``patient``: looks again, since stores write a little later."""
    for pause in _PAUSES if patient else (0.0,):
        if pause:
            await lab.wait(pause)
        if await lab.stored(text.encode(), system=system):
            return True
    return False


async def _read_back(lab: Lab, surface: Surface, target: Target, written: Written) -> set[str]:
    """The fields whose marked values come back in clear: in the answer to the write, or when the object is read."""
    shown = {name for name, (_, text) in written.values.items() if _carries(written.seen, text)}
    if len(shown) == len(written.values):
        return shown
    reader = reader_of(surface, target)
    params = params_of(reader, written.able.draft, written.seen) if reader is not None else None
    if reader is not None and params is not None:
        call = lab.request(reader, Draft(params), written.able.who, purpose="read back")
        seen = await lab.call(call)
        shown |= {name for name, (_, text) in written.values.items() if seen.ok and _carries(seen, text)}
    return shown


def _carries(seen: Seen, text: str) -> bool:
    return seen.ok and (text in seen.text or text in str(seen.json()))


def _found(
    surface: Surface,
    creating: tuple[Target, Persona, dict[tuple[str, ...], FieldLabel]],
    target: Target,
    parameter: Parameter,
    label: FieldLabel,
) -> Run:
    """Whether what was written is found again by the value of an encrypted field."""
    writer, persona, inside = creating

    async def run(lab: Lab) -> Judged:
        written = await _write(lab, writer, persona, inside)
        if label.name not in written.values:
            return unclear(f"`{label.name}` is not written by `{writer.id}`, so it cannot be looked up")
        _, text = written.values[label.name]
        who = written.able.who
        draft = lab.draft(target)
        kept = tuple((n, v) for n, v in draft.query if n == "limit")

        async def by(value: str, words: str) -> Seen:
            asked = replace(draft, query=(*kept, (parameter.name, value)))
            return await lab.call(lab.request(target, asked, who, purpose=words))

        reader = reader_of(surface, writer)
        ids = params_of(reader, written.able.draft, written.seen) if reader is not None else None
        markers = {*(ids or {}).values(), *([written.control] if written.control else [text])}
        seen = await by(text, f"looked up by `{parameter.name}`")
        other = await by(_other(text), "looked up by another value, for comparison")
        if not seen.ok:
            return unclear(f"the search was answered {seen.status}", seen)
        if other.ok and any(m in other.text for m in markers):
            return unclear("the search finds it by any value, so it shows nothing", other)
        if any(m in seen.text for m in markers):
            return held(f"`{label.name}` is encrypted, and found again by its value", seen)
        return broken(f"what was written with `{label.name}` is not found by it", seen)

    return run


def _other(text: str) -> str:
    """A value of the same form that nobody has."""
    name, at, rest = text.partition("@")
    return f"{name[::-1]}x{at}{rest}"
