"""Where values stand in a YAML text: one pass over libyaml's events, made when the first place is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from assay.declare.contract.yaml_values import YamlFailure, events


@dataclass(slots=True)
class _Node:
    """A value: where its key (or, without one, itself) stands, and its members by key or index."""

    line: int
    column: int
    members: dict[str, _Node] | None = None
    is_mapping: bool = False
    key: tuple[str, int, int] | None = None


class YamlPlaces:
    """Lines and columns in one YAML text."""

    __slots__ = ("_root", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._root: _Node | None = None

    def find(self, steps: list[str]) -> tuple[int, int]:
        """Line and column (from 1, in characters) of the key or list item at ``steps``, or of the nearest above it."""
        if self._root is None:
            self._root = _index(self._text)
        node = self._root
        for step in steps:
            below = node.members.get(step) if node.members else None
            if below is None:
                break
            node = below
        return node.line, node.column


def _index(text: str) -> _Node:
    root = _Node(1, 1)
    stack: list[_Node] = []
    anchors: dict[str, _Node] = {}
    try:
        for event in events(text):
            kind = type(event)
            if kind is yaml.ScalarEvent or kind is yaml.AliasEvent:
                top = stack[-1] if stack else None
                if top is not None and top.is_mapping and top.key is None:
                    key = event.value if kind is yaml.ScalarEvent else ""
                    top.key = (key, event.start_mark.line + 1, event.start_mark.column + 1)
                    continue
                node = _add(stack, event)
                if kind is yaml.AliasEvent and event.anchor in anchors:
                    node.members = anchors[event.anchor].members
                elif kind is yaml.ScalarEvent and event.anchor:
                    anchors[event.anchor] = node
                if not stack:
                    root = node
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                node = _add(stack, event)
                node.members = {}
                node.is_mapping = kind is yaml.MappingStartEvent
                if event.anchor:
                    anchors[event.anchor] = node
                if not stack:
                    root = node
                stack.append(node)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                stack.pop()
    except YamlFailure:
        return root
    return root


def _add(stack: list[_Node], event: Any) -> _Node:
    node = _Node(event.start_mark.line + 1, event.start_mark.column + 1)
    if stack:
        top = stack[-1]
        members = top.members if top.members is not None else {}
        if top.is_mapping:
            name, node.line, node.column = top.key or ("", node.line, node.column)
            top.key = None
        else:
            name = str(len(members))
        members[name] = node
    return node
