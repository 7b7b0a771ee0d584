"""A run of a part is never taken for the whole, and what was measured elsewhere never for what is live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from assay.assurance.facts import latest
from assay.assurance.objectives import Applied, Status, standing
from assay.declare.model import Objective
from assay.domain import Location, Outcome, Severity, Verdict
from assay.prove.case import Test
from assay.prove.result import Proof, RunResult, Unchosen

RUN = datetime(2026, 11, 22, 12, tzinfo=UTC)
READ = Test("authorisation", "foreign-object-read", "t", Severity.HIGH, "w", "f", ())
LIVE = Applied(live="live", wanted="live")


def proof(operation: str, outcome: Outcome, at: datetime) -> Proof:
    verdict = Verdict(
        control=READ.control,
        check=READ.id,
        subject=f"apis.shop.operations.{operation}",
        outcome=outcome,
        sentence="as measured",
        severity=READ.severity,
        location=Location("openapi.json", 1, 1),
    )
    return Proof(case=f"authorisation/read/shop.{operation}/app", test=READ, verdict=verdict, started=at)


def run(*held: str, on: str = "live", hours: int = 0, out: tuple[str, ...] = (), **others: Outcome) -> RunResult:
    at = RUN + timedelta(hours=hours)
    outcomes = dict.fromkeys(held, Outcome.PASS) | others
    return RunResult(
        id=f"r{hours}",
        seed=0,
        started=at,
        finished=at,
        target="https://127.0.0.1:8443",
        via="gateway",
        declaration_digest="d",
        configuration_digest=on,
        planned=len(outcomes),
        requests=1,
        writes=0,
        proofs=tuple(proof(name, outcome, at) for name, outcome in outcomes.items()),
        unchosen=tuple(
            Unchosen(
                f"authorisation/read/shop.{name}/app",
                READ.control,
                READ.id,
                f"apis.shop.operations.{name}",
                "app",
                READ.severity,
            )
            for name in out
        ),
    )


def status(*runs: RunResult) -> Status:
    objective = Objective.model_validate(
        {"category": "authentication-authorisation", "statement": "Only owners read.", "controls": ["authorisation"]}
    )
    designed = Verdict(
        control="authorisation",
        check="operation-without-owner-rule",
        subject="apis.shop.operations.getOrder",
        outcome=Outcome.PASS,
        sentence="as designed",
        location=Location("assay.yaml", 1, 1),
    )
    facts = latest(runs, LIVE.live).values()
    return standing("o", objective, [designed], facts, LIVE, now=RUN + timedelta(hours=6)).status


def test_a_run_of_a_part_makes_nothing_effective_that_speaks_of_more() -> None:
    assert status(run("getOrder", "getItem")) is Status.EFFECTIVE
    assert status(run("getOrder", out=("getItem",))) is Status.APPLIED
    assert status(run("getOrder", out=("getItem",)), run("getItem", out=("getOrder",), hours=1)) is Status.EFFECTIVE


def test_a_run_of_a_part_takes_nothing_away_from_an_earlier_run_of_all() -> None:
    assert status(run("getOrder", "getItem"), run("getOrder", out=("getItem",), hours=1)) is Status.EFFECTIVE
    broken = run("getOrder", getItem=Outcome.FAIL)
    assert status(broken, run("getOrder", out=("getItem",), hours=1)) is Status.FAILED


def test_a_part_that_was_proven_on_another_configuration_is_not_proven_on_this_one() -> None:
    before = run("getOrder", "getItem", on="older")
    assert status(before, run("getOrder", out=("getItem",), hours=1)) is Status.APPLIED
    assert status(before, run("getOrder", hours=1, getItem=Outcome.SKIPPED)) is Status.APPLIED


def test_what_failed_on_the_live_configuration_stays_failed_whatever_held_on_another() -> None:
    here, elsewhere = run("getOrder", getItem=Outcome.FAIL), run("getOrder", "getItem", on="other", hours=1)
    assert status(here, elsewhere) is status(elsewhere, here) is Status.FAILED
