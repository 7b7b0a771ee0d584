"""Calls at the same time: what is used more often than it may be, or gets lost, is seen by the figure that it moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.controls.proving.desk import CLERK, CONTRACT, HEAD, DeskLab
from tests.controls.proving.shop import surface_in
from tests.prove.scripted import Asked, Said, judge

from assay.controls.rate_limiting.proofs.races import plan, ticket_of
from assay.controls.rate_limiting.prove import prove
from assay.domain import Outcome
from assay.prove.case import Call, Draft, Family, Judged, Seen, Thing
from assay.prove.surface import Persona, Surface, Target

TILL = """\
  /wallet:
    get:
      operationId: getWallet
      responses: &credit
        "200":
          description: ok
          content: {application/json: {schema: {type: object, properties: {credit: {type: integer}}}}}
  /vouchers:
    post:
      operationId: createVoucher
      requestBody:
        content: {application/json: {schema: {type: object, properties: {value: {type: integer}}}}}
      responses:
        "201":
          description: ok
          content: {application/json: {schema: {type: object, properties: {code: {type: string}}}}}
  /vouchers/redeem:
    post:
      operationId: redeem
      parameters: [{name: Idempotency-Key, in: header, required: true, schema: {type: string}}]
      requestBody:
        content: {application/json: {schema: {type: object, properties: {code: {type: string}}}}}
      responses: *credit
  /coupons/{couponId}/use:
    parameters: [{name: couponId, in: path, required: true, schema: {type: string}}]
    post: {operationId: useCoupon, responses: *credit}
  /deposits:
    post:
      operationId: deposit
      requestBody: {content: {application/json: {schema: {type: object, properties: {amount: {type: integer}}}}}}
      responses: *credit
