"""Finding the free texts in a JSON value by their paths."""

from __future__ import annotations

from collections.abc import Iterable

from assay.gateway.inspector.decision import pointer
from assay.gateway.inspector.strict_json import Json

Tree = dict[str, "Tree"]
"""Paths as a tree; a NUL key marks the end of one (strict JSON has no such property)."""

_END = "\0"
_ANY = "*"


def tree(paths: Iterable[tuple[str, ...]]) -> Tree:
    """The paths as a tree. ``*`` stands for any array item or property."""
    root: Tree = {}
    for path in paths:
        node = root
        for part in path:
            node = node.setdefault(part, {})
        node[_END] = {}
    return root


def collect(value: Json, node: Tree, texts: list[tuple[str, Json]], *, where: tuple[str | int, ...] = ()) -> None:
    """Appends (JSON pointer, value) of everything under ``value`` that a path leads to. Depth is that of ``node``."""
    if _END in node:
        if isinstance(value, str | dict | list):
            texts.append((pointer(where), value))
        return
    if isinstance(value, dict):
        for name, below in node.items():
            if name == _ANY:
                for key, item in value.items():
                    collect(item, below, texts, where=(*where, key))
            elif name in value:
                collect(value[name], below, texts, where=(*where, name))
    elif isinstance(value, list) and _ANY in node:
        for index, item in enumerate(value):
            collect(item, node[_ANY], texts, where=(*where, index))
