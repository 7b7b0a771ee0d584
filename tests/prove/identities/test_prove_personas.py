"""Every declared consumer and everybody who is named by hand is somebody to act as."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.controls import CONTROL_IDS
from assay.declare import load
from assay.declare.declaration import Declaration
from assay.declare.model import ProveIdentity
from assay.domain import UsageError
from assay.prove.identities import EXAMPLES, given_identities, given_identity
from assay.prove.personas import personas_of

EXAMPLE = Path(__file__).parents[3] / "examples" / "customer-data"


@pytest.fixture(scope="module")
def declaration() -> Declaration:
    return load(EXAMPLE, environ={}, controls=frozenset(CONTROL_IDS))


# Personas ---------------------------------------------------------------------------------------------------------


def test_every_consumer_is_a_persona_by_each_way_and_by_all_of_them(declaration: Declaration) -> None:
    found = {p.name: p for p in personas_of(declaration, "demo")}
    assert set(found) == {
        "mobile-app",
        "agent-desk",
        "partner-acme",
        "back-office",
        "back-office+token",
        "back-office+certificate",
    }
    assert found["back-office"].ways == ("token", "certificate")
    assert found["back-office+certificate"].scopes == ()
    assert found["mobile-app"].people
    assert not found["agent-desk"].people
    assert found["partner-acme"].sources == ("203.0.113.0/24", "127.0.0.0/24")
    assert found["agent-desk"].scopes == ("customers:read", "customers:write")


def test_identities_by_hand_are_personas_with_what_their_consumer_gives_them(declaration: Declaration) -> None:
    given = {
        "alice": ProveIdentity.model_validate({"consumer": "mobile-app", "user": "alice"}),
        "key": ProveIdentity.model_validate({"header": {"name": "x-api-key", "value": {"secret": "env:K"}}}),
        "session": ProveIdentity.model_validate(
            {"roles": ["agent"], "basic": {"user": "u", "password": {"secret": "env:P"}}}
        ),
    }
    found = {p.name: p for p in personas_of(declaration, "demo", given=given)}
    assert (found["alice"].roles, found["alice"].ways, found["alice"].given) == (("customer",), ("token",), True)
    assert found["alice"].clearance == "restricted"
    assert found["key"].ways == ("key",)
    assert (found["session"].ways, found["session"].roles) == (("session",), ("agent",))


def test_an_identity_without_its_consumer_or_with_anothers_name_is_refused(declaration: Declaration) -> None:
    nobody = {"x": ProveIdentity.model_validate({"consumer": "mobil-app", "user": "alice"})}
    with pytest.raises(UsageError, match="mobil-app"):
        personas_of(declaration, "demo", given=nobody)
    for name in ("agent-desk", "anonymous"):
        with pytest.raises(UsageError, match="name"):
            personas_of(
                declaration, "demo", given={name: ProveIdentity.model_validate({"bearer": {"secret": "env:T"}})}
            )


# From the command line --------------------------------------------------------------------------------------------


def test_each_form_of_an_identity_is_understood(tmp_path: Path) -> None:
    (tmp_path / "dora-login.yaml").write_text(
        "path: /login\nbody: {name: dora, word: {secret: 'env:W'}}\nextract: /t\n"
    )
    found = given_identities(EXAMPLES, base=tmp_path)
    assert list(found) == ["alice", "partner", "carl", "dora", "eve"]
    assert found["alice"].bearer is not None
    assert found["alice"].bearer.secret == "env:ALICE_TOKEN"
    assert found["partner"].header is not None
    assert found["partner"].header.name == "X-API-Key"
    assert found["carl"].basic is not None
    assert found["carl"].basic.user == "carl"
    assert found["dora"].login is not None
    assert found["dora"].login.extract == "/t"
    assert found["eve"].roles == ("admin", "auditor")


@pytest.mark.parametrize(
    "text",
    [
        "alice",
        "=bearer:env:T",
        "alice=berer:env:T",
        "alice=bearer:",
        "alice=bearer:eyJhbGciOiJub25lIn0.e30.",
        "alice=header:X-Key",
        "alice=header::env:T",
        "alice=basic:carl",
        "alice=login:absent.yaml",
        "alice=login:list.yaml",
        "alice=login:bad.yaml",
        "alice=login:unsound.yaml",
        "alice@=bearer:env:T",
        "a b=bearer:env:T",
    ],
)
def test_what_is_not_understood_is_refused_with_what_can_be_written(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.yaml").write_text("- 1\n")
    (tmp_path / "bad.yaml").write_text("{:\n")
    (tmp_path / "unsound.yaml").write_text("path: login\n")
    with pytest.raises(UsageError) as caught:
        given_identity(text, base=tmp_path)
    assert caught.value.fix
    assert "eyJ" not in caught.value.diagnosis()


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="twice"):
        given_identities(["a=bearer:env:A", "a=bearer:env:B"], base=tmp_path)


@given(st.text(max_size=40))
def test_any_text_is_an_identity_or_a_usage_error(text: str) -> None:
    for written in (text, f"a={text}", f"a=bearer:{text}", f"a=login:{text}"):
        try:
            given_identity(written, base=Path("/nonexistent"))
        except UsageError:
            continue
