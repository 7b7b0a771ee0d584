"""Rights are read from the systems that grant them; and what an API narrows is tried by those whom it narrows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from assay.controls._lib.answers import ask, by_hand, callers, marker, real_object, works
from assay.controls._lib.proving import test_of
from assay.declare.model import RightsFrom
from assay.declare.selectors import selects
from assay.domain import listed
from assay.privilege.declared import CONNECTION, rights_of
from assay.privilege.excess import MODERATE
from assay.privilege.review import Accounts, review
from assay.privilege.rights import Grant, Rights, covers, touches
from assay.prove.case import Case, Family, Identity, Judged, Lab, NotReached, Run, Thing, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_CONTROL = "least_privilege"
_READABLE = "postgresql"
_SHOWN = 4
_OWN_POLICY = "authorisation/"


def prove(surface: Surface) -> Iterator[Case]:
    """A case for each account whose rights can be read, and for each call that holders of a narrowed account try."""
    model = surface.declaration.model
    for name, account in model.accounts.items():
        system = model.systems[account.system]
        if system.connection is not None and (system.connection.kind == _READABLE or _from_connection(surface, name)):
            if not _from_connection(surface, name):
                yield _account_case(surface, name, "effective-rights-differ", _differ(surface, name))
            if account.needs:
                yield _account_case(surface, name, "effective-rights-excessive", _excessive(surface, name))
        yield from _narrowed(surface, name)


def _from_connection(surface: Surface, name: str) -> bool:
    rights = surface.declaration.model.accounts[name].rights
    return isinstance(rights, RightsFrom) and rights.read_from == CONNECTION


def _account_case(surface: Surface, name: str, check: str, run: Run) -> Case:
    declaration = surface.declaration
    account = declaration.model.accounts[name]
    apis = [t.api for t in surface.targets]
    before = (a for a in apis if account.system in declaration.model.apis[a].backed_by)
    return Case(
        test=test_of(_CONTROL, check),
        subject=f"accounts.{name}",
        at=declaration.places.key("accounts", name),
        api=next(before, apis[0] if apis else ""),
        identity=name,
        requests=0,
        seconds=10.0,
        run=run,
    )


def _listed(grants: tuple[Grant, ...]) -> str:
    return listed(dict.fromkeys(f"{g.right or g.operation} on {g.object}" for g in grants), _SHOWN)


def _facts(rights: Rights, **more: object) -> dict[str, Any]:
    return {"source": rights.source, "rights": len(rights.grants), "powers": sorted(rights.powers), **more}


def _differ(surface: Surface, name: str) -> Run:
    async def run(lab: Lab) -> Judged:
        declared = rights_of(surface.declaration, name)
        if declared is None or (not declared.grants and not declared.unclear):
            return unclear(f"no rights of `{name}` are declared that could be compared")
        real = await lab.rights(name)
        more = tuple(g for g in real.grants if not any(covers(d, g) for d in declared.grants))
        less = tuple(d for d in declared.grants if not any(touches(g, d) for g in real.grants))
        facts = _facts(real, more=[str(g) for g in more], less=[str(g) for g in less])
        # A part of the export that is not understood may say what seems to be too much.
        if more and not declared.unclear:
            return broken(f"`{name}` may do more than is declared: {_listed(more)}", **facts)
        if real.powers & {"superuser", "bypassrls"} and not any(d.operation == "admin" for d in declared.grants):
            return broken(f"`{name}` is a superuser or passes row security by, which is not declared", **facts)
        if declared.unclear or real.unclear:
            reason = (declared.unclear or real.unclear)[0].sentence
            return unclear(f"not all of the rights of `{name}` can be compared: {reason}", **facts)
        if less:
            return broken(f"`{name}` may not do what is declared: {_listed(less)}", **facts)
        return held(f"`{name}` may do what is declared and nothing else, says {real.source}", **facts)

    return run


def _excessive(surface: Surface, name: str) -> Run:
    async def run(lab: Lab) -> Judged:
        real = await lab.rights(name)
        found = review(Accounts(surface.declaration), name, today=_day(lab), rights=real, blended=True)
        excess = found.excess
        idle = (*excess.unused, *excess.too_wide)
        facts = _facts(
            real,
            index=None if excess.index is None else round(excess.index, 4),
            unneeded=[str(g) for g in idle],
            missing=[str(g) for g in excess.missing],
            reaches=[f"{d}: {level}" for d, level in found.blast.data],
        )
        if found.superuser and found.superuser != found.by_excess:
            return broken(f"`{name}` is a superuser: {'; '.join(found.superuser[:2])}", **facts)
        if excess.index is not None and excess.index > MODERATE:
            reach = f", and it reaches {found.level} data" if found.by_excess else ""
            words = f"{excess.index:.0%} of what `{name}` may do is more than it needs: {_listed(idle)}{reach}"
            return broken(words, **facts)
        if found.above_clearance:
            return broken(
                f"`{name}` is cleared for {found.account.clearance} data and reaches {found.level} data", **facts
            )
        if found.conflicts:
            _, duty, together = found.conflicts[0]
            return broken(f"`{name}` holds {' and '.join(together)} together: {duty.why}", **facts)
        if excess.missing:
            missing = ", ".join(f"`{m}`" for m in excess.missing[:_SHOWN])
            return unclear(
                f"`{name}` needs {missing}, which no right of it covers: its needs are not as declared", **facts
            )
        if real.unclear:
            return unclear(f"not all of its rights could be read: {real.unclear[0].sentence}", **facts)
        if excess.index is None and excess.judged:
            return unclear(f"what the rights of `{name}` weigh could not be told", **facts)
        return held(f"`{name}` may do what it needs and little else, says {real.source}", **facts)

    return run


def _day(lab: Lab) -> date:
    """The day of the run."""
    return datetime.fromtimestamp(lab.now(), UTC).date()


def _narrowed(surface: Surface, name: str) -> Iterator[Case]:
    """Every operation beside those that a narrowed account's holders need, tried by each of them."""
    account = surface.declaration.model.accounts[name]
    by = account.narrowed_by
    if by is None:
        return
    for persona in surface.personas:
        if persona.consumer not in account.used_by or persona.name != persona.consumer:
            continue
        mine = [t for t in surface.targets if t.api == by.api]
        allowed = [t for t in mine if any(selects(pattern, t.id) for pattern in by.operations)]
        good = next((t for t in allowed if not t.writes and surface.allows(t, persona)), None)
        for target in mine:
            if target in allowed:
                continue
            yield Case(
                test=test_of(_CONTROL, "narrowed-call-accepted"),
                subject=target.subject,
                at=surface.declaration.locate("accounts", name, "narrowed_by"),
                api=target.api,
                operation=target.id,
                identity=persona.name,
                variant=name,
                family=Family.CROSS_WRITE if target.writes else Family.READ,
                requests=5,
                writes=1 if target.writes else 0,
                run=_refused(target, persona, good, name),
            )


