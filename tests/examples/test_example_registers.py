"""The examples end in registers whose every line somebody could defend, and in one that shows all that goes wrong."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assay.app.project import open_project
from assay.app.register import Looked, looked, money
from assay.risk.register import Row, rank
from assay.risk.words import Rating

EXAMPLES = Path(__file__).parents[2] / "examples"
GOLDEN = Path(__file__).parent / "registers"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAMES = ("customer-data", "retailer", "retailer-fixed")
COLUMNS = ("risk", "inherent", "claimed", "evidenced", "rating", "appetite", "owner", "treatment", "flags")
EVERY_CHECK = {
    "risk-without-scenario",
    "risk-undecided",
    "risk-overdue",
    "estimate-ignored",
    "incident-without-threat",
    "incident-ahead",
    "incident-nowhere",
}


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Looked]:
    """``example(name)``: what its register says on a day, before anything was proven; no run beside it counts."""
    known: dict[str, Looked] = {}

    def look(name: str) -> Looked:
        if name not in known:
            place = tmp_path_factory.mktemp("example") / name
            shutil.copytree(EXAMPLES / name, place, ignore=shutil.ignore_patterns(".assay*", "__pycache__", "data"))
            known[name] = looked(open_project(place, environ={}), NOW)
        return known[name]

    return look


def _flags(row: Row) -> str:
    found = [
        "above" if row.above else "",
        "overdue" if row.overdue else "",
        *(f"{e.name} {'estimated' if e.counts else 'estimate ignored'}" for e in row.estimates),
        "happened" if row.incidents else "",
    ]
    return "; ".join(f for f in found if f)


def _shown(found: Looked) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in found.register.rows:
        one = row.assessment
        readings = zip(
            (row.inherent, row.claimed, row.evidenced), (one.inherent, one.claimed, one.evidenced), strict=True
        )
        table.writerow(
            [
                row.id,
                *(f"{rating} {reading.score:.1f}" for rating, reading in readings),
                str(row.rating),
                str(row.appetite),
                row.owner if row.owner_declared else f"({row.owner})",
                f"{row.decided.treatment or ''} {row.decided.due or ''}".strip(),
                _flags(row),
            ]
        )
    return out.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_each_line_of_a_register_is_what_was_agreed(example: Callable[[str], Looked], name: str) -> None:
    golden, shown = GOLDEN / f"{name}.csv", _shown(example(name))
    if os.environ.get("ASSAY_UPDATE_GOLDEN") == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["customer-data", "retailer-fixed"])
def test_nothing_is_left_undecided_where_it_was_done_well(example: Callable[[str], Looked], name: str) -> None:
    register = example(name).register
    assert [f"{note.check}: {note.sentence}" for note in register.notes] == []
    above = [row for row in register.rows if row.above]
    assert above, "nothing was proven, so that much remains"
    assert [row.id for row in above if not (row.owner_declared and row.decided.treatment and row.decided.due)] == []
    accepted = [row for row in register.rows if row.decided.treatment == "accept"]
    assert accepted and all(row.decided.reason for row in accepted)


def test_every_way_to_decide_badly_is_in_the_retailer_and_marked(example: Callable[[str], Looked]) -> None:
    notes = example("retailer").register.notes
    assert {note.check for note in notes} == EVERY_CHECK
    reasons = " ".join(note.sentence for note in notes if note.check == "estimate-ignored")
    assert "expired on 2026-06-30" in reasons and "needs `approved_by` and `expires`" in reasons
    nobody = [note for note in notes if note.check == "risk-undecided" and note.subject == "risks"]
    assert len(nobody) == 1, "most was never decided about"
    lines = (EXAMPLES / "retailer" / "assay.d" / "risks.yaml").read_text(encoding="utf-8").splitlines()
    for note in notes:
        if note.location.file.endswith("risks.yaml"):
            before = lines[: note.location.line]
            said = next(line for line in reversed(before) if line.lstrip().startswith("#"))
            assert "flaw:" in said, f"{note.check} at line {note.location.line}"
    typo = next(note for note in notes if note.check == "risk-without-scenario")
    assert typo.fix is not None and "broken-function-authorisation@apis.storefront" in typo.fix.sentence


@pytest.mark.parametrize("name", ["customer-data", "retailer-fixed"])
def test_one_estimate_raises_and_an_approved_one_lowers(example: Callable[[str], Looked], name: str) -> None:
    found = {e.name: e for row in example(name).register.rows for e in row.estimates}
    assert all(e.counts for e in found.values())
    higher = [e for e in found.values() if e.estimated > e.computed]
    lower = [e for e in found.values() if e.estimated < e.computed]
    assert len(higher) == len(lower) == 1
    assert lower[0].approved_by == "security-architect" and lower[0].expires is not None


def test_what_happened_lately_is_seen_and_what_is_long_ago_is_not(example: Callable[[str], Looked]) -> None:
    copied = next(r for r in example("customer-data").register.rows if r.id == "stored-data-theft@systems.crm")
    awareness = next(f for f in copied.assessment.scenario.factors.vulnerability if f.name == "awareness")
    assert copied.incidents == (0,)
    assert (awareness.value, awareness.because) == (6, "it happened (2026-10-06)")
    struck = {row.id for row in example("retailer").register.rows if row.incidents}
    assert struck == {"broken-object-authorisation@apis.storefront"}


def test_the_accepted_deviation_of_the_reference_case_is_an_accepted_risk(example: Callable[[str], Looked]) -> None:
    found = example("customer-data")
    exception = next(e for e in found.project.declaration.model.exceptions if e.id == "bare-service-on-this-machine")
    row = next(r for r in found.register.rows if r.id == "layer-skipping@apis.customer-data")
    assert row.decided.treatment == "accept"
    assert row.decided.due == exception.expires
    assert rank(row.claimed) < rank(Rating.MEDIUM), (
        "it is accepted because of the machine, not because nothing would help"
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_view_in_money_says_what_controls_are_for(example: Callable[[str], Looked], name: str) -> None:
    found = money(example(name))
    assert 0 < found.claimed.together.mean < found.residual.together.mean <= found.inherent.together.mean
