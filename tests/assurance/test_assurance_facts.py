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


def test_a_failure_stands_until_the_same_is_shown_to_hold() -> None:
    broken = run("getOrder", getItem=Outcome.FAIL)
    for vague in (Outcome.INCONCLUSIVE, Outcome.ERROR, Outcome.SKIPPED):
        again = run("getOrder", hours=1, getItem=vague)
        assert status(broken, again) is Status.FAILED, "that nothing could be concluded mends nothing"
        assert status(broken, again, run("getOrder", "getItem", hours=2)) is Status.EFFECTIVE
        assert status(broken, run("getOrder", "getItem", hours=1), run("getOrder", hours=2, getItem=vague)) in (
            Status.APPLIED,
            Status.EFFECTIVE,
        ), "nor does it bring an old failure back"
    (fact,) = (
        f for f in latest([broken, run("getOrder", hours=1, getItem=Outcome.ERROR)], "live").values() if f.unsettled
    )
    assert fact.at == RUN
    assert fact.told == "as measured (it stands: tried again since, it could not be concluded: as measured)"


def test_a_failure_elsewhere_stands_until_it_is_shown_to_hold_on_what_is_live() -> None:
    broken = run("getOrder", on="older", getItem=Outcome.FAIL)
    assert status(broken) is Status.FAILED, "it was never proven, on this configuration or another"
    assert status(broken, run("getOrder", hours=1)) is Status.FAILED
    assert status(broken, run("getOrder", hours=1, getItem=Outcome.INCONCLUSIVE)) is Status.FAILED
    assert status(broken, run("getOrder", "getItem", hours=1)) is Status.EFFECTIVE
    assert status(broken, run("getOrder", "getItem", hours=1, on="other")) is Status.STALE
    mended = run("getOrder", "getItem", hours=1), run("getOrder", hours=2, getItem=Outcome.INCONCLUSIVE)
    assert status(broken, *mended) is not Status.FAILED, "it held in between"


def test_a_failure_elsewhere_about_what_is_not_declared_any_more_is_over() -> None:
    gone = run("getOrder", on="older", getItem=Outcome.FAIL)
    here = run("getOrder", hours=1)
    kept = latest([gone, here], "live", lambda subject: "getItem" not in subject)
    assert {f.subject for f in kept.values()} == {"apis.shop.operations.getOrder"}


def test_what_failed_on_the_live_configuration_stays_failed_whatever_held_on_another() -> None:
    here, elsewhere = run("getOrder", getItem=Outcome.FAIL), run("getOrder", "getItem", on="other", hours=1)
    assert status(here, elsewhere) is status(elsewhere, here) is Status.FAILED
