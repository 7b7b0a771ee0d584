"""Nobody sets a property that was never meant to be set: privileged names and what only the service sets (BOPLA).

Judged by effect: by what is read back afterwards, beside what is read back without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from assay.controls._lib.answers import works
from assay.controls._lib.attempts import Met, Ready, attempt, ready, weakest
from assay.controls._lib.inputs import flat, places, put, speaks_json, types
from assay.controls._lib.readback import params_of, reader_of
from assay.controls.data_exposure.proofs.planned import case
from assay.controls.data_exposure.responses import is_success
from assay.declare.media import may_be_json
from assay.domain import DeclarationError, Severity
from assay.prove.case import Case, Draft, Judged, Lab, NotReached, Run, Seen, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_WELL_KNOWN: Mapping[str, Any] = {
    "role": "admin",
    "roles": ["admin"],
    "isAdmin": True,
    "is_admin": True,
    "admin": True,
    "verified": True,
    "balance": 987_654,
    "credit": 987_654,
    "credit_limit": 987_654,
    "owner": "assay",
    "tenant": "assay",
}
_OWNERS = frozenset({"owner", "customer", "user", "tenant", "account", "ownerid", "userid", "customerid", "tenantid"})
_ONE_BY_ONE = 4


def plan(surface: Surface, targets: tuple[Target, ...]) -> Iterator[Case]:
    """One case for every operation that writes JSON, as the caller who may do least."""
    for target in targets:
        if target.writes and places_named(surface, target) and target.operation.method.upper() != "DELETE":
            persona = weakest(surface, target)
            if persona is not None and reader_of(surface, target) is not None:
                run = _run(surface, target, persona)
                yield case(target, "property-set-by-caller", run, persona.name, requests=5 + 2 * _ONE_BY_ONE)


def places_named(surface: Surface, target: Target) -> frozenset[str]:
    """Names at the top of a target's JSON body."""
    found = places(surface.contract(target), target)
    return frozenset(p.path[0] for p in found if p.kind == "body")


def answered(surface: Surface, target: Target) -> dict[str, Mapping[str, Any]]:
    """Properties at the top of a target's successful answers, with their schemas."""
    contract, found = surface.contract(target), {}
    for response in target.operation.responses:
        if response.schema is None or not may_be_json(response.media_type):
            continue
        if not is_success(target.operation, response):
            continue
        try:
            whole = contract.json_schema(response.schema, direction="response", closed=False)
        except DeclarationError:
            continue
        for name, raw in (flat(whole, whole).get("properties") or {}).items():
            found[name] = flat(raw, whole)
    return found


def candidates(surface: Surface, target: Target, foreign: str) -> dict[str, Any]:
    """Properties to send that the request does not name: what only answers hold first, then well-known names.

    Args:
        foreign: the name of somebody else, for properties that say whose an object is.
    """
    writable = places_named(surface, target)
    reader = reader_of(surface, target)
    read = answered(surface, target) | (answered(surface, reader) if reader else {})
    ids = {p.name for p in reader.operation.parameters} if reader else set()
    made: dict[str, Any] = {}
    for name, schema in read.items():
        if name in writable or name in ids or name.lower() in ("id", "_id", "uuid", "self", "links", "_links"):
            continue
        value = foreign if name.lower().replace("_", "") in _OWNERS and foreign else _value(schema)
        if value is not None:
            made[name] = value
    return made | {n: v for n, v in _WELL_KNOWN.items() if n not in writable and n not in made}


def _value(schema: Mapping[str, Any]) -> Any:
    kinds = types(schema)
    listed = schema.get("enum")
    if isinstance(listed, list) and listed:
        return listed[-1]
    if schema.get("format") == "date-time":
        return "2001-02-03T04:05:06Z"
    if "string" in kinds:
        return "assay" if "pattern" not in schema and schema.get("format") is None else None
    if kinds & {"integer", "number"}:
        most = schema.get("maximum")
        return min(987_654, int(most)) if isinstance(most, int | float) else 987_654
    return True if "boolean" in kinds else None


