"""Makes and finds real things: calls the operations that give identifiers, as somebody who may."""

from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from assay.declare.contract import placeholders
from assay.prove.case import Identity, NotReached, Seen
from assay.prove.identities import Cast
from assay.prove.objects import drafting
from assay.prove.objects.encoding import encode
from assay.prove.objects.extracting import identifier
from assay.prove.objects.graph import Graph, How, Source, build, collection, prefix
from assay.prove.objects.naming import same
from assay.prove.objects.ownership import bindings, given_values, satisfied
from assay.prove.seams import Send
from assay.prove.surface import Persona, Surface, Target

_CALLERS = 3
_TRIES = 2
_MAKING = frozenset({How.CREATED, How.CHOSEN, How.CREATED_ELSEWHERE})


@dataclass(frozen=True, slots=True)
class Made:
    """A thing that this run made. ``path`` is the contract's template of it, without the base path."""

    api: str
    path: str
    params: Mapping[str, str]
    by: Identity | None


@dataclass(frozen=True, slots=True)
class Got:
    """An identifier that was had. ``planted``: the marker is in the thing."""

    value: str
    made: bool = False
    planted: bool = False


@dataclass(slots=True)
class Wanted:
    """What one search for a thing is given.

    Attributes:
        owner: calls first, where it may.
        alone: nobody but the owner calls: where no rule says who owns what, it belongs to whoever made it.
        asked: operations that are being tried already, further up.
        reasons: why what was tried did not work, for a person.
    """

    send: Send
    rng: random.Random
    owner: Identity | None = None
    alone: bool = False
    asked: frozenset[str] = frozenset()
    reasons: dict[str, None] = field(default_factory=dict)

    def why(self) -> str:
        """The reasons in one sentence part."""
        return "; ".join(list(self.reasons)[:4]) or "no operation of the contract gives one"


