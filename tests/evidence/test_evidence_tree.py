"""RFC 6962 trees: known roots, and proofs that convince exactly when they should."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.evidence.tree import EMPTY, CompactRange, Levels, consistent, leaf_hash, node_hash, root_from_inclusion

# The leaves and roots that implementations of Certificate Transparency test with.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


def defined(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, section 2.1, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(defined(leaves[:k]), defined(leaves[k:]))


def hashes(number: int) -> list[bytes]:
    return [leaf_hash(b"%d" % n) for n in range(number)]


@pytest.mark.parametrize("size", ROOTS)
def test_roots_are_those_that_others_have(size: int) -> None:
    tree = CompactRange()
    for leaf in LEAVES[:size]:
        tree.append(leaf_hash(bytes.fromhex(leaf)))
    assert tree.root().hex() == ROOTS[size]


@given(st.integers(0, 130))
def test_every_way_to_the_root_is_the_definition(size: int) -> None:
    leaves = hashes(size)
    tree = CompactRange()
    for leaf in leaves:
        tree.append(leaf)
    levels = Levels(leaves)
    assert tree.root() == defined(leaves) == levels.root()
    assert CompactRange(size, levels.range_at(size)).root() == tree.root()
    assert CompactRange().root() == EMPTY


@given(st.data())
def test_inclusion_convinces_of_that_leaf_at_that_place_only(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70))
    index = data.draw(st.integers(0, size - 1))
    leaves = hashes(size)
    levels = Levels(leaves)
    path = levels.inclusion(index)
    assert root_from_inclusion(leaves[index], index, size, path) == levels.root()
    assert root_from_inclusion(leaf_hash(b"another"), index, size, path) != levels.root()
    other = data.draw(st.integers(0, size + 3))
    if other != index:
        assert root_from_inclusion(leaves[index], other, size, path) != levels.root()
    if path:
        assert root_from_inclusion(leaves[index], index, size, path[:-1]) != levels.root()
    assert root_from_inclusion(leaves[index], index, size, [*path, b"x" * 32]) is None


@given(st.data())
def test_consistency_convinces_of_a_true_prefix_only(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 70))
    old = data.draw(st.integers(1, new))
    levels = Levels(hashes(new))
    proof = levels.consistency(old)
    before, after = levels.root(0, old), levels.root()
    assert consistent(old, before, new, after, proof)
    assert not consistent(old, leaf_hash(b"other"), new, after, proof)
    assert not consistent(old, before, new, leaf_hash(b"other"), proof)
    assert not consistent(old, before, new, after, [*proof, b"x" * 32])
    if proof:
        assert not consistent(old, before, new, after, proof[1:])
    if old < new:
        assert not consistent(new, after, old, before, proof)


@given(st.integers(0, 90), st.integers(0, 90), st.binary(max_size=64))
def test_no_numbers_and_no_proof_make_it_fail(old: int, new: int, noise: bytes) -> None:
    proof = [noise.ljust(32, b"\0")[:32]] * 3
    consistent(old, noise, new, noise, proof)
    root_from_inclusion(noise, old, new, proof)
    with pytest.raises(ValueError, match="subtrees"):
        CompactRange(old, [noise[:31]] * 9)
