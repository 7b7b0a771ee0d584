"""Scopes: a token without the one that an operation asks for must not open it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from assay.controls._lib.accounts import Doors, doors, least_role, make_account, properties, sign_in
from assay.controls._lib.answers import ask, by_hand, callers, carries, doubtful, real_object, works
from assay.controls._lib.proving import test_of
from assay.controls.authorisation.proofs.common import CONTROL
from assay.prove.case import Case, Family, Identity, Judged, Lab, NotReached, Run, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target


def scopes(surface: Surface) -> Iterator[Case]:
    """A case for one readable operation of each set of scopes that a contract or a rule asks for."""
    seen: set[tuple[str, frozenset[str]]] = set()
    for target in sorted(surface.targets, key=lambda t: t.operation.path.count("{")):
        asked = frozenset(s for requirement in target.operation.security for r in requirement for s in r.scopes)
        asked |= {scope for _, rule in target.rules for scope in rule.scopes}
        people = [p for p in callers(surface, target) if {"token", "session"} & set(p.ways) and "key" not in p.ways]
        if not asked or target.writes or not people or (target.api, asked) in seen or surface.is_open(target):
            continue
        seen.add((target.api, asked))
        persona = min(people, key=lambda p: (doubtful(surface, target, p), len(p.ways), p.name))
        yield Case(
            test=test_of(CONTROL, "scope-not-enforced"),
            subject=target.subject,
            at=target.at,
            api=target.api,
            operation=target.id,
            identity=persona.name,
            requests=3,
            run=_run(target, persona, asked),
        )
        yield from _with_own_account(surface, target, asked)


def _with_own_account(surface: Surface, target: Target, asked: frozenset[str]) -> Iterator[Case]:
    """The same with an account of this run, where people say at sign-in which scopes they want."""
    found = doors(surface, target.api)
    name = _scopes_of(surface, found)
    role = least_role(surface, found)
    may = any(role in p.roles for p in callers(surface, target))
    if name is None or found.register is None or not may or by_hand(target) or not surface.allow_writes:
        return
    yield Case(
        test=test_of(CONTROL, "scope-not-enforced"),
        subject=target.subject,
        at=target.at,
        api=target.api,
        operation=target.id,
        variant="own-account",
        family=Family.OWN_WRITE,
        requests=8,
        writes=1,
        run=_poorer(target, found, name, asked),
    )


def _scopes_of(surface: Surface, found: Doors) -> str | None:
    """The property of a sign-in that says which scopes the token is to have."""
    names = properties(surface, found.login) if found.login else ()
    return next((n for n in names if n.lower() in ("scopes", "scope")), None)


def _poorer(target: Target, found: Doors, name: str, asked: frozenset[str]) -> Run:
    what = f"a token without the scope {' or '.join(f'`{s}`' for s in sorted(asked))}"

    async def run(lab: Lab) -> Judged:
        others = sorted(_scopes(lab.surface, target.api) - asked)
        if not others:
            raise NotReached("the API knows no other scope that a token could have instead")
        account = await make_account(lab, found)
        draft = lab.draft(target)
        rich = await sign_in(lab, found, account)
        good = await works(lab, lab.request(target, draft, None, purpose="with its scopes", headers=rich))
        wish = others if name.lower() == "scopes" else " ".join(others)
        poor = await sign_in(lab, found, account, **{name: wish})
        _lacks(poor[0][1].removeprefix("Bearer "), asked)
        answer = await ask(lab, lab.request(target, draft, None, purpose=what, headers=poor))
        seen = answer.seen
        if seen.ok:
            nobody = await ask(lab, lab.request(target, draft, None, purpose="nobody, to compare"))
            if nobody.seen.ok:
                raise NotReached("nobody is answered as well, so scopes cannot be told to matter")
            if carries(seen, good) or seen.status == good.status:
                return broken(f"{what} is answered {seen.status}, as with it, while nobody is refused", seen)
        if answer.refused:
            return held(f"{what} is refused with {seen.status} by {answer.by}", seen)
        return unclear(f"{what} is answered {seen.status}, which says nothing about scopes", seen)

    return run


def _scopes(surface: Surface, api: str) -> frozenset[str]:
    """Every scope that an operation of an API asks for."""
    targets = [t for t in surface.targets if t.api == api]
    written = {s for t in targets for requirement in t.operation.security for r in requirement for s in r.scopes}
    return frozenset(written | {s for t in targets for _, rule in t.rules for s in rule.scopes})


def _run(target: Target, persona: Persona, asked: frozenset[str]) -> Run:
    what = f"a token without the scope {' or '.join(f'`{s}`' for s in sorted(asked))}"

    async def run(lab: Lab) -> Judged:
        thing, who = await real_object(lab, target, persona)
        draft = lab.draft(target, thing)
        good = await works(lab, lab.request(target, draft, who, purpose="with its scopes"))
        # Scopes that it has and nobody asked for stay: only what is missing may matter.
        rest = [s for s in persona.scopes if s not in asked]
        poor = await lab.act(persona, scopes=rest)
        await _must_lack(lab, poor, asked)
        answer = await ask(lab, lab.request(target, draft, poor, purpose=what))
        seen = answer.seen
        if answer.at_gateway:
            if answer.policy.startswith((f"{CONTROL}/", "authentication/")):
                return held(f"{what} is refused with {seen.status} by {answer.by}", seen)
            return unclear(f"{what} was refused by {answer.by} before its scopes were looked at", seen)
        watched = answer.observes("authentication") or answer.observes(CONTROL)
        if watched:
            return broken(f"{what} is let through, since `{watched}` only observes", seen)
        if seen.ok and (carries(seen, good, thing) or answer.decision is not None):
            return broken(f"{what} is answered {seen.status}, as with it", seen)
        if seen.ok and seen.status == good.status:
            # Where there is nothing to see, an answer is known by how others are refused.
            nobody = await ask(lab, lab.request(target, draft, None, purpose="nobody, to compare"))
            if not nobody.seen.ok:
                return broken(f"{what} is answered {seen.status}, as with it, while nobody is refused", seen)
        if answer.refused:
            return held(f"{what} is refused with {seen.status} by {answer.by}", seen)
        return unclear(f"{what} is answered {seen.status}, which says nothing about scopes", seen)

    return run


async def _must_lack(lab: Lab, poor: Identity, asked: frozenset[str]) -> None:
    """Reads the token: an issuer that was asked for fewer scopes may give all the same.

    Raises:
        NotReached: the token has a scope that it was to lack, or cannot be read.
    """
    _lacks(await lab.credential(poor), asked)


def _lacks(text: str, asked: frozenset[str]) -> None:
    try:
        body = text.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        carried = claims.get("scope", claims.get("scp", ""))
    except (ValueError, IndexError, AttributeError, RecursionError) as error:
        raise NotReached("the token cannot be read, so it is not known which scopes it has") from error
    if asked & set(carried if isinstance(carried, list) else str(carried).split()):
        raise NotReached("a token with fewer scopes was asked for, and one with all of them was given")
