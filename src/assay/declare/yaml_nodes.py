"""YAML 1.2 text as a tree of nodes that know exactly where they stand.

libyaml does the scanning; the tree is built from its events, one at a time, so that depth and size are bounded before
anything is allocated, and no input reaches Python's recursion limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import yaml

from assay.declare.problem import problem
from assay.domain import Location, Verdict

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STARTS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_CORE = "tag:yaml.org,2002:"
_TAGS = frozenset(_CORE + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))


class Mark(NamedTuple):
    """A position: ``index`` in characters from 0, ``line`` and ``column`` from 1."""

    index: int  # type: ignore[assignment]  # a tuple's method of that name is not wanted here
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class YamlLimits:
    """What one declaration file may cost. Sizes count bytes, depth counts nested collections."""

    bytes: int = 4 * 1024 * 1024
    depth: int = 48
    values: int = 200_000


@dataclass(slots=True, eq=False)
class Node:
    """One value as it was written. ``flow`` is the `{…}` or `[…]` style; an alias has its own marks and a target."""

    kind: Literal["mapping", "sequence", "scalar", "alias"]
    start: Mark
    end: Mark
    text: str = ""
    plain: bool = False
    style: str = ""
    flow: bool = False
    tag: str | None = None
    anchor: str | None = None
    entries: Sequence[tuple[Node, Node]] = ()
    items: Sequence[Node] = ()
    target: Node | None = None

    @property
    def written(self) -> Node:
        """The node itself, or what the alias stands for."""
        return self.target if self.target is not None else self


class YamlProblem(Exception):
    """Reading stopped; carries the diagnostic. Never leaves :mod:`assay.declare`."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.sentence)
        self.verdict = verdict


def compose(text: str, file: str, limits: YamlLimits = YamlLimits()) -> Node | None:
    """The root node of the only document in ``text``; None when it says nothing.

    Raises:
        YamlProblem: not YAML, too deep, more than one document, an unknown tag, or an alias into itself.
    """
    try:
        return _Composer(file, limits).run(yaml.parse(text, Loader=_Loader))
    except yaml.YAMLError as error:
        raise YamlProblem(_not_yaml(error, text, file)) from None


