"""Objectives of a project at a moment: what was kept by then counts, with the profile that is declared or tried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.app.coverage import later_runs, matrices, objectives_at
from assay.app.keeping import keep_run
from assay.app.project import Project, open_project
from assay.app.reporting import dossier
from assay.assurance.objectives import Status
from assay.domain import Location, Outcome, Severity, Verdict
from assay.prove.case import Test
from assay.prove.result import Proof, RunResult

RUN = datetime(2026, 3, 1, 12, tzinfo=UTC)
READ = Test("authorisation", "foreign-object-read", "t", Severity.HIGH, "w", "f", ())
CONTRACT = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
paths:
  /orders/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: {operationId: getOrder, responses: {"200": {description: ok}}}
"""
DECLARED = """\
assay: 1
organisation: {name: Northwind}
profile: basic
environments: {test: {tier: non-production, issuer: {development: true, audience: shop, users: {}}}}
apis:
  shop: {owner: us, exposure: internal, environment: test, contract: shop.yaml, upstream: "http://127.0.0.1:9"}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """A project with the profile `basic` and one kept run, in which another reads an order."""
    (tmp_path / "shop.yaml").write_text(CONTRACT)
    (tmp_path / "assay.yaml").write_text(DECLARED)
    project = open_project(tmp_path)
    verdict = Verdict(
        control=READ.control,
        check=READ.id,
        subject="apis.shop.operations.getOrder",
        outcome=Outcome.FAIL,
        sentence="another reads it",
        severity=READ.severity,
        location=Location("shop.yaml"),
    )
    run = RunResult(
        id="r1",
        seed=0,
        started=RUN,
        finished=RUN + timedelta(seconds=9),
        target="https://127.0.0.1:8443",
        via="gateway",
        declaration_digest="d" * 64,
        configuration_digest="c" * 64,
        planned=1,
        requests=1,
        writes=0,
        proofs=(Proof(case="authorisation/read/shop.getOrder/app", test=READ, verdict=verdict, started=RUN),),
    )
    keep_run(project, run, (), {}, clock=lambda: run.finished)
    return project


def _status(project: Project, at: datetime, profile: str | None = None) -> dict[str, Status]:
    return {j.chosen.id: j.standing.status for j in objectives_at(project, at, profile)}


def test_what_was_measured_fails_the_objective_that_it_speaks_about_and_no_other(shop: Project) -> None:
    found = _status(shop, RUN + timedelta(hours=1))
    assert [name for name, status in found.items() if status is Status.FAILED] == ["CO-AUZ-01"]


def test_what_was_measured_later_does_not_count_yet(shop: Project) -> None:
    before = RUN - timedelta(hours=1)
    assert Status.FAILED not in _status(shop, before).values()
    assert later_runs(shop, before) == 1
    assert later_runs(shop, RUN) == 0


def test_the_report_shows_the_same_standings(shop: Project) -> None:
    at = RUN + timedelta(hours=1)
    assert dossier(shop, now=at).standings == tuple(j.standing for j in objectives_at(shop, at))


def test_the_same_moment_gives_the_same_result(shop: Project) -> None:
    at = RUN + timedelta(hours=1)
    assert objectives_at(shop, at) == objectives_at(open_project(shop.declaration.root), at)


def test_a_profile_can_be_tried_and_every_framework_has_its_matrix(shop: Project) -> None:
    at = RUN + timedelta(hours=1)
    assert len(objectives_at(shop, at)) == 21
    found = objectives_at(shop, at, "advanced")
    assert len(found) == 48
    for covered in matrices(shop, found, at):
        assert covered.counts.mapped and not covered.counts.effective and not covered.counts.reviewed
