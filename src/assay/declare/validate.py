"""Raw data becomes the model. What the model refuses is cut out, so that the rest can still be looked at.

A declaration with one wrong value should not hide its dangling references until the value is corrected.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from assay.declare.invalid import Mistake, is_step, mistakes
from assay.declare.model import Model
from assay.declare.places import Path
from assay.declare.quantities import WRITTEN
from assay.declare.schema_shape import shapes

_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Validated:
    """The model of everything that is valid, what was refused, and where a path in the model was written.

    ``invented`` holds the paths, as written, of values that stand in for what is missing: nothing about them is true.
    """

    model: Model | None
    mistakes: tuple[Mistake, ...]
    origin: Callable[[Path], Path]
    invented: Collection[Path]


def validate(data: Mapping[str, object]) -> Validated:
    """Validate merged, substituted data. ``model`` is None only if cutting never came to an end."""
    pruned = _Pruned(copy.deepcopy(dict(data)))
    reported: dict[Mistake, None] = {}
    for _ in range(_ROUNDS):
        try:
            model = Model.model_validate(pruned.data, by_alias=True, by_name=False, context=WRITTEN)
        except ValidationError as error:
            found = mistakes(error.errors(), pruned.data)
        else:
            return Validated(model, tuple(reported), pruned.origin, pruned.invented)
        for mistake in found:
            path = pruned.origin(mistake.path)
            if not pruned.explains(mistake, path):
                reported[Mistake(path, mistake.kind, mistake.context, mistake.about_key)] = None
        _mend(pruned, found)
    return Validated(None, tuple(reported), pruned.origin, pruned.invented)


def _mend(pruned: _Pruned, found: Iterable[Mistake]) -> None:
    """Cut what is wrong and invent what is missing; where that did not help the last time, cut what is around it."""
    targets: set[Path] = set()
    for mistake in found:
        path = mistake.path
        invented = next((path[:n] for n in range(1, len(path) + 1) if pruned.is_invented(path[:n])), None)
        if invented is not None:
            targets.add(invented[:-1])
        elif mistake.kind != "missing":
            targets.add(path)
        elif not pruned.invent(path):
            targets.add(path[:-1])
    for target in sorted(targets, key=_from_the_end, reverse=True):
        if target:
            pruned.cut(target)


def _from_the_end(path: Path) -> tuple[tuple[bool, int, str], ...]:
    """Order by which cutting one place leaves the indices of the places still to cut as they are."""
    return tuple((isinstance(s, int), s if isinstance(s, int) else 0, str(s)) for s in path)


class _Pruned:
    """A copy of the data from which places are cut, and which remembers the original index of every list item."""

    def __init__(self, data: dict[str, object]) -> None:
        self.data = data
        self._indices: dict[int, list[int]] = {}
        self._cut: set[Path] = set()
        self.invented: set[Path] = set()
        self._remember(data)

    def _remember(self, value: object) -> None:
        if isinstance(value, list):
            self._indices[id(value)] = list(range(len(value)))
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            self._remember(inner)

    def origin(self, path: Path) -> Path:
        """The path in the data as it was written, for a path in what is left of it."""
        here: Any = self.data
        original: list[str | int] = []
        for step in path:
            if isinstance(here, list) and isinstance(step, int) and step < len(here):
                original.append(self._indices[id(here)][step])
                here = here[step]
            else:
                original.append(step)
                here = here.get(step) if isinstance(here, dict) else None
        return tuple(original)

    def explains(self, mistake: Mistake, path: Path) -> bool:
        """Whether an earlier cut is the only reason for a mistake."""
        if mistake.kind == "missing":
            return path in self._cut
        return any(cut[: len(path)] == path for cut in self._cut)

    def is_invented(self, path: Path) -> bool:
        """Whether the value at ``path`` stands in for a missing one."""
        return self.origin(path) in self.invented

    def invent(self, path: Path) -> bool:
        """Put something that is valid by its kind where a key is missing; False if there is no such thing."""
        around = self._at(path[:-1])
        shape = next(iter(shapes(path)), None)
        if shape is None or not isinstance(around, dict):
            return False
        around[str(path[-1])] = value = _stand_in(shape)
        self._remember(value)
        self.invented.add(self.origin(path))
        return True

    def cut(self, path: Path) -> None:
        """Remove the value at ``path``."""
        original = self.origin(path)
        around, last = self._at(path[:-1]), path[-1]
        if not is_step(around, last):
            return
        self._cut.add(original)
        if isinstance(around, list):
            del self._indices[id(around)][int(last)]
        del around[last]

    def _at(self, path: Path) -> Any:
        here: Any = self.data
        for step in path:
            if not is_step(here, step):
                return None
            here = here[step]
        return here


def _stand_in(shape: Mapping[str, Any]) -> object:
    """A value of a kind: the first word of a list of words, a URL where text is wanted, the least of a number."""
    if "const" in shape or "enum" in shape:
        return shape.get("const", shape.get("enum", [None])[0])
    kind = shape.get("type")
    if kind == "string":
        return "2999-12-31" if shape.get("format") == "date" else "placeholder" if "pattern" in shape else _URL
    if kind in ("integer", "number"):
        return shape.get("minimum", 0)
    return {"boolean": False, "array": ["placeholder"]}.get(str(kind), {})


_URL = "http://placeholder"
