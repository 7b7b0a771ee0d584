"""Messages that others send (webhooks): one whose signature is made up must have no effect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from assay.controls._lib.accounts import properties
from assay.controls._lib.answers import ask, callers, works
from assay.controls._lib.proving import test_of
from assay.controls.authentication.proofs.common import CONTROL
from assay.declare.contract import Parameter
from assay.prove.case import Case, Draft, Family, Judged, Lab, NotReached, Run, Seen, Thing, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_SIGNATURE = re.compile(r"(?:^|[-_])(?:signature|hmac|sig)(?:$|[-_])", re.IGNORECASE)
_TIME = re.compile(r"timestamp|(?:^|[-_])time$", re.IGNORECASE)
_SUFFIX = re.compile(r"[_-]?(?:ids?|uuid|key|number)$", re.IGNORECASE)


def messages(surface: Surface) -> Iterator[Case]:
    """A case for each operation that asks for a signature in a header, and whose body names an object with an owner."""
    for target in surface.targets:
        header = signature_of(target)
        if header is None or not target.writes or "{" in target.operation.path or not surface.allow_writes:
            continue
        found = _about(surface, target)
        if found is None:
            continue
        item, name, persona = found
        yield Case(
            test=test_of(CONTROL, "unsigned-message-accepted"),
            subject=target.subject,
            at=target.at,
            api=target.api,
            operation=target.id,
            family=Family.OWN_WRITE,
            requests=8,
            writes=2,
            run=_run(target, header, item, name, persona),
        )


def signature_of(target: Target) -> Parameter | None:
    """The header in which the contract wants a message's signature."""
    headers = (p for p in target.operation.parameters if p.location == "header")
    return next((p for p in headers if _SIGNATURE.search(p.name)), None)


def _about(surface: Surface, target: Target) -> tuple[Target, str, Persona] | None:
    """The operation that shows the object which a message is about, the property that names it, and who may look."""
    for name in properties(surface, target):
        base = _base(name)
        for item in surface.targets:
            path = item.operation.path
            reads = item.api == target.api and item.operation.method.upper() == "GET" and path.endswith("}")
            if not reads or path.count("{") != 1 or not base or _base(path.rpartition("{")[2].rstrip("}")) != base:
                continue
            people = callers(surface, item)
            if people and not surface.is_open(item):
                return item, name, people[0]
    return None


def _base(name: str) -> str:
    return _SUFFIX.sub("", name).replace("_", "").replace("-", "").lower()


def _run(target: Target, header: Parameter, item: Target, name: str, persona: Persona) -> Run:
    what = f"a message with a made-up signature (`{header.name}`)"

    async def run(lab: Lab) -> Judged:
        thing = await lab.owned(item, persona, fresh=True)
        first, second = await _look(lab, item, thing), await _look(lab, item, thing)
        draft = _naming(lab, target, header, name, str(next(iter(thing.params.values()))))
        answer = await ask(lab, lab.request(target, draft, None, purpose=what))
        seen = answer.seen
        if seen.status in (401, 403):
            return held(f"{what} is refused with {seen.status} by {answer.by}", seen)
        if not seen.ok:
            return unclear(f"{what} is answered {seen.status}; whether that is for its signature is not said", seen)
        after = await _look(lab, item, thing)
        restless = {p for p in first.keys() | second.keys() if first.get(p) != second.get(p)}
        moved = [p for p in second.keys() | after.keys() if p not in restless and second.get(p) != after.get(p)]
        if moved:
            where = f"`{min(moved)}` of `{item.id}`"
            return broken(f"{what} is answered {seen.status}, and afterwards {where} has changed", seen)
        return unclear(f"{what} is answered {seen.status}; no effect of it was seen", seen)

    return run


def _naming(lab: Lab, target: Target, header: Parameter, name: str, number: str) -> Draft:
    """A valid message about the object, of this moment, with a signature of the right form that nobody made."""
    draft = lab.draft(target)
    if not isinstance(draft.body, dict):
        raise NotReached("the message has no body in JSON that could name an object")
    made = "".join(lab.random.choice("0123456789abcdef") for _ in range(64))
    values = {header.name.lower(): made}
    values |= {
        p.name.lower(): str(int(lab.now()))
        for p in target.operation.parameters
        if p.location == "header" and _TIME.search(p.name)
    }
    kept = tuple((n, v) for n, v in draft.headers if n.lower() not in values)
    return replace(draft, headers=(*kept, *values.items()), body={**draft.body, name: number})


async def _look(lab: Lab, item: Target, thing: Thing) -> dict[str, Any]:
    seen = await works(lab, lab.request(item, lab.draft(item, thing), thing.owner, purpose="its owner reads it"))
    return dict(_flat(seen))


def _flat(seen: Seen) -> Iterator[tuple[str, str]]:
    stack: list[tuple[str, Any]] = [("", seen.json())]
    while stack:
        where, found = stack.pop()
        if isinstance(found, dict):
            stack.extend((f"{where}.{k}" if where else str(k), v) for k, v in found.items())
        elif isinstance(found, list):
            stack.extend((f"{where}[{i}]", v) for i, v in enumerate(found))
        else:
            yield where, repr(found)
