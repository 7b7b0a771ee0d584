"""`assay prove`, `report` and `verify`, as a user runs them beside a running gateway."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import ASSAY, World, running_world

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One of its own: proofs use up limits that other tests call within."""
    with running_world() as found:
        yield found


def proved(world: World, *arguments: str, expect: int = 0) -> dict[str, Any]:
    done = subprocess.run(
        [*ASSAY, "prove", *arguments, "--format", "json"],
        cwd=world.directory,
        env=world.environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == expect, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["version"] == 1
    return found


def test_a_plan_says_what_would_be_sent_and_sends_nothing(world: World) -> None:
    before = len(world.log())
    plan = json.loads(world.assay("prove", "--plan", "--format", "json"))["plans"][0]
    assert plan["cases"] > 150
    assert plan["requests"] > plan["writes"] > 0
    time.sleep(0.3)
    assert len(world.log()) == before


def test_a_proof_leaves_verdicts_evidence_and_objectives(world: World) -> None:
    found = proved(world, "--control", "authorisation", "--control", "authentication")
    outcomes = {v["outcome"] for v in found["verdicts"]}
    assert "pass" in outcomes and "fail" not in outcomes
    denied = next(v for v in found["verdicts"] if v["check"] == "foreign-object-read")
    assert denied["refused_by"] == "authorisation/no-rule-allows"
    assert denied["evidence"] and denied["reproduce"].startswith("curl ")
    assert {o["id"]: o["status"] for o in found["objectives"]}["only-owners"] == "effective"
    verified = json.loads(world.assay("verify", "--format", "json"))
    assert verified["ok"] is True
    assert verified["records"] > len(found["verdicts"])


def test_no_secret_is_kept_or_printed(world: World) -> None:
    proved(world, "--control", "authentication")
    report = world.assay("report", "--format", "har")
    assert "Bearer eyJ" not in report
    log = json.loads(report)["log"]
    sent = [h["value"] for e in log["entries"] for h in e["request"]["headers"] if h["name"] == "authorization"]
    assert sent
    assert not [value for value in sent if value.count(".") == 2 and len(value) > 100]


def test_one_case_is_replayed_alone(world: World) -> None:
    case = "authorisation/foreign-object-read/customer-data.getCustomer/mobile-app"
    found = proved(world, "--replay", case)
    assert [v["case"] for v in found["verdicts"]] == [case]
    assert "did you mean `authorisation`" in world.assay("prove", "-c", "authorisatoin", expect=2)


def test_the_difference_between_both_ways_is_what_the_gateway_adds(world: World) -> None:
    found = proved(world, "--control", "authorisation", "--operation", "customer-data.getCustomer", "--via", "both")
    added = {row["case"] for row in found["contribution"]}
    assert "authorisation/foreign-object-read/customer-data.getCustomer/mobile-app" in added
    assert any(v["outcome"] == "fail" for v in found["direct"]["verdicts"])


def test_a_report_is_written_from_evidence_alone_and_grows_old(world: World, tmp_path: Path) -> None:
    proved(world, "--control", "authorisation", "--control", "authentication")
    world.assay("report", "--output", str(tmp_path / "report"))
    page = (tmp_path / "report" / "index.html").read_text()
    assert "only-owners" in page and "What was not tested" in page
    world.assay("report", "--pack", "--output", str(tmp_path / "pack"))
    stranger = [sys.executable, str(tmp_path / "pack" / "evidence" / "verify.py"), str(tmp_path / "pack" / "evidence")]
    assert subprocess.run(stranger, capture_output=True, timeout=120).returncode == 0
    later = json.loads(world.assay("report", "--format", "json", "--at", "2031-01-01"))
    assert {o["id"]: o["status"] for o in later["objectives"]}["only-owners"] == "stale"
    sarif = json.loads(world.assay("report", "--format", "sarif"))
    assert sarif["version"] == "2.1.0"


def test_applications_are_evidence_too(world: World) -> None:
    lines = (world.state / "evidence" / "records.jsonl").read_text().splitlines()
    kept = [json.loads(line)["statement"]["predicate"] for line in lines if '"kind":"configuration"' in line]
    assert kept and kept[0]["outcome"] == "pass" and kept[0]["configuration"]


def test_a_stop_file_ends_a_run_in_order_and_says_what_was_not_tested(world: World, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    stop.touch()
    found = proved(world, "--control", "authorisation", "--stop-file", str(stop), expect=3)
    assert found["run"]["stopped"]
    assert {v["outcome"] for v in found["verdicts"]} == {"skipped"}
    assert found["unreached"]


def test_ctrl_c_ends_a_run_in_order_and_keeps_what_it_found(world: World) -> None:
    process = subprocess.Popen(
        # So few in a second that it is under way for long, however fast the machine is.
        [*ASSAY, "prove", "--control", "authorisation", "--format", "json", "--per-second", "5"],
        cwd=world.directory,
        env=world.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    before = len(world.log())
    world.until(lambda: len(world.log()) > before + 5)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 3, err
    found = json.loads(out)
    assert found["run"]["stopped"]
    assert "skipped" in {v["outcome"] for v in found["verdicts"]}
    world.assay("verify")


def test_production_is_not_attacked_without_authority(world: World, tmp_path: Path) -> None:
    declaration = world.directory / "assay.yaml"
    before = declaration.read_text()
    try:
        declaration.write_text(before.replace("tier: non-production", "tier: production", 1))
        said = world.assay("prove", "--control", "authorisation", expect=2)
    finally:
        declaration.write_text(before)
    assert "--i-am-authorised" in said


def test_an_api_without_a_declaration_is_proven_by_its_contract_and_the_given_identities(world: World) -> None:
    contract = str(world.directory / "openapi" / "customer-data.yaml")
    foreign = ("--contract", contract, "--target", world.direct)
    assert "--identity" in world.assay("prove", *foreign, "--plan")
    world.environment["ALICE_TOKEN"] = "a token that this service does not look at"
    found = proved(world, *foreign, "--identity", "alice=bearer:env:ALICE_TOKEN", expect=1)
    failed = {(v["check"], v["operation"]) for v in found["verdicts"] if v["outcome"] == "fail"}
    assert ("call-without-credential", "api.listCustomers") in failed
    assert any("bob=" in need for need in found["needs"])
    kept = list((world.state / "foreign").iterdir())
    assert len(kept) == 1 and world.assay("verify", str(kept[0] / "evidence"))


@pytest.mark.parametrize("kind", ["systemd", "cron"])
def test_a_timer_is_printed_that_can_be_installed(world: World, kind: str) -> None:
    said = world.assay("prove", "--schedule", "6h", "--print-timer", kind)
    assert "assay prove" in said or "prove" in said
    assert ("OnUnitActiveSec=21600s" in said) if kind == "systemd" else said.startswith("0 */6 * * * ")
    assert "cron cannot tell" in world.assay("prove", "--schedule", "7h", "--print-timer", "cron", expect=2)


def test_a_used_up_limit_is_remembered_while_a_thousand_others_call(world: World) -> None:
    # An hour, which is not over before a thousand others have called, however slow the machine is.
    changes = {
        "assay.d/objectives.yaml": ("prove: {bounds: {", "prove: {bounds: {crowd: 1000, "),
        "assay.yaml": ("write: 10/minute", "write: 10/hour"),
    }
    before = {name: (world.directory / name).read_text() for name in changes}
    for name, change in changes.items():
        assert change[0] in before[name]
        (world.directory / name).write_text(before[name].replace(*change))
    try:
        world.assay("apply")
        found = proved(world, "--control", "rate_limiting", "--operation", "customer-data.createCustomer")
    finally:
        for name, text in before.items():
            (world.directory / name).write_text(text)
        world.assay("apply")
    remembered = next(v for v in found["verdicts"] if v["check"] == "limit-forgotten")
    assert remembered["outcome"] == "pass", remembered["sentence"]
    assert remembered["facts"]["others"] == 1000


def test_the_same_seed_gives_the_same_verdicts(world: World) -> None:
    controls = [word for name in ("authorisation", "api_gateway", "network_ranges") for word in ("--control", name)]
    # Without `health`, on which a service that hangs is played: that takes 15 seconds, whatever the seed.
    operations = [f"customer-data.{name}" for name in ("listCustomers", "getCustomer", "createCustomer")]
    chosen = (*controls, *(word for name in operations for word in ("--operation", name)), "--seed", "7")
    first, second = proved(world, *chosen), proved(world, *chosen)
    outcomes = {v["case"]: v["outcome"] for v in first["verdicts"]}
    assert outcomes == {v["case"]: v["outcome"] for v in second["verdicts"]}
    assert {v["control"] for v in first["verdicts"]} == {"authorisation", "api_gateway", "network_ranges"}
