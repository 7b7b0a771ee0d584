"""Ids outside the path: objects that a body or a query names must be the caller's own as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from assay.controls._lib.accounts import properties
from assay.controls._lib.answers import ask, callers, carries, works
from assay.controls._lib.proving import test_of
from assay.controls.authorisation.objects import object_parameters
from assay.controls.authorisation.proofs.common import CONTROL, judge_refusal, owners, peers
from assay.controls.authorisation.proofs.effects import before, changed
from assay.controls.authorisation.proofs.objects import Pair, pair
from assay.prove.case import Case, Draft, Family, Judged, Lab, Run, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_SUFFIX = re.compile(r"[_-]?(ids?|uuids?|keys?|numbers?)$", re.IGNORECASE)


def references(surface: Surface) -> Iterator[Case]:
    """A case for each operation whose body or query names an object that has owners."""
    items = [t for t in surface.targets if t.operation.method.upper() == "GET" and t.operation.path.endswith("}")]
    for target in surface.targets:
        for item in items:
            people = [p for p in owners(surface, item) if p in callers(surface, target)]
            where = _where(surface, target, item)
            if target is item or item.api != target.api or not people or where is None:
                continue
            place, name = where
            yield Case(
                test=test_of(CONTROL, "foreign-object-by-reference"),
                subject=target.subject,
                at=target.at,
                api=target.api,
                operation=target.id,
                identity=people[0].name,
                variant=name,
                family=Family.CROSS_WRITE if target.writes else Family.READ,
                requests=10,
                writes=2 if target.writes else 0,
                run=_run(surface, target, item, people[0], place, name),
            )
            break


def _base(name: str) -> str:
    """What a name is about: ``orderId``, ``order_ids`` and ``order`` are about the same."""
    return _SUFFIX.sub("", name).replace("_", "").replace("-", "").lower()


def _where(surface: Surface, target: Target, item: Target) -> tuple[str, str] | None:
    """Whether (and where) an operation names objects of ``item`` outside its path."""
    parameters = object_parameters(item.operation)
    if len(parameters) != 1 or item.operation.path.count("{") != 1:
        return None
    about = _base(parameters[0])
    collection = item.operation.path.rpartition("/")[0]
    in_path = {p.name for p in target.operation.parameters if p.location == "path"}
    if parameters[0] in in_path or not about:
        return None
    beside = target.operation.path.startswith(collection + "/")
    query = [p.name for p in target.operation.parameters if p.location == "query"]
    for place, names in (("query", tuple(query)), ("body", properties(surface, target))):
        for name in names:
            if _base(name) == about or (beside and name.lower() in ("id", "ids")):
                return place, name
    return None


def _naming(lab: Lab, target: Target, place: str, name: str, ids: list[str]) -> Draft:
    draft = lab.draft(target)
    if place == "query":
        return replace(draft, query=(*(q for q in draft.query if q[0] != name), (name, ids[-1])))
    body: dict[str, Any] = dict(draft.body) if isinstance(draft.body, dict) else {}
    body[name] = ids if isinstance(body.get(name), list) else ids[-1]
    return replace(draft, body=body)


def _run(surface: Surface, target: Target, item: Target, persona: Persona, place: str, name: str) -> Run:
    others = peers(surface, item, persona)
    parameter = object_parameters(item.operation)[0]

    async def run(lab: Lab) -> Judged:
        two = await pair(lab, item, persona, others, fresh=target.writes)
        own, theirs = two.own.params[parameter], two.theirs.params[parameter]
        good = await works(
            lab, lab.request(item, lab.draft(item, two.theirs), two.theirs.owner, purpose="the owner reads it")
        )
        mine = _naming(lab, target, place, name, [own])
        await works(lab, lab.request(target, mine, two.attacker, purpose="with its own object"))
        was = await before(lab, item, two.theirs) if target.writes else None
        what = f"naming another's object in `{name}`"
        draft = _naming(lab, target, place, name, [own, theirs])
        answer = await ask(lab, lab.request(target, draft, two.attacker, purpose=what))
        seen = answer.seen
        refusal = judge_refusal(answer, what)
        if refusal is not None:
            return refusal
        if seen.ok and two.theirs.nonce and two.theirs.nonce in good.text and two.theirs.nonce in seen.text:
            return broken(f"{what} is answered {seen.status} with its content", seen)
        if was is not None:
            happened, now = await changed(lab, was, "")
            if happened:
                return broken(f"{what} is answered {seen.status}, and afterwards the owner finds that {happened}", seen)
            return held(f"{what} is answered {seen.status}, shows nothing of it and changes nothing", now)
        return await _compared(lab, target, two, draft, answer.refused, seen.number, what)

    async def _compared(
        lab: Lab, target: Target, two: Pair, draft: Draft, refused: bool, number: int, what: str
    ) -> Judged:
        if refused:
            return Judged(held("").outcome, f"{what} is refused", number)
        rightful = await works(lab, lab.request(target, draft, two.theirs.owner, purpose="the owner asks the same"))
        again = await ask(lab, lab.request(target, draft, two.attacker, purpose=what))
        if carries(again.seen, rightful):
            return broken(f"{what} is answered {again.seen.status} with what its owner gets", again.seen)
        if again.refused:
            return held(f"{what} is refused with {again.seen.status} by {again.by}", again.seen)
        return unclear(f"{what} is answered {again.seen.status}, but not with what its owner gets", again.seen)

    return run
