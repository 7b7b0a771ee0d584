"""Calls that skip a layer: by callers from outside and of other layers, with a request that works for who may call.

Whether a layer holds is seen only when nothing else refuses: the callers that are tried are those whom access rules
would let in, where there are any, and the policy that refused must be the layer's own.
"""

from __future__ import annotations

from collections.abc import Iterator

from assay.controls._lib.answers import Answer, ask, callers, carries, real_object, works
from assay.controls._lib.proving import test_of
from assay.controls.layered_architecture.layers import Layers, admitted, layers_of
from assay.prove.case import Case, Judged, Lab, NotReached, Run, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_CONTROL = "layered_architecture"


def prove(surface: Surface) -> Iterator[Case]:
    """For each API that does not admit everybody: one case for each layer that may not call it, and one for outside."""
    layers = layers_of(surface.declaration) if surface.declared_access and surface.fronted else None
    if layers is None:
        return
    who = admitted(surface.declaration)
    for api_id in dict.fromkeys(t.api for t in surface.targets):
        found = who.get(api_id)
        if found is None or (found.only is None and not found.never):
            continue
        target = _readable(surface, api_id)
        if target is None:
            continue
        refused = [p for p in surface.personas if p.consumer and not p.given and not found.admits(p.consumer)]
        for where, persona in _one_of_each(surface, layers, target, refused):
            yield Case(
                test=test_of(_CONTROL, "layer-skip-answered"),
                subject=target.subject,
                at=surface.declaration.locate("apis", api_id, "layer"),
                api=api_id,
                operation=target.id,
                identity=persona.name,
                variant=where,
                requests=4,
                needs_gateway=True,
                run=_skips(surface, target, persona, where),
            )


def _readable(surface: Surface, api: str) -> Target | None:
    """The plainest operation to read that asks who is calling: those that somebody may call come first."""

    def order(target: Target) -> tuple[bool, int, int]:
        path = target.operation.path
        return not callers(surface, target), path.count("{"), len(target.operation.parameters)

    reading = [t for t in surface.targets if t.api == api and t.operation.method.upper() == "GET"]
    return min((t for t in reading if not surface.is_open(t)), key=order, default=None)


def _one_of_each(
    surface: Surface, layers: Layers, target: Target, refused: list[Persona]
) -> Iterator[tuple[str, Persona]]:
    """One caller for each place from which it is not to be called: by preference one that access rules would let in."""
    chosen: dict[str, Persona] = {}

    def order(persona: Persona) -> tuple[bool, bool, int, str]:
        rule = surface.rule_for(target, persona) is None
        return not surface.proves(target, persona), rule, len(persona.ways), persona.name

    for persona in sorted(refused, key=order):
        acts_for = surface.declaration.model.consumers[persona.consumer or ""].acts_for
        rank = layers.ranks.get(acts_for) if acts_for else None
        where = "outside" if acts_for is None else layers.names[rank] if rank is not None else "no-layer"
        if surface.proves(target, persona):
            chosen.setdefault(where, persona)
    yield from chosen.items()


def _skips(surface: Surface, target: Target, persona: Persona, where: str) -> Run:
    async def run(lab: Lab) -> Judged:
        proper = next(iter(callers(surface, target)), None)
        if proper is None:
            raise NotReached("no declared caller may call this operation, so nothing shows that it works")
        thing, who = await real_object(lab, target, proper)
        draft = lab.draft(target, thing)
        good = await works(lab, lab.request(target, draft, who, purpose="a caller of the right layer"))
        skipping = await lab.act(persona)
        what = f"a call by `{persona.name}`, from {'outside' if where == 'outside' else f'layer `{where}`'},"
        answer = await ask(lab, lab.request(target, draft, skipping, purpose="past the layer between"))
        return _judge(lab, answer, what, carries(answer.seen, good, thing))

    return run


def _judge(lab: Lab, answer: Answer, what: str, got_it: bool) -> Judged:
    seen, watched = answer.seen, answer.observes(_CONTROL)
    if answer.policy.startswith(f"{_CONTROL}/"):
        return held(f"{what} is refused with {seen.status} by {answer.by}", seen)
    if watched:
        return broken(f"{what} passes the layer, which only observes (`{watched}`)", seen)
    if answer.decision is None:
        return unclear(f"{what} is answered {seen.status}, and the log does not say who decided", seen)
    if answer.at_gateway:
        return unclear(f"{what} is refused by {answer.by}, and not because of its layer", seen)
    rule = answer.decision.policy
    shown = "with what the right caller gets" if got_it else f"with {seen.status}"
    return broken(f"{what} is let through by `{rule or 'the gateway'}` and answered {shown}", seen)
