"""Another's object: read, changed, removed, under one's own parent, and with headers that claim to be the owner."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace

from assay.controls._lib.answers import Answer, ask, carries, leaves, marker, works
from assay.controls._lib.proving import test_of
from assay.controls.authorisation.objects import object_parameters
from assay.controls.authorisation.proofs.common import CONTROL, judge_refusal, owners, peers, reader_of
from assay.controls.authorisation.proofs.effects import before, changed
from assay.prove.case import Case, Family, Identity, Judged, Lab, NotReached, Seen, Thing, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

SPOOFED = (
    "x-user-id",
    "x-userid",
    "x-user",
    "x-authenticated-user",
    "x-forwarded-user",
    "x-remote-user",
    "x-auth-subject",
)
"""Headers in which proxies tell services who calls. From a caller they must mean nothing."""

Attack = Callable[[Lab, Target, Persona, tuple[Persona, ...]], Awaitable[Judged]]


@dataclass(frozen=True, slots=True)
class Pair:
    """A victim's object and an attacker of the same standing, with an object of its own."""

    theirs: Thing
    own: Thing

    @property
    def attacker(self) -> Identity:
        """Who tries."""
        return self.own.owner


def objects(surface: Surface) -> Iterator[Case]:
    """Cases for every operation on objects that have owners."""
    for target in surface.targets:
        method = target.operation.method.upper()
        done: set[frozenset[str]] = set()
        for persona in owners(surface, target):
            # One of each set of roles: peers have the same rights by definition.
            if frozenset(persona.roles) in done:
                continue
            done.add(frozenset(persona.roles))
            if method == "GET":
                yield _case("foreign-object-read", surface, target, persona, _read, Family.READ, 8)
                yield _case("identity-header-trusted", surface, target, persona, _spoof, Family.READ, 4)
                if len(object_parameters(target.operation)) > 1:
                    yield _case("foreign-child-under-own-parent", surface, target, persona, _mixed, Family.READ, 8)
            elif target.writes:
                test = "foreign-object-removed" if method == "DELETE" else "foreign-object-changed"
                yield _case(test, surface, target, persona, _write, Family.CROSS_WRITE, 10)


def _case(
    test: str, surface: Surface, target: Target, persona: Persona, attack: Attack, family: Family, requests: int
) -> Case:
    others = peers(surface, target, persona)

    async def run(lab: Lab) -> Judged:
        return await attack(lab, target, persona, others)

    return Case(
        test=test_of(CONTROL, test),
        subject=target.subject,
        at=target.at,
        api=target.api,
        operation=target.id,
        identity=persona.name,
        family=family,
        requests=requests,
        writes=3 if family is Family.CROSS_WRITE else 0,
        run=run,
    )


async def pair(lab: Lab, target: Target, persona: Persona, others: tuple[Persona, ...], *, fresh: bool = False) -> Pair:
    """Two objects with two owners of the same standing.

    Raises:
        NotReached: there is only one owner, or only one object.
    """
    theirs = await lab.owned(target, persona, fresh=fresh)
    if others and not persona.people:
        own = await lab.owned(target, others[0])
    else:
        own = await lab.owned(target, persona, other_than=(theirs.owner,))
    if own.owner.name == theirs.owner.name or (own.owner.subject and own.owner.subject == theirs.owner.subject):
        raise NotReached(f"a second `{persona.name}` is needed, and there is only one")
    if dict(own.params) == dict(theirs.params):
        raise NotReached("both owners were given the same object")
    return Pair(theirs, own)


async def _read(lab: Lab, target: Target, persona: Persona, others: tuple[Persona, ...]) -> Judged:
    two = await pair(lab, target, persona, others)
    good = await _own_read(lab, target, two.theirs, "the owner reads it")
    await _own_read(lab, target, two.own, "the other one reads its own")
    call = lab.request(target, lab.draft(target, two.theirs), two.attacker, purpose="another reads it")
    answer = await ask(lab, call)
    return await _judge_read(lab, target, two, good, answer, "a read of another's object")


async def _own_read(lab: Lab, target: Target, thing: Thing, purpose: str) -> Seen:
    return await works(lab, lab.request(target, lab.draft(target, thing), thing.owner, purpose=purpose))


