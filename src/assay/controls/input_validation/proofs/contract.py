"""What the contract excludes is refused: one request for each kind of constraint, and bodies of the wrong type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from assay.controls._lib.attempts import Met, Ready, attempt, good, known_good, ready, tester
from assay.controls._lib.inputs import (
    Place,
    admits,
    changed,
    json_body,
    put,
    speaks_json,
    take,
    types,
    validator,
    value_of,
)
from assay.controls.input_validation.proofs.planned import case, closed, inputs, last, summary
from assay.controls.input_validation.proofs.siblings import ALONE, Lot
from assay.declare.media import essence
from assay.prove.case import Call, Case, Draft, Judged, Lab, broken, held, unclear
from assay.prove.surface import Surface, Target

MOST = 8
"""Invalid requests for one operation."""
_LONGEST = 20_000
_UNKNOWN = "assayUnknownMember"
_PATTERNLESS = ("<assay>", "~", "assay value", "é")


@dataclass(frozen=True, slots=True)
class Wrong:
    """A request that the contract excludes: of which kind, in words, and the draft or the raw body."""

    kind: str
    words: str
    draft: Draft
    raw: bytes | None = None


def plan(surface: Surface, target: Target, lot: Lot = ALONE) -> Iterator[Case]:
    """One case for every operation that takes input of a stated shape; one more for the type of its body."""
    if inputs(surface, target) or json_body(target) is not None or (surface.fronted and not target.writes):
        yield case(surface, target, "contract-not-enforced", _enforced(surface, target, lot), requests=MOST + 1)
    if json_body(target) is not None:
        yield case(surface, target, "content-type-not-enforced", _content_type(surface, target), requests=3)


def _enforced(surface: Surface, target: Target, lot: Lot) -> Any:
    persona = tester(surface, target)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona, own=target.writes)
        chosen = lot.half(tuple(wrong(surface, target, able.draft))[:MOST])
        if not chosen:
            return unclear("the contract excludes nothing of this operation's input that could be tried")
        await known_good(lab, able)
        met: list[Met] = []
        for one in chosen:
            met.append(await attempt(lab, _sent(lab, able, one)))
        return judged(chosen, met)

    return run


def _sent(lab: Lab, able: Ready, one: Wrong) -> Call:
    call = able.call(lab, one.draft, f"invalid: {one.words}")
    return replace(call, body=one.raw, content_type="application/json") if one.raw is not None else call


def judged(chosen: tuple[Wrong, ...], met: list[Met]) -> Judged:
    """What the answers to invalid requests say together."""
    pairs = list(zip(chosen, met, strict=True))
    accepted = [(w, m) for w, m in pairs if not m.stopped and not m.crashed]
    crashed = [(w, m) for w, m in pairs if m.crashed]
    facts: dict[str, Any] = {
        "tried": len(pairs),
        "accepted": [w.words for w, _ in accepted],
        "crashed": [w.words for w, _ in crashed],
    }
    if accepted:
        named = "; ".join(w.words for w, _ in accepted[:3])
        return broken(
            f"{len(accepted)} of {len(pairs)} requests that the contract excludes were accepted: {named}",
            accepted[0][1].seen,
            **facts,
        )
    if crashed:
        first, seen = crashed[0][0], crashed[0][1].seen
        sentence = f"the service answers {seen.status} (an unhandled error) to invalid input: {first.words}"
        return broken(sentence, seen, **facts)
    shown = last(met)
    return held(
        f"{len(pairs)} requests that the contract excludes: {summary(met)}", shown.seen if shown else None, **facts
    )


def wrong(surface: Surface, target: Target, draft: Draft) -> Iterator[Wrong]:
    """Requests that the contract excludes, each shown to be invalid by its schema; one of each kind of constraint."""
    known: set[str] = set()
    for place in inputs(surface, target):
        for kind, words, value in _values(place, value_of(draft, place), surface.fronted):
            if kind in known:
                continue
            if place.kind == "body" and not speaks_json(draft):
                continue
            if admits(place, value, draft.body) is False:
                known.add(kind)
                yield Wrong(kind, f"{words} for {place.words}", changed(draft, place, value))
    yield from _wholes(surface, target, draft)


def _values(place: Place, now: Any, formats: bool) -> Iterator[tuple[str, str, Any]]:
    """Values that may break a constraint of the place: (kind, in words, value)."""
    schema, kinds = place.schema, types(place.schema)
    text = now if isinstance(now, str) and now else "a"
    inside = place.kind == "body"
    if inside and kinds and "object" not in kinds:
        yield "type", "an object", {"assay": 1}
    elif inside and kinds == {"object"}:
        yield "type", "a string", "assay"
    elif place.kind in ("query", "path", "header") and kinds & {"integer", "number"} and "string" not in kinds:
        yield f"type-{place.kind}", "a word", "assay"
    where = "" if inside else f"-{place.kind}"
    longest, shortest = schema.get("maxLength"), schema.get("minLength")
    if isinstance(longest, int) and longest < (_LONGEST if inside else 2_000):
        yield f"long{where}", f"{longest + 1} characters", (text * (longest + 1))[: longest + 1]
    if isinstance(shortest, int) and shortest > 1:
        yield f"short{where}", f"{shortest - 1} characters", text[: shortest - 1]
    if isinstance(schema.get("pattern"), str):
        for value in _PATTERNLESS:
            yield f"pattern{where}", "characters outside its pattern", value
    if isinstance(schema.get("enum"), list):
        yield f"enum{where}", "a value that is not listed", "assay-unknown"
    for key, step in (("minimum", -1), ("maximum", 1)):
        bound = schema.get(key)
        if isinstance(bound, int | float) and not isinstance(bound, bool) and abs(bound) < 1e15:
            yield f"{key}{where}", f"{bound + step}", bound + step
    if formats and isinstance(schema.get("format"), str):
        yield f"format{where}", f"no {schema['format']}", "assay assay"
    most = schema.get("maxItems")
    if inside and isinstance(most, int) and most < 1_000 and isinstance(now, list) and now:
        yield "items", f"{most + 1} items", [now[0]] * (most + 1)


def _wholes(surface: Surface, target: Target, draft: Draft) -> Iterator[Wrong]:
    """What is wrong with a request as a whole."""
    if speaks_json(draft):
        yield from _bodies(surface, target, draft)
    needed = next((p for p in target.operation.parameters if p.required and p.location == "query"), None)
    if needed is not None:
        kept = tuple((n, v) for n, v in draft.query if n != needed.name)
        yield Wrong("parameter-missing", f"no `{needed.name}` in the query", replace(draft, query=kept))
    if surface.fronted and surface.api(target).strict.query:
        extra = replace(draft, query=(*draft.query, (_UNKNOWN, "1")))
        yield Wrong("query-unknown", "a query parameter that the contract does not name", extra)


def _bodies(surface: Surface, target: Target, draft: Draft) -> Iterator[Wrong]:
    body = json_body(target)
    places = [p for p in inputs(surface, target) if p.kind == "body"]
    check = validator(places[0].whole) if places else None
    if check is not None:
        required = next((p for p in places if p.required and len(p.path) == 1 and p.name in draft.body), None)
        if required is not None:
            fewer = {k: v for k, v in draft.body.items() if k != required.name}
            if not check.is_valid(fewer):
                yield Wrong("required", f"no {required.words}", replace(draft, body=fewer))
        more = put(draft.body, (_UNKNOWN,), 1)
        if take(draft.body, (_UNKNOWN,)) is None and not check.is_valid(more):
            promised = closed(surface, target) or places[0].whole.get("additionalProperties") is False
            words = "a member that the contract " + ("does not name" if promised else "excludes")
            yield Wrong("member-unknown", words, replace(draft, body=more))
    yield Wrong("syntax", "a body that is no JSON", draft, raw=json.dumps(draft.body).encode()[:-1] + b",")
    if body is not None and target.operation.body_required and (check is None or not check.is_valid(None)):
        yield Wrong("body-missing", "no body", replace(draft, body=None, content_type=None))


def _content_type(surface: Surface, target: Target) -> Any:
    persona = tester(surface, target)
    declared = {essence(b.media_type) for b in target.operation.body}

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona, own=target.writes)
        if not speaks_json(able.draft):
            return unclear("the contract's example of this body is no JSON object")
        seen = await good(lab, able)
        answered = essence(seen.headers.get("content-type", ""))
        promised = {essence(r.media_type) for r in target.operation.responses if _is(r.status, seen) and r.media_type}
        if promised and "*/*" not in promised and seen.body and answered not in promised:
            said = f"as `{answered}`" if answered else "without a type"
            return broken(f"the answer came {said}, and the contract promises {', '.join(sorted(promised))}", seen)
        if "text/plain" in declared or "*/*" in declared:
            return held("every type that was tried is declared; the answer has the type that the contract names", seen)
        call = replace(
            able.call(lab, able.draft, "a valid body under a type that is not declared"), content_type="text/plain"
        )
        met = await attempt(lab, call)
        if met.stopped:
            return held(f"a body called text/plain was refused by {met.by}", met.seen)
        if met.crashed:
            return broken(f"the service answers {met.seen.status} to a body called text/plain", met.seen)
        return broken(
            "a body called text/plain was read as JSON, although the contract declares no such type", met.seen
        )

    return run


def _is(status: str, seen: Any) -> bool:
    return status in (str(seen.status), f"{seen.status // 100}XX")
