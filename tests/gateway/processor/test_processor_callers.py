"""Callers are who Envoy verified, with no more roles and clearance than all their proofs agree on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.gateway import ir
from assay.gateway.processor.callers import NOBODY, Directory, Identity, Introspected, Proofs


def caller(consumer: str, *roles: str, clearance: int = 2, **more: Any) -> ir.Caller:
    return ir.Caller(control="c", source="s", consumer=consumer, roles=roles, clearance=clearance, **more)


NESTED = ir.ClaimNames(client=("client", "id"), roles=("realm", "roles"))
DIRECTORY = Directory(
    [
        caller("app", "agent", "admin", issuer="prod", client="app", clearance=3),
        caller("other", "agent", issuer="test", client="app"),
        caller("roleless", "agent", issuer="flat", client="app"),
        caller("partner", "agent", "reader", api_key=True),
        caller("back", "admin", certificate_name="back.internal", clearance=4),
        caller("opaque", "agent", "admin", issuer="prod", client="op", opaque=True),
        caller("twice", "agent", issuer="test", client="shared", opaque=True),
        caller("twice2", "agent", issuer="prod", client="shared", opaque=True),
    ],
    [
        ("prod", "https://prod.example", ir.ClaimNames()),
        ("test", "https://test.example", NESTED),
        ("flat", "https://flat.example", ir.ClaimNames(roles=None)),
    ],
)


def token(issuer: str, **claims: object) -> dict[str, object]:
    return {"iss": f"https://{issuer}.example", **claims}


def who(**proofs: Any) -> Identity:
    return DIRECTORY.identify(Proofs(**proofs))


def test_roles_are_the_consumers_narrowed_by_its_token() -> None:
    assert who(token=token("prod", azp="app", roles=["agent", "root"])) == Identity(frozenset({"agent"}), 3)
    assert who(token=token("prod", azp="app", roles="agent admin")).roles == {"agent", "admin"}
    assert who(token=token("prod", azp="app")).roles == frozenset()
    assert who(token=token("test", client={"id": "app"}, realm={"roles": ["agent"]})) == Identity(
        frozenset({"agent"}), 2
    )
    assert who(token=token("flat", azp="app")).roles == {"agent"}


@pytest.mark.parametrize("roles", ["x,admin agent", "agent\tadmin", "agent,admin agent", "agent\nadmin agent"])
def test_roles_that_let_nobody_in_show_nothing_more(roles: str) -> None:
    assert "admin" not in who(token=token("prod", azp="app", roles=roles)).roles


def test_a_certificate_with_several_names_is_known_by_the_declared_one() -> None:
    assert who(certificate="other.internal,back.internal") == Identity(frozenset({"admin"}), 4)
    assert who(certificate="xback.internal") == Identity()


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"iss": "https://evil.example", "azp": "app", "roles": ["agent"]},
        token("prod", azp="unknown", roles=["agent"]),
        token("prod", azp=["app"], roles=["agent"]),
        token("prod", roles=["agent"]),
        token("test", azp="app", roles=["agent"]),
        token("test", client="app", realm={"roles": ["agent"]}),
        {"iss": 5},
    ],
)
def test_a_token_that_names_no_declared_consumer_is_nobodys(claims: dict[str, object]) -> None:
    assert who(token=claims) == NOBODY


def test_keys_certificates_and_opaque_tokens_name_their_consumer() -> None:
    assert who(key_consumer="partner") == Identity(frozenset({"agent", "reader"}), 2)
    assert who(key_consumer="app") == NOBODY, "a consumer without API keys has none"
    assert who(certificate="back.internal") == Identity(frozenset({"admin"}), 4)
    assert who(introspected=Introspected("op", ("agent",))).roles == {"agent"}
    assert who(introspected=Introspected("op", ("agent",), "test")) == NOBODY
    assert who(introspected=Introspected("app", ("agent",))) == NOBODY, "not a consumer of opaque tokens"
    assert who(introspected=Introspected("shared", ("agent",))) == NOBODY, "two issuers could have meant it"
    assert who(introspected=Introspected("shared", ("agent",), "test")).roles == {"agent"}


def test_several_proofs_give_only_what_all_of_them_give() -> None:
    both = who(token=token("prod", azp="app", roles=["agent", "admin"]), key_consumer="partner")
    assert both == Identity(frozenset({"agent"}), 2)
    assert who(token=token("prod", azp="unknown"), key_consumer="partner") == NOBODY
    assert who(certificate="mesh.internal", key_consumer="partner").roles == {"agent", "reader"}


def test_no_proof_is_nobody() -> None:
    assert who() == NOBODY
    assert who(certificate="mesh.internal") == NOBODY


@given(
    st.dictionaries(
        st.sampled_from(["iss", "azp", "roles", "client", "realm"]),
        st.recursive(
            st.none()
            | st.booleans()
            | st.floats()
            | st.sampled_from(["https://prod.example", "https://test.example", "app", "id"]),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "roles"]), inner),
            max_leaves=5,
        ),
    )
)
def test_arbitrary_claims_never_raise_or_add_roles(claims: dict[str, object]) -> None:
    identity = who(token=claims)
    assert identity.roles <= {"agent", "admin"}
    assert identity.clearance <= 3


def test_only_the_claims_that_matter_are_read() -> None:
    assert DIRECTORY.claim_roots == {"iss", "azp", "roles", "client", "realm"}
