"""A foreign file as values that know where they stand, read without believing anything about their shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from assay.declare.places import Path, Place
from assay.declare.yaml_nodes import YamlLimits
from assay.declare.yaml_places import dotted, read_yaml
from assay.domain import Fix, Location, UsageError

_LIMITS = YamlLimits(bytes=16 * 1024 * 1024, depth=48, values=400_000)
_SPANS = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|us|ns|s|m|h|d|)")
_UNITS = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(slots=True)
class Source:
    """One file. ``problems`` are (place, sentence) pairs about values that are not of the kind they should be."""

    file: str
    value: object
    places: dict[Path, Place]
    problems: list[tuple[Location, str]] = field(default_factory=list)

    @property
    def top(self) -> Spot:
        """The whole of it."""
        return Spot(self, (), self.value)

    def place(self, path: Path) -> Location:
        """Where the value at ``path`` stands, or the nearest thing around it."""
        for length in range(len(path), 0, -1):
            found = self.places.get(path[:length])
            if found is not None:
                return found.value if length == len(path) else found.key
        return Location(self.file)


@dataclass(frozen=True, slots=True)
class Spot:
    """One value of a foreign file, present or not. What has the wrong kind counts as absent, and is noted."""

    source: Source
    path: Path
    value: object

    def __bool__(self) -> bool:
        return self.value is not None

    @property
    def at(self) -> Location:
        """Where it stands."""
        return self.source.place(self.path)

    def __getitem__(self, key: str | int) -> Spot:
        path, value = (*self.path, key), self.value
        if isinstance(value, dict) and isinstance(key, str):
            return Spot(self.source, path, value.get(key))
        if isinstance(value, list) and isinstance(key, int) and key < len(value):
            return Spot(self.source, path, value[key])
        return Spot(self.source, path, None)

    def down(self, *keys: str) -> Spot:
        """The value below, key by key."""
        found = self
        for key in keys:
            found = found[key]
        return found

    def items(self) -> Iterator[tuple[str, Spot]]:
        """Keys and values of a mapping."""
        if isinstance(self.value, dict):
            for key in self.value:
                yield str(key), self[key]
        elif self.value is not None:
            self.wrong("a mapping")

    def each(self) -> Iterator[Spot]:
        """The items of a list; a single value counts as a list of one."""
        if isinstance(self.value, list):
            for index in range(len(self.value)):
                yield self[index]
        elif self.value is not None:
            yield self

    def text(self, default: str = "") -> str:
        """The value as text; numbers and booleans as they are written in YAML."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if isinstance(self.value, str | int | float):
            return str(self.value)
        if self.value is not None:
            self.wrong("text")
        return default

    def texts(self) -> tuple[str, ...]:
        """The texts of a list, or the one text."""
        return tuple(t for spot in self.each() if (t := spot.text()))

    def number(self) -> int | None:
        """The value as a whole number; None when there is none."""
        if isinstance(self.value, bool) or self.value is None:
            return None
        try:
            return int(str(self.value))
        except ValueError:
            self.wrong("a whole number")
            return None

    def flag(self, default: bool = False) -> bool:
        """The value as yes or no."""
        if isinstance(self.value, bool):
            return self.value
        if isinstance(self.value, str) and self.value.lower() in ("true", "false", "on", "off", "yes", "no"):
            return self.value.lower() in ("true", "on", "yes")
        if self.value is not None:
            self.wrong("true or false")
        return default

    def seconds(self) -> float | None:
        """A span of time as gateways write it (`1m30s`, `500ms`, `0.5s`; a bare number counts seconds)."""
        written = self.text()
        parts = _SPANS.findall(written)
        if written and "".join(number + unit for number, unit in parts) == written:
            return sum(float(number) * _UNITS[unit] for number, unit in parts)
        if written:
            self.wrong("a span of time, such as 30s")
        return None

    def wrong(self, wanted: str) -> None:
        """Notes that the value is not of the kind it should be."""
        self.source.problems.append((self.at, f"`{dotted(self.path) or 'the file'}` should be {wanted}"))


def read_text(path: FilePath) -> str:
    """The text of a foreign file.

    Raises:
        UsageError: it cannot be read, is too large, or is not UTF-8.
    """
    try:
        if path.stat().st_size > _LIMITS.bytes:
            raise UsageError(f"`{path}` is larger than {_LIMITS.bytes // 1024**2} MiB", fix="export less into one file")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"`{path}` is not UTF-8 text", fix="export it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"`{path}` cannot be read: {error.strerror or error}", fix="correct the path") from None


def structured(text: str, file: str) -> Source:
    """A YAML or JSON text as a source.

    Raises:
        UsageError: it is neither, with the place where reading stopped.
    """
    # JSON allows tabs between values and nowhere else; YAML does not, and a space takes the same column.
    written = read_yaml(text.replace("\t", " ") if text.lstrip()[:1] in "{[" else text, file, _LIMITS)
    stopping = next((p for p in written.problems if written.value is None), None)
    if stopping is not None:
        fix = stopping.fix or Fix("correct the file")
        raise UsageError(stopping.sentence, fix=fix.sentence, location=stopping.location)
    found = Source(file, written.value, written.places)
    found.problems += [(p.location, p.sentence) for p in written.problems]
    return found
