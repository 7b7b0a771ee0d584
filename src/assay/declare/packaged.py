"""YAML files that come with Assay itself: read as contracts are, which loads nothing more."""

from __future__ import annotations

from typing import Any

from assay.declare.contract.yaml_values import load_yaml

_DEPTH, _VALUES, _ALIASED = 20, 100_000, 1_000


def plain_yaml(text: str) -> Any:
    """The value of a YAML text (core schema of YAML 1.2), as plain dictionaries, lists and scalars."""
    return load_yaml(text, depth=_DEPTH, values=_VALUES, aliased=_ALIASED)[0]
