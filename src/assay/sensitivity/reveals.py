"""Who sees which class of data, and in which form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from assay.declare.declaration import Declaration
from assay.declare.model import Api
from assay.declare.observe import observes
from assay.declare.rules import Numbered
from assay.sensitivity.levels import within

MOST_REVEALING_FIRST = ("clear", "generalise", "email", "last4", "token", "hash", "fixed", "encrypt", "drop")
DEFAULT = "fixed"
"""What everybody sees to whom nothing is revealed."""


@dataclass(frozen=True, slots=True)
class Given:
    """A form that an entry of ``reveal`` gives a role. ``entry`` is its index, ``class_`` the class it names."""

    form: str
    entry: int
    class_: str


@dataclass(frozen=True)
class Reveals:
    """The entries of ``reveal`` of one API, by category and role."""

    api: Api
    _known: dict[str, Mapping[str, tuple[Given, ...]]] = field(default_factory=dict)

    def given(self, category: str) -> Mapping[str, tuple[Given, ...]]:
        """For each role, what the entries that name the most specific class say about a category.

        More than one member means that entries contradict each other; the least revealing form comes first and holds.
        """
        if category not in self._known:
            self._known[category] = self._given(category)
        return self._known[category]

    def forms(self, category: str) -> dict[str, str]:
        """The form each role sees of a category."""
        return {role: given[0].form for role, given in self.given(category).items()}

    def _given(self, category: str) -> Mapping[str, tuple[Given, ...]]:
        found: dict[str, list[Given]] = {}
        for index, entry in enumerate(self.api.reveal):
            named = [c for c in entry.classes if category and within(category, c)]
            if not named:
                continue
            given = Given(entry.form, index, max(named, key=_depth))
            for role in entry.roles:
                best = found.setdefault(role, [])
                if best and _depth(best[0].class_) < _depth(given.class_):
                    best.clear()
                if not best or _depth(best[0].class_) == _depth(given.class_):
                    best.append(given)
        return {role: tuple(sorted(best, key=_strict_first)) for role, best in found.items()}


def _depth(class_: str) -> int:
    return class_.count(".")


def _strict_first(given: Given) -> int:
    return -MOST_REVEALING_FIRST.index(given.form)


def owners(declaration: Declaration, api: Api, operation: str, rules: Iterable[Numbered]) -> tuple[str, ...]:
    """The roles whose callers can reach nothing but their own objects through an operation.

    Every rule that gives the operation to such a role compares the object's owner; nobody may call it anonymously;
    ownership is enforced, not observed; and no consumer with the role has another one that reaches everybody's objects.
    """
    covering = [rule for _, rule in rules]
    if any(rule.anonymous for rule in covering) or observes(api, "authorisation", operation):
        return ()
    wide = {role for rule in covering if not rule.owns for role in rule.roles}
    own = dict.fromkeys(role for rule in covering if rule.owns for role in rule.roles if role not in wide)
    mixed = {
        role
        for consumer in declaration.model.consumers.values()
        if wide.intersection(consumer.roles)
        for role in consumer.roles
    }
    return tuple(role for role in own if role not in mixed)
