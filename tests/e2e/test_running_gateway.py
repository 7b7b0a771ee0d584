"""A gateway started by `assay up --detach`: what its users do with it, and what happens when parts of it die."""

from __future__ import annotations

import json
import os
import signal
import sqlite3

import httpx
import psutil
import pytest

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_status_says_that_envoy_runs_what_was_applied(world) -> None:
    status = world.status()
    assert status["version"] == 1
    assert status["confirmed"] is True
    assert {p["name"]: p["state"] for p in status["parts"]} == {
        "development issuer": "ready",
        "inspector": "ready",
        "processor": "ready",
        "Envoy": "ready",
    }


def test_a_second_up_says_what_already_runs(world) -> None:
    said = world.assay("up", "--detach", expect=2)
    assert "runs already" in said
    assert "assay down" in said


def test_plan_after_up_has_no_changes(world) -> None:
    assert "No changes" in world.assay("plan", "--detailed-exitcode")


def test_a_key_works_from_its_issue_to_its_end(world) -> None:
    issued = json.loads(world.assay("key", "issue", "partner-acme", "--format", "json"))

    def answers(key: str, status: int) -> bool:
        with world.client() as client:
            return client.get("/customers", headers={"x-api-key": key}).status_code == status

    world.until(lambda: answers(issued["key"], 200), every=1.0)
    rotated = json.loads(world.assay("key", "rotate", issued["id"], "--overlap", "1h", "--format", "json"))
    world.until(lambda: answers(rotated["key"], 200), every=1.0)
    assert answers(issued["key"], 200)  # the overlap
    world.assay("key", "revoke", issued["id"])
    world.until(lambda: answers(issued["key"], 401), every=1.0)
    assert answers(rotated["key"], 200)
    for path in (world.state / "keys").iterdir():
        assert issued["key"].encode() not in path.read_bytes()
    listed = json.loads(world.assay("key", "list", "--format", "json"))
    assert {k["id"]: k["state"] for k in listed["keys"]}[issued["id"]] == "revoked"


def test_an_issuer_may_rotate_its_keys(world) -> None:
    from datetime import UTC, datetime
    from pathlib import Path

    from assay.identity.issuer.signing import rotate_signing_key

    old = world.token("agent-desk")
    rotate_signing_key(Path(world.state / "issuer"), now=int(datetime.now(UTC).timestamp()), lead_seconds=0)

    def new_tokens_pass() -> bool:
        with world.client() as client:
            return client.get("/customers", headers=bearer(world.token("agent-desk"))).status_code == 200

    world.until(new_tokens_pass, every=1.0)
    with world.client() as client:
        assert client.get("/customers", headers=bearer(old)).status_code == 200


def test_a_token_for_another_purpose_opens_nothing(world) -> None:
    with world.client() as client:
        agent = bearer(world.token("agent-desk"))
        assert client.get("/exports/customers", headers=agent).status_code in (401, 403)
        assert client.delete("/customers/c-1", headers=agent).status_code in (401, 403)
        assert client.get("/debug/config", headers=agent).status_code == 404


def test_loosening_a_limit_is_shown_and_applied_on_a_test_environment(world) -> None:
    file = world.directory / "assay.yaml"
    original = file.read_text()
    try:
        file.write_text(original.replace("default: 60/minute", "default: 600/minute"))
        plan = json.loads(world.assay("plan", "--format", "json"))
        loosening = [c for c in plan["changes"] if c["effect"] == "loosening"]
        assert len(loosening) == 1
        assert loosening[0]["control"] == "rate_limiting"
        assert "60" in loosening[0]["before"] and "600" in loosening[0]["after"]
        assert loosening[0]["location"]["file"].endswith("assay.yaml")
        assert "applied and confirmed" in world.assay("apply")
        with world.client() as client:
            answer = client.get("/customers", headers=bearer(world.token("agent-desk")))
        assert answer.headers["x-ratelimit-limit"].startswith("600")
        assert "applied and confirmed" in world.assay("apply", "--rollback", "0")
    finally:
        file.write_text(original)
    assert "No changes" in world.assay("plan")


def test_a_killed_envoy_is_started_again_and_it_is_noted(world) -> None:
    before = world.part("Envoy")
    os.kill(before["pid"], signal.SIGKILL)
    after = world.until(lambda: (p := world.part("Envoy"))["pid"] != before["pid"] and p["state"] == "ready" and p)
    assert after["restarts"] == before["restarts"] + 1
    assert "SIGKILL" in after["last_exit"]
    with world.client() as client:
        assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("part", "path", "needs"),
    [("inspector", "/customers?limit=1", "inspection"), ("processor", "/customers", "masking")],
)
def test_without_a_part_requests_are_refused_and_never_passed(world, part: str, path: str, needs: str) -> None:
    token = bearer(world.token("agent-desk"))
    main = psutil.Process(world.part(part)["pid"])
    processes = [main, *main.children(recursive=True)]
    for process in processes:
        process.suspend()  # it is there, and does not answer
    try:
        with world.client() as client:
            assert client.get(path, headers=token).status_code >= 500, needs
    finally:
        for process in processes:
            process.kill()

    def passes() -> bool:
        with world.client() as client:
            answer = client.get(path, headers=token)
            assert answer.status_code in (200, 429) or answer.status_code >= 500
            return answer.status_code == 200

    world.until(passes, every=1.0)


def test_what_is_stored_is_ciphertext_and_what_is_read_is_not(world) -> None:
    iban = "IE29AIBK93115200000042"
    record = {
        "name": "Erin Stored",
        "email": "erin.stored@example.test",
        "phone": "+353 1 555 0101",
        "date_of_birth": "1990-01-02",
        "postcode": "D02",
        "iban": iban,
        "national_id": "285057800608441",
        "notes": "x",
    }
    with world.client() as client:
        made = client.post("/customers", json=record, headers=bearer(world.token("agent-desk")))
    assert made.status_code == 201, made.text
    assert made.json()["iban"] == "************0042"  # its length is nobody's business either
    stored = httpx.get(f"{world.direct}/customers/{made.json()['customerId']}", timeout=30, trust_env=False).json()
    assert stored["iban"].startswith("enc:v1:")
    assert stored["email"].startswith("det:v1:")
    database = next(world.directory.parent.glob("data/*.sqlite3"))
    assert iban.encode() not in database.read_bytes()
    assert sqlite3.connect(database).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_log_holds_no_secret_and_no_query(world) -> None:
    token = world.token("agent-desk")
    with world.client() as client:
        client.get("/customers", params={"email": "private.person@example.test"}, headers=bearer(token))
        client.get("/customers", headers={"x-api-key": "ak_aaaaaaaa_" + "b" * 43})
    world.until(lambda: len(world.log()) > 1)
    text = (world.state / "logs" / "access.jsonl").read_text()
    assert "private.person" not in text
    assert token.rsplit(".", 1)[1] not in text
    assert "b" * 43 not in text


def test_every_file_of_the_state_is_private(world) -> None:
    loose = [
        str(p.relative_to(world.state))
        for p in world.state.rglob("*")
        if not p.is_symlink() and p.lstat().st_mode & 0o077 and not p.is_socket()
    ]
    assert loose == []
