"""Raw data becomes the model. What the model refuses is cut out, so that the rest can still be looked at.

A declaration with one wrong value should not hide its dangling references until the value is corrected.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from assay.declare.invalid import Mistake, is_step, mistakes
from assay.declare.model import Model
from assay.declare.places import Path
from assay.declare.quantities import WRITTEN

_ROUNDS = 60
_PLACEHOLDERS: Mapping[str, object] = {"assay": 1, "organisation": {"name": "?"}}


@dataclass(frozen=True, slots=True)
class Validated:
    """The model of everything that is valid, what was refused, and where a path in the model was written."""

    model: Model | None
    mistakes: tuple[Mistake, ...]
    origin: Callable[[Path], Path]


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
            return Validated(model, tuple(reported), pruned.origin)
        for mistake in found:
            path = pruned.origin(mistake.path)
            if not pruned.explains(mistake, path):
                reported[Mistake(path, mistake.kind, mistake.context, mistake.about_key)] = None
        targets = {mistake.path[:-1] if mistake.kind == "missing" else mistake.path for mistake in found}
        for target in sorted(targets, key=_from_the_end, reverse=True):
            pruned.cut(target)
    return Validated(None, tuple(reported), pruned.origin)


def _from_the_end(path: Path) -> tuple[tuple[bool, int, str], ...]:
    """Order by which cutting one place leaves the indices of the places still to cut as they are."""
    return tuple((isinstance(s, int), s if isinstance(s, int) else 0, str(s)) for s in path)


class _Pruned:
    """A copy of the data from which places are cut, and which remembers the original index of every list item."""

    def __init__(self, data: dict[str, object]) -> None:
        self.data = data
        self._indices: dict[int, list[int]] = {}
        self._cut: set[Path] = set()
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

    def cut(self, path: Path) -> None:
        """Remove the value at ``path``; what cannot be missing at the top is replaced."""
        if not path:
            for key in _PLACEHOLDERS.keys() - self.data.keys():
                self.data[key] = copy.deepcopy(_PLACEHOLDERS[key])
            return
        original = self.origin(path)
        if len(path) == 1 and path[0] in _PLACEHOLDERS:
            self._cut.add(original)
            self.data[str(path[0])] = copy.deepcopy(_PLACEHOLDERS[str(path[0])])
            return
        here: Any = self.data
        for step in path[:-1]:
            if not is_step(here, step):
                return
            here = here[step]
        last = path[-1]
        if is_step(here, last):
            self._cut.add(original)
            if isinstance(here, list):
                del self._indices[id(here)][int(last)]
            del here[last]
