"""Results that were kept, one JSON file a day, and how the score moved. Other versions are never compared."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.domain import IncompleteError, Location
from assay.maturity.published import as_json
from assay.maturity.words import Result

FOLDER = "survey"
_MOST = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """A result as it was kept. ``dimensions`` are levels by number."""

    file: str
    survey: str
    at: datetime
    overall: float
    assurance: float
    perceived: float | None
    dimensions: Mapping[int, float | None]
    inputs: str


@dataclass(frozen=True, slots=True)
class Trend:
    """How the score moved. ``older``: files of other versions of the survey, which say nothing about this one."""

    kept: tuple[Kept, ...] = ()
    older: tuple[Kept, ...] = ()


def kept_text(result: Result) -> str:
    """The file of a result; the same result gives the same bytes."""
    return json.dumps(as_json(result), indent=2, ensure_ascii=False) + "\n"


def name_of(result: Result) -> str:
    """Its name: one a day, the last one of a day counts."""
    return f"{result.now:%Y-%m-%d}.json"


def read_kept(text: str, file: str) -> Kept:
    """A kept result.

    Raises:
        IncompleteError: the file is none, or is damaged.
    """
    try:
        if len(text) > _MOST:
            raise ValueError("too large")
        raw = json.loads(text)
        return _kept(raw, file)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise IncompleteError(
            "this is no kept result of a survey", fix="remove it, or restore it", location=Location(file)
        ) from error


def _kept(raw: Any, file: str) -> Kept:
    if raw["version"] != 1:
        raise ValueError("unknown version")
    at = datetime.fromisoformat(raw["at"])
    if at.tzinfo is None:
        raise ValueError("no time zone")
    return Kept(
        file,
        str(raw["survey"]),
        at,
        _level(raw["overall"]),
        _level(raw["assurance"]),
        None if raw["perceived"] is None else _level(raw["perceived"]),
        {int(d["number"]): None if d["level"] is None else _level(d["level"]) for d in raw["dimensions"]},
        str(raw["inputs"]),
    )


def _level(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 4:
        raise ValueError("no level")
    return float(value)


def trend(kept: Iterable[Kept], version: str, until: datetime) -> Trend:
    """Those of this version of the survey, oldest first, up to a moment; and the others."""
    ordered: Sequence[Kept] = sorted((k for k in kept if k.at <= until), key=lambda k: (k.at, k.file))
    return Trend(tuple(k for k in ordered if k.survey == version), tuple(k for k in ordered if k.survey != version))
