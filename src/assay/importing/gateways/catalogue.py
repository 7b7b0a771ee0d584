"""What a platform offers: its features, by the control that each serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from assay.declare.packaged import plain_yaml
from assay.domain import Severity


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A platform's features. ``controls``: control id by feature; ``other``: features that are no security control."""

    platform: str
    title: str
    controls: Mapping[str, str]
    other: frozenset[str]

    def knows(self, feature: str) -> bool:
        """Whether the feature is known at all."""
        return feature in self.controls or feature in self.other

    def serving(self, control: str) -> tuple[str, ...]:
        """The features that serve a control."""
        return tuple(f for f, c in self.controls.items() if c == control)


@dataclass(frozen=True, slots=True)
class Expected:
    """A control that a gateway is expected to exercise on each route, and what is lost without it."""

    control: str
    severity: Severity
    lost: str


@cache
def catalogue(platform: str) -> Catalogue:
    """The catalogue of one platform."""
    raw = _data(platform)
    return Catalogue(platform, raw["title"], raw["features"], frozenset(raw.get("other") or ()))


@cache
def expected() -> tuple[Expected, ...]:
    """What is expected of every gateway, in the order in which a request meets it."""
    raw = _data("expected")
    return tuple(Expected(c, Severity(said["severity"]), said["lost"]) for c, said in raw.items())


def _data(name: str) -> dict[str, Any]:
    text = (resources.files("assay.importing.gateways") / "data" / f"{name}.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = plain_yaml(text)
    return found
