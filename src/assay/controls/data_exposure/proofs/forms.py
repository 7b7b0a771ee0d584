"""Each caller sees of classified fields what is declared for it: in clear, in part, or not at all.

The truth about a record is what the caller who may see most of it sees. A value that it sees and another caller must
not see may be nowhere in the other's answer, whatever the property is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from assay.controls._lib.answers import by_hand, real_object, works
from assay.controls._lib.attempts import ready
from assay.controls._lib.inputs import changed, made, places, speaks_json, take
from assay.controls.data_exposure.proofs.planned import case
from assay.controls.data_exposure.responses import Responses
from assay.declare.model import Level
from assay.declare.shapes import ANY, Path
from assay.domain import Severity
from assay.prove.case import Case, Identity, Judged, Lab, NotReached, Run, Seen, broken, held, unclear
from assay.prove.surface import Persona, Surface, Target
from assay.sensitivity.bodies import Labelled, labels
from assay.sensitivity.levels import rank
from assay.sensitivity.reveals import DEFAULT, MOST_REVEALING_FIRST, Reveals, owners

_SHORTEST = 4
_WITNESSES = 3
_TELLING = 6
"""Characters from which on a value is looked for anywhere in an answer, and not only where its field stands."""


@dataclass(frozen=True)
class Promise:
    """What is declared about the classified fields in an operation's answers."""

    target: Target
    fields: tuple[Labelled, ...]
    reveals: Reveals
    own: tuple[str, ...]

    def form(self, item: Labelled, persona: Persona) -> str:
        """The form in which a persona is to see a field."""
        if item.absent:
            return "drop"
        forms = dict.fromkeys(self.own, "clear") | self.reveals.forms(item.label.category)
        given = [forms[role] for role in persona.roles if role in forms]
        form = min(given, key=MOST_REVEALING_FIRST.index, default=DEFAULT)
        if persona.consumer is None:
            return form  # a clearance belongs to a consumer; of others nothing is declared but their roles
        clearance: Level = persona.clearance  # type: ignore[assignment]
        return DEFAULT if form == "clear" and rank(clearance) < rank(item.label.level) else form

    def hidden(self, persona: Persona) -> tuple[Labelled, ...]:
        """The fields that a persona is not to see in clear."""
        return tuple(i for i in self.fields if self.form(i, persona) != "clear")


def plan(surface: Surface, targets: tuple[Target, ...]) -> Iterator[Case]:
    """Every reading operation with classified data, as each persona that may call it; writing ones as the one who sees
    least."""
    for target in targets:
        promise = promised(surface, target)
        if promise is None:
            continue
        personas = surface.permitted(target)
        if target.writes:
            blind = sorted((p for p in personas if promise.hidden(p)), key=lambda p: (len(p.ways), p.name))
            if blind and target.operation.body and target.operation.method.upper() != "DELETE":
                run = _answered(promise, blind[0])
                yield case(target, "field-shown-in-clear", run, blind[0].name, requests=2)
            continue
        for persona in personas:
            truths = _truths(surface, promise, persona)
            run = _shown(promise, persona, truths)
            yield case(target, "field-shown-in-clear", run, persona.name, requests=3)


def promised(surface: Surface, target: Target) -> Promise | None:
    """What is declared about an operation's answers; None: they carry nothing classified."""
    known = labels(surface.declaration, target.api)
    if not surface.declared_access or not known.data:
        return None
    carried = Responses(surface.contract(target), known).carried(target.operation)
    if not carried.fields:
        return None
    api = surface.api(target)
    own = owners(surface.declaration, api, target.id, target.rules)
    return Promise(target, carried.fields, Reveals(api), own)


def _truths(surface: Surface, promise: Promise, persona: Persona) -> tuple[Persona, ...]:
    """Those who see more of the fields than a persona, and may look at the same object; who sees most first."""
    hidden = promise.hidden(persona)

    def shown(other: Persona) -> int:
        return sum(promise.form(i, other) == "clear" for i in hidden)

    able = [
        p
        for p in surface.permitted(promise.target)
        if p.name != persona.name and shown(p) and not surface.owns(promise.target, p)
    ]
    return tuple(sorted(able, key=lambda p: (-shown(p), not p.given, len(p.ways), p.name)))[:_WITNESSES]


async def _witness(lab: Lab, truths: tuple[Persona, ...]) -> Identity | None:
    """The first of them who can be had; None: nobody."""
    for persona in truths:
        with suppress(NotReached):
            return await lab.act(persona)
    return None


def _shown(promise: Promise, persona: Persona, truths: tuple[Persona, ...]) -> Run:
    hidden = promise.hidden(persona)
    target = promise.target

    async def run(lab: Lab) -> Judged:
        thing, who = await real_object(lab, target, persona)
        draft = lab.draft(target, thing)
        seen = await works(lab, lab.request(target, draft, who, purpose=f"as `{persona.name}`"))
        body = seen.json()
        masked = [i for i in promise.fields if i not in hidden and _masked(at(body, i.path))]
        if masked and not hidden:
            return broken(f"{_named(masked)} is masked, although it is revealed", seen, severity=Severity.LOW)
        if not hidden:
            visible = [i for i in promise.fields if at(body, i.path)]
            if not visible:
                return unclear("the answer held no value of a classified field", seen)
            return held(f"{_named(visible)} is seen in clear, as declared", seen)
        other = await _witness(lab, truths)
        if other is None:
            return _alone(hidden, body, seen, promise, persona)
        if by_hand(target) and thing is None:
            return unclear("no object is known that both may look at")
        full = await works(lab, lab.request(target, draft, other, purpose=f"as `{other.persona}`, who sees more"))
        return compared(promise, persona, hidden, seen, full)

    return run


