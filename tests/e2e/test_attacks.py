"""What an attacker with a good identity, or with a hand in the state directory, gets from a running gateway."""

from __future__ import annotations

import json
import time

import httpx
import pytest

pytestmark = pytest.mark.integration
RECORD = {
    "name": "Mallory Quill",
    "email": "mallory.quill@example.test",
    "phone": "+353 1 555 0199",
    "date_of_birth": "1990-01-02",
    "postcode": "D02",
    "iban": "IE29AIBK93115200000099",
    "national_id": "285057800608441",
    "notes": "x",
}
HIDDEN = (RECORD["iban"], RECORD["national_id"], RECORD["date_of_birth"])


@pytest.fixture(scope="module")
def agent(world):
    with world.client(headers={"authorization": f"Bearer {world.token('agent-desk')}"}) as client:
        yield client


@pytest.fixture(scope="module")
def record(agent) -> str:
    """The path of a customer whose data agents see only in part."""
    answer = agent.post("/customers", json=RECORD)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


ASKED = {
    "plainly": {},
    "for a part": {"range": "bytes=0-4000"},
    "for a part, if unchanged": {"range": "bytes=0-4000", "if-range": '"x"'},
    "compressed": {"accept-encoding": "gzip, br, zstd"},
    "as something else": {"accept": "text/csv, application/xml, text/html;q=0.9"},
    "with a guess": {"if-none-match": "*", "if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    "as somebody else": {"x-assay-certificate-name": "back-office.internal", "x-assay-subject": "root"},
    "under another route's name": {"x-assay-operation": "customer-data/health"},
    "as gRPC": {"content-type": "application/grpc"},
}


@pytest.mark.parametrize("way", ASKED)
def test_masked_data_stays_masked_however_it_is_asked_for(agent, record: str, way: str) -> None:
    answer = agent.get(record, headers=ASKED[way])
    assert not any(value in answer.text for value in HIDDEN)
    assert "etag" not in answer.headers
    if way == "plainly":
        assert answer.status_code == 200
        assert answer.json()["name"] == RECORD["name"]


def test_other_spellings_of_a_closed_operation_reach_nothing(agent) -> None:
    for path in ("/exports/customers", "/EXPORTS/CUSTOMERS", "/exports;x=1/customers", "/exports//customers.json"):
        answer = agent.get(path)
        assert answer.status_code in (401, 403, 404), path
        assert RECORD["name"] not in answer.text


def test_neither_tokens_nor_personal_data_stand_in_any_log(world, agent, record: str) -> None:
    agent.get("/customers", params={"email": RECORD["email"]})
    time.sleep(0.3)
    token = agent.headers["authorization"].removeprefix("Bearer ")
    for file in (world.state / "logs").rglob("*"):
        text = file.read_text(errors="replace") if file.is_file() else ""
        assert token not in text
        assert token.rsplit(".", 1)[1] not in text
        assert not any(value in text for value in (*HIDDEN, RECORD["email"]))


def test_the_state_directory_is_its_owners_alone(world) -> None:
    for path in (world.state, *world.state.rglob("*")):
        if not path.is_symlink():
            assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("file", ["inspector/bundle.json", "processor/bundle.json", "gateway/live/rds.json"])
def test_a_file_changed_behind_the_gateways_back_is_told(world, file: str) -> None:
    """A bundle with everything switched off works at once: nobody may read `healthy` meanwhile."""
    path = world.state / file
    original = path.read_bytes()
    world.until(lambda: world.status()["healthy"])
    changed = json.loads(original)
    if "operations" in changed:
        changed["operations"] = {}
    else:
        changed["version_info"] = "meddled"
    try:
        path.write_text(json.dumps(changed))
        status = world.status()
        assert status["healthy"] is False
        assert any(file in problem for problem in status["problems"])
    finally:
        path.write_bytes(original)
    world.until(lambda: world.status()["healthy"])


def test_without_a_note_of_what_is_live_the_plan_still_knows_it(world) -> None:
    note = world.state / "gateway" / "applied.json"
    kept = note.read_bytes()
    try:
        note.unlink()
        assert json.loads(world.assay("plan", "--format", "json"))["initial"] is False
    finally:
        note.write_bytes(kept)
        note.chmod(0o600)


def test_the_gateway_goes_on_after_all_that(world) -> None:
    with world.client() as client:
        assert client.get("/health").status_code == 200
    assert httpx.get(f"{world.direct}/health", timeout=30, trust_env=False).status_code == 200
