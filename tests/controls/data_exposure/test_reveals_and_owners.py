"""Who sees what: the most specific permission counts, and owners only where they can reach nothing but their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from assay.declare.declaration import Declaration
from assay.declare.model import Api, MaskForm
from assay.declare.rules import rules_by_operation
from assay.gateway.processor.forms import MOST_REVEALING_FIRST as PROCESSOR_ORDER
from assay.sensitivity.reveals import MOST_REVEALING_FIRST, Reveals, owners

BASE = """\
assay: 1
organisation: {name: x}
environments: {e: {tier: non-production, issuer: {development: true, audience: x}}}
data: {d: {fields: {f: {category: user.contact.email}, g: {category: user.name}, h: {category: user.financial}}}}
apis:
  a:
    owner: x
    exposure: internal
    environment: e
    contract: shop.yaml
    upstream: http://127.0.0.1:1
    access: %s
    observe: %s
consumers:
  app: {kind: application, authenticate: {oauth2: {client: app}}, roles: %s}
  office: {kind: service, authenticate: {oauth2: {client: office}}, roles: [agent]}
"""
OWN = "{roles: [customer], operations: [getOrder], owns: path.orderId == token.sub}"


def _owners(
    declared: Callable[..., Declaration], access: str, observe: str = "[]", roles: str = "[customer]"
) -> tuple[str, ...]:
    declaration = declared(BASE % (access, observe, roles))
    api = declaration.model.apis["a"]
    rules = rules_by_operation(api, declaration.operations("a"))
    return owners(declaration, api, "getOrder", rules["getOrder"])


class TestOwners:
    def test_a_role_that_reaches_its_own_objects_only_sees_them(self, declared: Callable[..., Declaration]) -> None:
        assert _owners(declared, f"[{OWN}, {{roles: [agent], operations: [getOrder]}}]") == ("customer",)

    @pytest.mark.parametrize(
        "access",
        [
            f"[{OWN}, {{roles: [customer], operations: ['get*']}}]",
            f"[{OWN}, {{anonymous: true, operations: [getOrder]}}]",
            "[{roles: [customer], operations: [getOrder]}]",
        ],
        ids=["another rule", "anonymous", "no ownership"],
    )
    def test_a_role_that_reaches_everybodys_objects_is_no_owner(
        self, declared: Callable[..., Declaration], access: str
    ) -> None:
        assert _owners(declared, access) == ()

    def test_a_role_is_no_owner_while_ownership_is_only_observed(self, declared: Callable[..., Declaration]) -> None:
        assert _owners(declared, f"[{OWN}]", "[authorisation]") == ()

    def test_a_consumer_with_a_wider_role_as_well_makes_nobody_an_owner(
        self, declared: Callable[..., Declaration]
    ) -> None:
        access = f"[{OWN}, {{roles: [agent], operations: [getOrder]}}]"
        assert _owners(declared, access, roles="[customer, agent]") == ()


def _reveals(*entries: dict[str, object]) -> Reveals:
    api = {
        "owner": "x",
        "exposure": "internal",
        "environment": "e",
        "contract": "c",
        "upstream": "http://h",
        "reveal": entries,
    }
    return Reveals(Api.model_validate(api))


class TestReveals:
    def test_a_class_covers_what_lies_below_it_only(self) -> None:
        found = _reveals({"roles": ["r"], "classes": ["user.contact"]})
        assert found.forms("user.contact.email") == {"r": "clear"}
        assert found.forms("user.contacts") == {}
        assert found.forms("") == {}

    def test_the_most_specific_class_counts_in_either_order(self) -> None:
        wide = {"roles": ["r"], "classes": ["user"], "form": "clear"}
        narrow = {"roles": ["r"], "classes": ["user.financial"], "form": "last4"}
        for entries in ((wide, narrow), (narrow, wide)):
            assert _reveals(*entries).forms("user.financial.bank_account") == {"r": "last4"}
            assert _reveals(*entries).forms("user.name") == {"r": "clear"}

    def test_of_contradicting_entries_the_less_revealing_holds(self) -> None:
        one = {"roles": ["r"], "classes": ["user.name"], "form": "clear"}
        other = {"roles": ["r"], "classes": ["user.name"], "form": "fixed"}
        assert _reveals(one, other).forms("user.name") == {"r": "fixed"}

    def test_one_role_s_entry_leaves_the_others_alone(self) -> None:
        found = _reveals(
            {"roles": ["a"], "classes": ["user"]}, {"roles": ["b"], "classes": ["user.name"], "form": "drop"}
        )
        assert found.forms("user.name") == {"a": "clear", "b": "drop"}


def test_the_order_of_forms_is_the_processors_own_and_complete() -> None:
    assert MOST_REVEALING_FIRST == PROCESSOR_ORDER
    assert set(MOST_REVEALING_FIRST) == set(MaskForm.__args__)  # type: ignore[attr-defined]
