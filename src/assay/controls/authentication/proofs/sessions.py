"""Sessions that an API begins by itself: do logging out, a new password and a shut-out end them?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from assay.controls._lib.accounts import (
    Doors,
    doors,
    look,
    make_account,
    password_of,
    properties,
    sign_in,
    with_body,
)
from assay.controls._lib.answers import callers
from assay.controls._lib.proving import test_of
from assay.controls.authentication.proofs.common import CONTROL
from assay.prove.case import Case, Draft, Family, Judged, Lab, NotReached, Seen, broken, held, unclear
from assay.prove.surface import Surface, Target

Step = Callable[[Lab, Doors], Awaitable[Judged]]


def sessions(surface: Surface) -> Iterator[Case]:
    """A case for each way to end a session that an API offers."""
    for api in dict.fromkeys(t.api for t in surface.targets):
        found = doors(surface, api)
        if found.login is None or found.me is None or surface.is_open(found.me) is not False:
            continue
        offered: tuple[tuple[str, Target | None, Step], ...] = (
            ("logout-without-effect", found.logout, _logout),
            ("password-change-keeps-sessions", found.change, _password),
            ("shut-out-keeps-sessions", found.disable, _disabled),
        )
        for test, target, step in offered:
            if target is None or found.register is None or not surface.allow_writes:
                continue
            yield Case(
                test=test_of(CONTROL, test),
                subject=target.subject,
                at=target.at,
                api=api,
                operation=target.id,
                family=Family.OWN_WRITE,
                requests=8,
                writes=3,
                run=_run(found, step),
            )


def _run(found: Doors, step: Step) -> Callable[[Lab], Awaitable[Judged]]:
    async def run(lab: Lab) -> Judged:
        return await step(lab, found)

    return run


async def _logout(lab: Lab, found: Doors) -> Judged:
    assert found.logout is not None  # noqa: S101 - planned only with one
    account = await make_account(lab, found)
    session = await sign_in(lab, found, account)
    await _must_work(lab, found, session)
    call = lab.request(found.logout, _empty(lab, found.logout), None, purpose="it logs out", headers=session)
    done = await lab.call(call)
    if not (done.ok or 300 <= done.status < 400):
        raise NotReached(f"logging out was answered {done.status}")
    return await _judge(lab, found, session, "logging out")


async def _password(lab: Lab, found: Doors) -> Judged:
    assert found.change is not None  # noqa: S101 - planned only with one
    account = await make_account(lab, found)
    old, other = await sign_in(lab, found, account), await sign_in(lab, found, account)
    await _must_work(lab, found, other)
    names = properties(lab.surface, found.change)
    before = [n for n in names if any(word in n.lower() for word in ("old", "current", "previous"))]
    values = dict.fromkeys(password_of(names), f"Bb2-{lab.nonce}") | dict.fromkeys(before, account.password)
    draft = with_body(lab.draft(found.change), **values)
    done = await lab.call(lab.request(found.change, draft, None, purpose="it changes its password", headers=old))
    if not done.ok:
        raise NotReached(f"changing the password was answered {done.status}")
    return await _judge(lab, found, other, "a change of password")


async def _disabled(lab: Lab, found: Doors) -> Judged:
    assert found.disable is not None  # noqa: S101 - planned only with one
    account = await make_account(lab, found)
    if not account.id:
        raise NotReached("the answer to the new account does not say its id")
    session = await sign_in(lab, found, account)
    await _must_work(lab, found, session)
    people = callers(lab.surface, found.disable)
    if not people:
        raise NotReached(f"nobody may call `{found.disable.id}`")
    admin = await lab.act(people[0])
    parameter = next(p.name for p in found.disable.operation.parameters if p.location == "path")
    draft = Draft({parameter: account.id})
    done = await lab.call(lab.request(found.disable, draft, admin, purpose="an administrator shuts it out"))
    if not done.ok:
        raise NotReached(f"shutting the account out was answered {done.status}")
    return await _judge(lab, found, session, "shutting an account out")


async def _must_work(lab: Lab, found: Doors, session: tuple[tuple[str, str], ...]) -> Seen:
    seen = await look(lab, found, session, "its session works")
    if not seen.ok:
        raise NotReached(f"the session of a new account does not work: {seen.status}")
    return seen


async def _judge(lab: Lab, found: Doors, session: tuple[tuple[str, str], ...], what: str) -> Judged:
    after = await look(lab, found, session, f"the session after {what}")
    if after.ok:
        return broken(f"a session still works after {what}", after)
    if after.status in (401, 403):
        return held(f"{what} ends the session: it is refused with {after.status}", after)
    return unclear(f"after {what} the session is answered {after.status}", after)


def _empty(lab: Lab, target: Target) -> Draft:
    return lab.draft(target) if target.operation.body else Draft({})
