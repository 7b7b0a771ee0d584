"""Listing keysets without opening them."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.app.keyrings import known, listed, names
from assay.domain import AssayError, UsageError
from assay.gateway import keysets


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    directory = tmp_path / "keys"
    for name in ("orders", "customers"):
        keysets.ensure(directory, name)
    return directory


def test_keysets_are_listed_with_their_number_of_keys(keys: Path) -> None:
    keysets.rotate(keys, "orders")
    assert names(keys) == ("customers", "orders")
    assert [(k.name, k.keys, k.lookup_keys) for k in listed(keys)] == [("customers", 1, 1), ("orders", 2, 1)]


def test_a_project_that_never_ran_has_none(tmp_path: Path) -> None:
    assert listed(tmp_path / "none") == ()


def test_a_misspelt_name_leads_to_what_was_meant(keys: Path) -> None:
    assert known(keys, "orders") == "orders"
    with pytest.raises(UsageError) as error:
        known(keys, "order")
    assert error.value.fix == "did you mean `orders`?"


def test_where_there_is_none_it_is_said_how_one_comes_to_be(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        known(tmp_path, "orders")
    assert "assay up" in error.value.fix


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"keysetInfo": 3}', b"\xff"])
def test_a_damaged_keyset_is_told(keys: Path, damage: bytes) -> None:
    (keys / "orders.aead.json").write_bytes(damage)
    with pytest.raises(AssayError) as error:
        listed(keys)
    assert "orders.aead.json" in error.value.sentence
    assert error.value.fix


def test_a_keyset_that_others_may_read_is_refused(keys: Path) -> None:
    (keys / "orders.aead.json").chmod(0o644)
    with pytest.raises(AssayError):
        listed(keys)