def _refused(target: Target, persona: Persona, good: Target | None, account: str) -> Run:
    what = f"`{target.id}` by `{persona.name}`, which acts through `{account}`,"

    async def run(lab: Lab) -> Judged:
        if good is None:
            raise NotReached(f"`{persona.name}` may read nothing there, so a refusal would not show why it was refused")
        thing, who = await real_object(lab, good, persona)
        await works(lab, lab.request(good, lab.draft(good, thing), who, purpose="what it needs"))
        found, caller = await _object(lab, target, persona, who)
        draft = lab.draft(target, found, plant=marker(lab))
        answer = await ask(
            lab, lab.request(target, draft, caller, purpose="what its account could do, and it need not")
        )
        seen = answer.seen
        if seen.ok:
            return broken(f"{what} is let through ({seen.status})", seen)
        if answer.at_gateway and answer.policy.startswith(_OWN_POLICY):
            return held(f"{what} is refused by policy `{answer.policy}`", seen)
        if (
            answer.at_gateway
            and answer.policy.startswith("authentication/")
            and not lab.surface.proves(target, persona)
        ):
            # Its credential works elsewhere, as was just seen; here it is not of a kind that is taken.
            return held(f"{what} is refused, since it cannot prove itself there (policy `{answer.policy}`)", seen)
        if not answer.at_gateway and seen.status in (401, 403):
            if target.writes:  # `authorisation` looks at what was done all the same
                return unclear(f"{what} is refused by the service ({seen.status}), perhaps after it was done", seen)
            return held(f"{what} is refused by the service ({seen.status})", seen)
        return unclear(f"{what} was answered {seen.status} by {answer.by}, before it was decided whether it may", seen)

    return run


async def _object(lab: Lab, target: Target, persona: Persona, who: Identity) -> tuple[Thing | None, Identity]:
    """A real object to try it on, of somebody who may; the call itself is made by the narrowed one."""
    if not by_hand(target):
        return None, who
    rightful = [p for p in callers(lab.surface, target) if p.name != persona.name]
    if not rightful:
        raise NotReached("nobody else may call it, so there is no object to try it on")
    thing, _ = await real_object(lab, target, rightful[0], fresh=target.operation.method.upper() == "DELETE")
    return thing, who
