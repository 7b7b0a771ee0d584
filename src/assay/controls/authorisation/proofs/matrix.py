"""The whole matrix: every kind of caller on every operation, those whom a rule allows and those whom none does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.controls._lib.accounts import password_of, personal, properties, user_of, with_body
from assay.controls._lib.answers import Answer, ask, by_hand, callers, carries, marker, real_object, works
from assay.controls._lib.proving import test_of
from assay.controls.authorisation.proofs.common import CONTROL, reader_of
from assay.controls.authorisation.proofs.effects import before, changed, flat
from assay.domain import Outcome
from assay.prove.case import (
    Case,
    Draft,
    Family,
    Identity,
    Judged,
    Lab,
    NotReached,
    Run,
    Seen,
    Thing,
    broken,
    held,
    unclear,
)
from assay.prove.surface import Persona, Surface, Target

_PATIENCE = 2


class Known:
    """What rightful callers got, by operation, so that the positive control is sent once and not for every persona.

    Lives as long as a plan. An operation that did not work is tried twice, then taken not to work.
    """

    def __init__(self) -> None:
        self._good: dict[tuple[str, str], tuple[Seen, Thing | None]] = {}
        self._bad: dict[tuple[str, str], list[str]] = {}

    async def good(self, lab: Lab, target: Target, persona: Persona) -> tuple[Seen, Thing | None]:
        """The answer to a rightful read, and the object it was about.

        Raises:
            NotReached: it does not work for its rightful caller either.
        """
        key = (target.api, target.id)
        known = self._good.get(key)
        if known is not None:
            return known
        failed = self._bad.setdefault(key, [])
        if len(failed) >= _PATIENCE:
            raise NotReached(failed[-1])
        try:
            thing, who = await real_object(lab, target, persona)
            call = lab.request(target, lab.draft(target, thing), who, purpose="the rightful caller")
            seen = await works(lab, call)
        except NotReached as reason:
            failed.append(str(reason))
            raise
        self._good[key] = (seen, thing)
        return seen, thing


def matrix(surface: Surface) -> Iterator[Case]:
    """A case for every operation and persona for which the declaration says yes or no."""
    if not surface.declared_access:
        return
    known = Known()
    for target in surface.targets:
        allowed = callers(surface, target)
        for persona in _kinds(surface):
            may = surface.allows(target, persona)
            if may:
                if not surface.is_open(target) and not (persona.given and personal(target)):
                    yield _case("permitted-caller-refused", target, persona, _permitted(target, persona))
            elif surface.rule_for(target, persona) is None:
                run = _denied(target, persona, allowed[0] if allowed else None, known)
                yield _case("function-open-to-other-roles", target, persona, run)


def _kinds(surface: Surface) -> tuple[Persona, ...]:
    """The personas, of those given by hand only one for each set of rights: others like it show nothing new."""
    found: dict[object, Persona] = {}
    for persona in surface.personas:
        rights = (persona.consumer, frozenset(persona.roles), persona.ways, persona.scopes)
        found.setdefault(rights if persona.given else persona.name, persona)
    return tuple(found.values())


def _case(test: str, target: Target, persona: Persona, run: Run) -> Case:
    denied = test == "function-open-to-other-roles"
    family = Family.READ
    if target.writes:
        family = Family.CROSS_WRITE if denied else Family.OWN_WRITE
    return Case(
        test=test_of(CONTROL, test),
        subject=target.subject,
        at=target.at,
        api=target.api,
        operation=target.id,
        identity=persona.name,
        family=family,
        requests=8 if target.writes and denied else 5 if target.writes else 2,
        writes=3 if target.writes else 0,
        run=run,
    )


def _permitted(target: Target, persona: Persona) -> Run:
    async def run(lab: Lab) -> Judged:
        method = target.operation.method.upper()
        thing, who = await real_object(lab, target, persona, fresh=method == "DELETE")
        if method == "DELETE" and thing is not None and not thing.made:
            raise NotReached("there is no object of this run's own that could be removed")
        answer = await ask(lab, lab.request(target, lab.draft(target, thing), who, purpose="a permitted call"))
        seen = answer.seen
        if seen.ok:
            return held(f"`{persona.name}` is let through, as a rule allows ({seen.status})", seen)
        if answer.policy.startswith((f"{CONTROL}/", "authentication/")):
            return broken(f"a rule allows `{persona.name}`, and {answer.by} refuses with {seen.status}", seen)
        return unclear(f"a rule allows `{persona.name}`, and {answer.by} answered {seen.status}", seen)

    return run


def _denied(target: Target, persona: Persona, rightful: Persona | None, known: Known) -> Run:
    what = f"a call by `{persona.name}`, whom no rule allows,"

    async def run(lab: Lab) -> Judged:
        who = await lab.act(persona)
        surface = lab.surface
        through = surface.fronted and surface.via == "gateway"
        if not target.writes:
            good, thing = await _good(lab, target, rightful, known)
            answer = await ask(lab, lab.request(target, lab.draft(target, thing), who, purpose="nobody allowed this"))
            return _at_gateway(surface, target, persona, answer, what) or _read(answer, good, thing, what)
        if through:
            thing = await _thing(lab, target, rightful, fresh=False)
            draft = lab.draft(target, thing, plant=marker(lab))
            answer = await ask(lab, lab.request(target, draft, who, purpose="nobody allowed this"))
            verdict = _at_gateway(surface, target, persona, answer, what)
            if verdict is not None:
                return verdict
        if rightful is None:
            raise NotReached("nobody may call it, so there is no object to try it on")
        reader = reader_of(surface, target)
        own = await _own(lab, target, reader, persona)
        if own is not None and reader is not None:
            # On an object of the caller's own, nothing but the role stands in the way.
            verdict = await _changes(lab, target, reader, own, own.owner, what)
            if verdict.outcome is Outcome.FAIL:
                return verdict
        thing = await _thing(lab, target, rightful, fresh=True)
        if reader is not None and thing is not None:
            return await _changes(lab, target, reader, thing, who, what)
        call = lab.request(target, _distinct(lab, target, thing), who, purpose="nobody allowed this")
        return await _made(lab, target, rightful, await ask(lab, call), what)

    return run


async def _own(lab: Lab, target: Target, reader: Target | None, persona: Persona) -> Thing | None:
    """An object of the caller's own that the operation addresses, made for this case; None: there can be none."""
    if reader is None or not by_hand(target) or not lab.surface.allows(reader, persona):
        return None
    try:
        thing = await lab.owned(reader, persona, fresh=True)
    except NotReached:
        return None
    return thing if thing.made else None


