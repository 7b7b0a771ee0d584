"""Reading back what was written: by which operation, and under which path parameters."""

from __future__ import annotations

from collections.abc import Mapping

from assay.controls._lib.inputs import take
from assay.prove.case import Draft, Seen
from assay.prove.surface import Surface, Target


def reader_of(surface: Surface, target: Target) -> Target | None:
    """The operation that reads what a target writes: GET on the same path, or one parameter further."""
    path = target.operation.path.rstrip("/")
    for other in surface.targets:
        if other.api != target.api or other.operation.method.upper() != "GET":
            continue
        rest = other.operation.path.removeprefix(path)
        same = rest == "" and target.operation.method.upper() != "POST"
        if other.operation.path.startswith(path) and (same or _one_parameter(rest)):
            return other
    return None


def _one_parameter(rest: str) -> bool:
    return rest.startswith("/{") and rest.endswith("}") and rest.count("/") == 1


def params_of(reader: Target, draft: Draft, seen: Seen) -> Mapping[str, str] | None:
    """The path parameters of what was written: those of the request, and the new one from ``Location`` or the answer.

    None: they cannot be known.
    """
    names = [p.name for p in reader.operation.parameters if p.location == "path" and p.name not in draft.params]
    if not names:
        return dict(draft.params)
    found = seen.json()
    value = take(found, (names[0],)) or take(found, ("id",))
    if value is None and "location" in seen.headers:
        value = seen.headers["location"].rstrip("/").rpartition("/")[2]
    return {**draft.params, names[0]: str(value)} if value and len(names) == 1 else None
