"""Operations with the same input divide the attacks on it: each shows a part, and nothing is left out by all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from benchmarks.proving import generated
from hypothesis import given
from hypothesis import strategies as st

from assay.controls.input_validation.proofs.siblings import Lot, lots
from assay.controls.input_validation.prove import prove
from assay.declare import load
from assay.prove.personas import personas_of
from assay.prove.surface import Surface, targets_of


@given(st.integers(1, 12), st.lists(st.integers(), unique=True, max_size=20))
def test_every_item_falls_to_some_sibling_and_none_goes_empty(size: int, items: list[int]) -> None:
    parts = [Lot(index, size).pick(items) for index in range(size)]
    assert {i for part in parts for i in part} == set(items)
    assert all(parts) or not items
    halves = [Lot(index, size).half(items) for index in range(size)]
    assert all(halves) or not items
    assert {i for half in halves for i in half} == set(items)


def test_one_without_siblings_takes_all_up_to_its_most() -> None:
    assert Lot().pick("abcd") == ("a", "b", "c", "d")
    assert Lot().pick("abcd", most=3) == ("a", "b", "c")
    assert Lot().half("abc") == ("a", "b", "c")


def records(folder: Path, **more: object) -> Surface:
    (folder / "openapi.json").write_text(json.dumps(generated.contract()))
    declared = generated.declaration(port=1, upstream=2)
    declared["apis"][generated.API].update(more)
    (folder / "assay.yaml").write_text(yaml.safe_dump(declared))
    declaration = load(folder / "assay.yaml", environ={})
    targets = targets_of(declaration, base_of={generated.API: ""})
    return Surface(declaration, targets, personas_of(declaration, "bench"))


def sizes(surface: Surface) -> Mapping[str, int]:
    return {operation: lot.size for (_, operation), lot in lots(surface, surface.targets).items()}


def test_resources_of_the_same_shape_are_siblings(tmp_path: Path) -> None:
    found = sizes(records(tmp_path))
    assert {found[f"create{name}"] for name in ("Order", "Visit", "Letter")} == {len(generated.RESOURCES)}
    assert "createCustomer" not in found, "its path has no parameter"


def test_what_only_observes_is_no_sibling_of_what_refuses(tmp_path: Path) -> None:
    found = sizes(records(tmp_path, observe=[{"control": "input_validation", "operations": ["createOrder"]}]))
    assert "createOrder" not in found
    assert found["createVisit"] == len(generated.RESOURCES) - 1


def test_without_a_gateway_of_ours_nothing_is_divided(tmp_path: Path) -> None:
    surface = records(tmp_path)
    bare = Surface(surface.declaration, surface.targets, surface.personas, via="direct")
    assert lots(bare, bare.targets) == {}


@pytest.mark.parametrize("check", ["sql-injection", "code-injection", "contract-not-enforced", "superlinear-input"])
def test_every_operation_keeps_its_own_case(tmp_path: Path, check: str) -> None:
    cases = [c for c in prove(records(tmp_path)) if c.test.id == check]
    assert {c.operation for c in cases} >= {
        f"{verb}{name}" for verb in ("create", "update") for name in ("Order", "Letter")
    }
