"""Which properties of an API's bodies are which fields of which data sets.

A data set names the schemas its records appear as (``from``). Wherever such a schema is part of a body, its properties
are the fields of that name (or of that dotted path), at whatever depth below it they stand; where a schema of another
data set lies in between, that one decides.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from assay.declare.contract import Contract, Direction, SchemaRef
from assay.declare.declaration import Declaration
from assay.declare.model import DataField, Level
from assay.declare.reach import within
from assay.declare.shapes import ANY, Path, Property, own, properties, target, telling
from assay.sensitivity.levels import level_of, rank


@dataclass(frozen=True, slots=True)
class FieldLabel:
    """A field of a data set."""

    data: str
    key: str
    field: DataField

    @property
    def name(self) -> str:
        """What the field is called everywhere: in policies, in counts, in what a ciphertext is bound to."""
        return f"{self.data}.{self.key}"

    @property
    def level(self) -> Level:
        """How sensitive it is."""
        return level_of(self.field)

    @property
    def category(self) -> str:
        """Its data category, empty when it has none."""
        return self.field.category or ""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A property of a body that is a field of a data set. ``absent``: the contract says that it is not sent."""

    path: Path
    label: FieldLabel
    place: SchemaRef
    absent: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """The labels in a body.

    Attributes:
        labelled: in the order of the contract, breadth first.
        hidden: paths below which more of the same lies, too deep to be named, and the highest level there.
    """

    labelled: tuple[Labelled, ...] = ()
    hidden: tuple[tuple[Path, Level], ...] = ()


class Labels:
    """The labels in the bodies of one API. Made by :func:`labels`."""

    def __init__(self, declaration: Declaration, api_id: str) -> None:
        self._declaration = declaration
        self._contract: Contract = declaration.contracts[api_id]
        self._file = declaration.model.apis[api_id].contract
        self._views: dict[tuple[SchemaRef, Direction], View] = {}
        self._below: dict[tuple[SchemaRef, tuple[str, ...], Direction], Level | None] = {}
        self._highest: dict[str, Mapping[str, Level]] = {}

    @cached_property
    def data(self) -> tuple[str, ...]:
        """Ids of the data sets that appear in this API's contract."""
        return tuple(dict.fromkeys(name for names in self._anchors.values() for name in names))

    def of(self, ref: SchemaRef | None, direction: Direction) -> View:
        """The labels in a body of the schema at ``ref``."""
        if ref is None or not self._anchors:
            return View()
        key = (target(self._contract.documents, ref), telling(self._contract, direction))
        if key not in self._views:
            self._views[key] = self._view(*key)
        return self._views[key]

    def schemas(self, data: str) -> tuple[tuple[int, SchemaRef], ...]:
        """The schemas in this contract that a data set names: (index under ``from``, place)."""
        found = ((i, self._resolve(p)) for i, p in enumerate(self._declaration.model.data[data].from_))
        return tuple((i, ref) for i, ref in found if ref is not None)

    @cached_property
    def _anchors(self) -> Mapping[str, tuple[str, ...]]:
        """Pointers of the objects that are records of a data set, as ``owners`` spells them."""
        found: dict[str, dict[str, None]] = {}
        for name in self._declaration.model.data:
            for _, ref in self.schemas(name):
                end = target(self._contract.documents, ref)
                pointers = [self._shown(end)]
                for direction in _DIRECTIONS:
                    pointers += [item.owners[0] for item in own(self._contract, end, direction) if item.owners]
                for pointer in pointers:
                    found.setdefault(pointer, {})[name] = None
        return {pointer: tuple(names) for pointer, names in found.items()}

    @cached_property
    def _documents(self) -> Mapping[str, str]:
        """From a path relative to the contract's directory to the name of the document."""
        folder = posixpath.dirname(self._contract.file) or "."
        return {posixpath.relpath(name, folder): name for name in self._contract.documents.parsed()}

    def _resolve(self, pointer: str) -> SchemaRef | None:
        file, _, fragment = pointer.partition("#")
        folder = posixpath.dirname(posixpath.normpath(self._file)) or "."
        document = self._documents.get(posixpath.relpath(posixpath.normpath(file), folder))
        found = self._contract.documents.find(document, "#" + fragment) if document is not None else None
        return found.ref if found else None

    def _shown(self, ref: SchemaRef) -> str:
        return ref.pointer if ref.file == self._contract.documents.root else str(ref)

    def _view(self, ref: SchemaRef, direction: Direction) -> View:
        items = properties(self._contract, ref, direction)
        finder = _Finder(self._anchors, self._declaration, items)
        if not finder.any:
            return View()
        labelled: list[Labelled] = []
        hidden: list[tuple[Path, Level]] = []
        for item in items:
            label = finder.label(item.path)
            if label:
                labelled.append(Labelled(item.path, label, item.place, item.absent))
            if item.cut and (level := self._highest_below(item, finder, direction)):
                hidden.append((item.path, level))
        return View(tuple(labelled), tuple(hidden))

    def unlabelled(self, data: str) -> tuple[str, ...]:
        """Names of properties of a data set's own schemas that it does not name and that have no members themselves."""
        found: dict[str, None] = {}
        for _, ref in self.schemas(data):
            end = target(self._contract.documents, ref)
            sets = self._anchors.get(self._shown(end), (data,))
            named = {name for one in sets for name in self._declaration.model.data[one].fields}
            if sets[0] != data:
                continue  # told of the first data set that the schema belongs to
            for item in own(self._contract, end, "response"):
                if item.path[-1] not in named and not own(self._contract, item.place, "response"):
                    found[item.path[-1]] = None
        return tuple(found)

    def _highest_below(self, item: Property, finder: _Finder, direction: Direction) -> Level | None:
        """The highest level of what may lie below a property that is not unfolded, in whichever record it stands.

        Never less than it is: any field counts of any record there, if some property anywhere below has its name.
        """
        around = finder.records(item.path)
        key = (target(self._contract.documents, item.place), around, direction)
        if key not in self._below:
            below = within(self._contract, key[0])
            inside = (data for owner, sets in self._anchors.items() if below.described_by(owner) for data in sets)
            every = dict.fromkeys((*around, *inside))
            levels = [level for data in every for name, level in self._levels(data).items() if below.names(name)]
            self._below[key] = sorted(levels, key=rank)[-1] if levels else None
        return self._below[key]

    def _levels(self, data: str) -> Mapping[str, Level]:
        """The highest level of the fields of a data set by the last part of their names."""
        if data not in self._highest:
            found: dict[str, Level] = {}
            for key, declared in self._declaration.model.data[data].fields.items():
                level, name = level_of(declared), key.rpartition(".")[2]
                found[name] = max(level, found.get(name, level), key=rank)
            self._highest[data] = found
        return self._highest[data]


