"""The record of processing activities (GDPR Art. 30(1)), from the declaration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from assay.declare.declaration import Declaration
from assay.declare.model import Api, Model
from assay.sensitivity.closure import Closure, closure, stores_behind
from assay.sensitivity.levels import is_special, within
from assay.sensitivity.personal import is_personal, outside, special_categories
from assay.sensitivity.principals import PrincipalReach
from assay.sensitivity.reach import reach

UNNAMED = ""
"""The purpose of data that has none."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody whom personal data is disclosed to (Art. 30(1)(d)). ``forms``: how they see it, as far as masked."""

    kind: str
    name: str
    location: str = ""
    outside: bool = False


@dataclass(frozen=True, slots=True)
class TransferOf:
    """Personal data outside of the organisation's jurisdictions, and why it may be there (Art. 30(1)(e))."""

    system: str
    location: str
    safeguard: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that the record must say and the declaration does not.

    Attributes:
        letter: of Art. 30(1), or the article that asks for it.
        path: where it belongs in the declaration.
    """

    letter: str
    sentence: str
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Activity:
    """One processing activity: everything that is done with personal data for one purpose.

    Attributes:
        purpose: the word in the declaration; empty for data without any.
        controller, contact, representative, dpo: (a).
        statement: (b), in words.
        subjects, categories: (c); ``special`` are those of Art. 9 and 10.
        recipients: (d).
        transfers: (e).
        retention: (f), by data set: seconds, or None when nobody said.
        measures: (g), as declared.
    """

    purpose: str
    controller: str
    contact: str
    representative: str
    dpo: str
    statement: str
    data: tuple[str, ...]
    subjects: tuple[str, ...]
    categories: tuple[str, ...]
    special: tuple[str, ...]
    legal_bases: tuple[str, ...]
    conditions: tuple[str, ...]
    systems: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    transfers: tuple[TransferOf, ...]
    retention: tuple[tuple[str, int | None], ...]
    measures: tuple[str, ...]
    missing: tuple[Missing, ...]


def activities(
    declaration: Declaration, closed: Closure | None = None, reached: Iterable[PrincipalReach] | None = None
) -> tuple[Activity, ...]:
    """The record of processing: an activity for each purpose that personal data is used for, in alphabetical order.

    Data without a purpose is one activity more, with an empty name, so that it is not forgotten.
    """
    closed = closed or closure(declaration)
    reached = tuple(reach(declaration, closed) if reached is None else reached)
    model = declaration.model
    by_purpose: dict[str, dict[str, None]] = {}
    for name, data in model.data.items():
        if is_personal(model, name):
            for purpose in data.purpose or (UNNAMED,):
                by_purpose.setdefault(purpose, {})[name] = None
    for flow in model.flows.values():
        names = [n for n in (*flow.data, flow.into) if n and n in model.data and is_personal(model, n)]
        if flow.purpose and names:
            by_purpose.setdefault(flow.purpose, {}).update(dict.fromkeys(names))
    index = _Index(declaration, closed, reached)
    return tuple(_activity(index, purpose, tuple(by_purpose[purpose])) for purpose in sorted(by_purpose))


class _Index:
    """What activities look up: who holds what, and who can see what."""

    def __init__(self, declaration: Declaration, closed: Closure, reached: Iterable[PrincipalReach]) -> None:
        self.model: Model = declaration.model
        self.holders: dict[str, dict[str, None]] = {}
        for system, data in closed.stored:
            if system in self.model.systems:
                self.holders.setdefault(data, {})[system] = None
        self.readers: dict[str, dict[str, None]] = {}
        for one in reached:
            if one.principal.kind in ("consumer", "anonymous"):
                for thing in one.objects:
                    self.readers.setdefault(thing.data, {})[one.principal.id] = None
        self.serving: dict[str, dict[str, None]] = {}
        for api in self.model.apis:
            for data in closed.answers.data(api):
                self.serving.setdefault(data, {})[api] = None
        self.behind = {api: stores_behind(self.model, api) for api in self.model.apis}


def _activity(index: _Index, purpose: str, names: tuple[str, ...]) -> Activity:
    model, organisation = index.model, index.model.organisation
    sets = {name: model.data[name] for name in names}
    declared = model.purposes.get(purpose)
    systems = tuple(sorted({s for n in names for s in index.holders.get(n, ())}))
    categories = {c for d in sets.values() for f in d.fields.values() for c in (f.category, f.infers) if c}
    personal = tuple(sorted(c for c in categories if within(c, "user")))
    transfers = tuple(
        TransferOf(s, model.systems[s].location or "", *_safeguard(model, s))
        for s in systems
        if outside(model, model.systems[s])
    )
    return Activity(
        purpose=purpose,
        controller=organisation.name,
        contact=organisation.contact or "",
        representative=organisation.representative or "",
        dpo=organisation.dpo or "",
        statement=(declared.statement if declared else None) or purpose,
        data=names,
        subjects=tuple(sorted({d.subjects for d in sets.values() if d.subjects})),
        categories=personal,
        special=tuple(c for c in personal if is_special(c)),
        legal_bases=tuple(sorted({d.legal_basis for d in sets.values() if d.legal_basis})),
        conditions=tuple(sorted({d.condition for d in sets.values() if d.condition})),
        systems=systems,
        recipients=_recipients(index, names, systems),
        transfers=transfers,
        retention=tuple((name, data.retention) for name, data in sets.items()),
        measures=_measures(index, names, systems),
        missing=tuple(_missing(model, purpose, names)),
    )


def _safeguard(model: Model, system: str) -> tuple[str, str]:
    transfer = model.systems[system].transfer
    return (transfer.safeguard, transfer.reference or "") if transfer else ("", "")


def _recipients(index: _Index, names: tuple[str, ...], systems: tuple[str, ...]) -> tuple[Recipient, ...]:
    found: dict[Recipient, None] = {}
    for name in sorted({r for n in names for r in index.readers.get(n, ())}):
        consumer = index.model.consumers.get(name)
        found[Recipient(consumer.kind, name) if consumer else Recipient("anybody", "anybody")] = None
    for name in systems:
        system = index.model.systems[name]
        if system.operator or system.kind in ("saas", "third-party"):
            where = system.location or ""
            found[Recipient("processor", system.operator or name, where, bool(outside(index.model, system)))] = None
    return tuple(found)


def _measures(index: _Index, names: tuple[str, ...], systems: tuple[str, ...]) -> tuple[str, ...]:
    """What the declaration says protects the data: declared, not verified."""
    found: dict[str, None] = {}
    for name in systems:
        at_rest = index.model.systems[name].at_rest
        if at_rest and at_rest.encryption not in ("none", "unknown"):
            found[f"{name}: encrypted at rest by the {at_rest.by} ({at_rest.encryption})"] = None
    for api in sorted({a for n in names for a in index.serving.get(n, ())}):
        found.update(dict.fromkeys(f"API {api}: {m}" for m in _of_api(index.model.apis[api])))
    return tuple(found)


def _of_api(api: Api) -> Iterable[str]:
    if api.upstream.startswith("https:"):
        yield "TLS to the service"
    if api.access:
        yield "access by role"
    if any(rule.owns for rule in api.access):
        yield "customers reach their own records only"
    if api.reveal:
        yield "answers masked by data class and clearance"
    if api.limits.default or api.limits.network:
        yield "limited rates"


def _missing(model: Model, purpose: str, names: tuple[str, ...]) -> Iterable[Missing]:
    if not model.organisation.contact:
        yield Missing("(a)", "nobody says how to reach the controller", ("organisation", "contact"))
    for name in names:
        data = model.data[name]
        if purpose == UNNAMED:
            yield Missing("(b)", f"data set `{name}` has no purpose", ("data", name, "purpose"))
        if not data.subjects:
            yield Missing("(c)", f"data set `{name}` does not say whom it is about", ("data", name, "subjects"))
        if data.retention is None:
            yield Missing("(f)", f"data set `{name}` has no time limit for erasure", ("data", name, "retention"))
        if data.legal_basis is None:
            yield Missing("Art. 6(1)", f"data set `{name}` has no legal basis", ("data", name, "legal_basis"))
        if special_categories(data) and data.condition is None:
            sentence = f"nothing says why the special categories in `{name}` may be processed"
            yield Missing("Art. 9(2)", sentence, ("data", name, "condition"))
    for system in sorted({s for s, d in model.systems.items() if set(d.holds) & set(names)}):
        declared = model.systems[system]
        if outside(model, declared) and declared.transfer is None:
            sentence = f"no safeguard is named for data in `{system}` ({declared.location})"
            yield Missing("(e)", sentence, ("systems", system, "transfer"))
        if not declared.location:
            yield Missing("(e)", f"nobody says where `{system}` is", ("systems", system, "location"))
