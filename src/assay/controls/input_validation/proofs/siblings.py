"""Operations that take the same input: behind our gateway, each of them shows a part, and together they show it all.

The gateway's programs for input of the same shape are the same, so the same attack on every one of a dozen resources
tells little more than on some. Nothing is left out where an operation has no siblings, or where nothing of ours stands
in front.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from assay.controls._lib.inputs import Place, json_body
from assay.controls.input_validation.proofs.planned import CONTROL, guarded, inputs
from assay.controls.observe import mode
from assay.prove.surface import Surface, Target
from assay.sensitivity.bodies import Labels, labels

T = TypeVar("T")
_WORDS = frozenset({"title", "description", "example", "examples", "default", "deprecated", "$comment"})
"""What a schema may say without excluding anything."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Which part of what siblings share falls to one of them: the ``index``-th of ``size``."""

    index: int = 0
    size: int = 1

    def pick(self, items: Sequence[T], *, most: int | None = None) -> tuple[T, ...]:
        """Its part of ``items``, at least one where there are any; every item is in some sibling's part.

        ``most``: how many one that has no siblings takes.
        """
        if self.size == 1:
            return tuple(items[:most])
        each = -(-len(items) // self.size)
        start = self.index * each
        return tuple(items[(start + n) % len(items)] for n in range(each))

    def half(self, items: Sequence[T]) -> tuple[T, ...]:
        """Every other item, beginning with another one at each sibling; all of them where there are none."""
        if self.size == 1 or len(items) < 2:
            return tuple(items)
        return tuple(item for n, item in enumerate(items) if (n + self.index) % 2 == 0)


ALONE = Lot()


def lots(surface: Surface, targets: Sequence[Target]) -> Mapping[tuple[str, str], Lot]:
    """The lot of each target that has siblings, by API and operation."""
    if not guarded(surface):
        return {}
    labelled: dict[str, Labels] = {}
    groups: dict[tuple[str, ...], list[Target]] = {}
    for target in targets:
        if target.api not in labelled:
            labelled[target.api] = labels(surface.declaration, target.api)
        groups.setdefault(_shape(surface, target, labelled[target.api]), []).append(target)
    return {
        (target.api, target.id): Lot(index, len(group))
        for group in groups.values()
        for index, target in enumerate(group)
        if len(group) > 1
    }


def _shape(surface: Surface, target: Target, known: Labels) -> tuple[str, ...]:
    """What two operations must have in common: the API, the method, whether it observes, all they take, and what of
    that the inspector searches because it is declared to be free text."""
    body = json_body(target)
    view = known.of(body.schema, "request").labelled if body is not None else ()
    return (
        target.api,
        target.operation.method.upper(),
        mode(surface.api(target), CONTROL, target.id),
        str(sorted(item.path for item in view if item.label.field.free_text)),
        *sorted(_taken(place) for place in inputs(surface, target)),
    )


def _taken(place: Place) -> str:
    if place.kind == "path":
        # Identifiers of different things have names and forms of their own; what counts is that there is one.
        return f"path {'pattern' in place.schema} {sorted(str(t) for t in (place.schema.get('type'),))}"
    said = {k: v for k, v in place.schema.items() if k not in _WORDS and k != "properties"}
    return json.dumps([place.kind, place.path, place.required, said], sort_keys=True, default=str)
