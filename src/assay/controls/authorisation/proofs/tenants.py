"""Tenants: what one tenant keeps, another finds neither by id, nor in a list, nor by searching."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.controls._lib.answers import ask, callers, carries, every, works
from assay.controls._lib.proving import test_of
from assay.controls.authorisation.proofs.common import CONTROL
from assay.prove.case import Case, Draft, Identity, Judged, Lab, NotReached, Run, Seen, Thing, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target

_SEARCHES = frozenset({"q", "query", "search", "text", "filter", "term", "keyword", "keywords", "s"})
_WORDS = 5
_PART = 10
"""How much of a nonce is searched for: an answer that echoes the search holds no more of it."""


def tenants(surface: Surface) -> Iterator[Case]:
    """Cases for readable operations that callers of different tenants may use."""
    for target in surface.targets:
        if target.operation.method.upper() != "GET" or surface.is_open(target):
            continue
        if f"{target.api}.{target.id}" in surface.declaration.model.prove.public:
            continue
        two = _two(surface, target)
        if two is None:
            continue
        item = target if "{" in target.operation.path else _item(surface, target, two[0])
        if item is None or item.operation.path.count("{") != 1:
            continue
        for variant, headers in (("", False), ("header", True)):
            yield Case(
                test=test_of(CONTROL, "identity-header-trusted" if headers else "tenants-not-apart"),
                subject=target.subject,
                at=target.at,
                api=target.api,
                operation=target.id,
                identity=two[1].name,
                variant=variant and "tenant",
                requests=13,
                run=_run(target, item, two, headers=headers),
            )


def _two(surface: Surface, target: Target) -> tuple[Persona, Persona] | None:
    """Two callers with the same roles in different tenants, staff before end users, who see less."""
    people = [p for p in callers(surface, target) if p.tenant]
    pairs = [(a, b) for a in people for b in people if a.tenant != b.tenant and set(a.roles) == set(b.roles)]
    return min(pairs, key=lambda ab: (bool(surface.owns(target, ab[0])), ab[0].name, ab[1].name), default=None)


def _item(surface: Surface, collection: Target, persona: Persona) -> Target | None:
    """The operation that reads one of what a list or search shows."""
    path = collection.operation.path.rstrip("/")
    starts = {path, path.rpartition("/")[0]} - {""}
    reading = [
        t
        for t in surface.targets
        if t.api == collection.api
        and t.operation.method.upper() == "GET"
        and t.operation.path.endswith("}")
        and persona in callers(surface, t)
    ]
    found = [t for t in reading if t.operation.path.rpartition("/")[0] in starts]
    # An export of patients, wherever it is, shows what /patients/{id} does.
    last = path.rpartition("/")[2]
    found = found or [t for t in reading if t.operation.path.split("/")[-2:-1] == [last] and "{" not in last]
    return max(found, key=lambda t: len(t.operation.path.rpartition("/")[0]), default=None)


def _run(target: Target, item: Target, two: tuple[Persona, Persona], *, headers: bool) -> Run:
    async def run(lab: Lab) -> Judged:
        thing = await lab.owned(item, two[0])
        draft = lab.draft(target, thing if target is item else None)
        mark = None
        if target is not item:
            draft, good, mark = await _found(lab, target, item, thing, draft)
        else:
            good = await works(lab, lab.request(target, draft, thing.owner, purpose="its own tenant reads it"))

        def shows(seen: Seen) -> bool:
            return carries(seen, good, thing) if mark is None else seen.ok and mark in set(every(seen.json()))

        stranger = await lab.act(two[1])
        what = f"a caller of tenant `{two[1].tenant}`"
        if headers:
            what += " that claims to be of the other tenant"
            plain = await ask(lab, lab.request(target, draft, stranger, purpose="the other tenant looks"))
            if shows(plain.seen):
                raise NotReached("the other tenant finds it without any header, so headers cannot be told to matter")
        claims = [(n, str(two[0].tenant)) for n in ("x-tenant", "x-tenant-id", "x-org-id")] if headers else []
        answer = await ask(lab, lab.request(target, draft, stranger, purpose=what, headers=claims))
        seen = answer.seen
        if shows(seen) and mark is not None and not thing.made:
            await _must_be_kept(lab, item, thing, stranger)
        if shows(seen):
            return broken(f"{what} finds what tenant `{two[0].tenant}` keeps", seen)
        if seen.ok or answer.refused:
            return held(f"{what} does not find what tenant `{two[0].tenant}` keeps ({seen.status})", seen)
        return unclear(f"{what} is answered {seen.status}, which says nothing about tenants", seen)

    return run


async def _must_be_kept(lab: Lab, item: Target, thing: Thing, stranger: Identity) -> None:
    """An object that was found, and not made, may be for every tenant: then they may read it by its id as well.

    Raises:
        NotReached: they may.
    """
    call = lab.request(
        item, lab.draft(item, thing), stranger, purpose="the other tenant reads it by its id, to compare"
    )
    if not (await ask(lab, call)).refused:
        raise NotReached("the other tenant may read the object by its id as well, so it may be for all of them")


async def _found(
    lab: Lab, target: Target, item: Target, thing: Thing, plain: Draft
) -> tuple[Draft, Seen, tuple[str, str] | None]:
    """A list or search in which the object's own tenant finds it, by its nonce or by another word in it.

    It is recognised by its nonce; where answers do not show that, by its id under the name that ids stand under there
    (the third value).

    Raises:
        NotReached: its own tenant does not find it either.
    """
    texts = [thing.nonce[:_PART]]
    if _searching(target, plain, "x") is not plain:
        call = lab.request(item, lab.draft(item, thing), thing.owner, purpose="its own tenant reads it")
        known = [value.split() for _, value in every((await works(lab, call)).json())]
        texts += [words[0] for words in known if words and words[0].isalpha()][:_WORDS]
    number = str(next(iter(thing.params.values())))
    for text in texts:
        draft = _searching(target, plain, text)
        good = await works(lab, lab.request(target, draft, thing.owner, purpose="its own tenant looks for it"))
        if thing.nonce and thing.nonce in good.text:
            return draft, good, None
        by_id = [(name, value) for name, value in every(good.json()) if value == number and name.lower().endswith("id")]
        if by_id and text != number:
            return draft, good, by_id[0]
    raise NotReached("its own tenant does not find the object there either")


def _searching(target: Target, draft: Draft, text: str) -> Draft:
    """The draft with the text to search for, where the operation has a parameter for one."""
    names = [p.name for p in target.operation.parameters if p.location == "query" and p.name.lower() in _SEARCHES]
    if not names:
        return draft
    return replace(draft, query=(*(q for q in draft.query if q[0] != names[0]), (names[0], text)))
