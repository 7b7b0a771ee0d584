"""Values in the published shapes of ``prove``, ``report``, ``verify`` and ``demo``, made by the publishing code."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec

from assay.assurance.facts import latest
from assay.assurance.objectives import Applied, standings
from assay.assurance.trend import Trend, trend
from assay.demo.loop import Proven
from assay.domain import Outcome, Severity, Verdict
from assay.evidence import proof as single
from assay.evidence.cosigned import Attested
from assay.evidence.diagnose import Problem
from assay.evidence.findings import Finding
from assay.evidence.ledger import Ledger
from assay.evidence.record import Kind, Method, Record
from assay.evidence.verify import verify
from assay.prove.case import Test
from assay.prove.result import Proof, RunResult, Unreached
from assay.report import results
from assay.report.dossier import Dossier, EvidenceNote
from tools.docgen.sample import project

Json = dict[str, Any]
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_MISSING = Unreached("rate_limiting", "apis.shop", "app", "…")


def all_of_them(found: Verdict) -> dict[str, list[Json]]:
    """By name: every shape that has to do with proofs; ``found`` is a verdict to make them of."""
    run, direct = _run(found, "gateway", Outcome.PASS), _run(found, "direct", Outcome.FAIL)
    made = _dossier(found)
    alone = results.proved(run)
    both = results.proved(run, direct=direct, standings=made.standings, needs=["…"])
    whole, single_one = _verified()
    return {
        "run": [results.run_as_json(r) for r in (run, replace(run, stopped="…"))],
        "proof": [_added(found, p.as_json()) for p in (*run.proofs, _proof(found, Outcome.FAIL))],
        "objective": [s.as_json() for s in made.standings],
        "prove": [json.loads(alone), json.loads(both)],
        "report": [json.loads(results.report(d)) for d in (made, _bare(made))],
        "verify": whole,
        "verify-proof": single_one,
    }


def demonstrated(found: Verdict) -> Proven:
    """What the second half of the demonstration comes to."""
    run, direct = _run(found, "gateway", Outcome.PASS), _run(found, "direct", Outcome.FAIL)
    with tempfile.TemporaryDirectory() as folder:
        directory = _log(Path(folder))
        verification = verify(directory, now=_NOW)
    return Proven(direct, run, verification, _dossier(found), Path("assay-report"), Path("assay-report/evidence"))


def _added(found: Verdict, proof: Json) -> Json:
    """What a proof has beyond a verdict."""
    return {key: value for key, value in proof.items() if key not in found.as_json()}


def _proof(found: Verdict, outcome: Outcome) -> Proof:
    test = Test("authorisation", "foreign-object-read", "…", Severity.CRITICAL, "…", "…", ("AV17",))
    failed = outcome is Outcome.FAIL
    return Proof(
        case="authorisation/foreign-object-read/shop.getOrder/app",
        test=test,
        verdict=replace(found, outcome=outcome),
        api="shop",
        operation="getOrder" if failed else "",
        evidence=("01",),
        refused_by=None if failed else "authorisation/no-rule-allows",
        let_through_by="shop/0-customer" if failed else None,
        reproduce="curl …" if failed else None,
        started=_NOW,
    )


def _run(found: Verdict, via: Literal["gateway", "direct"], outcome: Outcome) -> RunResult:
    return RunResult(
        id="20260101T000000000000",
        seed=0,
        started=_NOW,
        finished=_NOW + timedelta(seconds=30),
        target="https://127.0.0.1:8443",
        via=via,
        declaration_digest="…",
        configuration_digest="…",
        planned=1,
        requests=4,
        writes=1,
        proofs=(_proof(found, outcome),),
        unreached=(_MISSING,),
    )


def _dossier(found: Verdict) -> Dossier:
    """A report on the example's first objective, proven and not; what was measured has expired since."""
    run = _run(found, "gateway", Outcome.PASS)
    declaration = project().declaration
    facts = latest([run])
    judged = standings(declaration, [found], facts, Applied("live", "live"), now=_NOW)
    side = replace(judged[0].design, findings=("…",))
    measured = replace(judged[0], design=side, operating=side, evidence_age=1.0, expires=_NOW, evidence=("01",))
    return Dossier(
        organisation="Northwind",
        title="Customer Data API",
        now=_NOW,
        tool="Assay",
        declaration_digest="…",
        live="…",
        wanted="…",
        standings=(measured, replace(judged[1], evidence_age=None, expires=None)),
        controls=(),
        design=(found,),
        proofs=run.proofs,
        run=run,
        trend=_trend(found),
        evidence=EvidenceNote("evidence", 3, "…", ("…",), True, ("…",), "…"),
    )


def _trend(found: Verdict) -> Trend:
    """Every list with a case in it."""
    now = trend(latest([]), latest([_run(found, "gateway", Outcome.FAIL)]))
    return Trend(now.new, now.new, now.new, now.new)


def _bare(made: Dossier) -> Dossier:
    """The same before anything was applied, proven or kept."""
    unwitnessed = replace(made.evidence, witnessed="") if made.evidence else None
    return replace(made, live="", run=None, proofs=(), trend=None, evidence=unwitnessed)


def _log(folder: Path) -> Path:
    """A log with one run, exported."""
    with Ledger.open(folder / "evidence", clock=lambda: _NOW, origin="northwind/assay/shop", collector="assay") as log:
        log.begin(subject="https://127.0.0.1:8443", population=1, sample=1)
        log.record(
            Record(
                kind=Kind.VERDICT,
                control="authorisation",
                check="foreign-object-read",
                subject="apis.shop",
                method=Method.TEST,
                outcome=Outcome.PASS,
                sentence="…",
            )
        )
        log.end()
        log.export(folder / "folder")
    return folder / "evidence"


def _verified() -> tuple[list[Json], list[Json]]:
    """What `assay verify --format json` prints for a log that is whole and one that is not, and for one record."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        directory = _log(folder)
        good = replace(verify(directory, now=_NOW), witnesses=(Attested("witness", 0, 1),))
        found = tuple(Finding(Problem.MODIFIED, "…", "…", 5, index, name) for index, name in ((0, "01"), (None, "")))
        bad = replace(good, checkpoint=None, fingerprint="", findings=found)
        whole: list[Json] = [dict(v.as_json()) for v in (good, bad)]
        exported = next((folder / "folder" / "proofs").iterdir())
        checked = single.verify_file(exported)
        record = msgspec.structs.replace(checked.record, outcome=None) if checked.record else None
        beginning = replace(checked, record=record, findings=found)
        return whole, [dict(v.as_json()) for v in (checked, beginning, single.verify_proof("", b""))]


__all__ = ["all_of_them", "demonstrated"]
