"""The data categories of fideslang (Ethyca, CC BY 4.0)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

SPECIAL_CATEGORY = "user.special_category"
"""In `appetite.for`: every category of GDPR Art. 9 and 10 at once. The taxonomy has no key above them all."""


@cache
def categories() -> Mapping[str, str]:
    """Dotted key to name, such as ``user.contact.email`` to ``User Contact Email``."""
    text = files("assay.declare").joinpath("data", "fideslang_categories.json").read_text(encoding="utf-8")
    return MappingProxyType(json.loads(text)["categories"])


def belongs(category: str, to: str) -> bool:
    """Whether ``category`` is ``to`` or lies below it: `user.contact.email` belongs to `user.contact`."""
    return category == to or category.startswith(to + ".")