async def _changes(lab: Lab, target: Target, reader: Target, thing: Thing, who: Identity, what: str) -> Judged:
    """Judges a write by what its object's owner sees before and after."""
    was = await before(lab, reader, thing)
    draft = _unlike(_distinct(lab, target, thing), flat(was.first))
    answer = await ask(lab, lab.request(target, draft, who, purpose="nobody allowed this"))
    happened, now = await changed(lab, was, marker(lab))
    if happened:
        return broken(f"{what} is answered {answer.seen.status}, and afterwards {happened}", answer.seen)
    if answer.refused or answer.seen.ok:
        return held(f"{what} is answered {answer.seen.status} and changes nothing", now)
    return unclear(f"{what} is answered {answer.seen.status}, and changed nothing", now)


def _unlike(draft: Draft, shown: Mapping[str, str]) -> Draft:
    """The draft with numbers that are not what the object has already: the same once more would change nothing."""
    if not isinstance(draft.body, dict):
        return draft
    same = {
        name: value + 1
        for name, value in draft.body.items()
        if isinstance(value, int) and not isinstance(value, bool) and shown.get(name) == repr(value)
    }
    return with_body(draft, **same) if same else draft


def _distinct(lab: Lab, target: Target, thing: Thing | None) -> Draft:
    """A valid request with the attacker's mark in it; a new account gets another name each time it is tried."""
    draft = lab.draft(target, thing, plant=marker(lab))
    names = properties(lab.surface, target)
    name = user_of(names) if password_of(names) else None
    return with_body(draft, **{name: f"p{marker(lab)}".lower()}) if name and "mail" not in name.lower() else draft


