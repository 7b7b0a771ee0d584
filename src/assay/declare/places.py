"""Where every value of the declaration was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.domain import Location

Step = str | int
Path = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key and its value stand, and the path to it inside its own file (files are merged; paths may differ)."""

    key: Location
    value: Location
    file_path: Path


@dataclass(frozen=True, slots=True)
class Places:
    """From a path in the merged declaration (``("apis", "customer-data", "limits")``) to where it was written."""

    by_path: Mapping[Path, Place] = field(default_factory=dict)
    top: Location = field(default_factory=lambda: Location("assay.yaml"))

    def at(self, *path: Step) -> Place:
        """The place of ``path``, or of the nearest thing around it that was written."""
        for length in range(len(path), 0, -1):
            found = self.by_path.get(path[:length])
            if found:
                return found
        return Place(self.top, self.top, ())

    def value(self, *path: Step) -> Location:
        """Where the value stands."""
        return self.at(*path).value

    def key(self, *path: Step) -> Location:
        """Where the key stands."""
        return self.at(*path).key

    def written(self, *path: Step) -> bool:
        """Whether exactly this path was written, rather than left to its default."""
        return path in self.by_path
