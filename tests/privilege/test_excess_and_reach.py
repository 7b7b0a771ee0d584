"""The excess of rights is computed as designed, and what it reaches is told by what is declared."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.declare import load
from assay.declare.declaration import Declaration
from assay.privilege.excess import Weighing, excess_of
from assay.privilege.reach import Reach
from assay.privilege.review import Accounts, Review, review
from assay.privilege.rights import OPERATIONS, Grant, Operation, Rights, Use, Uses, covers, matches, touches

TODAY = date(2026, 7, 1)
FLAT = Weighing(lambda _: 0, lambda _: 9)


def grant(object: str, operation: Operation = "read", right: str = "", since: date | None = None, *via: str) -> Grant:
    return Grant("a", object, operation, right, since=since, via=via)


class TestIndex:
    def test_is_the_formula(self) -> None:
        levels = {"customers": 3, "orders": 1, "logs": 0}
        weighing = Weighing(lambda o: levels[o], lambda o: {"customers": 999, "orders": 99, "logs": None}[o])
        grants = [grant("customers"), grant("customers", "delete"), grant("orders", "write"), grant("logs", "admin")]
        found = excess_of(grants, [grant("customers"), grant("orders", "write")], weighing, today=TODAY)
        used = 4 * 1 * 3 + 2 * 2 * 2
        all_of_it = used + 4 * 3 * 3 + 1 * 5 * math.log10(10)
        assert found.index == pytest.approx(1 - used / all_of_it)
        assert [str(g) for g in found.unused] == ["delete on customers", "admin on logs"]

    def test_judges_no_right_that_is_younger_than_the_window(self) -> None:
        young, old = grant("x", since=date(2026, 4, 3)), grant("y", since=date(2026, 4, 2))
        found = excess_of([young, old], [], FLAT, today=TODAY)
        assert (found.young, found.judged) == ((young,), (old,))
        assert excess_of([young, old], [], FLAT, today=TODAY, window=10).young == ()

    def test_a_right_since_a_day_to_come_is_not_excused(self) -> None:
        found = excess_of([grant("x", since=date(2062, 4, 3))], [], FLAT, today=TODAY)
        assert (found.young, found.index) == ((), 1)

    def test_counts_a_right_that_comes_by_two_ways_once(self) -> None:
        twice = [grant("x", "read", "", None, "one"), grant("x", "read", "", None, "two"), grant("y")]
        assert excess_of(twice, [grant("y")], FLAT, today=TODAY).index == pytest.approx(0.5)

    def test_never_takes_a_wildcard_for_needed_because_a_part_of_it_is(self) -> None:
        found = excess_of([grant("*")], [grant("customers")], FLAT, today=TODAY)
        assert found.index is not None
        assert found.index >= 0.5
        assert found.too_wide == (grant("*"),)

    def test_takes_a_pattern_of_actions_for_needed_when_all_of_its_kind_is(self) -> None:
        found = excess_of([grant("b", "read", "s3:Get*")], [grant("b")], FLAT, today=TODAY)
        assert (found.index, found.too_wide) == (0, ())
        assert excess_of([grant("b", "read", "s3:*")], [grant("b", "read", "s3:GetX")], FLAT, today=TODAY).too_wide

    def test_judges_by_use_what_was_watched_alone(self) -> None:
        used = (Use("public.customers", "read", "SELECT"),)
        column = grant("public.customers(email)", "read", "SELECT")
        assert excess_of([column], used, FLAT, today=TODAY).index == 0

    def test_names_what_is_needed_and_not_granted(self) -> None:
        assert excess_of([grant("x")], [grant("y")], FLAT, today=TODAY).missing == (grant("y"),)
        assert excess_of([], [grant("y")], FLAT, today=TODAY).index is None

    def test_says_nothing_about_rights_that_weigh_nothing(self) -> None:
        empty = Weighing(lambda _: 4, lambda _: 0)
        assert excess_of([grant("x"), grant("y")], [grant("x")], empty, today=TODAY).index is None

    def test_a_column_is_part_of_its_table(self) -> None:
        column, table = grant("public.customers(email)"), grant("public.customers")
        assert excess_of([column], [table], FLAT, today=TODAY).index == 0
        assert excess_of([table], [column], FLAT, today=TODAY).too_wide == (table,)

    @given(
        st.lists(st.tuples(st.sampled_from("ab*"), st.sampled_from(OPERATIONS)), max_size=6),
        st.lists(st.tuples(st.sampled_from("abc*"), st.sampled_from(OPERATIONS)), max_size=6),
    )
    def test_lies_between_nothing_and_all_and_falls_when_more_is_needed(
        self, held: list[tuple[str, Operation]], needed: list[tuple[str, Operation]]
    ) -> None:
        grants, needs = [grant(*h) for h in held], [grant(*n) for n in needed]
        index = excess_of(grants, needs, FLAT, today=TODAY).index
        assert index is None or 0 <= index <= 1
        more = excess_of(grants, [*needs, *grants], FLAT, today=TODAY).index
        assert more is None or more == pytest.approx(0)
        if index is not None and more is not None:
            assert more <= index + 1e-9


class TestMatching:
    @pytest.mark.parametrize(
        ("pattern", "name", "fits"),
        [
            ("s3:*", "s3:Get*", True),
            ("s3:Get*", "s3:*", False),
            ("a*c", "abbc", True),
            ("a*c", "abbd", False),
            ("a?c", "abc", True),
            ("a?c", "a*c", False),
            ("public.f", "public.f(integer)", True),
            ("*", "", True),
        ],
    )
    def test_stars_stand_for_any_text(self, pattern: str, name: str, fits: bool) -> None:
        assert matches(pattern, name) is fits

    def test_hostile_patterns_take_no_time(self) -> None:
        assert not matches("*a" * 200 + "b", "a" * 400)

    @given(st.text("ab*", max_size=6), st.text("ab", max_size=6), st.text("ab", max_size=6))
    def test_a_pattern_fits_whatever_replaces_its_star(self, pattern: str, one: str, two: str) -> None:
        assert matches(pattern, pattern.replace("*", one, 1).replace("*", two))

    def test_to_administer_everything_covers_everything(self) -> None:
        assert covers(grant("*", "admin"), grant("x", "delete"))
        assert not covers(grant("x", "admin"), grant("x", "delete"))
        assert touches(grant("x", "write", "INSERT"), Use("x", "write"))
        assert not touches(grant("x", "write", "INSERT"), Use("x", "write", "UPDATE"))


DECLARATION = """\
assay: 1
organisation: {name: Shop, subjects: 1000}
environments: {production: {tier: production}}
data:
  customer:
    subjects: customers
    fields: {email: {category: user.contact.email}, iban: {category: user.financial.bank_account}}
  category: {fields: {name: {level: public}}}
