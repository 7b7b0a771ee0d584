"""What an account reaches: the data sets behind its rights, and how sensitive they are (the blast radius)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assay.declare.model import LEVELS, Account, Level, Model
from assay.privilege.excess import Weighing
from assay.privilege.rights import Grant, Rights, matches
from assay.sensitivity.levels import highest

_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Blast:
    """What is lost with an account's credential.

    Attributes:
        data: data sets it reaches, each with its level, most sensitive first.
        level: the highest of them; None: it reaches none that is declared.
        records: how many records, as far as that is known.
        guessed: objects of which nobody says what they hold; each counts as all that the system holds.
    """

    data: tuple[tuple[str, Level], ...] = ()
    level: Level | None = None
    records: int = 0
    guessed: tuple[str, ...] = ()


class Reach:
    """The data behind the objects of one account's system.

    An object is taken to hold the data set that ``objects`` names, else the one that it is called like (``customers``
    for ``customer``), else everything that the system holds. A view holds what the tables it reads hold.
    """

    def __init__(self, model: Model, account: Account, rights: Rights | None = None) -> None:
        self._account, self._rights = account, rights
        system = model.systems.get(account.system)
        held = tuple(d for d in (system.holds if system else ()) if d in model.data)
        self._levels: Mapping[str, Level] = {
            d: highest(model.data[d]) for d in dict.fromkeys((*held, *account.objects.values())) if d in model.data
        }
        self._held = held
        self._people = frozenset(d for d in self._levels if model.data[d].subjects)
        self._subjects = model.organisation.subjects
        self._by_name = {form: d for d in held for form in _forms(d)}
        self._known: dict[str, tuple[tuple[str, ...], bool]] = {}

    def data(self, object: str) -> tuple[tuple[str, ...], bool]:
        """The data sets behind an object, and whether somebody says so (rather than that anything may be there)."""
        if object not in self._known:
            self._known[object] = self._find(object)
        return self._known[object]

    def _find(self, object: str, depth: int = 0) -> tuple[tuple[str, ...], bool]:
        if object.startswith(("role ", "database ")) or object in ("roles", "databases"):
            return (), True
        named = self._account.objects
        short = _short(object)
        for pattern, data in named.items():
            if matches(pattern, object) or matches(pattern, short):
                return ((data,) if data in self._levels else ()), True
        if "*" in object:
            inside = tuple(dict.fromkeys(d for o, d in named.items() if matches(object, o)))
            return tuple(dict.fromkeys((*self._held, *inside))), object == "*"
        found = self._by_name.get(_plain(short))
        if found:
            return (found,), True
        behind = (self._rights.behind.get(object, ()) if self._rights else ()) if depth < _DEPTH else ()
        if behind:
            parts = [self._find(o, depth + 1) for o in behind]
            return tuple(dict.fromkeys(d for data, _ in parts for d in data)), all(sure for _, sure in parts)
        return self._held, len(self._held) < 2

    def level(self, object: str) -> int:
        """How sensitive what an object holds is, 0 to 4."""
        data, _ = self.data(object)
        return max((LEVELS.index(self._levels[d]) for d in data), default=0)

    def records(self, object: str) -> int | None:
        """How many records an object holds: declared, else measured, else one for each person that data is about."""
        declared = self._account.records
        if isinstance(declared, int):
            return declared
        for pattern, count in (declared or {}).items():
            if matches(pattern, object) or matches(pattern, _short(object)):
                return count
        if self._rights is not None:
            table = object.partition("(")[0]
            measured = self._rights.records
            if table in measured:
                return measured[table]
            if "*" in object and measured:
                return sum(count for name, count in measured.items() if matches(object, name))
            behind = [measured[o] for o in self._rights.behind.get(table, ()) if o in measured]
            if behind:
                return max(behind)
        if self._subjects and set(self.data(object)[0]) & self._people:
            return self._subjects
        return None

    @property
    def weighing(self) -> Weighing:
        """What a right weighs by what it reaches."""
        return Weighing(self.level, self.records)

    def blast(self, grants: tuple[Grant, ...]) -> Blast:
        """What rights reach together."""
        data: dict[str, None] = {}
        guessed: dict[str, None] = {}
        counted: dict[str, int] = {}
        for grant in grants:
            found, sure = self.data(grant.object)
            data.update(dict.fromkeys(found))
            if not sure:
                guessed[grant.object] = None
            if "*" not in grant.object and found:
                counted[grant.object.partition("(")[0]] = self.records(grant.object) or 0
        ordered = sorted(((d, self._levels[d]) for d in data), key=lambda p: (-LEVELS.index(p[1]), p[0]))
        return Blast(tuple(ordered), ordered[0][1] if ordered else None, sum(counted.values()), tuple(guessed))


def _short(object: str) -> str:
    """The name without what it is inside of: schema, database, path, ARN."""
    name = object.partition("(")[0]
    for separator in (":::", "/", ".", ":"):
        name = name.rpartition(separator)[2] or name
    return name


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _forms(data: str) -> tuple[str, ...]:
    """How a table that holds a data set may be called: by its name, or the plural of it."""
    name = _plain(data)
    return (name, name + "s", name + "es", name[:-1] + "ies" if name.endswith("y") else name + "s")
