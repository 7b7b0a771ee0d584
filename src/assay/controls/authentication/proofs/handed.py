"""Tokens that an API hands out itself: those asked for a moment must end, and those for others must not open it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from assay.controls._lib.accounts import (
    Account,
    Doors,
    doors,
    login_call,
    look,
    make_account,
    properties,
    session_of,
)
from assay.controls._lib.answers import every, works
from assay.controls._lib.proving import test_of
from assay.controls.authentication.proofs import forge
from assay.controls.authentication.proofs.common import (
    CONTROL,
    GARBAGE,
    bearers,
    known_good,
    token_header,
    with_token,
    worst,
)
from assay.prove.case import Case, Family, Judged, Lab, NotReached, Seen, broken, held, unclear
from assay.prove.surface import Surface, Target

_LIFETIMES = frozenset({"seconds", "ttl", "lifetime", "expiresin", "maxage", "duration", "expires"})
_GIVEN = frozenset({"token", "accesstoken", "idtoken", "jwt"})
_MOMENTS, _PATIENCE = (2, 10), 60.0
"""For how many seconds a token is asked: for more if a busy machine let the first one end unused."""


def handed(surface: Surface) -> Iterator[Case]:
    """Cases for APIs in which somebody signed in can see their own account, which is what bad tokens are tried on."""
    for api in dict.fromkeys(t.api for t in surface.targets):
        found = doors(surface, api)
        me = found.me
        if me is None or surface.is_open(me) is not False or not surface.allow_writes:
            continue
        own = found.login is not None and found.register is not None
        if own and lifetime(surface, found) is not None:
            yield _case(me, "expired-token-accepted", "short-lived", "", _outlives(found), seconds=max(_MOMENTS) + 3.0)
        people = bearers(surface, me)
        for giver in _givers(surface, api):
            mine = giver is found.login
            if people and (own if mine else people[0] in bearers(surface, giver)):
                run = _for_others(found, me, giver, mine=mine)
                yield _case(me, "foreign-token-accepted", giver.id, people[0].name, run)


def _case(
    me: Target,
    test: str,
    variant: str,
    identity: str,
    run: Callable[[Lab], Awaitable[Judged]],
    *,
    seconds: float = 0.0,
) -> Case:
    return Case(
        test=test_of(CONTROL, test),
        subject=me.subject,
        at=me.at,
        api=me.api,
        operation=me.id,
        identity=identity or "anonymous",
        variant=variant,
        family=Family.OWN_WRITE,
        requests=10,
        writes=3,
        seconds=seconds,
        run=run,
    )


def lifetime(surface: Surface, found: Doors) -> str | None:
    """The property of a sign-in that says how long the token is to live."""
    names = properties(surface, found.login) if found.login else ()
    return next((n for n in names if n.replace("_", "").lower() in _LIFETIMES), None)


def _givers(surface: Surface, api: str) -> Iterator[Target]:
    """Operations whose good answers hold a token, by the names of their properties."""
    for target in surface.targets:
        if target.api != api or "{" in target.operation.path:
            continue
        for answer in target.operation.responses:
            if answer.status[:1] != "2" or answer.schema is None:
                continue
            fields = surface.contract(target).fields(answer.schema, direction="response", nested=False)
            if any(f.name.replace("_", "").lower() in _GIVEN for f in fields):
                yield target
                break


def _outlives(found: Doors) -> Callable[[Lab], Awaitable[Judged]]:
    async def run(lab: Lab) -> Judged:
        account = await make_account(lab, found)
        for moment in _MOMENTS:
            session, end = await _ending(lab, found, account, moment)
            fresh = await look(lab, found, session, "while it is valid")
            if fresh.ok or lab.now() < end:
                break  # else it may have ended before anybody looked at it
        if not fresh.ok:
            raise NotReached(f"the token did not work while it was valid: {fresh.status}")
        if (await look(lab, found, token_header(GARBAGE), "a made-up token, to compare")).ok:
            raise NotReached("a made-up token works as well, so this operation looks at none")
        await lab.wait(max(end - lab.now(), 0.0) + 2)
        late = await look(lab, found, session, "a token that has expired")
        what = "a token that expired a moment ago"
        if late.ok:
            return broken(f"{what} is answered {late.status} as while it was valid", late)
        if late.status not in (401, 403):
            return unclear(f"{what} is answered {late.status}, which does not say whether its end was looked at", late)
        again = _session(await _signs_in(lab, found, account))
        if not (await look(lab, found, again, "the account signs in anew")).ok:
            raise NotReached("the account does not work any more at all")
        return held(f"{what} is refused with {late.status}", late)

    return run


async def _ending(lab: Lab, found: Doors, account: Account, moment: int) -> tuple[tuple[tuple[str, str], ...], float]:
    """A token that was asked for so many seconds, and when it ends, in seconds since the epoch.

    Raises:
        NotReached: it does not end, or much later.
    """
    name = lifetime(lab.surface, found)
    session = _session(await _signs_in(lab, found, account, **({name: moment} if name else {})))
    end = _claims(session).get("exp")
    if not isinstance(end, int | float) or isinstance(end, bool):
        raise NotReached("the token does not say when it ends")
    left = float(end) - lab.now()
    if left > _PATIENCE:
        raise NotReached(f"a token for {moment} s was asked for, and one for {left:.0f} s was given")
    return session, float(end)


def _for_others(found: Doors, me: Target, giver: Target, *, mine: bool) -> Callable[[Lab], Awaitable[Judged]]:
    async def run(lab: Lab) -> Judged:
        good = await known_good(lab, me, bearers(lab.surface, me)[0])
        ours = _audiences(_jwt(await lab.credential(good.who)))
        if mine:
            answer = await _signs_in(lab, found, await make_account(lab, found))
        else:
            answer = await works(lab, lab.request(giver, lab.draft(giver), good.who, purpose="it is given a token"))
        calls = []
        for name, text in every(answer.json()):
            claims = (forge.parts(text) or ({}, {}, ""))[1]
            audiences = _audiences(claims)
            if audiences and ours and not audiences & ours:
                what = f"a token for `{min(audiences)}` (`{name}` of `{giver.id}`)"
                calls.append((what, with_token(lab, good, text, what)))
        if not calls:
            raise NotReached(f"`{giver.id}` gave no token that is for somebody else")
        return await worst(lab, good, calls)

    return run


async def _signs_in(lab: Lab, found: Doors, account: Account, **more: object) -> Seen:
    return await works(lab, login_call(lab, found, account.user, account.password, "the account signs in", **more))


def _session(seen: Seen) -> tuple[tuple[str, str], ...]:
    headers = session_of(seen)
    if not headers:
        raise NotReached("the answer to the sign-in shows no token")
    return headers


def _claims(session: tuple[tuple[str, str], ...]) -> dict[str, object]:
    return _jwt(session[0][1].removeprefix("Bearer "))


def _jwt(token: str) -> dict[str, object]:
    found = forge.parts(token)
    if found is None:
        raise NotReached("the credential is opaque, so nobody but the service knows when it ends and whom it is for")
    return found[1]


def _audiences(claims: dict[str, object]) -> frozenset[str]:
    """Whom a token is for (RFC 7519 §4.1.3)."""
    found = claims.get("aud")
    return frozenset(str(a) for a in (found if isinstance(found, list) else [found] if found else []))