systems: {crm: {kind: database, environment: production, owner: x, holds: [customer, category]}}
accounts:
  a:
    platform: postgresql
    system: crm
    environment: production
    owner: x
    needs: [{select: customers}]
    objects: {people: customer}
    %s
"""


def declared(folder: Path, more: str = "used_by: []") -> Declaration:
    (folder / "assay.yaml").write_text(DECLARATION % more)
    return load(folder, environ={})


class TestReach:
    def reach(self, folder: Path, rights: Rights | None = None, more: str = "used_by: []") -> Reach:
        declaration = declared(folder, more)
        return Reach(declaration.model, declaration.model.accounts["a"], rights)

    @pytest.mark.parametrize(
        ("object", "data", "sure"),
        [
            ("public.customers", ("customer",), True),
            ("public.categories", ("category",), True),
            ("public.people", ("customer",), True),
            ("public.other", ("customer", "category"), False),
            ("*", ("customer", "category"), True),
            ("role boss", (), True),
            ("public.customers(email)", ("customer",), True),
            ("arn:aws:s3:::bucket/customers", ("customer",), True),
        ],
    )
    def test_objects_belong_to_what_they_are_called_like_or_to_anything(
        self, tmp_path: Path, object: str, data: tuple[str, ...], sure: bool
    ) -> None:
        assert self.reach(tmp_path).data(object) == (data, sure)

    def test_a_view_reaches_what_its_tables_hold(self, tmp_path: Path) -> None:
        rights = Rights("a", "x", behind={"public.v": ("public.w",), "public.w": ("public.categories",)})
        assert self.reach(tmp_path, rights).data("public.v") == (("category",), True)

    def test_views_that_read_each_other_end(self, tmp_path: Path) -> None:
        rights = Rights("a", "x", behind={"public.v": ("public.w",), "public.w": ("public.v",)})
        assert self.reach(tmp_path, rights).data("public.v")[0] == ("customer", "category")

    def test_records_are_declared_or_measured_or_people(self, tmp_path: Path) -> None:
        assert self.reach(tmp_path).records("public.customers") == 1000
        assert self.reach(tmp_path).records("public.categories") is None
        measured = Rights("a", "x", records={"public.customers": 7, "public.categories": 5})
        assert self.reach(tmp_path, measured).records("public.customers") == 7
        assert self.reach(tmp_path, measured).records("*") == 12
        assert self.reach(tmp_path, measured, "records: {customers: 3}").records("public.customers") == 3

    def test_the_blast_radius_names_the_most_sensitive_data_first(self, tmp_path: Path) -> None:
        blast = self.reach(tmp_path).blast((grant("public.categories"), grant("public.customers", "write")))
        assert blast.data == (("customer", "restricted"), ("category", "public"))
        assert (blast.level, blast.records) == ("restricted", 1000)


class TestReview:
    def judged(self, folder: Path, more: str, *grants: Grant, **given: object) -> Review:
        rights = Rights("a", "x", grants)
        return review(Accounts(declared(folder, more)), "a", today=TODAY, rights=rights, **given)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("held", "why"),
        [
            (grant("*", "write"), "it may change `*`"),
            (grant("server", "admin"), "it administers `server`"),
            (grant("customers", "grant"), "it may give rights"),
            (grant("role boss", "impersonate"), "it may act as others"),
        ],
    )
    def test_says_why_an_account_is_a_superuser(self, tmp_path: Path, held: Grant, why: str) -> None:
        assert why in self.judged(tmp_path, "used_by: []", held).superuser[0]

    def test_idle_rights_over_restricted_data_make_one_and_others_do_not(self, tmp_path: Path) -> None:
        idle = self.judged(tmp_path, "used_by: []", grant("public.customers"), grant("public.customers", "delete"))
        assert "more than half" in idle.superuser[0]
        harmless = self.judged(tmp_path, "used_by: []", grant("public.customers"), grant("public.categories", "delete"))
        assert harmless.superuser == ()

    def test_use_is_judged_only_when_it_was_watched_for_the_whole_window(self, tmp_path: Path) -> None:
        held = (grant("public.customers", "read", "SELECT"), grant("public.customers", "write", "INSERT"))
        used = (Use("public.customers", "read", "SELECT"),)
        short = self.judged(tmp_path, "used_by: []", *held, uses=Uses(used, date(2026, 5, 1), True))
        assert short.by_use is None
        long = self.judged(tmp_path, "used_by: []", *held, uses=Uses(used, date(2026, 4, 1), True))
        assert long.by_use is not None
        assert long.by_use.unused == held[1:]
        seasonal = self.judged(tmp_path, "seasonal: 1y", *held, uses=Uses(used, date(2026, 4, 1), True))
        assert seasonal.by_use is None
        truncating = (*held, grant("public.customers", "delete", "TRUNCATE"))
        uses = Uses(used, date(2026, 4, 1), True, measures=frozenset({"SELECT", "INSERT"}))
        watched = self.judged(tmp_path, "used_by: []", *truncating, uses=uses)
        assert watched.by_use is not None
        assert watched.by_use.unused == held[1:]

    def test_roles_that_bring_nothing_needed_are_left_over(self, tmp_path: Path) -> None:
        held = (grant("public.customers", "read", "", None, "new"), grant("public.x", "write", "", None, "old"))
        assert self.judged(tmp_path, "used_by: []", *held).creeping == ("old",)
        assert self.judged(tmp_path, "used_by: []", *held[1:]).creeping == ()

    @pytest.mark.parametrize(
        ("credential", "overdue"),
        [
            ("{issued: 2026-04-02, rotate: 90d}", None),
            ("{issued: 2026-04-01, rotate: 90d}", 1),
            ("{issued: 2026-06-30, rotate: 90d, expires: 2026-06-30}", 1),
            ("{issued: 2026-06-30, rotate: 90d, expires: 2026-07-01}", None),
        ],
    )
    def test_credentials_are_due_the_day_after_they_may_grow_no_older(
        self, tmp_path: Path, credential: str, overdue: int | None
    ) -> None:
        assert self.judged(tmp_path, f"credential: {credential}").overdue == overdue

    @pytest.mark.parametrize(
        ("words", "shared"),
        [
            ("used_by: [crm]", False),
            ("used_by: [crm, till]", True),
            ("used_by: [till, desk]", True),
            # Whoever calls the API that narrows them acts through it, not through the account.
            ("used_by: [till, desk, shop], narrowed_by: {api: shop, operations: [list]}", False),
            ("used_by: [till, crm], narrowed_by: {api: shop, operations: [list]}", True),
            ("kind: shared", True),
        ],
    )
    def test_an_account_of_several_integrations_is_shared(self, tmp_path: Path, words: str, shared: bool) -> None:
        (tmp_path / "shop.yaml").write_text(SHOP)
        (tmp_path / "assay.yaml").write_text(CALLED.replace("WORDS", words))
        found = review(Accounts(load(tmp_path, environ={})), "a", today=TODAY)
        assert bool(found.shared) is shared

    def test_the_later_of_what_is_declared_and_measured_counts(self, tmp_path: Path) -> None:
        assert self.judged(tmp_path, "last_used: 2026-04-01").idle == 91
        assert self.judged(tmp_path, "last_used: 2026-04-01", last_used=date(2026, 6, 1)).idle is None

    def test_data_that_becomes_restricted_when_joined_counts_as_that(self, tmp_path: Path) -> None:
        """The blend of the design: profile and order share a token, and a product code says something about health."""
        (tmp_path / "assay.yaml").write_text(BLEND)
        accounts = Accounts(load(tmp_path, environ={}))
        both = review(accounts, "bi", today=TODAY)
        assert both.blast.level == "confidential"
        assert both.level == "restricted"
        assert "more than half" in both.superuser[0]
        alone = review(accounts, "shop", today=TODAY)
        assert (alone.level, alone.superuser) == ("confidential", ())


BLEND = """\
assay: 1
organisation: {name: Shop, subjects: 1200000}
environments: {production: {tier: production}}
data:
  profile:
    subjects: customers
    fields:
      token: {links: person}
      birth_year: {category: user.demographic.date_of_birth, level: internal, identifies: quasi, bits: 6.3}
      postcode: {category: user.contact.address.postal_code, level: internal, identifies: quasi, bits: 11}
      sex: {category: user.demographic.gender, level: internal, identifies: quasi, bits: 1}
  order:
    subjects: customers
    fields:
      token: {links: person}
      diagnosis: {category: user.health_and_medical, level: confidential}
  person: {subjects: customers, fields: {name: {category: user.name}}}
systems: {wh: {kind: database, environment: production, owner: x, holds: [profile, order]}}
accounts:
  bi: {platform: x, system: wh, environment: production, owner: x, needs: [{read: profile}],
       rights: [{read: profile, write: profile, delete: order}]}
  shop: {platform: x, system: wh, environment: production, owner: x, needs: [{read: profile}],
         rights: [{read: profile, write: profile, delete: profile}]}
"""

CALLED = """\
assay: 1
organisation: {name: Shop}
environments: {production: {tier: production, issuer: {url: https://login.example, audience: shop}}}
systems: {crm: {kind: database, environment: production, owner: x}}
apis:
  shop: {owner: x, exposure: internal, environment: production, contract: shop.yaml, upstream: "https://10.0.0.1:8000"}
consumers:
  till: {kind: service, roles: [x], authenticate: {oauth2: {client: till}}}
  desk: {kind: service, roles: [x], authenticate: {oauth2: {client: desk}}}
accounts:
  a: {platform: x, system: crm, environment: production, owner: x, WORDS}
"""
SHOP = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
servers: [{url: https://shop.example}]
paths: {/list: {get: {operationId: list, responses: {"200": {description: ok}}}}}
"""
