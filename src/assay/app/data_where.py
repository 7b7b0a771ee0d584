"""Where a category of data is, who can see it, and in which form."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from assay.declare.categories import categories
from assay.declare.declaration import Declaration
from assay.domain import Location, UsageError, did_you_mean
from assay.sensitivity.closure import Closure
from assay.sensitivity.levels import level_of, rank, within
from assay.sensitivity.pieces import FieldName, Piece, Pieces
from assay.sensitivity.principals import PrincipalReach
from assay.sensitivity.sealed import is_sealed, sealing


@dataclass(frozen=True, slots=True)
class Declared:
    """A field of the category. ``how``: it is one, or lets conclude one (``inferred``)."""

    data: str
    name: str
    category: str
    level: str
    how: str
    at: Location


@dataclass(frozen=True, slots=True)
class Kept:
    """A system that holds some of it.

    Attributes:
        state: ``there``; or ``claimed gone``: by what is declared nothing of it arrives, and no proof has seen that.
        form: how it lies there, in words.
        via: the flows it came through.
    """

    system: str
    data: str
    field: str
    state: str
    form: str
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Carried:
    """A flow that takes some of it along, and what is done to it on the way."""

    flow: str
    field: str
    transform: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """Somebody who can see some of it. ``form`` is `clear` or how it is masked."""

    principal: str
    place: str
    field: str
    form: str
    by: tuple[str, ...]
    clearance: str | None = None
    cleared: bool = True


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The answer."""

    category: str
    title: str
    fields: tuple[Declared, ...] = ()
    kept: tuple[Kept, ...] = ()
    carried: tuple[Carried, ...] = ()
    seen: tuple[Seen, ...] = ()
    answered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """The published shape (version 1)."""
        return {
            "category": self.category,
            "title": self.title,
            "fields": [
                {
                    "data": f.data,
                    "field": f.name,
                    "category": f.category,
                    "level": f.level,
                    "how": f.how,
                    "location": {"file": f.at.file, "line": f.at.line, "column": f.at.column},
                }
                for f in self.fields
            ],
            "stored": [
                {
                    "system": k.system,
                    "data": k.data,
                    "field": k.field,
                    "state": k.state,
                    "form": k.form,
                    "via": list(k.via),
                }
                for k in self.kept
            ],
            "flows": [
                {"flow": c.flow, "field": c.field, "transform": c.transform, "verified": c.verified}
                for c in self.carried
            ],
            "operations": {api: list(names) for api, names in self.answered.items()},
            "seen_by": [
                {
                    "principal": s.principal,
                    "place": s.place,
                    "field": s.field,
                    "form": s.form,
                    "by": list(s.by),
                    "clearance": s.clearance,
                    "cleared": s.cleared,
                }
                for s in self.seen
            ],
        }


def whereabouts(
    declaration: Declaration, closure: Closure, reached: Iterable[PrincipalReach], category: str
) -> Whereabouts:
    """Everything about one category, and about what lies below it.

    Raises:
        UsageError: the taxonomy has no such category.
    """
    known = categories()
    if category not in known:
        ending = [name for name in known if name.rpartition(".")[2] == category]
        fix = did_you_mean(category, ending or known, what="category")
        raise UsageError(f"there is no data category `{category}`", fix=fix)
    model = declaration.model
    declared: dict[FieldName, Declared] = {}
    for data, one in model.data.items():
        for name, item in one.fields.items():
            own = within(item.category or "", category)
            if own or within(item.infers or "", category):
                how = "is" if own else "lets conclude"
                shown = (item.category if own else item.infers) or ""
                place = declaration.locate("data", data, "fields", name)
                declared[data, name] = Declared(data, name, shown, level_of(item), how, place)
    wanted = {closure.attributes.by_field[name].attribute for name in declared}
    return Whereabouts(
        category,
        known[category],
        tuple(declared.values()),
        tuple(_kept(declaration, closure, wanted)),
        tuple(_carried(declaration, closure, wanted)),
        tuple(_seen(reached, wanted, declared)),
        _answered(closure, wanted),
    )


