"""A report judges kept runs by the exceptions of its own day, not by those of the day of the run."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import yaml

from assay.app.exceptions import listing
from assay.app.keeping import evidence_directory, keep_run, kept_runs, open_ledger, unaltered
from assay.app.project import Project, open_project
from assay.app.reporting import dossier
from assay.assurance.objectives import Status
from assay.domain import IncompleteError, Location, Outcome, Severity, Verdict
from assay.evidence import cosigned
from assay.evidence.cosigned import Cosigned
from assay.evidence.files import LogFiles
from assay.evidence.ledger import Ledger
from assay.evidence.witness import Witness, cosign_log
from assay.prove.case import Test
from assay.prove.result import Proof, RunResult

RUN = datetime(2026, 3, 1, 12, tzinfo=UTC)
READ = Test("authorisation", "foreign-object-read", "t", Severity.HIGH, "w", "f", ())
CONTRACT = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "paths": {
        "/orders/{id}": {
            "get": {
                "operationId": "getOrder",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "ok"}},
            }
        }
    },
}


def project(root: Path, expires: str) -> Project:
    (root / "openapi.json").write_text(json.dumps(CONTRACT))
    declaration = {
        "assay": 1,
        "organisation": {"name": "Northwind"},
        "environments": {
            "test": {"tier": "non-production", "issuer": {"development": True, "audience": "shop", "users": {}}}
        },
        "apis": {
            "shop": {
                "title": "Shop",
                "owner": "team",
                "exposure": "internal",
                "environment": "test",
                "contract": "openapi.json",
                "upstream": "http://127.0.0.1:9",
            }
        },
        "objectives": {
            "only-owners": {
                "category": "authentication-authorisation",
                "statement": "Only owners read their orders.",
                "controls": ["authorisation"],
            }
        },
        "exceptions": [
            {
                "control": "authorisation",
                "on": "apis.shop",
                "reason": "the old app goes away",
                "approved_by": "head of security",
                "owner": "team",
                "expires": expires,
            }
        ],
    }
    (root / "assay.yaml").write_text(yaml.safe_dump(declaration))
    return open_project(root)


def failed(at: datetime, *, excepted_by: str | None) -> RunResult:
    verdict = Verdict(
        control=READ.control,
        check=READ.id,
        subject="apis.shop.operations.getOrder",
        outcome=Outcome.FAIL,
        sentence="another reads it",
        severity=READ.severity,
        location=Location("openapi.json", 1, 1),
        excepted_by=excepted_by,
    )
    proof = Proof(case="authorisation/read/shop.getOrder/app", test=READ, verdict=verdict, started=at)
    return RunResult(
        id=f"r{at:%Y%m%d}",
        seed=0,
        started=at,
        finished=at + timedelta(seconds=9),
        target="https://127.0.0.1:8443",
        via="gateway",
        declaration_digest="d" * 64,
        configuration_digest="c" * 64,
        planned=1,
        requests=1,
        writes=0,
        proofs=(proof,),
    )


def kept(project: Project, *runs: RunResult) -> None:
    for run in runs:
        keep_run(project, run, (), {}, clock=partial(_at, run.finished))


def _at(moment: datetime) -> datetime:
    return moment


def test_an_exception_that_has_expired_since_the_run_covers_nothing_any_more(tmp_path: Path) -> None:
    declared = project(tmp_path, "2026-03-10")
    kept(declared, failed(RUN, excepted_by="exceptions.0"))
    then = dossier(declared, now=RUN + timedelta(days=1))
    assert [p.verdict.excepted_by for p in then.proofs] == ["exceptions.0"]
    later = dossier(declared, now=RUN + timedelta(days=30))
    assert [p.verdict.excepted_by for p in later.proofs] == [None]
    assert later.run is not None
    assert [p.verdict.excepted_by for p in later.run.proofs] == [None]
    assert [s.status for s in later.standings] == [Status.FAILED]


def test_an_exception_that_was_approved_after_the_run_covers_what_it_found(tmp_path: Path) -> None:
    declared = project(tmp_path, "2026-12-31")
    kept(declared, failed(RUN, excepted_by=None))
    assert [p.verdict.excepted_by for p in dossier(declared, now=RUN).proofs] == ["exceptions.0"]


def test_what_is_no_longer_accepted_is_new_in_the_trend(tmp_path: Path) -> None:
    declared = project(tmp_path, "2026-03-10")
    again = RUN + timedelta(days=20)
    kept(declared, failed(RUN, excepted_by="exceptions.0"), failed(again, excepted_by=None))
    made = dossier(declared, now=again)
    assert made.trend is not None
    assert [m.key for m in made.trend.new] == ["authorisation/read/shop.getOrder/app"]
    assert replace(made.trend, new=()) == type(made.trend)()


def test_the_report_names_who_witnessed_up_to_where(tmp_path: Path) -> None:
    declared = project(tmp_path, "2026-12-31")
    kept(declared, failed(RUN, excepted_by=None))
    log = evidence_directory(declared)
    before = dossier(declared, now=RUN).evidence
    assert before is not None and before.witnessed == ""
    (tmp_path / "audit").mkdir(mode=0o700)
    witness = Witness.create(tmp_path / "audit" / "key", "audit.example.com/witness")
    signed = cosign_log(log, witness, tmp_path / "audit" / "memory", at=RUN)
    cosigned.keep(LogFiles(log).witnessed, Cosigned(witness.name, witness.public, signed))
    after = dossier(declared, now=RUN).evidence
    assert after is not None
    hint = witness.verifier.split("+")[1]
    said = f"by audit.example.com/witness (key {hint}), 2026-03-01 12:00 UTC, up to record {after.records}"
    assert (after.witnessed, after.verified) == (said, True)


def test_a_report_as_of_a_moment_knows_no_run_of_later(tmp_path: Path) -> None:
    declared = project(tmp_path, "2026-03-10")
    kept(declared, failed(RUN, excepted_by=None))
    before = dossier(declared, now=RUN - timedelta(seconds=1))
    assert (before.run, before.proofs) == (None, ())
    assert [s.operating.population for s in before.standings] == [0]


def test_a_run_whose_results_are_gone_is_missed_and_no_older_one_takes_its_place(tmp_path: Path) -> None:
    declared = project(tmp_path, "2026-03-10")
    kept(declared, failed(RUN, excepted_by=None), failed(RUN + timedelta(days=1), excepted_by=None))
    newest = max((evidence_directory(declared) / "blobs").iterdir())
    content = newest.read_bytes()
    for damaged in (b"", content[:-1], bytes(len(content))):
        newest.write_bytes(damaged)
        with pytest.raises(IncompleteError, match="is gone or damaged"):
            dossier(declared, now=RUN + timedelta(days=2))
    newest.unlink()
    with pytest.raises(IncompleteError, match="2026-03-02"):
        kept_runs(declared)


def test_what_a_run_found_is_decoded_once_for_all_that_ask(tmp_path: Path) -> None:
    declared = project(tmp_path, "2026-03-10")
    kept(declared, failed(RUN, excepted_by=None))
    assert kept_runs(declared)[0] is kept_runs(declared)[0]


def test_a_failure_of_many_runs_ago_is_still_what_its_exception_covers(tmp_path: Path) -> None:
    """Quick runs of parts must not push a failure out of sight: what judges still counts it."""
    declared = project(tmp_path, "2026-03-10")
    later = [replace(failed(RUN + timedelta(minutes=n), excepted_by=None), proofs=()) for n in range(1, 31)]
    kept(declared, failed(RUN, excepted_by=None), *later)
    (listed,) = listing(declared, RUN + timedelta(days=1))
    assert [v.check for v in listed.proven] == [READ.id]


def test_runs_that_were_cut_off_the_log_are_missed(tmp_path: Path) -> None:
    declared = project(tmp_path, "2026-03-10")
    kept(declared, failed(RUN, excepted_by=None), failed(RUN + timedelta(days=1), excepted_by=None))
    records = evidence_directory(declared) / "records.jsonl"
    lines = records.read_bytes().splitlines(keepends=True)
    records.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(IncompleteError, match="shorter than its checkpoint"):
        kept_runs(declared)


def test_a_log_with_another_record_in_the_place_of_a_run_is_altered(tmp_path: Path) -> None:
    declared = project(tmp_path, "2026-03-10")
    unaltered(declared)
    kept(declared, failed(RUN, excepted_by=None), failed(RUN + timedelta(days=1), excepted_by=None))
    unaltered(declared)
    records = evidence_directory(declared) / "records.jsonl"
    lines = records.read_bytes().splitlines(keepends=True)
    records.write_bytes(b"".join([*lines, lines[0]]))
    unaltered(declared)  # what is not sealed yet is being written
    records.write_bytes(b"".join([*lines[:-1], lines[0]]))
    with pytest.raises(IncompleteError, match="altered"):
        unaltered(declared)


def test_a_run_that_was_shredded_on_record_is_left_out(tmp_path: Path) -> None:
    declared = project(tmp_path, "2026-03-10")
    kept(declared, failed(RUN, excepted_by=None), failed(RUN + timedelta(days=1), excepted_by=None))
    with open_ledger(declared, clock=partial(_at, RUN + timedelta(days=2))) as ledger:
        ledger.shred(Ledger.read(evidence_directory(declared)).runs()[-1].run, reason="asked for")
    assert [run.started for run in kept_runs(declared)] == [RUN]


def test_many_later_runs_of_something_else_push_no_failure_out_of_sight(tmp_path: Path) -> None:
    declared = project(tmp_path, "2026-03-10")
    first = failed(RUN, excepted_by=None)
    later = [
        replace(first, id=f"r{n}", proofs=(), started=RUN + timedelta(minutes=n), finished=RUN + timedelta(minutes=n))
        for n in range(1, 25)
    ]
    kept(declared, first, *later)
    assert [s.status for s in dossier(declared, now=RUN + timedelta(days=1)).standings] == [Status.EXCEPTED]
    assert [s.status for s in dossier(declared, now=RUN + timedelta(days=30)).standings] == [Status.FAILED]
