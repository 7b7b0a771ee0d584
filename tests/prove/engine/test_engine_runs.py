"""The runner against systems that behave, hang, lie, limit and change their minds."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_world import OTHER, USER, Asked, Play, Tokens, World, case, played, reply, surface_in

from assay.domain import AssayError, Outcome, UsageError
from assay.prove.bounds import Limits
from assay.prove.case import Call, Case, Family, Judged, Lab, NotReached, broken, held, unclear
from assay.prove.events import CaseFinished, CleanedUp, Finished, Planned, Stopped
from assay.prove.result import Proof, RunResult
from assay.prove.surface import Persona

GET = Call(method="GET", target="/things/thing-1", purpose="read it")


async def look(lab: Lab) -> Judged:
    """Fails when anybody may read the thing."""
    seen = await lab.call(GET)
    if seen.error:
        return unclear(f"no answer: {seen.error}", seen)
    return broken("anybody may read it", seen) if seen.ok else held("it is refused", seen)


async def look_as_user(lab: Lab) -> Judged:
    who = await lab.act(USER)
    seen = await lab.call(replace(GET, who=who))
    return held("the owner reads it", seen) if seen.ok else unclear(f"the owner gets {seen.status}", seen)


def outcomes(result: RunResult) -> list[str]:
    return [str(proof.verdict.outcome) for proof in result.proofs]


def only(result: RunResult) -> Proof:
    (proof,) = result.proofs
    return proof


def run(play: Play, *cases: Case, path: Path, **changes: Any) -> tuple[RunResult, World, list[Asked]]:
    """Runs the cases against a system that ``play`` plays."""

    async def go() -> tuple[RunResult, World, list[Asked]]:
        async with played(play) as site:
            how = {k: changes.pop(k) for k in ("cast", "limits") if k in changes}
            world = World(changes.pop("surface", None) or surface_in(path), site, **how)
            return await world.prove(*cases, **changes), world, site.asked

    return asyncio.run(go())


def test_a_refusal_that_was_seen_passes_and_names_who_was_asked(tmp_path: Path) -> None:
    result, world, asked = run(lambda _: reply(403), case(look), path=tmp_path)
    proof = only(result)
    assert proof.verdict.outcome is Outcome.PASS
    assert (proof.verdict.control, proof.verdict.check, proof.repeated) == ("authorisation", "open", 1)
    assert proof.exchanges[0].correlation == asked[0].header("x-request-id")
    assert len(asked) == result.requests == 1
    assert isinstance(world.events[0], Planned) and isinstance(world.events[-1], Finished)
    assert world.cast.closed


def test_a_failure_is_looked_at_twice_before_it_is_reported(tmp_path: Path) -> None:
    result, _, asked = run(lambda _: reply(200), case(look), path=tmp_path)
    proof = only(result)
    assert (proof.verdict.outcome, proof.repeated, len(asked)) == (Outcome.FAIL, 2, 2)
    assert proof.verdict.fix is not None and proof.verdict.reason == "because"
    assert proof.reproduce is not None and proof.reproduce.startswith("curl --path-as-is")
    assert asked[0].header("x-request-id") != asked[1].header("x-request-id")


def test_a_failure_that_does_not_repeat_is_no_finding_and_is_not_hidden(tmp_path: Path) -> None:
    answers = iter([reply(200), reply(403)])
    result, _, _ = run(lambda _: next(answers), case(look), path=tmp_path)
    verdict = only(result).verdict
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "did not repeat" in verdict.sentence and "anybody may read it" in verdict.sentence
    assert result.unreached[0].reason == verdict.sentence


async def _hangs(_: Asked) -> bytes:
    await asyncio.sleep(60)
    return b""


@pytest.mark.parametrize(
    ("play", "patience", "says"),
    [
        (_hangs, 0.3, "no complete answer within 0.3 s"),
        (lambda _: None, 10.0, "closed without an answer"),
        (lambda _: b"SSH-2.0-OpenSSH_9\r\n\r\n", 10.0, "no HTTP answer"),
        (lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\ncontent-length: 8\r\n\r\n", 10.0, "no HTTP answer"),
    ],
)
def test_a_target_that_hangs_or_lies_gives_no_verdict_and_no_exception(
    play: Play, patience: float, says: str, tmp_path: Path
) -> None:
    result, _, _ = run(play, case(look), path=tmp_path, limits=Limits(call_seconds=patience))
    verdict = only(result).verdict
    assert verdict.outcome is Outcome.INCONCLUSIVE and says in verdict.sentence


def test_cases_that_another_case_kept_from_an_answer_have_another_try(tmp_path: Path) -> None:
    asked = 0

    async def halted(_: Asked) -> bytes:
        nonlocal asked
        asked += 1
        await asyncio.sleep(60 if asked <= 6 else 0)
        return reply(403)

    cases = [case(look, f"v{i}", test=f"t{i}") for i in range(6)]
    result, world, _ = run(halted, *cases, path=tmp_path, limits=Limits(call_seconds=1.0, concurrency=6))
    assert set(outcomes(result)) == {"pass"}
    assert len([e for e in world.events if isinstance(e, CaseFinished)]) == 6


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_case_that_nobody_had_time_for_has_another_try(status: int, tmp_path: Path) -> None:
    """The service paused for longer than the gateway waits for it."""
    asked = 0

    def busy(_: Asked) -> bytes:
        nonlocal asked
        asked += 1
        return reply(status if asked <= 6 else 403)

    async def reached(lab: Lab) -> Judged:
        seen = await lab.call(GET)
        return held("refused", seen) if seen.status == 403 else unclear(f"it was answered {seen.status}", seen)

    cases = [case(reached, f"v{i}", test=f"t{i}") for i in range(6)]
    result, world, _ = run(busy, *cases, path=tmp_path, limits=Limits(concurrency=6))
    assert set(outcomes(result)) == {"pass"}
    assert len([e for e in world.events if isinstance(e, CaseFinished)]) == 6


@pytest.mark.parametrize(("later", "expected"), [(200, "fail"), (403, "pass")])
def test_a_failure_that_could_not_be_repeated_for_want_of_an_answer_has_another_try(
    later: int, expected: str, tmp_path: Path
) -> None:
    statuses = iter([200, 504])

    async def reached(lab: Lab) -> Judged:
        seen = await lab.call(GET)
        if seen.status == 504:
            return unclear("nobody answered", seen)
        return broken("anybody may read it", seen) if seen.ok else held("it is refused", seen)

    result, _, _ = run(lambda _: reply(next(statuses, later)), case(reached), path=tmp_path)
    assert outcomes(result) == [expected]


def test_a_case_that_took_too_long_beside_others_has_another_try_alone(tmp_path: Path) -> None:
    tries = 0

    async def slow(lab: Lab) -> Judged:
        nonlocal tries
        tries += 1
        await asyncio.sleep(60 if tries == 1 else 0)
        return await look(lab)

    result, _, _ = run(lambda _: reply(403), case(slow), path=tmp_path, limits=Limits(case_seconds=0.5))
    assert outcomes(result) == ["pass"]


def test_a_target_that_stays_silent_is_not_asked_for_ever(tmp_path: Path) -> None:
    cases = [case(look, f"v{i}", test=f"t{i}") for i in range(8)]
    result, world, asked = run(_hangs, *cases, path=tmp_path, limits=Limits(call_seconds=0.2))
    assert set(outcomes(result)) == {"inconclusive"} and len(asked) == 8 + 3
    assert len([e for e in world.events if isinstance(e, CaseFinished)]) == 8


def test_a_case_that_goes_wrong_is_an_error_and_the_others_still_run(tmp_path: Path) -> None:
    async def mistaken(lab: Lab) -> Judged:
        raise KeyError("id")

    async def refused(lab: Lab) -> Judged:
        raise AssayError("the file is gone")

    async def lost(lab: Lab) -> Judged:
        raise NotReached("nobody owns a thing")

    async def slow(lab: Lab) -> Judged:
        await asyncio.sleep(60)
        return held("never")

    runs = [mistaken, refused, lost, slow, look]
    cases = [case(each, f"v{i}", test=f"t{i}") for i, each in enumerate(runs)]
    result, _, _ = run(lambda _: reply(403), *cases, path=tmp_path, limits=Limits(case_seconds=0.3))
    assert outcomes(result) == ["error", "error", "inconclusive", "inconclusive", "pass"]
    sentences = [p.verdict.sentence for p in result.proofs]
    assert "KeyError" in sentences[0] and "the file is gone" in sentences[1]
    assert sentences[2] == "nobody owns a thing" and "longer than 0.3 s" in sentences[3]
    assert len(result.unreached) == 4


def test_once_falsified_the_rest_of_a_test_on_that_subject_and_identity_is_skipped(tmp_path: Path) -> None:
    cases = [case(look, "a"), case(look, "b"), case(look, "c", identity="other"), case(look, "d", test="else")]
    result, _, _ = run(lambda _: reply(200), *cases, path=tmp_path)
    assert outcomes(result) == ["fail", "skipped", "fail", "fail"]
    assert cases[0].id in result.proofs[1].verdict.sentence


def test_families_run_in_order_with_identities_made_anew(tmp_path: Path) -> None:
    order: list[str] = []

    def remembering(name: str) -> Callable[[Lab], Awaitable[Judged]]:
        async def inner(lab: Lab) -> Judged:
            order.append(f"{name}:{(await lab.act(USER)).name}")
            return held("fine")

        return inner

    families = [Family.EXHAUSTION, Family.READ, Family.CROSS_WRITE, Family.READ]
    cases = [case(remembering(f.name), f"v{i}", family=f, test=f"t{i}") for i, f in enumerate(families)]
    result, world, _ = run(lambda _: reply(200), *cases, path=tmp_path)
    assert order == ["READ:user#1", "READ:user#1", "CROSS_WRITE:user#2", "EXHAUSTION:user#3"]
    assert world.cast.resets == 3
    assert [p.case for p in result.proofs] == [c.id for c in cases]


def test_a_used_up_budget_skips_the_rest_and_lists_it(tmp_path: Path) -> None:
    cases = [case(look, f"v{i}", test=f"t{i:02}") for i in range(20)]
    result, world, asked = run(lambda _: reply(403), *cases, path=tmp_path, limits=Limits(requests=11))
    assert len(asked) == 10
    assert outcomes(result).count("pass") == 10 and outcomes(result).count("skipped") == 10
    assert len(result.unreached) == 1 and "11 requests are used up" in result.stopped
    assert any(isinstance(event, Stopped) for event in world.events)


def test_a_failure_seen_when_the_budget_ends_is_neither_reported_nor_passed(tmp_path: Path) -> None:
    result, _, _ = run(lambda _: reply(200), case(look), path=tmp_path, limits=Limits(requests=1))
    verdict = only(result).verdict
    assert verdict.outcome is Outcome.INCONCLUSIVE and "anybody may read it" in verdict.sentence


def test_a_case_that_swallows_the_end_of_the_bounds_proves_nothing(tmp_path: Path) -> None:
    async def careless(lab: Lab) -> Judged:
        for _ in range(3):
            with suppress(NotReached):
                await lab.call(GET)
        return held("all is well")

    result, _, _ = run(lambda _: reply(403), case(careless), path=tmp_path, limits=Limits(requests=2))
    assert outcomes(result) == ["skipped"]


def test_requests_are_paced(tmp_path: Path) -> None:
    async def many(lab: Lab) -> Judged:
        for _ in range(25):
            await lab.call(GET)
        return held("done")

    for left in (2, 1, 0):
        began = time.monotonic()
        run(lambda _: reply(403), case(many), path=tmp_path, limits=Limits(per_second=10))
        taken = time.monotonic() - began
        assert taken >= 2.0
        if taken < 4.0:
            break
        assert left, "slower than asked for, three times: it is not the machine that was busy"


def test_a_stop_file_ends_the_run_and_everything_made_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "stop"

    async def make(lab: Lab) -> Judged:
        await lab.owned(lab.surface.targets[0], USER, fresh=True)
        file.touch()
        await asyncio.sleep(0.15)
        return await look(lab)

    cases = [case(make, "a", family=Family.OWN_WRITE), case(look, "b", family=Family.CROSS_WRITE)]
    result, world, _ = run(lambda _: reply(200), *cases, path=tmp_path, stop_file=file)
    assert outcomes(result) == ["skipped", "skipped"]
    assert result.stopped == "the stop file stop exists"
    assert world.objects.cleaned == world.objects.made == ["made-1"]


def test_an_interruption_ends_in_order_with_a_result(tmp_path: Path) -> None:
    async def go() -> tuple[RunResult, World]:
        play = _HangsOnThings()
        async with played(play) as site:
            world = World(surface_in(tmp_path), site, limits=Limits(call_seconds=30))

            async def make(lab: Lab) -> Judged:
                await lab.owned(lab.surface.targets[0], USER, fresh=True)
                return await look(lab)

            cases = (case(make, "a", family=Family.OWN_WRITE), case(look, "b", family=Family.CROSS_WRITE))
            task = asyncio.create_task(world.prove(*cases))
            async with asyncio.timeout(30):
                await play.looked_at.wait()
            task.cancel()
            return await task, world

    result, world = asyncio.run(go())
    assert outcomes(result) == ["skipped", "skipped"] and result.stopped == "interrupted"
    assert world.objects.cleaned == ["made-1"] and world.cast.closed


def test_control_c_is_an_interruption_like_any_other(tmp_path: Path) -> None:
    async def go() -> RunResult:
        play = _HangsOnThings()
        async with played(play) as site:
            interrupting = asyncio.create_task(play.interrupt())
            result = await World(surface_in(tmp_path), site, limits=Limits(call_seconds=30)).prove(case(look))
            await interrupting
            return result

    assert outcomes(asyncio.run(go())) == ["skipped"]


def test_what_breaks_around_the_cases_loses_none_of_them(tmp_path: Path) -> None:
    class Brittle(Tokens):
        async def reset(self) -> None:
            await super().reset()
            if self.resets == 2:
                raise OSError("the disk is full")

        async def close(self) -> None:
            raise OSError("the disk is full still")

    def failing(text: str) -> str:
        if "refused" in text:
            raise RuntimeError("no redaction")
        return text

    cases = [case(look, "a"), case(look, "b", family=Family.CROSS_WRITE)]
    result, world, _ = run(lambda _: reply(403), *cases, path=tmp_path, cast=Brittle())
    assert outcomes(result) == ["pass", "skipped"] and "the disk is full" in result.stopped
    assert any(isinstance(e, CleanedUp) and "the disk is full still" in e.left[0] for e in world.events)
    result, _, _ = run(lambda _: reply(403), cases[0], path=tmp_path, redact=failing)
    assert outcomes(result) == ["error"]


class _HangsOnThings:
    """Answers no case that looks at a thing; says when one does."""

    def __init__(self) -> None:
        self.looked_at = asyncio.Event()

    async def __call__(self, asked: Asked) -> bytes:
        if asked.method == "GET":
            self.looked_at.set()
            await asyncio.sleep(60)
        return reply(200)

    async def interrupt(self) -> None:
        """As Ctrl-C does, as soon as one does."""
        await self.looked_at.wait()
        os.kill(os.getpid(), signal.SIGINT)


def test_a_token_that_expires_in_the_middle_is_renewed_once(tmp_path: Path) -> None:
    good: set[str] = {"0"}

    def play(asked: Asked) -> bytes:
        generation = asked.header("authorization")[-1]
        return reply(200 if generation in good else 401)

    async def twice(lab: Lab) -> Judged:
        who = await lab.act(USER)
        assert (await lab.call(replace(GET, who=who))).ok
        good.clear()
        good.add("1")
        seen = await lab.call(replace(GET, who=who))
        good.clear()
        last = await lab.call(replace(GET, who=who))
        again = await lab.call(replace(GET, who=who))
        return held(f"{seen.status} {last.status} {again.status}", seen)

    result, world, _ = run(play, case(twice), path=tmp_path)
    assert only(result).verdict.sentence == "200 401 401"
    assert world.cast.renewals == 2  # after the first 401, and in vain after the second; the third had never worked


def test_a_forged_credential_is_not_renewed(tmp_path: Path) -> None:
    async def forge(lab: Lab) -> Judged:
        who = await lab.act(USER)
        await lab.call(replace(GET, who=who))
        seen = await lab.call(replace(GET, who=who, headers=(("Authorization", "Bearer forged"),)))
        return held("refused", seen) if seen.status == 401 else broken("taken", seen)

    def play(asked: Asked) -> bytes:
        return reply(401 if "forged" in asked.header("authorization") else 200)

    result, world, asked = run(play, case(forge), path=tmp_path)
    assert outcomes(result) == ["pass"] and world.cast.renewals == 0
    assert asked[1].head.lower().count(b"authorization") == 1


def test_a_credential_that_the_case_itself_ended_is_not_renewed(tmp_path: Path) -> None:
    ended: set[str] = set()

    def play(asked: Asked) -> bytes:
        who = asked.header("authorization")
        if asked.target == "/logout":
            ended.add(who)
        return reply(401 if who in ended else 200)

    async def leave(lab: Lab) -> Judged:
        who = await lab.act(USER, fresh=True)
        assert (await lab.call(replace(GET, who=who))).ok
        await lab.call(replace(GET, method="POST", target="/logout", who=who))
        seen = await lab.call(replace(GET, who=who))
        return broken("still in", seen) if seen.ok else held("out", seen)

    result, world, _ = run(play, case(leave), path=tmp_path)
    assert outcomes(result) == ["pass"] and world.cast.renewals == 0


def test_a_rate_limit_makes_way_for_another_identity_and_no_verdict(tmp_path: Path) -> None:
    def play(asked: Asked) -> bytes:
        worn = "user#1" in asked.header("authorization")
        return reply(429, b"", ("retry-after", "60")) if worn else reply(200)

    result, world, _ = run(play, case(look_as_user), path=tmp_path)
    assert outcomes(result) == ["pass"] and world.cast.retired == ["user#1"]


def test_a_rate_limit_that_nobody_else_escapes_is_waited_for_or_inconclusive(tmp_path: Path) -> None:
    cast = Tokens(replaceable=False)
    result, _, _ = run(
        lambda _: reply(429, b"", ("retry-after", "60")),
        case(look_as_user),
        path=tmp_path,
        cast=cast,
        limits=Limits(wait=1),
    )
    assert outcomes(result) == ["inconclusive"]
    answers = iter([reply(429, b"", ("retry-after", "1")), reply(200)])
    result, _, _ = run(lambda _: next(answers), case(look_as_user), path=tmp_path)
    assert outcomes(result) == ["pass"]


def test_exhaustion_cases_see_the_limit_themselves(tmp_path: Path) -> None:
    async def exhaust(lab: Lab) -> Judged:
        seen = await lab.call(GET)
        return held("limited", seen) if seen.status == 429 else broken("not limited", seen)

    play = lambda _: reply(429, b"", ("retry-after", "60"))  # noqa: E731
    result, _, _ = run(play, case(exhaust, family=Family.EXHAUSTION), path=tmp_path)
    assert outcomes(result) == ["pass"]


def test_identities_are_spared_before_a_declared_limit_is_reached(tmp_path: Path) -> None:
    surface = surface_in(tmp_path, api=", limits: {default: 10/minute}")
    cases = [case(look_as_user, f"v{i}", test=f"t{i:02}") for i in range(12)]
    result, _, asked = run(lambda _: reply(200), *cases, path=tmp_path, surface=surface, limits=Limits(concurrency=1))
    assert set(outcomes(result)) == {"pass"}
    by = Counter(a.header("authorization") for a in asked)
    assert max(by.values()) == 5 and len(by) == 3


def test_the_same_seed_gives_the_same_choices_and_verdicts(tmp_path: Path) -> None:
    def runs(seed: int) -> list[tuple[str, str, str]]:
        async def pick(lab: Lab) -> Judged:
            return held(f"{lab.random.randrange(10**9)}")

        cases = [case(pick, f"v{i}", test=f"t{i}") for i in range(6)]
        result, _, _ = run(lambda _: reply(200), *cases, path=tmp_path, seed=seed)
        return [(p.case, str(p.verdict.outcome), p.verdict.sentence) for p in result.proofs]

    assert runs(1) == runs(1)
    assert runs(1) != runs(2)
    assert len({sentence for _, _, sentence in runs(1)}) == 6


def test_production_is_refused_without_authority_which_is_recorded(tmp_path: Path) -> None:
    surface = surface_in(tmp_path, tier="production")
    with pytest.raises(UsageError, match="in production"):
        run(lambda _: reply(403), case(look), path=tmp_path, surface=surface)
    result, _, _ = run(lambda _: reply(403), case(look), path=tmp_path, surface=surface, authorised=True)
    assert result.authorised and outcomes(result) == ["pass"]


def test_without_leave_to_write_only_own_objects_are_changed(tmp_path: Path) -> None:
    async def delete(lab: Lab) -> Judged:
        mine = await lab.owned(lab.surface.targets[1], USER, fresh=True)
        first = await lab.call(Call(method="DELETE", target=f"/things/{mine.params['id']}"))
        assert first.ok
        await lab.call(Call(method="DELETE", target="/things/thing-1"))
        return held("never")

    surface = surface_in(tmp_path, allow_writes=False)
    result, _, asked = run(lambda _: reply(200), case(delete, family=Family.OWN_WRITE), path=tmp_path, surface=surface)
    assert outcomes(result) == ["inconclusive"]
    assert {a.target for a in asked if a.method == "DELETE"} == {"/things/made-1"}


def test_what_is_kept_holds_no_secret(tmp_path: Path) -> None:
    async def leaky(lab: Lab) -> Judged:
        who = await lab.act(OTHER)
        secret = await lab.credential(who)
        seen = await lab.call(
            Call(method="POST", target=f"/login?token={secret}", who=who, body=f"pw={secret}".encode())
        )
        return broken(f"it says {seen.text}", seen)

    def play(asked: Asked) -> bytes:
        return reply(200, asked.header("authorization").encode(), ("set-cookie", "sid=abc"), ("x-echo", asked.target))

    result, world, _ = run(play, case(leaky), path=tmp_path)
    proof = only(result)
    assert proof.verdict.outcome is Outcome.FAIL
    text = repr(proof)
    assert world.cast.handed and not any(secret in text for secret in world.cast.handed)
    assert "sid=abc" not in text
    assert proof.reproduce is not None and '-H "authorization: Bearer ${TOKEN_OTHER' in proof.reproduce


def test_a_redirect_is_followed_only_inside(tmp_path: Path) -> None:
    def play(asked: Asked) -> bytes:
        if asked.target == "/inside":
            return reply(302, b"", ("location", "/things/thing-1"))
        if asked.target == "/outside":
            return reply(302, b"", ("location", "http://example.com/steal"))
        if asked.target == "/loop":
            return reply(302, b"", ("location", "/loop"))
        return reply(200)

    async def follow(lab: Lab) -> Judged:
        found = [await lab.call(replace(GET, target=t, follow=True)) for t in ("/inside", "/outside", "/loop")]
        return held(" ".join(str(seen.status) for seen in found))

    result, _, asked = run(play, case(follow), path=tmp_path)
    assert only(result).verdict.sentence == "200 302 302"
    assert len(asked) == 2 + 1 + 6


def test_every_finished_case_is_told_at_once(tmp_path: Path) -> None:
    cases = [case(look, f"v{i}", test=f"t{i}") for i in range(5)]
    _, world, _ = run(lambda _: reply(403), *cases, path=tmp_path)
    assert {e.proof.case for e in world.events if isinstance(e, CaseFinished)} == {c.id for c in cases}


def test_callers_come_from_addresses_of_their_own(tmp_path: Path) -> None:
    inside = replace(OTHER, sources=("127.9.0.0/16",))
    outside = Persona("far", "far", (), ("token",), sources=("192.0.2.0/24",))

    async def go_round(lab: Lab) -> Judged:
        user, other = await lab.act(USER), await lab.act(inside)
        for who in (user, other, user, None):
            await lab.call(replace(GET, who=who))
        await lab.call(replace(GET, source="127.0.0.251"))
        await lab.call(replace(GET, who=await lab.act(outside)))
        return held("never")

    surface = surface_in(tmp_path, personas=(USER, inside, outside))
    result, _, asked = run(lambda _: reply(200), case(go_round), path=tmp_path, surface=surface)
    peers = [a.peer for a in asked]
    assert peers[0] == peers[2] != peers[3] and peers[1].startswith("127.9.0.") and peers[4] == "127.0.0.251"
    assert "must call from 192.0.2.0/24" in only(result).verdict.sentence


def test_nobody_can_be_called_who_was_not_declared(tmp_path: Path) -> None:
    async def around(lab: Lab) -> Judged:
        await lab.call(replace(GET, direct=True))
        return held("never")

    async def elsewhere(lab: Lab) -> Judged:
        await lab.call(replace(GET, source="192.0.2.1"))
        return held("never")

    async def unseen(lab: Lab) -> Judged:
        await lab.log_holds("x")
        return held("never")

    async def twofold(lab: Lab) -> Judged:
        await lab.call(replace(GET, target="/a b"))
        return held("never")

    cases = [case(each, each.__name__, test=each.__name__) for each in (around, elsewhere, unseen, twofold)]
    result, _, asked = run(lambda _: reply(200), *cases, path=tmp_path)
    assert outcomes(result) == ["inconclusive", "inconclusive", "inconclusive", "error"] and not asked
    said = [p.verdict.sentence for p in result.proofs]
    assert (
        "no upstream is declared" in said[0] and "cannot call from 192.0.2.1" in said[1] and "no access log" in said[2]
    )


def test_straight_at_the_services_each_api_has_its_own_address(tmp_path: Path) -> None:
    async def ask(lab: Lab) -> Judged:
        seen = await lab.call(GET)
        return held(f"{seen.status}", seen) if seen.refused else broken("open", seen)

    async def go() -> tuple[RunResult, int]:
        async with played(lambda _: reply(200)) as other, played(lambda _: reply(404)) as site:
            surface = surface_in(tmp_path, via="direct", upstreams={"shop": site.url, "else": other.url})
            result = await World(surface, site).prove(
                case(ask, "a"),
                replace(case(ask, "b", test="b"), api="else"),
                case(ask, "c", test="c", needs_gateway=True),
            )
            return result, len(other.asked)

    result, asked = asyncio.run(go())
    assert outcomes(result) == ["pass", "fail", "not_applicable"] and asked == 2
    assert result.proofs[0].refused_by == "upstream" and result.proofs[0].via == "direct"


def test_a_gateway_that_answers_to_names_is_called_by_its_name(tmp_path: Path) -> None:
    for hosts, said in (('"*.shop.test"', "assay.shop.test"), ('"api.shop.test"', "api.shop.test")):
        surface = surface_in(tmp_path, api=f", hosts: [{hosts}]")
        _, _, asked = run(lambda _: reply(403), case(look), path=tmp_path, surface=surface)
        assert [line for line in asked[0].head.lower().split(b"\r\n") if line.startswith(b"host:")] == [
            f"host: {said}".encode()
        ]


def test_canaries_and_stores_are_seen_through_the_lab(tmp_path: Path) -> None:
    async def plant(lab: Lab) -> Judged:
        canary = await lab.listen()
        assert not await lab.heard(canary, within=0.05)
        await lab.call(replace(GET, method="POST", target="/fetch", body=canary.url.encode()))
        heard = await lab.heard(canary)
        return held(f"{heard} {await lab.stored(b'word')} {await lab.stored(b'other')}", None, heard=heard)

    async def play(asked: Asked) -> bytes:
        host, _, path = asked.body.decode().removeprefix("http://").partition("/")
        reader, writer = await asyncio.open_connection(*host.split(":"))
        writer.write(f"GET /{path} HTTP/1.1\r\n\r\n".encode())
        await reader.read()
        writer.close()
        await writer.wait_closed()
        return reply(200)

    result, _, _ = run(play, case(plant), path=tmp_path)
    assert only(result).verdict.sentence == "True True False"
    assert only(result).facts == {"looked": "a word", "heard": True}
