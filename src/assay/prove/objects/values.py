"""Valid values for JSON Schemas: what the contract gives as examples first, then what its bounds allow.

Pure and deterministic by the source of randomness. Every value is checked by the validator before it is used; what
cannot be made is :class:`NoValue`, never a guess.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs

from assay.prove.objects.patterns import NotUnderstood, matching
from assay.prove.objects.texts import of_format, sized

Path = tuple[str, ...]
"""Names from the top of a value; ``*`` for the items of a list."""
Examples = Mapping[Path, Sequence[Any]]
_DEEPEST = 8
_SIZES = (0, 1, 3, 8, 16, 40)
_OPTIONAL_DEPTH = 3
_HOPS = 24
_LINEAR = jsonschema_rs.RegexOptions(size_limit=8 << 20, dfa_size_limit=8 << 20)
_BACKTRACKING = jsonschema_rs.FancyRegexOptions(backtrack_limit=20_000, size_limit=8 << 20)


class NoValue(Exception):
    """No valid value could be made; says for what."""


class Checker:
    """Whether values are valid by a self-contained schema (draft 2020-12), formats included, without any network."""

    def __init__(self, schema: dict[str, Any] | bool) -> None:
        self._validator: Any = None
        for options in (_LINEAR, _BACKTRACKING):
            try:
                self._validator = jsonschema_rs.Draft202012Validator(
                    schema, validate_formats=True, offline=True, pattern_options=options
                )
                return
            except (ValueError, RecursionError):
                continue

    def valid(self, value: Any) -> bool:
        """Whether the value is valid. A schema that cannot be compiled accepts everything: others will tell."""
        if self._validator is None:
            return True
        try:
            return bool(self._validator.is_valid(value))
        except (ValueError, TypeError, RecursionError):
            return False


@dataclass(frozen=True, slots=True)
class Wish:
    """What a value should hold beside being valid.

    Attributes:
        examples: values that the contract gives, by path.
        unique: text that makes a value differ from all others; empty: the source of randomness makes some.
        everything: fill optional properties that have an example too, and not only required ones.
        all: and those without an example.
        wanted: paths of optional properties that must be there.
        fixed: values that are taken as they are, such as ids of real objects.
    """

    examples: Examples = field(default_factory=dict)
    unique: str = ""
    everything: bool = True
    all: bool = False
    wanted: frozenset[Path] = frozenset()
    fixed: Mapping[Path, Any] = field(default_factory=dict)


def make(schema: dict[str, Any] | bool, rng: random.Random, wish: Wish = Wish()) -> Any:
    """A value that is valid by ``schema``, which is self-contained (its ``$defs`` are in it).

    Raises:
        NoValue: none of the tries is valid.
    """
    if schema is True or schema == {}:
        return next(iter(wish.fixed.values()), next((e for es in wish.examples.values() for e in es), "text"))
    if schema is False:
        raise NoValue("nothing is valid")
    checker, maker = Checker(schema), _Maker(schema, rng, wish)
    for whole in wish.examples.get((), ()):
        value = maker.adapted(whole)
        if checker.valid(value):
            return value
    problem = "nothing that was tried is valid"
    for everything, size in ((wish.everything, 0), (False, 0), (False, 1), (True, 3), (False, 8)):
        maker.everything, maker.start = everything, size
        try:
            value = maker.value(schema, (), 0)
        except NoValue as error:
            problem = str(error)
            continue
        if checker.valid(value):
            return value
    raise NoValue(problem)


class _Maker:
    def __init__(self, top: Mapping[str, Any], rng: random.Random, wish: Wish) -> None:
        definitions = top.get("$defs")
        self._definitions: Mapping[str, Any] = definitions if isinstance(definitions, dict) else {}
        self._top = top
        self._rng = rng
        self._wish = wish
        self.everything = wish.everything
        self.start = 0

    def adapted(self, example: Any, path: Path = ()) -> Any:
        """An example as a whole, with fixed and unique values put where they belong."""
        if path in self._wish.fixed:
            return self._wish.fixed[path]
        if isinstance(example, dict):
            made = {k: self.adapted(v, (*path, k)) for k, v in example.items() if isinstance(k, str)}
            for place, value in self._wish.fixed.items():
                if len(place) == len(path) + 1 and place[:-1] == path:
                    made[place[-1]] = value
            return made
        if isinstance(example, list):
            return [self.adapted(v, (*path, "*")) for v in example]
        return self._unique(example, path) if isinstance(example, str) else example

    def value(self, schema: Any, path: Path, depth: int) -> Any:
        """One value for a schema at a place; not yet checked as a whole."""
        if path in self._wish.fixed:
            return self._wish.fixed[path]
        merged = self._merged(schema, _HOPS)
        if depth > _DEEPEST:
            raise NoValue(f"`{'.'.join(path)}` nests too deeply")
        if "const" in merged:
            return merged["const"]
        choices = merged.get("enum")
        if isinstance(choices, list) and choices:
            suitable = [e for e in self._wish.examples.get(path, ()) if e in choices]
            return suitable[0] if suitable else choices[0]
        kind = self._kind(merged)
        if kind == "object":
            return self._object(merged, path, depth)
        if kind == "array":
            return self._array(merged, path, depth)
        return self._scalar(kind, merged, path)

    def _merged(self, schema: Any, hops: int) -> dict[str, Any]:
        """The schema with references, ``allOf`` and one alternative of the others taken into it."""
        if not isinstance(schema, dict):
            return {}
        if hops == 0:
            raise NoValue("references nest too deeply")
        merged: dict[str, Any] = {k: v for k, v in schema.items() if k not in ("$ref", "allOf", "anyOf", "oneOf")}
        inside: list[Any] = []
        reference = schema.get("$ref")
        if isinstance(reference, str):
            inside.append(self._target(reference))
        inside.extend(schema.get("allOf") or ())
        for keyword in ("oneOf", "anyOf"):
            branches = schema.get(keyword)
            if isinstance(branches, list) and branches:
                inside.append(self._branch(branches, hops))
        for other in inside:
            _merge(merged, self._merged(other, hops - 1))
        return merged

    def _branch(self, branches: Sequence[Any], hops: int) -> Any:
        """The first alternative that is not only ``null``."""
        for branch in branches:
            merged = self._merged(branch, hops - 1)
            if merged.get("type") != "null" and merged.get("const", 0) is not None:
                return branch
        return branches[0]

    def _target(self, reference: str) -> Any:
        if reference == "#":
            return self._top
        return self._definitions.get(reference.removeprefix("#/$defs/"), {})

    @staticmethod
    def _kind(schema: Mapping[str, Any]) -> str:
        named = schema.get("type")
        if isinstance(named, list):
            named = next((n for n in named if n != "null"), "null")
        if isinstance(named, str):
            return named
        if "properties" in schema or "required" in schema or "additionalProperties" in schema:
            return "object"
        if "items" in schema or "prefixItems" in schema:
            return "array"
        if any(k in schema for k in ("minimum", "maximum", "multipleOf")):
            return "number"
        return "string"

    def _object(self, schema: Mapping[str, Any], path: Path, depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        declared: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
        required = [n for n in schema.get("required") or () if isinstance(n, str)]
        made: dict[str, Any] = {}
        for name, below in declared.items():
            place = (*path, name)
            if name in required or self._asked_for(place):
                made[name] = self.value(below, place, depth + 1)
            elif below is not False and self.everything and depth < _OPTIONAL_DEPTH and self._offered(place):
                try:
                    made[name] = self.value(below, place, depth + 1)
                except NoValue:
                    continue
        for name in required:
            if name not in made:
                made[name] = self.value(schema.get("additionalProperties", True), (*path, name), depth + 1)
        for place in self._wish.wanted:
            if len(place) == len(path) + 1 and place[:-1] == path and place[-1] not in made:
                made[place[-1]] = "text"
        least = schema.get("minProperties", 0)
        for name, below in declared.items():
            if len(made) >= (least if isinstance(least, int) else 0):
                break
            if name not in made and below is not False:
                made[name] = self.value(below, (*path, name), depth + 1)
        return made

    def _offered(self, place: Path) -> bool:
        return self._wish.all or place in self._wish.examples

    def _asked_for(self, place: Path) -> bool:
        asked = (*self._wish.wanted, *self._wish.fixed)
        return any(other[: len(place)] == place for other in asked)

    def _array(self, schema: Mapping[str, Any], path: Path, depth: int) -> list[Any]:
        place = (*path, "*")
        for example in self._wish.examples.get(path, ()):
            if isinstance(example, list) and self._fits(schema, example):
                return example
        prefix = [self.value(s, place, depth + 1) for s in schema.get("prefixItems") or ()]
        least = schema.get("minItems", 0)
        least = least if isinstance(least, int) else 0
        if not least and (schema.get("maxItems") == 0 or not self._asked_for(place)):
            return prefix
        items = schema.get("items", True)
        while len(prefix) < max(1, min(least, 50)):
            prefix.append(self.value(items, place, depth + 1))
        return prefix

    def _scalar(self, kind: str, schema: Mapping[str, Any], path: Path) -> Any:
        examples = list(self._wish.examples.get(path, ()))
        for example in examples:
            value = self._unique(example, path) if isinstance(example, str) else example
            for candidate in (value, example):
                if self._fits(schema, candidate):
                    return candidate
        for candidate in self._candidates(kind, schema, path):
            if self._fits(schema, candidate):
                return candidate
        raise NoValue(f"no valid value for `{'.'.join(path) or 'the value'}` could be made")

    def _fits(self, schema: Mapping[str, Any], value: Any) -> bool:
        # Definitions are taken along only where something refers to them: compiling many for each value takes long.
        needed = {"$defs": self._definitions} if self._definitions and "$ref" in repr(schema) else {}
        return Checker({**schema, **needed}).valid(value)

    def _candidates(self, kind: str, schema: Mapping[str, Any], path: Path) -> Iterator[Any]:
        if kind == "null":
            yield None
        elif kind == "boolean":
            yield from (False, True)
        elif kind in ("integer", "number"):
            yield from _numbers(schema, kind)
        else:
            yield from self._strings(schema, path)

    def _strings(self, schema: Mapping[str, Any], path: Path) -> Iterator[str]:
        name = path[-1] if path else ""
        shape, pattern = schema.get("format"), schema.get("pattern")
        least, most = _bound(schema, "minLength", 0), _bound(schema, "maxLength", 10_000)
        if isinstance(shape, str):
            made = of_format(shape, self._rng, self._wish.unique)
            if made is not None:
                yield made
        if isinstance(pattern, str):
            for more in (*_SIZES[self.start and 1 :], least, most):
                try:
                    yield matching(pattern, self._rng, more=min(more, 200))
                except NotUnderstood:
                    break
        if not isinstance(shape, str):
            guess = self._unique("", path)
            if guess:
                yield guess
        for plain in (name or "text", "text", "a", "1", "A1", "abc"):
            yield sized(plain, least, most)
        if isinstance(pattern, str) and least:
            for _ in range(3):
                yield sized("".join(self._rng.choice("abcdefghij0123456789") for _ in range(least)), least, most)

    def _unique(self, example: str, path: Path) -> str:
        """The example, made different from all others where others probably have to differ."""
        name = re.sub(r"[^a-z]", "", path[-1].lower()) if path else ""
        mark = (self._wish.unique or f"{self._rng.getrandbits(48):012x}").lower()
        if "email" in name or name == "mail" or (example.count("@") == 1 and " " not in example):
            return f"prove-{mark}@example.test"
        if name in _LOGIN_NAMES:
            return f"prove-{mark}"
        if name in _TITLES and example:
            return f"{example} {mark}"
        return example


_LOGIN_NAMES = frozenset({"username", "login", "userid", "handle", "slug", "nickname", "accountname"})
_TITLES = frozenset({"name", "title", "displayname", "fullname", "label"})


def _merge(into: dict[str, Any], other: Mapping[str, Any]) -> None:
    for key, value in other.items():
        if key == "required" and isinstance(into.get(key), list):
            into[key] = [*into[key], *(n for n in value if n not in into[key])]
        elif key == "properties" and isinstance(into.get(key), dict) and isinstance(value, dict):
            both = dict(value)
            for name, schema in into[key].items():
                both[name] = {"allOf": [schema, value[name]]} if name in value else schema
            into[key] = both
        elif key in ("unevaluatedProperties", "additionalProperties") and key in into:
            continue
        else:
            into.setdefault(key, value)


def _bound(schema: Mapping[str, Any], key: str, default: int) -> int:
    value = schema.get(key)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else default


def _numbers(schema: Mapping[str, Any], kind: str) -> Iterator[int | float]:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    step = schema.get("multipleOf")
    yield from (1, 2, 10)
    for bound in (low, high):
        if isinstance(bound, int | float):
            yield bound
            yield int(bound) if bound == int(bound) else int(bound) + 1
    if isinstance(above, int | float):
        yield int(above) + 1
        yield above + 0.5
    if isinstance(below, int | float):
        yield int(below) - 1
        yield below - 0.5
    if isinstance(step, int | float) and step:
        base = low if isinstance(low, int | float) else 0
        first = (int(base / step) + 1) * step
        yield int(first) if kind == "integer" else first
    if isinstance(low, int | float) and isinstance(high, int | float):
        yield (low + high) / 2
    yield 0
