"""Proof of governance: nothing changed beside the tool, every version is on record, and loosening needs approval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from assay.controls._lib.proving import test_of
from assay.domain import listed
from assay.prove.case import Case, Judged, Lab, Run, broken, held, unclear
from assay.prove.surface import Surface

_CONTROL = "governance"
_SHOWN = 4


def prove(surface: Surface) -> Iterator[Case]:
    """What runs, what is stored and what is recorded are held against each other; an unapproved change is tried."""
    if not surface.fronted or surface.via != "gateway":
        return
    yield _case(surface, "applied-files-changed", _files, 4.0)
    yield _case(surface, "other-configuration-running", _running, 4.0)
    yield _case(surface, "version-without-record", _recorded, 4.0)
    if _produces(surface):
        yield _case(surface, "loosened-without-approval", _approved, 4.0)
        yield _case(surface, "loosening-not-refused", _refused, 20.0)
    if surface.declaration.model.governance.reviews == "required":
        yield _case(surface, "version-without-review", _reviewed, 4.0)


def _produces(surface: Surface) -> bool:
    """Whether production is served: only there does loosening need an approval."""
    model = surface.declaration.model
    served = {model.apis[t.api].environment for t in surface.targets}
    return any(e.tier == "production" for name, e in model.environments.items() if name in served)


def _case(surface: Surface, check: str, run: Run, seconds: float) -> Case:
    declaration = surface.declaration
    return Case(
        test=test_of(_CONTROL, check),
        subject="gateway",
        at=declaration.locate("gateway"),
        api=surface.targets[0].api if surface.targets else "",
        requests=0,
        seconds=seconds,
        needs_gateway=True,
        run=run,
    )


def _told(sentences: Sequence[str]) -> str:
    more = len(sentences) - _SHOWN
    return "; ".join(sentences[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _named(numbers: Iterable[int]) -> str:
    return listed([str(n) for n in numbers], _SHOWN)


async def _files(lab: Lab) -> Judged:
    found = await lab.governed().files()
    facts: dict[str, Any] = {
        "version": found.number,
        "compared": found.looked,
        "not_compared": found.left,
        "altered": [*found.altered],
    }
    if found.altered:
        return broken(_told(found.altered), **facts)
    beside = f", {found.left} large older versions left out" if found.left else ""
    return held(f"all {found.looked} files of the gateway are as they were written{beside}", **facts)


async def _running(lab: Lab) -> Judged:
    found = await lab.governed().running()
    facts: dict[str, Any] = {
        "version": found.number,
        "resources": found.resources,
        "differing": [*found.differing[:20]],
    }
    if not found.same:
        where = f": {_told(found.differing)}" if found.differing else ""
        return broken(f"Envoy runs something else than what was applied as version {found.number}{where}", **facts)
    return held(f"Envoy runs what was applied as version {found.number}, read back and equal", **facts)


async def _recorded(lab: Lab) -> Judged:
    versions = await lab.governed().versions()
    problems = [p for v in versions for p in v.problems]
    facts: dict[str, Any] = {"versions": len(versions), "problems": problems}
    if problems:
        return broken(_told(problems), **facts)
    older = [v.number for v in versions if v.recorded is None]
    if older:
        return unclear(
            f"the evidence log began after version {_named(older)}: nothing shows how it came there", **facts
        )
    many = "the only version" if len(versions) == 1 else f"each of {len(versions)} versions"
    return held(f"a record in the evidence log says when and by whom {many} was applied", **facts)


async def _approved(lab: Lab) -> Judged:
    versions = await lab.governed().versions()
    loosening = [v for v in versions if v.loosens]
    people = bool(lab.surface.declaration.model.people)
    facts: dict[str, Any] = {
        "versions": len(versions),
        "loosening": {str(v.number): v.loosens for v in loosening},
        "approved": {str(v.number): [*v.approvers] for v in loosening},
    }
    alone = [v for v in loosening if not v.approvers]
    left = [v.number for v in versions if not v.compared and not v.approvers]
    facts["not_compared"] = left
    if alone:
        return broken(
            f"version {alone[0].number} loosens production, and nobody approved it: {alone[0].loosens}", **facts
        )
    if any(v.live and v.number in left for v in versions):
        return unclear("what the live version loosened cannot be told, since a policy is gone or damaged", **facts)
    if not loosening:
        return held(f"no version that can be compared loosened production{_beside(left)}", **facts)
    if people and not all(v.signed for v in loosening):
        unsigned = _named(v.number for v in loosening if not v.signed)
        return unclear(f"the approval of version {unsigned} was typed, and nobody has signed it", **facts)
    how, named = "signed" if people else "on record", _named(v.number for v in loosening)
    return held(f"the approval of each version that loosened production is {how}: {named}{_beside(left)}", **facts)


def _beside(left: Sequence[int]) -> str:
    return f"; {_named(left)} loosened something and can no longer be compared" if left else ""


async def _refused(lab: Lab) -> Judged:
    found = await lab.governed().attempt()
    facts: dict[str, Any] = {"tried": found.loosens, "plan": found.plan, "refused": [r or "" for r in found.refused]}
    if any(r is None for r in found.refused):
        how = ("without an approval", "with the approval of another plan")[found.refused.index(None)]
        return broken(f"a policy that loosens production is applied {how}: {found.loosens}", **facts)
    if found.changed:
        return broken("an application that was refused has changed what is stored all the same", **facts)
    return held(f"a policy that loosens production is refused until somebody approves it: {found.refused[0]}", **facts)


async def _reviewed(lab: Lab) -> Judged:
    live = next((v for v in await lab.governed().versions() if v.live), None)
    if live is None:
        return unclear("it is not known which version is live")
    facts: dict[str, Any] = {
        "version": live.number,
        "people": [*live.people],
        "source": live.source,
        "approvers": [*live.approvers],
    }
    who = " and ".join(f"`{p}`" for p in live.people[:_SHOWN])
    if live.eyes == "two":
        return held(f"version {live.number} ({live.source}) bears the signatures of {who}", **facts)
    if live.eyes == "claimed":
        return unclear(
            f"{who} are named for version {live.number} ({live.source}), and no two signatures show it", **facts
        )
    if live.eyes == "unknown":
        return unclear(f"nothing shows who is behind version {live.number}: {live.source}", **facts)
    return broken(f"nobody but {who} has seen version {live.number} ({live.source})", **facts)


__all__ = ["prove"]
