"""The threats that come with Assay, as data: ``data/threats.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from assay.declare.packaged import plain_yaml
from assay.risk.words import Threat

SCOPES = ("operations", "apis", "systems", "accounts", "flows", "principals")


@dataclass(frozen=True, slots=True)
class Known:
    """A threat of the catalogue.

    Attributes:
        where: which of its scope's subjects it may strike; empty: all of them.
        factors: by name: value (0 to 9) and argument, where it follows from the threat itself.
        without: why no control stands against it; empty: some does.
    """

    threat: Threat
    where: str
    factors: Mapping[str, tuple[float, str]]
    without: str = ""


@cache
def threats() -> Mapping[str, Known]:
    """Every threat by its id, in the order of the file. Read at the first call."""
    text = (resources.files("assay.risk") / "data" / "threats.yaml").read_text(encoding="utf-8")
    raw: Mapping[str, Mapping[str, Any]] = plain_yaml(text)
    return {id: _known(id, entry) for id, entry in raw.items()}


def _known(id: str, entry: Mapping[str, Any]) -> Known:
    threat = Threat(id, entry["title"], entry["what"], entry["scope"], tuple(entry["references"]))
    factors = {name: (float(value), argument) for name, (value, argument) in entry["factors"].items()}
    return Known(threat, entry.get("where", ""), factors, entry.get("without", ""))
