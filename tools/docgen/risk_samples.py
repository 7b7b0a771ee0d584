"""Values in the published shapes of ``risk``, made by the publishing code."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from assay.app.project import open_project
from assay.app.register import Looked, looked, money, what_next
from assay.cli import risk as command
from assay.report import risk_tables
from assay.report.json_ import document
from assay.risk.ageing import Rise
from assay.risk.estimates import Judged
from assay.risk.facts import Ignored
from assay.risk.register import Register, Row
from assay.risk.stored import Content, Difference, Recomputed
from assay.risk.words import Rating
from tools.docgen.sample import EXAMPLE

Json = dict[str, Any]
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def all_of_them() -> dict[str, list[Json]]:
    """By name: every shape that has to do with risk, of the example with its decisions and losses."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "example"
        shutil.copytree(EXAMPLE, place, ignore=shutil.ignore_patterns(".assay", "__pycache__"))
        found = looked(open_project(place), _NOW)
        shown = _register(found)
        steps = what_next(found)
        mending = replace(steps[0], about="…", control="")
        content = Content(1, 1, "…", "…", "…", _NOW, ())
        differs = Recomputed(content, 1, True, (Difference("…", "…", "…"),))
        return {
            "risk": [shown],
            "reading": [risk["inherent"] for risk in shown["risks"]],
            "risk-why": [{"version": 1, "risk": shown["risks"][0], "derivation": ["…"]}],
            "risk-next": [_parsed(document(next=[risk_tables.step(each) for each in (*steps, mending)]))],
            "risk-money": [_parsed(document(**command.money_as_json(money(found))))],
            "risk-recompute": [_parsed(document(**command.recomputed_as_json(differs)))],
        }


def _register(found: Looked) -> Json:
    """A register with one risk that has everything, and those of the example, which lack it."""
    decided = next(r for r in found.register.rows if r.decided.reason and r.decided.due)
    rows = (_complete(decided), *(r for r in found.register.rows if r is not decided))
    whole = replace(found, register=Register(rows, _NOW, found.register.notes), ignored=(Ignored("…", 1, ("…",)),))
    return _parsed(document(**command.as_json(whole)))


def _complete(row: Row) -> Row:
    group = row.assessment.groups[0]
    effects = tuple(replace(e, measured=_NOW, assurance=0.5) for e in group.effects)
    full = replace(group, effects=effects, exploited=("…",), accepted=("exceptions.0",))
    estimates = tuple(
        Judged("motive", 4, 9, True, "…", by, until) for by, until in (("ciso", date(2026, 1, 31)), ("", None))
    )
    return replace(
        row,
        assessment=replace(row.assessment, groups=(full,)),
        estimates=estimates,
        incidents=(0,),
        rise=Rise(_NOW, Rating.HIGH),
        appetite_for="…",
    )


def _parsed(text: str) -> Json:
    found: Json = json.loads(text)
    return found