def _kept(declaration: Declaration, closure: Closure, wanted: set[str]) -> Iterable[Kept]:
    encrypting = sealing(declaration.model)
    for (system, data), labels in sorted(closure.stored.items()):
        for attribute in sorted(wanted & labels.verified.pieces.keys() | wanted & labels.claimed.pieces.keys()):
            sure, said = labels.verified.pieces.get(attribute), labels.claimed.pieces.get(attribute)
            piece = said or sure
            if piece is None or system not in declaration.model.systems:
                continue
            state = "there" if said is not None else "claimed gone"
            form = _lying(declaration, system, encrypting, piece) + _changed(piece)
            yield Kept(system, data, piece.name, state, form, tuple(sorted(piece.via)))


def _lying(declaration: Declaration, system: str, encrypting: Collection[str], piece: Piece) -> str:
    rest = declaration.model.systems[system].at_rest
    if rest is None or rest.encryption == "unknown":
        return "nobody says whether it is encrypted"
    if rest.encryption == "none":
        return "clear"
    if rest.by == "disk":
        return "clear on an encrypted disk"
    if rest.by == "store":
        return "encrypted by the store"
    fields = [declaration.model.data[data].fields[name] for data, name in piece.fields]
    # What a flow brings did not come through the gateway.
    if system in encrypting and not piece.via and all(is_sealed(f) for f in fields):
        return "encrypted by the gateway"
    return "clear"


def _changed(piece: Piece) -> str:
    return "".join(f", {a.text}{'' if a.verified else ' (claimed)'}" for a in sorted(piece.applied, key=str))


def _carried(declaration: Declaration, closure: Closure, wanted: set[str]) -> Iterable[Carried]:
    for name, labels in closure.carried.items():
        for attribute in sorted(wanted & (labels.verified.pieces.keys() | labels.claimed.pieces.keys())):
            piece = labels.verified.pieces.get(attribute) or labels.claimed.pieces[attribute]
            own = [a for a in piece.applied if a.flow == name]
            said = ", ".join(sorted(a.text for a in own)) or "as it is"
            yield Carried(name, piece.name, said, bool(own) and all(a.verified for a in own))


def _seen(
    reached: Iterable[PrincipalReach], wanted: set[str], declared: Mapping[FieldName, Declared]
) -> Iterable[Seen]:
    for one in reached:
        for found in one.objects:
            for piece in _of(found.claimed, found.verified, wanted):
                names = [name for data, name in sorted(piece.fields) if name in found.forms and data == found.data]
                form = found.forms[names[0]] if names else "clear"
                if piece.attribute not in found.claimed:
                    form = "claimed gone"
                grants = tuple(dict.fromkeys(g.text for g in found.grants))
                level = max((declared[f].level for f in piece.fields if f in declared), key=_rank, default="internal")
                clearance = one.principal.clearance
                cleared = form != "clear" or clearance is None or _rank(level) <= _rank(clearance)
                yield Seen(one.principal.name, found.place, piece.name, form, grants, clearance, cleared)
            for key, form in found.forms.items():
                if (found.data, key) in declared and form in ("drop", "fixed", "encrypt"):
                    grants = tuple(dict.fromkeys(g.text for g in found.grants))
                    field_name = f"{found.data}.{key}"
                    yield Seen(one.principal.name, found.place, field_name, form, grants, one.principal.clearance)


def _of(claimed: Pieces, verified: Pieces, wanted: set[str]) -> Iterable[Piece]:
    for attribute in sorted(wanted & (claimed.keys() | verified.keys())):
        yield claimed.get(attribute) or verified[attribute]


def _answered(closure: Closure, wanted: set[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for (api, operation), labels in closure.operations.items():
        if not wanted.isdisjoint(labels.claimed.pieces):
            found.setdefault(api, []).append(operation)
    return {api: tuple(names) for api, names in found.items()}


def _rank(level: str) -> int:
    return rank(level)  # type: ignore[arg-type]
