"""What `assay prove` says of a run at a terminal: a failure is named, not only counted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.controls.proving.shop import surface_in

from assay.app.aiming import Aim
from assay.app.project import open_project
from assay.cli.prove import _say
from assay.domain import Location, Outcome, Severity, Verdict
from assay.prove.case import Test
from assay.prove.result import Proof, RunResult

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
READ = Test("authorisation", "foreign-object-read", "t", Severity.HIGH, "why it matters", "f", ())
CASE = "authorisation/foreign-object-read/shop.getOrder/app"


def said(folder: Path, capsys: pytest.CaptureFixture[str], *, alone: bool) -> str:
    surface = surface_in(folder / "shop", via="direct", fronted=True)
    aim = Aim(project=open_project(folder / "shop"), surface=surface, environment="production", target="http://x")
    verdict = Verdict(
        control=READ.control,
        check=READ.id,
        subject="apis.shop.operations.getOrder",
        outcome=Outcome.FAIL,
        sentence="another reads it",
        severity=READ.severity,
        location=Location("contract.yaml", 1, 1),
    )
    result = RunResult(
        id="r1",
        seed=0,
        started=AT,
        finished=AT,
        target="http://x",
        via="direct",
        declaration_digest="d" * 64,
        configuration_digest="",
        planned=1,
        requests=1,
        writes=0,
        proofs=(Proof(case=CASE, test=READ, verdict=verdict, started=AT),),
    )
    _say(aim, result, alone=alone)
    return capsys.readouterr().out


def test_a_failure_at_the_service_alone_is_named_with_its_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(tmp_path, capsys, alone=True)
    assert "another reads it" in text
    assert CASE in text


def test_beside_the_gateway_failures_at_the_service_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(tmp_path, capsys, alone=False)
    assert CASE not in text
    assert "authorisation" in text