async def _judge_read(lab: Lab, target: Target, two: Pair, good: Seen, answer: Answer, what: str) -> Judged:
    at_gateway = judge_refusal(answer, what)
    if at_gateway is not None:
        return at_gateway
    seen = answer.seen
    if not seen.ok:
        if answer.refused:
            return held(f"{what} is refused with {seen.status} by {answer.by}; the owner gets it", seen)
        return unclear(f"{what} is answered {seen.status}, which says nothing about ownership", seen)
    nonce = two.theirs.nonce
    if nonce and nonce in good.text:
        if nonce not in seen.text:
            return held(f"{what} is answered {seen.status}, without what the owner planted in it", seen)
    elif not carries(seen, good):
        wanted = set(leaves(good.json()))
        if wanted and not wanted & set(leaves(seen.json())):
            return held(f"{what} is answered {seen.status}, with nothing of what the owner gets", seen)
        return unclear(f"{what} is answered {seen.status} with something else than the owner gets", seen)
    elif not _names(two.theirs, seen) and not await _minds_the_id(lab, target, two):
        return unclear(f"{what} is answered like the owner, but nothing in the answer shows whose object it is", seen)
    return await _public(lab, target, two, seen, what) or broken(
        f"{what} is answered {seen.status} with the content of the object", seen
    )


def _names(thing: Thing, seen: Seen) -> bool:
    """Whether an answer names the object, so that two look-alikes are not taken for one."""
    return any(value in seen.text for value in thing.params.values() if len(value) > 2)


async def _minds_the_id(lab: Lab, target: Target, two: Pair) -> bool:
    """Whether the same request for an object that does not exist is refused, so that what came is that object's.

    Some operations answer with the caller's own, whatever id stands in the path.
    """
    last = object_parameters(target.operation)[-1]
    known = two.theirs.params[last]
    nowhere = re.sub(r"[0-9]+(?=[^0-9]*$)", "987654321", known) if any(c.isdigit() for c in known) else known[::-1]
    draft = replace(lab.draft(target, two.theirs), params={**two.theirs.params, last: nowhere})
    seen = await lab.call(lab.request(target, draft, two.attacker, purpose="an object that does not exist"))
    return nowhere != known and 400 <= seen.status < 500 and seen.status != 429


async def _public(lab: Lab, target: Target, two: Pair, seen: Seen, what: str) -> Judged | None:
    """The controls before a read is called a leak: may nobody at all read it, may everybody see it in a list?"""
    if lab.surface.declared_access and lab.surface.owns(target, _persona(lab, two)):
        return None  # declared: only owners
    call = lab.request(target, lab.draft(target, two.theirs), None, purpose="nobody reads it")
    if carries(await lab.call(call), seen, two.theirs):
        return unclear(
            f"{what} succeeds, but so does one without any credential: is it public? Say so under `prove.public`", seen
        )
    shared = next(
        (
            t
            for t in lab.surface.targets
            if t.api == target.api
            and t.operation.method.upper() == "GET"
            and t.operation.path == target.operation.path.rpartition("/")[0]
            and "{" not in t.operation.path
        ),
        None,
    )
    if shared is None:
        return None
    listed = await lab.call(lab.request(shared, lab.draft(shared), two.attacker, purpose="the other one's own list"))
    if listed.ok and (two.theirs.nonce in listed.text if two.theirs.nonce else _names(two.theirs, listed)):
        return unclear(
            f"{what} succeeds, and `{shared.id}` lists it for everybody: is it shared? Say so under `prove.public`",
            seen,
        )
    return None


def _persona(lab: Lab, two: Pair) -> Persona:
    return next(p for p in lab.surface.personas if p.name == two.attacker.persona)


