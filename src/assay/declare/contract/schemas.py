"""OpenAPI schemas as self-contained JSON Schema (draft 2020-12)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from assay.declare.contract.conversion import Conversion, Role, Variant
from assay.declare.contract.documents import Documents, SchemaRef
from assay.declare.contract.problems import Problem
from assay.domain import DeclarationError, Severity

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_DEFINITIONS = re.compile(r"/(?:schemas|definitions|\$defs)/([^/]+)\Z")
_PLAIN = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(slots=True)
class Converted:
    """A schema after conversion and the other schemas it needs; those ``in_place`` apply to the same value."""

    schema: dict[str, object] | bool
    needs: dict[Variant, None]
    in_place: dict[Variant, None]


@dataclass(slots=True)
class Library:
    """Everything converted so far for one direction and strictness; each schema is converted once."""

    documents: Documents
    direction: Literal["request", "response"]
    closed: bool
    problems: list[Problem] = field(default_factory=list)
    _converted: dict[Variant, Converted] = field(default_factory=dict)
    _names: dict[Variant, str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)
    _sound: set[Variant] = field(default_factory=set)

    def convert(self, variant: Variant) -> Converted:
        """One schema."""
        if variant not in self._converted:
            conversion = Conversion(self.documents, self.direction, self.closed, self.name, self.problems.append)
            try:
                schema = conversion.top(variant)
            except RecursionError:
                raise self.documents.error(
                    "too-deep", variant.at.file, variant.at.pointer, "the schema is nested too deeply"
                ) from None
            self._converted[variant] = Converted(schema, conversion.needs, conversion.in_place)
        return self._converted[variant]

    def name(self, variant: Variant) -> str:
        """A name for ``$defs``, made of letters that need no escaping, unique in this library."""
        if variant not in self._names:
            found = _DEFINITIONS.search(variant.at.pointer)
            base = _PLAIN.sub("_", found[1] if found else variant.at.pointer.removeprefix("#/")) or "document"
            if variant.role is not Role.VALUE:
                base = f"{base}.{variant.role.value}"
            name, count = base, 1
            while name in self._taken:
                count += 1
                name = f"{base}.{count}"
            self._taken.add(name)
            self._names[variant] = name
        return self._names[variant]

    def closure(self, top: Variant) -> list[Variant]:
        """Every schema that ``top`` needs, itself left out unless it recurs, in a stable order.

        Raises:
            DeclarationError: one of them is defined in terms of itself at the same place.
        """
        needed: dict[Variant, None] = {}
        waiting = [top]
        while waiting:
            converted = self.convert(waiting.pop())
            for variant in converted.needs:
                if variant not in needed:
                    needed[variant] = None
                    waiting.append(variant)
        for variant in (top, *needed):
            self._check_circle(variant)
        return list(needed)

    def _check_circle(self, start: Variant) -> None:
        """A schema that includes itself at the same place has no meaning, and validators do not end on it."""
        path: dict[Variant, None] = {}
        stack: list[tuple[Variant, bool]] = [(start, False)]
        while stack:
            variant, leaving = stack.pop()
            if leaving:
                path.pop(variant)
                self._sound.add(variant)
            elif variant in path:
                raise self.documents.error(
                    "circular-schema",
                    variant.at.file,
                    variant.at.pointer,
                    f"the schema `{self.name(variant)}` is defined by itself, so nothing can be checked against it",
                    fix="break the circle of `allOf`, `anyOf`, `oneOf` and `$ref`",
                )
            elif variant not in self._sound:
                path[variant] = None
                stack.append((variant, True))
                stack.extend((below, False) for below in self.convert(variant).in_place)


def library(documents: Documents, direction: Literal["request", "response"], closed: bool) -> Library:
    """The library of a contract for one direction and strictness."""
    return documents.once(("schemas", direction, closed), lambda: Library(documents, direction, closed))


def json_schema(
    documents: Documents, ref: SchemaRef, *, direction: Literal["request", "response"], closed: bool
) -> dict[str, object]:
    """See :meth:`assay.declare.contract.Contract.json_schema`. Annotations other than ``format`` are left out."""
    made = library(documents, direction, closed)
    top = Variant(ref, Role.VALUE)
    closure = made.closure(top)
    schema = made.convert(top).schema
    if isinstance(schema, bool):
        schema = {} if schema else {"not": {}}
    out: dict[str, object] = {"$schema": DRAFT, **schema}
    if closure:
        out["$defs"] = {made.name(variant): made.convert(variant).schema for variant in closure}
    return out


def lint(documents: Documents, refs: Iterable[SchemaRef]) -> list[Problem]:
    """What cannot be enforced in the given schemas and those they need."""
    made = library(documents, "request", False)
    circles: list[Problem] = []
    for ref in dict.fromkeys(refs):
        try:
            made.closure(Variant(ref, Role.VALUE))
        except DeclarationError as error:
            verdict = error.verdicts[0]
            circles.append(
                Problem(
                    verdict.check,
                    ref.file,
                    ref.pointer,
                    verdict.sentence,
                    Severity.HIGH,
                    verdict.fix.sentence if verdict.fix else "",
                    group=verdict.subject,
                    location=verdict.location,
                )
            )
    return [*circles, *made.problems]
