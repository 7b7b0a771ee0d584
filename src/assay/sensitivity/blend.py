"""What somebody can put together from everything they reach (rule E3), and the smallest change that prevents it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from assay.sensitivity.label import Label
from assay.sensitivity.levels import rank
from assay.sensitivity.pieces import Pieces, inner
from assay.sensitivity.principals import Principal, PrincipalReach, Reached
from assay.sensitivity.steps import Rulebook, Step


@dataclass(frozen=True)
class Blend:
    """Objects that a principal can join, because they share a key, and what they say together.

    Attributes:
        objects: what is joined; one object alone is a blend too.
        on: the keys by which they are joined.
    """

    principal: Principal
    objects: tuple[Reached, ...]
    on: tuple[str, ...]
    observed: bool = False
    _rules: Rulebook = field(kw_only=True, compare=False, repr=False)
    _certain: _Certain = field(kw_only=True, compare=False, repr=False)

    @cached_property
    def claimed(self) -> Label:
        """The label of all of it; its ``steps`` say how it was concluded."""
        return Label(together(self.objects), self._rules)

    @cached_property
    def verified(self) -> Label:
        """Its label if only what was verified is counted; more may hang together then."""
        return Label(together(self._certain.around(self.objects[0]), verified=True), self._rules)

    @property
    def steps(self) -> tuple[Step, ...]:
        """How the claimed label was concluded, the join first."""
        if len(self.objects) < 2:
            return self.claimed.steps
        names = " and ".join(f"{o.data} ({o.place})" for o in self.objects)
        join = Step("E3", f"{names} can be joined by {', '.join(self.on)}", self.claimed.steps[0].level, self.on)
        return (join, *self.claimed.steps)

    @property
    def above(self) -> bool:
        """Whether the claimed label is above the principal's clearance."""
        return exceeds(self.claimed, self.principal)

    @property
    def verified_above(self) -> bool:
        """Whether the verified label is."""
        return exceeds(self.verified, self.principal)


class _Certain:
    """What a principal reaches, joined by keys that are verified: worked out for those who ask."""

    def __init__(self, objects: tuple[Reached, ...]) -> None:
        self._objects = objects

    def around(self, one: Reached) -> tuple[Reached, ...]:
        """The objects that hang together with one."""
        return self._groups[id(one)]

    @cached_property
    def _groups(self) -> Mapping[int, tuple[Reached, ...]]:
        return {id(one): group for group in groups(self._objects, verified=True) for one in group}


def exceeds(label: Label, principal: Principal) -> bool:
    """Whether a label is above the clearance of a principal that has one."""
    return principal.clearance is not None and label.rank > rank(principal.clearance)


def blend(reached: PrincipalReach, rules: Rulebook) -> tuple[Blend, ...]:
    """Everything that a principal reaches, joined as far as keys allow; the most sensitive first.

    Objects that share no key stay apart: nobody can tell which records of them belong together.
    """
    certain = _Certain(reached.objects)
    who, observed = reached.principal, reached.observed
    blends = [
        Blend(who, group, shared(group), observed, _rules=rules, _certain=certain) for group in groups(reached.objects)
    ]
    return tuple(sorted(blends, key=_most_sensitive_first) if len(blends) > 1 else blends)


def _most_sensitive_first(found: Blend) -> tuple[int, int, tuple[str, ...]]:
    return -found.claimed.rank, -found.verified.rank, tuple(f"{o.place} {o.data}" for o in found.objects)


def groups(objects: Iterable[Reached], *, verified: bool = False) -> tuple[tuple[Reached, ...], ...]:
    """Objects that hang together by shared keys, directly or through others.

    ``verified``: a token that was not verified joins like what it was made of.
    """
    found: list[list[Reached]] = []
    by_key: dict[str, list[Reached]] = {}
    for one in objects:
        touching: dict[int, list[Reached]] = {}
        keys = one.certain_keys if verified else one.keys
        for key in keys:
            if key in by_key:
                touching[id(by_key[key])] = by_key[key]
        whole = [one]
        for group in sorted(touching.values(), key=len, reverse=True):
            if whole == [one]:
                group.append(one)
                whole = group
            else:
                whole += group
                found = [g for g in found if g is not group]
                for other in group:
                    by_key.update(dict.fromkeys(other.certain_keys if verified else other.keys, whole))
        if whole == [one]:
            found.append(whole)
        by_key.update(dict.fromkeys(keys, whole))
    return tuple(tuple(sorted(group, key=_place)) for group in found)


def _place(one: Reached) -> tuple[str, str]:
    return one.data, one.place


def together(objects: Iterable[Reached], *, verified: bool = False) -> Pieces:
    """Everything in some objects, joined: what the people found in all of them give away."""
    parts = [o.verified if verified else o.claimed for o in objects]
    return inner(parts) if len(parts) > 1 else (parts[0] if parts else {})


def shared(objects: Iterable[Reached]) -> tuple[str, ...]:
    """The keys that more than one object has."""
    count: dict[str, int] = {}
    for one in objects:
        for key in one.keys:
            count[key] = count.get(key, 0) + 1
    return tuple(sorted(key for key, n in count.items() if n > 1))
