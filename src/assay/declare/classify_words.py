"""The words that :mod:`assay.declare.classify` knows, from `data/field_words.toml`, which says what each key means."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from assay.declare.model import Level

Certainty = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a phrase in a field's name stands for."""

    category: str
    phrases: tuple[str, ...]
    level: Level
    identifies: Literal["direct", "quasi"] | None = None
    bits: float | None = None
    confidence: Certainty = "high"
    context: Literal["person", "address", "card"] | None = None
    loose: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """All words; ``contexts`` holds those that make a schema one about a person, an address or a card."""

    meanings: tuple[Meaning, ...]
    contexts: dict[str, frozenset[str]]
    things: frozenset[str]
    free_text: frozenset[str]
    not_data_after: frozenset[str]
    not_data_before: frozenset[str]
    qualifiers: frozenset[str]


@cache
def words() -> Words:
    """Read the package's word list."""
    data = tomllib.loads(files("assay.declare").joinpath("data", "field_words.toml").read_text(encoding="utf-8"))
    person = frozenset(data["person"])
    return Words(
        meanings=tuple(Meaning(**{**m, "phrases": tuple(m["phrases"])}) for m in data["meaning"]),
        contexts={"person": person, "address": person | set(data["address"]), "card": frozenset(data["card"])},
        things=frozenset(data["not_person"]),
        free_text=frozenset(data["free_text"]),
        not_data_after=frozenset(data["not_data_after"]),
        not_data_before=frozenset(data["not_data_before"]),
        qualifiers=frozenset(data["qualifiers"]),
    )
