"""Proof of the inventory: what was retired is refused, and what ends says so in its answers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.controls._lib.answers import callers, doubtful, real_object, works
from assay.controls._lib.proving import test_of
from assay.controls._lib.subjects import api_subject
from assay.controls.api_gateway.paths import public_base
from assay.controls.api_inventory.enforce import announcement
from assay.prove.case import Call, Case, Judged, Lab, NotReached, Run, Seen, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_CONTROL = "api_inventory"
_PATHS = 5
_GONE = frozenset({404, 410})
_PARAMETER = re.compile(r"\{[^{}]*\}")


def prove(surface: Surface) -> Iterator[Case]:
    """A case for each retired API, when our own gateway is what answers, and one for each API that is to end."""
    declaration = surface.declaration
    for api_id, api in declaration.model.apis.items():
        if api.product.lifecycle == "retired":
            if surface.fronted and surface.via == "gateway" and surface.targets:
                yield from _retired_case(surface, api_id)
        elif told := announcement(declaration, api_id, api):
            yield from _ending_case(surface, api_id, told)


def _retired_case(surface: Surface, api_id: str) -> Iterator[Case]:
    declaration = surface.declaration
    api, contract = declaration.model.apis[api_id], declaration.contracts[api_id]
    base = public_base(api, contract)
    reading = [o for o in contract.operations if o.method.upper() == "GET"] or list(contract.operations)
    served = {t.path for t in surface.targets}
    # A path that a served API took over answers for that API; design says so.
    paths = [base + o.path for o in sorted(reading, key=lambda o: o.path.count("{")) if base + o.path not in served]
    paths = list(dict.fromkeys(_PARAMETER.sub("1", p) for p in paths))[:_PATHS]
    if paths:
        yield Case(
            test=test_of(_CONTROL, "retired-api-answers"),
            subject=api_subject(api_id),
            at=declaration.locate("apis", api_id, "product", "lifecycle"),
            api=api_id,
            requests=len(paths),
            run=_retired(surface.targets[0].api, paths),
        )


def _retired(through: str, paths: list[str]) -> Run:
    """Asks for each path. ``through`` is a served API: the retired one has no address of its own any more."""

    async def run(lab: Lab) -> Judged:
        last: Seen | None = None
        doubt = ""
        statuses: set[int] = set()
        for path in paths:
            last = await lab.call(Call(method="GET", target=path, api=through, purpose="a retired API"))
            if last.status == 0:
                raise NotReached(f"there was no answer: {last.error or 'the connection ended'}")
            if last.ok:
                return broken(f"`{path}` of a retired API still answers {last.status}", last)
            decision = await lab.decision(last)
            if decision is not None and decision.outcome == "allowed":
                return broken(f"`{path}` of a retired API still reaches a service, which answers {last.status}", last)
            statuses.add(last.status)
            if last.status not in _GONE:
                by = f" by `{decision.policy}`" if decision else ""
                doubt = f"`{path}` of a retired API is answered {last.status}{by}, which does not show that it is gone"
        if doubt:
            return unclear(doubt, last)
        told = ", ".join(map(str, sorted(statuses, reverse=True)))
        return held(f"no path of the retired API answers: {len(paths)} asked, {told}", last)

    return run


def _ending_case(surface: Surface, api_id: str, told: tuple[tuple[str, str], ...]) -> Iterator[Case]:
    target, persona = _reader(surface, api_id)
    if target is None:
        return
    yield Case(
        test=test_of(_CONTROL, "end-not-announced"),
        subject=api_subject(api_id),
        at=surface.declaration.locate("apis", api_id, "product"),
        api=api_id,
        operation=target.id,
        identity=persona.name if persona else "anonymous",
        requests=3,
        run=_ending(target, persona, told),
    )


def _reader(surface: Surface, api_id: str) -> tuple[Target | None, Persona | None]:
    """A readable operation, best one without parameters, and somebody who may call it (None: anybody may)."""
    found = [
        (target, None if surface.is_open(target) else callers(surface, target)[0])
        for target in surface.targets
        if target.api == api_id
        and target.operation.method.upper() == "GET"
        and (surface.is_open(target) or callers(surface, target))
    ]

    def ease(each: tuple[Target, Persona | None]) -> tuple[bool, int, str]:
        target, persona = each
        return persona is not None and doubtful(surface, target, persona), target.path.count("{"), target.path

    return min(found, key=ease, default=(None, None))


def _ending(target: Target, persona: Persona | None, told: tuple[tuple[str, str], ...]) -> Run:
    async def run(lab: Lab) -> Judged:
        thing, who = await real_object(lab, target, persona) if persona else (None, None)
        draft = lab.draft(target, thing)
        good = await works(lab, lab.request(target, draft, who, purpose="a call of an API that ends"))
        for name, value in told:
            said = good.headers.get(name, "")
            if not said:
                return broken(f"answers of the API do not carry `{name}: {value}`", good)
            if said != value and not (name == "link" and value in said):
                return broken(f"answers of the API say `{name}: {said}`, and `{value}` is declared", good)
        return held(f"answers of the API say when it ends: {', '.join(name for name, _ in told)}", good)

    return run
