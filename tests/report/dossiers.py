"""A dossier with one of everything, small enough to read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from assay.assurance.facts import latest
from assay.assurance.objectives import Applied, standing
from assay.assurance.trend import trend
from assay.declare.model import Objective
from assay.domain import Fix, Location, Outcome, Severity, Verdict
from assay.prove.case import Test
from assay.prove.result import Exchange, Proof, RunResult, Unreached
from assay.report.dossier import ControlNote, Dossier, EvidenceNote

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script> & \"quoted\" \x1b[31m"
READ = Test(
    "authorisation",
    "object-of-another-read",
    "Nobody reads an object of another",
    Severity.HIGH,
    "Anybody reads everybody's data.",
    "write an `owns` rule",
    ("AV17",),
)
FLOOD = Test(
    "rate_limiting", "limit-not-enforced", "Limits hold", Severity.MEDIUM, "One can use up all.", "set a limit"
)


def verdict(test: Test, operation: str, outcome: Outcome, sentence: str) -> Verdict:
    return Verdict(
        control=test.control,
        check=test.id,
        subject=f"apis.shop.operations.{operation}",
        outcome=outcome,
        sentence=sentence,
        severity=test.severity,
        location=Location("openapi/shop.yaml", 12, 5),
        reason="" if outcome is Outcome.PASS else test.why,
        fix=None if outcome is Outcome.PASS else Fix(test.fix),
    )


def proof(test: Test, operation: str, outcome: Outcome, sentence: str, *, identity: str = "mobile-app") -> Proof:
    started = NOW - timedelta(hours=1)
    sent = (("host", "127.0.0.1:8443"), ("authorization", "Bearer [token of mobile-app#1]"))
    exchange = Exchange(
        number=1,
        kind="http",
        purpose="another reads it",
        who="mobile-app#2",
        started=started,
        seconds=0.012,
        correlation="c0ffee00-0000-4000-8000-000000000001",
        method="GET",
        url="https://127.0.0.1:8443/orders/o-1?q=%27",
        request_headers=sent,
        status=200 if outcome is Outcome.FAIL else 403,
        response_headers=(("content-type", "application/json"),),
        response_body=HOSTILE if outcome is Outcome.FAIL else "{}",
        outcome="allowed" if outcome is Outcome.FAIL else "refused",
        policy="shop.access.1",
        reproduce="curl --path-as-is -sk https://127.0.0.1:8443/orders/o-1",
    )
    return Proof(
        case=f"{test.control}/{test.id}/shop.{operation}/{identity}",
        test=test,
        verdict=verdict(test, operation, outcome, sentence),
        api="shop",
        operation=operation,
        identity=identity,
        refused_by="authorisation/no-rule-allows" if outcome is Outcome.PASS else None,
        let_through_by="shop.access.1" if outcome is Outcome.FAIL else None,
        evidence=(f"01EVIDENCE{operation.upper()}",),
        reproduce=exchange.reproduce,
        exchanges=(exchange,),
        started=started,
        seconds=0.05,
    )


def run(*proofs: Proof, name: str = "01RUN", hours: float = 1.0) -> RunResult:
    started = NOW - timedelta(hours=hours)
    return RunResult(
        id=name,
        seed=7,
        started=started,
        finished=started + timedelta(seconds=20),
        target="https://127.0.0.1:8443",
        via="gateway",
        declaration_digest="d" * 64,
        configuration_digest="c" * 64,
        planned=len(proofs) + 1,
        requests=40,
        writes=3,
        proofs=proofs,
        unreached=(Unreached("authorisation", "apis.shop.operations.deleteOrder", "agent", "no order could be made"),),
    )


OWNERS = Objective.model_validate(
    {
        "category": "authentication-authorisation",
        "statement": f"Only owners read their orders. {HOSTILE}",
        "controls": ["authorisation"],
        "target": {"evidence_age": "24h"},
    }
)
AVAILABLE = Objective.model_validate(
    {"category": "availability", "statement": "Nobody uses up the shop.", "controls": ["rate_limiting"]}
)


def dossier() -> Dossier:
    leak = proof(READ, "getOrder", Outcome.FAIL, f"mobile-app#2 read the order of mobile-app#1: {HOSTILE}")
    held = proof(READ, "getItem", Outcome.PASS, "another's item was refused")
    flood = proof(FLOOD, "getOrder", Outcome.PASS, "60 of 63 passed, then 429")
    vague = proof(FLOOD, "listOrders", Outcome.INCONCLUSIVE, "the first call was refused already")
    before = run(proof(FLOOD, "getOrder", Outcome.FAIL, "all passed"), name="00RUN", hours=30)
    now = run(leak, held, flood, vague)
    design = (
        verdict(READ, "getOrder", Outcome.PASS, "a rule compares the owner"),
        verdict(FLOOD, "getOrder", Outcome.PASS, "a limit is declared"),
    )
    live = Applied("c" * 64, "c" * 64)
    facts = latest([before, now])
    return Dossier(
        organisation="Northwind",
        title="Shop",
        now=NOW,
        tool="Assay 0.0",
        declaration_digest="d" * 64,
        live=live.live,
        wanted=live.wanted,
        standings=tuple(
            standing(name, objective, design, facts.values(), live, now=NOW)
            for name, objective in (("only-owners", OWNERS), ("stays-available", AVAILABLE))
        ),
        controls=(
            ControlNote("authorisation", "Every call is allowed by a rule", "Decisive.", tests={READ.id: READ.title}),
            ControlNote("rate_limiting", "Limits hold", "Partial."),
        ),
        design=design,
        proofs=now.proofs,
        run=now,
        direct=run(proof(FLOOD, "getOrder", Outcome.FAIL, "all 63 passed")),
        trend=trend(latest([before]), facts),
        compared=before.started,
        evidence=EvidenceNote(".assay/evidence", 12, "northwind/assay\n12\nabc=\n", ("northwind+1+key",), True),
    )
