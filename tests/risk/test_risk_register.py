"""The register says who answers for each risk, what is accepted, and what an estimate is worth beside a computation."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest
from tests.risk.risks_made import BOLA, DOS, NOW, bola, denial, over

from assay.declare.model import Model
from assay.domain import Location, Verdict
from assay.risk.decisions import undecided, unplaced
from assay.risk.register import Reach, Row, entries, given, ordered
from assay.risk.words import Assessment, Rating

API = Reach(frozenset({"user.contact.email", "user.government_id"}), False, 1_200_000, "sales")
BOLA_ID, DOS_ID, OVER_ID = (a.scenario.id for a in (bola(), denial(), over()))


def model(**words: Any) -> Model:
    return Model.model_validate({"assay": 1, "organisation": {"name": "Shop"}, **words})


def reach(one: Assessment) -> Reach:
    return API if one.scenario.subject.startswith("apis.") else Reach()


def rows(declared: Model, *assessments: Assessment) -> tuple[Row, ...]:
    _, judged, happened = given(assessments, declared, NOW.date())
    return entries(assessments, declared, NOW, reach=reach, judged=judged, happened=happened)


def locate(*path: str | int) -> Location:
    return Location(".".join(map(str, path)))


def notes(declared: Model, *assessments: Assessment) -> list[Verdict]:
    _, _, happened = given(assessments, declared, NOW.date())
    counted = {index for past in happened.values() for index in past.incidents}
    found = unplaced(declared, {a.scenario.id for a in assessments}, {BOLA.id, DOS.id}, counted, NOW.date(), locate)
    return [*found, *undecided(rows(declared, *assessments), locate)]


def test_the_worst_comes_first_whatever_order_they_come_in() -> None:
    risks = [denial(), bola(), over()]
    expected = [r.id for r in rows(model(), *risks)]
    assert expected[0] == BOLA_ID
    for seed in range(3):
        random.Random(seed).shuffle(risks)  # noqa: S311
        assert [r.id for r in rows(model(), *risks)] == expected


def test_three_readings_and_the_gap_stand_side_by_side() -> None:
    (row,) = rows(model(), bola())
    assert (row.inherent, row.claimed, row.evidenced) == (Rating.CRITICAL, Rating.MEDIUM, Rating.CRITICAL)
    assert row.gap == pytest.approx(row.assessment.evidenced.score - row.assessment.claimed.score)
    assert row.gap > 50


def test_a_risk_is_its_subjects_owners_until_somebody_takes_it() -> None:
    (row,) = rows(model(), bola())
    assert (row.owner, row.owner_declared) == ("sales", False)
    (row,) = rows(model(risks={BOLA_ID: {"owner": "ciso", "treatment": "reduce", "due": "2027-01-31"}}), bola())
    assert (row.owner, row.owner_declared, row.decided.treatment) == ("ciso", True, "reduce")
    assert row.decided.due == date(2027, 1, 31)


@pytest.mark.parametrize(
    ("appetite", "rating", "because"),
    [
        ({"residual": "high"}, Rating.HIGH, ""),
        ({"residual": "high", "for": {"user.contact": "low"}}, Rating.LOW, "user.contact"),
        (
            {"residual": "high", "for": {"user.contact": "low", "user.government_id": "note"}},
            Rating.NOTE,
            "user.government_id",
        ),
        ({"residual": "low", "for": {"user.contact": "high"}}, Rating.LOW, ""),
        ({"residual": "low", "for": {"user.special_category": "note"}}, Rating.LOW, ""),
        ({"residual": "low", "for": {"user.cont": "note"}}, Rating.LOW, ""),
    ],
)
def test_the_strictest_appetite_for_what_is_reached_counts(appetite: Any, rating: Rating, because: str) -> None:
    (row,) = rows(model(appetite=appetite), bola())
    assert (row.appetite, row.appetite_for) == (rating, because)


def test_an_estimate_stands_beside_the_computation_and_decides_only_where_it_may() -> None:
    risk = bola(bypassed=False)
    lower = {"value": 2, "reason": "behind a second factor"}
    (row,) = rows(model(risks={BOLA_ID: {"likelihood": lower}}), risk)
    assert row.rating is row.evidenced is Rating.CRITICAL
    approved = {**lower, "approved_by": "ciso", "expires": "2026-11-22"}
    (row,) = rows(model(risks={BOLA_ID: {"likelihood": approved}}), risk)
    assert (row.evidenced, row.rating) == (Rating.CRITICAL, Rating.MEDIUM)
    assert row.assessment.evidenced.likelihood >= 0.7
    approved["expires"] = "2026-11-21"
    (row,) = rows(model(risks={BOLA_ID: {"likelihood": approved}}), risk)
    assert row.rating is Rating.CRITICAL
    assert row.estimates[0].because == "the estimate expired on 2026-11-21"


def test_no_estimate_makes_unlikely_what_was_demonstrated() -> None:
    approved = {"value": 2, "reason": "behind a second factor", "approved_by": "ciso", "expires": "2027-01-31"}
    (row,) = rows(model(risks={BOLA_ID: {"likelihood": approved, "impact": {**approved, "value": 4}}}), bola())
    assert [(e.name, e.counts) for e in row.estimates] == [("likelihood", False), ("impact", True)]
    assert row.residual.likelihood >= 0.9


def test_an_acceptance_ends() -> None:
    accepted = {"owner": "a", "treatment": "accept", "reason": "until release 5"}
    found = notes(model(risks={DOS_ID: accepted}), denial())
    assert [v.check for v in found] == ["risk-accepted-forever"]
    assert notes(model(risks={DOS_ID: {**accepted, "due": "2027-01-31"}}), denial()) == []


def test_estimated_factors_are_given_to_the_assessment_and_incidents_raise_them_again() -> None:
    lower = {"value": 1, "reason": "nobody knows of it", "approved_by": "ciso", "expires": "2027-01-01"}
    declared = model(
        risks={BOLA_ID: {"factors": {"awareness": lower, "skill": 9, "motive": {"value": 1}}}},
        incidents=[{"date": "2026-11-01", "threat": BOLA.id, "on": "apis.customer-data", "what": "it was read"}],
    )
    values, judged, happened = given([bola(), denial()], declared, NOW.date())
    assert {n: v for n, (v, _) in values[BOLA_ID].items()} == {
        "skill": 9,
        "awareness": 6,
    }
    assert [(j.name, j.counts) for j in judged[BOLA_ID]] == [("skill", True), ("motive", False), ("awareness", True)]
    assert happened[BOLA_ID].incidents == (0,)
    assert DOS_ID not in values


def test_a_treatment_whose_date_has_passed_is_overdue_while_something_is_to_be_done() -> None:
    yesterday = NOW.date() - timedelta(days=1)
    declared = {"owner": "a", "treatment": "reduce", "due": yesterday}
    assert rows(model(risks={BOLA_ID: declared}), bola())[0].overdue
    assert not rows(model(risks={BOLA_ID: {**declared, "due": NOW.date()}}), bola())[0].overdue
    # What was to be reduced has been: it is within appetite.
    assert not rows(model(risks={DOS_ID: declared}, appetite={"residual": "high"}), denial())[0].overdue
    accepted = {**declared, "treatment": "accept", "reason": "until release 5"}
    assert rows(model(risks={DOS_ID: accepted}, appetite={"residual": "high"}), denial())[0].overdue


def test_decisions_about_nothing_and_risks_without_decision_are_findings_with_place_and_closest_name() -> None:
    declared = model(
        risks={
            "broken-object-authorization@apis.customer-data": {"owner": "a"},
            BOLA_ID: {"likelihood": 1, "factors": {"motive": 1}},
            OVER_ID: {"due": "2026-01-01"},
        },
        incidents=[
            {"date": "2026-11-01", "threat": "broken-objects", "what": "it was read"},
            {"date": "2026-12-01", "threat": BOLA.id, "what": "it was read"},
            {"date": "2026-11-01", "threat": BOLA.id, "on": "apis.other", "what": "it was read"},
            {"date": "2025-11-01", "threat": BOLA.id, "on": "apis.other", "what": "long ago"},
        ],
        appetite={"residual": "note"},
    )
    told = {(v.check, str(v.location).partition(":")[0]): v for v in notes(declared, bola(), over(), denial())}
    assert [*told] == [
        ("risk-without-scenario", "risks.broken-object-authorization@apis.customer-data"),
        ("incident-without-threat", "incidents.0.threat"),
        ("incident-ahead", "incidents.1.date"),
        ("incident-nowhere", "incidents.2"),
        ("estimate-ignored", f"risks.{BOLA_ID}.factors.motive"),
        ("estimate-ignored", f"risks.{BOLA_ID}.likelihood"),
        ("risk-undecided", f"risks.{BOLA_ID}"),
        ("risk-overdue", f"risks.{OVER_ID}.due"),
        ("risk-undecided", f"risks.{OVER_ID}"),
        ("risk-undecided", "appetite"),
    ]
    assert all(v.fix and v.is_finding for v in told.values())
    first = next(iter(told.values()))
    assert first.fix
    assert f"`{BOLA_ID}`" in first.fix.sentence


def test_rows_with_the_same_rating_go_by_score_and_then_by_name() -> None:
    found = rows(model(), bola(), denial(), over())
    assert ordered(reversed(found)) == found
