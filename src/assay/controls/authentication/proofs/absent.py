"""Calls without a credential, with rubbish for one, and with only some of those that are asked for together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.controls._lib.answers import ask, callers, marker, real_object, works
from assay.controls._lib.proving import test_of
from assay.controls.authentication.proofs.common import CONTROL, GARBAGE, Known, judge_bad, known_good
from assay.prove.case import Case, Family, Judged, Lab, Run, Seen, Thing, broken
from assay.prove.surface import Persona, Surface, Target

_BASIC = "Basic YXNzYXk6bm8tc3VjaC1jcmVkZW50aWFs"


def absent(surface: Surface) -> Iterator[Case]:
    """Two cases for every operation that is not open: nobody, and somebody with a credential that never existed."""
    for target in surface.targets:
        people = callers(surface, target)
        if surface.is_open(target) is not False or not people:
            continue
        for test, what, headers in (
            ("call-without-credential", "a call without a credential", ()),
            ("garbage-credential-accepted", "a credential that never existed", _garbage(surface, target)),
        ):
            yield Case(
                test=test_of(CONTROL, test),
                subject=target.subject,
                at=target.at,
                api=target.api,
                operation=target.id,
                family=Family.CROSS_WRITE if target.writes else Family.READ,
                requests=6 if target.writes else 3,
                writes=2 if target.writes else 0,
                run=_run(target, people[0], what, headers),
            )


def partial(surface: Surface) -> Iterator[Case]:
    """Those whose role may call, but who prove themselves in fewer ways than the contract asks for."""
    for target in surface.targets:
        people = callers(surface, target)
        if not people or not surface.declared_access or surface.is_open(target):
            continue
        for persona in surface.personas:
            if persona.given or surface.rule_for(target, persona) is None or surface.proves(target, persona):
                continue
            yield Case(
                test=test_of(CONTROL, "part-of-credentials-accepted"),
                subject=target.subject,
                at=target.at,
                api=target.api,
                operation=target.id,
                identity=persona.name,
                family=Family.CROSS_WRITE if target.writes else Family.READ,
                requests=4,
                writes=2 if target.writes else 0,
                run=_partly(target, people[0], persona, _lacks(surface, target, persona)),
            )


def _garbage(surface: Surface, target: Target) -> tuple[tuple[str, str], ...]:
    """A wrong credential for the first alternative that has a header; Basic where a token is asked for elsewhere."""
    schemes = surface.contract(target).security_schemes
    for requirement in target.operation.security:
        for wanted in requirement:
            scheme = schemes.get(wanted.scheme)
            if scheme is None:
                continue
            if scheme.kind == "apiKey" and scheme.location == "header" and scheme.parameter_name:
                return ((scheme.parameter_name, GARBAGE),)
            if scheme.kind == "http-basic":
                return (("authorization", _BASIC),)
            if scheme.kind in ("oauth2", "openIdConnect", "http-bearer"):
                return (("authorization", f"Bearer {GARBAGE}"),)
    return (("authorization", f"Bearer {GARBAGE}"),)


def _run(target: Target, persona: Persona, what: str, headers: tuple[tuple[str, str], ...]) -> Run:
    async def run(lab: Lab) -> Judged:
        if not target.writes:
            good = await known_good(lab, target, persona)
            call = lab.request(target, good.draft, None, purpose=what, headers=headers)
            return judge_bad(lab, await ask(lab, call), good, what)
        thing, _ = await real_object(lab, target, persona, fresh=not _guarded(lab.surface))
        await _there(lab, target, persona, thing)
        draft = lab.draft(target, thing, plant=marker(lab))
        answer = await ask(lab, lab.request(target, draft, None, purpose=what, headers=headers))
        verdict = judge_bad(lab, answer, None, what)
        if verdict.outcome == "fail" or answer.at_gateway:
            return verdict
        return await _effect(lab, target, persona, thing, answer.seen, what) or verdict

    return run


async def _there(lab: Lab, target: Target, persona: Persona, thing: Thing | None) -> None:
    """Sees that the owner finds the object, without which its absence afterwards means nothing.

    Not asked in front of our gateway: what that refuses has no effect, and the rest is judged without.
    """
    reader = _reader(lab.surface, target)
    if thing is None or reader is None or _guarded(lab.surface):
        return
    if lab.surface.allows(reader, persona) is not False:
        call = lab.request(reader, lab.draft(reader, thing), thing.owner, purpose="the owner finds it")
        await works(lab, call)


def _guarded(surface: Surface) -> bool:
    """Whether our gateway stands in front: what it refuses has no effect, so several attempts may share an object."""
    return surface.fronted and surface.via == "gateway"


async def _effect(
    lab: Lab, target: Target, persona: Persona, thing: Thing | None, seen: Seen, what: str
) -> Judged | None:
    """Whether a call that nobody proved to have made changed something, whatever its status said."""
    if seen.ok and (marker(lab) in seen.text or (seen.status == 201 and _made(seen))):
        return broken(f"{what} is answered {seen.status}, and carried out", seen)
    reader = _reader(lab.surface, target)
    if thing is None or reader is None or not lab.surface.proves(reader, persona):
        return None
    look = await lab.call(lab.request(reader, lab.draft(reader, thing), thing.owner, purpose="the owner looks"))
    if marker(lab) in look.text:
        return broken(f"{what} is answered {seen.status}, and changed the owner's object", seen)
    gone = target.operation.method.upper() == "DELETE" and look.status in (404, 410)
    if gone and thing.made:
        return broken(f"{what} is answered {seen.status}, and removed the owner's object", seen)
    return None


def _made(seen: Seen) -> bool:
    return "location" in seen.headers or bool(seen.json())


def _reader(surface: Surface, target: Target) -> Target | None:
    same = (t for t in surface.targets if t.api == target.api and t.operation.path == target.operation.path)
    return next((t for t in same if t.operation.method.upper() == "GET"), None)


def _lacks(surface: Surface, target: Target, persona: Persona) -> str:
    """What a caller lacks: a way of proving itself, or only a scope of its token."""
    scopes = {scope for requirement in target.operation.security for r in requirement for scope in r.scopes}
    return "a scope" if surface.proves(target, replace(persona, scopes=(*persona.scopes, *scopes))) else "a credential"


def _partly(target: Target, whole: Persona, persona: Persona, lacks: str) -> Run:
    shown = " and ".join(persona.ways)
    what = f"a call by `{persona.name}` ({shown} only), which lacks {lacks} that the contract asks for,"
    # Where only a scope is missing, the gateway finds that no access rule fits: that is the same answer.
    equivalent = "authorisation" if lacks == "a scope" else CONTROL

    async def run(lab: Lab) -> Judged:
        who = await lab.act(persona)
        if target.writes:
            thing, _ = await real_object(lab, target, whole, fresh=not _guarded(lab.surface))
            await _there(lab, target, whole, thing)
            draft = lab.draft(target, thing, plant=marker(lab))
            answer = await ask(lab, lab.request(target, draft, who, purpose=f"without {lacks}"))
            verdict = judge_bad(lab, answer, None, what, equivalent=equivalent)
            if verdict.outcome == "fail" or answer.at_gateway:
                return verdict
            return await _effect(lab, target, whole, thing, answer.seen, what) or verdict
        thing, owner = await real_object(lab, target, whole)
        draft = lab.draft(target, thing)
        full = lab.request(target, draft, owner, purpose="with all that is asked for")
        good = Known(target, draft, thing, owner, full, await works(lab, full))
        call = lab.request(target, draft, who, purpose=f"without {lacks}")
        return judge_bad(lab, await ask(lab, call), good, what, equivalent=equivalent)

    return run
