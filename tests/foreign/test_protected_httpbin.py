"""httpbin, protected from the document it serves, which is Swagger 2.0 with some liberties."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.foreign.foreign_apis import Protected

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def admin(httpbin: Protected) -> Any:
    with httpbin.bearer("admin-console") as client:
        yield client


@pytest.fixture(scope="module")
def user(httpbin: Protected) -> Any:
    with httpbin.bearer("app") as client:
        yield client


def test_calls_that_the_contract_names_get_the_services_own_answers(user: Any, admin: Any) -> None:
    assert user.get("/uuid").json()["uuid"]
    assert user.get("/image/png").headers["content-type"] == "image/png"
    assert user.get("/gzip").json()["gzipped"] is True
    assert user.get("/status/418").status_code == 418
    assert admin.post("/post").json()["url"].endswith("/post")
    assert admin.put("/redirect-to", data={"url": "https://shop.example/", "status_code": "302"}).status_code == 302


def test_the_service_sees_neither_credentials_nor_what_callers_claim_about_themselves(user: Any) -> None:
    seen = user.get("/headers", headers={"x-assay-subject": "root", "x-forwarded-for": "10.0.0.1"}).json()["headers"]
    assert "Authorization" not in seen
    assert "root" not in str(seen)
    assert "10.0.0.1" not in str(seen)


def test_callers_without_a_good_credential_are_refused(httpbin: Protected) -> None:
    with httpbin.client() as stranger:
        assert stranger.get("/get").status_code == 401
        assert stranger.get("/get", headers={"authorization": "Bearer nonsense"}).status_code == 401
        assert stranger.get("/get", headers={"x-api-key": "ak_aaaaaaaa_nonsense"}).status_code == 401
        assert stranger.get("/nothing").status_code == 404


def test_a_reader_may_not_write(user: Any) -> None:
    for method, path in (("POST", "/post"), ("PUT", "/put"), ("PATCH", "/patch"), ("DELETE", "/delete")):
        assert user.request(method, path).status_code == 403


def test_a_body_that_nothing_declares_is_refused_however_small(user: Any, admin: Any) -> None:
    for content in (b"a", b"a=1", b"a" * 5000):
        assert admin.post("/post", content=content).status_code in (400, 413, 415)
        assert user.request("GET", "/get", content=content).status_code in (400, 413, 415)


@pytest.mark.parametrize(("path", "status"), [("/get?x=1", 400), ("/nothing", 404), ("/anything/a/b", 404)])
def test_what_the_contract_does_not_name_does_not_pass(user: Any, path: str, status: int) -> None:
    assert user.get(path).status_code == status


def test_what_cannot_be_enforced_is_said(httpbin: Protected) -> None:
    said = httpbin.assay("check", "--all", "--fail-on", "never")
    assert "`trace` is not a method of a path, so it is not served" in " ".join(said.split())
    assert "`int` is not a type, so it is not enforced" in " ".join(said.split())


def test_each_caller_has_a_limit_of_its_own(httpbin: Protected, admin: Any) -> None:
    with httpbin.bearer("app") as eager:
        began = time.monotonic()
        statuses = [eager.get("/uuid").status_code for _ in range(150)]
        seconds = time.monotonic() - began
    assert 429 in statuses
    assert statuses.count(200) <= 60 + 1 + seconds, "sixty a minute, and one more for each second that it took"
    assert admin.post("/post").status_code == 200, "another caller is not touched"
