"""Where labels of points go in a picture, so that they cover neither points nor each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi, sin

_WIDE, _HIGH = 18.0, 14.0
_DIRECTIONS = 12
_DISTANCES = (15.0, 27.0, 40.0, 54.0, 70.0)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle along the axes."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def meets(self, other: Box) -> bool:
        """Whether the two share any area."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def holds(self, other: Box) -> bool:
        """Whether the other lies within this one."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


def place(points: Sequence[tuple[float, float]], taken: Sequence[Box], within: Box) -> list[Box]:
    """A box of 18 × 14 for each point, in order: the nearest free one, looking upwards and then clockwise.

    Where everything around is taken, the nearest one that lies within. The same points give the same boxes.
    """
    occupied = list(taken)
    found = []
    for x, y in points:
        candidates = [box for box in _around(x, y) if within.holds(box)]
        free = next((box for box in candidates if not any(box.meets(t) for t in occupied)), None)
        chosen = free or (candidates[0] if candidates else next(_around(x, y)))
        occupied.append(chosen)
        found.append(chosen)
    return found


def _around(x: float, y: float) -> Iterator[Box]:
    for distance in _DISTANCES:
        for number in range(_DIRECTIONS):
            angle = 2 * pi * number / _DIRECTIONS
            w, z = x + distance * sin(angle), y - distance * cos(angle)
            yield Box(w - _WIDE / 2, z - _HIGH / 2, w + _WIDE / 2, z + _HIGH / 2)
