"""A right that is taken away ends at once, also for a session that began with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assay.controls._lib.accounts import Doors, doors, make_account, properties, sign_in
from assay.controls._lib.answers import callers
from assay.controls._lib.proving import test_of
from assay.controls.authorisation.proofs.common import CONTROL
from assay.prove.case import Case, Draft, Family, Judged, Lab, NotReached, Run, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target


def demotion(surface: Surface) -> Iterator[Case]:
    """A case for each API that makes accounts, changes their roles, and has something that only some roles may read."""
    if not surface.declared_access or not surface.allow_writes:
        return
    for api in dict.fromkeys(t.api for t in surface.targets):
        found = doors(surface, api)
        pick = _roles(surface, api)
        if found.roles is None or found.register is None or found.login is None or pick is None:
            continue
        if not {"roles", "role"} & set(properties(surface, found.register)):
            continue
        yield Case(
            test=test_of(CONTROL, "role-change-without-effect"),
            subject=found.roles.subject,
            at=found.roles.at,
            api=api,
            operation=found.roles.id,
            family=Family.OWN_WRITE,
            requests=11,
            writes=4,
            run=_run(found, found.roles, *pick),
        )


def _roles(surface: Surface, api: str) -> tuple[Target, str, str] | None:
    """A readable operation with a role that may call it and one that may not."""
    personas = [p for p in surface.personas if len(p.roles) == 1]
    for target in surface.targets:
        if target.api != api or target.operation.method.upper() != "GET" or "{" in target.operation.path:
            continue
        yes = [p for p in personas if surface.allows(target, p)]
        no = [p for p in personas if surface.rule_for(target, p) is None]
        if yes and no and not surface.is_open(target):
            return target, yes[0].roles[0], no[0].roles[0]
    return None


def _run(found: Doors, changes: Target, reads: Target, high: str, low: str) -> Run:
    async def run(lab: Lab) -> Judged:
        account = await make_account(lab, found, **_named(lab, found.register, high))
        if not account.id:
            raise NotReached("the answer to the new account does not say its id")
        session = await sign_in(lab, found, account)
        call = lab.request(reads, lab.draft(reads), None, purpose=f"with role `{high}`", headers=session)
        first = await lab.call(call)
        if not first.ok:
            raise NotReached(f"a new account with role `{high}` was answered {first.status}")
        lesser = await make_account(lab, found, number=1, **_named(lab, found.register, low))
        headers = await sign_in(lab, found, lesser)
        never = await lab.call(
            lab.request(reads, lab.draft(reads), None, purpose=f"with role `{low}`", headers=headers)
        )
        if never.ok:
            raise NotReached(f"role `{low}` may read it as well, so losing role `{high}` cannot be seen there")
        admin = await lab.act(_who(lab.surface, changes))
        parameter = next(p.name for p in changes.operation.parameters if p.location == "path")
        draft = Draft({parameter: account.id}, body=_named(lab, changes, low), content_type="application/json")
        done = await lab.call(lab.request(changes, draft, admin, purpose=f"its role becomes `{low}`"))
        if not done.ok:
            raise NotReached(f"changing the role was answered {done.status}")
        after = await lab.call(call)
        if after.ok:
            return broken(f"a session that began with role `{high}` still has it after the role became `{low}`", after)
        if after.status in (401, 403, 404):
            return held(f"after its role became `{low}` the session is refused with {after.status}", after)
        return unclear(f"after its role became `{low}` the session is answered {after.status}", after)

    return run


def _named(lab: Lab, target: Target | None, role: str) -> dict[str, Any]:
    names = properties(lab.surface, target) if target else ()
    return {"roles": [role]} if "roles" in names else {"role": role}


def _who(surface: Surface, target: Target) -> Persona:
    people = callers(surface, target)
    if not people:
        raise NotReached(f"nobody may call `{target.id}`")
    return people[0]
