"""Proof of limits: exact, for each caller alone, escaped by nobody, remembered; what is said where none is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.controls.proving.desk import HEAD, Desk, DeskLab, desk_surface, outcome
from tests.prove.scripted import KEY, Asked, Said, judge

from assay.controls.rate_limiting.proofs.bounds import BUDGET, bounds, in_order
from assay.controls.rate_limiting.prove import prove
from assay.domain import Outcome, Severity
from assay.prove.case import Case, Identity, Judged
from assay.prove.surface import Persona, Surface


@pytest.fixture
def surface(tmp_path: Path) -> Surface:
    return desk_surface(tmp_path / "desk")


def judged(surface: Surface, test: str, desk: Desk, operation: str = "") -> Outcome:
    return outcome(surface, list(prove(surface)), test, desk, operation).outcome


class TestALimit:
    @pytest.mark.parametrize("rate", [18, 20, 22])
    def test_is_kept_within_a_tenth(self, surface: Surface, rate: int) -> None:
        found = outcome(surface, list(prove(surface)), "limit-not-kept", Desk(rate=rate))
        assert found.outcome is Outcome.PASS, found.sentence
        assert found.facts["passed"] == rate

    @pytest.mark.parametrize("rate", [0, 40])
    def test_that_lets_too_many_pass_fails(self, surface: Surface, rate: int) -> None:
        assert judged(surface, "limit-not-kept", Desk(rate=rate)) is Outcome.FAIL

    def test_that_was_used_by_others_before_proves_nothing(self, surface: Surface) -> None:
        assert judged(surface, "limit-not-kept", Desk(rate=5)) is Outcome.INCONCLUSIVE

    def test_that_counts_everybody_together_fails(self, surface: Surface) -> None:
        assert judged(surface, "limit-not-kept", Desk(frozenset({"all-alike"}), rate=20)) is Outcome.FAIL

    def test_that_does_not_say_when_to_come_back_is_a_small_finding(self, surface: Surface) -> None:
        found = outcome(surface, list(prove(surface)), "limit-not-kept", Desk(frozenset({"no-retry-after"}), rate=20))
        assert (found.outcome, found.severity) == (Outcome.FAIL, Severity.LOW)


@dataclass
class Shared(Desk):
    """A limit of which others have used some by the time that somebody new comes."""

    used: int = 8
    says: bool = True
    left: int = 0

    def _limited(self, asked: Asked) -> Said | None:
        who = str(asked.who.subject if asked.who else "nobody")
        if self.lab is not None and self.lab.waited:
            self.used = 0
        self.counts.setdefault(who, self.used)
        said = super()._limited(asked)
        self.left = max(0, self.rate - self.counts[who])
        return said

    def _headers(self) -> dict[str, str]:
        said = {"x-ratelimit-limit": str(self.rate), "x-ratelimit-remaining": str(self.left)} if self.says else {}
        return super()._headers() | said


class TestALimitThatOthersUse:
    def test_is_judged_by_what_was_left_of_it(self, surface: Surface) -> None:
        found = outcome(surface, list(prove(surface)), "limit-not-kept", Shared(rate=20))
        assert found.outcome is Outcome.PASS, found.sentence
        assert (found.facts["passed"], found.facts["used_before"]) == (12, 8)

    def test_is_waited_for_where_nothing_says_what_was_left(self, surface: Surface) -> None:
        found = outcome(surface, list(prove(surface)), "limit-not-kept", Shared(rate=20, says=False))
        assert found.outcome is Outcome.PASS, found.sentence
        assert found.facts["passed"] == 20

    def test_fails_still_when_more_pass_than_were_left(self, surface: Surface) -> None:
        found = outcome(surface, list(prove(surface)), "limit-not-kept", Shared(rate=40, used=3))
        assert found.outcome is Outcome.FAIL

    def test_of_another_size_is_not_believed(self, surface: Surface) -> None:
        found = outcome(surface, list(prove(surface)), "limit-not-kept", Shared(rate=5, used=0))
        assert found.outcome is Outcome.INCONCLUSIVE


class TestSomebodyElse:
    """Whoever calls for another consumer has a limit of their own, which other cases use up at the same time."""

    HEAD = HEAD.replace("{kind: application,", "{kind: application, limit: 50/minute,")
    TOGETHER = frozenset({"all-alike"})

    def test_who_was_refused_for_what_this_run_used_up_proves_nothing(self, tmp_path: Path) -> None:
        surface = desk_surface(tmp_path / "desk", head=self.HEAD)
        found = outcome(surface, list(prove(surface)), "limit-not-kept", Desk(self.TOGETHER, rate=20), taken=(0, 50))
        assert found.outcome is Outcome.PASS, found.sentence
        assert "was not seen" in found.sentence

    def test_who_was_refused_with_a_whole_limit_of_their_own_shows_that_it_is_shared(self, tmp_path: Path) -> None:
        surface = desk_surface(tmp_path / "desk", head=self.HEAD)
        found = outcome(surface, list(prove(surface)), "limit-not-kept", Desk(self.TOGETHER, rate=20), taken=(0, 5))
        assert found.outcome is Outcome.FAIL, found.sentence

    @pytest.mark.parametrize(("crowded", "expected"), [(True, Outcome.PASS), (False, Outcome.FAIL)])
    def test_who_was_refused_for_an_address_that_two_callers_were_given_calls_from_another(
        self, tmp_path: Path, crowded: bool, expected: Outcome
    ) -> None:
        def asked(asked: Asked) -> Said | None:
            desk.worn = desk.worn or sum(desk.counts.values()) > 20
            mine = desk.lab is not None and desk.lab.asked[0].who
            if not desk.worn or asked.who == mine or (crowded and asked.source):
                return None
            return Said(429, {}, {"retry-after": "3"})

        desk = OneAddress(rate=20, wants=asked)
        surface = desk_surface(tmp_path / "desk", via="gateway", fronted=True)
        found = outcome(surface, list(prove(surface)), "limit-not-kept", desk)
        assert found.outcome is expected, found.sentence


@dataclass
class OneAddress(Desk):
    """Two callers from one address, the limit of which is ``worn``."""

    worn: bool = False


class TestWaysAround:
    @pytest.mark.parametrize("flaw", ["by-address", "by-token"])
    def test_are_found(self, surface: Surface, flaw: str) -> None:
        assert judged(surface, "limit-escaped", Desk(frozenset({flaw}), rate=20)) is Outcome.FAIL

    def test_are_not_seen_where_there_are_none(self, surface: Surface) -> None:
        assert judged(surface, "limit-escaped", Desk(rate=20)) is Outcome.PASS

    def test_are_not_judged_without_a_limit(self, surface: Surface) -> None:
        assert judged(surface, "limit-escaped", Desk()) is Outcome.INCONCLUSIVE


class SigningIn(DeskLab):
    """Nobody's key is at hand, and whoever signs in gets another token for the same account.

    ``strangers``: each time it is another account. ``same``: the token is the one from before.
    """

    strangers = same = False

    async def act(self, persona: Persona, *, fresh: bool = False, scopes: Sequence[str] | None = None) -> Identity:
        who = await super().act(persona, fresh=fresh, scopes=scopes)
        if self.strangers:
            return who
        token = await self.mint(who, claims={"sub": persona.name, "jti": "one" if self.same else who.name}, key=KEY)
        self._tokens[who.name] = token if not self.same else self._tokens.setdefault(persona.name, token)
        return replace(who, subject=persona.name)


class TestSigningInAgain:
    @staticmethod
    def judged(surface: Surface, desk: Desk, **kind: bool) -> Judged:
        case = next(c for c in prove(surface) if c.test.id == "limit-escaped")
        lab = SigningIn(surface, desk, desk.things, store=b"", people=400, own_issuer=False)
        lab.strangers, lab.same = kind.get("strangers", False), kind.get("same", False)
        desk.lab = lab
        return judge(case, lab)

    def test_finds_a_limit_that_is_counted_by_session(self, surface: Surface) -> None:
        found = self.judged(surface, Desk(frozenset({"by-token"}), rate=20))
        assert found.outcome is Outcome.FAIL
        assert found.facts["guise"] == "signing in again"

    def test_is_tried_and_passes_where_the_account_is_counted(self, surface: Surface) -> None:
        found = self.judged(surface, Desk(rate=20))
        assert found.outcome is Outcome.PASS
        assert "signing in again" in found.sentence

    @pytest.mark.parametrize("kind", ["strangers", "same"])
    def test_says_nothing_where_it_brings_somebody_else_or_the_same_token(self, surface: Surface, kind: str) -> None:
        found = self.judged(surface, Desk(frozenset({"by-token"}), rate=20), **{kind: True})
        assert found.outcome is Outcome.PASS
        assert "signing in again" not in found.sentence


class TestMemory:
    def test_that_is_too_short_is_found(self, surface: Surface) -> None:
        assert judged(surface, "limit-forgotten", Desk(frozenset({"forgets"}), rate=20)) is Outcome.FAIL

    def test_that_lasts_passes(self, surface: Surface) -> None:
        assert judged(surface, "limit-forgotten", Desk(rate=20)) is Outcome.PASS

    def test_is_tried_though_all_of_it_came_back_while_others_were_made(self, surface: Surface) -> None:
        refusals = iter(range(1_000))

        def refused(asked: Asked) -> Said | None:
            if max(desk.counts.values(), default=0) > 20 and next(refusals) == 0:
                desk.counts.clear()
            return None

        desk = Desk(rate=20, wants=refused)
        found = outcome(surface, list(prove(surface)), "limit-forgotten", desk)
        assert found.outcome is Outcome.PASS, found.sentence

    @pytest.mark.parametrize(("window", "expected"), [(12.0, Outcome.INCONCLUSIVE), (60.0, Outcome.PASS)])
    def test_is_not_called_short_when_a_window_passed_meanwhile(
        self, surface: Surface, window: float, expected: Outcome
    ) -> None:
        """A limit that gives back everything at once, after a crowd that takes ten seconds."""
        desk = Window(rate=20, window=window)
        desk.lab = Ticking(surface, desk, desk.things, people=400)
        found = judge(case_of(surface, "limit-forgotten"), desk.lab)
        assert found.outcome is expected, found.sentence


class Ticking(DeskLab):
    """Every call takes a tenth of a second."""

    def now(self) -> float:
        return len(self.asked) / 10


@dataclass
class Window(Desk):
    """All calls are counted anew every so many seconds by the clock of :class:`Ticking`, the first time after 4."""

    window: float = 0.0
    ends: float = 4.0

    def _limited(self, asked: Asked) -> Said | None:
        now = self.lab.now() if self.lab is not None else 0.0
        while now >= self.ends:
            self.ends += self.window
            self.counts.clear()
        said = super()._limited(asked)
        return said and Said(429, {}, {"retry-after": str(math.ceil(self.ends - now))})


def case_of(surface: Surface, test: str) -> Case:
    return next(case for case in prove(surface) if case.test.id == test)


class TestReplay:
    @pytest.mark.parametrize(("flaw", "expected"), [("replay", Outcome.FAIL), ("", Outcome.PASS)])
    def test_is_judged_by_its_effect(self, surface: Surface, flaw: str, expected: Outcome) -> None:
        assert judged(surface, "replay-has-effect", Desk(frozenset({flaw})), "payOnce") is expected


class TestWithoutADeclaredLimit:
    def test_none_seen_is_not_called_a_pass_or_a_finding(self, tmp_path: Path) -> None:
        surface = desk_surface(tmp_path / "desk", head=HEAD.replace("default: 20/minute, ", ""))
        found = outcome(surface, list(prove(surface)), "no-limit-observed", Desk())
        assert found.outcome is Outcome.INCONCLUSIVE
        assert "100 calls" in found.sentence

    def test_one_that_is_seen_passes(self, tmp_path: Path) -> None:
        surface = desk_surface(tmp_path / "desk", head=HEAD.replace("default: 20/minute, ", ""))
        assert judged(surface, "no-limit-observed", Desk(rate=50)) is Outcome.PASS


def test_limits_that_need_too_many_calls_are_listed_and_not_passed_over(tmp_path: Path) -> None:
    surface = desk_surface(tmp_path / "desk", head=HEAD.replace("20/minute", f"{BUDGET + 1}/minute"))
    tried, left = in_order(bounds(surface))
    assert not tried
    assert len(left) == 1
    assert judged(surface, "limit-not-kept", Desk()) is Outcome.SKIPPED