def _other(value: Any) -> Any:
    """Another value than one that is there already: the same once more would show no effect."""
    match value:
        case bool():
            return not value
        case int():
            return value - 1
        case list():
            return [f"assay-{v}" if isinstance(v, str) else v for v in value] or ["assay"]
        case str():
            return f"assay-{value}"
    return value


def _run(surface: Surface, target: Target, persona: Persona) -> Run:
    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona, own=True)
        if not speaks_json(able.draft):
            return unclear("the contract's example of this body is no JSON object")
        foreign = await _somebody_else(lab, persona, able)
        extras = candidates(surface, target, foreign) | {f"assay_{lab.nonce[:6]}": lab.nonce}
        plain = await works(lab, able.call(lab, able.draft, "without what is not meant to be set"))
        before = await _read(lab, surface, target, able, plain)
        if before is None:
            return unclear("what was written cannot be read back, so no effect would be seen", plain)
        extras = {n: _other(v) if before.get(n) == v else v for n, v in extras.items()}
        met = await attempt(lab, _with(lab, able, extras))
        tried = [met]
        if not met.stopped and not met.crashed:
            found = await _effect(lab, surface, target, able, met, extras, before)
            return found or held(f"{len(extras)} properties that nobody may set had no effect", met.seen)
        if met.policy:
            return held(
                f"properties that the contract does not name were refused by the gateway (`{met.policy}`)", met.seen
            )
        for name in list(extras)[:_ONE_BY_ONE]:
            one = {name: extras[name]}
            met = await attempt(lab, _with(lab, able, one))
            tried.append(met)
            if not met.stopped and not met.crashed:
                found = await _effect(lab, surface, target, able, met, one, before)
                if found is not None:
                    return found
        if any(m.crashed for m in tried):
            return unclear("the service fell over properties that it does not know", tried[0].seen)
        return held("properties that nobody may set were refused, or had no effect", tried[-1].seen)

    return run


def _with(lab: Lab, able: Ready, extras: Mapping[str, Any], *, purpose: str = "") -> Any:
    body = able.draft.body
    for name, value in extras.items():
        body = put(body, (name,), value)
    words = "with " + ", ".join(list(extras)[:4]) + (" …" if len(extras) > 4 else "")
    return able.call(lab, replace(able.draft, body=body), purpose or words)


async def _somebody_else(lab: Lab, persona: Persona, able: Ready) -> str:
    others = [p for p in lab.surface.personas if p.name != persona.name and p.roles == persona.roles]
    for other in others:
        try:
            found = await lab.act(other)
        except NotReached:
            continue
        if found.subject and (able.who is None or found.subject != able.who.subject):
            return found.subject
    return ""


async def _read(lab: Lab, surface: Surface, target: Target, able: Ready, seen: Seen) -> Any:
    """What is read back of what was written; None: nothing can be."""
    reader = reader_of(surface, target)
    params = params_of(reader, able.draft, seen) if reader else None
    if reader is None or params is None:
        return None
    back = await lab.call(lab.request(reader, Draft(params), able.who, purpose="read back"))
    value = back.json() if back.ok else None
    return value if isinstance(value, dict) else None


async def _effect(
    lab: Lab, surface: Surface, target: Target, able: Ready, met: Met, extras: Mapping[str, Any], before: Any
) -> Judged | None:
    after = await _read(lab, surface, target, able, met.seen)
    said = met.seen.json() if isinstance(met.seen.json(), dict) else {}
    shown = after if after is not None else said  # an object that is now somebody else's is no longer shown to us
    taken = [n for n, v in extras.items() if shown.get(n) == v and before.get(n) != v]
    if not taken:
        return None
    back = {n: before[n] for n in taken if n in before}
    if back:
        # Who was made an admin, or nobody, is no longer whom the other cases take them for.
        await lab.call(_with(lab, able, back, purpose="as it was"))
    unknown = all(n.startswith("assay_") for n in taken)
    words = ", ".join(f"`{n}`" for n in taken[:4])
    sentence = f"`{able.persona.name if able.persona else 'anybody'}` set {words}, which the contract lets nobody set"
    return broken(sentence, met.seen, severity=Severity.MEDIUM if unknown else None, properties=taken)
