"""Kept runs earn what they show about what is live and declared; everything else is left out, and said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.risk.risk_shop import shop

from assay.app import risk
from assay.app.keeping import keep_run
from assay.app.project import Project
from assay.app.risk import ANOTHER, OLDER, Assessed, assessed
from assay.app.subjects import roots
from assay.assurance.objectives import Applied
from assay.domain import Location, Outcome, Severity, Verdict
from assay.prove.case import Test
from assay.prove.result import Proof, RunResult
from assay.risk.facts import AHEAD, ELSEWHERE, GONE, OUTDATED
from assay.risk.words import Assessment, PlaceRisk, Rating

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIVE, BEFORE = "a" * 64, "b" * 64
SCENARIO = "broken-object-authorisation@apis.shop"
GET = "apis.shop.operations.getOrder"
READ = Test("authorisation", "foreign-object-read", "t", Severity.HIGH, "w", "f", ())


def proof(number: int = 0, *, outcome: Outcome = Outcome.PASS, subject: str = GET, days: float = 1) -> Proof:
    verdict = Verdict(
        control=READ.control,
        check=READ.id,
        subject=subject,
        outcome=outcome,
        sentence="another's order was read" if outcome is Outcome.FAIL else "nobody reads another's order",
        severity=READ.severity,
        location=Location("openapi.json", 1, 1),
    )
    case = f"authorisation/foreign-object-read/{subject}/{number}"
    return Proof(case=case, test=READ, verdict=verdict, started=NOW - timedelta(days=days))


def run(
    project: Project,
    *proofs: Proof,
    days: float = 1,
    configuration: str = LIVE,
    declaration: str | None = None,
    via: str = "gateway",
) -> None:
    """Keeps a run."""
    at = NOW - timedelta(days=days)
    result = RunResult(
        id=f"r{days}",
        seed=0,
        started=at,
        finished=at + timedelta(seconds=9),
        target="https://127.0.0.1:8443",
        via=via,  # type: ignore[arg-type]
        declaration_digest=project.declaration.digest if declaration is None else declaration,
        configuration_digest=configuration,
        planned=len(proofs),
        requests=len(proofs),
        writes=0,
        proofs=proofs,
    )
    keep_run(project, result, (), {}, clock=lambda: at)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """What is declared is applied."""
    monkeypatch.setattr(risk, "applied", lambda _: Applied(LIVE, LIVE))
    return shop(tmp_path)


def of(found: Assessed) -> Assessment:
    return next(a for a in found.assessments if a.scenario.id == SCENARIO)


def at(found: Assessed, place: str = GET) -> PlaceRisk:
    return next(g for g in of(found).groups if place in g.places)


def reasons(found: Assessed) -> dict[str, int]:
    return {i.reason: i.count for i in found.ignored}


def clean(count: int, **more: float) -> Iterable[Proof]:
    return (proof(n, **more) for n in range(count))  # type: ignore[arg-type]


def test_what_was_proven_lowers_the_risk_where_the_same_rule_stands(project: Project) -> None:
    before = assessed(project, NOW)
    run(project, *clean(60))
    after = assessed(project, NOW)
    assert at(after).evidenced.likelihood < at(before).evidenced.likelihood / 5
    shown = next(e for e in at(after).effects if e.control == "authorisation")
    assert (shown.tried, shown.failures, len(shown.evidence)) == (60, 0, 60)
    assert shown.measured == NOW - timedelta(days=1)
    other = at(after, "apis.shop.operations.changeOrder")
    assert other.evidenced == at(after).evidenced, (
        "the same owner rule guards it; clerks have another on the first alone"
    )
    assert not after.ignored


def test_a_demonstrated_exploit_is_high_and_falls_once_it_no_longer_works(project: Project) -> None:
    run(project, proof(outcome=Outcome.FAIL, days=3), days=3)
    broken = assessed(project, NOW)
    assert of(broken).evidenced.likelihood >= 0.9
    assert at(broken).exploited == ("another's order was read",)
    run(project, *clean(60), days=1)
    assert not at(assessed(project, NOW)).exploited
    assert at(assessed(project, NOW)).rating is Rating.MEDIUM


def test_evidence_grows_old_by_itself(project: Project) -> None:
    run(project, *clean(60))
    now, later = assessed(project, NOW), assessed(project, NOW + timedelta(days=60))
    assert at(later).evidenced.score > at(now).evidenced.score
    assert of(now).changes == NOW + timedelta(days=6), "seven days after it was measured"


def test_what_earns_nothing_is_counted_and_said(project: Project) -> None:
    run(project, proof(1), days=5, configuration=BEFORE)
    run(project, proof(2, subject="apis.shop.operations.gone"), proof(3, days=-1), days=4)
    run(project, proof(4), days=3, declaration="d" * 64)
    run(project, proof(5), days=2, via="direct")
    found = assessed(project, NOW)
    assert reasons(found) == {ELSEWHERE: 1, GONE: 1, AHEAD: 1, ANOTHER: 1}
    assert next(e for e in at(found).effects if e.control == "authorisation").tried == 1


def test_nothing_is_earned_while_something_else_is_applied(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    run(project, *clean(60))
    monkeypatch.setattr(risk, "applied", lambda _: Applied(LIVE, BEFORE))
    found = assessed(project, NOW)
    assert of(found).evidenced == of(found).inherent
    assert reasons(found) == {OUTDATED: 60}


def test_an_exception_lowers_no_risk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk, "applied", lambda _: Applied(LIVE, LIVE))
    accepted = {
        "control": "authorisation",
        "check": "foreign-object-read",
        "on": "apis.shop",
        "reason": "the old app goes away",
        "owner": "team",
        "approved_by": "ciso",
        "expires": "2027-01-31",
    }
    plain, excepted = shop(tmp_path / "plain"), shop(tmp_path / "excepted", {"exceptions": [accepted]})
    for each in (plain, excepted):
        run(each, proof(outcome=Outcome.FAIL))
    before, after = assessed(plain, NOW), assessed(excepted, NOW)
    assert of(after).evidenced == of(before).evidenced
    assert at(after).accepted == ("exceptions.0",) and not at(before).accepted


def test_runs_that_are_too_many_to_look_at_are_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    run(project, proof(1, days=3), proof(2, days=3), days=3)
    run(project, proof(3, days=2), days=2)
    run(project, proof(4), days=1)
    monkeypatch.setattr(risk, "RUNS", 2)
    found = assessed(project, NOW)
    assert reasons(found) == {OLDER: 2}
    assert next(e for e in at(found).effects if e.control == "authorisation").tried == 2


@pytest.mark.parametrize(
    ("subject", "root"),
    [
        (GET, GET),
        (f"{GET}.responses.200", GET),
        ("apis.shop.operations.gone", None),
        ("apis.shop.limits.operations.getOrder", "apis.shop"),
        ("apis.other", None),
        ("consumers.app.limit", "consumers.app"),
        ("flows.in.transforms.email", "flows.in"),
        ("gateway", "gateway"),
        ("gateway.tls", "gateway"),
        ("", ""),
        ("apis", None),
    ],
)
def test_a_result_belongs_to_what_is_declared_or_to_nothing(tmp_path: Path, subject: str, root: str | None) -> None:
    assert roots(shop(tmp_path).declaration)(subject) == root


def test_a_part_of_the_evidence_can_be_looked_at_for_another_moment(project: Project) -> None:
    run(project, *clean(10))
    found = assessed(project, NOW)
    past = assessed(project, NOW - timedelta(days=10))
    assert reasons(past) == {AHEAD: 10}
    assert replace(found.evidence.live, now=NOW) == found.evidence.live
