"""The Merkle tree of RFC 6962 (section 2.1), with the verification algorithms of RFC 9162 (section 2.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

SIZE = 32
"""Bytes of a hash."""

EMPTY = sha256(b"").digest()
"""The root of the tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry: SHA-256 of a zero byte and the entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees: SHA-256 of a one byte and both hashes."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """All that must be kept of a growing tree to tell its root: the roots of its complete subtrees, largest first.

    That is at most one hash for each binary digit of the size. Appending costs two hashes on average.
    """

    __slots__ = ("nodes", "size")

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        """A range over the first ``size`` leaves. Raises :class:`ValueError` unless there is one node per digit."""
        self.size = size
        self.nodes = list(nodes)
        if size < 0 or len(self.nodes) != size.bit_count() or any(len(n) != SIZE for n in self.nodes):
            raise ValueError("these are not the complete subtrees of a tree of that size")

    def append(self, leaf: bytes) -> None:
        """Add the hash of one leaf."""
        self.append_subtree(leaf, 0)

    def append_subtree(self, node: bytes, level: int) -> None:
        """Add the root of a complete subtree of ``2**level`` leaves; the size must be a multiple of that."""
        nodes, size = self.nodes, self.size >> level
        while size & 1:
            node = sha256(b"\x01" + nodes.pop() + node).digest()
            size >>= 1
        nodes.append(node)
        self.size += 1 << level

    def root(self) -> bytes:
        """The hash of the whole tree."""
        if not self.nodes:
            return EMPTY
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = sha256(b"\x01" + node + root).digest()
        return root

    def copy(self) -> CompactRange:
        """An independent copy."""
        return CompactRange(self.size, self.nodes)


class Levels:
    """Every complete subtree over a sequence of leaf hashes: ``levels[h][i]`` covers leaves ``i·2^h … (i+1)·2^h - 1``.

    Takes two hashes of memory for each leaf, and answers for the tree at every earlier size.
    """

    __slots__ = ("levels",)

    def __init__(self, leaves: Sequence[bytes]) -> None:
        level = list(leaves)
        self.levels = [level]
        while len(level) > 1:
            pairs = zip(level[::2], level[1::2], strict=False)
            level = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
            self.levels.append(level)

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self.levels[0])

    def range_at(self, size: int) -> list[bytes]:
        """The complete subtrees of the tree over the first ``size`` leaves, largest first."""
        return [self.levels[h][(size >> h) - 1] for h in range(size.bit_length() - 1, -1, -1) if size >> h & 1]

    def root(self, start: int = 0, end: int | None = None) -> bytes:
        """The hash over leaves ``start … end - 1``; ``start`` is a multiple of a power of two that is no smaller."""
        end = self.size if end is None else end
        if end == start:
            return EMPTY
        count = end - start
        if count & (count - 1) == 0:
            height = count.bit_length() - 1
            return self.levels[height][start >> height]
        split = start + _split(count)
        return node_hash(self.root(start, split), self.root(split, end))

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """The audit path of leaf ``index`` in the tree over the first ``size`` leaves (RFC 6962, 2.1.1)."""
        size = self.size if size is None else size
        if not 0 <= index < size <= self.size:
            raise ValueError("no such leaf in a tree of that size")
        start, end, path = 0, size, []
        while end - start > 1:
            split = start + _split(end - start)
            if index < split:
                path.append(self.root(split, end))
                end = split
            else:
                path.append(self.root(start, split))
                start = split
        return path[::-1]

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """The proof that the tree over ``old`` leaves is a prefix of that over ``new`` leaves (RFC 6962, 2.1.2)."""
        new = self.size if new is None else new
        if not 0 <= old <= new <= self.size:
            raise ValueError("no such trees")
        return [] if old in (0, new) else self._subproof(old, 0, new, True)

    def _subproof(self, old: int, start: int, end: int, complete: bool) -> list[bytes]:
        if old == end - start:
            return [] if complete else [self.root(start, end)]
        split = _split(end - start)
        if old <= split:
            return [*self._subproof(old, start, start + split, complete), self.root(start + split, end)]
        return [*self._subproof(old - split, start + split, end, False), self.root(start, start + split)]


def _split(count: int) -> int:
    """The largest power of two smaller than ``count``."""
    return 1 << (count - 1).bit_length() - 1


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an audit path leads to, None when the path has the wrong length (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return None
    first, last, root = index, size - 1, leaf
    for node in path:
        if last == 0:
            return None
        if first & 1 or first == last:
            root = node_hash(node, root)
            while not first & 1 and first:
                first >>= 1
                last >>= 1
        else:
            root = node_hash(root, node)
        first >>= 1
        last >>= 1
    return root if last == 0 else None


def consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the old tree is a prefix of the new one (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY
    nodes = list(proof)
    if old & (old - 1) == 0:
        nodes.insert(0, old_root)
    if not nodes:
        return False
    first, last = old - 1, new - 1
    while first & 1:
        first >>= 1
        last >>= 1
    seen_old = seen_new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            seen_old = node_hash(node, seen_old)
            seen_new = node_hash(node, seen_new)
            while not first & 1 and first:
                first >>= 1
                last >>= 1
        else:
            seen_new = node_hash(seen_new, node)
        first >>= 1
        last >>= 1
    return last == 0 and seen_old == old_root and seen_new == new_root
