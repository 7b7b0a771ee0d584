"""Which fields are the same attribute of the same people, and what each gives away where it is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.declare.model import Data, DataField, Model
from assay.sensitivity import kinds
from assay.sensitivity.levels import is_secret, is_special, level_of, rank, within
from assay.sensitivity.pieces import FieldName, Piece, joined
from assay.sensitivity.steps import Compiled, Rulebook


def folded(name: str) -> str:
    """The last part of a field's name, without what conventions differ in: `birth-date` is `birthDate`."""
    return name.rpartition(".")[2].replace("_", "").replace("-", "").casefold()


def rulebook(model: Model) -> Rulebook:
    """What the labels of a declaration are concluded with."""
    return Rulebook(
        compilations=tuple(
            Compiled(name, rule.when, rank(rule.becomes), rule.association)
            for name, rule in sorted(model.compilations.items())
        ),
        purposes={name: frozenset(data.purpose) for name, data in model.data.items()},
    )


class _Same:
    """Disjoint sets of fields. The smallest name of a set is its attribute's."""

    def __init__(self) -> None:
        self._above: dict[FieldName, FieldName] = {}

    def of(self, name: FieldName) -> FieldName:
        way = []
        while (above := self._above.get(name, name)) != name:
            way.append(name)
            name = above
        for step in way:
            self._above[step] = name
        return name

    def unite(self, one: FieldName, other: FieldName) -> None:
        first, second = sorted((self.of(one), self.of(other)))
        if first != second:
            self._above[second] = first


@dataclass(frozen=True)
class Attributes:
    """The declared fields as attributes. Made by :func:`attributes`.

    Attributes:
        of: from a field to the attribute it is.
        pieces: by data set, what its own fields give away.
    """

    of: Mapping[FieldName, str]
    pieces: Mapping[str, Mapping[str, Piece]]
    by_field: Mapping[FieldName, Piece] = field(default_factory=dict)


def attributes(model: Model) -> Attributes:
    """Every declared field as an attribute of somebody.

    Two fields are the same attribute when they have the same name and category and are about the same people, or when a
    flow brings one to the other under its name. Then their bits count once; all others add up.
    """
    same = _same(model)
    about = {name: people(model, name) for name in model.data}
    targets = _link_targets(model)
    of: dict[FieldName, str] = {}
    by_field: dict[FieldName, Piece] = {}
    pieces: dict[str, Mapping[str, Piece]] = {}
    for name, data in model.data.items():
        carriers = _carriers(model, name, data, targets)
        for key, declared in data.fields.items():
            of[name, key] = attribute = ".".join(same.of((name, key)))
            keys = frozenset({name} if key in carriers else ())
            by_field[name, key] = _piece(attribute, name, key, data, declared, keys, about[name])
        pieces[name] = joined(*({by_field[name, key].attribute: by_field[name, key]} for key in data.fields))
    return Attributes(of, pieces, by_field)


def people(model: Model, data: str) -> int | None:
    """How many people a data set is about: its own ``count``, else the organisation's ``subjects``."""
    count = model.data[data].count
    return model.organisation.subjects if count is None else count


def _same(model: Model) -> _Same:
    same = _Same()
    seen: dict[tuple[str, str, str], FieldName] = {}
    subjects = {name: _subjects(model, name) for name in model.data}
    for name, data in model.data.items():
        for key, declared in data.fields.items():
            if declared.category and within(declared.category, "user"):
                what = (subjects[name], declared.category, folded(key))
                same.unite(seen.setdefault(what, (name, key)), (name, key))
    for flow in model.flows.values():
        target = model.data.get(flow.into or "")
        for name in flow.data if target is not None and flow.into else ():
            for key in model.data[name].fields if name in model.data else ():
                if target is not None and key in target.fields:
                    same.unite((name, key), (str(flow.into), key))
    return same


def _subjects(model: Model, data: str) -> str:
    """Whom a data set is about; where it does not say, whom it links to."""
    seen: set[str] = set()
    waiting = [data]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in model.data:
            continue
        seen.add(name)
        found = model.data[name].subjects
        if found:
            return found
        waiting += [f.links for f in model.data[name].fields.values() if f.links]
    return ""


def _link_targets(model: Model) -> Mapping[str, frozenset[str]]:
    """For each data set that fields link to, the folded names of those fields."""
    found: dict[str, set[str]] = {}
    for data in model.data.values():
        for key, declared in data.fields.items():
            if declared.links:
                found.setdefault(declared.links, set()).add(folded(key))
    return {name: frozenset(keys) for name, keys in found.items()}


def _carriers(model: Model, name: str, data: Data, targets: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The fields of a data set that others link to: those called like the links, or all where none is."""
    if name not in targets:
        return frozenset()
    alike = {key for key, f in data.fields.items() if folded(key) in targets[name] or f.links == name}
    return frozenset(alike or data.fields)


def _piece(
    attribute: str,
    name: str,
    key: str,
    data: Data,
    declared: DataField,
    keys: frozenset[str],
    population: int | None,
) -> Piece:
    category = declared.category or ""
    level = level_of(declared)
    direct = declared.identifies == "direct" or (declared.identifies is None and kinds.is_direct(category))
    bits = declared.bits if declared.bits is not None else kinds.implied_bits(category)
    quasi = not direct and (declared.identifies == "quasi" or bits is not None)
    if declared.links:
        keys |= {declared.links}
    if kinds.is_key(category):
        keys |= {attribute}
    inferred = frozenset({declared.infers} if declared.infers else ())
    own = frozenset({category} if _sensitive(category, declared, direct, level) else ())
    return Piece(
        attribute=attribute,
        level=rank(level),
        category=category,
        direct=direct,
        bits=(bits or 0.0) if quasi else 0.0,
        unmeasured=quasi and bits is None,
        sensitive=own | inferred,
        inferred=inferred,
        keys=keys,
        population=population,
        secret=is_secret(category),
        free_text=declared.free_text or within(category, "user.content"),
        place=kinds.is_place(category),
        points=data.points if kinds.is_place(category) else None,
        guessed=declared.guessed is not None,
        fields=frozenset({(name, key)}),
    )


def _sensitive(category: str, declared: DataField, direct: bool, level: str) -> bool:
    """Whether a field says something sensitive: by the law, by its kind, or because it is marked as restricted though
    it does not say who somebody is."""
    if is_special(category) or kinds.is_sensitive(category):
        return True
    marked = declared.level is not None and rank(declared.level) >= rank("restricted")
    return marked and not direct and bool(category) and not is_secret(category)