class _Composer:
    def __init__(self, file: str, limits: YamlLimits) -> None:
        self._file = file
        self._limits = limits
        self._anchors: dict[str, Node] = {}
        self._open: list[tuple[Node, list[Node]]] = []
        self._root: Node | None = None

    def run(self, events: Iterator[Any]) -> Node | None:
        documents = 0
        for event in events:
            if isinstance(event, yaml.ScalarEvent):  # first, for there are most of them
                self._scalar(event)
            elif isinstance(event, _STARTS):
                self._start(event)
            elif isinstance(event, _ENDS):
                self._finish(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._stop(
                        "more-than-one-document",
                        "a second YAML document starts here",
                        event,
                        "keep one document per file; put the second one into a file of its own in assay.d/",
                    )
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
        root = self._root
        empty = root is None or (root.kind == "scalar" and root.plain and not root.text and root.anchor is None)
        return None if empty else root

    def _scalar(self, event: Any) -> None:
        node = Node("scalar", _mark(event.start_mark), _mark(event.end_mark), text=event.value)
        node.plain = bool(event.implicit[0]) and event.style in (None, "")
        node.style = event.style or ""
        self._name(node, event)
        self._add(node)

    def _start(self, event: Any) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        node = Node("mapping" if mapping else "sequence", _mark(event.start_mark), _mark(event.end_mark))
        node.flow = bool(event.flow_style)
        self._name(node, event)
        if len(self._open) >= self._limits.depth:
            raise self._stop(
                "too-deep",
                f"values are nested more than {self._limits.depth} levels deep",
                event,
                "flatten the declaration; no part of it needs such depth",
            )
        self._open.append((node, []))

    def _finish(self, event: Any) -> None:
        node, children = self._open.pop()
        node.end = _mark(event.end_mark)
        if node.kind == "mapping":
            node.entries = list(zip(children[::2], children[1::2], strict=True))
        else:
            node.items = children
        self._add(node)

    def _alias(self, event: Any) -> None:
        target = self._anchors.get(event.anchor)
        if target is None:
            raise self._stop(
                "unknown-alias",
                f"`*{event.anchor}` names no anchor",
                event,
                f"write `&{event.anchor}` before the value it should repeat",
            )
        if any(node is target for node, _ in self._open):
            raise self._stop(
                "recursive-alias",
                f"`*{event.anchor}` stands inside the value it repeats",
                event,
                "write the inner value out",
            )
        self._add(Node("alias", _mark(event.start_mark), _mark(event.end_mark), target=target))

    def _name(self, node: Node, event: Any) -> None:
        if event.tag not in (None, "!") and event.tag not in _TAGS:
            raise self._stop("unknown-tag", f"the YAML tag `{event.tag}` means nothing here", event, "remove the tag")
        node.tag = event.tag
        node.anchor = event.anchor
        if event.anchor:
            self._anchors[event.anchor] = node

    def _add(self, node: Node) -> None:
        if self._open:
            self._open[-1][1].append(node)
        elif self._root is None:
            self._root = node

    def _stop(self, check: str, sentence: str, event: Any, fix: str) -> YamlProblem:
        mark = _mark(event.start_mark)
        return YamlProblem(problem(check, "", sentence, Location(self._file, mark.line, mark.column), fix))


def _mark(mark: Any) -> Mark:
    return Mark(mark.index, mark.line + 1, mark.column + 1)


def _not_yaml(error: yaml.YAMLError, text: str, file: str) -> Verdict:
    if isinstance(error, yaml.reader.ReaderError) or not isinstance(error, yaml.MarkedYAMLError):
        return _bad_character(text, file)
    mark = error.problem_mark or error.context_mark
    where = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
    lines = text.splitlines()
    line = lines[where.line - 1] if where.line <= len(lines) else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent or ("\t" in line and "cannot start any token" in (error.problem or "")):
        where = Location(file, where.line, line.index("\t") + 1)
        return problem("tab-indentation", "", "a tab is used for indentation", where, "indent with spaces")
    for part, sentence, fix in _PLAIN_WORDS:
        if part in (error.problem or ""):
            return problem("invalid-yaml", "", sentence, where, fix)
    return problem(
        "invalid-yaml", "", f"this is not YAML: {error.problem}", where, "correct the line, or the one before it"
    )


_PLAIN_WORDS = (
    (
        "mapping values are not allowed",
        "a `key: value` starts where no key may stand",
        "check the indentation, and put a value that contains `: ` in quotes",
    ),
    (
        "found unexpected ':'",
        "a `:` stands here without a space after it",
        "write `key: value`, or put a text that contains `:` in quotes",
    ),
    ("could not find expected ':'", "this key has no `:` after it", "write `key: value`"),
    (
        "did not find expected key",
        "a key was expected here",
        "check that the keys of one mapping start in the same column",
    ),
    (
        "did not find expected '-' indicator",
        "a list item was expected here",
        "check that the items of one list start in the same column",
    ),
    (
        "did not find expected ',' or '}'",
        "a `{` is not closed",
        "close it with `}`, or put a comma between the entries",
    ),
    ("did not find expected ',' or ']'", "a `[` is not closed", "close it with `]`, or put a comma between the items"),
    ("found unexpected end of stream", "a quoted text is not closed", "close the quotes"),
    (
        "cannot start any token",
        "this character cannot start a value",
        "put the value in quotes",
    ),
)


def _bad_character(text: str, file: str) -> Verdict:
    for number, line in enumerate(text.split("\n"), start=1):
        for column, character in enumerate(line, start=1):
            if not _printable(character):
                return problem(
                    "invalid-yaml",
                    "",
                    f"the control character U+{ord(character):04X} is not allowed in YAML",
                    Location(file, number, column),
                    "remove it",
                )
    return problem("invalid-yaml", "", "this is not YAML", Location(file), "check the file's encoding")


def _printable(character: str) -> bool:
    """YAML 1.2.2 production [1] c-printable."""
    code = ord(character)
    return (
        code in (0x09, 0x0A, 0x0D, 0x85)
        or 0x20 <= code <= 0x7E
        or 0xA0 <= code <= 0xD7FF
        or (0xE000 <= code <= 0xFFFD and code != 0xFEFF)
        or 0x10000 <= code <= 0x10FFFF
    )