"""
ONCE, OFTEN = ("redeem",), ("deposit",)


@dataclass
class Till:
    """A wallet, and what moves it. ``flaw``: ``overuse`` and ``lost`` show only when several call at once.

    Attributes:
        told: how many of several at once are told that they succeeded although one had an effect.
        visitors: somebody else moves the figure meanwhile.
        late: the figure shows what was done only after a pause.
    """

    flaw: str = ""
    told: int = 1
    visitors: bool = False
    late: bool = False
    still: bool = False
    hidden: bool = False
    many: bool = False
    busy: int = 0
    credit: int = 100
    shown: int = 100
    made: int = 0
    used: set[str] = field(default_factory=set)
    keys: list[str] = field(default_factory=list)
    presses: list[bytes] = field(default_factory=list)
    lab: TillLab | None = None

    def __call__(self, asked: Asked) -> Said:
        if asked.path == "/wallet":
            return self._wallet()
        if asked.path == "/vouchers":
            self.made += 1
            self.presses.append(asked.body)
            return Said(201, {"code": f"V-{self.made}"})
        self.keys.append(asked.headers.get("idempotency-key", ""))
        if asked.path == "/deposits":
            return self._moved(lost=self.flaw == "lost" and self.busy > 1)
        what = asked.json()["code"] if asked.path == "/vouchers/redeem" else asked.path
        if what in self.used and not self.many:
            if self.busy and self.flaw == "overuse":
                return self._moved()
            return self._moved(lost=True) if 1 < self.busy <= self.told else Said(409)
        self.used.add(what)
        return self._moved()

    def _wallet(self) -> Said:
        if self.hidden:
            return Said(403)
        if (self.lab is not None and self.lab.waited) or not self.late or not self.busy:
            self.shown = self.credit
        return Said(200, {"credit": self.shown})

    def _moved(self, *, lost: bool = False) -> Said:
        self.credit += 0 if lost or self.still else 25
        self.credit += 7 if self.visitors and self.busy else 0
        return Said(200, {"credit": self.credit})


class TillLab(DeskLab):
    """Tells the till how many have called at once; makes coupons, each of which is new."""

    coupons = 0
    found = False

    async def together(self, calls: Sequence[Call]) -> tuple[Seen, ...]:
        assert isinstance(self.service, Till)
        seen = []
        for self.service.busy in range(1, len(calls) + 1):
            seen.append(await self.call(calls[self.service.busy - 1]))
        return tuple(seen)

    def coupon(self, target: Target, who: object) -> Thing:
        self.coupons += 1
        return Thing({"couponId": f"c-{self.coupons}"}, who, "", made=not self.found)  # type: ignore[arg-type]

    def draft(self, target: Target, thing: Thing | None = None, *, plant: str = "") -> Draft:
        made = super().draft(target, thing, plant=plant)
        if target.id == "createVoucher":
            return replace(made, body={"value": self.random.randint(1, 1_000_000)})
        return replace(made, body={"code": "EXAMPLE"} if target.id == "redeem" else made.body)


def till_surface(folder: Path, personas: tuple[Persona, ...] = (CLERK,)) -> Surface:
    return surface_in(folder, head=HEAD, contract=CONTRACT + TILL, personas=personas)


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return till_surface(tmp_path / "desk")


def judged(surface: Surface, operation: str, till: Till, *, found: bool = False) -> Judged:
    case = next(c for c in prove(surface) if c.test.id == "race-has-effect" and c.operation == operation)
    lab = TillLab(surface, till, None, store=b"", people=400)
    lab.things, lab.found, till.lab = lab.coupon, found, lab
    found_out = judge(case, lab)
    assert len(lab.asked) <= case.requests
    return found_out


@pytest.mark.parametrize("operation", ONCE)
class TestWhatCanBeUsedOnce:
    def test_is_found_to_be_used_often_by_calls_at_once(self, surface: Surface, operation: str) -> None:
        found = judged(surface, operation, Till("overuse"))
        assert found.outcome is Outcome.FAIL, found.sentence
        assert found.facts == {"at_once": 5, "successes": 5, "effects": 5.0}
        assert found.decisive

    def test_passes_where_one_call_gets_it(self, surface: Surface, operation: str) -> None:
        found = judged(surface, operation, Till())
        assert found.outcome is Outcome.PASS, found.sentence

    def test_proves_nothing_where_several_are_told_so_and_one_has_an_effect(
        self, surface: Surface, operation: str
    ) -> None:
        assert judged(surface, operation, Till(told=3)).outcome is Outcome.INCONCLUSIVE

    def test_proves_nothing_where_others_move_the_figure(self, surface: Surface, operation: str) -> None:
        assert judged(surface, operation, Till(visitors=True)).outcome is Outcome.INCONCLUSIVE

    @pytest.mark.parametrize("till", [Till(still=True), Till(hidden=True)])
    def test_proves_nothing_where_no_effect_can_be_seen(self, surface: Surface, operation: str, till: Till) -> None:
        assert judged(surface, operation, replace(till)).outcome is Outcome.INCONCLUSIVE


class TestWhatCanBeDoneOften:
    def test_is_found_where_successes_get_lost(self, surface: Surface) -> None:
        found = judged(surface, "deposit", Till("lost"))
        assert found.outcome is Outcome.FAIL, found.sentence
        assert found.facts == {"at_once": 5, "successes": 5, "effects": 1.0}

    def test_passes_where_each_success_counts(self, surface: Surface) -> None:
        assert judged(surface, "deposit", Till()).outcome is Outcome.PASS

    def test_passes_where_it_counts_a_moment_later(self, surface: Surface) -> None:
        assert judged(surface, "deposit", Till(late=True)).outcome is Outcome.PASS

    def test_proves_nothing_where_others_move_the_figure(self, surface: Surface) -> None:
        assert judged(surface, "deposit", Till(visitors=True)).outcome is Outcome.INCONCLUSIVE

    def test_is_no_overuse_where_a_voucher_has_many_uses(self, surface: Surface) -> None:
        assert judged(surface, "redeem", Till(many=True)).outcome is Outcome.PASS


def test_what_this_run_did_not_make_is_not_used_up(surface: Surface) -> None:
    till = Till()
    assert judged(surface, "useCoupon", till, found=True).outcome is Outcome.INCONCLUSIVE
    assert till.used == set()


def test_what_cannot_be_made_alike_a_second_time_proves_nothing(surface: Surface) -> None:
    assert judged(surface, "useCoupon", Till("overuse")).outcome is Outcome.INCONCLUSIVE


def test_what_is_used_up_is_made_by_the_same_request_each_time(surface: Surface) -> None:
    till = Till()
    judged(surface, "redeem", till)
    assert len(till.presses) == 2
    assert len(set(till.presses)) == 1


def test_every_call_has_an_idempotency_key_of_its_own(surface: Surface) -> None:
    till = Till("overuse")
    judged(surface, "redeem", till)
    assert len(set(till.keys)) == len(till.keys) == 7


def test_what_is_used_up_is_what_the_collection_above_gives(surface: Surface) -> None:
    ticket = ticket_of(surface, surface.by_id["shop", "redeem"])
    assert ticket is not None
    assert (ticket.maker.id, ticket.name) == ("createVoucher", "code")
    assert ticket_of(surface, surface.by_id["shop", "deposit"]) is None


def test_only_operations_whose_figure_can_be_read_are_tried_after_those_that_write(surface: Surface) -> None:
    cases = [c for c in prove(surface) if c.test.id == "race-has-effect"]
    assert {c.operation for c in cases} == {*ONCE, *OFTEN, "useCoupon"}
    assert {c.family for c in cases} == {Family.EXHAUSTION}


def test_given_callers_take_turns_and_leave_the_usual_tester_alone(tmp_path: Path) -> None:
    people = tuple(replace(CLERK, name=n, consumer=None, ways=("session",), given=True) for n in ("ann", "bea", "cleo"))
    names = [persona.name for _, _, persona in plan(till_surface(tmp_path / "desk", people))]
    assert names == ["bea", "cleo", "bea"]
