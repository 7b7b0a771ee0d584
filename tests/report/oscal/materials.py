"""What OSCAL documents are made of, small enough to read: one of everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from tests.report.dossiers import FLOOD, HOSTILE, NOW, READ, dossier, verdict

from assay.domain import Outcome
from assay.report.oscal.material import Accepted, CatalogueItem, ControlFace, Interview, Material, Pack, RiskNote
from assay.risk.words import (
    Assessment,
    Effect,
    Factor,
    Factors,
    Origin,
    Place,
    PlaceRisk,
    Rating,
    Reading,
    Scenario,
    Threat,
)

ITEM = CatalogueItem(
    "CO-AUZ-01",
    "authorisation",
    "Nobody reads an object of another",
    "operations that hold / operations",
    "100%",
    "a rule compares the owner",
    "another's object is refused",
    {"nist_800_53r5": ("ac-3", "ac-6"), "pci_dss_4.0.1": ("7.2.1",), "gdpr": ("32(1)(b)",)},
)
FACES = (
    ControlFace(
        "authorisation",
        "Every call is allowed by a rule",
        "Decisive.",
        ("CO-AUZ-01",),
        {READ.id: READ.title},
        {READ.id: READ.title},
        enforced=True,
    ),
    ControlFace("rate_limiting", "Limits hold", proofs={FLOOD.id: FLOOD.title}),
)
ACCEPTED = Accepted(
    "exceptions.0",
    "rate_limiting",
    "apis.shop",
    "A partner needs it until the move.",
    "shop-team",
    "ciso",
    date(2026, 12, 31),
    compensating=("authorisation",),
)


def assessment() -> Assessment:
    """A scenario of which more is claimed than shown."""
    factor = Factor("skill", 5.0, Origin.DERIVED, "the API is public")
    effect = Effect(
        control="authorisation",
        kind="preventive",
        domain="issuer",
        capability=0.95,
        failures=1,
        tried=2,
        bound=0.0,
        reliability=0.9,
        freshness=1.0,
        assurance=0.0,
        effectiveness=0.0,
        because="a proof failed",
        measured=NOW - timedelta(hours=1),
        evidence=("01EVIDENCEGETORDER",),
    )
    group = PlaceRisk(
        ("apis.shop.operations.getOrder",),
        Reading(0.8, 0.7),
        Rating.HIGH,
        (effect,),
        exploited=(f"mobile-app#2 read the order of mobile-app#1: {HOSTILE}",),
    )
    return Assessment(
        scenario=Scenario(
            "broken-object-authorisation@apis.shop",
            Threat("broken-object-authorisation", "Broken object level authorisation", "Anybody reads it.", "api"),
            "apis.shop",
            (Place("apis.shop.operations.getOrder"),),
            Factors((factor,), (factor,), (factor,), (factor,)),
        ),
        inherent=Reading(0.8, 0.7),
        claimed=Reading(0.04, 0.7),
        evidenced=Reading(0.8, 0.7),
        groups=(group,),
        breadth={Rating.HIGH: 1.0},
    )


def material() -> Material:
    """One of everything: a failure, an exception, a risk above the appetite, an interview, a pack."""
    made = dossier()
    excepted = replace(
        verdict(FLOOD, "getItem", Outcome.FAIL, "nothing bounds it"), excepted_by="exceptions.0", subject="apis.shop"
    )
    return Material(
        dossier=replace(made, design=(*made.design, excepted)),
        catalogue=(ITEM,),
        faces=FACES,
        apis={"shop": "Shop"},
        accepted=(ACCEPTED,),
        risks=(RiskNote(assessment(), "high", "shop-team", "reduce", date(2026, 12, 1), above=True),),
        interviews=(
            Interview(
                "q1", "Who reviews rights?", "The owner, monthly.", "A. Owner", datetime(2026, 11, 1, tzinfo=UTC)
            ),
        ),
        reviewed=frozenset({("CO-AUZ-01", "nist_800_53r5", "ac-3")}),
        root="/srv/shop",
        pack=Pack("../evidence", frozenset({"01EVIDENCEGETORDER"})),
    )
