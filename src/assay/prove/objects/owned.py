"""Real objects with owners: made or found, shared between cases that only read, removed at the end."""

from __future__ import annotations

import asyncio
import hashlib
import random as randomness
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace

from assay.declare.contract import placeholders
from assay.prove.case import Call, Draft, Identity, NotReached, Seen, Thing
from assay.prove.identities import Cast
from assay.prove.objects.cleaning import clean_up
from assay.prove.objects.drafting import chosen, flat
from assay.prove.objects.encoding import encode
from assay.prove.objects.graph import prefix, template
from assay.prove.objects.making import Got, Made, Maker, Wanted
from assay.prove.objects.noticing import Nameless, Noticing
from assay.prove.objects.ownership import Claim, bindings, claim, given_values
from assay.prove.objects.sharing import Parent, Place, Shared, is_free, lists, use_of
from assay.prove.seams import Send
from assay.prove.surface import Persona, Surface, Target

Key = tuple[str, str, str]


class Objects:
    """See :class:`assay.prove.seams.Objects`.

    Args:
        surface: what is tested.
        cast: who can be acted as.
        owns: existing objects of identities that were given by hand, by persona: parameter to identifiers.
        salt: what makes unique values of this run differ from another's; empty: chosen at random.
    """

    def __init__(
        self,
        surface: Surface,
        cast: Cast,
        *,
        owns: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
        salt: str = "",
    ) -> None:
        self._surface, self._cast, self._owns = surface, cast, owns or {}
        self._maker = Maker(surface, cast, salt=salt or secrets.token_hex(8))
        self._shared: dict[Key, list[Shared]] = {}
        self._locks: dict[Place, asyncio.Lock] = {}
        self._above: dict[Place, Parent] = {}
        self._markers: dict[str, int] = {}
        self._sought: set[tuple[str, str, str]] = set()
        self._noticing = Noticing(surface, self._maker)
        self._nameless: list[Nameless] = []

    async def owned(
        self,
        target: Target,
        persona: Persona,
        send: Send,
        *,
        other_than: Sequence[Identity] = (),
        fresh: bool = False,
        nonce: str = "",
        random: randomness.Random,
    ) -> Thing:
        """See the protocol.

        With a fresh object its owner is fresh too, where such an identity can be made. For an operation without path
        parameters there is no object: the thing only has an owner. Only what was ``made`` certainly belongs to its
        owner; what was found is real, and who else may use it is for the case to find out. Every object has a marker of
        its own, made from ``nonce``: what ``Thing.nonce`` says.
        """
        listing = lists(target)
        use = use_of(target, listing=listing)
        changes = use.startswith("change ")
        free = not changes and not fresh and not other_than and is_free(self._surface, target, persona)
        key = (target.api, use, "" if free else persona.name)
        async with self._locks.setdefault(key, asyncio.Lock()):
            if not fresh:
                for shared in self._shared.get(key, ()):
                    if shared.usable(other_than):
                        shared.uses += 1
                        owner = await self._cast.act(persona, send=send) if free else shared.thing.owner
                        thing = replace(shared.thing, owner=owner)
                        await self._refer(target, persona, thing, send, random)
                        return thing
            wanted = Wanted(send, random, alone=not self._surface.declared_access)
            mark = self._marker(nonce)
            thing = await self._obtain(target, persona, wanted, other_than, fresh, mark, listing=listing)
            await self._refer(target, persona, thing, send, random)
            if not fresh and target.operation.method != "DELETE":
                self._shared.setdefault(key, []).append(Shared(thing, free, uses=1))
            return thing

    def lacks(self, target: Target) -> bool:
        """See the protocol."""
        known = self._maker.known(target.api)
        return any(flat(r.at[-1]) not in known for r in self._maker.graph(target).references[target.id])

    async def refer(self, target: Target, persona: Persona, send: Send, *, random: randomness.Random) -> None:
        """See the protocol."""
        async with self._locks.setdefault((target.api, "refer", target.id), asyncio.Lock()):
            sought = (target.api, target.id, persona.name)
            if self.lacks(target) and sought not in self._sought:
                self._sought.add(sought)
                owner = await self._cast.act(persona, send=send)
                await self._refer(target, persona, Thing({}, owner), send, random)

    def _marker(self, nonce: str) -> str:
        """A marker that is in no other object: one case may ask for objects of several owners."""
        count = self._markers[nonce] = self._markers.get(nonce, 0) + 1
        if not nonce or count == 1:
            return nonce
        return hashlib.sha256(f"{nonce}:{count}".encode()).hexdigest()[:16]

    def draft(self, target: Target, thing: Thing | None, *, plant: str = "", random: randomness.Random) -> Draft:
        """See the protocol."""
        owner = thing.owner if thing else None
        return self._maker.draft(target, thing.params if thing else {}, random, plant, owner=owner).draft

    def encode(
        self,
        target: Target,
        draft: Draft,
        who: Identity | None,
        *,
        purpose: str,
        headers: Sequence[tuple[str, str]] = (),
        source: str | None = None,
    ) -> Call:
        """See the protocol."""
        return encode(target, draft, who, purpose=purpose, headers=headers, source=source)

    def retire(self, identity: Identity) -> None:
        """See the protocol."""
        for several in self._shared.values():
            for shared in several:
                if shared.thing.owner.name == identity.name and not shared.free:
                    shared.retired = True
        for place, parent in list(self._above.items()):
            if parent.owner is not None and parent.owner.name == identity.name:
                del self._above[place]

    async def reset(self) -> None:
        """See the protocol."""
        self._shared.clear()
        self._above.clear()
        self._sought.clear()

    async def clean_up(self, send: Send) -> tuple[str, ...]:
        """See the protocol. A second call has nothing left to do."""
        made, self._maker.made = self._maker.made, []
        nameless, self._nameless = self._nameless, []
        return await clean_up(self._surface, self._maker, made, send, nameless=nameless)

    def noticed(self, call: Call, seen: Seen, api: str) -> None:
        """See the protocol."""
        found = self._noticing.read(call, seen, api)
        if isinstance(found, Made):
            self._maker.made.append(found)
        elif found is not None:
            self._nameless.append(found)

    @property
    def pending(self) -> int:
        """See the protocol."""
        return len(self._maker.made)

    # Inside ----------------------------------------------------------------------------------------------------------

    async def _obtain(
        self,
        target: Target,
        persona: Persona,
        wanted: Wanted,
        other_than: Sequence[Identity],
        fresh: bool,
        nonce: str,
        *,
        listing: bool,
    ) -> Thing:
        names = placeholders(target.operation.path)
        bound = {n: c for n, c in bindings(self._surface.owns(target, persona)).items() if n in names}
        mints = await self._cast.mints(persona)
        if other_than and not mints and any(i.persona == persona.name for i in other_than):
            raise NotReached(f"only one identity of `{persona.name}` is known: name another under `prove.identities`")
        apart = fresh or bool(other_than)
        if not (bound and mints):
            wanted.owner = await self._cast.act(persona, fresh=apart and mints, send=wanted.send)
        params: dict[str, str] = {}
        claims: dict[Claim, str] = {}
        last: Got | None = None
        for name in names:
            final = name == names[-1] and not listing
            # One that stands above is made once: cases that begin at the same time wait for it.
            above = self._place_above(target, name, persona, params, bound, apart=apart)
            may = mints and not other_than and above is not None
            async with self._locks.setdefault(above, asyncio.Lock()) if may and above else nullcontext():
                parent = self._above.get(above) if may and above else None
                if parent is not None and parent.usable:
                    parent.uses += 1
                    last, wanted.owner = parent.got, parent.owner or wanted.owner
                    params[name] = last.value
                    continue
                last = await self._value(
                    target, name, params, persona, bound.get(name), wanted, nonce if final else "", other_than
                )
                params[name] = last.value
                if wanted.owner is not None:
                    self._maker.remember(target.api, name, last.value, wanted.owner)
                if name in bound and mints:
                    claims[bound[name]] = last.value
                    wanted.owner = await self._cast.owner(persona, claims, disposable=apart, send=wanted.send)
                    for known, value in params.items():
                        self._maker.remember(target.api, known, value, wanted.owner)
                if may and above and last.made:
                    self._above[above] = Parent(last, wanted.owner if bound else None)
        owner = wanted.owner
        if owner is None:
            owner = await self._cast.act(persona, fresh=apart, send=wanted.send)
        if last is None:
            return Thing({}, owner)
        planted = bool(nonce) and last.planted
        if listing:
            planted = bool(nonce) and await self._maker.item(target, params, wanted, nonce)
        elif not last.made:
            await self._must_exist(target, params, owner, wanted)
        return Thing(params, owner, nonce if planted else "", last.made)

    def _place_above(
        self,
        target: Target,
        name: str,
        persona: Persona,
        params: Mapping[str, str],
        bound: Mapping[str, Claim],
        *,
        apart: bool,
    ) -> Place | None:
        """Under what an object above the wanted one is kept, to be had again; None: it must be one of its own.

        What is below is new all the same. What is changed or removed itself is the last one of a path, and never taken
        from here; of a collection that is listed, what is below is the item. Whoever may use any object needs no new
        one above each that is made. Somebody who is bound to it is had again together with it, unless the case wants
        somebody for itself.
        """
        if name == placeholders(target.operation.path)[-1] and not lists(target):
            return None
        place = (target.api, target.base + prefix(target.operation.path, name), *params.values())
        if not self._surface.owns(target, persona):
            return (*place, "" if is_free(self._surface, target, persona) else persona.name)
        return None if apart or set(bound) != {name} else (*place, persona.name)

    async def _refer(
        self, target: Target, persona: Persona, thing: Thing, send: Send, random: randomness.Random
    ) -> None:
        """Has what a draft for this thing must name beside the path."""
        alone = persona.given or not self._surface.declared_access
        wanted = Wanted(send, random, owner=thing.owner, alone=alone)
        await self._maker.refer(target, wanted, self._owns.get(persona.name, {}))

    async def _value(
        self,
        target: Target,
        name: str,
        params: Mapping[str, str],
        persona: Persona,
        bound: Claim | None,
        wanted: Wanted,
        plant: str,
        other_than: Sequence[Identity] = (),
    ) -> Got:
        """A real value for one parameter.

        Raises:
            NotReached: with everything that was tried.
        """
        said = self._said(persona, bound, wanted.owner)
        if said is not None:
            return Got(said)
        known = given_values(self._owns.get(persona.name, {}), name)
        if bound is not None and wanted.owner is not None and not await self._cast.mints(persona):
            if known:
                return Got(known[0])
            raise NotReached(
                f"`{persona.name}` owns what has `{name}` = its `{'.'.join(bound)}`, and its credential does not say"
                f" which: set `owns: {{{name}: [ID]}}` for it under `prove.identities`"
            )
        choices = self._choices(target, name)
        if choices:
            return Got(choices[0])
        # What a person makes is theirs for certain, and holds the marker; what is said to be theirs comes next.
        alone = wanted.alone or persona.given
        got = await self._maker.get(target, name, params, replace(wanted, alone=alone), plant=plant, making=bool(known))
        if got is None and known:
            return Got(known[0])
        if got is None and alone and not wanted.alone:
            got = await self._maker.get(target, name, params, wanted, plant=plant)
        if got is not None:
            return got
        if bound is not None and await self._cast.mints(persona):
            taken = {i.tenant if bound == ("tenant",) else i.subject for i in other_than}
            for value in self._declared(target, bound):
                if value not in taken:
                    return Got(value)
            if not self._maker.graph(target).parameters[target.id, name]:
                # Nothing makes such a thing: it is there for whoever has the claim.
                unique = secrets.token_hex(6)
                return Got(chosen(self._surface.contract(target), target.operation, name, unique, wanted.rng))
        raise NotReached(f"no real `{name}` for `{target.id}` could be had: {wanted.why()}")

    def _said(self, persona: Persona, bound: Claim | None, owner: Identity | None) -> str | None:
        """The value that an identity's claim gives a parameter that is bound to it."""
        if bound is None or owner is None:
            return None
        said = claim(self._cast.claims(owner), bound)
        if said is None and bound == ("sub",):
            return owner.subject
        if said is None and bound == ("tenant",):
            return owner.tenant
        return said

    def _declared(self, target: Target, bound: Claim) -> Iterator[str]:
        """Values of a claim that declared test users have."""
        issuer = self._surface.declaration.issuer(self._surface.api(target))
        for user in issuer.users.values() if issuer else ():
            value = user.subject if bound == ("sub",) else user.tenant if bound == ("tenant",) else None
            if value:
                yield value

    def _choices(self, target: Target, name: str) -> list[str]:
        """The words that a parameter chooses from, where it names no object."""
        contract = self._surface.contract(target)
        for parameter in target.operation.parameters:
            if parameter.location == "path" and parameter.name == name:
                schema = contract.json_schema(parameter.schema, direction="request", closed=True)
                words = schema.get("enum")
                return [str(w) for w in words if isinstance(w, str | int)] if isinstance(words, list) else []
        return []

    async def _must_exist(self, target: Target, params: Mapping[str, str], owner: Identity, wanted: Wanted) -> None:
        """Looks whether an object that was not made here is there, where it can be read.

        Raises:
            NotReached: it is not.
        """
        here = template(prefix(target.operation.path, list(params)[-1]))
        reading = next(
            (
                t
                for t in self._surface.targets
                if t.api == target.api and t.operation.method == "GET" and template(t.operation.path) == here
            ),
            None,
        )
        if reading is None:
            return
        names = placeholders(reading.operation.path)
        values = dict(zip(names, params.values(), strict=False))
        if len(values) != len(names):
            return
        drafted = self._maker.draft(reading, values, wanted.rng, "")
        call = encode(reading, drafted.draft, owner, purpose="is the object there?")
        seen = await wanted.send(call)
        if seen.status in (404, 410):
            shown = ", ".join(f"{n} `{v}`" for n, v in params.items())
            raise NotReached(f"there is no object with {shown} ({wanted.why()})")