async def _write(lab: Lab, target: Target, persona: Persona, others: tuple[Persona, ...]) -> Judged:
    two = await pair(lab, target, persona, others, fresh=True)
    what = "removing another's object" if target.operation.method.upper() == "DELETE" else "changing another's object"
    reader = reader_of(lab.surface, target)
    draft = lab.draft(target, two.theirs, plant=marker(lab))
    call = lab.request(target, draft, two.attacker, purpose=what)
    if lab.surface.fronted and lab.surface.via == "gateway":
        # What the gateway refuses never reaches the object, so nothing needs to be compared.
        at_gateway = judge_refusal(await ask(lab, call), what)
        if at_gateway is not None:
            return at_gateway
        two = await pair(lab, target, persona, others, fresh=True)
        call = lab.request(target, lab.draft(target, two.theirs, plant=marker(lab)), two.attacker, purpose=what)
    if reader is None:
        return _by_status(await ask(lab, call), what)
    was = await before(lab, reader, two.theirs)
    answer = await ask(lab, call)
    happened, now = await changed(lab, was, marker(lab))
    if happened:
        return broken(
            f"{what} is answered {answer.seen.status}, and afterwards the owner finds that {happened}", answer.seen
        )
    if answer.refused:
        return held(
            f"{what} is refused with {answer.seen.status} by {answer.by}, and the owner finds it unchanged", now
        )
    if answer.seen.ok:
        return held(f"{what} is answered {answer.seen.status}, but the owner finds it unchanged", now)
    return unclear(f"{what} is answered {answer.seen.status}, which says nothing about ownership; it is unchanged", now)


def _by_status(answer: Answer, what: str) -> Judged:
    seen = answer.seen
    if answer.refused:
        return unclear(f"{what} is refused with {seen.status}; the contract has nothing that shows its effect", seen)
    return unclear(f"{what} is answered {seen.status}; the contract has nothing that shows its effect", seen)


async def _mixed(lab: Lab, target: Target, persona: Persona, others: tuple[Persona, ...]) -> Judged:
    """The attacker's own parent with the victim's child, and the other way round."""
    two = await pair(lab, target, persona, others)
    good = await _own_read(lab, target, two.theirs, "the owner reads it")
    await _own_read(lab, target, two.own, "the other one reads its own")
    last = object_parameters(target.operation)[-1]
    first = held("no combination of parent and child differs from what each owner has")
    for what, params in (
        ("another's child under one's own parent", {**two.own.params, last: two.theirs.params[last]}),
        ("one's own child under another's parent", {**two.theirs.params, last: two.own.params[last]}),
    ):
        if params in (dict(two.own.params), dict(two.theirs.params)):
            continue
        call = lab.request(target, replace(lab.draft(target, two.theirs), params=params), two.attacker, purpose=what)
        answer = await ask(lab, call)
        refusal = judge_refusal(answer, what)
        if refusal is not None:
            verdict = refusal
        elif answer.refused:
            verdict = held(f"{what} is refused with {answer.seen.status} by {answer.by}", answer.seen)
        elif answer.seen.ok and carries(answer.seen, good, two.theirs) and params[last] == two.theirs.params[last]:
            return broken(f"{what} is answered {answer.seen.status} with the content of the child", answer.seen)
        elif answer.seen.ok and params[last] == two.theirs.params[last]:
            verdict = held(f"{what} is answered {answer.seen.status} without the content of the child", answer.seen)
        else:
            verdict = held(f"{what} shows nothing of another's ({answer.seen.status})", answer.seen)
        if verdict.outcome != "pass":
            return verdict
        first = verdict if first.decisive is None else first
    return first


async def _spoof(lab: Lab, target: Target, persona: Persona, others: tuple[Persona, ...]) -> Judged:
    """Reads another's object while headers say that the owner calls."""
    two = await pair(lab, target, persona, others)
    good = await _own_read(lab, target, two.theirs, "the owner reads it")
    draft = lab.draft(target, two.theirs)
    plain = await ask(lab, lab.request(target, draft, two.attacker, purpose="another reads it"))
    if plain.seen.ok and carries(plain.seen, good, two.theirs):
        raise NotReached("another's object is shown without any header, so headers cannot be told to matter")
    victim = two.theirs.owner.subject or next(iter(two.theirs.params.values()))
    headers = [(name, victim) for name in SPOOFED] + (
        [("x-tenant", two.theirs.owner.tenant)] if two.theirs.owner.tenant else []
    )
    what = "a read with headers that claim to be the owner's"
    answer = await ask(lab, lab.request(target, draft, two.attacker, purpose=what, headers=headers))
    if answer.seen.ok and carries(answer.seen, good, two.theirs):
        return broken(f"{what} is answered {answer.seen.status} with the content of the object", answer.seen)
    refusal = judge_refusal(answer, what)
    if refusal is not None:
        return refusal
    if answer.refused:
        return held(f"{what} is refused with {answer.seen.status} by {answer.by}, as without them", answer.seen)
    return unclear(f"{what} is answered {answer.seen.status}, which says nothing about ownership", answer.seen)
