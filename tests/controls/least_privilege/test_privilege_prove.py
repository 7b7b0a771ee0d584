"""Proof of least privilege: rights as the system has them, and the calls that an API keeps from its consumers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.controls.proving.shop import ADMIN, CUSTOMER, HEAD, Shop, named, run, surface_in
from tests.prove.scripted import Asked, Said, ScriptedLab, judge

from assay.controls.least_privilege.prove import prove
from assay.domain import AssayError, Outcome, Secret, UsageError
from assay.privilege.rights import Grant, Operation, Rights, Unclear
from assay.prove.case import Case, Judged, NotReached
from assay.prove.granted import Granted
from assay.prove.surface import Surface

NARROWED = """\
systems:
  crm: {kind: database, environment: production, owner: x, holds: [order], CONNECTION}
data: {order: {subjects: customers, fields: {iban: {category: user.financial.bank_account}}}}
accounts:
  sync:
    platform: postgresql
    system: crm
    environment: production
    owner: x
    used_by: [app]
    clearance: restricted
    needs: [{select: orders}]
    rights: RIGHTS
    narrowed_by:
      api: shop
      operations: [health, listOrders, createOrder, getOrder, updateOrder, deleteOrder, getLine]
"""
REAL = "connection: {kind: postgresql, dsn: {secret: 'env:DSN'}}"
MINE = ["report", "resetReport"]


def surface_of(
    folder: Path, rights: str = "{read_from: connection}", connection: str = REAL, **more: object
) -> Surface:
    head = HEAD + NARROWED.replace("CONNECTION", connection).replace("RIGHTS", rights)
    return surface_in(folder / "shop", head=head, **more)


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return surface_of(tmp_path)


def grant(object: str, operation: Operation = "read", right: str = "SELECT", *via: str) -> Grant:
    return Grant("sync", object, operation, right, "PostgreSQL", via=via)


def judged(surface: Surface, test: str, *grants: Grant, powers: str = "", unclear: str = "") -> Judged:
    (case,) = named(list(prove(surface)), test)
    found = (Unclear(unclear),) if unclear else ()
    rights = Rights("sync", "PostgreSQL", grants, found, frozenset(powers.split()))
    return judge(case, ScriptedLab(surface, Shop(), granted=lambda _: rights))


class TestEffectiveRights:
    def test_hold_when_they_are_what_is_needed(self, surface: Surface) -> None:
        found = judged(surface, "effective-rights-excessive", grant("public.orders"))
        assert (found.outcome, found.facts["index"]) == (Outcome.PASS, 0)

    @pytest.mark.parametrize(
        ("grants", "powers", "part"),
        [
            ((grant("public.orders"), grant("public.orders", "delete", "DELETE")), "", "it reaches restricted data"),
            ((grant("public.orders"), grant("public.notes")), "", "50% of what `sync` may do is more than it needs"),
            ((grant("public.orders"),), "bypassrls", "BYPASSRLS"),
            ((grant("public.orders"), grant("role boss", "impersonate", "SET ROLE")), "", "may act as others"),
        ],
    )
    def test_fail_when_they_are_more(self, surface: Surface, grants: tuple[Grant, ...], powers: str, part: str) -> None:
        found = judged(surface, "effective-rights-excessive", *grants, powers=powers)
        assert found.outcome is Outcome.FAIL
        assert part in found.sentence

    def test_say_nothing_when_the_needs_are_not_even_granted(self, surface: Surface) -> None:
        assert judged(surface, "effective-rights-excessive").outcome is Outcome.INCONCLUSIVE

    def test_are_not_passed_by_what_could_not_be_read(self, surface: Surface) -> None:
        found = judged(surface, "effective-rights-excessive", grant("public.orders"), unclear="half")
        assert found.outcome is Outcome.INCONCLUSIVE
        (case,) = named(list(prove(surface)), "effective-rights-excessive")
        assert judge(case, ScriptedLab(surface, Shop())).outcome is Outcome.INCONCLUSIVE

    def test_are_compared_with_what_was_written_by_hand(self, tmp_path: Path) -> None:
        surface = surface_of(tmp_path, "[{select: orders}]")
        test = "effective-rights-differ"
        assert judged(surface, test, grant("public.orders")).outcome is Outcome.PASS
        more = judged(surface, test, grant("public.orders"), grant("public.orders", "write", "INSERT", "editors"))
        assert (more.outcome, "`INSERT on public.orders`" in more.sentence) == (Outcome.FAIL, True)
        less = judged(surface, test)
        assert (less.outcome, "may not do what is declared" in less.sentence) == (Outcome.FAIL, True)
        assert judged(surface, test, grant("public.orders"), powers="bypassrls").outcome is Outcome.FAIL
        assert judged(surface, test, grant("public.orders"), unclear="half").outcome is Outcome.INCONCLUSIVE

    def test_are_not_asked_for_where_they_cannot_be_read(self, tmp_path: Path) -> None:
        sqlite = "connection: {kind: sqlite, dsn: {secret: 'env:DSN'}}"
        surface = surface_of(tmp_path, "[{select: orders}]", sqlite)
        assert not [c for c in prove(surface) if c.test.id.startswith("effective")]


class TestNarrowing:
    def cases(self, surface: Surface) -> list[Case]:
        return named(list(prove(surface)), "narrowed-call-accepted")

    def test_tries_every_other_operation_as_the_consumer_that_holds_the_account(self, surface: Surface) -> None:
        assert [(c.operation, c.identity) for c in self.cases(surface)] == [(o, "app") for o in MINE]

    @pytest.mark.parametrize("gateway", [True, False])
    def test_passes_what_is_refused_for_the_right_reason(self, surface: Surface, gateway: bool) -> None:
        found = {c.operation: run(c, Shop(gateway=gateway), surface).outcome for c in self.cases(surface)}
        # What the service refused may have been done; the gateway refused before the service was asked.
        assert found == {"report": "pass", "resetReport": "pass" if gateway else "inconclusive"}

    @pytest.mark.parametrize("gateway", [True, False])
    def test_finds_a_call_that_is_let_through(self, surface: Surface, gateway: bool) -> None:
        shop = Shop(frozenset({"role"}), gateway=gateway)
        assert [str(run(c, shop, surface).outcome) for c in self.cases(surface)] == ["fail", "fail"]

    @pytest.mark.parametrize(
        ("status", "outcome"), [(404, "inconclusive"), (400, "inconclusive"), (429, "inconclusive")]
    )
    def test_takes_no_other_refusal_for_one(self, surface: Surface, status: int, outcome: str) -> None:
        shop = Shop(wants=lambda asked: Said(status) if asked.path.startswith("/report") else None)
        assert {str(run(c, shop, surface).outcome) for c in self.cases(surface)} == {outcome}

    def test_shows_nothing_when_the_consumer_may_do_nothing_at_all(self, surface: Surface) -> None:
        def closed(asked: Asked) -> Said | None:
            return Said(403)

        assert {str(run(c, Shop(wants=closed), surface).outcome) for c in self.cases(surface)} == {"inconclusive"}

    def test_what_anybody_may_call_is_let_through_and_found(self, tmp_path: Path) -> None:
        head = HEAD + NARROWED.replace("CONNECTION", REAL).replace("RIGHTS", "{read_from: connection}")
        surface = surface_in(tmp_path / "open", head=head.replace("[health, listOrders", "[listOrders"))
        (case,) = [c for c in self.cases(surface) if c.operation == "health"]
        assert run(case, Shop(), surface).outcome == "fail"

    def test_is_not_planned_for_other_consumers(self, tmp_path: Path) -> None:
        surface = surface_of(tmp_path, personas=(ADMIN,))
        assert not self.cases(surface)
        assert self.cases(surface_of(tmp_path, personas=(CUSTOMER,)))


class TestReadingFromSystems:
    def read(self, surface: Surface, secret: Secret | AssayError) -> Rights:
        def resolve(_: str) -> Secret:
            if isinstance(secret, AssayError):
                raise secret
            return secret

        return asyncio.run(Granted(surface.declaration, resolve).rights("sync"))

    @pytest.mark.parametrize(
        ("connection", "part"),
        [
            ("", "declare its `connection`"),
            ("connection: {kind: sqlite, dsn: {secret: 'env:DSN'}}", "knows no accounts"),
            ("connection: {kind: mysql, dsn: {secret: 'env:DSN'}}", "only postgresql can"),
        ],
    )
    def test_says_what_would_be_needed(self, tmp_path: Path, connection: str, part: str) -> None:
        surface = surface_of(tmp_path, connection=connection)
        with pytest.raises(NotReached, match=part):
            self.read(surface, Secret("x"))

    def test_a_server_that_is_not_there_is_not_reached_and_its_password_not_shown(self, surface: Surface) -> None:
        with pytest.raises(NotReached) as gone:
            self.read(surface, Secret("postgresql://me:hunter2@127.0.0.1:1/x?connect_timeout=1"))
        assert "hunter2" not in str(gone.value)
        with pytest.raises(NotReached, match="is not known"):
            self.read(surface, UsageError("there is no variable DSN"))
