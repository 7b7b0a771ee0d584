"""Many files, one declaration; no file overwrites another silently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from assay.declare.places import Path, Place
from assay.declare.problem import problem
from assay.declare.yaml_places import Written, dotted
from assay.domain import Location, Verdict

SECTIONS = (
    "environments",
    "systems",
    "data",
    "apis",
    "consumers",
    "accounts",
    "duties",
    "flows",
    "objectives",
    "risks",
    "people",
)
"""Top-level mappings from an id to what it names; every file may add ids to them."""

LISTS = ("exceptions", "incidents")
"""Top-level lists; the files' items follow each other in file order."""


@dataclass(slots=True)
class Merged:
    """All files as one mapping, still as written (nothing substituted, nothing validated)."""

    value: dict[str, object] = field(default_factory=dict)
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[Verdict] = field(default_factory=list)


def merge(files: Sequence[Written]) -> Merged:
    """Join the files' top-level mappings, in order. Files whose top is no mapping are passed over."""
    merged = Merged()
    for written in files:
        if isinstance(written.value, dict):
            _add(merged, written, written.value)
    return merged


def _add(merged: Merged, written: Written, top: dict[str, object]) -> None:
    taken: set[Path] = set()
    offsets: dict[str, int] = {}
    for key, value in top.items():
        if key in SECTIONS and (value is None or isinstance(value, dict)):
            _add_section(merged, written, key, value or {}, taken)
        elif key in LISTS and (value is None or isinstance(value, list)):
            already = merged.value.setdefault(key, [])
            if isinstance(already, list):
                offsets[key] = len(already)
                already.extend(value or [])
                taken.add((key,))
        elif key not in merged.value:
            merged.value[key] = value
            taken.add((key,))
        elif not (key == "assay" and merged.value[key] == value):
            _clash(merged, written, (key,), "duplicate-section", f"`{key}` is declared", "keep one of the two")
    for path, place in written.places.items():
        if path[:1] in taken or path[:2] in taken or (len(path) == 1 and path[0] in merged.value):
            merged.places.setdefault(_shifted(path, offsets), place)


def _add_section(merged: Merged, written: Written, key: str, value: dict[str, object], taken: set[Path]) -> None:
    section = merged.value.setdefault(key, {})
    if not isinstance(section, dict):
        return
    for name, item in value.items():
        if name in section:
            fix = "rename one of them, or move everything about it to one place"
            _clash(merged, written, (key, name), "duplicate-id", f"`{name}` is declared in `{key}`", fix)
        else:
            section[name] = item
            taken.add((key, name))


def _clash(merged: Merged, written: Written, path: Path, check: str, sentence: str, fix: str) -> None:
    first: Location = merged.places[path].key
    here = written.places[path].key
    merged.problems.append(
        problem(check, dotted(path), f"{sentence} a second time; the first is at {first}", here, fix, related=(first,))
    )


def _shifted(path: Path, offsets: dict[str, int]) -> Path:
    if len(path) > 1 and isinstance(path[0], str) and isinstance(path[1], int) and path[0] in offsets:
        return (path[0], path[1] + offsets[path[0]], *path[2:])
    return path
