"""Proofs are loaded by who plans them, and every control that says it proves has them."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from assay.controls.registry import FACES


@pytest.mark.parametrize("control", [face.id for face in FACES if face.prove])
def test_a_control_that_proves_has_its_proofs(control: str) -> None:
    assert callable(import_module(f"assay.controls.{control}.prove").prove)


def test_the_registry_alone_loads_no_proof() -> None:
    code = "import sys, assay.controls.registry; print(*(m for m in sys.modules if m.endswith('.prove')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not [m for m in done.stdout.split() if m.startswith("assay.controls.")]
