"""The survey that comes with Assay: questions (``data/survey.csv``), and their measures (``data/measures.yaml``)."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from assay.declare.packaged import plain_yaml
from assay.maturity.anchors import read_anchors
from assay.maturity.words import TOP, By, Question, Survey, Unit

_OBJECTIVE = re.compile(r"CO-[A-Z]{3}-[0-9]{2}")
_BY = {"A": By.MEASURED, "A/P": By.MEASURED, "P": By.PART, "M": By.HAND}


@dataclass(frozen=True, slots=True)
class Rule:
    """How a question is measured, from ``measures.yaml``.

    Attributes:
        measure: name of the measure; empty: there is none, and ``none`` says why.
        arguments: what it is told, such as the checks and proofs that it counts.
        declared: the highest level that the declaration alone speaks for; above, proofs on the running system do.
        ceiling: the highest level that measuring can give; ``ceiling_because`` says what is missing.
        proxy: what is measured in the place of what the question asks, where that differs.
        step: what has to be done, with ``{n}`` and ``{of}``; ``command`` and ``guide``: where to begin;
            ``otherwise``: the command where nothing declared stands in the way.
    """

    measure: str = ""
    arguments: Mapping[str, Any] | None = None
    declared: int = TOP
    ceiling: int = TOP
    ceiling_because: str = ""
    proxy: str = ""
    none: str = ""
    step: str = ""
    command: str = ""
    otherwise: str = ""
    guide: str = ""


@cache
def _raw() -> Mapping[str, Any]:
    found: Mapping[str, Any] = plain_yaml(_text("measures.yaml"))
    return found


def _text(name: str) -> str:
    return (resources.files("assay.maturity") / "data" / name).read_text(encoding="utf-8")


@cache
def survey() -> Survey:
    """The survey, whole."""
    raw = _raw()
    dimensions: dict[int, str] = {}
    questions = []
    for row in csv.DictReader(_text("survey.csv").splitlines()):
        number, _, name = row["dimension"].partition(" ")
        dimensions[int(number)] = name
        weight, _, gate = row["weight"].partition(" ")
        unit = Unit(raw["questions"][row["id"]]["unit"])
        anchors, falling = read_anchors(row["level 1 .. level 4 anchors"], unit)
        metric = row["measured metric (control objective)"]
        questions.append(
            Question(
                id=row["id"],
                dimension=int(number),
                text=row["question"],
                weight=int(weight),
                gate=gate == "gate",
                by=_BY[row["answered by"]],
                metric=metric,
                objectives=tuple(_OBJECTIVE.findall(metric)),
                unit=unit,
                falling=falling,
                anchors=anchors,
            )
        )
    return Survey(str(raw["version"]), dimensions, tuple(questions))


@cache
def rules() -> Mapping[str, Rule]:
    """How each question is measured, by its id."""
    return {key: _rule(entry) for key, entry in _raw()["questions"].items()}


def _rule(entry: Mapping[str, Any]) -> Rule:
    known = {k: v for k, v in entry.items() if k not in ("unit", "with")}
    return Rule(arguments=entry.get("with") or {}, **known)
