"""Kinto, protected from the document it serves: what its users may do goes through, and nothing else does."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from tests.foreign.foreign_apis import Protected

pytestmark = [pytest.mark.integration, pytest.mark.slow]
RECORDS = "/v1/buckets/library/collections/books/records"


@pytest.fixture(scope="module")
def admin(kinto: Protected) -> Any:
    with kinto.bearer("admin-console") as client:
        assert client.put("/v1/buckets/library", json={"data": {}}).status_code in (200, 201)
        assert client.put("/v1/buckets/library/collections/books", json={"data": {}}).status_code in (200, 201)
        yield client


@pytest.fixture(scope="module")
def user(kinto: Protected) -> Any:
    with kinto.bearer("app") as client:
        yield client


def test_the_draft_says_what_it_guessed_and_that_the_contract_names_no_scheme(kinto: Protected) -> None:
    assert "guesses are marked" in kinto.said["init"]
    assert not kinto.said["init"].splitlines()[-1].startswith("0 ")
    text = (kinto.directory / "assay.yaml").read_text()
    assert "the contract names no way to prove who calls" in text
    assert "anonymous: true" not in text
    assert "the gateway is up" in kinto.said["up"]


def test_nobody_gets_in_without_a_credential(kinto: Protected) -> None:
    with kinto.client() as stranger:
        for method, path in (("GET", "/v1/"), ("GET", "/v1/buckets"), ("DELETE", "/v1/buckets")):
            assert stranger.request(method, path).status_code == 401
    assert httpx.get(f"{kinto.upstream}/v1/buckets", timeout=30, trust_env=False).status_code == 200, (
        "Kinto itself would answer"
    )


def test_a_reader_reads_and_cannot_write(kinto: Protected, admin: httpx.Client, user: httpx.Client) -> None:
    written = admin.post(RECORDS, json={"data": {"title": "Emma"}})
    assert written.status_code == 201
    found = user.get(RECORDS, params={"_limit": "10", "_sort": "-title"})
    assert [book["title"] for book in found.json()["data"]] == ["Emma"]
    record = f"{RECORDS}/{written.json()['data']['id']}"
    assert user.get(record).json()["data"]["title"] == "Emma"
    for method, path in (("POST", RECORDS), ("PATCH", record), ("DELETE", record), ("DELETE", "/v1/buckets")):
        json = {"data": {"title": "Stolen"}} if method != "DELETE" else None
        assert user.request(method, path, json=json).status_code == 403
    direct = httpx.get(f"{kinto.upstream}{RECORDS}", timeout=30, trust_env=False).json()["data"]
    assert [book["title"] for book in direct] == ["Emma"]


def test_an_api_key_is_as_good_as_a_token_until_it_is_revoked(kinto: Protected) -> None:
    with kinto.keyed("partner") as partner:
        # The running gateway takes a new key up within moments.
        assert _soon(lambda: partner.get("/v1/buckets").status_code, 200)
        assert partner.put("/v1/buckets/theirs", json={"data": {}}).status_code == 403
        key = partner.headers["x-api-key"]
        kinto.assay("key", "revoke", key.split("_")[1])
        assert _soon(lambda: partner.get("/v1/buckets").status_code, 401)


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/nothing", 404), ("/", 404), ("/v1/buckets?nope=1", 400), ("/v1/buckets/../x", 404)]
)
def test_what_the_contract_does_not_name_does_not_pass(user: httpx.Client, path: str, status: int) -> None:
    assert user.get(path).status_code == status


def test_a_method_that_the_contract_does_not_name_is_told_the_others(user: httpx.Client) -> None:
    answer = user.patch("/v1/buckets", json={})
    assert answer.status_code == 405
    assert {m.strip() for m in answer.headers["allow"].split(",")} >= {"GET", "POST", "DELETE"}


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (b'{"data": "text"}', "application/json", 400),
        (b'{"data": ', "application/json", 400),
        (b'{"data": {}, "data": {}}', "application/json", 400),
        (b"hello", "text/plain", 415),
        (b'{"data": {"x": "' + b"a" * 2_000_000 + b'"}}', "application/json", 413),
    ],
)
def test_a_body_that_breaks_the_contract_does_not_reach_the_service(
    kinto: Protected, admin: httpx.Client, content: bytes, media: str, status: int
) -> None:
    answer = admin.put("/v1/buckets/broken", content=content, headers={"content-type": media})
    assert answer.status_code == status
    assert httpx.get(f"{kinto.upstream}/v1/buckets/broken", trust_env=False).status_code in (401, 403, 404)


def test_status_confirms_what_runs(kinto: Protected) -> None:
    said = kinto.assay("status")
    assert "confirmed" in said
    assert "not confirmed" not in said


def _soon(ask: Any, wanted: int) -> bool:
    end = time.monotonic() + 90
    while ask() != wanted:
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True
