"""Kinto and httpbin, proven as they are: what is known about them is what is found, and nothing else fails."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.foreign.conftest import KINTO, _project
from tests.foreign.foreign_apis import PROGRAMS, protected, service

from assay.app.aiming import at_foreign, at_project
from assay.app.project import open_project
from assay.app.proving import Choice, proven
from assay.domain import Outcome
from assay.gateway.ports import free_ports
from assay.prove.bounds import Limits
from assay.prove.result import Proof, RunResult

pytestmark = [pytest.mark.integration, pytest.mark.slow]
BOUNDS = Limits(requests=2500, per_second=400, seconds=180.0, wait=10.0)
PEOPLE = ("alice=basic:alice:env:ALICE_PASSWORD", "bob=basic:bob:env:BOB_PASSWORD")
# Kinto's users are whoever sends a name and a password; each bucket belongs to who made it, and to nobody else.
USERS = """\
multiauth.policies = basicauth
multiauth.policy.basicauth.use = kinto.core.authentication.BasicAuthAuthenticationPolicy
"""


@pytest.fixture(autouse=True)
def passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALICE_PASSWORD", "correct horse")
    monkeypatch.setenv("BOB_PASSWORD", "battery staple")


@contextmanager
def running_kinto(directory: Path, settings: str) -> Iterator[tuple[str, str]]:
    port = free_ports(2)
    (directory / "kinto.ini").write_text(settings.format(port=port))
    contract = f"http://127.0.0.1:{port}/v1/__api__"
    with service([str(PROGRAMS / "kinto"), "start", "--ini", "kinto.ini", "--port", str(port)], directory, contract):
        yield contract, f"http://127.0.0.1:{port}"


@pytest.fixture
def kinto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """With nobody known to it: everybody may do everything, as behind a gateway that knows them."""
    with running_kinto(tmp_path_factory.mktemp("kinto"), KINTO) as api:
        yield api


@pytest.fixture
def kinto_with_users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    settings = KINTO.replace("system.Everyone", "system.Authenticated") + USERS
    with running_kinto(tmp_path_factory.mktemp("users"), settings) as api:
        yield api


@pytest.fixture(scope="module")
def httpbin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    directory = tmp_path_factory.mktemp("httpbin")
    port = free_ports(2)
    server = [sys.executable, "-m", "waitress", f"--listen=127.0.0.1:{port}", "--threads=16", "httpbin:app"]
    contract = f"http://127.0.0.1:{port}/spec.json"
    with service(server, directory, contract):
        yield contract, f"http://127.0.0.1:{port}"


def as_foreign(api: tuple[str, str], directory: Path, *people: str) -> RunResult:
    aim = at_foreign(*api, identities=people, directory=directory)
    return asyncio.run(proven(aim, Choice(), BOUNDS))


def through_the_gateway(api: tuple[str, str], directory: Path, *controls: str) -> RunResult:
    with protected(_project(directory), *api) as project:
        aim = at_project(open_project(project.directory))
        return asyncio.run(proven(aim, Choice(controls=controls), BOUNDS))


def found(result: RunResult, outcome: Outcome) -> list[Proof]:
    return [proof for proof in result.proofs if proof.verdict.outcome is outcome]


def said(proofs: list[Proof]) -> dict[str, str]:
    return {proof.case: proof.verdict.sentence for proof in proofs}


def checks(proofs: list[Proof]) -> set[str]:
    return {proof.verdict.check for proof in proofs}


def test_kinto_keeps_its_users_apart_and_is_lax_about_sizes_and_bodies(kinto_with_users, tmp_path: Path) -> None:
    result = as_foreign(kinto_with_users, tmp_path, *PEOPLE)
    assert not said(found(result, Outcome.ERROR))
    # True of Kinto on waitress: any name and password is somebody (its documented basic authentication), an empty body
    # is taken where the contract requires one, nothing bounds a batch, headers up to 256 KiB are taken, and the
    # connection stays open after both kinds of length (RFC 9112 section 6.1).
    known = {"contract-not-enforced", "body-size-unbounded", "header-size-unbounded", "request-smuggling"}
    known |= {"garbage-credential-accepted"}
    failed = found(result, Outcome.FAIL)
    assert checks(failed) <= known, said(failed)
    assert {"header-size-unbounded", "garbage-credential-accepted"} <= checks(failed)
    apart = [p for p in found(result, Outcome.PASS) if p.verdict.check.startswith("foreign-object")]
    assert apart, "objects of one user were tried as another, and refused"


def test_kinto_behind_the_gateway_fails_nothing(kinto, tmp_path: Path) -> None:
    result = through_the_gateway(kinto, tmp_path, "authorisation", "transport_encryption", "activity_logging")
    assert not said(found(result, Outcome.ERROR))
    assert not said(found(result, Outcome.FAIL))
    assert {p.verdict.control for p in found(result, Outcome.PASS)} == {
        "authorisation",
        "transport_encryption",
        "activity_logging",
    }


def test_httpbin_reflects_what_it_is_sent_and_that_is_no_injection(httpbin, tmp_path: Path) -> None:
    result = as_foreign(httpbin, tmp_path, *PEOPLE)
    assert not said(found(result, Outcome.ERROR))
    reflected = {"sql-injection", "nosql-injection", "code-injection", "foreign-object-read", "foreign-object-changed"}
    failed = found(result, Outcome.FAIL)
    assert not reflected & checks(failed), said(failed)


def test_httpbin_behind_the_gateway_fails_by_what_it_tells_browsers(httpbin, tmp_path: Path) -> None:
    result = through_the_gateway(httpbin, tmp_path, "data_exposure", "transport_encryption", "activity_logging")
    assert not said(found(result, Outcome.ERROR))
    # True of httpbin: it answers every origin with that origin, credentials allowed; the gateway leaves that to it.
    assert checks(found(result, Outcome.FAIL)) == {"foreign-origin-allowed"}, said(found(result, Outcome.FAIL))
    assert {"transport_encryption", "activity_logging"} <= {p.verdict.control for p in found(result, Outcome.PASS)}