async def _good(lab: Lab, target: Target, rightful: Persona | None, known: Known) -> tuple[Seen | None, Thing | None]:
    if rightful is not None:
        return await known.good(lab, target, rightful)
    if by_hand(target):
        raise NotReached("nobody may call it, so there is no object to try it on")
    return None, None


async def _thing(lab: Lab, target: Target, rightful: Persona | None, *, fresh: bool) -> Thing | None:
    if not by_hand(target):
        return None
    if rightful is None:
        raise NotReached("nobody may call it, so there is no object to try it on")
    return await lab.owned(target, rightful, fresh=fresh)


def _at_gateway(surface: Surface, target: Target, persona: Persona, answer: Answer, what: str) -> Judged | None:
    """Judges what the gateway decided; None: the service was reached."""
    seen = answer.seen
    if answer.at_gateway:
        lacks = not surface.proves(target, persona)
        if answer.policy.startswith(f"{CONTROL}/") or (lacks and answer.policy.startswith("authentication/")):
            return held(f"{what} is refused with {seen.status} by {answer.by}", seen)
        return unclear(f"{what} was refused by {answer.by} before authorisation was reached", seen)
    watched = answer.observes(CONTROL)
    if watched and surface.via == "gateway":
        return broken(f"{what} passes authorisation, which only observes (`{watched}`)", seen)
    return None


def _read(answer: Answer, good: Seen | None, thing: Thing | None, what: str) -> Judged:
    seen = answer.seen
    if answer.refused:
        return held(f"{what} is refused with {seen.status} by {answer.by}", seen)
    if good is not None and carries(seen, good, thing):
        return broken(f"{what} is answered {seen.status} with what the rightful caller gets", seen)
    if seen.ok and answer.decision is not None:
        return broken(f"{what} is let through by the gateway and answered {seen.status}", seen)
    if seen.ok:
        return unclear(f"{what} is answered {seen.status}, but not with what the rightful caller gets", seen)
    return unclear(f"{what} is answered {seen.status}, which says nothing about its role", seen)


async def _made(lab: Lab, target: Target, rightful: Persona, answer: Answer, what: str) -> Judged:
    """Judges a write whose effect no object shows: did it make something, by its answer or in the collection?"""
    seen = answer.seen
    if seen.ok:
        if seen.status == 201 or marker(lab) in seen.text or "location" in seen.headers or answer.decision is not None:
            return broken(f"{what} is carried out ({seen.status})", seen)
        return unclear(f"{what} is answered {seen.status}; whether it had an effect was not seen", seen)
    if not answer.refused:
        return unclear(f"{what} is answered {seen.status}, which says nothing about its role", seen)
    shown = next(
        (
            t
            for t in lab.surface.targets
            if t.api == target.api
            and t.operation.path == target.operation.path
            and t.operation.method.upper() == "GET"
            and lab.surface.allows(t, rightful)
            and "{" not in t.operation.path
        ),
        None,
    )
    if shown is None:
        return held(f"{what} is refused with {seen.status} by {answer.by}; no operation would show an effect", seen)
    call = lab.request(shown, lab.draft(shown), await lab.act(rightful), purpose="the collection afterwards")
    listed = await lab.call(call)
    if marker(lab) in listed.text:
        return broken(f"{what} is answered {seen.status}, and done all the same", seen)
    return held(f"{what} is refused with {seen.status} by {answer.by}, and nothing was made", seen)