def compared(promise: Promise, persona: Persona, hidden: tuple[Labelled, ...], seen: Seen, full: Seen) -> Judged:
    """What an answer says beside the answer of somebody who may see more."""
    whole, body, text = full.json(), seen.json(), seen.text + str(dict(seen.headers))
    open_paths = [i.path for i in promise.fields if i not in hidden]
    allowed = {v for path in open_paths for v in at(whole, path)} | _unlabelled(whole, promise.fields)
    leaked: list[Labelled] = []
    known: list[Labelled] = []
    for item in hidden:
        values = [v for v in at(whole, item.path) if len(v) >= _SHORTEST and "***" not in v and v not in allowed]
        if not values:
            continue
        known.append(item)
        here = set(at(body, item.path))
        if here.intersection(values) or any(len(v) >= _TELLING and v in text for v in values):
            leaked.append(item)
    facts: dict[str, Any] = {"hidden": [i.label.name for i in known], "leaked": [i.label.name for i in leaked]}
    if leaked:
        return broken(f"`{persona.name}` sees {_named(leaked)} in clear", seen, **facts)
    if not known:
        return unclear(f"no value is known of what `{persona.name}` must not see", seen, **facts)
    words = ", ".join(f"`{'.'.join(i.path)}` as `{promise.form(i, persona)}`" for i in known[:4])
    return held(f"none of {len(known)} hidden values was in the answer ({words})", seen, **facts)


def _alone(hidden: tuple[Labelled, ...], body: Any, seen: Seen, promise: Promise, persona: Persona) -> Judged:
    """Without anybody who sees more: every value must look like its form."""
    plain = [i for i in hidden if any("*" not in v for v in at(body, i.path)) and promise.form(i, persona) in _STARRED]
    if plain:
        return broken(f"`{persona.name}` sees {_named(plain)} without a mask", seen)
    return unclear(f"nobody is known who sees {_named(list(hidden))} in clear, so it cannot be compared", seen)


_STARRED = frozenset({"fixed", "last4", "email"})


def _answered(promise: Promise, persona: Persona) -> Run:
    """For writing operations: what was just written does not come back to who must not see it."""
    target, hidden = promise.target, promise.hidden(persona)

    async def run(lab: Lab) -> Judged:
        able = await ready(lab, target, persona, own=True)
        if not speaks_json(able.draft):
            return unclear("the contract's example of this body is no JSON object")
        found = {p.path: p for p in places(lab.surface.contract(target), target) if p.kind == "body"}
        draft = able.draft
        for item in hidden:
            place = found.get(item.path)
            if place is not None and take(draft.body, item.path) is None:
                value = made(place, lab.random)
                draft = changed(draft, place, value) if value is not None else draft
        written = {i: take(draft.body, i.path) for i in hidden}
        seen = await works(lab, able.call(lab, draft, f"written as `{persona.name}`"))
        values = {i: str(v) for i, v in written.items() if isinstance(v, str) and len(v) >= _TELLING}
        if not values:
            return unclear("the request wrote no field that its caller must not see", seen)
        leaked = [i for i, v in values.items() if v in seen.text]
        if leaked:
            return broken(f"the answer shows `{persona.name}` {_named(leaked)} in clear", seen)
        return held(f"the answer shows {_named(list(values))} in no readable form", seen)

    return run


def at(value: Any, path: Path) -> list[str]:
    """The texts and numbers at a path of a JSON value; ``*`` stands for every item or member."""
    if not path:
        return [str(value)] if isinstance(value, str | int | float) and not isinstance(value, bool) else []
    inner: list[Any] = []
    if isinstance(value, list):
        inner = value if path[0] == ANY else []
    elif isinstance(value, dict):
        inner = list(value.values()) if path[0] == ANY else [value[path[0]]] if path[0] in value else []
    return [found for one in inner for found in at(one, path[1:])]


def _unlabelled(value: Any, fields: tuple[Labelled, ...]) -> set[str]:
    """Values outside every classified field: whoever sees the answer sees them."""
    classified = {i.path for i in fields}
    found: set[str] = set()
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, one = waiting.pop()
        if path in classified:
            continue
        if isinstance(one, dict):
            waiting.extend(((*path, k), v) for k, v in one.items())
        elif isinstance(one, list):
            waiting.extend(((*path, ANY), v) for v in one)
        elif isinstance(one, str):
            found.add(one)
    return found


def _masked(values: list[str]) -> bool:
    return bool(values) and all("***" in v for v in values)


def _named(items: list[Labelled]) -> str:
    return ", ".join(f"`{'.'.join(i.path)}`" for i in items[:5])