_DIRECTIONS: tuple[Direction, ...] = ("request", "response")


class _Finder:
    """Finds the label of a path, given the objects that the properties of a body belong to."""

    def __init__(
        self, anchors: Mapping[str, tuple[str, ...]], declaration: Declaration, items: Iterable[Property]
    ) -> None:
        self._declaration = declaration
        self._records: dict[Path, tuple[str, ...]] = {}
        seen: set[Path] = set()
        for item in items:
            prefix = item.path[:-1]
            if prefix in seen:
                continue
            seen.add(prefix)
            names = dict.fromkeys(name for owner in item.owners for name in anchors.get(owner, ()))
            if names:
                self._records[prefix] = tuple(names)

    @property
    def any(self) -> bool:
        """Whether any record of a data set is in the body."""
        return bool(self._records)

    def records(self, path: Path) -> tuple[str, ...]:
        """The data sets whose record a property stands in, at whatever depth; the nearest ones."""
        return next((n for k in range(len(path) - 1, -1, -1) if (n := self._records.get(path[:k]))), ())

    def label(self, path: Path) -> FieldLabel | None:
        """The label of a property: that of the nearest record it stands in."""
        for length in range(len(path) - 1, -1, -1):
            names = self._records.get(path[:length])
            if not names:
                continue
            inside = [step for step in path[length:] if step != ANY]
            found = [f for name in names if (f := self._field(name, ".".join(inside), inside[-1]))]
            return max(found, key=lambda f: rank(f.level), default=None)
        return None

    def _field(self, data: str, dotted: str, name: str) -> FieldLabel | None:
        fields = self._declaration.model.data[data].fields
        key = dotted if dotted in fields else name
        return FieldLabel(data, key, fields[key]) if key in fields else None


def labels(declaration: Declaration, api_id: str) -> Labels:
    """The labels of an API, remembered with its contract (and so for as long as the declaration lives)."""
    key = ("labels", id(declaration), declaration.model.apis[api_id].contract)
    return declaration.contracts[api_id].documents.once(key, lambda: Labels(declaration, api_id))