class Maker:
    """Knows the graphs of all APIs, and what was made."""

    def __init__(self, surface: Surface, cast: Cast, *, salt: str) -> None:
        self._surface, self._cast, self._salt = surface, cast, salt
        self._graphs: dict[str, Graph] = {}
        self._personas = {p.name: p for p in surface.personas}
        self._known: dict[tuple[str, str, str], str] = {}
        self.made: list[Made] = []

    def graph(self, target: Target) -> Graph:
        """The graph of the target's contract."""
        if target.api not in self._graphs:
            self._graphs[target.api] = build(self._surface.contract(target))
        return self._graphs[target.api]

    def known(self, api: str, owner: Identity | None = None) -> Mapping[str, str]:
        """Identifiers of real things of an API by flat name: the owner's, and for others whatever was had last."""
        found = {name: value for (of, _, name), value in self._known.items() if of == api}
        if owner is not None:
            found |= {name: v for (of, who, name), v in self._known.items() if (of, who) == (api, owner.name)}
        return found

    def remember(self, api: str, name: str, value: str, owner: Identity | None) -> None:
        """Notes an identifier of a real thing, and whose it is."""
        key = (api, owner.name if owner else "", drafting.flat(name))
        self._known.pop(key, None)  # so that it is the last one
        self._known[key] = value

    def draft(
        self,
        target: Target,
        params: Mapping[str, str],
        rng: random.Random,
        plant: str,
        *,
        owner: Identity | None = None,
        generous: bool = False,
    ) -> drafting.Drafted:
        """A valid request; what it names beside its path is the owner's. Raises NotReached."""
        return drafting.draft(
            self._surface.declaration,
            self._surface.contract(target),
            target.operation,
            params=params,
            known=self.known(target.api, owner),
            references=self.graph(target).references[target.id],
            plant=plant,
            salt=self._salt,
            generous=generous,
            random=rng,
        )

    async def refer(self, target: Target, wanted: Wanted, owns: Mapping[str, Sequence[str]]) -> None:
        """Has the things that a request must name outside its path, as the owner's own where that can be."""
        for reference in self.graph(target).references[target.id]:
            name = reference.at[-1]
            await self._refer(target, name, reference.sources, replace(wanted, asked=frozenset({target.id})))
            if wanted.owner and (target.api, wanted.owner.name, drafting.flat(name)) not in self._known:
                for value in given_values(owns, name)[:1]:
                    self.remember(target.api, name, value, wanted.owner)

    async def get(
        self,
        target: Target,
        name: str,
        params: Mapping[str, str],
        wanted: Wanted,
        *,
        plant: str = "",
        making: bool = False,
    ) -> Got | None:
        """A real value for a path parameter of ``target``, whose earlier parameters are ``params``; None: none.

        With ``making``, only of a thing that is made now.
        """
        for source in self.graph(target).parameters[target.id, name]:
            giver = self._surface.by_id.get((target.api, source.operation))
            if giver is None or source.operation in wanted.asked or (making and source.how not in _MAKING):
                continue
            got = await self._from(source, giver, target, name, params, wanted, plant)
            if got is not None:
                self.remember(target.api, name, got.value, wanted.owner)
                return got
        return None

    async def item(self, target: Target, params: Mapping[str, str], wanted: Wanted, plant: str) -> bool:
        """Puts a thing with the marker into the collection that ``target`` lists; whether that was possible."""
        post = next((t for t in self._surface.targets if t.operation.method == "POST" and t.path == target.path), None)
        if post is None or not self._may_change(target, params):
            return False
        answer = await self._call(post, params, wanted, plant)
        if answer is None:
            return False
        seen, by, planted = answer
        self._note_item(target, post, params, seen, by, wanted)
        return planted

    # One source ------------------------------------------------------------------------------------------------------

    async def _from(
        self,
        source: Source,
        giver: Target,
        target: Target,
        name: str,
        params: Mapping[str, str],
        wanted: Wanted,
        plant: str,
    ) -> Got | None:
        here = prefix(target.operation.path, name)
        kind = collection(target.operation.path, name)[1]
        makes = source.how in _MAKING or giver.writes
        below = replace(wanted, asked=wanted.asked | {target.id, giver.id})
        needed = await self._parents(giver, name, params, below, chosen=source.how is How.CHOSEN)
        if needed is None:
            return None
        if makes and not self._may_change(giver, needed, but=name):
            wanted.reasons[f"`{giver.id}` would change a thing that this run did not make"] = None
            return None
        answer = await self._call(giver, needed, below, plant if makes else "")
        if answer is None:
            return None
        seen, by, planted = answer
        if source.how is How.CHOSEN:
            value: str | None = needed[_as(name, needed)]
        else:
            value = identifier(
                seen, source, name=name, kind=kind, path=giver.base + here, params=params, rng=wanted.rng
            )
        if value is None:
            empty = "does not say what it made" if makes else "shows none"
            wanted.reasons[f"`{giver.id}` {empty}"] = None
            return None
        if makes:
            self.made.append(Made(target.api, here, {**params, name: value}, by))
        return Got(value, made=makes, planted=planted and makes)

    async def _parents(
        self, giver: Target, name: str, params: Mapping[str, str], wanted: Wanted, *, chosen: bool
    ) -> dict[str, str] | None:
        """Values for the giver's own path parameters and references; None: one cannot be had."""
        found: dict[str, str] = {}
        for needed in placeholders(giver.operation.path):
            known = next((v for n, v in params.items() if same(n, needed)), None)
            if known is not None:
                found[needed] = known
            elif chosen and prefix(giver.operation.path, needed) == giver.operation.path:
                contract = self._surface.contract(giver)
                unique = hashlib.sha256(f"{self._salt}:{wanted.rng.getrandbits(64)}".encode()).hexdigest()[:12]
                found[needed] = drafting.chosen(contract, giver.operation, needed, unique, wanted.rng)
            else:
                got = await self.get(giver, needed, found, wanted)
                if got is None:
                    return None
                found[needed] = got.value
        for reference in self.graph(giver).references[giver.id]:
            await self._refer(giver, reference.at[-1], reference.sources, wanted)
        return found

    async def _refer(self, giver: Target, name: str, sources: Sequence[Source], wanted: Wanted) -> None:
        """Has a real thing that a body or query must name, unless one is known."""
        if (giver.api, wanted.owner.name if wanted.owner else "", drafting.flat(name)) in self._known:
            return
        for source in sources:
            other = self._surface.by_id.get((giver.api, source.operation))
            if other is None or other.id in wanted.asked:
                continue
            below = replace(wanted, asked=wanted.asked | {other.id})
            params = await self._parents(other, name, {}, below, chosen=False)
            answer = await self._call(other, params, below, "") if params is not None else None
            if answer is None:
                continue
            kind = other.operation.path.rstrip("/").rpartition("/")[2]
            path = f"{other.path}/{{{name}}}"
            value = identifier(answer[0], source, name=name, kind=kind, path=path, params=params or {}, rng=wanted.rng)
            if value is not None:
                if other.writes:
                    self.made.append(
                        Made(
                            giver.api, f"{other.operation.path}/{{{name}}}", {**(params or {}), name: value}, answer[1]
                        )
                    )
                self.remember(giver.api, name, value, wanted.owner)
                return

    # One call --------------------------------------------------------------------------------------------------------

    async def _call(
        self, giver: Target, params: Mapping[str, str], wanted: Wanted, plant: str
    ) -> tuple[Seen, Identity | None, bool] | None:
        """The success of an operation, called by whoever may; None, with a reason, when nobody succeeds."""
        count = 0
        async with aclosing(self.callers(giver, params, wanted)) as callers:
            async for caller in callers:
                count += 1
                seen, planted = await self._attempt(giver, params, caller, wanted, plant)
                if seen is None or seen.status in (404, 405, 501):
                    return None
                if seen.ok:
                    return seen, caller, planted
                if count >= _CALLERS:
                    return None
        if not count:
            wanted.reasons[f"nobody who may call `{giver.id}` can be acted as"] = None
        return None

    async def _attempt(
        self, giver: Target, params: Mapping[str, str], caller: Identity | None, wanted: Wanted, plant: str
    ) -> tuple[Seen | None, bool]:
        """What one caller is answered, with a second try where the request itself was turned down."""
        seen, planted = None, False
        for attempt in range(_TRIES):
            try:
                drafted = self.draft(giver, params, wanted.rng, plant, owner=wanted.owner, generous=attempt > 0)
                call = encode(giver, drafted.draft, caller, purpose=f"sets the scene: {giver.id}")
            except NotReached as error:
                wanted.reasons[str(error)] = None
                return None, False
            seen, planted = await wanted.send(call), drafted.planted
            if not seen.ok:
                who = caller.name if caller else "nobody"
                said = f"status {seen.status}" if seen.status else f"no answer ({seen.error})"
                wanted.reasons[f"`{giver.id}` by `{who}` gave {said}"] = None
            if seen.status not in (400, 409, 422):
                break
        return seen, planted

    async def callers(
        self, giver: Target, params: Mapping[str, str], wanted: Wanted
    ) -> AsyncGenerator[Identity | None, None]:
        """Who may call an operation on these parameters: the owner, those who may use any object, their owners."""
        owner = wanted.owner if wanted.owner and self._fits(giver, params, wanted.owner) else None
        # What cannot be had anew (a key, a certificate) has one allowance for the whole run: others go first where
        # nothing but a role decides who may.
        spared = owner is not None and await self._spare(giver, owner)
        if owner is not None and not spared:
            yield owner
        if wanted.alone and wanted.owner is not None:
            return
        for persona in self._able(giver):
            if wanted.owner is not None and persona.name == wanted.owner.persona:
                continue
            try:
                conditions = bindings(self._surface.owns(giver, persona))
                if not conditions:
                    yield await self._cast.act(persona, send=wanted.send)
                elif all(name in params for name in conditions) and await self._cast.mints(persona):
                    claims = {path: params[name] for name, path in conditions.items()}
                    yield await self._cast.owner(persona, claims, send=wanted.send)
            except NotReached as error:
                wanted.reasons[str(error)] = None
        if owner is not None and spared:
            yield owner
        if self._surface.is_open(giver) is not False:
            yield None

    async def _spare(self, giver: Target, owner: Identity) -> bool:
        persona = self._personas[owner.persona]
        if persona.given or not self._surface.declared_access or self._surface.owns(giver, persona):
            return False
        return not await self._cast.mints(persona)

    def _able(self, giver: Target) -> Iterator[Persona]:
        """Personas that may call it, the plainest first; everybody where nothing says who may."""
        permitted = list(self._surface.permitted(giver))
        if not permitted and not self._surface.declared_access:
            permitted = [p for p in self._surface.personas if self._surface.allows(giver, p) is not False]
        yield from sorted(
            permitted,
            key=lambda p: (bool(self._surface.owns(giver, p)), "token" not in p.ways, len(p.ways), p.given, p.name),
        )

    def _fits(self, giver: Target, params: Mapping[str, str], owner: Identity) -> bool:
        persona = self._personas.get(owner.persona)
        if persona is None or self._surface.allows(giver, persona) is False:
            return False
        return satisfied(bindings(self._surface.owns(giver, persona)), params, self._cast.claims(owner))

    def _may_change(self, giver: Target, params: Mapping[str, str], *, but: str = "") -> bool:
        """Whether everything that the path names was made by this run, where other things must stay as they are."""
        if self._surface.allow_writes:
            return True
        ours = {value for made in self.made for value in made.params.values()}
        return all(value in ours for name, value in params.items() if not same(name, but))

    def _note_item(
        self, target: Target, post: Target, params: Mapping[str, str], seen: Seen, by: Identity | None, wanted: Wanted
    ) -> None:
        """Remembers an item that was put into a collection, under the path of whatever reads it."""
        for other in self._surface.targets:
            path = other.operation.path
            names = placeholders(path)
            if other.api != target.api or not names or path.rpartition("/")[0] != target.operation.path:
                continue
            source = next(
                (s for s in self.graph(other).parameters[other.id, names[-1]] if s.operation == post.id), None
            )
            if source is None:
                continue
            kind = collection(path, names[-1])[1]
            value = identifier(seen, source, name=names[-1], kind=kind, path=other.path, params=params, rng=wanted.rng)
            if value is not None:
                self.made.append(Made(target.api, path, {**params, names[-1]: value}, by))
            return


def _as(name: str, params: Mapping[str, str]) -> str:
    """The spelling of ``name`` among ``params``; a PUT may spell its own parameter in another way."""
    return next((n for n in params if same(n, name)), list(params)[-1])
