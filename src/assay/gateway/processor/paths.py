"""Finds the fields that paths name in a JSON value, and replaces them.

A path is a tuple of member names; ``*`` is any item of an array or any member that no path beside it names. The empty
path is the whole value. All paths of a policy become one automaton, so that a body is walked once and every value in it
is met once.

Upstreams do not always keep to their contract, and a field must not be missed because of that. An array where an object
was promised is read as many such objects, an object where an array was promised as one item; whatever stands at the end
of a path is replaced whole, also when it is an object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, TypeVar

from assay.gateway.processor.json_text import Json

ANY: Final = "*"
Path = tuple[str, ...]
Counts = dict[str, int]
"""How often something was done, by field name."""
L = TypeVar("L")


class _Dropped:
    def __repr__(self) -> str:
        return "DROPPED"


DROPPED: Final[Any] = _Dropped()
"""What an action returns to remove the member or item. The whole value dropped is ``null``."""


class _Node(Generic[L]):
    """A point in the tree of paths. ``named`` is set when the contract names it, so that ``*`` does not mean it."""

    __slots__ = ("children", "leaf", "named", "star")

    def __init__(self) -> None:
        self.children: dict[str, _Node[L]] = {}
        self.star: _Node[L] | None = None
        self.leaf: L | None = None
        self.named = False


class Paths(Generic[L]):
    """What the paths say about one place in a body: an automaton's state, unfolded as bodies reach it."""

    __slots__ = ("_items", "_members", "_nodes", "_other", "leaf", "scalar")

    def __init__(self, nodes: Iterable[_Node[L]], covering: Iterable[_Node[L]] = ()) -> None:
        exact, loose = list(nodes), list(covering)
        self._nodes = tuple(dict.fromkeys((*exact, *loose)))
        self.leaf: L | None = next((n.leaf for n in exact if n.leaf is not None), None)
        """Applies to whatever stands here."""
        self.scalar: L | None = next((n.leaf for n in loose if n.leaf is not None), None)
        """Applies to a scalar here: ``*`` ends here too, but a name beside it goes deeper."""
        self._members: dict[str, Paths[L]] | None = None
        self._other: Paths[L] | None = None
        self._items: Paths[L] | None = None

    @property
    def members(self) -> dict[str, Paths[L]]:
        """What applies to the members that paths name."""
        if self._members is None:
            stars = [n.star for n in self._nodes if n.star is not None]
            found: dict[str, list[_Node[L]]] = {}
            for node in self._nodes:
                for name, child in node.children.items():
                    found.setdefault(name, []).append(child)
            self._other = Paths(stars) if stars else None
            self._members = {
                name: Paths(children, () if any(c.named for c in children) else stars)
                for name, children in found.items()
            }
        return self._members

    @property
    def other(self) -> Paths[L] | None:
        """What applies to all other members; None when nothing does."""
        self.members  # noqa: B018  # unfolds both
        return self._other

    @property
    def items(self) -> Paths[L]:
        """What applies to the items of an array that stands here."""
        if self._items is None:
            stars = [n.star for n in self._nodes if n.star is not None]
            objects = [n for n in self._nodes if n.children]
            self._items = Paths((*stars, *objects)) if stars else self
        return self._items


def compile_paths(leaves: Iterable[tuple[Path, L]], named: Iterable[Path] = ()) -> Paths[L] | None:
    """The automaton of ``leaves``, or None when there are none.

    Where two leaves have one path, the first wins. ``named`` are the paths that the contract names (as many as are
    known): ``*`` is not taken to mean them. Without it, a member is covered by its name and by ``*``.
    """
    root: _Node[L] = _Node()
    empty = True
    for path, leaf in leaves:
        node = _reach(root, path)
        node.leaf = leaf if node.leaf is None else node.leaf
        empty = False
    if empty:
        return None
    for path in named:
        _reach(root, path).named = True
    return Paths([root])


def rewrite(value: Json, paths: Paths[L], act: Callable[[L, Json], Json]) -> Json:
    """``value`` with ``act(leaf, found)`` in place of everything that ``paths`` lead to; changed in place.

    Raises:
        RecursionError: the value nests deeper than the interpreter's stack. Whatever ``act`` raises.
    """
    replaced = _walk(value, paths, act)
    return None if replaced is DROPPED else replaced


def _walk(value: Json, paths: Paths[L], act: Callable[[L, Json], Json]) -> Json:
    if paths.leaf is not None:
        return act(paths.leaf, value)
    if isinstance(value, dict):
        _walk_object(value, paths, act)
    elif isinstance(value, list):
        items = paths.items
        value[:] = [new for item in value if (new := _walk(item, items, act)) is not DROPPED]
    elif paths.scalar is not None:
        return act(paths.scalar, value)
    return value


def _walk_object(value: dict[str, Json], paths: Paths[L], act: Callable[[L, Json], Json]) -> None:
    members, other = paths.members, paths.other
    for name in list(value) if other is not None else [n for n in members if n in value]:
        old = value[name]
        below = members.get(name)
        if below is None and other is not None:
            below = _unnamed(old, name, other)
        if below is not None:
            new = _walk(old, below, act) if below.leaf is None else act(below.leaf, old)
            if new is DROPPED:
                del value[name]
            elif new is not old:
                value[name] = new


def _unnamed(value: Json, name: str, other: Paths[L]) -> Paths[L]:
    """What applies to member ``name``, which only ``*`` covers.

    Normally that is ``other``. But ``*`` may have meant the items of an array, and the object be such an item itself:
    then its members are not objects as items are, and those that the items' paths name are the ones to replace.
    """
    if other.leaf is not None or isinstance(value, dict):
        return other
    if isinstance(value, list) and other.other is not None:
        return other
    return other.members.get(name, other)


def add_one(counts: Counts, name: str) -> None:
    """Count ``name`` once more."""
    counts[name] = counts.get(name, 0) + 1


def _reach(root: _Node[L], path: Path) -> _Node[L]:
    node = root
    for segment in path:
        if segment == ANY:
            if node.star is None:
                node.star = _Node()
            node = node.star
        else:
            node = node.children.setdefault(segment, _Node())
    return node
