"""YAML values by the core schema of YAML 1.2, with the place of each.

`yes`, `on` and dates stay text, as YAML 1.2.2 (chapter 10.3) says; every key is text as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.declare.places import Path, Place, Step
from assay.declare.problem import problem
from assay.declare.yaml_nodes import Mark, Node, YamlLimits, YamlProblem, compose
from assay.domain import Location, Verdict

_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL_OR_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_CONSTANTS: Mapping[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_DIGITS = 400


@dataclass(slots=True)
class Written:
    """One file's values.

    Attributes:
        value: mappings, lists and scalars, as plain Python values; None when the file says nothing.
        places: by path inside the file.
        raw: every text scalar, by path, before any substitution.
        problems: duplicate keys and the like; the value is usable beside them.
    """

    file: str
    value: object = None
    root: Node | None = None
    places: dict[Path, Place] = field(default_factory=dict)
    problems: list[Verdict] = field(default_factory=list)


def read_yaml(text: str, file: str, limits: YamlLimits = YamlLimits()) -> Written:  # noqa: B008 - frozen value
    """Read one file's text. Whatever is wrong with it ends up in ``problems``; nothing is raised."""
    written = Written(file)
    try:
        written.root = compose(text, file, limits)
        if written.root is not None:
            written.value = _Values(written, limits).build(written.root, (), 0)
    except YamlProblem as error:
        written.problems.append(error.verdict)
        written.value = None
    return written


class _Values:
    def __init__(self, written: Written, limits: YamlLimits) -> None:
        self._written = written
        self._limits = limits
        self._left = limits.values

    def build(self, node: Node, path: Path, depth: int) -> object:
        self._left -= 1
        if self._left < 0 or depth > self._limits.depth:
            raise YamlProblem(
                problem(
                    "too-large",
                    "",
                    "the file's anchors and aliases expand to more than is read",
                    self._at(node.start),
                    "write repeated parts out, or repeat smaller ones",
                )
            )
        node = node.written
        if node.kind == "scalar":
            return scalar(node)
        if node.kind == "sequence":
            items = []
            for index, item in enumerate(node.items):
                here = (*path, index)
                at = self._at(item.start)
                self._written.places[here] = Place(at, at, here)
                items.append(self.build(item, here, depth + 1))
            return items
        return self._mapping(node, path, depth)

    def _mapping(self, node: Node, path: Path, depth: int) -> dict[str, object]:
        values: dict[str, object] = {}
        for key_node, value_node in node.entries:
            key_scalar = key_node.written
            if key_scalar.kind != "scalar":
                self._written.problems.append(
                    problem(
                        "invalid-yaml",
                        dotted(path),
                        "a key here is a list or a mapping",
                        self._at(key_node.start),
                        "a key is text; put it in quotes if it contains `{` or `[`",
                    )
                )
                continue
            key = key_scalar.text
            here = (*path, key)
            at = self._at(key_node.start)
            if key in values:
                first = self._written.places[here].key
                self._written.problems.append(
                    problem(
                        "duplicate-key",
                        dotted(here),
                        f"the key `{key}` stands here a second time; the first is at line {first.line}",
                        at,
                        "keep one of the two",
                        related=(first,),
                    )
                )
                continue
            empty = value_node.kind == "scalar" and value_node.start == value_node.end
            self._written.places[here] = Place(at, at if empty else self._at(value_node.start), here)
            values[key] = self.build(value_node, here, depth + 1)
        return values

    def _at(self, mark: Mark) -> Location:
        return Location(self._written.file, mark.line, mark.column)


def scalar(node: Node) -> object:
    """The value of a scalar node: YAML 1.2 core schema for plain ones, text for the rest."""
    if not node.plain or node.tag in ("!", "tag:yaml.org,2002:str"):
        return node.text
    return plain_value(node.text)


def plain_value(text: str) -> object:
    """What an unquoted scalar means in the YAML 1.2 core schema. Numbers of absurd length stay text."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) > _DIGITS or text[0] not in "+-.0123456789":
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL_OR_HEX.fullmatch(text):
        return int(text[2:], 8 if text[1] == "o" else 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if infinite := _INFINITE.fullmatch(text):
        return float(infinite[1] + "inf")
    return text


def dotted(path: tuple[Step, ...]) -> str:
    """A path as people read it: `apis.customer-data.access[0].roles`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
