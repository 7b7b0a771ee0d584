"""Proof of authorisation: the matrix, others' objects, and the traps that make naive tests cry wolf."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.controls.proving.shop import ADMIN, CUSTOMER, HEAD, Shop, named, outcome, run, surface_in
from tests.prove.scripted import Asked, Said, allowed, refused

from assay.controls.authorisation.prove import prove
from assay.prove.case import Family
from assay.prove.surface import Persona, Surface

FLAWS = [
    ("function-open-to-other-roles", "report", "role"),
    ("foreign-object-read", "getOrder", "bola-read"),
    ("foreign-object-changed", "updateOrder", "bola-write"),
    ("foreign-object-changed", "updateOrder", "refused-but-done"),
    ("foreign-object-removed", "deleteOrder", "bola-delete"),
    ("foreign-object-removed", "deleteOrder", "refused-but-gone"),
    ("foreign-child-under-own-parent", "getLine", "child"),
    ("identity-header-trusted", "getOrder", "header-identity"),
    ("scope-not-enforced", "", "scope"),
]


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return surface_in(tmp_path / "shop")


@pytest.mark.parametrize(("test", "operation", "flaw"), FLAWS)
class TestEachAttack:
    def test_finds_its_flaw(self, surface: Surface, test: str, operation: str, flaw: str) -> None:
        assert outcome(named(list(prove(surface)), test, operation), Shop(frozenset({flaw})), surface) == "fail"

    def test_finds_nothing_in_a_safe_service(self, surface: Surface, test: str, operation: str, flaw: str) -> None:
        assert outcome(named(list(prove(surface)), test, operation), Shop(), surface) == "pass"


class TestTraps:
    def test_a_204_that_changed_nothing_of_the_owners_passes(self, surface: Surface) -> None:
        (case,) = named(list(prove(surface)), "foreign-object-changed", "updateOrder")
        judged = run(case, Shop(frozenset({"own-copy"})), surface)
        assert judged.outcome == "pass"
        assert "unchanged" in judged.sentence

    def test_values_that_change_by_themselves_are_no_effect(self, surface: Surface) -> None:
        shop, count = Shop(), iter(range(1000))

        def restless(asked: Asked) -> Said | None:
            order = shop.orders.get(asked.path.removeprefix("/orders/"))
            claims = asked.claims()
            if asked.method == "GET" and order and claims and claims["sub"] == order["owner"]:
                return Said(200, {**order, "seen_at": f"time-{next(count)}"})
            return None

        shop.wants = restless
        (case,) = named(list(prove(surface)), "foreign-object-changed", "updateOrder")
        assert run(case, shop, surface).outcome == "pass"

    def test_a_200_without_what_the_owner_planted_is_no_leak(self, surface: Surface) -> None:
        def empty(asked: Asked) -> Said | None:
            claims = asked.claims()
            own = claims and claims["sub"] == asked.path.rpartition("/")[2]
            return None if own or asked.method != "GET" else Said(200, {"items": []})

        (case,) = named(list(prove(surface)), "foreign-object-read", "getOrder")
        assert run(case, Shop(wants=empty), surface).outcome == "pass"

    def test_an_owner_who_is_refused_too_proves_nothing(self, surface: Surface) -> None:
        shut = Shop(wants=lambda asked: Said(403, {"title": "closed"}))
        for case in prove(surface):
            if case.test.id != "permitted-caller-refused" and not case.writes:
                assert run(case, shut, surface).outcome == "inconclusive", case.id

    def test_with_a_single_identity_ownership_is_not_shown(self, surface: Surface) -> None:
        (case,) = named(list(prove(surface)), "foreign-object-read", "getOrder")
        assert run(case, Shop(), surface, people=1).outcome == "inconclusive"

    def test_a_rate_limit_is_no_refusal(self, surface: Surface) -> None:
        def limited(asked: Asked) -> Said | None:
            claims = asked.claims()
            own = claims and claims["sub"] == asked.path.rpartition("/")[2]
            return None if own else Said(429, {"title": "Too many requests"})

        (case,) = named(list(prove(surface)), "foreign-object-read", "getOrder")
        assert run(case, Shop(wants=limited), surface).outcome == "inconclusive"


class TestAtTheGateway:
    @pytest.fixture
    def surface(self, tmp_path: Path) -> Surface:
        return surface_in(tmp_path / "shop", via="gateway", fronted=True)

    @pytest.mark.parametrize("test", ["foreign-object-read", "foreign-object-changed", "foreign-object-removed"])
    def test_the_policy_that_refused_is_named(self, surface: Surface, test: str) -> None:
        def answer(asked: Asked) -> Said | None:
            claims = asked.claims()
            if claims and "orders/" in asked.path and claims["sub"] != asked.path.split("/")[2]:
                return refused("authorisation/no-rule-allows")
            return None

        operation = {"foreign-object-read": "getOrder"}.get(test, "")
        for case in named(list(prove(surface)), test, operation):
            judged = run(case, Shop(gateway=True, wants=answer), surface)
            assert judged.outcome == "pass", judged.sentence
            assert "`authorisation/no-rule-allows`" in judged.sentence

    def test_a_refusal_by_something_else_is_not_counted(self, surface: Surface) -> None:
        def answer(asked: Asked) -> Said | None:
            claims = asked.claims()
            other = claims and "orders/" in asked.path and claims["sub"] != asked.path.split("/")[2]
            return refused("input_validation/path", 400) if other else None

        (case,) = named(list(prove(surface)), "foreign-object-read", "getOrder")
        assert run(case, Shop(gateway=True, wants=answer), surface).outcome == "inconclusive"

    def test_authorisation_that_only_observes_is_a_finding(self, surface: Surface) -> None:
        def answer(asked: Asked) -> Said | None:
            if asked.path == "/report" and asked.claims():
                return allowed({"turnover": "123456"}, 200, "", "authorisation/no-rule-allows")
            return None

        (case,) = named(list(prove(surface)), "function-open-to-other-roles", "report", "app")
        judged = run(case, Shop(gateway=True, wants=answer), surface)
        assert judged.outcome == "fail"
        assert "only observes" in judged.sentence

    def test_one_request_is_enough_where_the_gateway_refuses_a_change(self, surface: Surface) -> None:
        from tests.prove.scripted import ScriptedLab, judge

        shop = Shop(gateway=True)
        (case,) = named(list(prove(surface)), "function-open-to-other-roles", "resetReport", "app")
        lab = ScriptedLab(surface, shop, shop.things)
        assert judge(case, lab).outcome == "pass"
        assert len(lab.asked) == 1


class TestPermittedCallers:
    def test_who_get_through_pass(self, surface: Surface) -> None:
        cases = named(list(prove(surface)), "permitted-caller-refused", "", "app")
        assert {c.operation for c in cases} >= {"getOrder", "listOrders", "createOrder"}
        assert outcome(cases, Shop(), surface) == "pass"

    def test_who_are_refused_by_the_gateway_are_a_finding(self, tmp_path: Path) -> None:
        surface = surface_in(tmp_path / "shop", via="gateway", fronted=True)
        shop = Shop(wants=lambda asked: refused("authorisation/no-rule-allows"))
        (case,) = named(list(prove(surface)), "permitted-caller-refused", "listOrders", "app")
        assert run(case, shop, surface).outcome == "fail"

    def test_whose_request_the_service_did_not_like_are_inconclusive(self, surface: Surface) -> None:
        (case,) = named(list(prove(surface)), "permitted-caller-refused", "createOrder", "app")
        assert run(case, Shop(wants=lambda asked: Said(422, {})), surface).outcome == "inconclusive"


class TestWithoutDeclaredAccess:
    @pytest.fixture
    def surface(self, tmp_path: Path) -> Surface:
        ann, bob = (
            Persona(name, None, ("customer",), ("token",), ("read", "write"), given=True) for name in ("ann", "bob")
        )
        return surface_in(tmp_path / "shop", personas=(ann, bob), declared_access=False)

    def test_there_is_no_matrix(self, surface: Surface) -> None:
        assert not named(list(prove(surface)), "function-open-to-other-roles")

    @pytest.mark.parametrize(("flaw", "expected"), [("bola-read", "fail"), ("none", "pass")])
    def test_two_given_identities_are_each_others_strangers(self, surface: Surface, flaw: str, expected: str) -> None:
        cases = named(list(prove(surface)), "foreign-object-read", "getOrder")
        assert len(cases) == 1
        assert outcome(cases, Shop(frozenset({flaw})), surface) == expected

    def test_what_everybody_finds_in_a_list_is_shared_and_no_leak(self, surface: Surface) -> None:
        shop = Shop(frozenset({"bola-read"}))

        def shared(asked: Asked) -> Said | None:
            listing = asked.path == "/orders" and asked.method == "GET" and asked.claims()
            return Said(200, {"items": list(shop.orders.values())}) if listing else None

        shop.wants = shared
        (case,) = named(list(prove(surface)), "foreign-object-read", "getOrder")
        judged = run(case, shop, surface)
        assert judged.outcome == "inconclusive"
        assert "`prove.public`" in judged.sentence

    def test_what_anybody_may_read_is_public_and_no_leak(self, surface: Surface) -> None:
        shop = Shop()

        def public(asked: Asked) -> Said | None:
            order = shop.orders.get(asked.path.removeprefix("/orders/"))
            return Said(200, order) if order and asked.method == "GET" else None

        shop.wants = public
        (case,) = named(list(prove(surface)), "foreign-object-read", "getOrder")
        assert run(case, shop, surface).outcome == "inconclusive"

    def test_what_is_declared_public_is_not_tried(self, tmp_path: Path, surface: Surface) -> None:
        head = HEAD + "prove: {public: [shop.getOrder]}\n"
        open_ = surface_in(tmp_path / "open", head=head, personas=surface.personas, declared_access=False)
        assert not named(list(prove(open_)), "foreign-object-read", "getOrder")


class TestTenants:
    @pytest.fixture
    def surface(self, tmp_path: Path) -> Surface:
        one = Persona("one", None, ("admin",), ("token",), ("read",), tenant="north", given=True)
        return surface_in(tmp_path / "shop", personas=(one, replace(one, name="two", tenant="south")))

    def _shop(self, *, apart: bool, header: bool = False) -> Shop:
        shop = Shop()

        def answer(asked: Asked) -> Said | None:
            claims = asked.claims()
            if not claims or not asked.path.startswith("/orders"):
                return None
            tenant = claims["sub"].partition("-")[0]
            if header and asked.headers.get("x-tenant"):
                tenant = {"north": "one", "south": "two"}[asked.headers["x-tenant"]]
            seen = [o for o in shop.orders.values() if not apart or o["owner"].startswith(tenant)]
            if asked.path == "/orders":
                return Said(200, {"items": seen})
            one = next((o for o in seen if o["id"] == asked.path.split("/")[2]), None)
            return Said(200, one) if one else Said(404, {})

        shop.wants = answer
        return shop

    @pytest.mark.parametrize("operation", ["listOrders", "getOrder"])
    @pytest.mark.parametrize(("apart", "expected"), [(True, "pass"), (False, "fail")])
    def test_find_nothing_of_each_other(self, surface: Surface, operation: str, apart: bool, expected: str) -> None:
        (case,) = named(list(prove(surface)), "tenants-not-apart", operation)
        assert run(case, self._shop(apart=apart), surface).outcome == expected

    @pytest.mark.parametrize(("header", "expected"), [(False, "pass"), (True, "fail")])
    def test_cannot_be_chosen_by_a_header(self, surface: Surface, header: bool, expected: str) -> None:
        (case,) = named(list(prove(surface)), "identity-header-trusted", "listOrders", variant="tenant")
        assert run(case, self._shop(apart=True, header=header), surface).outcome == expected


class TestPlanning:
    def test_covers_every_operation_and_persona_exactly_once(self, surface: Surface) -> None:
        cases = list(prove(surface))
        matrix = [
            (c.operation, c.identity)
            for c in cases
            if c.test.id in ("function-open-to-other-roles", "permitted-caller-refused")
        ]
        assert len(matrix) == len(set(matrix))
        closed = {t.id for t in surface.targets} - {"health"}
        # The administrator lacks the scope for nothing: every closed operation is in, for both.
        assert set(matrix) == {(o, p.name) for o in closed for p in (CUSTOMER, ADMIN)}

    def test_puts_what_disturbs_others_later(self, surface: Surface) -> None:
        for case in prove(surface):
            if case.test.id.startswith("foreign-object-") and case.writes:
                assert case.family is Family.CROSS_WRITE

    def test_gives_every_case_an_id_of_its_own(self, surface: Surface) -> None:
        ids = [c.id for c in prove(surface)]
        assert len(ids) == len(set(ids))
